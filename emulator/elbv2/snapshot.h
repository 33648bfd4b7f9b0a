// RoutingSnapshot: what the request path sees of the configuration, immutable, rebuilt after each
// commit: rules compiled and in order, attributes parsed, groups with their targets.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "elbv2/desync.h"
#include "elbv2/live_target.h"
#include "elbv2/model.h"
#include "elbv2/rule_match.h"
#include "http/message.h"

namespace elbv2 {

enum class ForwardedForMode : uint8_t { Append, Preserve, Remove };
enum class Toggle : uint8_t { Off, On };

struct LoadBalancerSettings {
    std::chrono::seconds idle_timeout{60};
    std::chrono::seconds client_keep_alive{3600};
    DesyncMode desync = DesyncMode::Defensive;
    ForwardedForMode forwarded_for = ForwardedForMode::Append;
    Toggle forwarded_for_port = Toggle::Off;
    Toggle drop_invalid_headers = Toggle::Off;
    Toggle preserve_host = Toggle::Off;
    Toggle tls_headers = Toggle::Off;
    Toggle http2 = Toggle::On;
    Toggle access_log = Toggle::Off;
    std::string access_log_bucket, access_log_prefix;
};

struct ListenerSettings {
    Toggle server_header = Toggle::On;
    std::vector<http::Header> injected;  // overwrite the target's
};

enum class Algorithm : uint8_t { RoundRobin, LeastOutstandingRequests, WeightedRandom };
enum class Stickiness : uint8_t { None, LoadBalancerCookie, AppCookie };

struct TargetGroupSettings {
    Algorithm algorithm = Algorithm::RoundRobin;
    Stickiness stickiness = Stickiness::None;
    std::chrono::seconds sticky_for{86400};
    std::string app_cookie;
    std::chrono::seconds slow_start{0};
    std::chrono::seconds deregistration_delay{300};
    int minimum_healthy = 1;          // fewer: fail open
    int minimum_healthy_percent = 0;  // 0 = off
};

LoadBalancerSettings parse_load_balancer_settings(const Attributes& attributes);
ListenerSettings parse_listener_settings(const Attributes& attributes);
TargetGroupSettings parse_target_group_settings(const Attributes& attributes);

struct RoutedTarget {
    Target target;
    std::string address;  // "10.0.1.5:3000", as logs and traces show it
    std::shared_ptr<LiveTarget> live;
};

struct RoutedGroup {
    TargetGroup group;
    TargetGroupSettings settings;
    std::vector<RoutedTarget> targets;
    std::shared_ptr<LiveGroup> live;
    std::string load_balancer_arn;  // "" = no listener or rule forwards here
};

struct RoutedForward {
    std::shared_ptr<const RoutedGroup> group;  // null: deleted
    int weight = 1;
};

struct RoutedRule {
    ListenerRule rule;
    std::string label;  // "rule 10" or "the default rule"
    std::vector<CompiledCondition> conditions;
    RuleAction action;  // the last, deciding one
    std::vector<RoutedForward> forwards;
};

struct RoutedLoadBalancer;

struct RoutedListener {
    Listener listener;
    ListenerSettings settings;
    std::vector<RoutedRule> rules;  // by priority, the default rule last
    const RoutedLoadBalancer* owner = nullptr;
};

struct RoutedLoadBalancer {
    LoadBalancer load_balancer;
    LoadBalancerSettings settings;
    std::vector<RoutedListener> listeners;

    // The listener on a declared port, or null.
    const RoutedListener* on_port(uint16_t port) const;
};

struct RoutingSnapshot {
    std::vector<std::unique_ptr<const RoutedLoadBalancer>> load_balancers;
    std::vector<std::shared_ptr<const RoutedGroup>> groups;
    std::unordered_map<std::string, const RoutedListener*, base::TransparentHash, std::equal_to<>>
        by_listener_arn;
    // dns name and NAME.localhost, lower case
    std::unordered_map<std::string, const RoutedLoadBalancer*, base::TransparentHash,
                       std::equal_to<>>
        by_host;

    const RoutedListener* listener(std::string_view arn) const;
    const RoutedLoadBalancer* host(
        std::string_view host) const;  // any case, with or without a port
    const RoutedGroup* group(std::string_view arn) const;
};

// Everything the store holds, as it is.
struct Configuration {
    struct GroupTargets {
        TargetGroup group;
        std::vector<Target> targets;
    };
    std::vector<LoadBalancer> load_balancers;
    std::vector<Listener> listeners;
    std::vector<ListenerRule> rules;
    std::vector<GroupTargets> groups;
};

std::shared_ptr<const RoutingSnapshot> build_snapshot(const Configuration& configuration,
                                                      LiveTargets& live);

}  // namespace elbv2
