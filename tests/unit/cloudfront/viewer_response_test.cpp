// The viewer's answer: headers that pass, policies, conditions, ranges: cloudfront.md §4.5, §6.4,
// §10 #43, #44, #78, #81, #86-#88.
#include "cloudfront/viewer_response.h"

#include <catch2/catch.hpp>

#include "cloudfront/generated_page.h"
#include "make.h"

using namespace cloudfront;
using test::Request;

TEST_CASE("hop-by-hop, Set-Cookie and foreign Vary members do not pass (#43, #48, #78)",
          "[cloudfront]") {
    Distribution d = test::make_distribution();
    http::HeaderList origin = {{"Content-Type", "text/html"},
                               {"Connection", "keep-alive, X-Hop"},
                               {"Keep-Alive", "1"},
                               {"X-Hop", "1"},
                               {"Transfer-Encoding", "chunked"},
                               {"Set-Cookie", "a=1"},
                               {"Vary", "X-Foo, Accept-Encoding"},
                               {"Upgrade", "h2c"},
                               {"X-Own", "stays"},
                               {"Via", "1.1 alb"}};
    CleanedHeaders cleaned = clean_origin_headers(origin, d.behaviors.back(), Origin::Kind::Custom);
    CHECK(cleaned.headers.get("Vary") == "Accept-Encoding");
    CHECK(cleaned.headers.get("X-Own") == "stays");
    for (const char* name : {"Connection", "Keep-Alive", "X-Hop", "Transfer-Encoding", "Set-Cookie",
                             "Upgrade", "Via"}) {
        INFO(name);
        CHECK_FALSE(cleaned.headers.has(name));
    }
    CHECK(cleaned.dropped.size() == 2);
    Distribution forwards = test::make_distribution(
        R"({"DefaultCacheBehavior": {"OriginRequestPolicyId": "216adef6-5c7f-47e4-b989-5492eafa07d3"}})");
    CleanedHeaders kept =
        clean_origin_headers(origin, forwards.behaviors.back(), Origin::Kind::Custom);
    CHECK(kept.headers.get("Set-Cookie") == "a=1");
    CHECK(kept.headers.get("Vary") == "X-Foo, Accept-Encoding");
}

TEST_CASE("generated pages have the captured sizes (§1.3, §5.6)", "[cloudfront]") {
    CHECK(redirect_page(301).size() == 167);
    CHECK(error_page(403, "Request blocked.", std::string(56, 'x')).size() == 919);
}

TEST_CASE("SimpleCORS answers only requests with Origin, and the origin's own header wins (#86)",
          "[cloudfront]") {
    Distribution d = test::make_distribution(
        R"({"DefaultCacheBehavior": {"ResponseHeadersPolicyId": "60669652-455b-4ae9-85a4-c4c02393f86c"}})");
    const ResponseHeadersPolicy& policy = *d.behaviors.back().response_headers;
    auto allowed = [&](const Request& request, http::HeaderList headers) {
        apply_response_headers_policy(headers, policy, request.view);
        return std::string(headers.get("Access-Control-Allow-Origin"));
    };
    CHECK(allowed(Request("GET", "/", {{"Origin", "https://a.example"}}), {}) == "*");
    CHECK(allowed(Request("GET", "/"), {}).empty());
    CHECK(allowed(Request("GET", "/", {{"Origin", "https://a.example"}}),
                  {{"Access-Control-Allow-Origin", "x"}}) == "x");
}

TEST_CASE("SecurityHeadersPolicy: five headers, X-Frame-Options of the origin stays (#87)",
          "[cloudfront]") {
    Distribution d = test::make_distribution(
        R"({"DefaultCacheBehavior": {"ResponseHeadersPolicyId": "67f7725c-6f97-4210-82d7-5512b31e9d03"}})");
    http::HeaderList headers = {{"X-Frame-Options", "DENY"}, {"X-Content-Type-Options", "sniff"}};
    apply_response_headers_policy(headers, *d.behaviors.back().response_headers,
                                  Request("GET", "/").view);
    CHECK(headers.get("X-Frame-Options") == "DENY");
    CHECK(headers.get("X-Content-Type-Options") == "nosniff");
    CHECK(headers.get("Strict-Transport-Security") == "max-age=31536000");
    CHECK(headers.get("X-XSS-Protection") == "1; mode=block");
    CHECK(headers.get("Referrer-Policy") == "strict-origin-when-cross-origin");
}

