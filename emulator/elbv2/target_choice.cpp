// See target_choice.h. alb.md §12 (slow start), §13 (fail open), §14.
#include "elbv2/target_choice.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace elbv2 {
namespace {

struct Eligible {
    std::vector<const RoutedTarget*> targets;
    size_t registered = 0, healthy = 0, draining = 0;
    bool failed_open = false;
};

Eligible eligible_targets(const RoutedGroup& group) {
    Eligible found;
    found.targets.reserve(group.targets.size());
    for (const RoutedTarget& target : group.targets) {
        if (target.target.is_draining()) {
            ++found.draining;
            continue;
        }
        ++found.registered;
        if (target.live->state() == HealthState::Healthy) {
            ++found.healthy;
            found.targets.push_back(&target);
        }
    }
    int wanted = wanted_healthy(group.settings, static_cast<int>(found.registered));
    if (static_cast<int>(found.healthy) >= wanted && found.healthy > 0) return found;
    // Fail open: too few are healthy, so every registered target gets requests.
    found.failed_open = true;
    found.targets.clear();
    for (const RoutedTarget& target : group.targets)
        if (!target.target.is_draining()) found.targets.push_back(&target);
    return found;
}

const RoutedTarget* least_outstanding(const std::vector<const RoutedTarget*>& targets,
                                      uint64_t cursor) {
    // Ties go round, so that idle targets share the load.
    const RoutedTarget* best = nullptr;
    for (size_t i = 0; i < targets.size(); ++i) {
        const RoutedTarget* target = targets[(cursor + i) % targets.size()];
        if (!best || target->live->in_flight() < best->live->in_flight()) best = target;
    }
    return best;
}

// Round robin that passes over a target in slow start, more often the newer it is.
const RoutedTarget* next_in_turn(const RoutedGroup& group,
                                 const std::vector<const RoutedTarget*>& targets, uint64_t cursor,
                                 const ChoiceFacts& facts) {
    const RoutedTarget* first = targets[cursor % targets.size()];
    if (group.settings.slow_start.count() == 0) return first;
    std::chrono::duration<double> ramp = group.settings.slow_start;
    ramp /= facts.speed;
    for (size_t i = 0; i < targets.size(); ++i) {
        const RoutedTarget* target = targets[(cursor + i) % targets.size()];
        base::Time since = target->live->slow_start_since();
        if (since == base::Time{} || facts.roll < slow_start_share(since, facts.now, ramp))
            return target;
    }
    return first;
}

std::string reason(const Eligible& eligible, std::string_view algorithm) {
    std::string why(algorithm);
    if (eligible.failed_open)
        return why + " over all " + std::to_string(eligible.targets.size()) +
               " registered targets: " +
               (eligible.healthy == 0 ? "none is"
                                      : "only " + std::to_string(eligible.healthy) + " are") +
               " healthy, the group fails open";
    return why + " over " + std::to_string(eligible.healthy) + " healthy of " +
           std::to_string(eligible.registered);
}

}  // namespace

int wanted_healthy(const TargetGroupSettings& settings, int registered) {
    int by_percent = (settings.minimum_healthy_percent * registered + 99) / 100;
    return std::max(settings.minimum_healthy, by_percent);
}

double slow_start_share(base::Time since, base::Time now, std::chrono::duration<double> ramp) {
    if (ramp.count() <= 0) return 1;
    std::chrono::duration<double> elapsed = now - since;
    // Never nothing at all: a target without requests would not warm up.
    return std::clamp(elapsed / ramp, 0.02, 1.0);
}

TargetChoice choose_target(const RoutedGroup& group, const ChoiceFacts& facts) {
    Eligible eligible = eligible_targets(group);
    if (eligible.targets.empty()) {
        if (eligible.draining > 0)
            return {nullptr, "every target of " + group.group.name + " is draining"};
        return {nullptr, "no target is registered with " + group.group.name};
    }
    bool failed_open = eligible.failed_open;
    if (!facts.sticky_target.empty()) {
        for (const RoutedTarget* target : eligible.targets)
            if (target->address == facts.sticky_target)
                return {target, "named by the stickiness cookie", failed_open};
    }
    uint64_t cursor = group.live->cursor.fetch_add(1, std::memory_order_relaxed);
    switch (group.settings.algorithm) {
        case Algorithm::LeastOutstandingRequests:
            return {least_outstanding(eligible.targets, cursor),
                    reason(eligible, "least outstanding requests"), failed_open};
        case Algorithm::WeightedRandom: {
            size_t at =
                static_cast<size_t>(facts.roll * static_cast<double>(eligible.targets.size()));
            return {eligible.targets[std::min(at, eligible.targets.size() - 1)],
                    reason(eligible, "weighted random"), failed_open};
        }
        case Algorithm::RoundRobin: break;
    }
    return {next_in_turn(group, eligible.targets, cursor, facts), reason(eligible, "round robin"),
            failed_open};
}

}  // namespace elbv2
