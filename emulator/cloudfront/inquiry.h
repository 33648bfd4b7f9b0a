// Inquiry: one question to the cache and, failing that, to the origin. Asked for a viewer, for an
// error page, or to refresh what is held. Answer: what came of it, not yet written to anybody.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/trace.h"
#include "cloudfront/cache.h"
#include "cloudfront/model.h"
#include "cloudfront/viewer_response.h"
#include "http/upstream.h"

namespace cloudfront {

struct Inquiry {
    std::shared_ptr<const Distribution> distribution;
    const CacheBehavior* behavior = nullptr;
    ViewerRequest request;
    CacheKey key;
    std::string request_id;
    http::BodyReader* body = nullptr;
    bool upgrades = false;  // a WebSocket handshake: past the cache
    Time now;
    base::Span* span = nullptr;
};

struct Answer {
    int status = 200;
    http::HeaderList headers;  // cleaned, without the edge's own
    CacheStatus cache_status = CacheStatus::Miss;
    std::string_view log_type;  // x-edge-detailed-result-type, "" = as cache_status
    std::optional<int64_t> age;

    // Where the body is: exactly one of these.
    std::string page;  // written by the edge
    EntryPtr entry;    // stored, or growing
    std::unique_ptr<http::UpstreamResponse>
        origin;  // to be relayed; with `entry`, also stored while it is

    bool truncated = false;      // `page` is what came of a body that was cut short
    std::shared_ptr<Fill> fill;  // ends with this answer
    uint64_t epoch = 0;          // since when an invalidation would forbid storing
    net::Deadline origin_deadline = net::Deadline::never();
    std::chrono::milliseconds origin_idle{30'000};
    bool is_page = false;  // a custom error response's page: no conditions, no ranges
    bool store = false;    // `entry` goes into the cache once it is whole
};

}  // namespace cloudfront
