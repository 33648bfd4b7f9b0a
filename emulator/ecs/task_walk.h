// The walk of one task: which containers may start, which must be told to stop, and what state
// follows. Pure. ECS guide, "Amazon ECS task lifecycle"; API reference, "ContainerDependency".
#pragma once
#include <string>
#include <vector>

#include "ecs/model.h"

namespace ecs {

struct StartDecision {
    std::vector<std::string> containers;  // may start now
    std::string failure;  // a dependency that can never be met: the task's stoppedReason
};
StartDecision containers_to_start(const Task& task, const TaskDefinition& definition, Time now);

// Dependants first: a container is told to stop when nothing that runs depends on it.
std::vector<std::string> containers_to_stop(const Task& task, const TaskDefinition& definition);

bool all_essential_running(const Task& task, const TaskDefinition& definition);
bool all_containers_stopped(const Task& task);  // or never created

// A probe's result into the container's health: `start_period` forgives failures, not successes.
void record_probe(Container& container, const HealthCheck& check, HealthProbe probe);

// Healthy: RUNNING, every target healthy, every check HEALTHY; with neither, settled for a while.
bool is_healthy(const Task& task, const TaskDefinition& definition, Time now,
                base::microseconds settle);
// Why it has to be replaced, after the grace period; "" = it has not.
std::string failing_reason(const Task& task, const TaskDefinition& definition, Time now,
                           base::microseconds grace);

}  // namespace ecs
