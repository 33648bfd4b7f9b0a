// The API, operation by operation. Numbers are those of alb.md §27; texts §24.
#include <regex>
#include <set>

#include "unit/elbv2/alb.h"

using alb::Alb;
using base::Node;

namespace {

const std::string kLb = R"({"Name":"app","Subnets":["subnet-1","subnet-2"]})";

const Node& first(const Node& output, std::string_view list) {
    return output[list].items().at(0);
}

std::string value_of(const Node& output, std::string_view key) {
    for (const Node& item : output["Attributes"].items())
        if (item["Key"].as_string() == key) return item["Value"].as_string();
    return "(absent)";
}

}  // namespace

TEST_CASE("load balancers: create, repeat, differ, unknown, delete (#72, #73, #74, #83, #90)") {
    Alb alb;
    Node made = alb.call("CreateLoadBalancer", kLb);
    std::string arn = first(made, "LoadBalancers")["LoadBalancerArn"].as_string();
    CHECK(std::regex_search(arn, std::regex("^arn:aws:elasticloadbalancing:us-east-1:123456789012:"
                                            "loadbalancer/app/app/[0-9a-f]{16}$")));
    CHECK(first(made, "LoadBalancers")["State"]["Code"].as_string() == "provisioning");
    CHECK(std::regex_match(first(made, "LoadBalancers")["DNSName"].as_string(),
                           std::regex("app-[0-9]+\\.us-east-1\\.elb\\.amazonaws\\.com")));
    CHECK(first(alb.call("CreateLoadBalancer", kLb), "LoadBalancers")["LoadBalancerArn"]
              .as_string() == arn);
    CHECK(alb.error_of("CreateLoadBalancer",
                       R"({"Name":"app","Subnets":["subnet-1","subnet-2"],"Scheme":"internal"})") ==
          "DuplicateLoadBalancerName: A load balancer with the same name 'app' exists, but with "
          "different settings");
    CHECK(first(alb.call("DescribeLoadBalancers", R"({"Names":["app"]})"),
                "LoadBalancers")["State"]["Code"]
              .as_string() == "active");
    CHECK(alb.error_of("DescribeLoadBalancers", R"({"Names":["nope"]})")
              .starts_with("LoadBalancerNotFound: "));
    alb.call("DeleteLoadBalancer", R"({"LoadBalancerArn":")" + arn + R"("})");
    alb.call("DeleteLoadBalancer", R"({"LoadBalancerArn":")" + arn + R"("})");
    CHECK(alb.call("DescribeLoadBalancers", Node::object())["LoadBalancers"].size() == 0);
}

