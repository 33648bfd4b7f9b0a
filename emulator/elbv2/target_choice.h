// Target choice: which of a group's targets gets the request, and why. Guide: "Routing algorithms",
// "Target group health", "Slow start mode". Pure but for the group's cursor.
#pragma once
#include <string>
#include <string_view>

#include "base/clock.h"
#include "elbv2/snapshot.h"

namespace elbv2 {

struct TargetChoice {
    const RoutedTarget* target = nullptr;  // null: 503
    std::string why;
    bool failed_open = false;
};

struct ChoiceFacts {
    std::string_view sticky_target;  // "ip:port" that a valid cookie names, "" if none
    base::Time now;
    double roll = 0;   // in [0, 1)
    double speed = 1;  // of the clock: divides slow start
};

TargetChoice choose_target(const RoutedGroup& group, const ChoiceFacts& facts);

// How many healthy targets routing wants before it fails open.
int wanted_healthy(const TargetGroupSettings& settings, int registered);
// The share of a full target's requests, 0 to 1, that slow start gives.
double slow_start_share(base::Time since, base::Time now, std::chrono::duration<double> ramp);

}  // namespace elbv2
