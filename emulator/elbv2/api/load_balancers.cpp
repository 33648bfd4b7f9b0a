// Load balancers: create, describe, delete, attributes, and where they stand in the VPC.
// API reference: CreateLoadBalancer and its kin.
#include <algorithm>

#include "elbv2/access_log.h"
#include "elbv2/api/input.h"
#include "elbv2/api/lookup.h"
#include "elbv2/api/operations.h"
#include "elbv2/shapes.h"

namespace elbv2 {
namespace {

using base::Node;

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHostedZone =
    "Z35SXDOTRQ7X7K";  // us-east-1's; one constant serves all regions here

Node describe(const LoadBalancer& lb, std::string_view state) {
    Node node = to_node(lb);
    node.set("CanonicalHostedZoneId", kHostedZone);
    node.set("State", Node::object({{"Code", state}}));
    return node;
}

std::vector<std::string> subnets_of(const Node& input) {
    std::vector<std::string> subnets = leaf_list(input["Subnets"]);
    for (const Node& mapping : input["SubnetMappings"].items())
        subnets.push_back(leaf(mapping["SubnetId"]));
    return subnets;
}

// GAP: there is no VPC service; subnets are taken to lie in a, b, c … in the order given.
std::vector<AvailabilityZone> zones_of(const ControlPlane& elb,
                                       const std::vector<std::string>& subnets) {
    std::vector<AvailabilityZone> zones;
    for (const std::string& subnet : subnets) {
        bool known =
            std::ranges::any_of(zones, [&](const auto& zone) { return zone.subnet_id == subnet; });
        if (!known)
            zones.push_back(
                {elb.ids().region() + static_cast<char>('a' + zones.size() % 6), subnet});
    }
    if (zones.size() < 2)
        invalid("At least two subnets in two different Availability Zones must be specified");
    return zones;
}

LoadBalancer wanted(ControlPlane& elb, const Node& input) {
    const base::Ids& ids = elb.ids();
    LoadBalancer lb;
    lb.name = required(input, "Name");
    check_name("Load balancer", lb.name);
    std::string type = leaf(input["Type"]);
    if (!type.empty() && type != "application")
        not_emulated("A load balancer of type '" + type + "'");
    if (std::string scheme = leaf(input["Scheme"]); !scheme.empty()) lb.scheme = scheme;
    if (lb.scheme != "internet-facing" && lb.scheme != "internal")
        invalid("Scheme '" + lb.scheme + "' must be one of '[internet-facing, internal]'");
    if (std::string ip = leaf(input["IpAddressType"]); !ip.empty()) lb.ip_address_type = ip;
    lb.zones = zones_of(elb, subnets_of(input));
    lb.security_groups = leaf_list(input["SecurityGroups"]);
    if (lb.security_groups.empty())
        lb.security_groups.push_back(
            "sg-" + ids.derive("vpc", "default", "securityGroup", 17, base::Ids::kHex));
    lb.vpc_id = "vpc-" + ids.derive("vpc", "default", "id", 17, base::Ids::kHex);
    lb.id = ids.derive("loadBalancer", lb.name, "id", 16, base::Ids::kHex);
    lb.arn = ids.pinned("loadBalancer", lb.name, "arn");
    if (lb.arn.empty()) lb.arn = elb_arn(elb, "loadbalancer/app/" + lb.name + "/" + lb.id);
    lb.id = lb.arn.substr(lb.arn.rfind('/') + 1);
    lb.dns_name = ids.pinned("loadBalancer", lb.name, "dnsName");
    if (lb.dns_name.empty())
        lb.dns_name = (lb.scheme == "internal" ? "internal-" : "") + lb.name + "-" +
                      ids.derive("loadBalancer", lb.name, "dnsName", 10, kDigits) + "." +
                      ids.region() + ".elb.amazonaws.com";
    lb.created = elb.clock().now();
    lb.tags = tags_from(input["Tags"]);
    return lb;
}

bool same_settings(const LoadBalancer& a, const LoadBalancer& b) {
    return a.scheme == b.scheme && a.ip_address_type == b.ip_address_type &&
           a.security_groups == b.security_groups &&
           std::ranges::equal(a.zones, b.zones, {}, &AvailabilityZone::subnet_id,
                              &AvailabilityZone::subnet_id);
}

aws::Reply create_load_balancer(ControlPlane& elb, const aws::Call& call) {
    LoadBalancer lb = wanted(elb, call.input);
    std::string_view state = "provisioning";
    if (auto existing = elb.store().load_balancer(lb.arn)) {
        if (!same_settings(*existing, lb))
            fail("DuplicateLoadBalancerName", "A load balancer with the same name '" + lb.name +
                                                  "' exists, but with different settings");
        lb = *existing;
        state = "active";
    } else {
        elb.store().put(lb);
    }
    return reply(Node::object({{"LoadBalancers", Node::array({describe(lb, state)})}}));
}

aws::Reply describe_load_balancers(ControlPlane& elb, const aws::Call& call) {
    auto arns = names(call.input, "LoadBalancerArns"), wanted_names = names(call.input, "Names");
    auto all = elb.store().load_balancers();
    std::vector<Node> found;
    if (arns.empty() && wanted_names.empty()) {
        for (const LoadBalancer& lb : all)
            found.push_back(describe(lb, "active"));
        return reply(page(call.input, "LoadBalancers", std::move(found)));
    }
    for (const std::string& arn : arns)
        found.push_back(describe(need_load_balancer(elb, arn), "active"));
    for (const std::string& name : wanted_names) {
        auto lb = std::ranges::find(all, name, &LoadBalancer::name);
        if (lb == all.end())
            fail("LoadBalancerNotFound", "Load balancers '[" + name + "]' not found");
        found.push_back(describe(*lb, "active"));
    }
    return reply(page(call.input, "LoadBalancers", std::move(found)));
}

aws::Reply delete_load_balancer(ControlPlane& elb, const aws::Call& call) {
    std::string arn = required(call.input, "LoadBalancerArn");
    auto lb = elb.store().load_balancer(arn);
    if (!lb) return reply();
    if (lb->attributes["deletion_protection.enabled"] == "true")
        fail(
            "OperationNotPermitted",
            "Load balancer '" + arn + "' cannot be deleted because deletion protection is enabled");
    elb.store().remove_load_balancer(arn);
    return reply();
}

aws::Reply describe_attributes(ControlPlane& elb, const aws::Call& call) {
    LoadBalancer lb = need_load_balancer(elb, required(call.input, "LoadBalancerArn"));
    return reply(
        Node::object({{"Attributes", attribute_list(load_balancer_attributes(), lb.attributes)}}));
}

aws::Reply modify_attributes(ControlPlane& elb, const aws::Call& call) {
    LoadBalancer lb = need_load_balancer(elb, required(call.input, "LoadBalancerArn"));
    set_attributes("Load balancer", load_balancer_attributes(), call.input, lb.attributes);
    const std::string bucket = lb.attributes["access_logs.s3.bucket"];
    const bool logs = lb.attributes["access_logs.s3.enabled"] == "true";
    if (logs && bucket.empty())
        invalid("An S3 bucket name must be specified to enable access logs");
    if (logs && !elb.may_log_to(bucket, access_log_test_key(lb.attributes["access_logs.s3.prefix"],
                                                            elb.ids().account())))
        fail("InvalidConfigurationRequest",
             "Access Denied for bucket: " + bucket + ". Please check S3bucket permission");
    elb.store().put(lb);
    return reply(
        Node::object({{"Attributes", attribute_list(load_balancer_attributes(), lb.attributes)}}));
}

aws::Reply set_security_groups(ControlPlane& elb, const aws::Call& call) {
    LoadBalancer lb = need_load_balancer(elb, required(call.input, "LoadBalancerArn"));
    lb.security_groups = leaf_list(call.input["SecurityGroups"]);
    elb.store().put(lb);
    return reply(Node::object({{"SecurityGroupIds", to_node(lb)["SecurityGroups"]}}));
}

aws::Reply set_subnets(ControlPlane& elb, const aws::Call& call) {
    LoadBalancer lb = need_load_balancer(elb, required(call.input, "LoadBalancerArn"));
    lb.zones = zones_of(elb, subnets_of(call.input));
    elb.store().put(lb);
    return reply(Node::object({{"AvailabilityZones", to_node(lb)["AvailabilityZones"]},
                               {"IpAddressType", lb.ip_address_type}}));
}

aws::Reply set_ip_address_type(ControlPlane& elb, const aws::Call& call) {
    LoadBalancer lb = need_load_balancer(elb, required(call.input, "LoadBalancerArn"));
    lb.ip_address_type = required(call.input, "IpAddressType");
    elb.store().put(lb);
    return reply(Node::object({{"IpAddressType", lb.ip_address_type}}));
}

aws::Reply describe_capacity_reservation(ControlPlane& elb, const aws::Call& call) {
    need_load_balancer(elb, required(call.input, "LoadBalancerArn"));
    return reply(Node::object(
        {{"DecreaseRequestsRemaining", 0}, {"CapacityReservationState", Node::array()}}));
}

aws::Reply describe_account_limits(ControlPlane&, const aws::Call&) {
    struct Limit {
        std::string_view name, max;
    };
    static constexpr Limit kLimits[] = {
        {"application-load-balancers", "50"},
        {"target-groups", "3000"},
        {"targets-per-application-load-balancer", "1000"},
        {"listeners-per-application-load-balancer", "50"},
        {"rules-per-application-load-balancer", "100"},
        {"target-groups-per-action-on-application-load-balancer", "5"},
        {"target-groups-per-application-load-balancer", "100"},
        {"condition-values-per-alb-rule", "5"},
        {"condition-wildcards-per-alb-rule", "5"},
        {"certificates-per-application-load-balancer", "25"},
    };
    Node list = Node::array();
    for (const Limit& limit : kLimits)
        list.push_back(Node::object({{"Name", limit.name}, {"Max", limit.max}}));
    return reply(Node::object({{"Limits", list}}));
}

constexpr Operation kOperations[] = {
    {"CreateLoadBalancer", create_load_balancer},
    {"DescribeLoadBalancers", describe_load_balancers},
    {"DeleteLoadBalancer", delete_load_balancer},
    {"DescribeLoadBalancerAttributes", describe_attributes},
    {"ModifyLoadBalancerAttributes", modify_attributes},
    {"SetSecurityGroups", set_security_groups},
    {"SetSubnets", set_subnets},
    {"SetIpAddressType", set_ip_address_type},
    {"DescribeCapacityReservation", describe_capacity_reservation},
    {"DescribeAccountLimits", describe_account_limits},
};

}  // namespace

const std::span<const Operation> load_balancer_operations = kOperations;

}  // namespace elbv2