TEST_CASE("pins decide a load balancer's identifiers") {
    Alb alb;
    alb.ids.pin("loadBalancer", "app", "arn",
                "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/app/"
                "50dc6c495c0c9188");
    alb.ids.pin("loadBalancer", "app", "dnsName", "app-42.us-east-1.elb.amazonaws.com");
    alb.ids.pin(
        "targetGroup", "tg", "arn",
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/tg/6d0ecf831eec9f09");
    alb.set_up();
    CHECK(alb.lb_arn.ends_with("/50dc6c495c0c9188"));
    CHECK(alb.group_arn.ends_with("/6d0ecf831eec9f09"));
    CHECK(alb.listener_arn.find(":listener/app/app/50dc6c495c0c9188/") != std::string::npos);
    CHECK(alb.balancer->owns("app-42.us-east-1.elb.amazonaws.com"));
}

TEST_CASE("refusals, one text each (#76, #78, #79, #87, #92)") {
    Alb alb;
    alb.set_up();
    std::string grpc = alb.make_group("grpc", R"(,"ProtocolVersion":"GRPC")");
    auto lb = [&](const std::string& rest) {
        return R"({"LoadBalancerArn":")" + alb.lb_arn + R"(",)" + rest + "}";
    };
    auto rule = [&](const std::string& conditions) {
        return R"({"ListenerArn":")" + alb.listener_arn + R"(","Priority":5,"Conditions":)" +
               conditions +
               R"(,"Actions":[{"Type":"fixed-response","FixedResponseConfig":{"StatusCode":"200"}}]})";
    };
    alb.make_rule(10, R"([{"Field":"path-pattern","Values":["/x"]}])",
                  R"([{"Type":"fixed-response","FixedResponseConfig":{"StatusCode":"200"}}])");
    struct Row {
        std::string operation, input, error;
    };
    const Row rows[] = {
        {"CreateLoadBalancer", R"({"Name":"b","Subnets":["subnet-1"]})",
         "ValidationError: At least two subnets in two different Availability Zones must be "
         "specified"},
        {"CreateLoadBalancer", R"({"Name":"internal-b","Subnets":["a","b"]})",
         "ValidationError: Load balancer name 'internal-b' cannot begin with 'internal-'"},
        {"CreateLoadBalancer", R"({"Name":"a_b","Subnets":["a","b"]})",
         "ValidationError: Load balancer name 'a_b' can only contain characters that are "
         "alphanumeric characters and hyphens(-)"},
        {"CreateLoadBalancer", R"({"Name":"n","Type":"network","Subnets":["a","b"]})",
         "NotImplemented: A load balancer of type 'network' is not emulated by dodam"},
        {"CreateTargetGroup",
         R"({"Name":"t2","Protocol":"HTTP","Port":80,"HealthCheckTimeoutSeconds":30})",
         "ValidationError: Health check timeout '30' must be smaller than the interval '30'"},
        {"CreateTargetGroup",
         R"({"Name":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","Protocol":"HTTP","Port":80})",
         "ValidationError: Target group name 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' cannot be longer "
         "than '32' characters"},
        {"CreateTargetGroup", R"({"Name":"tg","Protocol":"HTTP","Port":81,"TargetType":"ip"})",
         "DuplicateTargetGroupName: A target group with the same name 'tg' exists, but with "
         "different settings"},
        {"CreateTargetGroup",
         R"({"Name":"t3","Protocol":"HTTP","Port":80,"Matcher":{"HttpCode":"500"}})",
         "ValidationError: Health check matcher HTTP code '500' must be within '200-499' "
         "inclusive"},
        {"ModifyLoadBalancerAttributes", lb(R"("Attributes":[{"Key":"no.such","Value":"1"}])"),
         "ValidationError: Load balancer attribute key 'no.such' is not recognized"},
        {"ModifyLoadBalancerAttributes",
         lb(R"("Attributes":[{"Key":"idle_timeout.timeout_seconds","Value":"4001"}])"),
         "ValidationError: Load balancer attribute key 'idle_timeout.timeout_seconds' has value "
         "'4001', allowed: 1-4000"},
        {"CreateListener",
         lb(R"("Protocol":"HTTP","Port":80,"DefaultActions":[{"Type":"fixed-response","FixedResponseConfig":{"StatusCode":"200"}}])"),
         "DuplicateListener: A listener already exists on this port for this load balancer"},
        {"CreateListener",
         lb(R"("Protocol":"HTTP","Port":81,"DefaultActions":[{"Type":"forward","TargetGroupArn":")" +
            grpc + R"("}])"),
         "InvalidLoadBalancerAction: Listener protocol 'HTTP' is not supported with a target group "
         "with the protocol-version 'GRPC'"},
        {"CreateListener", lb(R"("Protocol":"HTTPS","Port":443,"DefaultActions":[])"),
         "ValidationError: A certificate must be specified for HTTPS listeners"},
        {"CreateListener",
         lb(R"("Protocol":"HTTPS","Port":443,"Certificates":[{"CertificateArn":"arn:aws:acm:us-east-1:1:certificate/x"}],"DefaultActions":[{"Type":"redirect","RedirectConfig":{"Protocol":"HTTP","StatusCode":"HTTP_301"}}])"),
         "InvalidLoadBalancerAction: Redirecting from HTTPS to HTTP is not supported"},
        {"CreateListener",
         lb(R"("Protocol":"HTTP","Port":82,"DefaultActions":[{"Type":"redirect","RedirectConfig":{"StatusCode":"HTTP_301"}}])"),
         "InvalidLoadBalancerAction: The redirect configuration must change at least one of "
         "protocol, host, port or path"},
        {"CreateListener",
         lb(R"("Protocol":"HTTP","Port":82,"DefaultActions":[{"Type":"authenticate-oidc"}])"),
         "NotImplemented: An action of type 'authenticate-oidc' is not emulated by dodam"},
        {"CreateListener",
         lb(R"("Protocol":"HTTP","Port":82,"DefaultActions":[{"Type":"forward","TargetGroupArn":"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/0123456789abcdef"}])"),
         "TargetGroupNotFound: One or more target groups not found"},
        {"CreateRule",
         R"({"ListenerArn":")" + alb.listener_arn +
             R"(","Priority":10,"Conditions":[],"Actions":[]})",
         "PriorityInUse: Priority '10' is currently in use"},
        {"CreateRule", rule("[]"), "ValidationError: A condition must be specified"},
        {"CreateRule", rule(R"([{"Field":"path-pattern","Values":[]}])"),
         "ValidationError: A condition value must be specified"},
        {"CreateRule", rule(R"([{"Field":"cookie","Values":["a"]}])"),
         "ValidationError: Condition field 'cookie' must be one of '[path-pattern, host-header, "
         "http-header, http-request-method, query-string, source-ip]'"},
        {"CreateRule",
         rule(R"([{"Field":"path-pattern","Values":["/1","/2","/3","/4","/5","/6"]}])"),
         "ValidationError: Rules can have no more than '5' condition values"},
        {"CreateRule",
         rule(
             R"([{"Field":"path-pattern","Values":["/1"]},{"Field":"path-pattern","Values":["/2"]}])"),
         "ValidationError: Only one 'path-pattern' condition may be specified per rule"},
        {"CreateRule",
         rule(R"([{"Field":"source-ip","SourceIpConfig":{"Values":["255.255.255.255/32"]}}])"),
         "ValidationError: The source IP value '255.255.255.255/32' is not a valid CIDR block"},
        {"DescribeListeners", "{}",
         "ValidationError: You must specify either listener ARNs or a load balancer ARN"},
        {"DescribeRules", R"({"ListenerArn":"x"})",
         "ValidationError: 'x' is not a valid listener ARN"},
        {"DeleteTargetGroup", R"({"TargetGroupArn":")" + alb.group_arn + R"("})",
         "ResourceInUse: Target group '" + alb.group_arn +
             "' is currently in use by a listener or a rule"},
        {"RegisterTargets",
         R"({"TargetGroupArn":")" + alb.group_arn + R"(","Targets":[{"Id":"8.8.8.8"}]})",
         "ValidationError: The IP address '8.8.8.8' is not within the VPC of the target group or "
         "an allowed private range"},
    };
    for (const Row& row : rows) {
        INFO(row.operation << " " << row.input);
        CHECK(alb.error_of(row.operation, row.input) == row.error);
    }
}

