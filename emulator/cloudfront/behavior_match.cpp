// See behavior_match.h.
#include "cloudfront/behavior_match.h"

#include <fmt/format.h>

#include "base/result.h"
#include "base/text.h"

namespace cloudfront {

bool pattern_matches(std::string_view pattern, std::string_view path) {
    if (pattern == "*") return true;
    if (!pattern.starts_with('/') && path.starts_with('/')) {
        // "*.jpg" stands for "/*.jpg": the slash is optional in the pattern, never in the path.
        path.remove_prefix(1);
    }
    return base::wildcard_match(pattern, path);
}

const CacheBehavior& match_behavior(const Distribution& distribution, std::string_view path) {
    ASSERT(!distribution.behaviors.empty());
    for (const CacheBehavior& behavior : distribution.behaviors)
        if (behavior.is_default || pattern_matches(behavior.pattern, path)) return behavior;
    return distribution.behaviors.back();
}

std::string explain_behavior(const Distribution& distribution, const CacheBehavior& behavior,
                             std::string_view path) {
    size_t index = &behavior - distribution.behaviors.data();
    size_t listed = distribution.behaviors.size() - 1;
    if (!behavior.is_default)
        return fmt::format("{} matches pattern {} ({} of {}); origin {}", path, behavior.pattern,
                           index + 1, listed, behavior.target_id);
    if (listed == 0)
        return fmt::format("default behavior, the only one; origin {}", behavior.target_id);
    std::string near;
    for (const CacheBehavior& other : distribution.behaviors)
        // The pattern that people expect to match: the same but for case or a missing last segment.
        if (!other.is_default &&
            base::wildcard_match(base::lower(other.pattern), base::lower(std::string(path) + "/")))
            near = other.pattern;
    std::string text = fmt::format("default behavior: none of {} pattern{} matches {}; origin {}",
                                   listed, listed == 1 ? "" : "s", path, behavior.target_id);
    if (!near.empty()) text += fmt::format(" ({} is near, and does not match)", near);
    return text;
}

}  // namespace cloudfront
