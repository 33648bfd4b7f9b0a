// Shapes: nouns to the API's own JSON shapes and back. What Describe answers is what the store
// keeps. Readers are lenient about leaves (the Query protocol has only text); checking is api/'s
// business.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "elbv2/model.h"

namespace elbv2 {

// A leaf as text, whatever its kind; "" for null, lists and structures.
std::string leaf(const base::Node& node);
int leaf_int(const base::Node& node, int fallback);
bool leaf_bool(const base::Node& node, bool fallback);
std::vector<std::string> leaf_list(const base::Node& node);

base::Node to_node(const RuleCondition& condition);
RuleCondition condition_from(const base::Node& node);
base::Node to_node(const RuleAction& action);
RuleAction action_from(const base::Node& node);
base::Node to_node(const std::vector<RuleAction>& actions);
std::vector<RuleAction> actions_from(const base::Node& node);

base::Node to_node(const LoadBalancer& load_balancer);
LoadBalancer load_balancer_from(const base::Node& node);
base::Node to_node(const Listener& listener);  // without DefaultActions
Listener listener_from(const base::Node& node);
base::Node to_node(const ListenerRule& rule);
ListenerRule rule_from(const base::Node& node);
base::Node to_node(const TargetGroup& group);  // without LoadBalancerArns
TargetGroup target_group_from(const base::Node& node);
// The health check's members, inside a target group's shape; keeps what `node` does not name.
void read_health_check(const base::Node& node, HealthCheck& into);

base::Node to_node(const Tags& tags);  // [{Key, Value}]
Tags tags_from(const base::Node& node);

}  // namespace elbv2