TEST_CASE("specific origins: the matching one is named, preflights get methods (§6.4)",
          "[cloudfront]") {
    test::Policies policies;
    policies.add(kResponseHeadersPolicyKind, "rhp", kResponseHeadersPolicyConfigShape,
                 R"({"Name": "rhp", "CorsConfig": {
        "AccessControlAllowOrigins": {"Quantity": 1, "Items": ["https://*.example.org"]}, "AccessControlAllowHeaders": {"Quantity": 1, "Items": ["X-A"]},
        "AccessControlAllowMethods": {"Quantity": 1, "Items": ["ALL"]}, "AccessControlAllowCredentials": true, "AccessControlMaxAgeSec": 600,
        "OriginOverride": true}, "RemoveHeadersConfig": {"Quantity": 1, "Items": [{"Header": "Server"}]}})");
    Distribution d = test::make_distribution(
        R"({"DefaultCacheBehavior": {"ResponseHeadersPolicyId": "rhp"}})", policies);
    const ResponseHeadersPolicy& policy = *d.behaviors.back().response_headers;
    http::HeaderList headers = {{"Server", "nginx"}};
    Request preflight(
        "OPTIONS", "/",
        {{"Origin", "https://a.example.org"}, {"Access-Control-Request-Method", "PUT"}});
    apply_response_headers_policy(headers, policy, preflight.view);
    CHECK(headers.get("Access-Control-Allow-Origin") == "https://a.example.org");
    CHECK(headers.get("Access-Control-Allow-Methods") ==
          "GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS");
    CHECK(headers.get("Access-Control-Max-Age") == "600");
    CHECK_FALSE(headers.has("Server"));
    http::HeaderList other;
    apply_response_headers_policy(other, policy,
                                  Request("GET", "/", {{"Origin", "https://evil.test"}}).view);
    CHECK_FALSE(other.has("Access-Control-Allow-Origin"));
}

TEST_CASE("ranges of a stored object (#81)", "[cloudfront]") {
    using Kind = http::RangeSet::Kind;
    struct Row {
        std::string_view header;
        Kind kind;
        std::vector<std::pair<uint64_t, uint64_t>> ranges;
    };
    const Row rows[] = {
        {"bytes=0-3", Kind::Satisfiable, {{0, 3}}},
        {"bytes=5-", Kind::Satisfiable, {{5, 9}}},
        {"bytes=-3", Kind::Satisfiable, {{7, 9}}},
        {"bytes=-30", Kind::Satisfiable, {{0, 9}}},
        {"bytes=0-99", Kind::Satisfiable, {{0, 9}}},
        {"bytes=10-", Kind::Unsatisfiable, {}},
        {"bytes=-0", Kind::Unsatisfiable, {}},
        {"bytes=3-1", Kind::Ignored, {}},
        {"bytes=a-b", Kind::Ignored, {}},
        {"items=0-1", Kind::Ignored, {}},
        {"bytes=0-1,3-4", Kind::Satisfiable, {{0, 1}, {3, 4}}},
        {"bytes=0-4,3-5", Kind::Ignored, {}},
        {"bytes=5-6,0-1", Kind::Ignored, {}},
        {"bytes=", Kind::Ignored, {}},
        {"bytes=0-18446744073709551615", Kind::Satisfiable, {{0, 9}}},
        {"bytes=99999999999999999999-", Kind::Unsatisfiable, {}},
    };
    for (const Row& row : rows) {
        INFO(row.header);
        http::RangeSet decision = evaluate_range(row.header, 10);
        CHECK(decision.kind == row.kind);
        REQUIRE(decision.ranges.size() == row.ranges.size());
        for (size_t i = 0; i < row.ranges.size(); ++i) {
            CHECK(decision.ranges[i].first == row.ranges[i].first);
            CHECK(decision.ranges[i].last == row.ranges[i].second);
        }
    }
    CHECK(evaluate_range("bytes=0-0", 0).kind == Kind::Unsatisfiable);
}
