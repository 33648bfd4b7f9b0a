// See managed_policies.h. CloudFront guide, "Using the managed cache / origin request / response
// headers policies".
#include "cloudfront/managed_policies.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cloudfront/shapes.h"

namespace cloudfront {

using base::Node;

namespace {

// Lists are texts separated by spaces; "" = none.
struct ManagedCachePolicy {
    std::string_view name, id;
    int64_t min, fallback, max;
    std::string_view headers, cookies, query_mode, query;
    bool gzip, brotli;
};

constexpr ManagedCachePolicy kCachePolicies[] = {
    {"CachingOptimized", "658327ea-f89d-4fab-a63d-7e88639e58f6", 1, 86400, 31536000, "", "none",
     "none", "", true, true},
    {"CachingOptimizedForUncompressedObjects", "b2884449-e4de-46a7-ac36-70bc7f1ddd6d", 1, 86400,
     31536000, "", "none", "none", "", false, false},
    {"CachingDisabled", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", 0, 0, 0, "", "none", "none", "",
     false, false},
    {"Elemental-MediaPackage", "08627262-05a9-4f76-9ded-b50ca2e3a84f", 0, 86400, 31536000, "origin",
     "none", "whitelist", "aws.manifestfilter start end m", true, false},
    {"Amplify", "2e54312d-136d-493c-8eb9-b001f22f67d2", 2, 2, 600,
     "authorization cloudfront-viewer-country host", "all", "all", "", true, true},
    {"UseOriginCacheControlHeaders", "83da9c7e-98b4-4e11-a168-04f0df8e2c65", 0, 0, 31536000,
     "host origin x-http-method-override x-http-method x-method-override", "all", "none", "", true,
     true},
    {"UseOriginCacheControlHeaders-QueryStrings", "4cc15a8a-d715-48a4-82b8-cc0b614638fe", 0, 0,
     31536000, "host origin x-http-method-override x-http-method x-method-override", "all", "all",
     "", true, true},
};

struct ManagedOriginRequestPolicy {
    std::string_view name, id, header_mode, headers, cookies, query;
};

constexpr ManagedOriginRequestPolicy kOriginRequestPolicies[] = {
    {"AllViewer", "216adef6-5c7f-47e4-b989-5492eafa07d3", "allViewer", "", "all", "all"},
    {"AllViewerExceptHostHeader", "b689b0a8-53d0-40ab-baf2-68738e2966ac", "allExcept", "host",
     "all", "all"},
    {"AllViewerAndCloudFrontHeaders-2022-06", "33f36d7e-f396-46d9-90e0-52428a34d9dc",
     "allViewerAndWhitelistCloudFront",
     "CloudFront-Forwarded-Proto CloudFront-Is-Android-Viewer CloudFront-Is-Desktop-Viewer "
     "CloudFront-Is-IOS-Viewer "
     "CloudFront-Is-Mobile-Viewer CloudFront-Is-SmartTV-Viewer CloudFront-Is-Tablet-Viewer "
     "CloudFront-Viewer-Address "
     "CloudFront-Viewer-ASN CloudFront-Viewer-City CloudFront-Viewer-Country "
     "CloudFront-Viewer-Country-Name "
     "CloudFront-Viewer-Country-Region CloudFront-Viewer-Country-Region-Name "
     "CloudFront-Viewer-Http-Version "
     "CloudFront-Viewer-Latitude CloudFront-Viewer-Longitude CloudFront-Viewer-Metro-Code "
     "CloudFront-Viewer-Postal-Code "
     "CloudFront-Viewer-Time-Zone CloudFront-Viewer-TLS",
     "all", "all"},
    {"CORS-CustomOrigin", "59781a5b-3903-41f3-afcb-af62929ccde1", "whitelist", "origin", "none",
     "none"},
    {"CORS-S3Origin", "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf", "whitelist",
     "origin access-control-request-headers access-control-request-method", "none", "none"},
    {"UserAgentRefererHeaders", "acba4595-bd28-49b8-b9fe-13317c0390fa", "whitelist",
     "user-agent referer", "none", "none"},
    {"HostHeaderOnly", "bf0718e1-ba1e-49d1-88b1-f726733018ae", "whitelist", "host", "none", "none"},
    {"Elemental-MediaTailor-PersonalizedManifests", "775133bc-15f2-49f9-abea-afb2e0bf67d2",
     "whitelist",
     "origin access-control-request-headers access-control-request-method user-agent "
     "x-forwarded-for",
     "none", "all"},
};

enum class Cors : uint8_t { None, Simple, Preflight };
struct ManagedResponseHeadersPolicy {
    std::string_view name, id;
    Cors cors;
    bool security;
};

constexpr ManagedResponseHeadersPolicy kResponseHeadersPolicies[] = {
    {"SimpleCORS", "60669652-455b-4ae9-85a4-c4c02393f86c", Cors::Simple, false},
    {"CORS-With-Preflight", "5cc3b908-e619-4b99-88e5-2cf7f45965bd", Cors::Preflight, false},
    {"SecurityHeadersPolicy", "67f7725c-6f97-4210-82d7-5512b31e9d03", Cors::None, true},
    {"CORS-and-SecurityHeadersPolicy", "e61eb60c-9c35-4d20-a928-2b84e02af89c", Cors::Simple, true},
    {"CORS-with-preflight-and-SecurityHeadersPolicy", "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
     Cors::Preflight, true},
};

Node list_of(std::string_view words) {
    Node items = Node::array();
    if (!words.empty())
        for (std::string_view word : base::split(words, ' '))
            items.push_back(word);
    return Node::object({{"Quantity", Node(static_cast<int64_t>(items.size()))}, {"Items", items}});
}

Node choice(std::string_view behavior_name, std::string_view mode, std::string_view list_name,
            std::string_view words) {
    Node node = Node::object({{std::string(behavior_name), Node(mode)}});
    if (!words.empty()) node.set(std::string(list_name), list_of(words));
    return node;
}

Resource managed(std::string_view kind, std::string_view id, std::string_view name,
                 const Shape& shape, Node config) {
    Resource resource;
    resource.kind = kind;
    resource.id = id;
    resource.name = fmt::format("Managed-{}", name);
    config.set("Name", resource.name);
    resource.config = normalize(shape, config);
    resource.managed = true;
    return resource;
}

Resource make(const ManagedCachePolicy& row) {
    Node parameters = Node::object({
        {"EnableAcceptEncodingGzip", row.gzip},
        {"EnableAcceptEncodingBrotli", row.brotli},
        {"HeadersConfig", choice("HeaderBehavior", row.headers.empty() ? "none" : "whitelist",
                                 "Headers", row.headers)},
        {"CookiesConfig", choice("CookieBehavior", row.cookies, "Cookies", "")},
        {"QueryStringsConfig",
         choice("QueryStringBehavior", row.query_mode, "QueryStrings", row.query)},
    });
    return managed(kCachePolicyKind, row.id, row.name, kCachePolicyConfigShape,
                   Node::object({{"MinTTL", row.min},
                                 {"DefaultTTL", row.fallback},
                                 {"MaxTTL", row.max},
                                 {"ParametersInCacheKeyAndForwardedToOrigin", parameters}}));
}

Resource make(const ManagedOriginRequestPolicy& row) {
    return managed(
        kOriginRequestPolicyKind, row.id, row.name, kOriginRequestPolicyConfigShape,
        Node::object(
            {{"HeadersConfig", choice("HeaderBehavior", row.header_mode, "Headers", row.headers)},
             {"CookiesConfig", choice("CookieBehavior", row.cookies, "Cookies", "")},
             {"QueryStringsConfig",
              choice("QueryStringBehavior", row.query, "QueryStrings", "")}}));
}

Resource make(const ManagedResponseHeadersPolicy& row) {
    Node config = Node::object();
    if (row.cors != Cors::None) {
        bool preflight = row.cors == Cors::Preflight;
        // GUESS: the order of the methods.
        Node cors = Node::object({
            {"AccessControlAllowOrigins", list_of("*")},
            {"AccessControlAllowHeaders", list_of("*")},
            {"AccessControlAllowMethods",
             list_of(preflight ? "GET HEAD PUT POST PATCH DELETE OPTIONS" : "GET HEAD")},
            {"AccessControlAllowCredentials", false},
            {"OriginOverride", false},
        });
        if (preflight) cors.set("AccessControlExposeHeaders", list_of("*"));
        config.set("CorsConfig", cors);
    }
    if (row.security)
        config.set(
            "SecurityHeadersConfig",
            Node::object({
                {"XSSProtection",
                 Node::object({{"Override", false}, {"Protection", true}, {"ModeBlock", true}})},
                {"FrameOptions",
                 Node::object({{"Override", false}, {"FrameOption", "SAMEORIGIN"}})},
                {"ReferrerPolicy",
                 Node::object(
                     {{"Override", false}, {"ReferrerPolicy", "strict-origin-when-cross-origin"}})},
                {"ContentTypeOptions", Node::object({{"Override", true}})},
                {"StrictTransportSecurity",
                 Node::object({{"Override", false}, {"AccessControlMaxAgeSec", 31536000}})},
            }));
    return managed(kResponseHeadersPolicyKind, row.id, row.name, kResponseHeadersPolicyConfigShape,
                   config);
}

std::vector<Resource> make_all() {
    std::vector<Resource> all;
    for (const auto& row : kCachePolicies)
        all.push_back(make(row));
    for (const auto& row : kOriginRequestPolicies)
        all.push_back(make(row));
    for (const auto& row : kResponseHeadersPolicies)
        all.push_back(make(row));
    return all;
}

}  // namespace

const std::vector<Resource>& managed_policies() {
    static const std::vector<Resource> all = make_all();
    return all;
}

const Resource* find_managed_policy(std::string_view kind, std::string_view id) {
    for (const Resource& policy : managed_policies())
        if (policy.kind == kind && policy.id == id) return &policy;
    return nullptr;
}

}  // namespace cloudfront