TEST_CASE("target groups: defaults, attributes, use (#75, #77, #82, #84, #85)") {
    Alb alb;
    Node made = alb.call("CreateTargetGroup", R"({"Name":"plain","Protocol":"HTTP","Port":80})");
    const Node& group = first(made, "TargetGroups");
    struct Row {
        std::string_view key, value;
    };
    for (const Row& row :
         {Row{"HealthCheckIntervalSeconds", "30"}, Row{"HealthCheckTimeoutSeconds", "5"},
          Row{"HealthyThresholdCount", "5"}, Row{"UnhealthyThresholdCount", "2"}})
        CHECK(group[row.key].number_text() == row.value);
    CHECK(group["Matcher"]["HttpCode"].as_string() == "200");
    CHECK(group["HealthCheckPath"].as_string() == "/");
    CHECK(group["HealthCheckPort"].as_string() == "traffic-port");
    CHECK(group["ProtocolVersion"].as_string() == "HTTP1");
    CHECK(group["TargetType"].as_string() == "instance");
    std::string arn = group["TargetGroupArn"].as_string();
    Node attributes =
        alb.call("DescribeTargetGroupAttributes", R"({"TargetGroupArn":")" + arn + R"("})");
    CHECK(attributes["Attributes"].size() == 14);
    CHECK(value_of(attributes, "deregistration_delay.timeout_seconds") == "300");
    CHECK(value_of(attributes, "load_balancing.cross_zone.enabled") ==
          "use_load_balancer_configuration");

    alb.set_up();
    CHECK(first(alb.call("DescribeTargetGroups", R"({"Names":["tg"]})"),
                "TargetGroups")["LoadBalancerArns"]
              .items()
              .at(0)
              .as_string() == alb.lb_arn);
    alb.call("DeregisterTargets",
             R"({"TargetGroupArn":")" + alb.group_arn + R"(","Targets":[{"Id":"10.0.0.9"}]})");
    Node health =
        alb.call("DescribeTargetHealth", R"({"TargetGroupArn":")" + alb.group_arn +
                                             R"(","Targets":[{"Id":"10.0.0.9","Port":80}]})");
    const Node& missing = first(health, "TargetHealthDescriptions")["TargetHealth"];
    CHECK(missing["State"].as_string() == "unused");
    CHECK(missing["Reason"].as_string() == "Target.NotRegistered");
    alb.call("DeleteListener", R"({"ListenerArn":")" + alb.listener_arn + R"("})");
    CHECK(alb.error_of("DeleteTargetGroup", R"({"TargetGroupArn":")" + alb.group_arn + R"("})")
              .empty());
}

