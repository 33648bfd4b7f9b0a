// What a fault that is set on an origin does to one attempt of the edge at it.
#pragma once
#include <functional>
#include <memory>

#include "cloudfront/model.h"
#include "faults/faults.h"
#include "http/upstream.h"

namespace cloudfront {

using Attempt = http::Result<std::unique_ptr<http::UpstreamResponse>>;

// Carries the attempt out as the fault lets it: late, never answered (the origin's own timeout
// decides), reset, or answered with an error of the origin that it never saw.
Attempt broken_attempt(const faults::Faults* faults, const Origin& origin,
                       const std::function<Attempt()>& attempt);

}  // namespace cloudfront
