// Carrying scenarios out, over real sockets, against a small stand-in for the stack.
#include "scenarios/runner/runner.h"

#include <filesystem>
#include <fstream>

#include "base/process.h"
#include "fake_stack.h"
#include "scenarios/runner/record.h"

namespace {

std::string every_report(const std::vector<ScenarioResult>& results, const World& world) {
    std::vector<Node> records;
    for (const ScenarioResult& result : results)
        records.push_back(record_of(result, world));
    const Node record = whole_record(record_of(SessionResult(), "1"), std::move(records));
    return junit_xml(record) + tap_report(record) + github_annotations(record) +
           github_summary(record) + html_report(record) + base::to_json(record);
}

}  // namespace

TEST_CASE("a request is sent as a viewer sends it, and everything about the answer can be asked") {
    FakeStack stack;
    const Ran ran = run(stack, R"J(
        { "GET": "app:/hello", "expect": { "status": 200, "cache": "hit", "header.age": { "ge": 0 }, "header.nope": { "exists": false }, "bytes": 23,
          "xpath string(//div/@id)": "root", "regex id=\"(\\w+)\"": "root", "body": { "contains": "hi" }, "ms": "< 10s", "ttfb": "> 0", "http": "1.1",
          "origin": "alb", "attempts": 1, "hops": ["edge", "alb", "task"], "task": "10.0.0.5:3000"
}
, "save" : {"sum" : "sha256"}
},
        { "GET": "app:/hello", "expect": { "sha256": "{{sum}}" } },
        { "POST": "app:/login", "json": { "password": "Correct-horse-9" }, "expect": { "status": "2xx", "$.id": 7, "$.roles[*]": { "any": "admin" }, "cookie.sid": "s1", "cookie.sid.HttpOnly": true },
          "save": { "token": "$.token" } },
        { "GET": "app:/me", "auth": "Bearer {{token}}", "query": { "page": 2 }, "from": "127.0.0.9",
          "expect": { "$": { "like": { "host": "d1.cloudfront.net", "auth": "Bearer tok-secret-1", "page": "2", "from": "127.0.0.9" } } } },
        { "GET": "app:/old", "expect": { "status": 302 } },
        { "GET": "app:/old", "follow": true, "expect": { "status": 200, "redirects": 1, "url": "http://d1.cloudfront.net/hello" } })J");
    for (size_t i = 0; i < ran.only().steps.size(); ++i)
        UNSCOPED_INFO(ran.message(i));
    CHECK(ran.outcomes() == "......");
}

TEST_CASE("a session keeps its connection and its cookies, a nameless visitor keeps no cookies") {
    FakeStack stack;
    const Ran ran = run(stack, R"(
        { "POST": "app:/login", "as": "kim", "json": {}, "expect": { "status": 401 } },
        { "GET": "app:/me", "as": "kim", "expect": { "$.cookie": "sid=s1" }, "save": { "port": "$.port" } },
        { "GET": "app:/me", "as": "kim", "expect": { "$.port": "{{port}}" } },
        { "GET": "app:/me", "expect": { "$.cookie": "", "$.port": { "ne": "{{port}}" } } })");
    for (size_t i = 0; i < ran.only().steps.size(); ++i)
        UNSCOPED_INFO(ran.message(i));
    CHECK(ran.outcomes() == "....");
}

