// The walk of one task (see task_walk.h).
#include "ecs/task_walk.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "ecs/limits.h"

namespace ecs {
namespace {

enum class Met : uint8_t { Yes, NotYet, Never };

Met dependency_met(const Dependency& dependency, const Task& task) {
    using Condition = Dependency::Condition;
    const Container* other = task.container(dependency.container);
    if (!other) return Met::Never;
    bool exited = other->status == ContainerStatus::Stopped;
    switch (dependency.condition) {
        case Condition::Start:
            return other->status != ContainerStatus::Pending ? Met::Yes : Met::NotYet;
        case Condition::Complete: return exited ? Met::Yes : Met::NotYet;
        case Condition::Success:
            return !exited ? Met::NotYet : other->exit_code == 0 ? Met::Yes : Met::Never;
        case Condition::Healthy:
            if (other->health == HealthStatus::Healthy) return Met::Yes;
            return exited || other->health == HealthStatus::Unhealthy ? Met::Never : Met::NotYet;
    }
    return Met::Never;
}

std::string_view name_of(Dependency::Condition condition) {
    constexpr std::string_view kNames[] = {"START", "COMPLETE", "SUCCESS", "HEALTHY"};
    return kNames[static_cast<size_t>(condition)];
}

// A dependency is waited for from its own start, for its startTimeout.
bool timed_out(const Dependency& dependency, const Task& task, const TaskDefinition& definition,
               Time now) {
    const Container* other = task.container(dependency.container);
    const ContainerDefinition* defined = definition.container(dependency.container);
    return other && defined && other->started_at &&
           dependency.condition != Dependency::Condition::Start &&
           now >= *other->started_at + defined->start_timeout;
}

bool has_running_dependant(const Task& task, const TaskDefinition& definition,
                           const std::string& name) {
    for (const ContainerDefinition& other : definition.containers) {
        const Container* container = task.container(other.name);
        if (!container || container->status != ContainerStatus::Running) continue;
        for (const Dependency& dependency : other.depends_on)
            if (dependency.container == name) return true;
    }
    return false;
}

}  // namespace

// GUESS: the sentences for dependencies that failed.
StartDecision containers_to_start(const Task& task, const TaskDefinition& definition, Time now) {
    StartDecision decision;
    for (const ContainerDefinition& defined : definition.containers) {
        const Container* container = task.container(defined.name);
        if (!container || container->created) continue;
        bool ready = true;
        for (const Dependency& dependency : defined.depends_on) {
            Met met = dependency_met(dependency, task);
            if (met == Met::NotYet && timed_out(dependency, task, definition, now))
                met = Met::Never;
            if (met == Met::Never)
                decision.failure = fmt::format(
                    "CannotStartContainerError: dependency of container '{}' was not met: "
                    "container '{}' did not reach {}",
                    defined.name, dependency.container, name_of(dependency.condition));
            ready &= met == Met::Yes;
        }
        if (ready) decision.containers.push_back(defined.name);
    }
    return decision;
}

std::vector<std::string> containers_to_stop(const Task& task, const TaskDefinition& definition) {
    std::vector<std::string> result;
    for (const Container& container : task.containers)
        if (container.created && container.status != ContainerStatus::Stopped &&
            !container.signalled && !has_running_dependant(task, definition, container.name))
            result.push_back(container.name);
    return result;
}

bool all_essential_running(const Task& task, const TaskDefinition& definition) {
    return std::all_of(definition.containers.begin(), definition.containers.end(),
                       [&](const ContainerDefinition& defined) {
                           const Container* container = task.container(defined.name);
                           return !defined.essential ||
                                  (container && container->status == ContainerStatus::Running);
                       });
}

bool all_containers_stopped(const Task& task) {
    return std::all_of(
        task.containers.begin(), task.containers.end(), [](const Container& container) {
            return !container.created || container.status == ContainerStatus::Stopped;
        });
}

void record_probe(Container& container, const HealthCheck& check, HealthProbe probe) {
    bool passed = probe.exit_code == 0;
    bool forgiven = !container.ever_healthy && container.started_at &&
                    probe.at < *container.started_at + check.start_period;
    // Production gives a program this long however fast the loops run here.
    auto start =
        std::min<base::microseconds>(check.interval * check.retries, base::Clock::kProgramStart);
    bool starting =
        !container.ever_healthy && container.started_at && probe.at < *container.started_at + start;
    container.probes.push_back(std::move(probe));
    if (container.probes.size() > kProbesKept) container.probes.erase(container.probes.begin());
    if (passed) {
        container.failed_probes = 0;
        container.ever_healthy = true;
        container.health = HealthStatus::Healthy;
    } else if (!forgiven && ++container.failed_probes >= check.retries && !starting) {
        container.health = HealthStatus::Unhealthy;
    }
}

bool is_healthy(const Task& task, const TaskDefinition& definition, Time now,
                base::microseconds settle) {
    if (task.status != TaskStatus::Running) return false;
    bool looked_at = false;
    for (const TaskTarget& target : task.targets) {
        looked_at = true;
        if (target.health != "healthy") return false;
    }
    for (const ContainerDefinition& defined : definition.containers) {
        if (!defined.essential || !defined.health_check) continue;
        looked_at = true;
        if (task.container(defined.name)->health != HealthStatus::Healthy) return false;
    }
    return looked_at || (task.started_at && now >= *task.started_at + settle);
}

std::string failing_reason(const Task& task, const TaskDefinition& definition, Time now,
                           base::microseconds grace) {
    if (task.status != TaskStatus::Running || !task.started_at || now < *task.started_at + grace)
        return {};
    for (const TaskTarget& target : task.targets)
        if (target.health == "unhealthy")
            return fmt::format("Task failed ELB health checks in (target-group {})",
                               target.target_group);
    if (health_of(task, definition) == HealthStatus::Unhealthy)
        return "Task failed container health checks";
    return {};
}

}  // namespace ecs
