// Forward: one request to one target and its answer back. Which group and target, the attempt, the
// mapping of what goes wrong to 502, 503 and 504, stickiness, and the tunnel after a 101.
#pragma once
#include <string>

#include "elbv2/visit.h"
#include "http/error.h"

namespace elbv2 {

void forward(Visit& visit, const RoutedRule& rule);

// The status that an error of the attempt becomes. alb.md §10.
int status_of(const http::Error& error);
// "10.0.1.5:3000 refused the connection: …": what a person should look at.
std::string explain(const http::Error& error, const RoutedTarget& target,
                    std::chrono::seconds idle_timeout);

}  // namespace elbv2