TEST_CASE("a failed step ends the scenario, and what cleans up still runs") {
    FakeStack stack;
    const Ran ran = run(
        stack, R"(
        { "GET": "app:/hello", "expect": { "status": 503, "cache": "hit", "$.x": 1 }, "save": { "later": "status" } },
        { "GET": "app:/hello" })",
        R"("after": [ { "GET": "app:/hello", "query": { "x": "{{later}}" } }, { "clock": "+30s" } ],
        )");
    CHECK(ran.outcomes() == "Fs.");
    CHECK(ran.message(0) ==
          "status: expected 503, got 200\n$.x: the body is not JSON (invalid literal; last read: "
          "'<')\n");
    CHECK(ran.only().steps[0].held == std::vector<std::string>{"cache"});
    CHECK(ran.only().steps[1].note == "\"later\" has no value here");
    CHECK(stack.advanced == "+30s tok");
    CHECK(exit_code(ran.results) == 1);

    const std::string text = show_result(ran.only(), stack.world(), {});
    INFO(text);
    CHECK(text.find("3 │         { \"GET\"") == std::string::npos);
    CHECK(text.find("expected 503, got 200") != std::string::npos);
    CHECK(text.find("alb") != std::string::npos);
    CHECK(text.find("log  t  s  GET /me 200") != std::string::npos);
    CHECK(text.find("curl -i --connect-to ::127.0.0.1:") != std::string::npos);
    CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("eventually repeats until it holds, hold until it does not") {
    FakeStack stack;
    CHECK(
        run(stack,
            R"({ "GET": "app:/counter", "eventually": { "within": "20s", "every": "1ms" }, "expect": { "status": 200 } })")
            .only()
            .steps[0]
            .attempts == 3);
    const Ran never = run(
        stack,
        R"({ "GET": "app:/hello", "eventually": { "within": "30ms", "every": "5ms" }, "expect": { "cache": "miss" } })");
    CHECK(never.outcomes() == "F");
    CHECK(never.only().steps[0].attempts > 1);
    CHECK(
        run(stack,
            R"({ "GET": "app:/hello", "hold": { "within": "30ms", "every": "5ms" }, "expect": { "status": 200 } })")
            .outcomes() == ".");
    stack.counter = 0;
    CHECK(
        run(stack,
            R"({ "GET": "app:/counter", "hold": { "within": "10s", "every": "1ms" }, "expect": { "status": 503 } })")
            .only()
            .steps[0]
            .attempts == 3);
}

TEST_CASE("rows, groups, conditions and known failures") {
    FakeStack stack;
    const Ran ran = run(stack, R"(
        { "name": "page {{n}}", "each": [ { "n": 1 }, { "n": 2 } ], "GET": "app:/me", "query": { "page": "{{n}}" }, "expect": { "$.page": "{{n | string}}" } },
        { "group": "g", "steps": [ { "if": "not has.browser", "GET": "app:/hello", "expect": { "status": 200 } }, { "if": "mode == 'x'", "GET": "app:/hello" } ] },
        { "GET": "app:/hello", "expect": { "status": 500 }, "known": { "issue": "BUG-1", "why": "later" } },
        { "logs": "backend", "grep": "started", "expect": { "count": 1, "line": "started" } },
        { "GET": "app:/hello", "expect": { "status": 200 }, "known": { "issue": "BUG-2" } })",
                        R"("vars": { "mode": "y" }, )");
    CHECK(ran.outcomes() == "...sk.F");
    CHECK(ran.only().steps[1].name == "page 2");
    CHECK(ran.only().steps[2].number == "2.1");
    CHECK(ran.message(6) == ": known as BUG-2, and it passes now\n");
    CHECK(ran.only().known == 1);
}

TEST_CASE("a scenario that runs once per row is one result per row") {
    FakeStack stack;
    const Ran ran = run(
        stack, R"({ "GET": "app:/me", "query": { "page": "{{n}}" }, "expect": { "$.page": "1" } })",
        R"("each": [ { "n": "1" }, { "n": "2" } ], )");
    REQUIRE(ran.results.size() == 2);
    CHECK(ran.results[0].outcome == Outcome::Passed);
    CHECK(ran.results[1].outcome == Outcome::Failed);
    CHECK(ran.results[1].row == "n=2");
}

TEST_CASE("a stack that is gone is not the scenario's fault") {
    FakeStack stack;
    World world = stack.world();
    world.viewer_endpoint = "http://127.0.0.1:1";
    const Loaded loaded = read_scenario(
        "x.scenario.json",
        R"({ "version": 1, "scenario": "abc", "steps": [ { "GET": "app:/", "expect": { "status": 200 } } ] })",
        {});
    base::SystemClock clock;
    const auto results = run_scenario(loaded.scenario, world, clock, {.seed = "1"});
    CHECK(results[0].stack_died);
    CHECK(exit_code(results) == 3);
    CHECK(results[0].steps[0].failures[0].message == "nothing answers at 127.0.0.1:1");
    CHECK(exit_code({}) == 4);
}

