// Plan (see plan.h). One function per rule; each looks at the same counts and adds its actions.
#include "ecs/plan.h"

#include <algorithm>

namespace ecs {
namespace {

using Kind = Action::Kind;
using Tasks = std::vector<const TaskView*>;

// The service's tasks that still serve or are about to, by deployment and health.
struct Counts {
    Tasks current;  // of the primary deployment, not failing
    Tasks current_failing;
    Tasks older;  // of every other deployment
    int alive = 0;
    int leaving = 0;
    int healthy = 0;  // failing tasks are not healthy, whatever their target says
    int healthy_current = 0;
    bool anyone_starting = false;
};

Counts count(const ServiceView& service) {
    Counts counts;
    for (const TaskView& task : service.tasks) {
        if (task.phase == TaskView::Phase::Leaving) {
            ++counts.leaving;
            continue;
        }
        bool is_current = task.deployment == service.primary.id;
        ++counts.alive;
        counts.anyone_starting |= task.phase == TaskView::Phase::Starting;
        if (!is_current)
            counts.older.push_back(&task);
        else
            (task.failing.empty() ? counts.current : counts.current_failing).push_back(&task);
        if (!task.healthy || !task.failing.empty()) continue;
        ++counts.healthy;
        if (is_current) ++counts.healthy_current;
    }
    return counts;
}

Action stop(const TaskView& task) {
    if (!task.failing.empty())
        return {Kind::Stop, 0, task.id, task.failing, Action::Why::Unhealthy};
    return {Kind::Stop, 0, task.id, {}, Action::Why::Scaling};
}

bool is_spare(const TaskView& task) {
    return !task.healthy || !task.failing.empty();
}

// Unhealthy first, then the oldest.
void sort_for_replacement(Tasks& tasks) {
    std::stable_sort(tasks.begin(), tasks.end(), [](const TaskView* a, const TaskView* b) {
        if (is_spare(*a) != is_spare(*b)) return is_spare(*a);
        return a->created_at < b->created_at;
    });
}

// Not yet healthy first, then the newest. GUESS: AWS keeps zones balanced, there is one zone's
// worth here.
void sort_for_scale_in(Tasks& tasks) {
    std::stable_sort(tasks.begin(), tasks.end(), [](const TaskView* a, const TaskView* b) {
        if (is_spare(*a) != is_spare(*b)) return is_spare(*a);
        return a->created_at > b->created_at;
    });
}

int missing(const ServiceView& service, const Counts& counts) {
    return std::max(0, service.desired - static_cast<int>(counts.current.size()));
}

// In a deployment that is not completed, an unhealthy task makes room at once: it never served. In
// a completed one its replacement starts first; without room under the maximum one unhealthy task
// goes.
void replace_unhealthy(const ServiceView& service, const Counts& counts, const Bounds& bounds,
                       Plan& plan) {
    if (counts.current_failing.empty()) return;
    if (!service.primary.completed || counts.healthy_current >= service.desired) {
        for (const TaskView* task : counts.current_failing)
            plan.push_back(stop(*task));
        return;
    }
    if (missing(service, counts) > 0 && counts.alive >= bounds.upper)
        plan.push_back(stop(*counts.current_failing.front()));
}

// "Service definition parameters": during a deployment the maximum is one of tasks that are
// RUNNING, STOPPING or PENDING. GUESS: the API reference has the older "RUNNING or PENDING", and
// neither names DEACTIVATING, which comes before STOPPING.
int tasks_under_maximum(const ServiceView& service, const Counts& counts) {
    return counts.alive + (service.primary.completed ? 0 : counts.leaving);
}

void start_missing(const ServiceView& service, const Counts& counts, const Bounds& bounds,
                   base::Time now, Plan& plan) {
    if (service.primary.failed || now < service.primary.next_start_at) return;
    int room = std::max(0, bounds.upper - tasks_under_maximum(service, counts));
    if (int starts = std::min(missing(service, counts), room); starts > 0)
        plan.push_back({Kind::Start, starts});
}

// Old tasks that are not healthy protect nobody and go freely, others as the minimum can spare
// them. A failed deployment without a way back replaces nothing.
void stop_older(const ServiceView& service, Counts counts, const Bounds& bounds, Plan& plan) {
    if (service.primary.failed) return;
    sort_for_replacement(counts.older);
    int spare = counts.healthy - bounds.lower;
    for (const TaskView* task : counts.older) {
        if (!is_spare(*task) && spare-- <= 0) break;
        plan.push_back(stop(*task));
    }
}

void scale_in(const ServiceView& service, Counts counts, Plan& plan) {
    int extra = static_cast<int>(counts.current.size()) - service.desired;
    if (extra <= 0) return;
    sort_for_scale_in(counts.current);
    for (int i = 0; i < extra; ++i)
        plan.push_back(stop(*counts.current[i]));
}

bool is_complete(const ServiceView& service, const Counts& counts) {
    return !service.primary.completed && !service.primary.failed && service.older.empty() &&
           counts.current_failing.empty() && counts.healthy_current == service.desired &&
           static_cast<int>(counts.current.size()) == service.desired;
}

bool is_stuck(const ServiceView& service, const Counts& counts, const Bounds& bounds) {
    return missing(service, counts) > 0 && counts.alive >= bounds.upper && counts.leaving == 0 &&
           !counts.anyone_starting && !service.primary.failed;
}

Plan drain(const ServiceView& service) {
    Plan plan;
    for (const TaskView& task : service.tasks)
        if (task.phase != TaskView::Phase::Leaving) plan.push_back(stop(task));
    if (service.tasks.empty()) plan.push_back({Kind::Gone});
    return plan;
}

}  // namespace

Plan make_plan(const ServiceView& service, base::Time now) {
    if (service.draining) return drain(service);
    const DeploymentView& primary = service.primary;
    // The breaker watches rollouts only: a completed deployment's later failures never trip it.
    if (service.breaker.enabled && !primary.completed && !primary.failed &&
        primary.failed_tasks >= failure_threshold(service.breaker, service.desired)) {
        Plan plan{{Kind::Fail}};
        if (service.breaker.rollback && service.has_completed_predecessor)
            plan.push_back({Kind::RollBack});
        return plan;
    }

    Counts counts = count(service);
    Bounds bounds =
        rolling_bounds(service.desired, service.minimum_percent, service.maximum_percent);
    Plan plan;
    replace_unhealthy(service, counts, bounds, plan);
    start_missing(service, counts, bounds, now, plan);
    stop_older(service, counts, bounds, plan);
    scale_in(service, counts, plan);
    if (is_complete(service, counts)) plan.push_back({Kind::Complete});
    if (plan.empty() && is_stuck(service, counts, bounds)) plan.push_back({Kind::Stuck});
    return plan;
}

}  // namespace ecs
