// See cache_key.h.
#include "cloudfront/cache_key.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cloudfront/viewer_headers.h"

namespace cloudfront {

namespace {

// Whether an Accept-Encoding list offers `coding`. GUESS: q=0 is a refusal; * names nothing.
bool offers(std::string_view list, std::string_view coding) {
    for (std::string_view item : base::split(list, ',')) {
        auto [name, parameters] = base::cut(item, ';');
        if (!base::equals_ignoring_case(base::trim(name), coding)) continue;
        std::string_view q = base::trim(parameters);
        if (q.starts_with("q=") || q.starts_with("Q=")) {
            q.remove_prefix(2);
            return q.find_first_not_of("0.") != std::string_view::npos;
        }
        return true;
    }
    return false;
}

// The value of one keyed header: made by the edge, or the viewer's (repeated ones joined).
std::optional<std::string> keyed_header_value(const std::string& name,
                                              const ViewerRequest& request) {
    if (is_generated_header(name)) return generated_header(name, request);
    const std::string* first = request.headers().find(name);
    if (first == nullptr) return std::nullopt;
    // Host compares without case and is keyed as the name alone.
    if (name == "host") return base::lower(*first);
    return request.headers().joined(name);
}

void append_query(const Selection& selection, std::string_view query, std::string& text) {
    if (query.empty() || selection.mode == Selection::Mode::None) return;
    if (selection.mode == Selection::Mode::All) {
        text += '?';
        text += query;
        return;
    }
    std::string kept = filter_query(query, selection);
    if (kept.empty()) return;
    text += '?';
    text += kept;
}

void append_headers(const CacheBehavior& behavior, const ViewerRequest& request,
                    std::string& text) {
    for (const std::string& name : behavior.key_headers.names) {
        if (name == "accept-encoding" && !behavior.keys_accept_encoding_itself) continue;
        std::optional<std::string> value = keyed_header_value(name, request);
        if (!value) continue;  // absent is not the same as empty
        text += "h:";
        text += name;
        text += '=';
        text += *value;
        text += '\n';
    }
}

void append_cookies(const CacheBehavior& behavior, const ViewerRequest& request,
                    std::string& text) {
    if (behavior.key_cookies.mode == Selection::Mode::None) return;
    for (const http::CookiePair& cookie : sorted_cookies(request.headers())) {
        if (!behavior.key_cookies.selects(cookie.name)) continue;
        text += "c:";
        text += cookie.name;
        text += '=';
        text += cookie.value;
        text += '\n';
    }
}

std::string_view key_value(AcceptEncoding value) {
    return value == AcceptEncoding::Identity ? std::string_view() : to_origin_value(value);
}

}  // namespace

AcceptEncoding normalized_accept_encoding(const CacheBehavior& behavior,
                                          const ViewerRequest& request) {
    if (!behavior.gzip && !behavior.brotli) return AcceptEncoding::NotKeyed;
    // HTTP/1.0 viewers: the header is removed.
    if (request.http10() || !request.headers().has("Accept-Encoding"))
        return AcceptEncoding::Absent;
    std::string joined;
    std::string_view value = request.headers().get("Accept-Encoding");
    if (request.headers().all("Accept-Encoding").size() > 1) {
        joined = request.headers().joined("Accept-Encoding");
        value = joined;
    }
    bool gzip = behavior.gzip && offers(value, "gzip");
    bool brotli = behavior.brotli && offers(value, "br");
    if (gzip && brotli) return AcceptEncoding::BrotliAndGzip;
    if (gzip) return AcceptEncoding::Gzip;
    if (brotli) return AcceptEncoding::Brotli;
    return AcceptEncoding::Identity;
}

std::string_view to_origin_value(AcceptEncoding value) {
    switch (value) {
        case AcceptEncoding::Gzip: return "gzip";
        case AcceptEncoding::Brotli: return "br";
        case AcceptEncoding::BrotliAndGzip: return "br,gzip";
        case AcceptEncoding::Identity: return "identity";
        case AcceptEncoding::NotKeyed:
        case AcceptEncoding::Absent: return "";
    }
    return "";
}

std::string filter_query(std::string_view query, const Selection& selection) {
    if (selection.mode == Selection::Mode::All) return std::string(query);
    std::string kept;
    if (selection.mode == Selection::Mode::None) return kept;
    for (std::string_view pair : base::split(query, '&')) {
        if (!selection.selects(base::cut(pair, '=').first)) continue;
        if (!kept.empty()) kept += '&';
        kept += pair;
    }
    return kept;
}

std::vector<http::CookiePair> sorted_cookies(const http::HeaderList& headers) {
    std::vector<http::CookiePair> cookies = http::parse_cookies(headers);
    // "CloudFront forwards the Cookie header only if it parses as name=value pairs".
    std::erase_if(cookies, [](const http::CookiePair& cookie) {
        return !cookie.has_equals || cookie.name.empty();
    });
    std::ranges::stable_sort(cookies, {}, &http::CookiePair::name);
    return cookies;
}

void build_cache_key(const Distribution& distribution, const CacheBehavior& behavior,
                     const ViewerRequest& request, CacheKey& key) {
    std::string& text = key.text;
    text.clear();
    text += distribution.id;
    text += '\n';
    key.path_begin = text.size();
    text += request.path;
    append_query(behavior.key_query, request.query, text);
    key.path_end = text.size();
    text += '\n';
    // "OPTIONS responses are cached separately from GET and HEAD".
    if (request.method == Method::Options) text += "m:OPTIONS\n";
    std::string_view encoding = key_value(normalized_accept_encoding(behavior, request));
    if (!encoding.empty()) {
        text += "e:";
        text += encoding;
        text += '\n';
    }
    append_headers(behavior, request, text);
    append_cookies(behavior, request, text);
}

std::vector<KeyPart> explain_cache_key(const Distribution& distribution,
                                       const CacheBehavior& behavior,
                                       const ViewerRequest& request) {
    std::vector<KeyPart> parts;
    parts.push_back({"distribution", distribution.id, "always; the viewer's Host plays no part"});
    parts.push_back({"path", std::string(request.path), "always"});
    if (request.method == Method::Options)
        parts.push_back({"method", "OPTIONS", "kept apart from GET and HEAD"});
    if (!request.query.empty()) {
        std::string kept = filter_query(request.query, behavior.key_query);
        if (!kept.empty()) parts.push_back({"query", kept, "named by " + behavior.key_source});
        if (kept != request.query)
            parts.push_back({"query (not in key)", std::string(request.query),
                             behavior.key_source + " leaves " +
                                 (kept.empty() ? "all of it" : "the rest") + " out"});
    }
    AcceptEncoding encoding = normalized_accept_encoding(behavior, request);
    if (encoding != AcceptEncoding::NotKeyed) {
        std::string_view value = key_value(encoding);
        parts.push_back({"accept-encoding", value.empty() ? "(none)" : std::string(value),
                         "normalized by " + behavior.key_source});
    }
    for (const std::string& name : behavior.key_headers.names) {
        std::optional<std::string> value = keyed_header_value(name, request);
        parts.push_back(
            {"header " + name, value ? *value : "(absent)", "named by " + behavior.key_source});
    }
    for (const http::CookiePair& cookie : sorted_cookies(request.headers()))
        if (behavior.key_cookies.selects(cookie.name))
            parts.push_back({fmt::format("cookie {}", cookie.name), std::string(cookie.value),
                             "named by " + behavior.key_source});
    return parts;
}

}  // namespace cloudfront
