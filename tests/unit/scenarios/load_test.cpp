// Loads, faults and kills: what is measured, what is asked of the control API, what is refused.
#include "scenarios/runner/load.h"

#include "fake_stack.h"

namespace {

LoadSample sample(int due_ms, int took_ms, int status) {
    return {base::milliseconds(due_ms), base::milliseconds(due_ms + took_ms), status};
}

std::string text(const Answer& answer, std::string_view word) {
    auto query = Query::parse(word);
    REQUIRE(query);
    auto actual = answer.ask(*query);
    REQUIRE(actual);
    return actual->value ? base::to_json(*actual->value) : "nothing";
}

std::vector<std::string> messages(const std::string& step) {
    const Node stack = *base::parse_json(
        R"({"distributions": {"app": {"id": "E1", "domain": "d1.cloudfront.net"}}, "services": {"backend": {"name": "backend"}}})");
    std::vector<std::string> out;
    for (const Problem& problem :
         read_scenario("x.scenario.json",
                       "{ \"version\": 1, \"scenario\": \"abc\", \"steps\": [" + step + "] }",
                       {&stack, {}})
             .problems)
        out.push_back(problem.message + (problem.hint.empty() ? "" : " | " + problem.hint));
    return out;
}
using List = std::vector<std::string>;

}  // namespace

TEST_CASE("what a load saw is counted, ranked, and its gap is measured") {
    Answer answer;
    std::vector<LoadSample> samples;
    for (int i = 1; i <= 100; ++i)
        samples.push_back(sample(i * 10, i, i == 50 ? 503 : i == 51 ? 0 : i == 52 ? 404 : 200));
    samples.push_back(sample(5, 1000, 500));  // of the warm-up
    summarize(samples, base::milliseconds(10), answer);
    const std::pair<const char*, const char*> expected[] = {
        {"requests", "100"}, {"failed", "3"},     {"failedRate", "3"}, {"status.5xx", "1"},
        {"status.503", "1"}, {"status.404", "1"}, {"status.0", "1"},   {"status.502", "0"},
        {"p50", "50"},       {"p95", "95"},       {"p99", "99"},       {"recovers", "33"},
    };
    for (const auto& [word, value] : expected) {
        INFO(word);
        CHECK(text(answer, word) == value);
    }

    Answer none, down;
    summarize({sample(0, 1, 200)}, {}, none);
    CHECK(text(none, "recovers") == "0");
    summarize({sample(0, 1, 200), sample(10, 1, 503)}, {}, down);
    CHECK(text(down, "recovers") == "nothing");
    Answer empty;
    summarize({}, {}, empty);
    CHECK(text(empty, "requests") == "0");
}

TEST_CASE("a load runs beside its steps, and its failures are counted") {
    FakeStack stack;
    const Ran ran = run(stack, R"J(
        { "load": { "GET": "app:/broken", "rps": 100 },
          "while": [ { "GET": "app:/hello", "hold": "200ms", "expect": { "status": 200 } } ],
          "expect": { "requests": ">= 10", "failed": 3, "status.5xx": 3, "failedRate": "<= 40%", "p99": "< 5s", "recovers": { "gt": 0 }, "ms": ">= 200ms" },
          "save": { "n": "requests" } },
        { "check": { "{{n}}": { "ge": 10 } } })J");
    for (size_t i = 0; i < ran.only().steps.size(); ++i)
        UNSCOPED_INFO(ran.message(i));
    CHECK(ran.outcomes() == "...");
    CHECK(ran.only().steps[0].number == "1.1");
    CHECK(ran.only().steps[1].number == "1");
}

TEST_CASE("a load by so many viewers, for a time, that measures too much") {
    FakeStack stack;
    const Ran ran = run(stack, R"J(
        { "load": { "GET": "app:/hello", "concurrency": 3, "for": "100ms" }, "expect": { "requests": { "ge": 3 }, "status.2xx": { "ge": 3 }, "failed": 1 } })J");
    CHECK(ran.outcomes() == "F");
    CHECK(ran.message(0) == "failed: expected 1, got 0\n");
}

TEST_CASE("a load that measured nothing is red") {
    FakeStack stack;
    const Ran ran = run(stack, R"J(
        { "load": { "GET": "app:/hello", "rps": 10, "warmup": "5s", "for": "50ms" }, "expect": { "failed": 0 } })J");
    CHECK(ran.outcomes() == "F");
    CHECK(ran.message(0) == ": no request was made, so nothing was measured\n");
}

