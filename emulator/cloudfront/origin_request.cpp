// See origin_request.h. kRules is the guide's table "How CloudFront processes HTTP request
// headers".
#include "cloudfront/origin_request.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cloudfront/cache_key.h"
#include "cloudfront/guesses.h"
#include "cloudfront/viewer_headers.h"

namespace cloudfront {

namespace {

enum class Rule : uint8_t {
    Drop,        // never, whatever is selected
    Own,         // the edge writes its own; handled apart
    WithBody,    // travels with a body, else only if selected
    Validator,   // conditional request headers
    Unselected,  // only if selected, in either mode
};

struct HeaderRule {
    std::string_view name;
    Rule rule;
    std::string_view why;
};

constexpr HeaderRule kRules[] = {
    {"accept", Rule::Unselected, ""},
    {"accept-charset", Rule::Unselected, ""},
    {"accept-language", Rule::Unselected, ""},
    {"referer", Rule::Unselected, ""},
    {"x-http-method-override", Rule::Unselected, ""},
    {"expect", Rule::Drop, "CloudFront answers it itself"},
    {"accept-encoding", Rule::Own, ""},
    {"authorization", Rule::Own, ""},
    {"cookie", Rule::Own, ""},
    {"host", Rule::Own, ""},
    {"range", Rule::Own, ""},
    {"user-agent", Rule::Own, ""},
    {"via", Rule::Own, ""},
    {"x-amz-cf-id", Rule::Own, ""},
    {"x-forwarded-for", Rule::Own, ""},
    {"content-type", Rule::WithBody, ""},
    {"content-md5", Rule::WithBody, ""},
    {"if-match", Rule::Validator, ""},
    {"if-modified-since", Rule::Validator, ""},
    {"if-none-match", Rule::Validator, ""},
    {"if-range", Rule::Validator, ""},
    {"if-unmodified-since", Rule::Validator, ""},
    {"connection", Rule::Drop, "hop by hop; CloudFront sends its own"},
    {"content-length", Rule::Drop, "framing is written anew"},
    {"keep-alive", Rule::Drop, "hop by hop"},
    {"proxy-authenticate", Rule::Drop, "CloudFront removes it"},
    {"proxy-authorization", Rule::Drop, "CloudFront removes it"},
    {"proxy-connection", Rule::Drop, "CloudFront removes it"},
    {"te", Rule::Drop, "CloudFront removes it"},
    {"trailer", Rule::Drop, "CloudFront removes it"},
    {"transfer-encoding", Rule::Drop, "framing is written anew"},
    {"upgrade", Rule::Drop, "CloudFront removes it except for WebSocket"},
    {"x-forwarded-proto", Rule::Drop,
     "CloudFront removes it; CloudFront-Forwarded-Proto has the viewer's scheme"},
    {"x-real-ip", Rule::Drop, "CloudFront removes it"},
};

const HeaderRule* rule_of(std::string_view lower_name) {
    for (const HeaderRule& rule : kRules)
        if (rule.name == lower_name) return &rule;
    return nullptr;
}

// One request being made; the functions below fill `out` in the order the guide lists.
class Builder {
  public:
    Builder(const ViewerRequest& request, const CacheBehavior& behavior, const Origin& origin,
            const OriginRequestContext& context)
        : request_(request), behavior_(behavior), origin_(origin), context_(context) {}

    OriginRequest build() {
        choose_protocol();
        out_.head.method = request_.head->method;
        out_.head.target = target();
        add_host();
        for (const http::Header& header : request_.headers())
            add_viewer_header(header);
        add_cookies();
        add_own_headers();
        add_generated_headers();
        add_custom_headers();
        return std::move(out_);
    }

  private:
    bool selected(std::string_view lower_name) const {
        if (behavior_.forwards_all_headers) return true;
        return is_forwarded(behavior_.key_headers, behavior_.also_headers, lower_name);
    }

    bool is_reading() const {
        return request_.method == Method::Get || request_.method == Method::Head;
    }

    void drop(std::string name, std::string why) {
        out_.dropped.push_back({std::move(name), std::move(why)});
    }

    // Who would have had to name something for it to pass.
    std::string policies() const {
        if (behavior_.forward_source.empty())
            return behavior_.legacy
                       ? behavior_.key_source + " does not select it"
                       : behavior_.key_source +
                             " does not select it and there is no origin request policy";
        return fmt::format("neither {} nor {} selects it", behavior_.key_source,
                           behavior_.forward_source);
    }

