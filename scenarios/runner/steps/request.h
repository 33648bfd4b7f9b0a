// A request as a step describes it: target, headers, query, body. For HTTP steps and loads.
#pragma once
#include <expected>
#include <span>
#include <string_view>

#include "scenarios/runner/context.h"

namespace scenarios {

std::span<const std::string_view> http_methods();
// Keys that say what is sent, beside the method.
std::span<const Key> request_keys();

// `step` has its references replaced; its member `method` is the target.
std::expected<ViewerRequest, StepError> make_request(Context& context, std::string_view method,
                                                     const base::Node& step);

}  // namespace scenarios
