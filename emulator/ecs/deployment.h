// Rolling update arithmetic and the deployment circuit breaker: numbers in, numbers out.
// ECS guide, "Deploy Amazon ECS services by replacing tasks" and "How the deployment circuit
// breaker detects failures".
#pragma once
#include <cstdint>
#include <string_view>

#include "base/clock.h"

namespace ecs {

// How many healthy tasks a service keeps, and how many it may have, while it replaces them.
struct Bounds {
    int lower = 0;
    int upper = 0;
    auto operator<=>(const Bounds&) const = default;
};
Bounds rolling_bounds(int desired, int minimum_percent, int maximum_percent);

struct CircuitBreaker {
    enum class Threshold : uint8_t { BoundedPercent, UnboundedPercent, Count };

    bool enabled = false;
    bool rollback = false;
    Threshold threshold = Threshold::BoundedPercent;
    int threshold_value = 50;
    bool reset_on_healthy_task = true;
};
// So many failed tasks end a deployment.
int failure_threshold(const CircuitBreaker& breaker, int desired);

// What a task that has stopped, or is about to be stopped, had reached.
struct TaskOutcome {
    bool stopped_by_scheduler_or_user = false;  // scale-in, replacement, StopTask: never a failure
    bool failed_health_check = false;           // target or container, after the grace period
    bool reached_running = false;
    bool was_healthy = false;  // counted as healthy at some time
};
bool counts_as_failure(const TaskOutcome& outcome);

// How long the scheduler waits before the next start after `failures` failed tasks in a row.
// Unscaled. ECS guide, "Service throttle logic": only tasks that never reach RUNNING are throttled.
enum class Reached : uint8_t { Running, NeverRunning };
base::seconds restart_delay(int failures, Reached reached);
inline constexpr int kThrottledFrom =
    4;  // failures in a row from which "unable to consistently start" is said

}  // namespace ecs
