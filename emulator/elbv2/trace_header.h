// X-Amzn-Trace-Id as the balancer sends it on. Guide: "Request tracing for your Application Load
// Balancer". Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/clock.h"

namespace elbv2 {

// `unique` is 24 lower-case hex digits.
std::string next_trace_header(std::string_view incoming, base::Time now, std::string_view unique);

}  // namespace elbv2
