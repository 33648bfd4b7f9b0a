// State: everything ECS knows, in memory, and its rows. Nouns are saved as documents when they
// change.
#pragma once
#include <map>
#include <set>
#include <string>

#include "ecs/model.h"
#include "state/database.h"

namespace ecs {

using ServiceKey = std::pair<std::string, std::string>;  // cluster, name

struct State {
    std::map<std::string, Cluster> clusters;
    std::map<std::string, std::map<int, TaskDefinition>> families;
    std::map<ServiceKey, Service> services;
    std::map<std::string, Task> tasks;            // by id
    std::map<std::string, std::string> settings;  // account settings that were put
};

class Store {
  public:
    explicit Store(state::Database& database) : database_(database) {}
    State load();

    void save(const Cluster& cluster);
    void save(const TaskDefinition& definition);
    void remove(const TaskDefinition& definition);
    void save(const Service& service);
    void save(const Task& task);
    void remove_task(const std::string& id);
    void save_setting(const std::string& name, const std::string& value);
    state::Database& database() { return database_; }

  private:
    void put(std::string_view sql, std::string_view a, std::string_view b, const Node& document);
    state::Database& database_;
};

}  // namespace ecs
