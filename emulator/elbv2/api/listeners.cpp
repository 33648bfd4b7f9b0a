// Listeners: create, describe, modify, delete, attributes, certificates. API reference:
// CreateListener and kin.
#include <algorithm>

#include "elbv2/api/input.h"
#include "elbv2/api/lookup.h"
#include "elbv2/api/operations.h"
#include "elbv2/api/rule_input.h"
#include "elbv2/shapes.h"

namespace elbv2 {
namespace {

using base::Node;

constexpr size_t kMaxListeners = 50;
constexpr std::string_view kDefaultPolicy = "ELBSecurityPolicy-2016-08";

ListenerRule default_rule(ControlPlane& elb, const Listener& listener) {
    for (ListenerRule& rule : elb.store().rules(listener.arn))
        if (rule.is_default()) return rule;
    return {};
}

Node describe(ControlPlane& elb, const Listener& listener) {
    Node node = to_node(listener);
    node.set("DefaultActions", to_node(default_rule(elb, listener).actions));
    if (listener.protocol == Protocol::Https)
        node.set("MutualAuthentication", Node::object({{"Mode", "off"}}));
    return node;
}

aws::Reply described(ControlPlane& elb, const Listener& listener) {
    return reply(Node::object({{"Listeners", Node::array({describe(elb, listener)})}}));
}

void read_protocol(const Node& input, Listener& listener) {
    std::string protocol = leaf(input["Protocol"]);
    if (!protocol.empty() && protocol != "HTTP" && protocol != "HTTPS")
        invalid("Listener protocol '" + protocol + "' must be one of 'HTTPS, HTTP'");
    if (!protocol.empty())
        listener.protocol = protocol == "HTTPS" ? Protocol::Https : Protocol::Http;
    std::string mode = leaf(input["MutualAuthentication"]["Mode"]);
    if (!mode.empty() && mode != "off")
        not_emulated("Mutual authentication in mode '" + mode + "'");
    if (std::string policy = leaf(input["SslPolicy"]); !policy.empty())
        listener.ssl_policy = policy;
    if (!input["Certificates"].items().empty())
        listener.certificates = {required(input["Certificates"].items()[0], "CertificateArn")};
    if (listener.protocol == Protocol::Http) {
        listener.certificates.clear();
        listener.ssl_policy.clear();
        return;
    }
    if (listener.certificates.empty())
        invalid("A certificate must be specified for HTTPS listeners");
    if (listener.ssl_policy.empty()) listener.ssl_policy = kDefaultPolicy;
}

Listener* on_port(std::vector<Listener>& listeners, uint16_t port) {
    auto found = std::ranges::find(listeners, port, &Listener::port);
    return found == listeners.end() ? nullptr : &*found;
}

aws::Reply create_listener(ControlPlane& elb, const aws::Call& call) {
    LoadBalancer lb = need_load_balancer(elb, required(call.input, "LoadBalancerArn"));
    if (leaf(call.input["Protocol"]).empty()) invalid("A listener protocol must be specified");
    if (leaf(call.input["Port"]).empty()) invalid("A listener port must be specified");
    Listener listener;
    listener.load_balancer_arn = lb.arn;
    listener.port = static_cast<uint16_t>(integer(call.input, "Port", 80, 1, 65535));
    listener.tags = tags_from(call.input["Tags"]);
    read_protocol(call.input, listener);
    std::string id = elb.ids().derive("listener", lb.name + ":" + std::to_string(listener.port),
                                      "id", 16, base::Ids::kHex);
    listener.arn = elb_arn(elb, "listener/app/" + lb.name + "/" + lb.id + "/" + id);
    auto actions = checked_actions(elb, call.input["DefaultActions"], listener);

    auto existing = elb.store().listeners(lb.arn);
    if (Listener* same = on_port(existing, listener.port)) {
        bool equal = to_node(*same) == to_node(listener) &&
                     to_node(default_rule(elb, *same).actions) == to_node(actions);
        if (!equal)
            fail("DuplicateListener",
                 "A listener already exists on this port for this load balancer");
        return described(elb, *same);
    }
    if (existing.size() >= kMaxListeners)
        fail("TooManyListeners",
             "The maximum number of listeners per load balancer has been reached");
    elb.store().put(listener);

    ListenerRule rule;
    rule.listener_arn = listener.arn;
    rule.actions = std::move(actions);
    rule.arn =
        elb_arn(elb, "listener-rule/app/" + lb.name + "/" + lb.id + "/" + id + "/" +
                         elb.ids().derive("rule", id + ":default", "id", 16, base::Ids::kHex));
    elb.store().put(rule);
    return described(elb, listener);
}

aws::Reply describe_listeners(ControlPlane& elb, const aws::Call& call) {
    std::string lb = leaf(call.input["LoadBalancerArn"]);
    auto arns = names(call.input, "ListenerArns");
    if (lb.empty() && arns.empty())
        invalid("You must specify either listener ARNs or a load balancer ARN");
    std::vector<Node> found;
    if (!lb.empty()) {
        need_load_balancer(elb, lb);
        for (const Listener& listener : elb.store().listeners(lb))
            found.push_back(describe(elb, listener));
    }
    for (const std::string& arn : arns)
        found.push_back(describe(elb, need_listener(elb, arn)));
    return reply(page(call.input, "Listeners", std::move(found)));
}

aws::Reply modify_listener(ControlPlane& elb, const aws::Call& call) {
    Listener listener = need_listener(elb, required(call.input, "ListenerArn"));
    uint16_t port = static_cast<uint16_t>(integer(call.input, "Port", listener.port, 1, 65535));
    auto others = elb.store().listeners(listener.load_balancer_arn);
    if (port != listener.port && on_port(others, port))
        fail("DuplicateListener", "A listener already exists on this port for this load balancer");
    listener.port = port;
    read_protocol(call.input, listener);
    if (!call.input["DefaultActions"].items().empty()) {
        ListenerRule rule = default_rule(elb, listener);
        rule.actions = checked_actions(elb, call.input["DefaultActions"], listener);
        elb.store().put(rule);
    }
    elb.store().put(listener);
    return described(elb, listener);
}

aws::Reply delete_listener(ControlPlane& elb, const aws::Call& call) {
    std::string arn = required(call.input, "ListenerArn");
    need_listener(elb, arn);
    elb.store().remove_listener(arn);
    return reply();
}

aws::Reply describe_attributes(ControlPlane& elb, const aws::Call& call) {
    Listener listener = need_listener(elb, required(call.input, "ListenerArn"));
    return reply(
        Node::object({{"Attributes", attribute_list(listener_attributes(), listener.attributes)}}));
}

aws::Reply modify_attributes(ControlPlane& elb, const aws::Call& call) {
    Listener listener = need_listener(elb, required(call.input, "ListenerArn"));
    set_attributes("Listener", listener_attributes(), call.input, listener.attributes);
    elb.store().put(listener);
    return reply(
        Node::object({{"Attributes", attribute_list(listener_attributes(), listener.attributes)}}));
}

Node certificate_list(const Listener& listener) {
    Node list = Node::array();
    for (const std::string& arn : listener.certificates)
        list.push_back(Node::object({{"CertificateArn", arn}, {"IsDefault", true}}));
    for (const std::string& arn : listener.extra_certificates)
        list.push_back(Node::object({{"CertificateArn", arn}, {"IsDefault", false}}));
    return list;
}

aws::Reply add_certificates(ControlPlane& elb, const aws::Call& call) {
    Listener listener = need_listener(elb, required(call.input, "ListenerArn"));
    for (const Node& item : call.input["Certificates"].items()) {
        std::string arn = required(item, "CertificateArn");
        auto& list = listener.extra_certificates;
        if (std::ranges::find(list, arn) == list.end()) list.push_back(arn);
    }
    elb.store().put(listener);
    return reply(Node::object({{"Certificates", certificate_list(listener)}}));
}

aws::Reply remove_certificates(ControlPlane& elb, const aws::Call& call) {
    Listener listener = need_listener(elb, required(call.input, "ListenerArn"));
    for (const Node& item : call.input["Certificates"].items())
        std::erase(listener.extra_certificates, required(item, "CertificateArn"));
    elb.store().put(listener);
    return reply();
}

aws::Reply describe_certificates(ControlPlane& elb, const aws::Call& call) {
    Listener listener = need_listener(elb, required(call.input, "ListenerArn"));
    return reply(page(call.input, "Certificates", certificate_list(listener).items()));
}

aws::Reply describe_ssl_policies(ControlPlane&, const aws::Call& call) {
    static constexpr std::string_view kPolicies[] = {
        "ELBSecurityPolicy-2016-08", "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "ELBSecurityPolicy-TLS13-1-3-2021-06",
        "ELBSecurityPolicy-FS-1-2-Res-2020-10"};
    auto wanted = names(call.input, "Names");
    std::vector<Node> found;
    for (std::string_view policy : kPolicies) {
        bool listed = wanted.empty() || std::ranges::find(wanted, policy) != wanted.end();
        if (listed)
            found.push_back(
                Node::object({{"Name", policy},
                              {"SslProtocols", Node::array({"TLSv1.2", "TLSv1.3"})},
                              {"SupportedLoadBalancerTypes", Node::array({"application"})}}));
    }
    if (found.empty()) fail("SSLPolicyNotFound", "One or more SSL policies not found");
    return reply(page(call.input, "SslPolicies", std::move(found)));
}

constexpr Operation kOperations[] = {
    {"CreateListener", create_listener},
    {"DescribeListeners", describe_listeners},
    {"ModifyListener", modify_listener},
    {"DeleteListener", delete_listener},
    {"DescribeListenerAttributes", describe_attributes},
    {"ModifyListenerAttributes", modify_attributes},
    {"AddListenerCertificates", add_certificates},
    {"RemoveListenerCertificates", remove_certificates},
    {"DescribeListenerCertificates", describe_certificates},
    {"DescribeSSLPolicies", describe_ssl_policies},
};

}  // namespace

const std::span<const Operation> listener_operations = kOperations;

}  // namespace elbv2