TEST_CASE("rules: default, order, swap, pages (#80, #81, #91)") {
    Alb alb;
    alb.set_up();
    std::string action =
        R"([{"Type":"fixed-response","FixedResponseConfig":{"StatusCode":"200"}}])";
    std::vector<std::string> arns;
    for (int priority : {3, 1, 2})
        arns.push_back(alb.make_rule(
            priority,
            R"([{"Field":"path-pattern","Values":["/)" + std::to_string(priority) + R"("]}])",
            action));
    Node all = alb.call("DescribeRules", R"({"ListenerArn":")" + alb.listener_arn + R"("})");
    REQUIRE(all["Rules"].size() == 4);
    CHECK(all["Rules"].items()[0]["Priority"].as_string() == "1");
    CHECK(all["Rules"].items()[3]["Priority"].as_string() == "default");
    CHECK(all["Rules"].items()[3]["IsDefault"].as_bool());
    CHECK(all["Rules"]
              .items()[0]["Conditions"]
              .items()[0]["PathPatternConfig"]["Values"]
              .items()[0]
              .as_string() == "/1");

    alb.call("SetRulePriorities", R"({"RulePriorities":[{"RuleArn":")" + arns[0] +
                                      R"(","Priority":1},{"RuleArn":")" + arns[1] +
                                      R"(","Priority":3}]})");
    all = alb.call("DescribeRules", R"({"ListenerArn":")" + alb.listener_arn + R"("})");
    CHECK(all["Rules"].items()[0]["RuleArn"].as_string() == arns[0]);
    CHECK(alb.error_of("SetRulePriorities",
                       R"({"RulePriorities":[{"RuleArn":")" + arns[0] + R"(","Priority":2}]})") ==
          "PriorityInUse: Priority '2' is currently in use");
    const std::string default_arn = all["Rules"].items()[3]["RuleArn"].as_string();
    CHECK(alb.error_of("DeleteRule", R"({"RuleArn":")" + default_arn + R"("})")
              .starts_with("OperationNotPermitted: "));

    std::multiset<std::string> seen;
    std::string marker;
    do {
        std::string more = marker.empty() ? "" : R"(,"Marker":")" + marker + R"(")";
        Node page = alb.call("DescribeRules", R"({"ListenerArn":")" + alb.listener_arn +
                                                  R"(","PageSize":1)" + more + "}");
        for (const Node& rule : page["Rules"].items())
            seen.insert(rule["RuleArn"].as_string());
        marker = page["NextMarker"].as_string();
    } while (!marker.empty());
    CHECK(seen.size() == 4);
    CHECK(std::set<std::string>(seen.begin(), seen.end()).size() == 4);
}

TEST_CASE("tags on every kind of resource") {
    Alb alb;
    alb.set_up();
    for (const std::string& arn : {alb.lb_arn, alb.group_arn, alb.listener_arn}) {
        alb.call("AddTags", R"({"ResourceArns":[")" + arn +
                                R"("],"Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":"2"}]})");
        alb.call("RemoveTags", R"({"ResourceArns":[")" + arn + R"("],"TagKeys":["a"]})");
        Node tags = alb.call("DescribeTags", R"({"ResourceArns":[")" + arn + R"("]})");
        REQUIRE(first(tags, "TagDescriptions")["Tags"].size() == 1);
        CHECK(first(tags, "TagDescriptions")["Tags"].items()[0]["Key"].as_string() == "b");
    }
}

TEST_CASE("a group belongs to one load balancer") {
    Alb alb;
    alb.set_up();
    Node other =
        alb.call("CreateLoadBalancer", std::string(R"({"Name":"other","Subnets":["a","b"]})"));
    std::string arn = first(other, "LoadBalancers")["LoadBalancerArn"].as_string();
    CHECK(
        alb.error_of(
               "CreateListener",
               R"({"LoadBalancerArn":")" + arn +
                   R"(","Protocol":"HTTP","Port":80,"DefaultActions":[{"Type":"forward","TargetGroupArn":")" +
                   alb.group_arn + R"("}]})")
            .starts_with("TargetGroupAssociationLimit: "));
}

TEST_CASE("what was created is there after a restart") {
    Alb alb;
    alb.set_up();
    alb.set_lb("idle_timeout.timeout_seconds", "7");
    alb.make_rule(
        10,
        R"([{"Field":"query-string","QueryStringConfig":{"Values":[{"Key":"v","Value":"1"}]}}])",
        R"([{"Type":"redirect","RedirectConfig":{"Host":"b.test","Query":"","StatusCode":"HTTP_302"}}])");
    alb.control_plane->register_targets(alb.group_arn, {{"10.0.1.5", 3000}});
    elbv2::ControlPlane again(*alb.database, alb.clock, alb.ids);
    auto snapshot = again.snapshot().get();
    REQUIRE(snapshot->load_balancers.size() == 1);
    const auto& lb = *snapshot->load_balancers[0];
    CHECK(lb.settings.idle_timeout.count() == 7);
    REQUIRE(lb.listeners.size() == 1);
    REQUIRE(lb.listeners[0].rules.size() == 2);
    CHECK(lb.listeners[0].rules[0].conditions[0].condition.query[0].key == "v");
    CHECK(lb.listeners[0].rules[0].action.redirect.query.empty());
    CHECK(lb.listeners[0].rules[0].action.redirect.status == 302);
    CHECK(again.describe_targets(alb.group_arn).at(0).id == "10.0.1.5");
}
