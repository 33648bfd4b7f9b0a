// Names of the enumerations as the API spells them, and the small questions asked of nouns.
#include "ecs/model.h"

#include <algorithm>
#include <array>

namespace ecs {
namespace {

template <class Items>
auto* find_named(Items& items, std::string_view name) {
    auto found = std::find_if(items.begin(), items.end(),
                              [&](const auto& item) { return item.name == name; });
    return found == items.end() ? nullptr : &*found;
}

}  // namespace

const ContainerDefinition* TaskDefinition::container(std::string_view name) const {
    return find_named(containers, name);
}
Container* Task::container(std::string_view name) {
    return find_named(containers, name);
}
const Container* Task::container(std::string_view name) const {
    return find_named(containers, name);
}

Deployment* Service::deployment(std::string_view id) {
    for (Deployment& deployment : deployments)
        if (deployment.id == id) return &deployment;
    return nullptr;
}

std::string_view name_of(TaskStatus status) {
    constexpr std::array<std::string_view, 8> kNames{"PROVISIONING",   "PENDING",      "ACTIVATING",
                                                     "RUNNING",        "DEACTIVATING", "STOPPING",
                                                     "DEPROVISIONING", "STOPPED"};
    return kNames[static_cast<size_t>(status)];
}
std::string_view name_of(ContainerStatus status) {
    constexpr std::array<std::string_view, 3> kNames{"PENDING", "RUNNING", "STOPPED"};
    return kNames[static_cast<size_t>(status)];
}
std::string_view name_of(HealthStatus status) {
    constexpr std::array<std::string_view, 3> kNames{"UNKNOWN", "HEALTHY", "UNHEALTHY"};
    return kNames[static_cast<size_t>(status)];
}
std::string_view name_of(DeploymentStatus status) {
    constexpr std::array<std::string_view, 4> kNames{"PRIMARY", "ACTIVE", "DRAINING", "INACTIVE"};
    return kNames[static_cast<size_t>(status)];
}
std::string_view name_of(RolloutState state) {
    constexpr std::array<std::string_view, 3> kNames{"IN_PROGRESS", "COMPLETED", "FAILED"};
    return kNames[static_cast<size_t>(state)];
}
std::string_view name_of(Service::Status status) {
    constexpr std::array<std::string_view, 3> kNames{"ACTIVE", "DRAINING", "INACTIVE"};
    return kNames[static_cast<size_t>(status)];
}
std::string_view name_of(TaskDefinition::Status status) {
    constexpr std::array<std::string_view, 3> kNames{"ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"};
    return kNames[static_cast<size_t>(status)];
}

base::RequestCounts requests_now(const Task& task) {
    base::RequestCounts sum;
    bool counted = false;
    for (const TaskTarget& target : task.targets) {
        if (!target.requests) continue;
        sum += target.requests->counts();
        counted = true;
    }
    return counted ? sum : task.requests;
}

HealthStatus health_of(const Task& task, const TaskDefinition& definition) {
    bool any_check = false, all_healthy = true;
    for (const ContainerDefinition& defined : definition.containers) {
        if (!defined.essential || !defined.health_check) continue;
        const Container* container = task.container(defined.name);
        HealthStatus health = container ? container->health : HealthStatus::Unknown;
        if (health == HealthStatus::Unhealthy) return HealthStatus::Unhealthy;
        any_check = true;
        all_healthy &= health == HealthStatus::Healthy;
    }
    return any_check && all_healthy ? HealthStatus::Healthy : HealthStatus::Unknown;
}

}  // namespace ecs
