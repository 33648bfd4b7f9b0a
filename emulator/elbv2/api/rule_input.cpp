// See rule_input.h. alb.md §7 (conditions), §8 (actions), §24 (texts).
#include "elbv2/api/rule_input.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "elbv2/api/input.h"
#include "elbv2/api/lookup.h"
#include "elbv2/rule_match.h"
#include "elbv2/shapes.h"

namespace elbv2 {
namespace {

using base::Node;
using Field = RuleCondition::Field;

constexpr size_t kMaxGroupsPerAction = 5;
constexpr size_t kMaxFixedBodyBytes = 1024;
constexpr size_t kMaxConditionValues = 5;
constexpr size_t kMaxWildcards = 6;
constexpr size_t kMaxValueLength = 128;
constexpr size_t kMaxHeaderNameLength = 40;
constexpr int kMaxWeight = 999;

void check_group(ControlPlane& elb, const WeightedGroup& wanted, const Listener& listener) {
    TargetGroup group = need_target_group(elb, wanted.target_group_arn);
    for (const std::string& owner : load_balancers_of(elb, group.arn))
        if (owner != listener.load_balancer_arn)
            fail("TargetGroupAssociationLimit",
                 "The following target groups cannot be associated with more than one load "
                 "balancer: " +
                     group.arn);
    bool plain = listener.protocol == Protocol::Http;
    if (plain && group.protocol_version == ProtocolVersion::Grpc)
        fail("InvalidLoadBalancerAction",
             "Listener protocol 'HTTP' is not supported with a target group with the "
             "protocol-version 'GRPC'");
}

void check_forward(ControlPlane& elb, const Node& node, const ForwardAction& forward,
                   const Listener& listener) {
    if (forward.groups.empty())
        invalid("A target group must be specified for an action of type 'forward'");
    if (forward.groups.size() > kMaxGroupsPerAction)
        fail("TooManyTargetGroups", "An action of type 'forward' can have at most 5 target groups");
    std::string single = leaf(node["TargetGroupArn"]);
    bool both = !single.empty() && !node["ForwardConfig"]["TargetGroups"].items().empty();
    if (both && (forward.groups.size() != 1 || forward.groups[0].target_group_arn != single))
        fail("InvalidLoadBalancerAction",
             "You cannot specify both a target group ARN and a different forward config");
    for (const Node& group : node["ForwardConfig"]["TargetGroups"].items())
        integer(group, "Weight", 1, 0, kMaxWeight);
    const Node& sticky = node["ForwardConfig"]["TargetGroupStickinessConfig"];
    integer(sticky, "DurationSeconds", 1, 1, 604800);
    if (forward.sticky && leaf(sticky["DurationSeconds"]).empty())
        invalid("A duration must be specified when target group stickiness is enabled");
    for (const WeightedGroup& group : forward.groups)
        check_group(elb, group, listener);
}

void check_redirect(const Node& node, const RedirectAction& redirect, const Listener& listener) {
    std::string status = leaf(node["RedirectConfig"]["StatusCode"]);
    if (status != "HTTP_301" && status != "HTTP_302")
        invalid("The StatusCode of a redirect must be one of: HTTP_301, HTTP_302");
    if (redirect.protocol != "HTTP" && redirect.protocol != "HTTPS" &&
        redirect.protocol != "#{protocol}")
        invalid("The Protocol of a redirect must be one of: HTTP, HTTPS, #{protocol}");
    if (!redirect.path.starts_with('/')) invalid("The Path of a redirect must start with '/'");
    if (listener.protocol == Protocol::Https && redirect.protocol == "HTTP")
        fail("InvalidLoadBalancerAction", "Redirecting from HTTPS to HTTP is not supported");
    // Protocol, host, port and path as they came would be a loop.
    RedirectAction same;
    bool loops = redirect.protocol == same.protocol && redirect.host == same.host &&
                 redirect.port == same.port && redirect.path == same.path;
    if (loops)
        fail("InvalidLoadBalancerAction",
             "The redirect configuration must change at least one of protocol, host, port or path");
}

void check_fixed_response(const Node& config, const FixedResponseAction& fixed) {
    std::string status = leaf(config["StatusCode"]);
    bool valid = status.size() == 3 && base::parse_unsigned(status) &&
                 (status[0] == '2' || status[0] == '4' || status[0] == '5');
    if (!valid)
        invalid("The StatusCode '" + status + "' of a fixed response must be 2XX, 4XX or 5XX");
    static constexpr std::string_view kTypes[] = {"text/plain", "text/css", "text/html",
                                                  "application/javascript", "application/json"};
    if (!fixed.content_type.empty() &&
        std::ranges::find(kTypes, fixed.content_type) == std::end(kTypes))
        invalid(
            "The ContentType must be one of: 'text/html', 'application/json', "
            "'application/javascript', "
            "'text/css', 'text/plain'");
    if (fixed.body.size() > kMaxFixedBodyBytes)
        invalid("The MessageBody of a fixed response has at most 1024 characters");
}

size_t wildcards(std::string_view value) {
    return static_cast<size_t>(
        std::ranges::count_if(value, [](char c) { return c == '*' || c == '?'; }));
}

bool only(std::string_view text, std::string_view marks) {
    return std::ranges::all_of(text, [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               marks.find(c) != std::string_view::npos;
    });
}

void check_value(Field field, const std::string& value) {
    if (value.size() > kMaxValueLength)
        invalid("Condition value '" + value + "' cannot be longer than '128' characters");
    switch (field) {
        case Field::HostHeader:
            if (!only(value, "-.*?_"))
                invalid("The host header value '" + value + "' contains an invalid character");
            if (value.find('.') == std::string::npos)
                invalid("The host header value '" + value +
                        "' must contain at least one '.' character");
            break;
        case Field::PathPattern:
            if (!only(value, "_-.$/~\"'@:+&*?\\"))
                invalid("The path pattern value '" + value + "' contains an invalid character");
            break;
        case Field::HttpRequestMethod:
            if (value.size() > kMaxHeaderNameLength || !std::ranges::all_of(value, [](char c) {
                    return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
                }))
                invalid("The HTTP request method '" + value +
                        "' must be upper case letters, '-' and '_'");
            break;
        case Field::SourceIp: {
            Cidr range;
            if (value == "255.255.255.255/32" || value.find('/') == std::string::npos ||
                !parse_cidr(value, range))
                invalid("The source IP value '" + value + "' is not a valid CIDR block");
            break;
        }
        default: break;
    }
}

RuleCondition checked_condition(const Node& node) {
    static constexpr std::string_view kFieldNames =
        "[path-pattern, host-header, http-header, http-request-method, query-string, source-ip]";
    RuleCondition condition = condition_from(node);
    std::string field = leaf(node["Field"]);
    if (!field.empty() && field != name_of(condition.field))
        invalid("Condition field '" + field + "' must be one of '" + std::string(kFieldNames) +
                "'");
    if (condition.values.empty() && condition.regex_values.empty() && condition.query.empty())
        invalid("A condition value must be specified");
    if (condition.field == Field::HttpHeader) {
        const std::string& name = condition.header_name;
        if (name.empty()) invalid("A header name must be specified");
        if (name.size() > kMaxHeaderNameLength || name.find_first_of("*?") != std::string::npos)
            invalid("The header name '" + name + "' is not valid");
        if (base::equals_ignoring_case(name, "host"))
            invalid("Use the field 'host-header' to match the Host header");
    }
    for (const std::string& value : condition.values)
        check_value(condition.field, value);
    for (const QueryValue& value : condition.query)
        if (value.value.empty()) invalid("A query string condition needs a value");
    CompiledCondition compiled;
    if (!compile(condition, compiled))
        invalid("A regular expression of the condition is not valid");
    return condition;
}

}  // namespace

std::vector<RuleAction> checked_actions(ControlPlane& elb, const Node& list,
                                        const Listener& listener) {
    if (list.items().empty()) invalid("An action must be specified");
    std::vector<RuleAction> actions;
    for (const Node& node : list.items()) {
        std::string type = leaf(node["Type"]);
        if (type.starts_with("authenticate-") || type == "jwt-validation")
            not_emulated("An action of type '" + type + "'");
        if (type != "forward" && type != "redirect" && type != "fixed-response")
            invalid("Action type '" + type +
                    "' must be one of "
                    "'redirect,authenticate-cognito,authenticate-oidc,fixed-response,forward'");
        integer(node, "Order", 1, 1, 50000);
        RuleAction action = action_from(node);
        switch (action.type) {
            case RuleAction::Type::Forward:
                check_forward(elb, node, action.forward, listener);
                break;
            case RuleAction::Type::Redirect: check_redirect(node, action.redirect, listener); break;
            case RuleAction::Type::FixedResponse:
                check_fixed_response(node["FixedResponseConfig"], action.fixed_response);
                break;
        }
        actions.push_back(std::move(action));
    }
    // Without authentication, the deciding action is the only one.
    if (actions.size() > 1)
        fail("InvalidLoadBalancerAction",
             "A rule can have only one action of type forward, redirect or fixed-response");
    return actions;
}

std::vector<RuleCondition> checked_conditions(const Node& list) {
    if (list.items().empty()) invalid("A condition must be specified");
    std::vector<RuleCondition> conditions;
    std::set<Field> seen;
    size_t values = 0, stars = 0;
    for (const Node& node : list.items()) {
        RuleCondition condition = checked_condition(node);
        bool repeatable =
            condition.field == Field::HttpHeader || condition.field == Field::QueryString;
        if (!seen.insert(condition.field).second && !repeatable)
            invalid("Only one '" + std::string(name_of(condition.field)) +
                    "' condition may be specified per rule");
        values += condition.values.size() + condition.query.size() + condition.regex_values.size();
        for (const std::string& value : condition.values)
            stars += wildcards(value);
        for (const QueryValue& value : condition.query)
            stars += wildcards(value.key) + wildcards(value.value);
        conditions.push_back(std::move(condition));
    }
    if (values > kMaxConditionValues) invalid("Rules can have no more than '5' condition values");
    if (stars > kMaxWildcards) invalid("Rules can have no more than '6' wildcards");
    return conditions;
}

}  // namespace elbv2
