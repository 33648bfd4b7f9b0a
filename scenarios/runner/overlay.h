// Overlay: changes to a stack file for one scenario: path → value. A path is that of the file; an
// item of a list is named by its Id, Name or PathPattern
// ("distributions.api.config.Origins.Items.alb.ConnectionAttempts").
#pragma once
#include <expected>
#include <string>

#include "base/json.h"

namespace scenarios {

// Sets every member of `overlay` in `root`. The last part of a path may be new, what leads there
// must exist. An error is one sentence.
std::expected<void, std::string> apply_overlay(base::Node& root, const base::Node& overlay);

}  // namespace scenarios
