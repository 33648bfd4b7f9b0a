// The answer to the viewer: what of the origin's headers passes, what the response headers policy
// and the edge add, and the viewer's own conditions and ranges. CloudFront guide, "Response
// behavior", "Understanding response headers policies", "How CloudFront processes partial
// requests". Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloudfront/cache.h"
#include "cloudfront/model.h"
#include "http/range.h"

namespace cloudfront {

enum class CacheStatus : uint8_t { Hit, RefreshHit, Miss, Error, Redirect };
std::string_view name_of(CacheStatus status);  // as in X-Cache and the access log

struct CleanedHeaders {
    http::HeaderList headers;
    std::vector<std::string> dropped;  // "Set-Cookie: cookies are not forwarded"
};
// Hop-by-hop and CloudFront's own headers out, Vary reduced, Set-Cookie by the cookie settings.
CleanedHeaders clean_origin_headers(const http::HeaderList& from_origin,
                                    const CacheBehavior& behavior, Origin::Kind kind);

struct ResponseStamp {
    CacheStatus status = CacheStatus::Miss;
    std::string_view request_id, via_id;
    std::optional<int64_t> age;
    std::string_view server_timing;  // "" = none
    Time now;                        // of the Date where the policy removes the origin's
};
// Policy first, then X-Cache, Via, X-Amz-Cf-Pop, X-Amz-Cf-Id, Age.
void finish_response_headers(http::HeaderList& headers, const CacheBehavior* behavior,
                             const ViewerRequest& request, const ResponseStamp& stamp);
void apply_response_headers_policy(http::HeaderList& headers, const ResponseHeadersPolicy& policy,
                                   const ViewerRequest& request);
// Whether the policy's part of the answer depends on the request (CORS, Server-Timing) or its
// moment (Date).
bool policy_depends_on_request(const ResponseHeadersPolicy* policy);

// Range's value against the object. Malformed, overlapping or descending lists ask for the whole.
http::RangeSet evaluate_range(std::string_view header, uint64_t size);
// "bytes=a-b" with one range, as it can be sent on and stored: canonical, "" for anything else.
std::string single_range(std::string_view header);
struct ContentRange {
    http::ByteRange range;
    uint64_t total = 0;
};
std::optional<ContentRange> parse_content_range(std::string_view value);  // total known only

}  // namespace cloudfront
