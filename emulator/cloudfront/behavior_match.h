// Behaviour selection: the first listed path pattern that matches the raw path, else the default
// one. CloudFront guide, "Path pattern". Pure.
#pragma once
#include <string>
#include <string_view>

#include "cloudfront/model.h"

namespace cloudfront {

// A leading / in the pattern means nothing; * is any run (slashes too), ? one character; case
// counts.
bool pattern_matches(std::string_view pattern, std::string_view path);
const CacheBehavior& match_behavior(const Distribution& distribution, std::string_view path);
std::string explain_behavior(const Distribution& distribution, const CacheBehavior& behavior,
                             std::string_view path);

}  // namespace cloudfront
