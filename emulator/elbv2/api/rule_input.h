// Rule input: actions and conditions as an operation gives them, checked as the API does.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "elbv2/control_plane.h"

namespace elbv2 {

std::vector<RuleAction> checked_actions(ControlPlane& elb, const base::Node& list,
                                        const Listener& listener);
std::vector<RuleCondition> checked_conditions(const base::Node& list);

}  // namespace elbv2
