// The reconciler's services: observe into a view, plan, act, and say it in AWS's words.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "ecs/capacity.h"
#include "ecs/limits.h"
#include "ecs/reconciler.h"
#include "ecs/task_walk.h"

namespace ecs {
namespace {

std::string list_of(const std::vector<std::string>& tasks) {
    std::string text;
    for (const std::string& id : tasks)
        text += (text.empty() ? "(task " : " (task ") + id + ")";
    return text;
}

}  // namespace

void Reconciler::reconcile(Service& service, base::Time now, std::vector<Task*> tasks) {
    say_targets(service);
    count_outcomes(service, now, tasks);
    std::erase_if(tasks, [](const Task* task) { return task->status == TaskStatus::Stopped; });
    drop_empty_deployments(service, tasks);
    if (service.deployments.empty()) return;
    act(service, make_plan(view_of(service, now, tasks), now), now);
    if (service.status == Service::Status::Active) say_steady(service, now, tasks);
}

void Reconciler::say_targets(Service& service) {
    auto found = news_.find({service.cluster, service.name});
    if (found == news_.end()) return;
    for (const auto& [group, count] : found->second.registered)
        parts_.ecs.say(service,
                       fmt::format("(service {}) registered {} targets in (target-group {})",
                                   service.name, count, group));
    for (const auto& [group, count] : found->second.deregistered)
        parts_.ecs.say(service,
                       fmt::format("(service {}) deregistered {} targets in (target-group {})",
                                   service.name, count, group));
    for (const auto& [deployment, count] : found->second.draining)
        parts_.ecs.say(
            service,
            fmt::format("(service {}, taskSet {}) has begun draining connections on {} tasks.",
                        service.name, deployment, count));
}

ServiceView Reconciler::view_of(Service& service, base::Time now, const std::vector<Task*>& tasks) {
    const base::Clock& clock = parts_.ecs.clock();
    Deployment& primary = *service.primary();
    ServiceView view;
    view.draining = service.status == Service::Status::Draining;
    view.desired = service.desired_count;
    view.minimum_percent = service.minimum_percent;
    view.maximum_percent = service.maximum_percent;
    view.breaker = service.breaker;
    view.primary = {primary.id, primary.rollout == RolloutState::Completed,
                    primary.rollout == RolloutState::Failed, primary.failed_tasks,
                    primary.next_start_at};
    for (size_t i = 1; i < service.deployments.size(); ++i)
        view.older.push_back(service.deployments[i].id);
    view.has_completed_predecessor =
        !service.last_completed.empty() && service.last_completed != primary.id;
    for (Task* task : tasks) {
        const TaskDefinition* definition =
            find_definition(parts_.ecs.state(), task->task_definition);
        if (!definition) continue;
        TaskView one;
        one.id = task->id;
        one.deployment = task->deployment;
        one.created_at = task->created_at;
        one.phase = task->is_leaving()                    ? TaskView::Phase::Leaving
                    : task->status == TaskStatus::Running ? TaskView::Phase::Running
                                                          : TaskView::Phase::Starting;
        one.healthy = is_healthy(*task, *definition, now, clock.scaled(kSettleTime));
        one.failing = failing_reason(*task, *definition, now, clock.scaled_start(service.grace));
        if (!task->unhealthy_told)
            for (const TaskTarget& target : task->targets)
                if (target.health == "unhealthy") {
                    task->unhealthy_told = true;
                    parts_.ecs.say(service,
                                   fmt::format("(service {}) (task {}) (port {}) is unhealthy in "
                                               "(target-group {}) due to (reason {})",
                                               service.name, task->id, target.port,
                                               target.target_group, target.reason));
                }
        view.tasks.push_back(std::move(one));
    }
    return view;
}

// What each task came to, once: healthy tasks reset the failures, failed ones add to them and slow
// the next start down.
void Reconciler::count_outcomes(Service& service, base::Time now, const std::vector<Task*>& tasks) {
    const base::Clock& clock = parts_.ecs.clock();
    for (Task* task : tasks) {
        Deployment* deployment = service.deployment(task->deployment);
        if (task->started_at && deployment) deployment->ever_running = true;
        const TaskDefinition* definition =
            find_definition(parts_.ecs.state(), task->task_definition);
        if (!task->was_healthy && !task->is_leaving() && definition &&
            is_healthy(*task, *definition, now, clock.scaled(kSettleTime))) {
            task->was_healthy = true;
            task->healthy_at = now;
            if (deployment) {
                deployment->failures_in_a_row = 0;
                if (service.breaker.reset_on_healthy_task) deployment->failed_tasks = 0;
            }
        }
        if (!task->stop_wanted || task->outcome_counted) continue;
        task->outcome_counted = true;
        bool failed =
            counts_as_failure({task->stopped_by_scheduler_or_user, task->failed_health_check,
                               task->started_at.has_value(), task->was_healthy});
        if (!failed || !deployment) continue;
        ++deployment->failed_tasks;
        ++deployment->failed_in_all;
        ++deployment->failures_in_a_row;
        deployment->updated_at = now;
        auto delay = restart_delay(deployment->failures_in_a_row,
                                   task->started_at ? Reached::Running : Reached::NeverRunning);
        deployment->next_start_at = now + clock.scaled(delay);
        if (deployment->failures_in_a_row == kThrottledFrom)
            parts_.ecs.say(service,
                           fmt::format("(service {}) is unable to consistently start tasks "
                                       "successfully. For more information, see the "
                                       "Troubleshooting section of the Amazon ECS Developer Guide.",
                                       service.name));
        parts_.ecs.changed(service);
    }
}

// Replaced deployments leave the list with their last task: `services-stable` counts the list.
void Reconciler::drop_empty_deployments(Service& service, const std::vector<Task*>& tasks) {
    for (size_t i = service.deployments.size(); i-- > 1;) {
        const std::string id = service.deployments[i].id;
        bool empty = std::none_of(tasks.begin(), tasks.end(),
                                  [&](const Task* task) { return task->deployment == id; });
        if (empty) parts_.ecs.end_deployment(service, id);
    }
}

void Reconciler::act(Service& service, const Plan& plan, base::Time now) {
    std::vector<std::string> started, stopped;
    for (const Action& action : plan) {
        switch (action.kind) {
            case Action::Kind::Start: {
                // ECS guide, "Viewing Amazon ECS service event messages".
                if (service.launch_type != "FARGATE") {
                    parts_.ecs.say(
                        service,
                        fmt::format("(service {}) was unable to place a task because no container "
                                    "instance met all of its requirements. Reason: {} For more "
                                    "information, see the Troubleshooting section of the Amazon "
                                    "ECS Developer Guide.",
                                    service.name, kNoInstances));
                    break;
                }
                const Deployment& primary = *service.primary();
                const TaskDefinition* definition =
                    find_definition(parts_.ecs.state(), primary.task_definition);
                Launch launch{service.cluster,
                              primary.task_definition,
                              service.name,
                              primary.id,
                              "service:" + service.name,
                              primary.id,
                              service.platform_version,
                              primary.load_balancers,
                              primary.network_configuration,
                              Node(),
                              Node(),
                              service.execute_command,
                              service.capacity_provider_strategy};
                if (service.propagate_tags == "SERVICE") launch.tags = service.tags;
                if (service.propagate_tags == "TASK_DEFINITION" && definition)
                    launch.tags = definition->tags;
                if (service.managed_tags)
                    add_managed_tags(launch.tags, service.cluster, service.name);
                for (int i = 0; i < action.count; ++i) {
                    try {
                        started.push_back(parts_.ecs.launch(launch).id);
                    } catch (const aws::Error& error) {
                        parts_.ecs.say(
                            service,
                            fmt::format("(service {}) was unable to place a task. Reason: {}",
                                        service.name, error.message));
                        break;
                    }
                }
                service.primary()->last_start_at = now;
                break;
            }
            case Action::Kind::Stop: {
                Task& task = parts_.ecs.state().tasks.at(action.id);
                task.failed_health_check = action.why == Action::Why::Unhealthy;
                task.stopped_by_scheduler_or_user = true;
                parts_.ecs.want_stop(
                    task, "ServiceSchedulerInitiated",
                    action.reason.empty()
                        ? fmt::format("Scaling activity initiated by (deployment {})",
                                      service.primary()->id)
                        : action.reason);
                stopped.push_back(action.id);
                break;
            }
            case Action::Kind::Complete: complete(service, now); break;
            case Action::Kind::Fail: fail(service, now); break;
            case Action::Kind::RollBack: parts_.ecs.roll_back(service); break;
            case Action::Kind::Stuck:
                parts_.ecs.say(
                    service,
                    fmt::format(
                        "(service {}) was unable to stop or start tasks during a deployment "
                        "because of the service deployment configuration. Update the "
                        "minimumHealthyPercent or maximumPercent value and try again.",
                        service.name));
                break;
            case Action::Kind::Gone:
                service.status = Service::Status::Inactive;
                while (!service.deployments.empty())
                    parts_.ecs.end_deployment(service, service.deployments.front().id);
                parts_.ecs.changed(service);
                break;
        }
    }
    if (!started.empty())
        parts_.ecs.say(service, fmt::format("(service {}) has started {} tasks: {}.", service.name,
                                            started.size(), list_of(started)));
    if (!stopped.empty())
        parts_.ecs.say(service, fmt::format("(service {}) has stopped {} running tasks: {}.",
                                            service.name, stopped.size(), list_of(stopped)));
    if (!started.empty() || !stopped.empty()) service.steady = false;
}

void Reconciler::complete(Service& service, base::Time now) {
    Deployment& primary = *service.primary();
    primary.rollout = RolloutState::Completed;
    primary.rollout_reason = fmt::format("ECS deployment {} completed.", primary.id);
    primary.finished_at = primary.updated_at = now;
    parts_.ecs.close_books(service, primary);
    service.last_completed = primary.id;
    service.steady = false;
    parts_.ecs.say(service, fmt::format("(service {}) (deployment {}) deployment completed.",
                                        service.name, primary.id));
    base::log_info("ecs",
                   fmt::format("service {}: {} deployed", service.name, primary.task_definition));
}

void Reconciler::fail(Service& service, base::Time now) {
    Deployment& primary = *service.primary();
    primary.rollout = RolloutState::Failed;
    primary.rollout_reason = "ECS deployment circuit breaker: tasks failed to start.";
    primary.finished_at = primary.updated_at = now;
    primary.threshold = failure_threshold(service.breaker, service.desired_count);
    parts_.ecs.close_books(service, primary);
    parts_.ecs.say(
        service,
        fmt::format("(service {}) (deployment {}) deployment failed: tasks failed to start.",
                    service.name, primary.id));
    base::log_warning("ecs",
                      fmt::format("service {}: deployment of {} failed: {} tasks failed to start",
                                  service.name, primary.task_definition, primary.failed_tasks));
}

void Reconciler::say_steady(Service& service, base::Time now, const std::vector<Task*>& tasks) {
    const Deployment& primary = *service.primary();
    int running = static_cast<int>(std::count_if(tasks.begin(), tasks.end(), [](const Task* task) {
        return task->status == TaskStatus::Running && !task->stop_wanted;
    }));
    bool is_steady =
        service.deployments.size() == 1 && primary.rollout == RolloutState::Completed &&
        running == service.desired_count && static_cast<int>(tasks.size()) == service.desired_count;
    if (!is_steady) {
        service.steady = false;
        return;
    }
    if (service.steady && now < service.steady_since + kSteadyStateEvery) return;
    service.steady = true;
    service.steady_since = now;
    std::string message = fmt::format("(service {}) has reached a steady state.", service.name);
    if (service.events.empty() || service.events.front().message != message)
        parts_.ecs.say(service, message);
}

}  // namespace ecs
