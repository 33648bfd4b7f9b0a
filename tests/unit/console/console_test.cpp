// The rules of the control API: whose requests it answers, what needs the token, and what its own
// views and actions take.
#include "console/console.h"

#include <catch2/catch.hpp>

#include "support/recorded_exchange.h"

namespace {

constexpr std::string_view kToken = "f00dfeedf00dfeed";

console::Answer named(const char* view) {
    console::Answer answer;
    answer.body.set("view", view);
    return answer;
}

// A console whose views say their names, and the requests made of it.
struct Front {
    base::ManualClock clock;
    base::TraceRing traces;
    int stops = 0;
    base::Node last_input;
    console::Console console{{
        .token = std::string(kToken),
        .clock = clock,
        .traces = traces,
        .status = [](const base::Node&) { return named("status"); },
        .logs = [](const base::Node&) { return named("logs"); },
        .cache = [](const base::Node&) { return named("cache"); },
        .credentials = [](const base::Node&) { return named("credentials"); },
        .deployments = [](const base::Node&) { return named("deployments"); },
        .faults =
            [this](const base::Node& input) {
                last_input = input;
                return named("faults");
            },
        .reset = [](const base::Node&) { return named("reset"); },
        .identity_token = [](const base::Node&) { return named("identity_token"); },
        .stop = [this] { ++stops; },
    }};

    support::RecordedExchange send(std::string method, std::string target,
                                   http::HeaderList headers = {}, std::string body = "") {
        http::RequestHead head;
        head.method = std::move(method);
        head.target = std::move(target);
        head.headers = std::move(headers);
        if (!head.headers.find("host")) head.headers.add("Host", "127.0.0.1:4566");
        support::RecordedExchange exchange(std::move(head), std::move(body));
        console.handle(exchange);
        return exchange;
    }
    base::Node json(const support::RecordedExchange& exchange) {
        auto node = base::parse_json(exchange.response_body);
        REQUIRE(node);
        return std::move(*node);
    }
};

const http::HeaderList kWithToken = {{"X-Dodam-Token", std::string(kToken)}};

}  // namespace

TEST_CASE("only names that nobody else can point here are answered") {
    Front front;
    struct Row {
        const char* host;
        int status;
    };
    const Row rows[] = {
        {"127.0.0.1:4566", 200},
        {"127.3.2.1:4566", 200},
        {"localhost:4566", 200},
        {"LocalHost:4566", 200},
        {"console.localhost:80", 200},
        {"[::1]:4566", 200},
        {"localhost", 200},
        {"evil.example", 421},
        {"127.evil.example:80", 421},
        {"127.0.0.1.evil.example", 421},
        {"localhost.evil.example", 421},
        {"notlocalhost:4566", 421},
        {"10.0.0.1:4566", 421},
        {"[::2]:4566", 421},
        {"", 421},
        {"[", 421},
        {":4566", 421},
    };
    for (const Row& row : rows) {
        CAPTURE(row.host);
        CHECK(front.send("GET", "/_dodam/v1/status", {{"Host", row.host}}).response.status ==
              row.status);
        CHECK(front.send("GET", "/_dodam/", {{"Host", row.host}}).response.status == row.status);
        // The token is no way around it.
        CHECK(front
                  .send("POST", "/_dodam/v1/faults",
                        {{"Host", row.host}, {"X-Dodam-Token", std::string(kToken)}})
                  .response.status == row.status);
    }
}

TEST_CASE("a page of another origin neither reads nor steers") {
    Front front;
    struct Row {
        const char* origin;
        int status;
    };
    const Row rows[] = {
        {"", 200},
        {"http://127.0.0.1:4566", 200},
        {"https://127.0.0.1:4566", 200},
        {"http://127.0.0.1:8080", 403},
        {"http://127.0.0.1", 403},
        {"http://localhost:4566", 403},
        {"https://evil.example", 403},
        {"http://127.0.0.1:4566.evil.example", 403},
        {"null", 403},
        {"127.0.0.1:4566", 403},
    };
    for (const Row& row : rows) {
        CAPTURE(row.origin);
        http::HeaderList headers;
        if (*row.origin) headers.add("Origin", row.origin);
        CHECK(front.send("GET", "/_dodam/v1/status", headers).response.status == row.status);
        headers.add("X-Dodam-Token", kToken);
        CHECK(front.send("POST", "/_dodam/v1/reset", headers).response.status == row.status);
    }
}

TEST_CASE("what changes state needs the token, what reads does not") {
    Front front;
    for (const char* path :
         {"/status", "/traces", "/clock", "/logs", "/cache", "/deployments", "/faults"}) {
        CAPTURE(path);
        auto read = front.send("GET", std::string("/_dodam/v1") + path);
        CHECK(read.response.status == 200);
        CHECK(read.response.headers.get("cache-control") == "no-store");
        CHECK(read.response.headers.get("x-content-type-options") == "nosniff");
        CHECK(read.response.headers.get("access-control-allow-origin").empty());
    }
    const std::string wrong[] = {"", "F00DFEEDF00DFEED", "f00dfeedf00dfee", "f00dfeedf00dfeed0"};
    for (const char* path : {"/clock", "/credentials", "/faults", "/reset", "/stop"}) {
        CAPTURE(path);
        const std::string target = std::string("/_dodam/v1") + path;
        for (const std::string& token : wrong) {
            CAPTURE(token);
            auto refused = front.send("POST", target, {{"X-Dodam-Token", token}});
            CHECK(refused.response.status == 403);
            const std::string message = front.json(refused)["message"].as_string();
            CHECK(message.find("X-Dodam-Token") != std::string::npos);
            CHECK(message.find("instance.json") != std::string::npos);
            CHECK(refused.response_body.find(kToken) == std::string::npos);
        }
        // Not in the query either: it would be in logs and histories.
        CHECK(front.send("POST", target + "?token=" + std::string(kToken)).response.status == 403);
    }
    CHECK(front.stops == 0);
    CHECK(front.send("POST", "/_dodam/v1/stop", kWithToken).response.status == 200);
    CHECK(front.stops == 1);
}

