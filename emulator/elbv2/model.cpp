// The API's words for the enumerations.
#include "elbv2/model.h"

namespace elbv2 {

std::string_view name_of(HealthState state) {
    switch (state) {
        case HealthState::Initial: return "initial";
        case HealthState::Healthy: return "healthy";
        case HealthState::Unhealthy: return "unhealthy";
        case HealthState::Unused: return "unused";
        case HealthState::Draining: return "draining";
        case HealthState::Unavailable: return "unavailable";
    }
    return "";
}

std::string_view name_of(Protocol protocol) {
    return protocol == Protocol::Https ? "HTTPS" : "HTTP";
}

std::string_view name_of(ProtocolVersion version) {
    switch (version) {
        case ProtocolVersion::Http1: return "HTTP1";
        case ProtocolVersion::Http2: return "HTTP2";
        case ProtocolVersion::Grpc: return "GRPC";
    }
    return "";
}

std::string_view name_of(TargetType type) {
    switch (type) {
        case TargetType::Instance: return "instance";
        case TargetType::Ip: return "ip";
        case TargetType::Lambda: return "lambda";
    }
    return "";
}

std::string_view name_of(RuleCondition::Field field) {
    switch (field) {
        case RuleCondition::Field::HostHeader: return "host-header";
        case RuleCondition::Field::PathPattern: return "path-pattern";
        case RuleCondition::Field::HttpHeader: return "http-header";
        case RuleCondition::Field::HttpRequestMethod: return "http-request-method";
        case RuleCondition::Field::QueryString: return "query-string";
        case RuleCondition::Field::SourceIp: return "source-ip";
    }
    return "";
}

std::string_view name_of(RuleAction::Type type) {
    switch (type) {
        case RuleAction::Type::Forward: return "forward";
        case RuleAction::Type::Redirect: return "redirect";
        case RuleAction::Type::FixedResponse: return "fixed-response";
    }
    return "";
}

}  // namespace elbv2
