// Store: load balancers, listeners, rules, target groups and registrations as rows, and back to
// nouns. Documents are the API's own shapes; columns only what is looked up by.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "elbv2/snapshot.h"
#include "state/database.h"

namespace elbv2 {

class Store {
  public:
    explicit Store(state::Database& database) : database_(database) {}

    Configuration load();  // everything, in order of creation

    std::vector<LoadBalancer> load_balancers();
    std::vector<Listener> listeners(std::string_view load_balancer_arn);  // "" = all
    std::vector<ListenerRule> rules(
        std::string_view listener_arn);  // "" = all; by priority, default last
    std::vector<TargetGroup> target_groups();
    std::vector<Target> targets(std::string_view group_arn);

    std::optional<LoadBalancer> load_balancer(std::string_view arn);
    std::optional<Listener> listener(std::string_view arn);
    std::optional<ListenerRule> rule(std::string_view arn);
    std::optional<TargetGroup> target_group(std::string_view arn);

    void put(const LoadBalancer& load_balancer);  // inserts or replaces
    void put(const Listener& listener);
    void put(const ListenerRule& rule);
    void put(const TargetGroup& group);
    void put(std::string_view group_arn, const Target& target);

    void remove_load_balancer(std::string_view arn);  // with its listeners and rules
    void remove_listener(std::string_view arn);       // with its rules
    void remove_rule(std::string_view arn);
    void remove_target_group(std::string_view arn);  // with its registrations
    void remove_target(std::string_view group_arn, std::string_view id, uint16_t port);

  private:
    state::Database& database_;
};

}  // namespace elbv2
