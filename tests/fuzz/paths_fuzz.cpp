// Fuzz target: path patterns of behaviours, invalidation paths and resources of signed policies
// against any path: "pattern NUL path". A pattern without wildcards matches itself, and *
// everything.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "cloudfront/behavior_match.h"
#include "cloudfront/cache.h"
#include "cloudfront/signed_request.h"

namespace {

void must(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), std::min<size_t>(size, 4096));
    const std::string_view pattern = text.substr(0, text.find('\0'));
    const std::string_view path =
        pattern.size() < text.size() ? text.substr(pattern.size() + 1) : std::string_view();
    const bool matches = cloudfront::pattern_matches(pattern, path);
    const bool literal = pattern.find_first_of("*?") == std::string_view::npos;
    if (literal && pattern.starts_with('/')) must(matches == (pattern == path));
    must(cloudfront::pattern_matches("*", path) || !path.starts_with('/'));
    if (pattern.starts_with('/') && !pattern.empty())
        must(cloudfront::pattern_matches(pattern, pattern) ||
             pattern.find('?') != std::string_view::npos || !literal);
    must(cloudfront::invalidation_matches("*", path));
    if (pattern.find('*') == std::string_view::npos)
        must(cloudfront::invalidation_matches(pattern, pattern));
    (void)cloudfront::invalidation_matches(pattern, path);
    (void)cloudfront::resource_matches(pattern, "https", "d1.cloudfront.net", path, "a=b");
    (void)cloudfront::without_signature_parameters(text);
    return 0;
}
