// Listener rules: create, describe, modify, priorities, delete. API reference: CreateRule and kin.
#include <algorithm>
#include <map>

#include "elbv2/api/input.h"
#include "elbv2/api/lookup.h"
#include "elbv2/api/operations.h"
#include "elbv2/api/rule_input.h"
#include "elbv2/shapes.h"

namespace elbv2 {
namespace {

using base::Node;

constexpr size_t kMaxRules = 100;
constexpr int kMaxPriority = 50000;

aws::Reply described(const std::vector<ListenerRule>& rules) {
    Node list = Node::array();
    for (const ListenerRule& rule : rules)
        list.push_back(to_node(rule));
    return reply(Node::object({{"Rules", list}}));
}

void refuse_transforms(const Node& input) {
    if (!input["Transforms"].items().empty()) not_emulated("A rule's transform");
}

// The rule's ARN is its listener's with an id of its own, the same for the same priority.
std::string new_rule_arn(ControlPlane& elb, const Listener& listener, int priority) {
    std::string suffix = listener.arn.substr(listener.arn.find("listener/") + 9);
    for (int attempt = 0;; ++attempt) {
        std::string name = suffix + ":" + std::to_string(priority) +
                           (attempt ? "#" + std::to_string(attempt) : "");
        std::string arn =
            elb_arn(elb, "listener-rule/" + suffix + "/" +
                             elb.ids().derive("rule", name, "id", 16, base::Ids::kHex));
        if (!elb.store().rule(arn)) return arn;
    }
}

aws::Reply create_rule(ControlPlane& elb, const aws::Call& call) {
    Listener listener = need_listener(elb, required(call.input, "ListenerArn"));
    required(call.input, "Priority");
    refuse_transforms(call.input);
    ListenerRule rule;
    rule.listener_arn = listener.arn;
    rule.priority = integer(call.input, "Priority", 1, 1, kMaxPriority);
    auto existing = elb.store().rules(listener.arn);
    if (std::ranges::find(existing, rule.priority, &ListenerRule::priority) != existing.end())
        fail("PriorityInUse",
             "Priority '" + std::to_string(rule.priority) + "' is currently in use");
    if (existing.size() > kMaxRules)
        fail("TooManyRules", "The maximum number of rules per load balancer has been reached");
    rule.conditions = checked_conditions(call.input["Conditions"]);
    rule.actions = checked_actions(elb, call.input["Actions"], listener);
    rule.tags = tags_from(call.input["Tags"]);
    rule.arn = new_rule_arn(elb, listener, rule.priority);
    elb.store().put(rule);
    return described({rule});
}

aws::Reply describe_rules(ControlPlane& elb, const aws::Call& call) {
    std::string listener = leaf(call.input["ListenerArn"]);
    auto arns = names(call.input, "RuleArns");
    if (listener.empty() && arns.empty())
        invalid("You must specify either rule ARNs or a listener ARN");
    std::vector<Node> found;
    if (!listener.empty()) {
        need_listener(elb, listener);
        for (const ListenerRule& rule : elb.store().rules(listener))
            found.push_back(to_node(rule));
    }
    for (const std::string& arn : arns)
        found.push_back(to_node(need_rule(elb, arn)));
    return reply(page(call.input, "Rules", std::move(found)));
}

aws::Reply modify_rule(ControlPlane& elb, const aws::Call& call) {
    ListenerRule rule = need_rule(elb, required(call.input, "RuleArn"));
    refuse_transforms(call.input);
    if (rule.is_default())
        fail("OperationNotPermitted", "Default rule '" + rule.arn + "' cannot be modified");
    // Lists that are given replace the whole; omitted ones stay.
    if (!call.input["Conditions"].items().empty())
        rule.conditions = checked_conditions(call.input["Conditions"]);
    if (!call.input["Actions"].items().empty())
        rule.actions =
            checked_actions(elb, call.input["Actions"], need_listener(elb, rule.listener_arn));
    elb.store().put(rule);
    return described({rule});
}

aws::Reply set_rule_priorities(ControlPlane& elb, const aws::Call& call) {
    std::map<std::string, int> wanted;
    std::map<int, std::string> taken;
    for (const Node& item : call.input["RulePriorities"].items()) {
        std::string arn = required(item, "RuleArn");
        required(item, "Priority");
        int priority = integer(item, "Priority", 1, 1, kMaxPriority);
        if (!taken.emplace(priority, arn).second)
            invalid("Priority '" + std::to_string(priority) + "' was provided multiple times");
        wanted[arn] = priority;
    }
    if (wanted.empty()) invalid("A list of rule priorities must be specified");
    std::vector<ListenerRule> changed;
    for (const auto& [arn, priority] : wanted) {
        ListenerRule rule = need_rule(elb, arn);
        if (rule.is_default())
            fail("OperationNotPermitted", "The priority of the default rule cannot be changed");
        for (const ListenerRule& other : elb.store().rules(rule.listener_arn))
            if (other.priority == priority && !wanted.contains(other.arn))
                fail("PriorityInUse",
                     "Priority '" + std::to_string(priority) + "' is currently in use");
        rule.priority = priority;
        changed.push_back(std::move(rule));
    }
    for (const ListenerRule& rule : changed)
        elb.store().put(rule);
    return described(changed);
}

aws::Reply delete_rule(ControlPlane& elb, const aws::Call& call) {
    ListenerRule rule = need_rule(elb, required(call.input, "RuleArn"));
    if (rule.is_default())
        fail("OperationNotPermitted", "Default rule '" + rule.arn + "' cannot be deleted");
    elb.store().remove_rule(rule.arn);
    return reply();
}

constexpr Operation kOperations[] = {
    {"CreateRule", create_rule}, {"DescribeRules", describe_rules},
    {"ModifyRule", modify_rule}, {"SetRulePriorities", set_rule_priorities},
    {"DeleteRule", delete_rule},
};

}  // namespace

const std::span<const Operation> rule_operations = kOperations;

}  // namespace elbv2
