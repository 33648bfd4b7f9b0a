// See rules.h: policies, access controls, keys and invalidation paths.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws/error.h"
#include "base/text.h"
#include "cloudfront/limits.h"
#include "cloudfront/rules.h"
#include "cloudfront/signed_request.h"
#include "http/http1.h"

namespace cloudfront {

using base::Node;

namespace {

bool among(std::string_view text, std::initializer_list<std::string_view> choices) {
    return std::ranges::find(choices, text) != choices.end();
}

// One family of a policy: a mode, and a list exactly when the mode wants one.
void check_family(const Node& family, std::string_view behavior_name, std::string_view list_name,
                  std::initializer_list<std::string_view> modes, std::string_view too_many) {
    const std::string& mode = family[behavior_name].as_string();
    if (!among(mode, modes))
        invalid_argument(fmt::format("The parameter {} is invalid.", behavior_name));
    std::vector<std::string> names = texts(family[list_name]);
    bool wants = among(mode, {"whitelist", "allExcept", "allViewerAndWhitelistCloudFront"});
    if (wants == names.empty())
        invalid_argument(fmt::format("The parameter {} must {}be given when {} is {}.", list_name,
                                     wants ? "" : "not ", behavior_name, mode));
    if (names.size() > 10 && !among(mode, {"allViewerAndWhitelistCloudFront"}))
        invalid(std::string(too_many),
                fmt::format("The number of names in {} exceeds the maximum of 10.", list_name));
}

void check_header_name(std::string_view parameter, std::string_view name) {
    if (!http::http1::is_token(name))
        invalid_argument(
            fmt::format("The parameter {} contains {} that is not allowed.", parameter, name));
}

void check_name(const Node& config) {
    const std::string& name = config["Name"].as_string();
    if (name.empty() || name.size() > 128) invalid_argument("The parameter Name is invalid.");
}

}  // namespace

void complete_cache_policy(Node& config) {
    int64_t low = config["MinTTL"].as_int();
    int64_t middle = config["DefaultTTL"].as_int(std::max<int64_t>(86400, low));
    int64_t high = config["MaxTTL"].as_int(std::max<int64_t>(31536000, middle));
    Node parameters = config["ParametersInCacheKeyAndForwardedToOrigin"];
    for (std::string_view name :
         {"DefaultTTL", "MaxTTL", "MinTTL", "ParametersInCacheKeyAndForwardedToOrigin"})
        config.erase(name);
    config.set("DefaultTTL", middle);
    config.set("MaxTTL", high);
    config.set("MinTTL", low);
    config.set("ParametersInCacheKeyAndForwardedToOrigin", parameters);
}

void check_cache_policy(const Node& config) {
    check_name(config);
    int64_t low = config["MinTTL"].as_int(), middle = config["DefaultTTL"].as_int(),
            high = config["MaxTTL"].as_int();
    if (low < 0 || low > middle || middle > high)
        // GUESS: the code and the text for a policy.
        invalid_argument("The order of the TTL values must be MinTTL, DefaultTTL, MaxTTL.");
    const Node& parameters = config["ParametersInCacheKeyAndForwardedToOrigin"];
    const Node& headers = parameters["HeadersConfig"];
    const Node& cookies = parameters["CookiesConfig"];
    const Node& query = parameters["QueryStringsConfig"];
    if (high == 0) {
        auto refuse = [](std::string_view parameter) {
            invalid_argument(fmt::format(
                "The parameter {} is invalid for policy with caching disabled.", parameter));
        };
        if (headers["HeaderBehavior"].as_string() != "none") refuse("HeaderBehavior");
        if (cookies["CookieBehavior"].as_string() != "none") refuse("CookieBehavior");
        if (query["QueryStringBehavior"].as_string() != "none") refuse("QueryStringBehavior");
        if (parameters["EnableAcceptEncodingGzip"].as_bool()) refuse("EnableAcceptEncodingGzip");
        if (parameters["EnableAcceptEncodingBrotli"].as_bool())
            refuse("EnableAcceptEncodingBrotli");
    }
    check_family(headers, "HeaderBehavior", "Headers", {"none", "whitelist"},
                 "TooManyHeadersInCachePolicy");
    check_family(cookies, "CookieBehavior", "Cookies", {"none", "whitelist", "allExcept", "all"},
                 "TooManyCookiesInCachePolicy");
    check_family(query, "QueryStringBehavior", "QueryStrings",
                 {"none", "whitelist", "allExcept", "all"}, "TooManyQueryStringsInCachePolicy");
    for (const std::string& header : texts(headers["Headers"])) {
        check_header_name("Headers", header);
        if (among(base::lower(header),
                  {"connection", "cookie", "proxy-authorization", "te", "upgrade", "content-length",
                   "transfer-encoding", "cloudfront-viewer-address", "cloudfront-viewer-asn",
                   "cloudfront-viewer-tls", "cloudfront-viewer-ja3-fingerprint",
                   "cloudfront-viewer-header-order", "cloudfront-viewer-header-count"}))
            invalid_argument(
                fmt::format("The parameter Headers contains {} that is not allowed.", header));
    }
}

void check_origin_request_policy(const Node& config) {
    check_name(config);
    check_family(config["HeadersConfig"], "HeaderBehavior", "Headers",
                 {"none", "whitelist", "allViewer", "allViewerAndWhitelistCloudFront", "allExcept"},
                 "TooManyHeadersInOriginRequestPolicy");
    check_family(config["CookiesConfig"], "CookieBehavior", "Cookies",
                 {"none", "whitelist", "all", "allExcept"}, "TooManyCookiesInOriginRequestPolicy");
    check_family(config["QueryStringsConfig"], "QueryStringBehavior", "QueryStrings",
                 {"none", "whitelist", "all", "allExcept"},
                 "TooManyQueryStringsInOriginRequestPolicy");
    const std::string& mode = config["HeadersConfig"]["HeaderBehavior"].as_string();
    for (const std::string& header : texts(config["HeadersConfig"]["Headers"])) {
        check_header_name("Headers", header);
        // "All viewer headers and the following CloudFront headers".
        if (mode == "allViewerAndWhitelistCloudFront" &&
            !base::lower(header).starts_with("cloudfront-"))
            invalid_argument(
                fmt::format("The parameter Headers contains {} that is not allowed.", header));
    }
    if (mode != "whitelist") return;
    for (const std::string& header : texts(config["HeadersConfig"]["Headers"]))
        // GUESS: Authorization is still refused on its own.
        if (among(base::lower(header),
                  {"accept-encoding", "authorization", "connection", "cookie",
                   "proxy-authorization", "te", "upgrade", "content-length", "transfer-encoding"}))
            invalid_argument(
                fmt::format("The parameter Headers contains {} that is not allowed.", header));
}

void check_response_headers_policy(const Node& config) {
    check_name(config);
    if (config["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]
            .as_string()
            .size() > 1783)
        invalid("TooLongCSPInResponseHeadersPolicy",
                "The length of the Content-Security-Policy header value exceeds the maximum.");
    if (config["CustomHeadersConfig"]["Items"].size() > 10)
        invalid("TooManyCustomHeadersInResponseHeadersPolicy",
                "The number of custom headers exceeds the maximum.");
    if (config["RemoveHeadersConfig"]["Items"].size() > 10)
        invalid("TooManyRemoveHeadersInResponseHeadersPolicy",
                "The number of headers in RemoveHeadersConfig exceeds the maximum.");
    // "The wildcard is allowed as the leftmost part of the domain". GUESS: both texts.
    for (const std::string& origin : texts(config["CorsConfig"]["AccessControlAllowOrigins"])) {
        std::string_view host = origin;
        if (size_t scheme = host.find("://"); scheme != std::string_view::npos)
            host.remove_prefix(scheme + 3);
        if (host.starts_with("*.")) host.remove_prefix(2);
        if (origin != "*" && host.find('*') != std::string_view::npos)
            invalid_argument(fmt::format(
                "The parameter AccessControlAllowOrigins contains {} that is not allowed.",
                origin));
    }
    const Node& xss = config["SecurityHeadersConfig"]["XSSProtection"];
    if (xss["ModeBlock"].as_bool() && !xss["ReportUri"].as_string().empty())
        invalid_argument("The parameter XSSProtection cannot have both ModeBlock and ReportUri.");
    auto is_reserved = [](const std::string& header) {
        std::string name = base::lower(header);
        for (std::string_view prefix : {"x-accel-", "x-amz-cf-", "x-edge-"})
            if (name.starts_with(prefix)) return true;
        return among(name, {"connection",
                            "content-encoding",
                            "content-length",
                            "expect",
                            "host",
                            "keep-alive",
                            "proxy-authenticate",
                            "proxy-authorization",
                            "proxy-connection",
                            "trailer",
                            "transfer-encoding",
                            "upgrade",
                            "via",
                            "warning",
                            "x-amzn-auth",
                            "x-amzn-cf-billing",
                            "x-amzn-cf-id",
                            "x-amzn-cf-xff",
                            "x-amzn-errortype",
                            "x-amzn-fle-profile",
                            "x-amzn-header-count",
                            "x-amzn-header-order",
                            "x-amzn-lambda-integration-tag",
                            "x-amzn-requestid",
                            "x-cache",
                            "x-forwarded-proto",
                            "x-real-ip"});
    };
    for (const Node& header : config["RemoveHeadersConfig"]["Items"].items())
        if (is_reserved(header["Header"].as_string()))
            invalid_argument(
                fmt::format("The parameter RemoveHeadersConfig contains {} that is not allowed.",
                            header["Header"].as_string()));
    for (const Node& header : config["CustomHeadersConfig"]["Items"].items())
        if (is_reserved(header["Header"].as_string()) ||
            !http::http1::is_token(header["Header"].as_string()) ||
            has_control_characters(header["Value"].as_string()))
            invalid_argument(
                fmt::format("The parameter CustomHeadersConfig contains {} that is not allowed.",
                            header["Header"].as_string()));
}

void check_origin_access_control(const Node& config) {
    check_name(config);
    if (config["Name"].as_string().size() > 64) invalid_argument("The parameter Name is too long.");
    if (config["SigningProtocol"].as_string() != "sigv4")
        invalid_argument("The parameter SigningProtocol is invalid.");
    if (!among(config["SigningBehavior"].as_string(), {"never", "always", "no-override"}))
        invalid_argument("The parameter SigningBehavior is invalid.");
    if (config["OriginAccessControlOriginType"].as_string() != "s3") {
        if (among(config["OriginAccessControlOriginType"].as_string(),
                  {"mediastore", "mediapackagev2", "lambda"}))
            invalid_argument(
                "Origin access controls other than for s3 are not part of what this emulator "
                "supports.");
        invalid_argument("The parameter OriginAccessControlOriginType is invalid.");
    }
}

void check_public_key(const Node& config) {
    check_name(config);
    if (!is_public_key(config["EncodedKey"].as_string()))
        invalid_argument("Your request contains empty/invalid/out of limits RSA Encoded Key.");
}

void check_key_group(const Node& config, const ResourceLookup& lookup) {
    check_name(config);
    if (config["Items"].size() == 0)
        invalid_argument("The parameter Items must contain at least one public key.");
    if (config["Items"].size() > 5)
        invalid("TooManyPublicKeysInKeyGroup",
                "The number of public keys in this key group is more than the maximum allowed.");
    for (const Node& key : config["Items"].items())
        if (!lookup(kPublicKeyKind, key.as_string()))
            invalid_argument("Your request contains a public key ID that does not exist.");
}

void check_invalidation_paths(const std::vector<std::string>& paths) {
    if (paths.empty())
        invalid_argument("Your request contains one or more invalid invalidation paths.");
    for (const std::string& path : paths) {
        bool unprintable =
            std::ranges::any_of(path, [](unsigned char c) { return c <= ' ' || c >= 127; });
        if (!path.starts_with('/') || path.size() > kMaxInvalidationPathBytes || unprintable)
            invalid_argument("Your request contains one or more invalid invalidation paths.");
    }
}

}  // namespace cloudfront
