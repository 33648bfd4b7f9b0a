// Target groups: create, describe, modify, delete, attributes. API reference: CreateTargetGroup and
// kin.
#include <algorithm>

#include "base/text.h"
#include "elbv2/api/input.h"
#include "elbv2/api/lookup.h"
#include "elbv2/api/operations.h"
#include "elbv2/shapes.h"

namespace elbv2 {
namespace {

using base::Node;

constexpr size_t kMaxPathLength = 1024;

Node describe(ControlPlane& elb, const TargetGroup& group) {
    Node node = to_node(group);
    Node arns = Node::array();
    for (const std::string& arn : load_balancers_of(elb, group.arn))
        arns.push_back(arn);
    node.set("LoadBalancerArns", std::move(arns));
    return node;
}

bool is_matcher(std::string_view text, uint64_t low, uint64_t high) {
    for (std::string_view part : base::split(text, ',')) {
        auto [from, to] = base::cut(part, '-');
        auto first = base::parse_unsigned(from);
        auto last = part.find('-') == std::string_view::npos ? first : base::parse_unsigned(to);
        if (!first || !last || *first < low || *last > high || *first > *last) return false;
    }
    return true;
}

void check_health_check(const Node& input, const TargetGroup& group) {
    const HealthCheck& check = group.health_check;
    integer(input, "HealthCheckIntervalSeconds", 30, 5, 300);
    integer(input, "HealthCheckTimeoutSeconds", 5, 2, 120);
    integer(input, "HealthyThresholdCount", 5, 2, 10);
    integer(input, "UnhealthyThresholdCount", 2, 2, 10);
    if (check.timeout_seconds >= check.interval_seconds)
        invalid("Health check timeout '" + std::to_string(check.timeout_seconds) +
                "' must be smaller than the interval '" + std::to_string(check.interval_seconds) +
                "'");
    if (check.port != "traffic-port") integer(input, "HealthCheckPort", 80, 1, 65535);
    if (!check.path.starts_with('/') || check.path.size() > kMaxPathLength)
        invalid("Health check path '" + check.path +
                "' must begin with a '/' character, and can only contain "
                "printable ASCII characters, without spaces");
    bool clean =
        std::ranges::all_of(check.path, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
    if (!clean)
        invalid("Health check path '" + check.path +
                "' can only contain printable ASCII characters");
    bool grpc = group.protocol_version == ProtocolVersion::Grpc;
    if (!grpc && !is_matcher(check.http_codes, 200, 499))
        invalid("Health check matcher HTTP code '" + check.http_codes +
                "' must be within '200-499' inclusive");
    if (grpc && !is_matcher(check.grpc_codes, 0, 99))
        invalid("Health check matcher GRPC code '" + check.grpc_codes +
                "' must be within '0-99' inclusive");
}

void check_choice(const Node& input, std::string_view member,
                  std::initializer_list<std::string_view> choices) {
    std::string value = leaf(input[member]);
    if (value.empty() || std::ranges::find(choices, value) != choices.end()) return;
    std::vector<std::string> list(choices.begin(), choices.end());
    invalid(std::string(member) + " '" + value + "' must be one of '[" + base::join(list, ", ") +
            "]'");
}

TargetGroup wanted(ControlPlane& elb, const Node& input) {
    std::string name = required(input, "Name");
    check_name("Target group", name);
    std::string protocol = leaf(input["Protocol"]);
    if (protocol == "TCP" || protocol == "UDP" || protocol == "TLS" || protocol == "TCP_UDP" ||
        protocol == "GENEVE")
        not_emulated("A target group with protocol '" + protocol + "'");
    check_choice(input, "Protocol", {"HTTP", "HTTPS"});
    check_choice(input, "ProtocolVersion", {"HTTP1", "HTTP2", "GRPC"});
    check_choice(input, "HealthCheckProtocol", {"HTTP", "HTTPS"});
    std::string type = leaf(input["TargetType"]);
    if (type == "lambda" || type == "alb")
        not_emulated("A target group with target type '" + type + "'");
    check_choice(input, "TargetType", {"instance", "ip"});
    if (protocol.empty()) invalid("A protocol must be specified");
    if (leaf(input["Port"]).empty()) invalid("A port must be specified");
    integer(input, "Port", 80, 1, 65535);

    TargetGroup group = target_group_from(input);
    group.name = name;
    group.tags = tags_from(input["Tags"]);
    bool grpc = group.protocol_version == ProtocolVersion::Grpc;
    if (grpc && leaf(input["HealthCheckPath"]).empty())
        group.health_check.path = "/AWS.ALB/healthcheck";
    if (grpc && group.health_check.grpc_codes.empty()) group.health_check.grpc_codes = "12";
    if (group.vpc_id.empty())
        group.vpc_id = "vpc-" + elb.ids().derive("vpc", "default", "id", 17, base::Ids::kHex);
    group.arn = elb.ids().pinned("targetGroup", name, "arn");
    if (group.arn.empty())
        group.arn =
            elb_arn(elb, "targetgroup/" + name + "/" +
                             elb.ids().derive("targetGroup", name, "id", 16, base::Ids::kHex));
    group.id = group.arn.substr(group.arn.rfind('/') + 1);
    check_health_check(input, group);
    return group;
}

aws::Reply create_target_group(ControlPlane& elb, const aws::Call& call) {
    TargetGroup group = wanted(elb, call.input);
    if (auto existing = elb.store().target_group(group.arn)) {
        if (!(to_node(*existing) == to_node(group)))
            fail("DuplicateTargetGroupName", "A target group with the same name '" + group.name +
                                                 "' exists, but with different settings");
        group = *existing;
    } else {
        elb.store().put(group);
    }
    return reply(Node::object({{"TargetGroups", Node::array({describe(elb, group)})}}));
}

aws::Reply describe_target_groups(ControlPlane& elb, const aws::Call& call) {
    auto arns = names(call.input, "TargetGroupArns"), wanted_names = names(call.input, "Names");
    std::string load_balancer = leaf(call.input["LoadBalancerArn"]);
    std::vector<Node> found;
    for (const std::string& arn : arns)
        found.push_back(describe(elb, need_target_group(elb, arn)));
    auto all = elb.store().target_groups();
    for (const std::string& name : wanted_names) {
        auto group = std::ranges::find(all, name, &TargetGroup::name);
        if (group == all.end()) fail("TargetGroupNotFound", "One or more target groups not found");
        found.push_back(describe(elb, *group));
    }
    if (arns.empty() && wanted_names.empty()) {
        if (!load_balancer.empty()) need_load_balancer(elb, load_balancer);
        for (const TargetGroup& group : all) {
            auto owners = load_balancers_of(elb, group.arn);
            bool listed =
                load_balancer.empty() || std::ranges::find(owners, load_balancer) != owners.end();
            if (listed) found.push_back(describe(elb, group));
        }
    }
    return reply(page(call.input, "TargetGroups", std::move(found)));
}

aws::Reply modify_target_group(ControlPlane& elb, const aws::Call& call) {
    TargetGroup group = need_target_group(elb, required(call.input, "TargetGroupArn"));
    check_choice(call.input, "HealthCheckProtocol", {"HTTP", "HTTPS"});
    read_health_check(call.input, group.health_check);
    check_health_check(call.input, group);
    elb.store().put(group);
    return reply(Node::object({{"TargetGroups", Node::array({describe(elb, group)})}}));
}

aws::Reply delete_target_group(ControlPlane& elb, const aws::Call& call) {
    std::string arn = required(call.input, "TargetGroupArn");
    if (!elb.store().target_group(arn)) return reply();
    if (!load_balancers_of(elb, arn).empty())
        fail("ResourceInUse",
             "Target group '" + arn + "' is currently in use by a listener or a rule");
    elb.store().remove_target_group(arn);
    elb.live().forget_group(arn);
    return reply();
}

aws::Reply describe_attributes(ControlPlane& elb, const aws::Call& call) {
    TargetGroup group = need_target_group(elb, required(call.input, "TargetGroupArn"));
    return reply(Node::object(
        {{"Attributes", attribute_list(target_group_attributes(), group.attributes)}}));
}

void check_attributes(const Attributes& set) {
    Attributes all = with_defaults(target_group_attributes(), set);
    std::string algorithm = all["load_balancing.algorithm.type"];
    if (all["slow_start.duration_seconds"] != "0" && algorithm != "round_robin")
        fail("InvalidConfigurationRequest",
             "Slow start is not compatible with the load balancing algorithm '" + algorithm + "'");
    if (all["load_balancing.algorithm.anomaly_mitigation"] == "on" &&
        algorithm != "weighted_random")
        fail("InvalidConfigurationRequest",
             "Anomaly mitigation needs the load balancing algorithm 'weighted_random'");
    bool sticky = all["stickiness.enabled"] == "true";
    if (sticky && all["load_balancing.cross_zone.enabled"] == "false")
        fail("InvalidConfigurationRequest",
             "Stickiness cannot be enabled while cross-zone load balancing is off");
    std::string cookie = all["stickiness.app_cookie.cookie_name"];
    if (sticky && all["stickiness.type"] == "app_cookie" && cookie.empty())
        invalid("An application cookie name must be specified for stickiness type 'app_cookie'");
    if (cookie.starts_with("AWSALB"))
        invalid("The application cookie name '" + cookie + "' is reserved by the load balancer");
}

aws::Reply modify_attributes(ControlPlane& elb, const aws::Call& call) {
    TargetGroup group = need_target_group(elb, required(call.input, "TargetGroupArn"));
    set_attributes("Target group", target_group_attributes(), call.input, group.attributes);
    check_attributes(group.attributes);
    elb.store().put(group);
    return reply(Node::object(
        {{"Attributes", attribute_list(target_group_attributes(), group.attributes)}}));
}

constexpr Operation kOperations[] = {
    {"CreateTargetGroup", create_target_group},
    {"DescribeTargetGroups", describe_target_groups},
    {"ModifyTargetGroup", modify_target_group},
    {"DeleteTargetGroup", delete_target_group},
    {"DescribeTargetGroupAttributes", describe_attributes},
    {"ModifyTargetGroupAttributes", modify_attributes},
};

}  // namespace

const std::span<const Operation> target_group_operations = kOperations;

}  // namespace elbv2
