// See ttl.h.
#include "cloudfront/ttl.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/date.h"
#include "base/text.h"
#include "cloudfront/limits.h"
#include "http/cache_control.h"

namespace cloudfront {

namespace {

struct Asked {
    std::optional<seconds> lifetime;
    std::string source;  // "s-maxage=5"
};

Asked asked_lifetime(const http::CacheControl& directives, const http::HeaderList& headers,
                     Time now) {
    if (directives.s_maxage)
        return {*directives.s_maxage, fmt::format("s-maxage={}", directives.s_maxage->count())};
    if (directives.max_age)
        return {*directives.max_age, fmt::format("max-age={}", directives.max_age->count())};
    if (const std::string* expires = headers.find("Expires")) {
        // What is no date is in the past (RFC 9111 §5.3).
        auto at = base::parse_http_date(*expires);
        seconds left =
            at ? std::chrono::floor<seconds>(*at - std::chrono::floor<seconds>(now)) : seconds(0);
        return {std::max(left, seconds(0)), fmt::format("Expires {}", *expires)};
    }
    return {};
}

// What other caches on the way held it for (RFC 9111 §4.2.3). GUESS: AWS documents nothing; an Age
// that is no single number makes the answer stale, the careful way.
void subtract_age(Asked& asked, Freshness& freshness, const http::HeaderList& headers) {
    const std::vector<std::string_view> lines = headers.all("Age");
    if (lines.empty()) return;
    auto age = lines.size() == 1 ? base::parse_unsigned(base::trim(lines[0])) : std::nullopt;
    constexpr uint64_t kLongest = 1u << 31;  // RFC 9111 §1.2.2
    if (age) freshness.age = seconds(std::min(*age, kLongest));
    if (!asked.lifetime) return;
    asked.lifetime = age ? std::max(*asked.lifetime - freshness.age, seconds(0)) : seconds(0);
    asked.source += age ? fmt::format(" less Age {}", freshness.age.count())
                        : std::string(" with an Age that is no number");
}

bool varies_by_everything(const http::HeaderList& headers) {
    for (std::string_view line : headers.all("Vary"))
        for (std::string_view member : base::split(line, ','))
            if (base::trim(member) == "*") return true;
    return false;
}

// min(max(asked, MinTTL), MaxTTL), in words.
seconds clamp_ttl(const CacheBehavior& behavior, seconds asked, const std::string& source,
                  std::string& why) {
    if (asked < behavior.min_ttl) {
        why = fmt::format("{}, raised to MinTTL {} s of {}", source, behavior.min_ttl.count(),
                          behavior.key_source);
        return behavior.min_ttl;
    }
    if (asked > behavior.max_ttl) {
        why = fmt::format("{}, capped at MaxTTL {} s of {}", source, behavior.max_ttl.count(),
                          behavior.key_source);
        return behavior.max_ttl;
    }
    why = fmt::format("{}: {} s", source, asked.count());
    return asked;
}

void add_stale_windows(Freshness& freshness, const http::CacheControl& directives,
                       const CacheBehavior& behavior) {
    if (directives.stale_while_revalidate)
        freshness.stale_while_revalidate =
            std::min(*directives.stale_while_revalidate, behavior.max_ttl);
    if (directives.stale_if_error)
        freshness.stale_if_error = std::min(*directives.stale_if_error, behavior.max_ttl);
}

Freshness success(const CacheBehavior& behavior, const http::CacheControl& directives,
                  const http::HeaderList& headers, Time now) {
    Freshness freshness;
    freshness.withheld_headers = directives.no_cache_fields;
    freshness.withheld_headers.insert(freshness.withheld_headers.end(),
                                      directives.private_fields.begin(),
                                      directives.private_fields.end());
    add_stale_windows(freshness, directives, behavior);
    if (directives.no_store || directives.no_cache || directives.is_private) {
        std::string_view name = directives.no_store   ? "no-store"
                                : directives.no_cache ? "no-cache"
                                                      : "private";
        // "If MinTTL is greater than 0, CloudFront caches for MinTTL even if the origin says
        // no-cache, no-store or private".
        freshness.ttl = behavior.min_ttl;
        freshness.store = behavior.min_ttl > seconds(0);
        freshness.why = freshness.store
                            ? fmt::format("the origin says {}, but MinTTL {} s of {} outranks it",
                                          name, behavior.min_ttl.count(), behavior.key_source)
                            : fmt::format("the origin says {}", name);
        return freshness;
    }
    if (varies_by_everything(headers) && behavior.min_ttl == seconds(0)) {
        freshness.why = "the origin says Vary: *";
        return freshness;
    }
    Asked asked = asked_lifetime(directives, headers, now);
    subtract_age(asked, freshness, headers);
    if (asked.lifetime) {
        freshness.ttl = clamp_ttl(behavior, *asked.lifetime, asked.source, freshness.why);
    } else {
        freshness.ttl = std::max(behavior.default_ttl, behavior.min_ttl);
        freshness.why =
            fmt::format("the origin says nothing: {} {} s of {}",
                        behavior.default_ttl >= behavior.min_ttl ? "DefaultTTL" : "MinTTL",
                        freshness.ttl.count(), behavior.key_source);
    }
    // A lifetime of zero is kept for the sake of its validators alone.
    freshness.store =
        freshness.ttl > seconds(0) || headers.has("ETag") || headers.has("Last-Modified");
    if (!freshness.store) freshness.why += "; nothing to revalidate with";
    return freshness;
}

Freshness error(const Distribution& distribution, const CacheBehavior& behavior,
                const OriginAnswer& answer, const http::CacheControl& directives, Time now) {
    constexpr std::array kAlways = {404, 414, 500, 501, 502, 503, 504};
    constexpr std::array kIfAsked = {400, 403, 405, 412, 415};
    Freshness freshness;
    bool always = std::ranges::find(kAlways, answer.status) != kAlways.end();
    bool if_asked = std::ranges::find(kIfAsked, answer.status) != kIfAsked.end();
    if (!always && !if_asked) {
        freshness.why = fmt::format("status {} is never cached", answer.status);
        return freshness;
    }
    bool forbids = directives.no_store || directives.no_cache || directives.is_private;
    if (answer.status == 501 && answer.from_s3 && forbids) {
        freshness.why = "501 from S3 with a directive against caching";
        return freshness;
    }
    if (if_asked && !directives.max_age && !directives.s_maxage) {
        freshness.why =
            fmt::format("status {} is cached only with max-age or s-maxage", answer.status);
        return freshness;
    }
    seconds minimum = error_caching_min_ttl(distribution, answer.status);
    Asked asked = asked_lifetime(directives, *answer.headers, now);
    seconds wanted = std::min(asked.lifetime.value_or(seconds(0)), behavior.max_ttl);
    freshness.ttl = std::max(minimum, wanted);
    freshness.store = freshness.ttl > seconds(0);
    freshness.why =
        wanted > minimum
            ? fmt::format("error {}: {}, {} s", answer.status, asked.source, freshness.ttl.count())
            : fmt::format("error {}: ErrorCachingMinTTL {} s", answer.status, minimum.count());
    return freshness;
}

}  // namespace

seconds error_caching_min_ttl(const Distribution& distribution, int status) {
    const CustomErrorResponse* custom = distribution.error_response(status);
    return custom ? custom->caching_min_ttl : kDefaultErrorCachingMinTtl;
}

Freshness decide_freshness(const Distribution& distribution, const CacheBehavior& behavior,
                           const OriginAnswer& answer, Time now) {
    if (behavior.caching_disabled)
        return {.why = behavior.forwards_all_headers
                           ? "all headers are forwarded: nothing is cached"
                           : "caching is disabled by " + behavior.key_source};
    http::CacheControl directives = http::parse_cache_control(*answer.headers);
    if (answer.status >= 400) return error(distribution, behavior, answer, directives, now);
    // "CloudFront always caches responses to GET and HEAD": of what is no error, everything but the
    // answer to a condition. GUESS: 201, 202, 204 and 205 too, which nothing excepts.
    if (answer.status < 200 || answer.status == 304)
        return {.why = fmt::format("status {} is never cached", answer.status)};
    // "CloudFront caches 307 and 308 responses only when you include the Cache-Control header".
    if ((answer.status == 307 || answer.status == 308) && !answer.headers->has("Cache-Control"))
        return {.why = fmt::format("status {} is cached only with Cache-Control", answer.status)};
    return success(behavior, directives, *answer.headers, now);
}

}  // namespace cloudfront
