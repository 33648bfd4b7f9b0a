// What a run's requests show, and which finding explains a step that failed.
#include "scenarios/checks/observed.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "scenarios/checks/explanation.h"

using base::Node;
using checks::Finding;
using checks::Repository;

namespace {

const Repository& repository() {
    static const Repository kOne = Repository::of({{"dodam.json", R"({
"distributions": {
  "api": {"config": {"Origins": {"Items": [{"Id": "alb", "CustomOriginConfig": {}}]},
    "CacheBehaviors": {"Items": [{"PathPattern": "/v1/*", "TargetOriginId": "alb"}]},
    "DefaultCacheBehavior": {"TargetOriginId": "alb"}}}},
"targetGroups": {"backend": {"config": {"Name": "tg", "HealthCheckPath": "/health"}}}})"}});
    return kOne;
}

const Node& status() {
    static const Node kOne = *base::parse_json(R"({
"distributions": {
  "api": {"id": "E1", "domain": "api.example", "aliases": [],
    "routes": [{"path": "/v1/*", "target": "alb"}, {"path": "*", "target": "alb"}],
    "origins": [{"id": "alb", "domain": "lb.example", "kind": "custom"}]},
  "site": {"id": "E2", "domain": "site.example", "aliases": [],
    "routes": [{"path": "*", "target": "bucket"}],
    "origins": [{"id": "bucket", "domain": "b.example", "kind": "s3"}]}},
"load_balancers": {"lb": {"dns_name": "lb.example", "target_groups": ["backend"]}},
"target_groups": {"backend": {"targets": [{"address": "10.0.0.1:80", "state": "healthy"}]}}})");
    return kOne;
}

struct Sent {
    std::string method, target;
    int origin = 200;  // 0: the edge answers by itself
    std::vector<std::pair<std::string, std::string>> decisions;
    bool passed = false;
    std::vector<std::pair<std::string, std::string>> headers, answered;
    std::string distribution = "E1";
};

Node pairs(const std::vector<std::pair<std::string, std::string>>& list) {
    Node out = Node::array();
    for (const auto& [name, value] : list)
        out.push_back(Node::array({name, value}));
    return out;
}

Node edge_of(const Sent& sent) {
    Node decisions = Node::array();
    for (const auto& [key, text] : sent.decisions)
        decisions.push_back(Node::object({{"key", key}, {"text", text}}));
    if (sent.origin)
        decisions.push_back(Node::object(
            {{"key", "attempt"}, {"text", fmt::format("1: {} in 2 ms", sent.origin)}}));
    return Node::object({{"hop", "edge"},
                         {"id", "r-" + sent.method + sent.target},
                         {"resource", sent.distribution},
                         {"method", sent.method},
                         {"target", sent.target},
                         {"decisions", decisions}});
}

Node record_of(const std::vector<Sent>& all) {
    Node steps = Node::array();
    for (const Sent& sent : all) {
        Node trace = Node::array({edge_of(sent)});
        if (sent.origin)
            trace.push_back(Node::object(
                {{"hop", "alb"},
                 {"status", sent.origin},
                 {"decisions", Node::array({Node::object({{"key", "group"}, {"text", "tg"}})})}}));
        steps.push_back(Node::object(
            {{"outcome", sent.passed ? "passed" : "failed"},
             {"trace", trace},
             {"exchange",
              Node::object({{"method", sent.method},
                            {"url", "https://api.example" + sent.target},
                            {"headers", pairs(sent.headers)},
                            {"response", Node::object({{"status", sent.origin ? sent.origin : 403},
                                                       {"headers", pairs(sent.answered)}})}})}}));
    }
    return Node::object({{"scenarios", Node::array({Node::object({{"steps", steps}})})}});
}

checks::Project project() {
    return checks::open_project(repository(), "dodam.json");
}

}  // namespace

