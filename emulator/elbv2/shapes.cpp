// See shapes.h. Member names as in the ELBv2 service model (2015-12-01).
#include "elbv2/shapes.h"

#include "base/date.h"
#include "base/text.h"

namespace elbv2 {

using base::Node;

namespace {

using Field = RuleCondition::Field;

struct FieldShape {
    Field field;
    std::string_view config;  // the typed member
};
constexpr FieldShape kFields[] = {
    {Field::HostHeader, "HostHeaderConfig"},
    {Field::PathPattern, "PathPatternConfig"},
    {Field::HttpHeader, "HttpHeaderConfig"},
    {Field::HttpRequestMethod, "HttpRequestMethodConfig"},
    {Field::QueryString, "QueryStringConfig"},
    {Field::SourceIp, "SourceIpConfig"},
};

Node texts(const std::vector<std::string>& values) {
    Node list = Node::array();
    for (const std::string& value : values)
        list.push_back(value);
    return list;
}

Protocol protocol_from(const Node& node) {
    return leaf(node) == "HTTPS" ? Protocol::Https : Protocol::Http;
}

std::string or_default(const Node& node, std::string_view fallback) {
    std::string text = leaf(node);
    return text.empty() ? std::string(fallback) : text;
}

Node certificates(const std::vector<std::string>& arns) {
    Node list = Node::array();
    for (const std::string& arn : arns)
        list.push_back(Node::object({{"CertificateArn", arn}}));
    return list;
}

std::vector<std::string> certificates_from(const Node& node) {
    std::vector<std::string> arns;
    for (const Node& item : node.items())
        arns.push_back(leaf(item["CertificateArn"]));
    return arns;
}

Node forward_config(const ForwardAction& forward) {
    Node groups = Node::array();
    for (const WeightedGroup& group : forward.groups)
        groups.push_back(
            Node::object({{"TargetGroupArn", group.target_group_arn}, {"Weight", group.weight}}));
    Node sticky = Node::object({{"Enabled", forward.sticky}});
    if (forward.sticky_for.count() > 0)
        sticky.set("DurationSeconds", static_cast<int64_t>(forward.sticky_for.count()));
    return Node::object({{"TargetGroups", groups}, {"TargetGroupStickinessConfig", sticky}});
}

ForwardAction forward_from(const Node& action) {
    ForwardAction forward;
    const Node& config = action["ForwardConfig"];
    for (const Node& group : config["TargetGroups"].items())
        forward.groups.push_back({leaf(group["TargetGroupArn"]), leaf_int(group["Weight"], 1)});
    std::string single = leaf(action["TargetGroupArn"]);
    if (forward.groups.empty() && !single.empty()) forward.groups.push_back({single, 1});
    const Node& sticky = config["TargetGroupStickinessConfig"];
    forward.sticky = leaf_bool(sticky["Enabled"], false);
    forward.sticky_for = std::chrono::seconds(leaf_int(sticky["DurationSeconds"], 0));
    return forward;
}

Node redirect_config(const RedirectAction& redirect) {
    return Node::object({{"Protocol", redirect.protocol},
                         {"Port", redirect.port},
                         {"Host", redirect.host},
                         {"Path", redirect.path},
                         {"Query", redirect.query},
                         {"StatusCode", "HTTP_" + std::to_string(redirect.status)}});
}

RedirectAction redirect_from(const Node& config) {
    RedirectAction redirect;
    redirect.protocol = or_default(config["Protocol"], redirect.protocol);
    redirect.host = or_default(config["Host"], redirect.host);
    redirect.port = or_default(config["Port"], redirect.port);
    redirect.path = or_default(config["Path"], redirect.path);
    // An empty query is a choice, not an absence.
    if (config.find("Query")) redirect.query = leaf(config["Query"]);
    redirect.status = leaf(config["StatusCode"]) == "HTTP_302" ? 302 : 301;
    return redirect;
}

}  // namespace

std::string leaf(const Node& node) {
    if (node.is_string()) return node.as_string();
    if (node.is_number()) return node.number_text();
    if (node.is_bool()) return node.as_bool() ? "true" : "false";
    return {};
}

int leaf_int(const Node& node, int fallback) {
    auto value = base::parse_signed(leaf(node));
    bool fits = value && *value >= -2'000'000'000 && *value <= 2'000'000'000;
    return fits ? static_cast<int>(*value) : fallback;
}

bool leaf_bool(const Node& node, bool fallback) {
    std::string text = leaf(node);
    return text.empty() ? fallback : base::equals_ignoring_case(text, "true");
}

std::vector<std::string> leaf_list(const Node& node) {
    std::vector<std::string> values;
    for (const Node& item : node.items())
        values.push_back(leaf(item));
    return values;
}

Node to_node(const RuleCondition& condition) {
    Node config = Node::object();
    if (condition.field == Field::QueryString) {
        Node values = Node::array();
        for (const QueryValue& value : condition.query) {
            Node pair = Node::object();
            if (!value.key.empty()) pair.set("Key", value.key);
            pair.set("Value", value.value);
            values.push_back(std::move(pair));
        }
        config.set("Values", std::move(values));
    } else {
        if (condition.field == Field::HttpHeader)
            config.set("HttpHeaderName", condition.header_name);
        if (!condition.values.empty()) config.set("Values", texts(condition.values));
        if (!condition.regex_values.empty())
            config.set("RegexValues", texts(condition.regex_values));
    }
    Node node = Node::object({{"Field", name_of(condition.field)}});
    // GUESS: the two old fields answer with both forms.
    bool old_field = condition.field == Field::HostHeader || condition.field == Field::PathPattern;
    if (old_field && !condition.values.empty()) node.set("Values", texts(condition.values));
    for (const FieldShape& shape : kFields)
        if (shape.field == condition.field) node.set(std::string(shape.config), std::move(config));
    return node;
}

RuleCondition condition_from(const Node& node) {
    RuleCondition condition;
    std::string field = leaf(node["Field"]);
    for (const FieldShape& shape : kFields) {
        bool named =
            field.empty() ? node.find(shape.config) != nullptr : field == name_of(shape.field);
        if (!named) continue;
        condition.field = shape.field;
        const Node& config = node[shape.config];
        if (shape.field == Field::QueryString) {
            for (const Node& pair : config["Values"].items())
                condition.query.push_back({leaf(pair["Key"]), leaf(pair["Value"])});
            return condition;
        }
        condition.header_name = leaf(config["HttpHeaderName"]);
        condition.values = leaf_list(config["Values"]);
        if (condition.values.empty()) condition.values = leaf_list(node["Values"]);
        condition.regex_values = leaf_list(config["RegexValues"]);
        if (condition.regex_values.empty()) condition.regex_values = leaf_list(node["RegexValues"]);
        return condition;
    }
    return condition;
}

Node to_node(const RuleAction& action) {
    Node node = Node::object({{"Type", name_of(action.type)}});
    if (action.order > 0) node.set("Order", action.order);
    switch (action.type) {
        case RuleAction::Type::Forward:
            if (action.forward.groups.size() == 1)
                node.set("TargetGroupArn", action.forward.groups[0].target_group_arn);
            node.set("ForwardConfig", forward_config(action.forward));
            break;
        case RuleAction::Type::Redirect:
            node.set("RedirectConfig", redirect_config(action.redirect));
            break;
        case RuleAction::Type::FixedResponse: {
            Node config =
                Node::object({{"StatusCode", std::to_string(action.fixed_response.status)}});
            if (!action.fixed_response.body.empty())
                config.set("MessageBody", action.fixed_response.body);
            if (!action.fixed_response.content_type.empty())
                config.set("ContentType", action.fixed_response.content_type);
            node.set("FixedResponseConfig", std::move(config));
            break;
        }
    }
    return node;
}

RuleAction action_from(const Node& node) {
    RuleAction action;
    std::string type = leaf(node["Type"]);
    action.order = leaf_int(node["Order"], 0);
    if (type == "redirect") {
        action.type = RuleAction::Type::Redirect;
        action.redirect = redirect_from(node["RedirectConfig"]);
    } else if (type == "fixed-response") {
        action.type = RuleAction::Type::FixedResponse;
        const Node& config = node["FixedResponseConfig"];
        action.fixed_response = {leaf_int(config["StatusCode"], 0), leaf(config["ContentType"]),
                                 leaf(config["MessageBody"])};
    } else {
        action.forward = forward_from(node);
    }
    return action;
}

Node to_node(const std::vector<RuleAction>& actions) {
    Node list = Node::array();
    for (const RuleAction& action : actions)
        list.push_back(to_node(action));
    return list;
}

std::vector<RuleAction> actions_from(const Node& node) {
    std::vector<RuleAction> actions;
    for (const Node& item : node.items())
        actions.push_back(action_from(item));
    return actions;
}

Node to_node(const LoadBalancer& lb) {
    Node zones = Node::array();
    for (const AvailabilityZone& zone : lb.zones)
        zones.push_back(Node::object({{"ZoneName", zone.zone_name},
                                      {"SubnetId", zone.subnet_id},
                                      {"LoadBalancerAddresses", Node::array()}}));
    return Node::object({{"LoadBalancerArn", lb.arn},
                         {"DNSName", lb.dns_name},
                         {"CreatedTime", base::iso_date_millis(lb.created)},
                         {"LoadBalancerName", lb.name},
                         {"Scheme", lb.scheme},
                         {"VpcId", lb.vpc_id},
                         {"Type", "application"},
                         {"AvailabilityZones", zones},
                         {"SecurityGroups", texts(lb.security_groups)},
                         {"IpAddressType", lb.ip_address_type}});
}

LoadBalancer load_balancer_from(const Node& node) {
    LoadBalancer lb;
    lb.arn = leaf(node["LoadBalancerArn"]);
    lb.id = lb.arn.substr(lb.arn.rfind('/') + 1);
    lb.dns_name = leaf(node["DNSName"]);
    lb.created = base::parse_iso_date(leaf(node["CreatedTime"])).value_or(base::Time{});
    lb.name = leaf(node["LoadBalancerName"]);
    lb.scheme = leaf(node["Scheme"]);
    lb.vpc_id = leaf(node["VpcId"]);
    for (const Node& zone : node["AvailabilityZones"].items())
        lb.zones.push_back({leaf(zone["ZoneName"]), leaf(zone["SubnetId"])});
    lb.security_groups = leaf_list(node["SecurityGroups"]);
    lb.ip_address_type = leaf(node["IpAddressType"]);
    return lb;
}

Node to_node(const Listener& listener) {
    Node node = Node::object({{"ListenerArn", listener.arn},
                              {"LoadBalancerArn", listener.load_balancer_arn},
                              {"Port", static_cast<int>(listener.port)},
                              {"Protocol", name_of(listener.protocol)}});
    if (listener.protocol == Protocol::Https) {
        node.set("Certificates", certificates(listener.certificates));
        node.set("SslPolicy", listener.ssl_policy);
    }
    return node;
}

Listener listener_from(const Node& node) {
    Listener listener;
    listener.arn = leaf(node["ListenerArn"]);
    listener.load_balancer_arn = leaf(node["LoadBalancerArn"]);
    listener.port = static_cast<uint16_t>(leaf_int(node["Port"], 80));
    listener.protocol = protocol_from(node["Protocol"]);
    listener.certificates = certificates_from(node["Certificates"]);
    listener.ssl_policy = leaf(node["SslPolicy"]);
    return listener;
}

Node to_node(const ListenerRule& rule) {
    Node conditions = Node::array();
    for (const RuleCondition& condition : rule.conditions)
        conditions.push_back(to_node(condition));
    return Node::object(
        {{"RuleArn", rule.arn},
         {"Priority", rule.is_default() ? std::string("default") : std::to_string(rule.priority)},
         {"Conditions", conditions},
         {"Actions", to_node(rule.actions)},
         {"IsDefault", rule.is_default()}});
}

ListenerRule rule_from(const Node& node) {
    ListenerRule rule;
    rule.arn = leaf(node["RuleArn"]);
    rule.priority = leaf_int(node["Priority"], kDefaultPriority);
    for (const Node& condition : node["Conditions"].items())
        rule.conditions.push_back(condition_from(condition));
    rule.actions = actions_from(node["Actions"]);
    return rule;
}

Node to_node(const TargetGroup& group) {
    const HealthCheck& check = group.health_check;
    Node node = Node::object({{"TargetGroupArn", group.arn}, {"TargetGroupName", group.name}});
    node.set("Protocol", name_of(group.protocol));
    node.set("Port", static_cast<int>(group.port));
    node.set("VpcId", group.vpc_id);
    node.set("HealthCheckProtocol", name_of(check.protocol));
    node.set("HealthCheckPort", check.port);
    node.set("HealthCheckEnabled", check.enabled);
    node.set("HealthCheckIntervalSeconds", check.interval_seconds);
    node.set("HealthCheckTimeoutSeconds", check.timeout_seconds);
    node.set("HealthyThresholdCount", check.healthy_threshold);
    node.set("UnhealthyThresholdCount", check.unhealthy_threshold);
    node.set("HealthCheckPath", check.path);
    node.set("Matcher", group.protocol_version == ProtocolVersion::Grpc
                            ? Node::object({{"GrpcCode", check.grpc_codes}})
                            : Node::object({{"HttpCode", check.http_codes}}));
    node.set("TargetType", name_of(group.target_type));
    node.set("ProtocolVersion", name_of(group.protocol_version));
    node.set("IpAddressType", group.ip_address_type);
    return node;
}

void read_health_check(const Node& node, HealthCheck& check) {
    check.enabled = leaf_bool(node["HealthCheckEnabled"], check.enabled);
    if (node.find("HealthCheckProtocol"))
        check.protocol = protocol_from(node["HealthCheckProtocol"]);
    check.port = or_default(node["HealthCheckPort"], check.port);
    check.path = or_default(node["HealthCheckPath"], check.path);
    check.interval_seconds = leaf_int(node["HealthCheckIntervalSeconds"], check.interval_seconds);
    check.timeout_seconds = leaf_int(node["HealthCheckTimeoutSeconds"], check.timeout_seconds);
    check.healthy_threshold = leaf_int(node["HealthyThresholdCount"], check.healthy_threshold);
    check.unhealthy_threshold =
        leaf_int(node["UnhealthyThresholdCount"], check.unhealthy_threshold);
    check.http_codes = or_default(node["Matcher"]["HttpCode"], check.http_codes);
    check.grpc_codes = or_default(node["Matcher"]["GrpcCode"], check.grpc_codes);
}

TargetGroup target_group_from(const Node& node) {
    TargetGroup group;
    group.arn = leaf(node["TargetGroupArn"]);
    group.id = group.arn.substr(group.arn.rfind('/') + 1);
    group.name = leaf(node["TargetGroupName"]);
    group.protocol = protocol_from(node["Protocol"]);
    std::string version = leaf(node["ProtocolVersion"]);
    if (version == "HTTP2") group.protocol_version = ProtocolVersion::Http2;
    if (version == "GRPC") group.protocol_version = ProtocolVersion::Grpc;
    std::string type = leaf(node["TargetType"]);
    if (type == "ip") group.target_type = TargetType::Ip;
    if (type == "lambda") group.target_type = TargetType::Lambda;
    group.port = static_cast<uint16_t>(leaf_int(node["Port"], 80));
    group.vpc_id = leaf(node["VpcId"]);
    group.ip_address_type = or_default(node["IpAddressType"], "ipv4");
    read_health_check(node, group.health_check);
    return group;
}

Node to_node(const Tags& tags) {
    Node list = Node::array();
    for (const auto& [key, value] : tags)
        list.push_back(Node::object({{"Key", key}, {"Value", value}}));
    return list;
}

Tags tags_from(const Node& node) {
    Tags tags;
    for (const Node& tag : node.items())
        tags[leaf(tag["Key"])] = leaf(tag["Value"]);
    return tags;
}

}  // namespace elbv2
