// Reconciler (see reconciler.h): the loop and the tasks; services are in service_steps.cpp.
#include "ecs/reconciler.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "ecs/environment.h"
#include "ecs/limits.h"
#include "ecs/task_metadata.h"
#include "ecs/task_walk.h"
#include "http/server.h"

namespace ecs {
namespace {

constexpr base::milliseconds kTick{50};       // between rounds while something moves
constexpr base::milliseconds kIdleTick{200};  // when nothing does
constexpr base::milliseconds kLeastProbeInterval{100};
constexpr const char* kMetadataAddress = "169.254.170.2";

std::vector<std::string> probe_command(const HealthCheck& check) {
    if (check.command.size() >= 2 && check.command[0] == "CMD-SHELL")
        return {"/bin/sh", "-c", check.command[1]};
    return {check.command.begin() + 1, check.command.end()};
}

}  // namespace

Reconciler::Reconciler(ReconcilerParts parts)
    : parts_(parts),
      setup_({parts.runtime, parts.images, parts.ecs.ports(), parts.ecs.clock(),
              parts.ecs.arns().region()}) {}

void Reconciler::start() {
    thread_ = base::Thread("ecs", [this] {
        base::milliseconds wait = kTick;
        while (!stopping_) {
            auto events = parts_.runtime.take_events(wait);
            bool moving = !events.empty();
            {
                std::lock_guard lock(parts_.ecs.mutex());
                for (const auto& event : events)
                    absorb(event);
                for (const auto& [id, task] : parts_.ecs.state().tasks)
                    moving |=
                        task.status != TaskStatus::Running && task.status != TaskStatus::Stopped;
                for (const auto& [key, service] : parts_.ecs.state().services)
                    moving |= service.status != Service::Status::Inactive && !service.steady;
            }
            try {
                step(parts_.ecs.clock().now());
            } catch (const std::exception& error) {
                base::log_error("ecs", std::string("a round failed: ") + error.what());
            }
            wait = moving ? kTick : kIdleTick;
        }
    });
}

// The emulator ends: tasks get no grace, as when the host goes away.
void Reconciler::stop() {
    stopping_ = true;
    thread_.join();
    parts_.jobs.finish();
    std::map<std::string, std::shared_ptr<LiveTask>> left;
    {
        std::lock_guard lock(parts_.ecs.mutex());
        left.swap(live_);
    }
    for (auto& [id, live] : left)
        take_down(id, live.get());
    parts_.ecs.ports().logs.flush();
}

void Reconciler::step(base::Time now) {
    Deferred deferred;
    auto events = parts_.runtime.take_events(base::milliseconds(0));
    {
        std::lock_guard lock(parts_.ecs.mutex());
        State& state = parts_.ecs.state();
        for (const auto& event : events)
            absorb(event);
        for (auto& [id, task] : state.tasks)
            if (task.status != TaskStatus::Stopped) advance(task, now, deferred);
        std::map<ServiceKey, std::vector<Task*>> tasks_of;
        for (auto& [id, task] : state.tasks)
            if (!task.service.empty() &&
                (task.status != TaskStatus::Stopped || !task.outcome_counted))
                tasks_of[{task.cluster, task.service}].push_back(&task);
        for (auto& [key, service] : state.services)
            if (service.status != Service::Status::Inactive)
                reconcile(service, now, std::move(tasks_of[key]));
        news_.clear();
        forget_old_tasks(now);
        sweep(deferred);
        parts_.ecs.flush();
    }
    deliver_logs(now);
    for (auto& act : deferred)
        act();
    parts_.ecs.ports().logs.flush();
}

// Without the lock: the logs of programs that say much take their time.
void Reconciler::deliver_logs(base::Time now) {
    std::vector<std::shared_ptr<LiveTask>> tasks;
    {
        std::lock_guard lock(parts_.ecs.mutex());
        for (const auto& [id, live] : live_) {
            auto task = parts_.ecs.state().tasks.find(id);
            if (task != parts_.ecs.state().tasks.end() && task->second.prepared)
                tasks.push_back(live);
        }
    }
    for (const auto& live : tasks)
        for (const auto& [name, log] : live->logs)
            log->deliver(now);
}

// --- observing
// --------------------------------------------------------------------------------------

void Reconciler::absorb(const containers::Event& event) {
    auto found = parts_.ecs.state().tasks.find(event.task);
    if (found == parts_.ecs.state().tasks.end() || event.kind != containers::Event::Kind::Exited)
        return;
    Task& task = found->second;
    Container* container = task.container(event.container);
    if (!container || container->status == ContainerStatus::Stopped) return;
    container->created = true;
    container->status = ContainerStatus::Stopped;
    container->exit_code = event.state.exit_code;
    const base::Time now = parts_.ecs.clock().now();
    container->finished_at = now;
    container->reason = event.state.out_of_memory
                            ? "OutOfMemoryError: Container killed due to memory usage"
                            : event.state.reason;
    if (container->health != HealthStatus::Unknown) container->health = HealthStatus::Unhealthy;
    if (!event.state.runtime_id.empty() && container->runtime_id.empty())
        container->runtime_id = event.state.runtime_id;
    if (auto live = live_.find(task.id); live != live_.end())
        if (auto log = live->second->logs.find(container->name); log != live->second->logs.end()) {
            log->second->finish();
            container->last_output = log->second->last_lines();
        }
    ++task.version;
    const TaskDefinition* definition = find_definition(parts_.ecs.state(), task.task_definition);
    const ContainerDefinition* defined =
        definition ? definition->container(container->name) : nullptr;
    ContainerExit exit{.code = container->exit_code, .task_is_leaving = task.is_leaving()};
    if (container->started_at) exit.ran = now - *container->started_at;
    if (defined && defined->restart_policy)
        exit.attempt_period = parts_.ecs.clock().scaled(defined->restart_policy->attempt_period);
    const AfterExit next =
        defined ? after_exit(*defined, exit) : AfterExit{AfterExit::What::StopTask, ""};
    if (!next.why.empty()) tell_restart(task, *container, next);
    if (next.what == AfterExit::What::Restart) {
        container->status = ContainerStatus::Pending;
        container->restart_due = true;
        container->health = HealthStatus::Unknown;
        ++container->restarts;
    } else if (next.what == AfterExit::What::StopTask) {
        end_with(task, *container);
    }
    parts_.ecs.changed(task);
}

// An essential container has ended for good.
void Reconciler::end_with(Task& task, const Container& container) {
    parts_.ecs.want_stop(task, "EssentialContainerExited", "Essential container in task exited");
    if (task.service.empty() || container.exit_code != 0)
        base::log_info("ecs", fmt::format("task {}: container {} exited with {}{}", task.id,
                                          container.name, container.exit_code.value_or(-1),
                                          container.reason.empty() ? "" : ": " + container.reason));
}

// Ours: AWS has no event for it, and says nothing of why a container stayed as it was.
void Reconciler::tell_restart(const Task& task, const Container& container, const AfterExit& next) {
    const bool restarts = next.what == AfterExit::What::Restart;
    base::log_info("ecs", fmt::format("task {}: container {} is {}restarted: {}", task.id,
                                      container.name, restarts ? "" : "not ", next.why));
    Service* service =
        task.service.empty() ? nullptr : parts_.ecs.find_service(task.cluster, task.service);
    if (service)
        parts_.ecs.say(*service,
                       fmt::format("(service {}) {} container {} of (task {}): {}.", service->name,
                                   restarts ? "restarts" : "does not restart", container.name,
                                   task.id, next.why));
}

void Reconciler::read_requests(Task& task) {
    task.requests = requests_now(task);
    for (TaskTarget& target : task.targets) {
        if (!target.requests || target.requests->probes_made() == target.probes_made) continue;
        target.probes_made = target.requests->probes_made();
        target.probes = target.requests->probes();
    }
}

void Reconciler::observe_targets(Task& task) {
    read_requests(task);
    for (TaskTarget& target : task.targets) {
        if (!target.registered) continue;
        TargetHealth health =
            parts_.ecs.ports().targets.health(target.target_group, task.address, target.port);
        constexpr const char* kNames[] = {"unused", "initial", "healthy", "unhealthy", "draining"};
        target.health = kNames[static_cast<size_t>(health.state)];
        target.reason = health.reason;
        if (!health.detail.empty()) target.detail = health.detail;
    }
}

// --- the walk of a task
// -----------------------------------------------------------------------------

// The stored one, or `made` where overrides make another.
const TaskDefinition& Reconciler::definition_of(const Task& task, TaskDefinition& made) const {
    const TaskDefinition* definition = find_definition(parts_.ecs.state(), task.task_definition);
    if (definition && task.overrides.size() == 0) return *definition;
    if (definition) made = with_overrides(*definition, task.overrides);
    return made;
}

void Reconciler::set_status(Task& task, TaskStatus status) {
    task.status = status;
    ++task.version;
    parts_.ecs.changed(task);
}

void Reconciler::advance(Task& task, base::Time now, Deferred& deferred) {
    TaskDefinition made;
    switch (task.status) {
        case TaskStatus::Provisioning:
        case TaskStatus::Pending:
        case TaskStatus::Activating:
            if (task.preparing) return;
            if (task.stop_wanted)
                return set_status(
                    task, task.prepared ? TaskStatus::Stopping : TaskStatus::Deprovisioning);
            if (!task.prepared) {
                task.preparing = true;
                deferred.push_back(
                    [this, id = task.id] { parts_.jobs.run([this, id] { prepare(id); }); });
                return;
            }
            return advance_running(task, definition_of(task, made), now, deferred);
        case TaskStatus::Running:
            observe_targets(task);
            if (task.stop_wanted) return leave_targets(task, now);
            return advance_running(task, definition_of(task, made), now, deferred);
        case TaskStatus::Deactivating: {
            observe_targets(task);
            bool gone =
                std::all_of(task.targets.begin(), task.targets.end(), [](const TaskTarget& target) {
                    return !target.registered || target.health == "unused";
                });
            if (gone || task.stop_code == "EssentialContainerExited") {
                task.drained_at = now;
                set_status(task, TaskStatus::Stopping);
            }
            return;
        }
        case TaskStatus::Stopping:
            return advance_stopping(task, definition_of(task, made), now, deferred);
        case TaskStatus::Deprovisioning:
            if (task.removing || task.preparing) return;
            task.removing = true;
            deferred.push_back(
                [this, id = task.id] { parts_.jobs.run([this, id] { dismantle(id); }); });
            return;
        case TaskStatus::Stopped: return;
    }
}

// From PENDING to RUNNING, and what goes on while it runs: containers in the order of their
// dependencies, then targets, then health probes.
void Reconciler::advance_running(Task& task, const TaskDefinition& definition, base::Time now,
                                 Deferred& deferred) {
    StartDecision decision = containers_to_start(task, definition, now);
    if (!decision.failure.empty() && task.status != TaskStatus::Running)
        return fail_to_start(task, decision.failure, "");
    for (const std::string& name : decision.containers) {
        task.container(name)->created = true;
        deferred.push_back([this, id = task.id, name] { start_container(id, name); });
    }
    for (Container& container : task.containers)
        if (std::exchange(container.restart_due, false))
            deferred.push_back(
                [this, id = task.id, name = container.name] { restart_container(id, name); });
    if (task.status == TaskStatus::Activating) return enter_running(task, now);
    if (task.status == TaskStatus::Pending && all_essential_running(task, definition))
        return set_status(task, TaskStatus::Activating);
    for (Container& container : task.containers) {
        const ContainerDefinition* defined = definition.container(container.name);
        if (!defined || !defined->health_check || container.status != ContainerStatus::Running ||
            container.probing)
            continue;
        auto interval = std::max<base::microseconds>(
            parts_.ecs.clock().scaled(defined->health_check->interval), kLeastProbeInterval);
        if (!container.next_probe_at) container.next_probe_at = *container.started_at + interval;
        if (now < *container.next_probe_at) continue;
        container.probing = true;
        container.next_probe_at = now + interval;
        deferred.push_back(
            [this, id = task.id, name = container.name, check = *defined->health_check] {
                parts_.jobs.run([this, id, name, check] { probe(id, name, check); });
            });
    }
}

void Reconciler::enter_running(Task& task, base::Time now) {
    for (TaskTarget& target : task.targets) {
        try {
            parts_.ecs.ports().targets.register_target(target.target_group, task.address,
                                                       target.port);
            target.registered = true;
            target.requests =
                parts_.ecs.ports().targets.requests(target.target_group, task.address, target.port);
            ++news_[{task.cluster, task.service}].registered[target.target_group];
        } catch (const aws::Error& error) {
            return fail_to_start(
                task, "ResourceInitializationError: failed to register targets: " + error.message,
                "");
        }
    }
    task.started_at = now;
    set_status(task, TaskStatus::Running);
}

// Out of the balancers first; the containers hear of it when the deregistration delay is over.
void Reconciler::leave_targets(Task& task, base::Time now) {
    task.stopping_at = now;
    bool any = false;
    for (TaskTarget& target : task.targets) {
        if (!target.registered) continue;
        any = true;
        try {
            parts_.ecs.ports().targets.deregister_target(target.target_group, task.address,
                                                         target.port);
        } catch (const aws::Error&) {
            target.registered = false;  // the group is gone, and with it the registration
        }
        ++news_[{task.cluster, task.service}].deregistered[target.target_group];
    }
    if (any) ++news_[{task.cluster, task.service}].draining[task.deployment];
    set_status(task, any ? TaskStatus::Deactivating : TaskStatus::Stopping);
}

void Reconciler::advance_stopping(Task& task, const TaskDefinition& definition, base::Time now,
                                  Deferred& deferred) {
    if (!task.stopping_at) task.stopping_at = now;
    for (Container& container : task.containers)
        if (std::exchange(container.restart_due, false))
            container.status = ContainerStatus::Stopped;
    for (const std::string& name : containers_to_stop(task, definition)) {
        Container* container = task.container(name);
        container->signalled = true;
        const ContainerDefinition* defined = definition.container(name);
        base::seconds grace = defined ? defined->stop_timeout : base::seconds(30);
        deferred.push_back(
            [this, id = task.id, name, grace] { (void)parts_.runtime.stop(id, name, grace); });
    }
    if (!all_containers_stopped(task)) return;
    task.execution_stopped_at = now;
    set_status(task, TaskStatus::Deprovisioning);
}

void Reconciler::fail_to_start(Task& task, const std::string& reason,
                               const std::string& container_name) {
    if (Container* container = task.container(container_name)) container->reason = reason;
    parts_.ecs.want_stop(task, "TaskFailedToStart", reason);
    base::log_warning("ecs", fmt::format("task {} of {} failed to start: {}", task.id,
                                         task.task_definition, reason));
}

// Stopped tasks stay visible for an hour, and no more than kMaxStoppedTasks of them.
void Reconciler::forget_old_tasks(base::Time now) {
    std::vector<std::pair<base::Time, std::string>> stopped;
    for (const auto& [id, task] : parts_.ecs.state().tasks)
        if (task.status == TaskStatus::Stopped && task.stopped_at)
            stopped.emplace_back(*task.stopped_at, id);
    std::sort(stopped.begin(), stopped.end());
    size_t excess = stopped.size() > kMaxStoppedTasks ? stopped.size() - kMaxStoppedTasks : 0;
    for (size_t i = 0; i < stopped.size(); ++i)
        if (i < excess || stopped[i].first + kStoppedTaskAge < now)
            parts_.ecs.forget_task(stopped[i].second);
}

// What runs for a task that the state does not know (it was replaced under us) goes.
void Reconciler::sweep(Deferred& deferred) {
    for (auto found = live_.begin(); found != live_.end();) {
        auto task = parts_.ecs.state().tasks.find(found->first);
        if (task != parts_.ecs.state().tasks.end() && task->second.status != TaskStatus::Stopped) {
            ++found;
            continue;
        }
        deferred.push_back([this, id = found->first, live = found->second] {
            parts_.jobs.run([this, id, live] { take_down(id, live.get()); });
        });
        found = live_.erase(found);
    }
}

// --- on workers
// -------------------------------------------------------------------------------------

void Reconciler::open_metadata(const std::string& id, LiveTask& live) {
    auto listener = live.network->listen(*net::Address::tcp(kMetadataAddress, 80));
    if (!listener)
        return base::log(
            base::LogLevel::Debug, "ecs",
            fmt::format("task {} has no metadata address: {}", id, listener.error().text));
    auto handler = std::make_shared<TaskMetadata>(parts_.ecs, parts_.runtime, id);
    live.metadata = net::Listener::adopt(
        *listener, "task-metadata",
        [handler](net::Socket& socket) { http::serve_connection(socket, *handler, {}); });
    live.metadata->start();
}

void Reconciler::prepare(const std::string& id) {
    std::unique_lock lock(parts_.ecs.mutex());
    auto find = [&]() -> Task* {
        auto found = parts_.ecs.state().tasks.find(id);
        return found == parts_.ecs.state().tasks.end() ? nullptr : &found->second;
    };
    auto deployment_digests = [&](const Task& task) -> Digests* {
        Service* service =
            task.service.empty() ? nullptr : parts_.ecs.find_service(task.cluster, task.service);
        Deployment* deployment = service ? service->deployment(task.deployment) : nullptr;
        return deployment ? &deployment->digests : nullptr;
    };
    Task* task = find();
    if (!task) return;
    Task copy = *task;
    TaskDefinition made;
    TaskDefinition definition = definition_of(copy, made);
    Digests digests = deployment_digests(copy) ? *deployment_digests(copy) : Digests();
    lock.unlock();

    auto live = setup_.provision(copy, definition);
    std::optional<SetupFailure> failure;
    if (!live)
        failure = live.error();
    else
        open_metadata(id, **live);

    lock.lock();
    if (!(task = find())) return;
    if (!failure) {
        live_[id] = *live;
        task->connectivity_at = task->pull_started_at = parts_.ecs.clock().now();
        set_status(*task, TaskStatus::Pending);
        parts_.ecs.flush();
        lock.unlock();
        auto prepared = setup_.prepare(**live, copy, definition, digests);
        if (!prepared) failure = prepared.error();
        lock.lock();
        if (!(task = find())) return;
    }
    task->preparing = false;
    if (failure) {
        fail_to_start(*task, failure->reason, failure->container);
    } else {
        task->prepared = true;
        task->pull_stopped_at = parts_.ecs.clock().now();
        Digests* known = deployment_digests(*task);
        for (Container& container : task->containers) {
            container.digest = (*live)->containers[container.name].image.digest;
            if (known) known->emplace(container.name, container.digest);
        }
        // An address of the VPC becomes a socket in the task's namespace.
        for (int port : (*live)->ports)
            parts_.resolver.set(task->address, static_cast<uint16_t>(port),
                                [network = (*live)->network, port](net::Deadline deadline) {
                                    return network->dial(static_cast<uint16_t>(port), deadline);
                                });
    }
    parts_.ecs.changed(*task);
    parts_.ecs.flush();
}

void Reconciler::start_container(const std::string& id, const std::string& name) {
    containers::ContainerOptions options;
    {
        std::lock_guard lock(parts_.ecs.mutex());
        auto live = live_.find(id);
        if (live == live_.end()) return;
        options = live->second->containers[name];
    }
    auto started = parts_.runtime.create(id, std::move(options));
    bool created = started.has_value();
    if (started) started = parts_.runtime.start(id, name);
    auto state =
        created
            ? parts_.runtime.inspect(id, name)
            : containers::Result<containers::ContainerState>(std::unexpected(containers::Error{}));

    std::lock_guard lock(parts_.ecs.mutex());
    auto found = parts_.ecs.state().tasks.find(id);
    if (found == parts_.ecs.state().tasks.end()) return;
    Task& task = found->second;
    Container& container = *task.container(name);
    if (!started) {
        container.created = false;
        const char* kind = created ? "CannotStartContainerError" : "CannotCreateContainerError";
        fail_to_start(task, fmt::format("{}: {}", kind, started.error().text), name);
    } else if (container.status == ContainerStatus::Pending) {
        container.status = ContainerStatus::Running;
        container.started_at = parts_.ecs.clock().now();
    }
    if (state) container.runtime_id = state->runtime_id;
    ++task.version;
    parts_.ecs.changed(task);
}

// GUESS: DescribeTasks shows nothing of the former life: no exit code, no reason, health UNKNOWN.
void Reconciler::restart_container(const std::string& id, const std::string& name) {
    auto started = parts_.runtime.start(id, name);
    std::lock_guard lock(parts_.ecs.mutex());
    auto found = parts_.ecs.state().tasks.find(id);
    if (found == parts_.ecs.state().tasks.end()) return;
    Task& task = found->second;
    Container& container = *task.container(name);
    if (started) {
        container.status = ContainerStatus::Running;
        container.started_at = parts_.ecs.clock().now();
        container.finished_at.reset();
        container.exit_code.reset();
        container.reason.clear();
        container.failed_probes = 0;
        container.ever_healthy = false;
        container.next_probe_at.reset();
    } else {
        container.status = ContainerStatus::Stopped;
        container.reason = "CannotStartContainerError: " + started.error().text;
        const TaskDefinition* definition =
            find_definition(parts_.ecs.state(), task.task_definition);
        const ContainerDefinition* defined = definition ? definition->container(name) : nullptr;
        if (!defined || defined->essential) end_with(task, container);
    }
    ++task.version;
    parts_.ecs.changed(task);
}

void Reconciler::probe(const std::string& id, const std::string& name, HealthCheck check) {
    containers::ExecOptions options;
    options.command = probe_command(check);
    options.timeout = check.timeout;
    const base::Time began = parts_.ecs.clock().now();
    auto result = parts_.runtime.exec(id, name, options);
    std::lock_guard lock(parts_.ecs.mutex());
    auto found = parts_.ecs.state().tasks.find(id);
    if (found == parts_.ecs.state().tasks.end()) return;
    Container& container = *found->second.container(name);
    container.probing = false;
    // It ended meanwhile, or is in another life.
    if (container.status != ContainerStatus::Running || began < *container.started_at) return;
    HealthStatus before = container.health;
    HealthProbe probe{parts_.ecs.clock().now(), result ? result->exit_code : -1,
                      result ? result->output.substr(0, 256) : result.error().text};
    if (result && result->timed_out) probe.output = "timed out: " + probe.output;
    record_probe(container, check, std::move(probe));
    if (container.health != before) ++found->second.version;
    parts_.ecs.changed(found->second);
}

std::shared_ptr<LiveTask> Reconciler::take_live(const std::string& id) {
    std::lock_guard lock(parts_.ecs.mutex());
    auto found = live_.find(id);
    if (found == live_.end()) return nullptr;
    std::shared_ptr<LiveTask> live = found->second;
    live_.erase(found);
    return live;
}

// The network goes last: until then its listeners and names answer.
void Reconciler::take_down(const std::string& id, LiveTask* live) {
    if (live) {
        for (int port : live->ports)
            parts_.resolver.remove(live->network->address(), static_cast<uint16_t>(port));
        if (live->metadata) live->metadata->stop();
        live->names.reset();
    }
    parts_.runtime.remove_task(id);
    if (!live) return;
    for (const auto& [name, log] : live->logs) {
        log->finish();
        log->deliver(parts_.ecs.clock().now());
    }
}

void Reconciler::dismantle(const std::string& id) {
    std::shared_ptr<LiveTask> live = take_live(id);
    take_down(id, live.get());
    std::lock_guard lock(parts_.ecs.mutex());
    auto found = parts_.ecs.state().tasks.find(id);
    if (found == parts_.ecs.state().tasks.end()) return;
    for (Container& container : found->second.containers)
        if (live && live->logs.contains(container.name))
            container.last_output = live->logs[container.name]->last_lines();
    finish(found->second, parts_.ecs.clock().now());
    parts_.ecs.flush();
}

void Reconciler::finish(Task& task, base::Time now) {
    read_requests(task);
    for (TaskTarget& target : task.targets) {
        target.requests = nullptr;
        if (!target.registered) continue;
        try {
            parts_.ecs.ports().targets.deregister_target(target.target_group, task.address,
                                                         target.port);
        } catch (const aws::Error&) {
            // The group is gone.
        }
        target.registered = false;
        target.health = "unused";
    }
    for (Container& container : task.containers)
        container.status = ContainerStatus::Stopped;
    task.stopped_at = now;
    set_status(task, TaskStatus::Stopped);
}

}  // namespace ecs
