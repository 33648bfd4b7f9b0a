// TTL: whether an origin's answer is stored, for how long, and the arithmetic in words.
// CloudFront guide, "Managing how long content stays in the cache (expiration)" and "How CloudFront
// processes HTTP 4xx and 5xx status codes". Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloudfront/model.h"

namespace cloudfront {

struct Freshness {
    bool store = false;
    seconds ttl{0};
    seconds age{0};  // that the answer already had when it came
    seconds stale_while_revalidate{0};
    std::optional<seconds> stale_if_error;  // nothing said: the default of "serve stale on 5xx"
    // Set-Cookie and friends named by no-cache="…": stored without them.
    std::vector<std::string> withheld_headers;
    std::string why;
};

struct OriginAnswer {
    int status = 200;
    const http::HeaderList* headers = nullptr;
    bool from_s3 = false;
};

Freshness decide_freshness(const Distribution& distribution, const CacheBehavior& behavior,
                           const OriginAnswer& answer, Time now);
// Of errors with this status: ErrorCachingMinTTL of its custom error response, 10 s without one.
seconds error_caching_min_ttl(const Distribution& distribution, int status);

}  // namespace cloudfront