    void choose_protocol() {
        out_.signs = origin_.signing == SigningBehavior::Always ||
                     origin_.signing == SigningBehavior::NoOverride;
        if (origin_.kind == Origin::Kind::S3)
            // Scheme to S3 follows the viewer's; signed requests always go over TLS.
            out_.https = request_.https || out_.signs;
        else
            out_.https =
                origin_.protocol_policy == OriginProtocolPolicy::HttpsOnly ||
                (origin_.protocol_policy == OriginProtocolPolicy::MatchViewer && request_.https);
        out_.port = out_.https ? origin_.https_port : origin_.http_port;
    }

    std::string target() {
        std::string target = origin_.path + std::string(request_.path);
        if (request_.query.empty()) return target;
        std::string kept;
        for (std::string_view pair : base::split(request_.query, '&')) {
            std::string_view name = base::cut(pair, '=').first;
            if (!is_forwarded(behavior_.key_query, behavior_.also_query, name)) {
                drop(fmt::format("query {}", pair), policies());
                continue;
            }
            if (!kept.empty()) kept += '&';
            kept += pair;
        }
        return kept.empty() ? target : target + "?" + kept;
    }

    void add_host() {
        // S3's REST endpoint is found by its own host; a forwarded one is what "Host" selected in a
        // policy breaks.
        bool forwards = selected("host") && !request_.host.empty();
        std::string_view host = forwards ? request_.host : std::string_view(origin_.domain_name);
        out_.server_name = origin_.domain_name;
        if (forwards) {
            size_t colon = host.rfind(':');
            out_.server_name = std::string(
                host.substr(0, host.find(']') == std::string_view::npos ? colon : host.size()));
        } else if (!base::equals_ignoring_case(request_.host, origin_.domain_name)) {
            drop("header Host", fmt::format("replaced by {}: {}", origin_.domain_name, policies()));
        }
        out_.head.headers.add("Host", host);
    }

    void add_viewer_header(const http::Header& header) {
        std::string name = base::lower(header.name);
        if (is_generated_header(name)) {
            drop("header " + header.name, "CloudFront-* is never taken from the viewer");
            return;
        }
        if (name.starts_with("x-edge-") || name == "x-dodam-explain") {
            if (name != "x-dodam-explain") drop("header " + header.name, "CloudFront removes it");
            return;
        }
        const HeaderRule* rule = rule_of(name);
        if (rule == nullptr) {
            // Any other header: legacy mode forwards it unasked.
            if (behavior_.legacy || selected(name))
                forward(header);
            else
                drop("header " + header.name, policies());
            return;
        }
        add_by_rule(*rule, name, header);
    }

    void add_by_rule(const HeaderRule& rule, const std::string& name, const http::Header& header) {
        switch (rule.rule) {
            case Rule::Own: add_own_rule(name, header); return;
            case Rule::Drop:
                // That there is no body is part of a POST: some origins want it said.
                if (name == "content-length" && header.value == "0" && !is_reading())
                    return forward(header);
                if (name == "content-length" || name == "transfer-encoding") return;
                if (name == "upgrade" && is_websocket(request_)) return forward(header);
                if (name == "connection" && base::equals_ignoring_case(header.value, "keep-alive"))
                    return;
                return drop("header " + header.name, std::string(rule.why));
            case Rule::WithBody:
                // GUESS: in policy mode these describe the body and travel with it.
                if (behavior_.legacy || context_.has_body || selected(name)) return forward(header);
                return drop("header " + header.name, policies());
            case Rule::Validator:
                // If-Range goes where Range goes: without it the origin might answer a part of
                // another version.
                if (name == "if-range" && !context_.range.empty()) return forward(header);
                // GUESS: what is stored must be whole, so the edge asks without the viewer's
                // validators.
                if (context_.will_cache && (!behavior_.legacy || context_.has_copy))
                    return drop("header " + header.name,
                                "the edge stores the whole answer and compares itself");
                if (name == "if-range") return;
                return forward(header);
            case Rule::Unselected:
                if (selected(name)) return forward(header);
                return drop("header " + header.name, policies());
        }
    }

    void add_own_rule(const std::string& name, const http::Header& header) {
        if (name == "authorization") return add_authorization(header);
        if (name == "user-agent") {
            if (selected(name))
                forward(header);
            else
                drop("header User-Agent", "replaced by Amazon CloudFront: " + policies());
            return;
        }
        if (name == "accept-encoding") {
            if (normalized_accept_encoding(behavior_, request_) != AcceptEncoding::NotKeyed) return;
            if (selected(name))
                forward(header);
            else
                drop("header Accept-Encoding",
                     "compression is not enabled in " + behavior_.key_source);
            return;
        }
        if (name == "range" && context_.range.empty())
            drop("header Range", "the edge asks for the whole object");
    }

