// See health_state.h. alb.md §13.
#include "elbv2/health_state.h"

#include "base/text.h"

namespace elbv2 {
namespace {

struct Shown {
    std::string reason, description;
};

Shown failure(const ProbeOutcome& outcome) {
    switch (outcome.kind) {
        case ProbeOutcome::Kind::WrongCode:
            return {"Target.ResponseCodeMismatch", "Health checks failed with these codes: [" +
                                                       std::to_string(outcome.code) + "]"};
        case ProbeOutcome::Kind::TimedOut: return {"Target.Timeout", "Request timed out"};
        default: return {"Target.FailedHealthChecks", "Health checks failed"};
    }
}

void become(HealthRecord& record, HealthState state, Shown shown, base::Time now) {
    if (record.shown.state != state) record.shown.since = now;
    record.shown.state = state;
    record.shown.reason = std::move(shown.reason);
    record.shown.description = std::move(shown.description);
}

}  // namespace

bool matcher_accepts(std::string_view matcher, int code) {
    for (std::string_view part : base::split(matcher, ',')) {
        auto [from, to] = base::cut(base::trim(part), '-');
        auto low = base::parse_unsigned(from);
        auto high = to.empty() ? low : base::parse_unsigned(to);
        if (low && high && code >= static_cast<int>(*low) && code <= static_cast<int>(*high))
            return true;
    }
    return false;
}

HealthRecord fresh_record(base::Time now) {
    HealthRecord record;
    record.shown = {HealthState::Initial, "Elb.RegistrationInProgress",
                    "Target registration is in progress", now};
    record.next_probe = now;
    return record;
}

base::microseconds start_allowance(const HealthCheck& check) {
    return base::seconds(check.interval_seconds) * (check.unhealthy_threshold - 1);
}

HealthRecord after_probe(HealthRecord record, const HealthCheck& check, const ProbeOutcome& outcome,
                         base::Time now, base::microseconds start, SlowStart slow_start) {
    bool passed = outcome.kind == ProbeOutcome::Kind::Passed;
    record.successes = passed ? record.successes + 1 : 0;
    record.failures = passed ? 0 : record.failures + 1;
    record.detail = passed ? std::string() : outcome.text;
    HealthState state = record.shown.state;
    if (passed) {
        // A new target needs one success, whatever the threshold; one that failed needs them all.
        int needed = state == HealthState::Initial ? 1 : check.healthy_threshold;
        if (state != HealthState::Healthy && record.successes >= needed) {
            become(record, HealthState::Healthy, {}, now);
            record.slow_start_since = slow_start == SlowStart::On ? now : base::Time{};
        }
        return record;
    }
    // An answer shows that the program has started; silence may mean that it is about to.
    bool is_starting = state == HealthState::Initial &&
                       outcome.kind != ProbeOutcome::Kind::WrongCode &&
                       now < record.shown.since + start;
    // GUESS: from initial, too, failures must reach the threshold.
    if (state == HealthState::Unhealthy ||
        (record.failures >= check.unhealthy_threshold && !is_starting)) {
        become(record, HealthState::Unhealthy, failure(outcome), now);
        record.slow_start_since = {};
    } else if (state == HealthState::Initial) {
        record.shown.reason = "Elb.InitialHealthChecking";
        record.shown.description = "Initial health checks in progress";
    }
    return record;
}

}  // namespace elbv2