TEST_CASE("what is wrong with a load is told before it runs") {
    CHECK(messages(R"J({ "load": { "rps": 10, "for": "1s" } })J") ==
          List{"\"load\" has no request | such as { \"GET\": \"api:/health\", \"rps\": 50 }"});
    CHECK(messages(R"J({ "load": { "GET": "app:/", "for": "1s" } })J") ==
          List{"\"load\" needs \"rps\" or \"concurrency\""});
    CHECK(messages(R"J({ "load": { "GET": "app:/", "rps": 5 } })J") ==
          List{"\"load\" needs \"while\" | or \"for\" beside its request: how long it lasts"});
    CHECK(messages(R"J({ "load": { "GET": "app:/", "rps": 5000, "for": "1s" } })J") ==
          List{"\"rps\" takes a number up to 2000"});
    CHECK(messages(R"J({ "load": { "GET": "app:/", "concurrency": 0, "for": "1s" } })J") ==
          List{"\"concurrency\" takes a number from 1 to 64"});
    CHECK(messages(R"J({ "load": { "GET": "ap:/", "rps": 5, "fro": "1s" } })J").size() == 3);
    CHECK(messages(
              R"J({ "load": { "GET": "app:/", "rps": 5, "for": "1s" }, "eventually": "1s" })J") ==
          List{"\"eventually\" does not go with load | put it on a step inside"});
}

TEST_CASE("a fault lasts as long as its steps, whatever becomes of them") {
    FakeStack stack;
    const Ran ran = run(stack, R"J(
        { "fault": { "db": { "latency": "700ms", "jitter": "50ms" }, "s3": "deny" },
          "steps": [ { "GET": "app:/hello", "expect": { "status": 500 } } ] })J");
    CHECK(ran.outcomes() == ".F");
    CHECK(ran.only().steps[0].name == "fault db latency 700ms ± 50ms, s3 deny");
    CHECK(stack.asked_faults() ==
          List{R"({"target":"db","fault":{"latency":"700ms","jitter":"50ms"},"lease":"15s"})",
               R"({"target":"s3","fault":"deny","lease":"15s"})", R"({"clear":1})",
               R"({"clear":2})"});
}

TEST_CASE("of several faults all are set or none") {
    FakeStack stack;
    stack.redis_refuses = true;
    const Ran ran = run(stack, R"J(
        { "fault": { "db": "down", "redis": "down" }, "steps": [ { "GET": "app:/hello" } ] })J");
    CHECK(ran.outcomes() == "F");
    CHECK(ran.message(0) == ": no redis here\n");
    CHECK(stack.asked_faults().back() == R"({"clear":1})");
}

TEST_CASE("a kill is asked of the control API") {
    FakeStack stack;
    const Ran ran = run(
        stack,
        R"J({ "kill": "task:backend[0]", "signal": "TERM", "expect": { "count": 1, "$[0]": "t1" } })J");
    CHECK(ran.outcomes() == ".");
    CHECK(stack.asked_faults() ==
          List{R"({"target":"target:backend[0]","fault":{"kill":"TERM"}})"});
}

TEST_CASE("what is wrong with a fault or a kill is told before it runs") {
    const std::pair<const char*, const char*> cases[] = {
        {R"({ "mars": "down" })", "no fault can be set on \"mars\"; targets are edge, origin:NAME"},
        {R"({ "dbb": "down" })", "no fault can be set on \"dbb\"; did you mean \"db\"?"},
        {R"({ "origin:": "reset" })", "no fault can be set on \"origin:\""},
        {R"({ "db": "lateny" })", "db has no fault \"lateny\"; did you mean \"latency\"?"},
        {R"({ "db": "cold" })", "db has no fault \"cold\"; its faults are down, latency"},
        {R"({ "db": "latency" })", "\"latency\" takes a duration such as \"250ms\""},
        {R"({ "db": { "latency": "much" } })", "\"latency\" takes a duration such as \"250ms\""},
        {R"({ "db": { "down": true, "hang": true } })",
         "\"down\" and \"hang\" at once: make it two"},
        {R"({ "db": { "hang": true, "jitter": "1s" } })", "\"jitter\" belongs to \"latency\""},
        {R"({ "db": {} })", "db needs a fault: down, latency"},
        {R"({ "db": { "down": 7 } })", "\"down\" takes nothing beside it"},
        {R"({ "origin:alb": { "error": 200 } })", "\"error\" takes a status from 400 to 599"},
        {R"({ "s3": { "slow": "fast" } })", "\"slow\" takes bytes per second such as \"64KiB\""},
        {R"({ "target:backend": "kill" })", "\"kill\" happens once and is a verb of its own"},
        {R"({ "target:backnd[0]": "hang" })", "the stack has no \"backnd\""},
        {R"({})", "an empty \"fault\" breaks nothing"},
    };
    for (const auto& [fault, message] : cases) {
        INFO(fault);
        const List found = messages(std::string(R"({ "fault": )") + fault +
                                    R"(, "steps": [ { "GET": "app:/" } ] })");
        REQUIRE(found.size() == 1);
        CHECK_THAT(found[0], Catch::StartsWith(message));
    }
    CHECK(messages(R"J({ "fault": { "db": "down" } })J") == List{"\"fault\" needs \"steps\""});
    CHECK(messages(R"J({ "kill": "backend" })J") ==
          List{"\"kill\" takes a task such as \"task:backend[0]\""});
    CHECK(messages(R"J({ "kill": "task:backnd" })J") ==
          List{"the stack has no \"backnd\" | did you mean \"backend\"?"});
    CHECK(messages(R"J({ "kill": "task:backend", "signal": "HUP" })J") ==
          List{"\"signal\" takes KILL or TERM"});
}
