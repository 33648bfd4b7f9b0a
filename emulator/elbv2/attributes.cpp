// See attributes.h. alb.md §23.
#include "elbv2/attributes.h"

#include <algorithm>

#include "base/text.h"

namespace elbv2 {
namespace {

constexpr AttributeRow kLoadBalancer[] = {
    {"deletion_protection.enabled", "false", "bool"},
    {"load_balancing.cross_zone.enabled", "true", "true"},
    {"access_logs.s3.enabled", "false", "bool"},
    {"access_logs.s3.bucket", ""},
    {"access_logs.s3.prefix", ""},
    {"connection_logs.s3.enabled", "false", "bool"},
    {"connection_logs.s3.bucket", ""},
    {"connection_logs.s3.prefix", ""},
    {"health_check_logs.s3.enabled", "false", "bool"},
    {"health_check_logs.s3.bucket", ""},
    {"health_check_logs.s3.prefix", ""},
    {"ipv6.deny_all_igw_traffic", "false", "bool"},
    {"idle_timeout.timeout_seconds", "60", "1-4000"},
    {"client_keep_alive.seconds", "3600", "60-604800"},
    {"routing.http.desync_mitigation_mode", "defensive", "monitor|defensive|strictest"},
    {"routing.http.drop_invalid_header_fields.enabled", "false", "bool"},
    {"routing.http.preserve_host_header.enabled", "false", "bool"},
    {"routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false", "bool"},
    {"routing.http.xff_client_port.enabled", "false", "bool"},
    {"routing.http.xff_header_processing.mode", "append", "append|preserve|remove"},
    {"routing.http2.enabled", "true", "bool"},
    {"waf.fail_open.enabled", "false", "bool"},
    {"zonal_shift.config.enabled", "false", "bool"},
};

constexpr AttributeRow kListener[] = {
    {"routing.http.response.server.enabled", "true", "bool"},
    {"routing.http.request.x_amzn_mtls_clientcert.header_name", ""},
    {"routing.http.request.x_amzn_mtls_clientcert_serial_number.header_name", ""},
    {"routing.http.request.x_amzn_mtls_clientcert_issuer.header_name", ""},
    {"routing.http.request.x_amzn_mtls_clientcert_subject.header_name", ""},
    {"routing.http.request.x_amzn_mtls_clientcert_validity.header_name", ""},
    {"routing.http.request.x_amzn_mtls_clientcert_leaf.header_name", ""},
    {"routing.http.request.x_amzn_tls_version.header_name", ""},
    {"routing.http.request.x_amzn_tls_cipher_suite.header_name", ""},
    {"routing.http.response.strict_transport_security.header_value", ""},
    {"routing.http.response.access_control_allow_origin.header_value", ""},
    {"routing.http.response.access_control_allow_methods.header_value", ""},
    {"routing.http.response.access_control_allow_headers.header_value", ""},
    {"routing.http.response.access_control_allow_credentials.header_value", "", "|true"},
    {"routing.http.response.access_control_expose_headers.header_value", ""},
    {"routing.http.response.access_control_max_age.header_value", ""},
    {"routing.http.response.content_security_policy.header_value", ""},
    {"routing.http.response.x_content_type_options.header_value", "", "|nosniff"},
    {"routing.http.response.x_frame_options.header_value", ""},
};

constexpr AttributeRow kTargetGroup[] = {
    {"deregistration_delay.timeout_seconds", "300", "0-3600"},
    {"stickiness.enabled", "false", "bool"},
    {"stickiness.type", "lb_cookie", "lb_cookie|app_cookie"},
    {"stickiness.lb_cookie.duration_seconds", "86400", "1-604800"},
    {"stickiness.app_cookie.cookie_name", ""},
    {"stickiness.app_cookie.duration_seconds", "86400", "1-604800"},
    {"slow_start.duration_seconds", "0", "0,30-900"},
    {"load_balancing.algorithm.type", "round_robin",
     "round_robin|least_outstanding_requests|weighted_random"},
    {"load_balancing.algorithm.anomaly_mitigation", "off", "on|off"},
    {"load_balancing.cross_zone.enabled", "use_load_balancer_configuration",
     "true|false|use_load_balancer_configuration"},
    {"target_group_health.dns_failover.minimum_healthy_targets.count", "1", "off|1-1000"},
    {"target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", "off|1-100"},
    {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", "1-1000"},
    {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off",
     "off|1-100"},
};

bool is_in_range(std::string_view range, std::string_view value) {
    auto [low, high] = base::cut(range, '-');
    auto from = base::parse_unsigned(low), to = base::parse_unsigned(high.empty() ? low : high);
    auto number = base::parse_unsigned(value);
    return from && to && number && *number >= *from && *number <= *to;
}

}  // namespace

std::span<const AttributeRow> load_balancer_attributes() {
    return kLoadBalancer;
}
std::span<const AttributeRow> listener_attributes() {
    return kListener;
}
std::span<const AttributeRow> target_group_attributes() {
    return kTargetGroup;
}

const AttributeRow* find_attribute(std::span<const AttributeRow> table, std::string_view key) {
    auto found = std::ranges::find(table, key, &AttributeRow::key);
    return found == table.end() ? nullptr : &*found;
}

bool attribute_allows(const AttributeRow& row, std::string_view value) {
    if (row.allowed.empty()) return true;
    if (row.allowed == "bool") return value == "true" || value == "false";
    for (std::string_view word : base::split(row.allowed, '|')) {
        if (word == value) return true;
        for (std::string_view range : base::split(word, ','))
            if (is_in_range(range, value)) return true;
    }
    return false;
}

Attributes with_defaults(std::span<const AttributeRow> table, const Attributes& set) {
    Attributes all;
    for (const AttributeRow& row : table) {
        auto found = set.find(row.key);
        all.emplace(row.key, found == set.end() ? std::string(row.fallback) : found->second);
    }
    return all;
}

}  // namespace elbv2
