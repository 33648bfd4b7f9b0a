// What goes to the origin: cloudfront.md §10 #19-#22, #69-#77, #94.
#include "cloudfront/origin_request.h"

#include <catch2/catch.hpp>

#include "make.h"

using namespace cloudfront;
using test::Request;

namespace {

OriginRequest build(const Distribution& distribution, const Request& request,
                    bool has_body = false) {
    return build_origin_request(
        request.view, distribution.behaviors.back(), distribution.origins.front(),
        {"the-id", "0123456789abcdef0123456789abcdef", has_body, false, {}});
}

std::string with_policies(std::string_view cache, std::string_view origin_request) {
    std::string text =
        R"({"DefaultCacheBehavior": {"CachePolicyId": ")" + std::string(cache) + "\"";
    if (!origin_request.empty())
        text += R"(, "OriginRequestPolicyId": ")" + std::string(origin_request) + "\"";
    return text +
           R"(, "AllowedMethods": {"Quantity": 7, "Items": ["GET","HEAD","OPTIONS","PUT","POST","PATCH","DELETE"]}}})";
}

const http::HeaderList kViewer = {{"Host", "www.example.com"},
                                  {"Authorization", "Bearer x"},
                                  {"X-Foo", "1"},
                                  {"Cookie", "b=2; a=1"},
                                  {"X-Forwarded-Proto", "https"},
                                  {"User-Agent", "curl"},
                                  {"CloudFront-Viewer-Country", "XX"},
                                  {"X-Real-IP", "1.2.3.4"},
                                  {"x-dodam-explain", "1"}};

}  // namespace

TEST_CASE(
    "without an origin request policy the origin sees CloudFront's own headers alone (#69, #73, "
    "#77)",
    "[cloudfront]") {
    OriginRequest out = build(test::make_distribution(), Request("GET", "/a?x=1", kViewer));
    const http::HeaderList& h = out.head.headers;
    CHECK(out.head.target == "/a");
    CHECK(h.get("Host") == "origin.example.com");
    CHECK(h.get("User-Agent") == "Amazon CloudFront");
    CHECK(h.get("Via") == "1.1 0123456789abcdef0123456789abcdef.cloudfront.net (CloudFront)");
    CHECK(h.get("X-Amz-Cf-Id") == "the-id");
    CHECK(h.get("X-Forwarded-For") == "192.0.2.7");
    for (const char* name : {"Authorization", "X-Foo", "Cookie", "X-Forwarded-Proto",
                             "CloudFront-Viewer-Country", "X-Real-IP", "x-dodam-explain"}) {
        INFO(name);
        CHECK_FALSE(h.has(name));
    }
    CHECK(out.dropped.size() >= 6);
}

TEST_CASE(
    "AllViewer forwards the viewer's headers, Host and cookies, not X-Forwarded-Proto (#71 to #74, "
    "#21)",
    "[cloudfront]") {
    OriginRequest out =
        build(test::make_distribution(with_policies(test::kDisabled, test::kAllViewer)),
              Request("GET", "/a?x=1", kViewer));
    const http::HeaderList& h = out.head.headers;
    CHECK(out.head.target == "/a?x=1");
    CHECK(h.get("Host") == "www.example.com");
    CHECK(h.get("Authorization") == "Bearer x");
    CHECK(h.get("X-Foo") == "1");
    CHECK(h.get("Cookie") == "a=1; b=2");
    CHECK(h.get("User-Agent") == "curl");
    CHECK_FALSE(h.has("X-Forwarded-Proto"));
    CHECK_FALSE(h.has("CloudFront-Viewer-Country"));
    OriginRequest except =
        build(test::make_distribution(with_policies(test::kDisabled, test::kAllViewerExceptHost)),
              Request("GET", "/", kViewer));
    CHECK(except.head.headers.get("Host") == "origin.example.com");
    CHECK(except.head.headers.get("Authorization") == "Bearer x");
}

TEST_CASE("Authorization: dropped from GET, forwarded with a method that changes something (#72)",
          "[cloudfront]") {
    Distribution d = test::make_distribution(with_policies(test::kDisabled, ""));
    CHECK_FALSE(build(d, Request("GET", "/", kViewer)).head.headers.has("Authorization"));
    CHECK_FALSE(build(d, Request("HEAD", "/", kViewer)).head.headers.has("Authorization"));
    CHECK(build(d, Request("POST", "/", kViewer), true).head.headers.has("Authorization"));
}

