// The nouns of an Application Load Balancer, spelled as the ELBv2 API (2015-12-01) spells them.
// Attribute maps stay text here, as they travel; snapshot.h has them parsed for the request path.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace elbv2 {

using Attributes = std::map<std::string, std::string, std::less<>>;
using Tags = std::map<std::string, std::string, std::less<>>;

enum class Protocol : uint8_t { Http, Https };
enum class ProtocolVersion : uint8_t { Http1, Http2, Grpc };
enum class TargetType : uint8_t { Instance, Ip, Lambda };

struct AvailabilityZone {
    std::string zone_name, subnet_id;
};

struct LoadBalancer {
    std::string arn, name, id, dns_name;
    std::string scheme = "internet-facing";
    std::string ip_address_type = "ipv4";
    std::string vpc_id;
    std::vector<AvailabilityZone> zones;
    std::vector<std::string> security_groups;
    base::Time created{};
    Attributes attributes;  // only those that differ from the defaults
    Tags tags;
};

struct Listener {
    std::string arn, load_balancer_arn;
    uint16_t port = 80;
    Protocol protocol = Protocol::Http;
    std::string ssl_policy;
    std::vector<std::string> certificates;        // the default certificate, at most one
    std::vector<std::string> extra_certificates;  // SNI list
    Attributes attributes;
    Tags tags;
};

struct QueryValue {
    std::string key, value;  // key "" = any parameter
};

struct RuleCondition {
    enum class Field : uint8_t {
        HostHeader,
        PathPattern,
        HttpHeader,
        HttpRequestMethod,
        QueryString,
        SourceIp
    };
    Field field = Field::PathPattern;
    std::string header_name;          // HttpHeader
    std::vector<std::string> values;  // all but QueryString
    std::vector<std::string> regex_values;
    std::vector<QueryValue> query;
};

struct WeightedGroup {
    std::string target_group_arn;
    int weight = 1;
};

struct ForwardAction {
    std::vector<WeightedGroup> groups;
    bool sticky = false;
    std::chrono::seconds sticky_for{0};
};

struct RedirectAction {
    std::string protocol = "#{protocol}", host = "#{host}", port = "#{port}", path = "/#{path}",
                query = "#{query}";
    int status = 301;
};

struct FixedResponseAction {
    int status = 200;
    std::string content_type, body;
};

struct RuleAction {
    enum class Type : uint8_t { Forward, Redirect, FixedResponse };
    Type type = Type::Forward;
    int order = 0;  // 0 = not given
    ForwardAction forward;
    RedirectAction redirect;
    FixedResponseAction fixed_response;
};

// Priority 1 to 50000; the default rule has kDefaultPriority, no conditions, and comes last.
inline constexpr int kDefaultPriority = 1 << 30;

struct ListenerRule {
    std::string arn, listener_arn;
    int priority = kDefaultPriority;
    std::vector<RuleCondition> conditions;
    std::vector<RuleAction> actions;
    Tags tags;

    bool is_default() const { return priority == kDefaultPriority; }
};

struct HealthCheck {
    bool enabled = true;
    Protocol protocol = Protocol::Http;
    std::string port = "traffic-port";
    std::string path = "/";
    int interval_seconds = 30, timeout_seconds = 5;
    int healthy_threshold = 5, unhealthy_threshold = 2;
    std::string http_codes = "200";
    std::string grpc_codes;
};

struct TargetGroup {
    std::string arn, name, id;
    Protocol protocol = Protocol::Http;
    ProtocolVersion protocol_version = ProtocolVersion::Http1;
    TargetType target_type = TargetType::Instance;
    uint16_t port = 80;
    std::string vpc_id, ip_address_type = "ipv4";
    HealthCheck health_check;
    Attributes attributes;
    Tags tags;
};

// Identity is (id, port). Draining since a deregistration, until its delay is over.
struct Target {
    std::string id;
    uint16_t port = 0;
    std::string zone;
    base::Time registered{};
    base::Time draining_since{};

    bool is_draining() const { return draining_since != base::Time{}; }
};

enum class HealthState : uint8_t { Initial, Healthy, Unhealthy, Unused, Draining, Unavailable };

struct TargetHealth {
    HealthState state = HealthState::Initial;
    std::string reason, description;  // "" when healthy
    base::Time since{};
};

std::string_view name_of(HealthState state);
std::string_view name_of(Protocol protocol);
std::string_view name_of(ProtocolVersion version);
std::string_view name_of(TargetType type);
std::string_view name_of(RuleCondition::Field field);
std::string_view name_of(RuleAction::Type type);

}  // namespace elbv2