TEST_CASE("what a run's requests show") {
    const std::pair<std::string, std::string> no_authorization = {
        "dropped", "header Authorization: CloudFront removes it from GET"};
    const struct {
        const char* what;
        Sent sent;
        std::string found;  // "ID message", "" = nothing
    } cases[] = {
        // CloudFront guide, "Understanding how origin request policies and cache policies work
        // together": what neither selects is not forwarded.
        {"a token that the origin never saw",
         {"GET", "/v1/me?a=1", 401, {no_authorization}},
         "DS007 GET /v1/me lost Authorization at the edge, and the origin answered 401"},
        {"wanted or not: without the token a refusal says nothing",
         {"GET", "/v1/me", 401, {no_authorization}, true},
         "DS007 GET /v1/me lost Authorization at the edge, and the origin answered 401"},
        {"the origin does not need it", {"GET", "/v1/me", 200, {no_authorization}}, ""},
        {"a cookie and a query, by their names alone",
         {"GET", "/x", 403, {{"dropped", "cookie sid: no"}, {"dropped", "query q=secret: no"}}},
         "DS007 GET /x lost cookie sid at the edge, and the origin answered 403"},
        {"a query whose absence is a wrong request",
         {"GET", "/x?q=secret", 400, {{"dropped", "query q=secret: no"}}},
         "DS007 GET /x lost query q at the edge, and the origin answered 400"},
        {"what a step wanted", {"GET", "/x?q=1", 400, {{"dropped", "query q=1: no"}}, true}, ""},
        {"a preflight without its question",
         {"OPTIONS", "/x", 401, {{"dropped", "header Access-Control-Request-Method: no"}}},
         "DS007 OPTIONS /x lost Access-Control-Request-Method at the edge, and the origin answered "
         "401"},
        {"headers that nobody misses",
         {"GET", "/x", 401, {{"dropped", "header User-Agent: replaced by Amazon CloudFront"}}},
         ""},
        // CloudFront guide, "Allowed HTTP methods".
        {"a method that the behaviour lacks",
         {"PUT", "/x", 0, {{"access", "403: AllowedMethods of behavior * does not include PUT"}}},
         "DS008 PUT /x is answered with 403 by the edge: AllowedMethods of behaviour * lacks PUT"},
        {"a method that a step wanted refused",
         {"PUT",
          "/x",
          0,
          {{"access", "403: AllowedMethods of behavior * does not include PUT"}},
          true},
         ""},
        // RFC 9111 §3.5.
        {"a hit for somebody with a token",
         {"GET",
          "/x",
          0,
          {{"key", "path = /x"}},
          true,
          {{"authorization", "x"}},
          {{"x-cache", "Hit from cloudfront"}}},
         "DS009 GET /x sends Authorization and is answered from the cache, under a key without it"},
        {"a cookie that goes along with an asset",
         {"GET",
          "/x.js",
          0,
          {{"key", "path = /x.js"}},
          true,
          {{"cookie", "sid=1"}},
          {{"x-cache", "Hit from cloudfront"}}},
         ""},
        {"the token is in the key",
         {"GET",
          "/x",
          0,
          {{"key", "header authorization = x"}},
          true,
          {{"Authorization", "x"}},
          {{"x-cache", "Hit from cloudfront"}}},
         ""},
        {"the answer is public",
         {"GET",
          "/x",
          0,
          {{"key", "path = /x"}},
          true,
          {{"authorization", "x"}},
          {{"x-cache", "Hit from cloudfront"}, {"cache-control", "public, max-age=9"}}},
         ""},
        {"a hit with a cookie for somebody else",
         {"GET",
          "/x",
          0,
          {},
          true,
          {},
          {{"x-cache", "Hit from cloudfront"}, {"set-cookie", "sid=1"}}},
         "DS009 GET /x is a hit with Set-Cookie: everybody gets the cookie that was made for one"},
        {"of a bucket everybody may have it",
         {"GET",
          "/x",
          0,
          {},
          true,
          {{"cookie", "a=1"}},
          {{"x-cache", "Hit from cloudfront"}},
          "E2"},
         ""},
        {"nothing works, and the targets are healthy",
         {"POST", "/x", 500},
         "DS010 GET /health is green all the while, and nothing that the app does works: POST /x "
         "is "
         "answered with 500"},
    };
    for (const auto& [what, sent, expected] : cases) {
        CAPTURE(what);
        const auto found = checks::look_at_traffic(project(), status(), record_of({sent}), {});
        std::string all;
        for (const Finding& finding : found)
            all += finding.id + " " + finding.message;
        CHECK(all == expected);
    }
}

