// Health transitions: what a probe's outcome makes of a target. Guide: "Health checks for your
// target groups". Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/clock.h"
#include "elbv2/live_target.h"
#include "elbv2/model.h"

namespace elbv2 {

struct ProbeOutcome {
    enum class Kind : uint8_t { Passed, WrongCode, TimedOut, Failed };
    Kind kind = Kind::Passed;
    int code = 0;
    std::string text;  // for people: "10.0.1.5:3000 refused the connection"
};

// "200", "200,202", "200-299".
bool matcher_accepts(std::string_view matcher, int code);

enum class SlowStart : uint8_t {
    Off,
    On
};  // on: the group has it, and another target is healthy already

// A target that was just registered, or whose group just came into use.
HealthRecord fresh_record(base::Time now);
// `start`: how long a new target may leave its probes unanswered (start_allowance, through
// Clock::scaled_start).
HealthRecord after_probe(HealthRecord record, const HealthCheck& check, const ProbeOutcome& outcome,
                         base::Time now, base::microseconds start, SlowStart slow_start);
// What the thresholds give a target in production before it is called unhealthy.
base::microseconds start_allowance(const HealthCheck& check);

}  // namespace elbv2
