// Lookup: the nouns an operation names by ARN, or the API's error for those that are not there.
#pragma once
#include <string>
#include <string_view>

#include "elbv2/control_plane.h"

namespace elbv2 {

std::string elb_arn(const ControlPlane& elb, std::string_view resource);

LoadBalancer need_load_balancer(ControlPlane& elb, const std::string& arn);
Listener need_listener(ControlPlane& elb, const std::string& arn);
ListenerRule need_rule(ControlPlane& elb, const std::string& arn);
TargetGroup need_target_group(ControlPlane& elb, const std::string& arn);
// ARNs of the load balancers that forward to the group: none or one.
std::vector<std::string> load_balancers_of(ControlPlane& elb, std::string_view group_arn);

}  // namespace elbv2
