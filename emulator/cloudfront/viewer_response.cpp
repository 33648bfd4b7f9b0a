// See viewer_response.h.
#include "cloudfront/viewer_response.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/date.h"
#include "base/text.h"
#include "cloudfront/limits.h"
#include "cloudfront/viewer_headers.h"
#include "http/hop_by_hop.h"

namespace cloudfront {

namespace {

// "CloudFront removes the header unless its value is Accept-Encoding, Cookie or a header that is
// configured for forwarding".
std::string reduced_vary(const http::HeaderList& headers, const CacheBehavior& behavior) {
    std::string kept;
    for (std::string_view line : headers.all("Vary")) {
        for (std::string_view item : base::split(line, ',')) {
            item = base::trim(item);
            std::string name = base::lower(item);
            bool device = std::ranges::any_of(
                behavior.key_headers.names,
                [](const std::string& listed) { return listed.starts_with("cloudfront-is-"); });
            // "Content negotiation": * is a matter of Vary's members only where MinTTL is not 0.
            if (name == "*" && behavior.min_ttl == seconds(0)) return "*";
            bool survives = name == "accept-encoding" || name == "cookie" ||
                            behavior.forwards_all_headers || behavior.key_headers.selects(name) ||
                            behavior.also_headers.selects(name) || (name == "user-agent" && device);
            if (!survives || item.empty()) continue;
            if (!kept.empty()) kept += ", ";
            kept += item;
        }
    }
    return kept;
}

// CORS
// -----------------------------------------------------------------------------------------------

// An entry is scheme://host[:port], host[:port] or *.domain; GUESS: a missing scheme matches both.
bool origin_matches(std::string_view entry, std::string_view origin) {
    if (entry == "*" || base::equals_ignoring_case(entry, origin)) return true;
    auto split = [](std::string_view text) {
        size_t at = text.find("://");
        return at == std::string_view::npos
                   ? std::pair<std::string_view, std::string_view>{"", text}
                   : std::pair{text.substr(0, at), text.substr(at + 3)};
    };
    auto [entry_scheme, entry_host] = split(entry);
    auto [scheme, host] = split(origin);
    if (!entry_scheme.empty() && !base::equals_ignoring_case(entry_scheme, scheme)) return false;
    return base::wildcard_match(entry_host, host, base::Case::Insensitive);
}

// Sets `name` unless the origin's own stays.
void put(http::HeaderList& headers, std::string_view name, std::string_view value,
         bool override_origin) {
    if (headers.has(name) && !override_origin) return;
    headers.set(name, value);
}

void apply_cors(http::HeaderList& headers, const ResponseHeadersPolicy::Cors& cors,
                const ViewerRequest& request) {
    std::string_view origin = request.headers().get("Origin");
    if (origin.empty()) return;
    bool any = std::ranges::find(cors.allow_origins, "*") != cors.allow_origins.end();
    bool matches = any || std::ranges::any_of(cors.allow_origins, [&](const std::string& entry) {
                       return origin_matches(entry, origin);
                   });
    if (!matches) return;
    put(headers, "Access-Control-Allow-Origin", any && !cors.allow_credentials ? "*" : origin,
        cors.override_origin);
    if (!any) {
        // GUESS: answers that name one origin say so to caches.
        std::string vary = headers.joined("Vary");
        if (base::lower(vary).find("origin") == std::string::npos)
            headers.set("Vary", vary.empty() ? "Origin" : vary + ", Origin");
    }
    if (cors.allow_credentials)
        put(headers, "Access-Control-Allow-Credentials", "true", cors.override_origin);
    bool preflight =
        request.method == Method::Options && request.headers().has("Access-Control-Request-Method");
    if (!preflight) {
        if (!cors.expose_headers.empty())
            put(headers, "Access-Control-Expose-Headers", base::join(cors.expose_headers, ", "),
                cors.override_origin);
        return;
    }
    put(headers, "Access-Control-Allow-Methods", base::join(cors.allow_methods, ", "),
        cors.override_origin);
    if (!cors.allow_headers.empty())
        put(headers, "Access-Control-Allow-Headers", base::join(cors.allow_headers, ", "),
            cors.override_origin);
    if (cors.max_age)
        put(headers, "Access-Control-Max-Age", fmt::format("{}", *cors.max_age),
            cors.override_origin);
}

}  // namespace

std::string_view name_of(CacheStatus status) {
    switch (status) {
        case CacheStatus::Hit: return "Hit";
        case CacheStatus::RefreshHit: return "RefreshHit";
        case CacheStatus::Miss: return "Miss";
        case CacheStatus::Error: return "Error";
        case CacheStatus::Redirect: return "Redirect";
    }
    return "";
}

CleanedHeaders clean_origin_headers(const http::HeaderList& from_origin,
                                    const CacheBehavior& behavior, Origin::Kind kind) {
    CleanedHeaders cleaned;
    std::vector<std::string> nominated = http::nominated_headers(from_origin);
    bool vary_done = false;
    for (const http::Header& header : from_origin) {
        std::string name = base::lower(header.name);
        if (http::is_hop_by_hop(name) || name == "via" ||
            std::ranges::find(nominated, name) != nominated.end())
            continue;
        if (name == "set-cookie" && !behavior.forwards_cookies() &&
            !behavior.forwards_all_headers) {
            cleaned.dropped.push_back("Set-Cookie: cookies are not forwarded by " +
                                      behavior.key_source);
            continue;
        }
        if (kind == Origin::Kind::S3 && (name == "x-amz-id-2" || name == "x-amz-request-id"))
            continue;
        if (name == "x-cache" || name == "x-amz-cf-id" || name == "x-amz-cf-pop") continue;
        if (name == "vary" && kind == Origin::Kind::Custom) {
            if (std::exchange(vary_done, true)) continue;
            std::string kept = reduced_vary(from_origin, behavior);
            if (kept != from_origin.joined("Vary"))
                cleaned.dropped.push_back(fmt::format("Vary: {} (kept: {})",
                                                      from_origin.joined("Vary"),
                                                      kept.empty() ? "nothing" : kept));
            if (!kept.empty()) cleaned.headers.add(header.name, kept);
            continue;
        }
        cleaned.headers.add(header.name, header.value);
    }
    return cleaned;
}

bool policy_depends_on_request(const ResponseHeadersPolicy* policy) {
    return policy != nullptr &&
           (policy->cors || policy->server_timing_rate ||
            std::ranges::find(policy->removed, "date") != policy->removed.end());
}

void apply_response_headers_policy(http::HeaderList& headers, const ResponseHeadersPolicy& policy,
                                   const ViewerRequest& request) {
    for (const std::string& name : policy.removed)
        headers.remove(name);
    if (policy.cors) apply_cors(headers, *policy.cors, request);
    for (const PolicyHeader& header : policy.headers)
        put(headers, header.name, header.value, header.override_origin);
}

void finish_response_headers(http::HeaderList& headers, const CacheBehavior* behavior,
                             const ViewerRequest& request, const ResponseStamp& stamp) {
    if (behavior != nullptr && behavior->response_headers) {
        apply_response_headers_policy(headers, *behavior->response_headers, request);
        if (!headers.has("Server")) headers.add("Server", "CloudFront");
        if (!headers.has("Date")) headers.add("Date", base::http_date(stamp.now));
    }
    headers.add("X-Cache", fmt::format("{} from cloudfront", name_of(stamp.status)));
    headers.add("Via", fmt::format("1.1 {}{}", stamp.via_id, kViaSuffix));
    headers.add("X-Amz-Cf-Pop", kPop);
    headers.add("X-Amz-Cf-Id", stamp.request_id);
    if (stamp.age) headers.set("Age", fmt::format("{}", *stamp.age));
    if (stamp.server_timing.empty()) return;
    // "If the origin's response has the header, CloudFront adds its metrics to it" on a miss; a
    // hit's are CloudFront's alone.
    const std::string own = stamp.status == CacheStatus::Hit ? "" : headers.joined("Server-Timing");
    headers.set("Server-Timing", own.empty() ? std::string(stamp.server_timing)
                                             : own + "," + std::string(stamp.server_timing));
}

http::RangeSet evaluate_range(std::string_view header, uint64_t size) {
    http::RangeSet set = http::parse_range(header, size);
    // "Overlapping or descending: CloudFront returns the whole object".
    if (set.kind == http::RangeSet::Kind::Satisfiable && !http::ranges_ascend(set.ranges))
        return {};
    return set;
}

std::string single_range(std::string_view header) {
    header = base::trim(header);
    if (header.size() < 8 || !base::equals_ignoring_case(header.substr(0, 6), "bytes=")) return {};
    auto [first, last] = base::cut(base::trim(header.substr(6)), '-');
    auto is_number = [](std::string_view text) {
        return text.empty() || base::parse_unsigned(text).has_value();
    };
    if (!is_number(first) || !is_number(last) || (first.empty() && last.empty()) ||
        header.find('-') == std::string_view::npos)
        return {};
    if (!first.empty() && !last.empty() &&
        *base::parse_unsigned(first) > *base::parse_unsigned(last))
        return {};
    return fmt::format("bytes={}-{}", first, last);
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
    if (!value.starts_with("bytes ")) return std::nullopt;
    auto [range, total_text] = base::cut(value.substr(6), '/');
    auto [first_text, last_text] = base::cut(range, '-');
    auto first = base::parse_unsigned(first_text), last = base::parse_unsigned(last_text),
         total = base::parse_unsigned(total_text);
    if (!first || !last || !total || *first > *last || *last >= *total) return std::nullopt;
    return ContentRange{http::ByteRange{*first, *last}, *total};
}

}  // namespace cloudfront