TEST_CASE("secrets reach no report") {
    FakeStack stack;
    const Ran ran = run(
        stack,
        R"({ "POST": "app:/login", "json": { "password": "{{pass}}" }, "expect": { "status": 200 }, "save": { "token": "$.token" } },
        { "GET": "app:/me", "auth": "Bearer {{token}}", "expect": { "$.auth": "nobody", "$.port": "{{token}}" } })",
        R"("vars": { "pass": "Correct-horse-9" }, "secrets": ["pass", "token"], )");
    CHECK(ran.outcomes() == ".F");
    const std::string all = show_result(ran.only(), stack.world(), {.verbose = true}) +
                            every_report(ran.results, stack.world());
    INFO(all);
    CHECK(all.find("Correct-horse-9") == std::string::npos);
    CHECK(all.find("tok-secret-1") == std::string::npos);
    CHECK(all.find("***token***") != std::string::npos);
}

TEST_CASE("a scripted origin replies as told and remembers") {
    FakeStack stack;
    base::SystemClock clock;
    auto origin = std::make_shared<ScriptedOrigin>(clock);
    const std::string base = "http://127.0.0.1:" + std::to_string(origin->port());
    const Ran ran = run(stack,
                        base::replace_all(R"(
        { "origin": "GET /a", "reply": { "status": 206, "headers": { "x-a": ["1", "2"] }, "body": "one" } },
        { "GET": "BASE/a", "headers": { "x-b": "c" }, "expect": { "status": 206, "body": "one", "header.x-a": "1, 2", "saw.method": "GET", "saw.path": "/a", "saw.header.x-b": "c", "saw.count": 1 } },
        { "POST": "BASE/b", "body": "text", "expect": { "status": 404, "saw.body": "text" } },
        { "origin": "/c", "reply": { "chunked": true, "json": { "x": 1 }, "times": 1 } },
        { "GET": "BASE/c", "expect": { "$.x": 1 } },
        { "GET": "BASE/c", "expect": { "status": 404 } },
        { "origin": "GET /d", "reply": { "raw": "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", "close": true } },
        { "raw": "BASE/", "send": "GET /d HTTP/1.1\r\nhost: x\r\n\r\n", "expect": { "status": 200, "header.content-length": "5", "body": { "ends": "ab" }, "closed": true } })",
                                          "BASE", base),
                        "", origin);
    for (size_t i = 0; i < ran.only().steps.size(); ++i)
        UNSCOPED_INFO(ran.message(i));
    CHECK(ran.outcomes() == "........");
}

// What a report offers for pasting must work as it stands.
TEST_CASE("a curl line repeats the request when pasted into a shell") {
    FakeStack stack;
    const Ran ran = run(stack, R"(
        { "POST": "app:/login", "json": { "password": "it's \"quoted\" $HOME" }, "expect": { "status": 401 } },
        { "GET": "app:/me?page=5&x=y", "headers": { "authorization": "a 'b' c", "x-empty": "" }, "expect": { "$.auth": "a 'b' c" } },
        { "POST": "app:/login", "body": "plain", "expect": { "status": 401 } })");
    REQUIRE(ran.outcomes() == "...");
    base::Spawner spawner;
    auto shell = [&](size_t step) {
        const std::string line =
            curl_line(*ran.only().steps[step].exchange, stack.world()) + " -sS";
        INFO(line);
        auto ended =
            base::run(spawner, {.command = {"/bin/sh", "-c", line}}, std::chrono::seconds(20));
        REQUIRE(ended);
        CHECK(ended->error == "");
        return ended->output;
    };
    CHECK(shell(0).find("401") != std::string::npos);
    CHECK(shell(1).find(R"("auth":"a 'b' c")") != std::string::npos);
    CHECK(shell(1).find(R"("page":"5")") != std::string::npos);
    CHECK(shell(2).find("401") != std::string::npos);
}

