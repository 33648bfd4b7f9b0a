// Plan: desired state + actual state + now → actions. Pure; the reconciler observes before and acts
// after. ECS guide, "Deploy Amazon ECS services by replacing tasks": (a) start up to the maximum,
// of which every task is that is not STOPPED, (b) a task is healthy by target, container check or
// settling, (c) stop what the minimum can spare, (d) unhealthy tasks are replaced, starting first
// where the maximum allows.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"
#include "ecs/deployment.h"

namespace ecs {

// A task as the plan sees it. Tasks that are DEACTIVATING or later, or told to stop, are `Leaving`.
struct TaskView {
    enum class Phase : uint8_t { Starting, Running, Leaving };

    std::string id;
    std::string deployment;
    Phase phase = Phase::Starting;
    bool healthy = false;
    std::string failing;  // why it has to be replaced ("Task failed ELB health checks in …"), "" =
                          // it has not
    base::Time created_at;
};

struct DeploymentView {
    std::string id;
    bool completed = false;  // rolloutState COMPLETED
    bool failed = false;     // tripped, and nothing to roll back to: no further tasks
    int failed_tasks = 0;
    base::Time next_start_at;  // back-off
};

struct ServiceView {
    bool draining = false;  // deleted, or its cluster is: every task leaves
    int desired = 0;
    int minimum_percent = 100;
    int maximum_percent = 200;
    CircuitBreaker breaker;
    DeploymentView primary;
    std::vector<std::string> older;  // deployments that still have tasks, draining ones included
    bool has_completed_predecessor = false;  // something to roll back to
    std::vector<TaskView> tasks;             // none that is STOPPED
};

struct Action {
    enum class Kind : uint8_t {
        Start,     // `count` tasks of the primary deployment
        Stop,      // task `id`, because of `reason`
        Complete,  // the primary deployment
        Fail,      // the primary deployment: the breaker tripped
        RollBack,  // after Fail: to the last completed revision
        Stuck,     // the percentages allow neither a start nor a stop
        Gone,      // a draining service has no task left
    };
    enum class Why : uint8_t { Scaling, Unhealthy };

    Kind kind;
    int count = 0;
    std::string id;
    std::string reason;
    Why why = Why::Scaling;
};
using Plan = std::vector<Action>;

Plan make_plan(const ServiceView& service, base::Time now);

}  // namespace ecs