    void add_authorization(const http::Header& header) {
        if (out_.signs) {
            bool keeps =
                origin_.signing == SigningBehavior::NoOverride && selected("authorization");
            if (!keeps)
                return drop("header Authorization",
                            "replaced by the origin access control's signature");
            out_.signs = false;
            return forward(header);
        }
        bool cached_options =
            request_.method == Method::Options && behavior_.cached.has(Method::Options);
        if (selected("authorization") || (!is_reading() && !cached_options)) return forward(header);
        drop(
            "header Authorization",
            fmt::format("CloudFront removes it from {} unless it is in the cache key or all viewer "
                        "headers are forwarded: {}",
                        request_.head->method, policies()));
    }

    void forward(const http::Header& header) { out_.head.headers.add(header.name, header.value); }

    void add_cookies() {
        std::string line;
        for (const http::CookiePair& cookie : sorted_cookies(request_.headers())) {
            // The signing cookies are CloudFront's own and are never part of the application's.
            bool own = behavior_.needs_signature && cookie.name.starts_with("CloudFront-");
            if (own || !is_forwarded(behavior_.key_cookies, behavior_.also_cookies, cookie.name)) {
                drop(fmt::format("cookie {}", cookie.name),
                     own ? "CloudFront's signing cookie" : policies());
                continue;
            }
            if (!line.empty()) line += "; ";
            line += cookie.name;
            line += '=';
            line += cookie.value;
        }
        if (!line.empty()) out_.head.headers.add("Cookie", line);
    }

    void add_own_headers() {
        http::HeaderList& headers = out_.head.headers;
        const AcceptEncoding normalized = normalized_accept_encoding(behavior_, request_);
        const std::string_view encoding = to_origin_value(normalized);
        // Legacy mode: "if the value does not contain gzip, CloudFront removes the header".
        if (behavior_.legacy && normalized == AcceptEncoding::Identity)
            drop("header Accept-Encoding", "does not offer gzip");
        else if (!encoding.empty())
            headers.add("Accept-Encoding", encoding);
        if (!context_.range.empty()) headers.add("Range", context_.range);
        if (!headers.has("User-Agent")) headers.add("User-Agent", "Amazon CloudFront");
        std::string via = fmt::format("{}.{} {}{}", request_.head->major, request_.head->minor,
                                      context_.via_id, kViaSuffix);
        std::string viewer_via = request_.headers().joined("Via");
        headers.add("Via", viewer_via.empty() ? via : viewer_via + ", " + via);
        headers.add("X-Amz-Cf-Id", context_.request_id);
        std::string forwarded = request_.headers().joined("X-Forwarded-For");
        headers.add("X-Forwarded-For",
                    forwarded.empty()
                        ? request_.ip
                        : forwarded + std::string(guesses::kForwardedForSeparator) + request_.ip);
        out_.upgrades = is_websocket(request_);
        headers.add("Connection", out_.upgrades ? "Upgrade" : "Keep-Alive");
    }

    void add_generated_headers() {
        for (const Selection* selection : {&behavior_.key_headers, &behavior_.also_headers}) {
            for (const std::string& name : selection->names) {
                if (!is_generated_header(name) || selection->mode == Selection::Mode::AllExcept)
                    continue;
                std::string spelling = generated_header_spelling(name);
                if (out_.head.headers.has(spelling)) continue;
                if (auto value = generated_header(name, request_))
                    out_.head.headers.add(spelling, *value);
            }
        }
    }

    void add_custom_headers() {
        for (const http::Header& custom : origin_.custom_headers)
            out_.head.headers.set(custom.name, custom.value);
    }

    const ViewerRequest& request_;
    const CacheBehavior& behavior_;
    const Origin& origin_;
    const OriginRequestContext& context_;
    OriginRequest out_;
};

}  // namespace

bool is_forwarded(const Selection& key, const Selection& also, std::string_view name) {
    using Mode = Selection::Mode;
    if (key.mode == Mode::AllExcept && also.mode == Mode::AllExcept)
        return !key.lists(name) && !also.lists(name);
    return key.selects(name) || also.selects(name);
}

bool is_websocket(const ViewerRequest& request) {
    return request.method == Method::Get &&
           base::equals_ignoring_case(request.headers().get("Upgrade"), "websocket");
}

OriginRequest build_origin_request(const ViewerRequest& request, const CacheBehavior& behavior,
                                   const Origin& origin, const OriginRequestContext& context) {
    return Builder(request, behavior, origin, context).build();
}

}  // namespace cloudfront
