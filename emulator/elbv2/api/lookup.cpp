// See lookup.h. alb.md §24.
#include "elbv2/api/lookup.h"

#include <algorithm>

#include "aws/arn.h"
#include "elbv2/api/input.h"

namespace elbv2 {
namespace {

void check_arn(std::string_view arn, std::string_view kind, std::string_view what) {
    auto parsed = aws::parse_arn(arn);
    bool fits =
        parsed && parsed->service == "elasticloadbalancing" && parsed->resource.starts_with(kind);
    if (!fits) invalid("'" + std::string(arn) + "' is not a valid " + std::string(what) + " ARN");
}

}  // namespace

std::string elb_arn(const ControlPlane& elb, std::string_view resource) {
    return aws::make_arn("elasticloadbalancing", elb.ids().region(), elb.ids().account(), resource);
}

LoadBalancer need_load_balancer(ControlPlane& elb, const std::string& arn) {
    auto found = elb.store().load_balancer(arn);
    if (found) return *found;
    check_arn(arn, "loadbalancer/", "load balancer");
    fail("LoadBalancerNotFound", "Load balancer '" + arn + "' not found");
}

Listener need_listener(ControlPlane& elb, const std::string& arn) {
    auto found = elb.store().listener(arn);
    if (found) return *found;
    check_arn(arn, "listener/", "listener");
    fail("ListenerNotFound", "One or more listeners not found");
}

ListenerRule need_rule(ControlPlane& elb, const std::string& arn) {
    auto found = elb.store().rule(arn);
    if (found) return *found;
    check_arn(arn, "listener-rule/", "listener rule");
    fail("RuleNotFound", "One or more rules not found");
}

TargetGroup need_target_group(ControlPlane& elb, const std::string& arn) {
    auto found = elb.store().target_group(arn);
    if (found) return *found;
    check_arn(arn, "targetgroup/", "target group");
    fail("TargetGroupNotFound", "One or more target groups not found");
}

std::vector<std::string> load_balancers_of(ControlPlane& elb, std::string_view group_arn) {
    std::vector<std::string> arns;
    for (const ListenerRule& rule : elb.store().rules("")) {
        for (const RuleAction& action : rule.actions) {
            bool forwards = std::ranges::any_of(
                action.forward.groups,
                [&](const WeightedGroup& group) { return group.target_group_arn == group_arn; });
            if (!forwards) continue;
            auto listener = elb.store().listener(rule.listener_arn);
            if (listener && std::ranges::find(arns, listener->load_balancer_arn) == arns.end())
                arns.push_back(listener->load_balancer_arn);
        }
    }
    return arns;
}

}  // namespace elbv2
