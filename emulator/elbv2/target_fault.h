// What a fault that is set on a target does to one attempt at it, of a request or of a health
// check.
#pragma once
#include <functional>
#include <memory>
#include <string_view>

#include "faults/faults.h"
#include "http/upstream.h"

namespace elbv2 {

using Attempt = http::Result<std::unique_ptr<http::UpstreamResponse>>;

// Faults are kept under "target:" and the target's address, or its group's ARN for all of them. A
// target that hangs takes the connection and answers nothing for `patience`.
Attempt broken_attempt(const faults::Faults* faults, std::string_view group_arn,
                       std::string_view address, base::milliseconds patience,
                       const std::function<Attempt()>& attempt);

}  // namespace elbv2
