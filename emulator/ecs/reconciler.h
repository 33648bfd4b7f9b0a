// Reconciler: one loop that makes the actual state the desired one: observe, plan, act. Tests call
// step() themselves.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/thread.h"
#include "containers/runtime.h"
#include "ecs/after_exit.h"
#include "ecs/control_plane.h"
#include "ecs/jobs.h"
#include "ecs/live_task.h"
#include "ecs/plan.h"
#include "net/resolver.h"

namespace ecs {

struct ReconcilerParts {
    ControlPlane& ecs;
    containers::Runtime& runtime;
    oci::ImageSource& images;
    net::Resolver& resolver;  // task addresses to sockets
    Jobs& jobs;
};

class Reconciler {
  public:
    explicit Reconciler(ReconcilerParts parts);
    ~Reconciler() { stop(); }

    // One round: what happened, what every task does next, what every service does next.
    void step(base::Time now);

    void start();  // a thread that steps until stop()
    void stop();   // joins it; then no task is left in the runtime

  private:
    // Calls of the runtime and of ports that are made once the lock is released.
    using Deferred = std::vector<std::function<void()>>;

    // Tasks.
    void absorb(const containers::Event& event);
    void end_with(Task& task, const Container& container);
    void tell_restart(const Task& task, const Container& container, const AfterExit& next);
    void advance(Task& task, base::Time now, Deferred& deferred);
    void advance_running(Task& task, const TaskDefinition& definition, base::Time now,
                         Deferred& deferred);
    void enter_running(Task& task, base::Time now);
    void leave_targets(Task& task, base::Time now);
    void advance_stopping(Task& task, const TaskDefinition& definition, base::Time now,
                          Deferred& deferred);
    void finish(Task& task, base::Time now);
    void observe_targets(Task& task);
    static void read_requests(Task& task);
    void set_status(Task& task, TaskStatus status);
    void fail_to_start(Task& task, const std::string& reason, const std::string& container);
    const TaskDefinition& definition_of(const Task& task, TaskDefinition& made) const;
    void forget_old_tasks(base::Time now);
    void sweep(Deferred& deferred);

    // On workers, without the lock.
    void open_metadata(const std::string& id, LiveTask& live);
    void prepare(const std::string& id);
    void start_container(const std::string& id, const std::string& container);
    void restart_container(const std::string& id, const std::string& container);
    void probe(const std::string& id, const std::string& container, HealthCheck check);
    void dismantle(const std::string& id);
    std::shared_ptr<LiveTask> take_live(const std::string& id);
    void take_down(const std::string& id, LiveTask* live);
    void deliver_logs(base::Time now);

    // Services.
    void reconcile(Service& service, base::Time now, std::vector<Task*> tasks);
    ServiceView view_of(Service& service, base::Time now, const std::vector<Task*>& tasks);
    void count_outcomes(Service& service, base::Time now, const std::vector<Task*>& tasks);
    void act(Service& service, const Plan& plan, base::Time now);
    void complete(Service& service, base::Time now);
    void fail(Service& service, base::Time now);
    void drop_empty_deployments(Service& service, const std::vector<Task*>& tasks);
    void say_targets(Service& service);
    void say_steady(Service& service, base::Time now, const std::vector<Task*>& tasks);

    ReconcilerParts parts_;
    TaskSetup setup_;
    // What happened to a service's targets in this round, said in one event each.
    struct TargetNews {
        std::map<std::string, int> registered, deregistered;  // by target group
        std::map<std::string, int> draining;                  // by deployment
    };
    std::map<ServiceKey, TargetNews> news_;
    std::map<std::string, std::shared_ptr<LiveTask>> live_;  // under the control plane's lock
    base::Thread thread_;
    std::atomic<bool> stopping_{false};
};

}  // namespace ecs
