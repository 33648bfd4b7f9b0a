// Targets: register, deregister, and their health. API reference: RegisterTargets,
// DeregisterTargets, DescribeTargetHealth.
#include "elbv2/api/targets.h"

#include <algorithm>

#include "base/text.h"
#include "elbv2/api/input.h"
#include "elbv2/api/lookup.h"
#include "elbv2/api/operations.h"
#include "elbv2/health_state.h"
#include "elbv2/rule_match.h"
#include "elbv2/shapes.h"

namespace elbv2 {
namespace {

using base::Node;

constexpr size_t kMaxTargetsPerGroup = 1000;

// An IP target lies in the VPC or in private address space. GAP: loopback is admitted too, for a
// backend that was started by hand.
void check_target(const TargetGroup& group, const std::string& id) {
    if (group.target_type != TargetType::Ip) return;
    static constexpr std::string_view kRanges[] = {
        "10.0.0.0/8",  "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16",
        "127.0.0.0/8", "fc00::/7",      "::1/128"};
    Cidr self;
    if (id.find('/') != std::string::npos || !parse_cidr(id, self))
        invalid("The IP address '" + id + "' is not a valid IPv4 or IPv6 address");
    bool allowed = std::ranges::any_of(kRanges, [&](std::string_view text) {
        Cidr range;
        return parse_cidr(text, range) && contains(range, id);
    });
    if (!allowed)
        invalid("The IP address '" + id +
                "' is not within the VPC of the target group or an allowed private range");
}

std::vector<TargetAddress> addresses(const Node& input) {
    std::vector<TargetAddress> targets;
    for (const Node& item : input["Targets"].items())
        targets.push_back(
            {required(item, "Id"), static_cast<uint16_t>(integer(item, "Port", 0, 1, 65535))});
    return targets;
}

aws::Reply register_operation(ControlPlane& elb, const aws::Call& call) {
    std::string arn = required(call.input, "TargetGroupArn");
    if (call.input["Targets"].items().empty()) invalid("A list of targets must be specified");
    auto targets = addresses(call.input);
    for (size_t i = 0; i < targets.size(); ++i)
        register_targets(elb, arn, {targets[i]},
                         leaf(call.input["Targets"].items()[i]["AvailabilityZone"]));
    return reply();
}

aws::Reply deregister_operation(ControlPlane& elb, const aws::Call& call) {
    if (call.input["Targets"].items().empty()) invalid("A list of targets must be specified");
    deregister_targets(elb, required(call.input, "TargetGroupArn"), addresses(call.input));
    return reply();
}

Node description(const TargetGroup& group, const Target& target, const TargetHealth& health) {
    Node shown = Node::object({{"State", name_of(health.state)}});
    if (!health.reason.empty()) shown.set("Reason", health.reason);
    if (!health.description.empty()) shown.set("Description", health.description);
    Node identity = Node::object({{"Id", target.id}, {"Port", static_cast<int>(target.port)}});
    if (!target.zone.empty()) identity.set("AvailabilityZone", target.zone);
    const std::string& port = group.health_check.port;
    return Node::object(
        {{"Target", identity},
         {"HealthCheckPort", port == "traffic-port" ? std::to_string(target.port) : port},
         {"TargetHealth", shown}});
}

aws::Reply describe_target_health(ControlPlane& elb, const aws::Call& call) {
    TargetGroup group = need_target_group(elb, required(call.input, "TargetGroupArn"));
    auto snapshot = elb.snapshot().get();
    const RoutedGroup* routed = snapshot->group(group.arn);
    auto asked = addresses(call.input);
    Node list = Node::array();
    auto matches = [&](const TargetAddress& one, const Target& target) {
        return one.id == target.id && (one.port == 0 || one.port == target.port);
    };
    if (routed) {
        for (const RoutedTarget& target : routed->targets) {
            bool wanted = asked.empty() || std::ranges::any_of(asked, [&](const auto& one) {
                              return matches(one, target.target);
                          });
            if (wanted)
                list.push_back(description(group, target.target, shown_health(*routed, target)));
        }
    }
    for (const TargetAddress& one : asked) {
        bool known =
            routed && std::ranges::any_of(routed->targets, [&](const RoutedTarget& target) {
                return matches(one, target.target);
            });
        if (known) continue;
        Target missing{one.id, one.port ? one.port : group.port, {}, {}, {}};
        list.push_back(description(group, missing,
                                   {HealthState::Unused,
                                    "Target.NotRegistered",
                                    "Target is not registered to the target group",
                                    {}}));
    }
    return reply(Node::object({{"TargetHealthDescriptions", list}}));
}

constexpr Operation kOperations[] = {
    {"RegisterTargets", register_operation},
    {"DeregisterTargets", deregister_operation},
    {"DescribeTargetHealth", describe_target_health},
};

}  // namespace

const std::span<const Operation> target_operations = kOperations;

void register_targets(ControlPlane& elb, const std::string& group_arn,
                      const std::vector<TargetAddress>& targets, const std::string& zone) {
    TargetGroup group = need_target_group(elb, group_arn);
    auto existing = elb.store().targets(group_arn);
    base::Time now = elb.clock().now();
    for (const TargetAddress& address : targets) {
        check_target(group, address.id);
        Target target{address.id, address.port ? address.port : group.port, zone, now, {}};
        if (target.zone.empty()) target.zone = elb.ids().region() + "a";
        auto same = std::ranges::find_if(existing, [&](const Target& other) {
            return other.id == target.id && other.port == target.port;
        });
        if (same != existing.end() && !same->is_draining()) continue;
        if (existing.size() >= kMaxTargetsPerGroup)
            fail("TooManyTargets",
                 "The maximum number of targets per target group has been reached");
        elb.store().put(group_arn, target);
        if (same == existing.end()) existing.push_back(target);
        // A target that was draining starts anew.
        elb.live().target(group_arn, target.id, target.port)->update([&](HealthRecord& record) {
            record = fresh_record(now);
        });
    }
}

void deregister_targets(ControlPlane& elb, const std::string& group_arn,
                        const std::vector<TargetAddress>& targets) {
    TargetGroup group = need_target_group(elb, group_arn);
    for (Target& target : elb.store().targets(group_arn)) {
        bool leaves = std::ranges::any_of(targets, [&](const TargetAddress& address) {
            return address.id == target.id && (address.port == 0 || address.port == target.port);
        });
        if (!leaves || target.is_draining()) continue;
        target.draining_since = elb.clock().now();
        elb.store().put(group_arn, target);
    }
}

}  // namespace elbv2