TEST_CASE("requests that no step tells of are looked at too, and the same is said once") {
    const Sent sent{"GET", "/v1/me", 401, {{"dropped", "header Authorization: no"}}};
    Sent other = sent;
    other.target = "/v1/you";
    const auto found = checks::look_at_traffic(project(), status(), record_of({sent}),
                                               {edge_of(sent), edge_of(other)});
    REQUIRE(found.size() == 1);
    CHECK(found[0].message ==
          "GET /v1/me lost Authorization at the edge, and the origin answered 401; so with GET "
          "/v1/you");
    CHECK(checks::place_of(found[0].file, found[0].position) == "dodam.json:4:34");
    CHECK(found[0].layer == "edge (distribution api)");
}

TEST_CASE("one route that works is enough for the health check") {
    const auto found = checks::look_at_traffic(
        project(), status(), record_of({{"POST", "/x", 500}, {"GET", "/y", 200, {}, true}}), {});
    CHECK(found.empty());
}

TEST_CASE("what signed-in users got is asked for as somebody else") {
    const Node record = record_of({{"GET",
                                    "/me",
                                    200,
                                    {{"stored", "yes: DefaultTTL"}},
                                    true,
                                    {{"authorization", "Bearer x"}},
                                    {}}});
    const struct {
        const char* what;
        int edge;
        const char* cache;
        int origin;
        bool found;
    } cases[] = {
        {"kept for everybody", 200, "Hit from cloudfront", 401, true},
        {"the origin gives it to everybody", 200, "Hit from cloudfront", 200, false},
        {"kept by the token", 401, "Error from cloudfront", 401, false},
        {"not kept", 200, "Miss from cloudfront", 401, false},
    };
    for (const auto& each : cases) {
        CAPTURE(each.what);
        const checks::Ask ask = [&](const std::string& domain, const std::string& path,
                                    const auto& headers) {
            CHECK(path == "/me");
            CHECK(headers.at("authorization") != "Bearer x");
            return std::optional(domain == "lb.example"
                                     ? checks::Answer{each.origin, {}, ""}
                                     : checks::Answer{each.edge, {{"x-cache", each.cache}}, ""});
        };
        const auto found = checks::look_at_kept(project(), status(), record, ask);
        REQUIRE(found.size() == (each.found ? 1 : 0));
        if (each.found)
            CHECK(
                found[0].message ==
                "GET /me with a made-up authorization: CloudFront answers 200 from its cache, the "
                "load balancer 401");
    }
}

TEST_CASE("a health path is asked for beside one that is not there, and without the database") {
    for (const bool same : {true, false}) {
        const checks::Ask ask = [&](const std::string&, const std::string& path, const auto&) {
            return std::optional(checks::Answer{200, {}, same ? "page" : path});
        };
        size_t found = 0;
        for (const Finding& finding : checks::look_at_served(project(), status(), ask))
            found += finding.id == "DS011";
        CHECK(found == (same ? 1 : 0));
    }
    for (const int answered : {200, 404, 500, 503}) {
        const checks::Ask ask = [&](const std::string&, const std::string&, const auto&) {
            return std::optional(checks::Answer{answered, {}, ""});
        };
        CHECK(checks::look_at_health_without_database(project(), status(), ask).size() ==
              (answered >= 500 ? 1 : 0));
    }
    const checks::Ask silent = [](const std::string&, const std::string&, const auto&) {
        return std::optional<checks::Answer>();
    };
    CHECK(checks::look_at_health_without_database(project(), status(), silent).at(0).message ==
          "without the database GET /health is not answered");
}

