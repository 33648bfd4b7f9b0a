// The cache key: distribution, path, and exactly those query parameters, headers and cookies that
// the behaviour's cache policy (or ForwardedValues) names. Vary plays no part. CloudFront guide,
// "Understanding the cache key" and "Cache compressed objects". Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "cloudfront/model.h"
#include "http/cookies.h"

namespace cloudfront {

// "Cache compressed objects", the table of normalised Accept-Encoding values.
enum class AcceptEncoding : uint8_t {
    NotKeyed,  // neither format enabled: a header like any other
    Absent,    // viewer sent none
    Gzip,
    Brotli,
    BrotliAndGzip,
    Identity,  // sent, but none of the enabled formats in it
};
AcceptEncoding normalized_accept_encoding(const CacheBehavior& behavior,
                                          const ViewerRequest& request);
// What goes to the origin: "br,gzip", "gzip", "br", "identity" or nothing.
std::string_view to_origin_value(AcceptEncoding value);

struct CacheKey {
    std::string text;                     // distribution \n path?query \n everything else
    size_t path_begin = 0, path_end = 0;  // of "path?query" inside text: what invalidation compares

    std::string_view path() const {
        return std::string_view(text).substr(path_begin, path_end - path_begin);
    }
    std::string_view distribution() const {
        return std::string_view(text).substr(0, path_begin - 1);
    }
};

// Reuses `key`'s memory.
void build_cache_key(const Distribution& distribution, const CacheBehavior& behavior,
                     const ViewerRequest& request, CacheKey& key);

struct KeyPart {
    std::string name, value, why;
};
std::vector<KeyPart> explain_cache_key(const Distribution& distribution,
                                       const CacheBehavior& behavior, const ViewerRequest& request);

// The query's pairs that `selects` admits, in the viewer's order, joined by '&'.
std::string filter_query(std::string_view query, const Selection& selection);

// name=value pairs of all Cookie headers, sorted by name (stable); parts without '=' are not
// cookies.
std::vector<http::CookiePair> sorted_cookies(const http::HeaderList& headers);

}  // namespace cloudfront
