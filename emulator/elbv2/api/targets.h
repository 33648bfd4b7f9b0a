// Registering and deregistering targets: what both the operations and ECS's plain calls do.
#pragma once
#include <string>
#include <vector>

#include "elbv2/control_plane.h"

namespace elbv2 {

// Inside a transaction. `zone` is "" for the plain calls.
void register_targets(ControlPlane& elb, const std::string& group_arn,
                      const std::vector<TargetAddress>& targets, const std::string& zone);
void deregister_targets(ControlPlane& elb, const std::string& group_arn,
                        const std::vector<TargetAddress>& targets);

}  // namespace elbv2