TEST_CASE("a pattern is matched as CloudFront does") {
    const struct {
        const char *pattern, *path;
        bool matches;
    } cases[] = {
        {"*", "/a", true},       {"/v1/*", "/v1/a/b", true}, {"/v1/*", "/v2/a", false},
        {"/v1/*", "/v1", false}, {"*.js", "/a/b.js", true},  {"/a?c", "/abc", true},
        {"/a?c", "/ac", false},  {"a/*", "/a/b", true},      {"/*/x*z", "/a/xyxz", true},
    };
    for (const auto& [pattern, path, matches] : cases) {
        CAPTURE(pattern, path);
        CHECK(checks::pattern_matches(pattern, path) == matches);
    }
}

TEST_CASE("what was read is confirmed by what is seen, unless somebody silenced it") {
    const auto read = [](std::string silenced, std::string about) {
        return Finding{.id = "DC003",
                       .message = "read",
                       .silenced = std::move(silenced),
                       .about = std::move(about)};
    };
    const Finding seen{.id = "DS007", .message = "saw", .about = "api", .seen_in = {"GET /me"}};
    std::vector<Finding> findings = {read("", "api")};
    checks::confirm(findings, {seen, seen});
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].message == "read; seen: saw; saw");
    CHECK(findings[0].seen_in.size() == 2);
    for (auto other : {read("a reason", "api"), read("", "another")}) {
        findings = {other};
        checks::confirm(findings, {seen});
        REQUIRE(findings.size() == 2);
        CHECK(findings[0].id == "DS007");
    }
}

TEST_CASE("the finding that explains a failed step best") {
    using enum checks::Severity;
    const auto one = [](std::string id, checks::Severity severity, std::string about,
                        std::vector<std::string> seen_in, std::string message) {
        return Finding{.id = std::move(id),
                       .severity = severity,
                       .message = std::move(message),
                       .about = std::move(about),
                       .seen_in = std::move(seen_in)};
    };
    const Finding of_site = one("DC005", Warning, "site", {}, "site"),
                  read = one("DC003", Warning, "api", {}, "read"),
                  seen_elsewhere = one("DS007", Warning, "api", {"GET /x"}, "elsewhere"),
                  seen_here = one("DS007", Warning, "api", {"GET /x", "GET /me"}, "here"),
                  error = one("DC004", Error, "api", {}, "error"),
                  of_nothing = one("DC001", Error, "", {}, "origin"),
                  health = one("DS010", Warning, "", {"GET /me"}, "health");
    Finding silenced = seen_here;
    silenced.silenced = "known";
    const struct {
        const char* what;
        std::vector<Finding> findings;
        const char* message;
        const char* distribution;
        const char* best;
    } cases[] = {
        {"another distribution's", {of_site}, "expected 200, got 403", "api", ""},
        {"its own after another's", {of_site, read}, "expected 200, got 403", "api", "read"},
        {"without a request any that fits", {of_site, read}, "expected 200, got 403", "", "site"},
        {"seen before read", {read, seen_elsewhere}, "expected 200, got 401", "api", "elsewhere"},
        {"seen in this very request",
         {error, seen_elsewhere, seen_here},
         "expected 200, got 401",
         "api",
         "here"},
        {"an error before a warning", {read, error}, "expected 200, got 401", "api", "error"},
        {"seen before an error",
         {error, seen_elsewhere},
         "expected 200, got 401",
         "api",
         "elsewhere"},
        {"about the message",
         {of_nothing, read},
         "expected \"x\" (access-control-allow-origin)",
         "api",
         "origin"},
        {"silenced", {silenced}, "expected 200, got 401", "api", ""},
        {"what explains no message", {health}, "expected 200, got 500", "api", ""},
        {"nothing fits", {read}, "expected 3 rows, there are 2", "api", ""},
    };
    for (const auto& each : cases) {
        CAPTURE(each.what);
        const Finding* best =
            checks::best_explanation(each.findings, {each.message, each.distribution, "GET /me"});
        CHECK((best ? best->message : "") == each.best);
    }
}