TEST_CASE("X-Forwarded-For grows by the viewer (#70)", "[cloudfront]") {
    OriginRequest out =
        build(test::make_distribution(), Request("GET", "/", {{"X-Forwarded-For", "1.1.1.1"}}));
    CHECK(out.head.headers.get("X-Forwarded-For") == "1.1.1.1, 192.0.2.7");
}

TEST_CASE("legacy mode forwards unknown headers and the full query (#22, #77)", "[cloudfront]") {
    Distribution d = test::make_distribution(
        R"({"DefaultCacheBehavior": {"CachePolicyId": null, "ForwardedValues": {
        "QueryString": true, "Cookies": {"Forward": "none"}, "QueryStringCacheKeys": {"Quantity": 1, "Items": ["x"]}}}})");
    OriginRequest out = build(
        d, Request("GET", "/a?x=1&t=2", {{"X-Foo", "1"}, {"Referer", "r"}, {"Cookie", "a=1"}}));
    CHECK(out.head.target == "/a?x=1&t=2");
    CHECK(out.head.headers.get("X-Foo") == "1");
    CHECK_FALSE(out.head.headers.has("Referer"));
    CHECK_FALSE(out.head.headers.has("Cookie"));
}

TEST_CASE("origin custom headers win; OriginPath comes first (#75, #14)", "[cloudfront]") {
    Distribution d = test::make_distribution(
        R"({"Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "origin.example.com",
        "OriginPath": "/p", "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": "X-Foo", "HeaderValue": "secret"}]},
        "CustomOriginConfig": {"OriginProtocolPolicy": "https-only", "HTTPSPort": 8443}}]},
        "DefaultCacheBehavior": {"OriginRequestPolicyId": "216adef6-5c7f-47e4-b989-5492eafa07d3"}})");
    OriginRequest out =
        build(d, Request("GET", "/index.html", {{"Host", "h"}, {"X-Foo", "viewer"}}));
    CHECK(out.head.target == "/p/index.html");
    CHECK(out.head.headers.get("X-Foo") == "secret");
    CHECK(out.https);
    CHECK(out.port == 8443);
    CHECK(out.server_name == "h");
}

TEST_CASE("selected CloudFront headers are made by the edge (#76)", "[cloudfront]") {
    test::Policies policies;
    policies.add(kOriginRequestPolicyKind, "orp", kOriginRequestPolicyConfigShape,
                 R"({"Name": "orp",
        "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": {"Quantity": 2, "Items": ["CloudFront-Viewer-Country", "CloudFront-Is-Mobile-Viewer"]}},
        "CookiesConfig": {"CookieBehavior": "none"}, "QueryStringsConfig": {"QueryStringBehavior": "none"}})");
    Distribution d = test::make_distribution(
        R"({"DefaultCacheBehavior": {"OriginRequestPolicyId": "orp"}})", policies);
    Request request(
        "GET", "/",
        {{"CloudFront-Viewer-Country", "XX"}, {"User-Agent", "Mozilla/5.0 (iPhone; Mobile)"}});
    request.view.country = "KR";
    OriginRequest out = build(d, request);
    CHECK(out.head.headers.get("CloudFront-Viewer-Country") == "KR");
    CHECK(out.head.headers.get("CloudFront-Is-Mobile-Viewer") == "true");
}

TEST_CASE("cache policy and origin request policy combine (§2.6)", "[cloudfront]") {
    using Mode = Selection::Mode;
    struct Row {
        Selection key, also;
        bool a, b;
    };
    const Row rows[] = {
        {{Mode::Listed, {"a"}}, {Mode::AllExcept, {"a"}}, true, true},
        {{Mode::AllExcept, {"a"}}, {Mode::Listed, {"a"}}, true, true},
        {{Mode::AllExcept, {"a"}}, {Mode::AllExcept, {"b"}}, false, false},
        {{Mode::None, {}}, {Mode::Listed, {"b"}}, false, true},
    };
    for (const Row& row : rows) {
        CHECK(is_forwarded(row.key, row.also, "a") == row.a);
        CHECK(is_forwarded(row.key, row.also, "b") == row.b);
    }
}
