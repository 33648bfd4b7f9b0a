// Rolling update arithmetic and the deployment circuit breaker (see deployment.h).
#include "ecs/deployment.h"

#include <algorithm>

namespace ecs {
namespace {

constexpr int kBreakerMinimum = 3;
constexpr int kBreakerMaximum = 200;
// GUESS: AWS documents growth up to about 27 minutes, not the steps. Fargate needs about 50 s from
// one failed start to the next; a crash loop that starts in milliseconds here keeps at least this
// distance.
constexpr base::seconds kRestartPace{10};
constexpr base::seconds kRestartPaceMaximum{27 * 60};

int percent_up(int value, int percent) {
    return static_cast<int>((static_cast<int64_t>(value) * percent + 99) / 100);
}
int percent_down(int value, int percent) {
    return static_cast<int>(static_cast<int64_t>(value) * percent / 100);
}

}  // namespace

// The minimum is rounded up, the maximum down.
Bounds rolling_bounds(int desired, int minimum_percent, int maximum_percent) {
    return {percent_up(desired, minimum_percent), percent_down(desired, maximum_percent)};
}

int failure_threshold(const CircuitBreaker& breaker, int desired) {
    switch (breaker.threshold) {
        case CircuitBreaker::Threshold::Count: return std::max(1, breaker.threshold_value);
        case CircuitBreaker::Threshold::UnboundedPercent:
            return std::max(1, percent_up(desired, breaker.threshold_value));
        case CircuitBreaker::Threshold::BoundedPercent: break;
    }
    return std::clamp(percent_up(desired, breaker.threshold_value), kBreakerMinimum,
                      kBreakerMaximum);
}

// GUESS: a task that reached RUNNING and exits before it was ever healthy counts (captures show an
// image that exits at once tripping the breaker); one that exits later does not.
bool counts_as_failure(const TaskOutcome& outcome) {
    if (outcome.failed_health_check) return true;
    if (outcome.stopped_by_scheduler_or_user) return false;
    return !outcome.reached_running || !outcome.was_healthy;
}

base::seconds restart_delay(int failures, Reached reached) {
    if (failures <= 0) return base::seconds(0);
    if (reached == Reached::Running || failures < kThrottledFrom) return kRestartPace;
    int doublings = std::min(failures - kThrottledFrom + 1, 10);
    return std::min(kRestartPace * (1 << doublings), kRestartPaceMaximum);
}

}  // namespace ecs
