// See viewer_response.h.
#include "cloudfront/viewer_response.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/date.h"
#include "base/text.h"
#include "cloudfront/limits.h"

namespace cloudfront {

namespace {

bool is_hop_by_hop(std::string_view name) {
    constexpr std::array<std::string_view, 10> kNames = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
                                                         "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
                                                         "via"};
    return std::ranges::find(kNames, name) != kNames.end();
}

// "CloudFront removes the header unless its value is Accept-Encoding, Cookie or a header that is
// configured for forwarding".
std::string reduced_vary(const http::HeaderList& headers, const CacheBehavior& behavior) {
    std::string kept;
    for (std::string_view line : headers.all("Vary")) {
        for (std::string_view item : base::split(line, ',')) {
            item = base::trim(item);
            std::string name = base::lower(item);
            bool device = std::ranges::any_of(behavior.key_headers.names,
                                              [](const std::string& listed) { return listed.starts_with("cloudfront-is-"); });
            bool survives = name == "accept-encoding" || name == "cookie" || behavior.forwards_all_headers ||
                            behavior.key_headers.selects(name) || behavior.also_headers.selects(name) ||
                            (name == "user-agent" && device);
            if (!survives || item.empty()) continue;
            if (!kept.empty()) kept += ", ";
            kept += item;
        }
    }
    return kept;
}

// CORS -----------------------------------------------------------------------------------------------

// An entry is scheme://host[:port], host[:port] or *.domain; GUESS: a missing scheme matches both.
bool origin_matches(std::string_view entry, std::string_view origin) {
    if (entry == "*" || base::equals_ignoring_case(entry, origin)) return true;
    auto split = [](std::string_view text) {
        size_t at = text.find("://");
        return at == std::string_view::npos ? std::pair<std::string_view, std::string_view>{"", text}
                                            : std::pair{text.substr(0, at), text.substr(at + 3)};
    };
    auto [entry_scheme, entry_host] = split(entry);
    auto [scheme, host] = split(origin);
    if (!entry_scheme.empty() && !base::equals_ignoring_case(entry_scheme, scheme)) return false;
    return base::wildcard_match(entry_host, host, base::Case::Insensitive);
}

// Sets `name` unless the origin's own stays.
void put(http::HeaderList& headers, std::string_view name, std::string_view value, bool override_origin) {
    if (headers.has(name) && !override_origin) return;
    headers.set(name, value);
}

void apply_cors(http::HeaderList& headers, const ResponseHeadersPolicy::Cors& cors, const ViewerRequest& request) {
    std::string_view origin = request.headers().get("Origin");
    if (origin.empty()) return;
    bool any = std::ranges::find(cors.allow_origins, "*") != cors.allow_origins.end();
    bool matches = any || std::ranges::any_of(cors.allow_origins,
                                              [&](const std::string& entry) { return origin_matches(entry, origin); });
    if (!matches) return;
    put(headers, "Access-Control-Allow-Origin", any && !cors.allow_credentials ? "*" : origin, cors.override_origin);
    if (!any) {
        // GUESS: answers that name one origin say so to caches.
        std::string vary = headers.joined("Vary");
        if (base::lower(vary).find("origin") == std::string::npos) headers.set("Vary", vary.empty() ? "Origin" : vary + ", Origin");
    }
    if (cors.allow_credentials) put(headers, "Access-Control-Allow-Credentials", "true", cors.override_origin);
    bool preflight = request.method == Method::Options && request.headers().has("Access-Control-Request-Method");
    if (!preflight) {
        if (!cors.expose_headers.empty())
            put(headers, "Access-Control-Expose-Headers", base::join(cors.expose_headers, ", "), cors.override_origin);
        return;
    }
    put(headers, "Access-Control-Allow-Methods", base::join(cors.allow_methods, ", "), cors.override_origin);
    if (!cors.allow_headers.empty())
        put(headers, "Access-Control-Allow-Headers", base::join(cors.allow_headers, ", "), cors.override_origin);
    if (cors.max_age) put(headers, "Access-Control-Max-Age", fmt::format("{}", *cors.max_age), cors.override_origin);
}

// Conditions and ranges ------------------------------------------------------------------------------

std::string_view opaque(std::string_view etag) { return etag.starts_with("W/") ? etag.substr(2) : etag; }

// RFC 9110 §13.1.2: a list of entity tags or *, compared weakly.
bool lists_etag(std::string_view list, std::string_view etag, bool strong) {
    if (base::trim(list) == "*") return true;
    if (etag.empty() || (strong && etag.starts_with("W/"))) return false;
    for (std::string_view item : base::split(list, ',')) {
        item = base::trim(item);
        if (strong ? item == etag : opaque(item) == opaque(etag)) return true;
    }
    return false;
}

bool not_modified_since(std::string_view since, std::string_view last_modified) {
    auto limit = base::parse_http_date(since), changed = base::parse_http_date(last_modified);
    return limit && changed && *changed <= *limit;
}

// One element of a Range list: "a-b", "a-", "-n". Nothing for anything else.
struct RangeItem {
    std::optional<uint64_t> first, last;
};
std::optional<RangeItem> parse_item(std::string_view text) {
    text = base::trim(text);
    size_t dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    std::string_view left = base::trim(text.substr(0, dash)), right = base::trim(text.substr(dash + 1));
    RangeItem item{base::parse_unsigned(left), base::parse_unsigned(right)};
    if ((!left.empty() && !item.first) || (!right.empty() && !item.last) || (left.empty() && right.empty())) return std::nullopt;
    if (item.first && item.last && *item.first > *item.last) return std::nullopt;
    return item;
}

std::optional<std::vector<RangeItem>> parse_items(std::string_view header) {
    header = base::trim(header);
    if (header.size() < 6 || !base::equals_ignoring_case(header.substr(0, 6), "bytes=")) return std::nullopt;
    std::vector<RangeItem> items;
    for (std::string_view text : base::split(header.substr(6), ',')) {
        auto item = parse_item(text);
        if (!item || items.size() >= 100) return std::nullopt;
        items.push_back(*item);
    }
    return items;
}

std::optional<ByteRange> resolve(const RangeItem& item, uint64_t size) {
    if (size == 0) return std::nullopt;
    if (!item.first) {
        if (*item.last == 0) return std::nullopt;
        return ByteRange{size - std::min(size, *item.last), size - 1};
    }
    if (*item.first >= size) return std::nullopt;
    return ByteRange{*item.first, item.last ? std::min(*item.last, size - 1) : size - 1};
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

CleanedHeaders clean_origin_headers(const http::HeaderList& from_origin, const CacheBehavior& behavior, Origin::Kind kind) {
    CleanedHeaders cleaned;
    std::string connection = base::lower(from_origin.joined("Connection"));
    bool vary_done = false;
    for (const http::Header& header : from_origin) {
        std::string name = base::lower(header.name);
        // Also what the origin's Connection header names is meant for one hop.
        if (is_hop_by_hop(name) || (!connection.empty() && connection.find(name) != std::string::npos &&
                                    std::ranges::any_of(base::split(connection, ','), [&](std::string_view item) {
                                        return base::trim(item) == name;
                                    })))
            continue;
        if (name == "set-cookie" && !behavior.forwards_cookies() && !behavior.forwards_all_headers) {
            cleaned.dropped.push_back("Set-Cookie: cookies are not forwarded by " + behavior.key_source);
            continue;
        }
        if (kind == Origin::Kind::S3 && (name == "x-amz-id-2" || name == "x-amz-request-id")) continue;
        if (name == "x-cache" || name == "x-amz-cf-id" || name == "x-amz-cf-pop" || name == "age") continue;
        if (name == "vary" && kind == Origin::Kind::Custom) {
            if (std::exchange(vary_done, true)) continue;
            std::string kept = reduced_vary(from_origin, behavior);
            if (kept != from_origin.joined("Vary"))
                cleaned.dropped.push_back(fmt::format("Vary: {} (kept: {})", from_origin.joined("Vary"), kept.empty() ? "nothing" : kept));
            if (!kept.empty()) cleaned.headers.add(header.name, kept);
            continue;
        }
        cleaned.headers.add(header.name, header.value);
    }
    return cleaned;
}

bool policy_depends_on_request(const ResponseHeadersPolicy* policy) {
    return policy != nullptr && (policy->cors || policy->server_timing_rate);
}

void apply_response_headers_policy(http::HeaderList& headers, const ResponseHeadersPolicy& policy,
                                   const ViewerRequest& request) {
    for (const std::string& name : policy.removed) headers.remove(name);
    if (policy.cors) apply_cors(headers, *policy.cors, request);
    for (const PolicyHeader& header : policy.headers) put(headers, header.name, header.value, header.override_origin);
}

void finish_response_headers(http::HeaderList& headers, const CacheBehavior* behavior, const ViewerRequest& request,
                             const ResponseStamp& stamp) {
    if (behavior != nullptr && behavior->response_headers) {
        apply_response_headers_policy(headers, *behavior->response_headers, request);
        if (!headers.has("Server")) headers.add("Server", "CloudFront");
    }
    headers.add("X-Cache", fmt::format("{} from cloudfront", name_of(stamp.status)));
    headers.add("Via", fmt::format("1.1 {}.cloudfront.net (CloudFront)", stamp.via_id));
    headers.add("X-Amz-Cf-Pop", kPop);
    headers.add("X-Amz-Cf-Id", stamp.request_id);
    if (stamp.age) headers.set("Age", fmt::format("{}", *stamp.age));
    if (!stamp.server_timing.empty()) headers.add("Server-Timing", stamp.server_timing);
}

Condition evaluate_conditions(const http::HeaderList& request, std::string_view etag, std::string_view last_modified) {
    // RFC 9110 §13.2.2, the order of precedence.
    if (request.has("If-Match")) {
        if (!lists_etag(request.joined("If-Match"), etag, true)) return Condition::Failed;
    } else if (request.has("If-Unmodified-Since")) {
        if (!last_modified.empty() && base::parse_http_date(request.get("If-Unmodified-Since")) &&
            !not_modified_since(request.get("If-Unmodified-Since"), last_modified))
            return Condition::Failed;
    }
    if (request.has("If-None-Match"))
        return lists_etag(request.joined("If-None-Match"), etag, false) ? Condition::NotModified : Condition::Proceed;
    if (request.has("If-Modified-Since") && not_modified_since(request.get("If-Modified-Since"), last_modified))
        return Condition::NotModified;
    return Condition::Proceed;
}

RangeDecision evaluate_range(std::string_view header, uint64_t size) {
    auto items = parse_items(header);
    if (!items) return {};
    RangeDecision decision{RangeDecision::Kind::Partial, {}};
    for (const RangeItem& item : *items) {
        auto range = resolve(item, size);
        if (!range) continue;
        // "Overlapping or descending: CloudFront returns the whole object".
        if (!decision.ranges.empty() && range->first <= decision.ranges.back().last) return {};
        decision.ranges.push_back(*range);
    }
    if (decision.ranges.empty()) decision.kind = RangeDecision::Kind::Unsatisfiable;
    return decision;
}

bool if_range_holds(const http::HeaderList& request, std::string_view etag, std::string_view last_modified) {
    const std::string* validator = request.find("If-Range");
    if (validator == nullptr) return true;
    if (validator->starts_with('"') || validator->starts_with("W/")) return !etag.starts_with("W/") && *validator == etag;
    return !last_modified.empty() && *validator == last_modified;
}

std::string single_range(std::string_view header) {
    auto items = parse_items(header);
    if (!items || items->size() != 1) return {};
    const RangeItem& item = items->front();
    return fmt::format("bytes={}-{}", item.first ? fmt::format("{}", *item.first) : "",
                       item.last ? fmt::format("{}", *item.last) : "");
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
    if (!value.starts_with("bytes ")) return std::nullopt;
    auto [range, total_text] = base::cut(value.substr(6), '/');
    auto [first_text, last_text] = base::cut(range, '-');
    auto first = base::parse_unsigned(first_text), last = base::parse_unsigned(last_text), total = base::parse_unsigned(total_text);
    if (!first || !last || !total || *first > *last || *last >= *total) return std::nullopt;
    return ContentRange{{*first, *last}, *total};
}

}  // namespace cloudfront
