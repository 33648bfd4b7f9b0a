// See snapshot.h. Attribute defaults: alb.md §23.
#include "elbv2/snapshot.h"

#include <algorithm>
#include <set>

namespace elbv2 {
namespace {

std::string_view value_of(const Attributes& attributes, std::string_view key) {
    auto found = attributes.find(key);
    return found == attributes.end() ? std::string_view() : std::string_view(found->second);
}

Toggle toggle(const Attributes& attributes, std::string_view key, Toggle fallback) {
    std::string_view value = value_of(attributes, key);
    if (value.empty()) return fallback;
    return value == "true" ? Toggle::On : Toggle::Off;
}

std::chrono::seconds duration(const Attributes& attributes, std::string_view key,
                              std::chrono::seconds fallback) {
    auto value = base::parse_unsigned(value_of(attributes, key));
    return value ? std::chrono::seconds(*value) : fallback;
}

// Injected response headers, key → header name.
struct Injected {
    std::string_view key, header;
};
constexpr Injected kInjected[] = {
    {"routing.http.response.strict_transport_security.header_value", "Strict-Transport-Security"},
    {"routing.http.response.access_control_allow_origin.header_value",
     "Access-Control-Allow-Origin"},
    {"routing.http.response.access_control_allow_methods.header_value",
     "Access-Control-Allow-Methods"},
    {"routing.http.response.access_control_allow_headers.header_value",
     "Access-Control-Allow-Headers"},
    {"routing.http.response.access_control_allow_credentials.header_value",
     "Access-Control-Allow-Credentials"},
    {"routing.http.response.access_control_expose_headers.header_value",
     "Access-Control-Expose-Headers"},
    {"routing.http.response.access_control_max_age.header_value", "Access-Control-Max-Age"},
    {"routing.http.response.content_security_policy.header_value", "Content-Security-Policy"},
    {"routing.http.response.x_content_type_options.header_value", "X-Content-Type-Options"},
    {"routing.http.response.x_frame_options.header_value", "X-Frame-Options"},
};

using GroupMap = std::map<std::string, std::shared_ptr<RoutedGroup>, std::less<>>;

RoutedRule route_rule(const ListenerRule& rule, const GroupMap& groups) {
    RoutedRule routed;
    routed.rule = rule;
    routed.label = rule.is_default() ? "the default rule" : "rule " + std::to_string(rule.priority);
    for (const RuleCondition& condition : rule.conditions)
        compile(condition, routed.conditions.emplace_back());
    if (!rule.actions.empty()) {
        routed.action = *std::ranges::max_element(rule.actions, {}, &RuleAction::order);
        for (const WeightedGroup& group : routed.action.forward.groups) {
            auto found = groups.find(group.target_group_arn);
            routed.forwards.push_back(
                {found == groups.end() ? nullptr : found->second, group.weight});
        }
    }
    return routed;
}

RoutedListener route_listener(const Listener& listener, const Configuration& all,
                              const GroupMap& groups) {
    RoutedListener routed;
    routed.listener = listener;
    routed.settings = parse_listener_settings(listener.attributes);
    for (const ListenerRule& rule : all.rules)
        if (rule.listener_arn == listener.arn) routed.rules.push_back(route_rule(rule, groups));
    std::ranges::stable_sort(routed.rules, {},
                             [](const RoutedRule& rule) { return rule.rule.priority; });
    return routed;
}

std::shared_ptr<RoutedGroup> route_group(const Configuration::GroupTargets& from,
                                         LiveTargets& live) {
    auto routed = std::make_shared<RoutedGroup>();
    routed->group = from.group;
    routed->settings = parse_target_group_settings(from.group.attributes);
    routed->live = live.group(from.group.arn);
    for (const Target& target : from.targets)
        routed->targets.push_back({target, target.id + ":" + std::to_string(target.port),
                                   live.target(from.group.arn, target.id, target.port)});
    return routed;
}

// A group belongs to the load balancer one of whose rules forwards to it.
void attach_groups(const Configuration& all, GroupMap& groups) {
    std::map<std::string, std::string> owner;
    for (const Listener& listener : all.listeners)
        owner[listener.arn] = listener.load_balancer_arn;
    for (const ListenerRule& rule : all.rules)
        for (const RuleAction& action : rule.actions)
            for (const WeightedGroup& group : action.forward.groups)
                if (auto found = groups.find(group.target_group_arn); found != groups.end())
                    found->second->load_balancer_arn = owner[rule.listener_arn];
}

}  // namespace

LoadBalancerSettings parse_load_balancer_settings(const Attributes& a) {
    LoadBalancerSettings s;
    s.idle_timeout = duration(a, "idle_timeout.timeout_seconds", s.idle_timeout);
    s.client_keep_alive = duration(a, "client_keep_alive.seconds", s.client_keep_alive);
    std::string_view desync = value_of(a, "routing.http.desync_mitigation_mode");
    if (desync == "monitor") s.desync = DesyncMode::Monitor;
    if (desync == "strictest") s.desync = DesyncMode::Strictest;
    std::string_view mode = value_of(a, "routing.http.xff_header_processing.mode");
    if (mode == "preserve") s.forwarded_for = ForwardedForMode::Preserve;
    if (mode == "remove") s.forwarded_for = ForwardedForMode::Remove;
    s.forwarded_for_port = toggle(a, "routing.http.xff_client_port.enabled", Toggle::Off);
    s.drop_invalid_headers =
        toggle(a, "routing.http.drop_invalid_header_fields.enabled", Toggle::Off);
    s.preserve_host = toggle(a, "routing.http.preserve_host_header.enabled", Toggle::Off);
    s.tls_headers =
        toggle(a, "routing.http.x_amzn_tls_version_and_cipher_suite.enabled", Toggle::Off);
    s.http2 = toggle(a, "routing.http2.enabled", Toggle::On);
    s.access_log = toggle(a, "access_logs.s3.enabled", Toggle::Off);
    s.access_log_bucket = value_of(a, "access_logs.s3.bucket");
    s.access_log_prefix = value_of(a, "access_logs.s3.prefix");
    return s;
}

ListenerSettings parse_listener_settings(const Attributes& attributes) {
    ListenerSettings settings;
    settings.server_header = toggle(attributes, "routing.http.response.server.enabled", Toggle::On);
    for (const Injected& injected : kInjected) {
        std::string_view value = value_of(attributes, injected.key);
        if (!value.empty())
            settings.injected.push_back({std::string(injected.header), std::string(value)});
    }
    return settings;
}

TargetGroupSettings parse_target_group_settings(const Attributes& a) {
    TargetGroupSettings s;
    std::string_view algorithm = value_of(a, "load_balancing.algorithm.type");
    if (algorithm == "least_outstanding_requests")
        s.algorithm = Algorithm::LeastOutstandingRequests;
    if (algorithm == "weighted_random") s.algorithm = Algorithm::WeightedRandom;
    bool app = value_of(a, "stickiness.type") == "app_cookie";
    // Cross-zone off disables stickiness; weighted random has none.
    bool sticky = value_of(a, "stickiness.enabled") == "true" &&
                  s.algorithm != Algorithm::WeightedRandom &&
                  value_of(a, "load_balancing.cross_zone.enabled") != "false";
    if (sticky) s.stickiness = app ? Stickiness::AppCookie : Stickiness::LoadBalancerCookie;
    s.sticky_for = duration(
        a, app ? "stickiness.app_cookie.duration_seconds" : "stickiness.lb_cookie.duration_seconds",
        s.sticky_for);
    s.app_cookie = value_of(a, "stickiness.app_cookie.cookie_name");
    s.slow_start = duration(a, "slow_start.duration_seconds", s.slow_start);
    s.deregistration_delay =
        duration(a, "deregistration_delay.timeout_seconds", s.deregistration_delay);
    constexpr std::string_view kRouting =
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets";
    if (auto count = base::parse_unsigned(value_of(a, std::string(kRouting) + ".count")))
        s.minimum_healthy = static_cast<int>(*count);
    if (auto percent = base::parse_unsigned(value_of(a, std::string(kRouting) + ".percentage")))
        s.minimum_healthy_percent = static_cast<int>(*percent);
    return s;
}

const RoutedListener* RoutedLoadBalancer::on_port(uint16_t port) const {
    for (const RoutedListener& listener : listeners)
        if (listener.listener.port == port) return &listener;
    return nullptr;
}

const RoutedListener* RoutingSnapshot::listener(std::string_view arn) const {
    auto found = by_listener_arn.find(arn);
    return found == by_listener_arn.end() ? nullptr : found->second;
}

const RoutedLoadBalancer* RoutingSnapshot::host(std::string_view host) const {
    auto found = by_host.find(base::lower(host_without_port(host)));
    return found == by_host.end() ? nullptr : found->second;
}

const RoutedGroup* RoutingSnapshot::group(std::string_view arn) const {
    for (const auto& group : groups)
        if (group->group.arn == arn) return group.get();
    return nullptr;
}

std::shared_ptr<const RoutingSnapshot> build_snapshot(const Configuration& configuration,
                                                      LiveTargets& live) {
    GroupMap groups;
    for (const auto& group : configuration.groups)
        groups[group.group.arn] = route_group(group, live);
    attach_groups(configuration, groups);

    auto snapshot = std::make_shared<RoutingSnapshot>();
    for (const LoadBalancer& load_balancer : configuration.load_balancers) {
        auto routed = std::make_unique<RoutedLoadBalancer>();
        routed->load_balancer = load_balancer;
        routed->settings = parse_load_balancer_settings(load_balancer.attributes);
        for (const Listener& listener : configuration.listeners)
            if (listener.load_balancer_arn == load_balancer.arn)
                routed->listeners.push_back(route_listener(listener, configuration, groups));
        std::ranges::sort(routed->listeners, {},
                          [](const RoutedListener& l) { return l.listener.port; });
        for (RoutedListener& listener : routed->listeners) {
            listener.owner = routed.get();
            snapshot->by_listener_arn.emplace(listener.listener.arn, &listener);
        }
        snapshot->by_host.emplace(base::lower(load_balancer.dns_name), routed.get());
        snapshot->by_host.emplace(base::lower(load_balancer.name) + ".localhost", routed.get());
        snapshot->load_balancers.push_back(std::move(routed));
    }
    for (auto& [arn, group] : groups)
        snapshot->groups.push_back(std::move(group));
    return snapshot;
}

}  // namespace elbv2