// The whole text of a failure: a change of it is meant to be seen in review.
TEST_CASE("a failure reads so") {
    const Scenario scenario =
        read_scenario("scenarios/b.scenario.json",
                      R"({ "version": 1, "scenario": "A visitor logs in", "steps": [
  { "redis": ["GET", "k"], "expect": { "value": "17", "ttl": { "between": [604700, 604800] } } } ] })",
                      {})
            .scenario;
    ScenarioResult result{.scenario = &scenario,
                          .outcome = Outcome::Failed,
                          .took = base::milliseconds(2100),
                          .requests = 1};
    Exchange exchange{.request = {"POST",
                                  {true, "127.0.0.1", 8443, "d2.cloudfront.net", "/auth/login"},
                                  {{"content-type", "application/json"}},
                                  "{\"a\":\"it's\"}",
                                  "",
                                  {}}};
    exchange.response = ViewerResponse{
        200, "1.1", {{"X-Cache", "Miss from cloudfront"}}, "{}", "", base::microseconds(74900), {}};
    exchange.spans = {*base::parse_json(
        R"({"hop": "edge", "method": "POST", "host": "d2", "target": "/auth/login", "status": 200, "took_us": 74500, "resource": "E2", "started": "2026-11-24T15:00:00.000400Z",
        "decisions": [{"key": "cache", "text": "miss: POST is never cached"}]})")};
    StepResult step{.outcome = Outcome::Failed,
                    .number = "1",
                    .name = "redis GET k",
                    .step = &scenario.steps[0],
                    .held = {"value"},
                    .exchange = exchange,
                    .exchange_is_earlier = true,
                    .earlier_step = "step 6  log in"};
    step.failures.push_back({.message = "expected 604700 … 604800, got -1",
                             .position = scenario.steps[0].expect[1].position,
                             .length = scenario.steps[0].expect[1].length,
                             .query = "ttl"});
    step.log_lines = {"12:04:07.113  backend  [LOGIN] a1f@ex.am"};
    result.steps.push_back(step);
    World world;
    world.ca_file = "/s/ca.pem";
    CHECK(show_result(result, world, {.again = "dodam run {}"}) ==
          R"(FAIL  b                                 1 step     2.1s

──── FAIL b ────────────────────────────────────────────────────────────────────────────
A visitor logs in

step 1  redis GET k
  ┌─ scenarios/b.scenario.json:2:55
  │
2 │ … "GET", "k"], "expect": { "value": "17", "ttl": { "between": [604700, 604800] } } } ] }
  │                                           ^^^^^ expected 604700 … 604800, got -1
  held: value
  the request before: step 6  log in
  POST https://d2.cloudfront.net/auth/login → 200   74.9 ms
    viewer      0.0  ─▶ d2.cloudfront.net  POST /auth/login  12 B
    edge        0.0  POST d2/auth/login → 200   74.5 ms   E2
                     cache        miss: POST is never cached
    viewer     74.9  ◀─ 200  2 B  X-Cache: Miss from cloudfront
    log  12:04:07.113  backend  [LOGIN] a1f@ex.am
    x-cache: Miss from cloudfront
    {}
  curl -i --connect-to ::127.0.0.1:8443 --cacert '/s/ca.pem' -X POST -H 'content-type: application/json' --data-raw '{"a":"it'\''s"}' 'https://d2.cloudfront.net/auth/login'
  again   dodam run scenarios/b.scenario.json
────────────────────────────────────────────────────────────────────────────────────────

)");
    const std::string xml = junit_xml(whole_record({}, {record_of(result, world)}));
    CHECK(
        xml.find(
            R"(<testcase name="1 redis GET k" classname="b" file="scenarios/b.scenario.json" line="2" time="0.000">)") !=
        std::string::npos);
    CHECK(xml.find(R"(<failure message="ttl: expected 604700 … 604800, got -1">)") !=
          std::string::npos);
}
