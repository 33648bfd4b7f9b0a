// The operation tables of this folder's files, joined by control_plane.cpp.
#pragma once
#include <span>

#include "elbv2/control_plane.h"

namespace elbv2 {

extern const std::span<const Operation> load_balancer_operations;
extern const std::span<const Operation> listener_operations;
extern const std::span<const Operation> rule_operations;
extern const std::span<const Operation> target_group_operations;
extern const std::span<const Operation> target_operations;
extern const std::span<const Operation> tag_operations;

}  // namespace elbv2