TEST_CASE("paths, methods and bodies that are not what they should be") {
    Front front;
    struct Row {
        const char *method, *target, *body;
        int status;
    };
    const Row rows[] = {
        {"GET", "/_dodam/v1/nothing", "", 404},   {"GET", "/_dodam/v1/", "", 404},
        {"DELETE", "/_dodam/v1/status", "", 405}, {"GET", "/_dodam/v1/stop", "", 405},
        {"POST", "/_dodam/v1/faults", "[]", 400}, {"POST", "/_dodam/v1/faults", "{", 400},
        {"POST", "/_dodam/v1/faults", "{}", 200}, {"GET", "/_dodam/../status", "", 404},
        {"GET", "/_dodam/other", "", 404},        {"GET", "/_dodam", "", 200},
    };
    for (const Row& row : rows) {
        CAPTURE(row.method, row.target, row.body);
        CHECK(front.send(row.method, row.target, kWithToken, row.body).response.status ==
              row.status);
    }
    CHECK(front.send("POST", "/_dodam/v1/faults", kWithToken, std::string(2 << 20, ' '))
              .response.status == 400);
    // A value of the body stands over the query's.
    front.send("POST", "/_dodam/v1/faults?kind=reset&n=7", kWithToken, R"({"kind":"down"})");
    CHECK(front.last_input["kind"].as_string() == "down");
    CHECK(front.last_input["n"].as_int() == 7);
}

// GitHub docs, "OpenID Connect reference": GET, audience in the query, the request token as bearer.
TEST_CASE("a job asks for its identity token with the instance's token as bearer") {
    Front front;
    struct Row {
        const char *method, *authorization;
        int status;
    };
    const Row rows[] = {
        {"GET", "bearer f00dfeedf00dfeed", 200},
        {"POST", "Bearer f00dfeedf00dfeed", 200},
        {"GET", "Bearer f00dfeedf00dfeef", 403},
        {"GET", "Basic f00dfeedf00dfeed", 403},
        {"GET", "f00dfeedf00dfeed", 403},
        {"GET", "bearer", 403},
        {"GET", "", 403},
        {"GET", "bearer  f00dfeedf00dfeed", 403},
    };
    for (const Row& row : rows) {
        CAPTURE(row.method, row.authorization);
        auto exchange = front.send(row.method, "/_dodam/v1/oidc/token?audience=sts.amazonaws.com",
                                   {{"Authorization", row.authorization}});
        CHECK(exchange.response.status == row.status);
    }
}

TEST_CASE("the page is one file that may talk to its own origin only") {
    Front front;
    auto page = front.send("GET", "/_dodam/");
    CHECK(page.response.headers.get("content-type") == "text/html; charset=utf-8");
    CHECK(page.response.headers.get("content-security-policy").find("connect-src 'self'") !=
          std::string::npos);
    CHECK(page.response.headers.get("content-security-policy").find("frame-ancestors 'none'") !=
          std::string::npos);
    CHECK(page.response_body.find(kToken) == std::string::npos);
}

TEST_CASE("the clock goes forward alone") {
    Front front;
    const base::Time before = front.clock.now();
    auto advance = [&](const std::string& text) {
        return front.send("POST", "/_dodam/v1/clock", kWithToken,
                          base::to_json(base::Node::object({{"advance", text}})));
    };
    CHECK(advance("+1d").response.status == 200);
    CHECK(advance("30s").response.status == 200);
    CHECK(front.clock.now() - before == std::chrono::hours(24) + base::seconds(30));
    for (const char* text : {"-1s", "+-1s", "", "+", "tomorrow", "5", "+99999999999999d"}) {
        CAPTURE(text);
        auto refused = advance(text);
        CHECK(refused.response.status == 400);
        CHECK(front.json(refused)["message"].as_string().find("+30s") != std::string::npos);
    }
    CHECK(front.clock.now() - before == std::chrono::hours(24) + base::seconds(30));
}

TEST_CASE("traces are read by id, by socket and as they come") {
    Front front;
    auto add = [&](const char* id, const char* parent, const char* peer) {
        base::Span span;
        span.hop = "edge";
        span.id = id;
        span.parent = parent;
        span.peer = peer;
        front.traces.add(std::move(span));
    };
    add("one-request", "", "127.0.0.1:1");
    add("1-balancer", "one-request", "127.0.0.1:2");
    add("two-request", "", "127.0.0.1:1");
    struct Row {
        const char* query;
        std::vector<int64_t> sequences;
    };
    const Row rows[] = {
        {"", {3, 2, 1}},
        {"?n=1", {3}},
        {"?id=one-request", {1, 2}},
        {"?id=one-re", {1, 2}},
        {"?id=nobody", {}},
        {"?peer=127.0.0.1:1&n=5", {3, 1}},
        {"?since=1", {2, 3}},
        {"?since=3", {}},
        {"?n=-4", {3}},
        {"?n=99999999", {3, 2, 1}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.query);
        auto answer = front.json(front.send("GET", std::string("/_dodam/v1/traces") + row.query));
        std::vector<int64_t> sequences;
        for (const auto& span : answer["spans"].items())
            sequences.push_back(span["sequence"].as_int());
        CHECK(sequences == row.sequences);
        CHECK(answer["last"].as_int() == 3);
    }
}
