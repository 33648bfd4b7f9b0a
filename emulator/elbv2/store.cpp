// See store.h. Tables: state/schema.sql, section elbv2.
#include "elbv2/store.h"

#include "elbv2/shapes.h"

namespace elbv2 {
namespace {

using base::Node;

// What every noun has beside its API shape.
template <class Noun>
std::string document(const Noun& noun, Node node) {
    if constexpr (requires { noun.attributes; }) {
        Node attributes = Node::object();
        for (const auto& [key, value] : noun.attributes)
            attributes.set(key, value);
        node.set("Attributes", std::move(attributes));
    }
    node.set("Tags", to_node(noun.tags));
    return base::to_json(node);
}

template <class Noun>
void read_rest(const Node& node, Noun& noun) {
    if constexpr (requires { noun.attributes; })
        for (const auto& [key, value] : node["Attributes"].members())
            noun.attributes[key] = leaf(value);
    noun.tags = tags_from(node["Tags"]);
}

Node parsed(const std::string& text) {
    return base::parse_json(text).value_or(Node());
}

LoadBalancer read_load_balancer(const std::string& text) {
    Node node = parsed(text);
    LoadBalancer load_balancer = load_balancer_from(node);
    read_rest(node, load_balancer);
    return load_balancer;
}

Listener read_listener(const std::string& text) {
    Node node = parsed(text);
    Listener listener = listener_from(node);
    listener.extra_certificates = leaf_list(node["ExtraCertificates"]);
    read_rest(node, listener);
    return listener;
}

ListenerRule read_rule(const std::string& text, std::string listener_arn) {
    Node node = parsed(text);
    ListenerRule rule = rule_from(node);
    rule.listener_arn = std::move(listener_arn);
    read_rest(node, rule);
    return rule;
}

TargetGroup read_target_group(const std::string& text) {
    Node node = parsed(text);
    TargetGroup group = target_group_from(node);
    read_rest(node, group);
    return group;
}

int64_t ticks(base::Time time) {
    return time.time_since_epoch().count();
}
base::Time from_ticks(int64_t ticks) {
    return base::Time(base::microseconds(ticks));
}

}  // namespace

std::vector<LoadBalancer> Store::load_balancers() {
    std::vector<LoadBalancer> found;
    auto rows = database_.prepare("SELECT document FROM elbv2_load_balancers ORDER BY rowid");
    while (rows.step())
        found.push_back(read_load_balancer(rows.text(0)));
    return found;
}

std::vector<Listener> Store::listeners(std::string_view load_balancer_arn) {
    std::vector<Listener> found;
    auto rows = database_.prepare(
        "SELECT document FROM elbv2_listeners WHERE ?1 = '' OR load_balancer_arn = ?1 ORDER BY "
        "rowid");
    rows.bind(1, load_balancer_arn);
    while (rows.step())
        found.push_back(read_listener(rows.text(0)));
    return found;
}

std::vector<ListenerRule> Store::rules(std::string_view listener_arn) {
    std::vector<ListenerRule> found;
    auto rows = database_.prepare(
        "SELECT document, listener_arn FROM elbv2_rules WHERE ?1 = '' OR listener_arn = ?1 "
        "ORDER BY listener_arn, priority");
    rows.bind(1, listener_arn);
    while (rows.step())
        found.push_back(read_rule(rows.text(0), rows.text(1)));
    return found;
}

std::vector<TargetGroup> Store::target_groups() {
    std::vector<TargetGroup> found;
    auto rows = database_.prepare("SELECT document FROM elbv2_target_groups ORDER BY rowid");
    while (rows.step())
        found.push_back(read_target_group(rows.text(0)));
    return found;
}

std::vector<Target> Store::targets(std::string_view group_arn) {
    std::vector<Target> found;
    auto rows = database_.prepare(
        "SELECT id, port, zone, registered, draining_since FROM elbv2_targets WHERE group_arn = ?1 "
        "ORDER BY rowid");
    rows.bind(1, group_arn);
    while (rows.step())
        found.push_back({rows.text(0), static_cast<uint16_t>(rows.integer(1)), rows.text(2),
                         from_ticks(rows.integer(3)), from_ticks(rows.integer(4))});
    return found;
}

Configuration Store::load() {
    Configuration all;
    all.load_balancers = load_balancers();
    all.listeners = listeners("");
    all.rules = rules("");
    for (TargetGroup& group : target_groups()) {
        auto members = targets(group.arn);
        all.groups.push_back({std::move(group), std::move(members)});
    }
    return all;
}

std::optional<LoadBalancer> Store::load_balancer(std::string_view arn) {
    auto row = database_.prepare("SELECT document FROM elbv2_load_balancers WHERE arn = ?1");
    row.bind(1, arn);
    if (!row.step()) return std::nullopt;
    return read_load_balancer(row.text(0));
}

std::optional<Listener> Store::listener(std::string_view arn) {
    auto row = database_.prepare("SELECT document FROM elbv2_listeners WHERE arn = ?1");
    row.bind(1, arn);
    if (!row.step()) return std::nullopt;
    return read_listener(row.text(0));
}

std::optional<ListenerRule> Store::rule(std::string_view arn) {
    auto row = database_.prepare("SELECT document, listener_arn FROM elbv2_rules WHERE arn = ?1");
    row.bind(1, arn);
    if (!row.step()) return std::nullopt;
    return read_rule(row.text(0), row.text(1));
}

std::optional<TargetGroup> Store::target_group(std::string_view arn) {
    auto row = database_.prepare("SELECT document FROM elbv2_target_groups WHERE arn = ?1");
    row.bind(1, arn);
    if (!row.step()) return std::nullopt;
    return read_target_group(row.text(0));
}

void Store::put(const LoadBalancer& load_balancer) {
    database_
        .prepare(
            "INSERT INTO elbv2_load_balancers (arn, document) VALUES (?1, ?2) "
            "ON CONFLICT (arn) DO UPDATE SET document = ?2")
        .bind_all(std::string_view(load_balancer.arn),
                  std::string_view(document(load_balancer, to_node(load_balancer))))
        .run();
}

void Store::put(const Listener& listener) {
    Node node = to_node(listener);
    Node extra = Node::array();
    for (const std::string& arn : listener.extra_certificates)
        extra.push_back(arn);
    node.set("ExtraCertificates", std::move(extra));
    database_
        .prepare(
            "INSERT INTO elbv2_listeners (arn, load_balancer_arn, document) VALUES (?1, ?2, ?3) "
            "ON CONFLICT (arn) DO UPDATE SET document = ?3")
        .bind_all(std::string_view(listener.arn), std::string_view(listener.load_balancer_arn),
                  std::string_view(document(listener, std::move(node))))
        .run();
}

void Store::put(const ListenerRule& rule) {
    database_
        .prepare(
            "INSERT INTO elbv2_rules (arn, listener_arn, priority, document) VALUES (?1, ?2, ?3, "
            "?4) "
            "ON CONFLICT (arn) DO UPDATE SET priority = ?3, document = ?4")
        .bind_all(std::string_view(rule.arn), std::string_view(rule.listener_arn), rule.priority,
                  std::string_view(document(rule, to_node(rule))))
        .run();
}

void Store::put(const TargetGroup& group) {
    database_
        .prepare(
            "INSERT INTO elbv2_target_groups (arn, document) VALUES (?1, ?2) "
            "ON CONFLICT (arn) DO UPDATE SET document = ?2")
        .bind_all(std::string_view(group.arn), std::string_view(document(group, to_node(group))))
        .run();
}

void Store::put(std::string_view group_arn, const Target& target) {
    database_
        .prepare(
            "INSERT INTO elbv2_targets (group_arn, id, port, zone, registered, draining_since) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (group_arn, id, port) "
            "DO UPDATE SET zone = ?4, registered = ?5, draining_since = ?6")
        .bind_all(group_arn, std::string_view(target.id), static_cast<int>(target.port),
                  std::string_view(target.zone), ticks(target.registered),
                  ticks(target.draining_since))
        .run();
}

void Store::remove_load_balancer(std::string_view arn) {
    for (const Listener& listener : listeners(arn))
        remove_listener(listener.arn);
    database_.prepare("DELETE FROM elbv2_load_balancers WHERE arn = ?1").bind(1, arn).run();
}

void Store::remove_listener(std::string_view arn) {
    database_.prepare("DELETE FROM elbv2_rules WHERE listener_arn = ?1").bind(1, arn).run();
    database_.prepare("DELETE FROM elbv2_listeners WHERE arn = ?1").bind(1, arn).run();
}

void Store::remove_rule(std::string_view arn) {
    database_.prepare("DELETE FROM elbv2_rules WHERE arn = ?1").bind(1, arn).run();
}

void Store::remove_target_group(std::string_view arn) {
    database_.prepare("DELETE FROM elbv2_targets WHERE group_arn = ?1").bind(1, arn).run();
    database_.prepare("DELETE FROM elbv2_target_groups WHERE arn = ?1").bind(1, arn).run();
}

void Store::remove_target(std::string_view group_arn, std::string_view id, uint16_t port) {
    database_.prepare("DELETE FROM elbv2_targets WHERE group_arn = ?1 AND id = ?2 AND port = ?3")
        .bind_all(group_arn, id, static_cast<int>(port))
        .run();
}

}  // namespace elbv2
