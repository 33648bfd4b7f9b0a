// The cache key: cloudfront.md §10 #17-#31.
#include "cloudfront/cache_key.h"

#include <catch2/catch.hpp>

#include "cloudfront/behavior_match.h"
#include "make.h"

using namespace cloudfront;
using test::Request;

namespace {

std::string key_of(const Distribution& distribution, const Request& request) {
    CacheKey key;
    build_cache_key(distribution, match_behavior(distribution, request.view.path), request.view,
                    key);
    return key.text;
}

Distribution with_policy(std::string_view parameters) {
    return test::make_distribution(
        R"({"DefaultCacheBehavior": {"CachePolicyId": "p"}})",
        test::cache_policy(
            R"({"Name": "p", "MinTTL": 1, "ParametersInCacheKeyAndForwardedToOrigin": )" +
            std::string(parameters) + "}"));
}

Request get(std::string target, http::HeaderList headers = {}) {
    return Request("GET", std::move(target), std::move(headers));
}

}  // namespace

TEST_CASE("query parameters are keyed as the policy names them (#17 to #20)", "[cloudfront]") {
    Distribution none = test::make_distribution();
    CHECK(key_of(none, get("/a?x=1")) == key_of(none, get("/a?x=2")));
    Distribution all = with_policy(R"({"QueryStringsConfig": {"QueryStringBehavior": "all"}})");
    CHECK(key_of(all, get("/a?x=1&y=2")) != key_of(all, get("/a?y=2&x=1")));
    Distribution listed = with_policy(
        R"({"QueryStringsConfig": {"QueryStringBehavior": "whitelist", "QueryStrings": {"Quantity": 1, "Items": ["x"]}}})");
    CHECK(key_of(listed, get("/a?x=1&t=9")) == key_of(listed, get("/a?t=8&x=1")));
    CHECK(key_of(listed, get("/a?x=1")) != key_of(listed, get("/a?X=1")));
    Distribution except = with_policy(
        R"({"QueryStringsConfig": {"QueryStringBehavior": "allExcept", "QueryStrings": {"Quantity": 1, "Items": ["t"]}}})");
    CHECK(key_of(except, get("/a?x=1&t=9")) == key_of(except, get("/a?x=1")));
}

TEST_CASE("headers are keyed by value, and absent is not empty (#23)", "[cloudfront]") {
    Distribution d = with_policy(
        R"({"HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": {"Quantity": 1, "Items": ["X-Lang"]}}})");
    std::string en = key_of(d, get("/a", {{"X-Lang", "en"}})),
                de = key_of(d, get("/a", {{"x-lang", "de"}}));
    std::string absent = key_of(d, get("/a")), empty = key_of(d, get("/a", {{"X-Lang", ""}}));
    CHECK(en != de);
    CHECK(en != absent);
    CHECK(empty != absent);
    CHECK(en == key_of(d, get("/a", {{"X-LANG", "en"}, {"X-Other", "1"}})));
}

TEST_CASE("cookies are keyed by name, in any order (#24)", "[cloudfront]") {
    Distribution d = with_policy(
        R"({"CookiesConfig": {"CookieBehavior": "whitelist", "Cookies": {"Quantity": 1, "Items": ["s"]}}})");
    CHECK(key_of(d, get("/a", {{"Cookie", "s=1; t=2"}})) ==
          key_of(d, get("/a", {{"Cookie", "t=3; s=1"}})));
    CHECK(key_of(d, get("/a", {{"Cookie", "s=1"}})) != key_of(d, get("/a", {{"Cookie", "S=1"}})));
}

TEST_CASE("the viewer's host and scheme play no part unless named (#25, #26, #31)",
          "[cloudfront]") {
    Distribution d = test::make_distribution();
    Request http = get("/a", {{"Host", "a.example.com"}}),
            https = get("/a", {{"Host", "B.example.com:8443"}});
    https.view.https = true;
    CHECK(key_of(d, http) == key_of(d, https));
}

TEST_CASE("OPTIONS is kept apart, GET and HEAD together (#27, #28)", "[cloudfront]") {
    Distribution d = test::make_distribution();
    CHECK(key_of(d, get("/a")) == key_of(d, Request("HEAD", "/a")));
    CHECK(key_of(d, get("/a")) != key_of(d, Request("OPTIONS", "/a")));
}

TEST_CASE("Accept-Encoding is normalized (#29, #30)", "[cloudfront]") {
    Distribution d = test::make_distribution();
    const CacheBehavior& behavior = d.behaviors.back();
    struct Row {
        std::string_view sent, to_origin;
    };
    const Row rows[] = {{"deflate, gzip;q=1.0, br", "br,gzip"},
                        {"gzip", "gzip"},
                        {"br", "br"},
                        {"deflate", "identity"},
                        {"*", "identity"},
                        {"gzip;q=0", "identity"},
                        {"GZIP", "gzip"},
                        {"x-gzip", "identity"}};
    for (const Row& row : rows) {
        INFO(row.sent);
        Request request = get("/a", {{"Accept-Encoding", std::string(row.sent)}});
        CHECK(to_origin_value(normalized_accept_encoding(behavior, request.view)) == row.to_origin);
    }
    CHECK(normalized_accept_encoding(behavior, get("/a").view) == AcceptEncoding::Absent);
    CHECK(key_of(d, get("/a", {{"Accept-Encoding", "br, gzip"}})) !=
          key_of(d, get("/a", {{"Accept-Encoding", "gzip"}})));
    CHECK(key_of(d, get("/a", {{"Accept-Encoding", "deflate"}})) == key_of(d, get("/a")));
    Distribution off = with_policy("{}");
    CHECK(key_of(off, get("/a", {{"Accept-Encoding", "gzip"}})) == key_of(off, get("/a")));
}

TEST_CASE("legacy: the listed query parameters vary the key (#22)", "[cloudfront]") {
    Distribution d = test::make_distribution(
        R"({"DefaultCacheBehavior": {"CachePolicyId": null, "ForwardedValues": {
        "QueryString": true, "Cookies": {"Forward": "none"}, "QueryStringCacheKeys": {"Quantity": 1, "Items": ["x"]}}}})");
    CHECK(key_of(d, get("/a?x=1&y=1")) == key_of(d, get("/a?y=2&x=1")));
    CHECK(key_of(d, get("/a?x=1")) != key_of(d, get("/a?x=2")));
}
