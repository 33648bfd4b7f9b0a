// Reading scenario files: every problem with its place, all at once, before anything runs
// (harness.md §3.4, §3.6).
#include "scenarios/runner/scenario.h"

#include <catch2/catch.hpp>

using namespace scenarios;

namespace {

const base::Node& stack() {
    static const base::Node node = *base::parse_json(R"({
        "distributions": {"front": {"id": "E1", "domain": "d1.cloudfront.net"}, "api": {"id": "E2", "domain": "d2.cloudfront.net"}},
        "buckets": {"frontend": {"name": "site", "domain": "site.s3.amazonaws.com"}},
        "services": {"backend": {"name": "dodam-backend"}}})");
    return node;
}

std::vector<Problem> problems(const std::string& steps, const std::string& head = "") {
    const Surroundings surroundings{&stack(), {}};
    return read_scenario("x.scenario.json",
                         "{ \"version\": 1, \"scenario\": \"it works\",\n" + head +
                             "\"steps\": [\n" + steps + "\n] }",
                         surroundings)
        .problems;
}

}  // namespace

TEST_CASE("a step's problems are told with their place and the way out") {
    struct Case {
        const char* step;
        uint32_t line, column;
        const char* message;
        const char* hint;
    };
    const Case cases[] = {
        {R"({ "GTE": "front:/" })", 3, 3, "unknown verb \"GTE\"", "did you mean \"GET\"?"},
        {R"({ "name": "x" })", 3, 1, "the step has no verb", nullptr},
        {R"({ "GET": "front:/", "sql": "SELECT 1" })", 3, 21,
         "a step has one verb, and this one has \"GET\" and \"sql\"", "make it two steps"},
        {R"({ "GET": "front:/", "expects": {} })", 3, 21, "GET has no key \"expects\"",
         "did you mean \"expect\"?"},
        {R"({ "GET": "front:/", "params": [] })", 3, 21, "\"params\" does not go with GET",
         "it belongs to sql"},
        {R"({ "GET": "front:/", "expect": { "statuss": 200 } })", 3, 33,
         "nothing can be asked by \"statuss\"", "did you mean \"status\"?"},
        {R"({ "GET": "front:/", "expect": { "rows": 1 } })", 3, 33, "GET has no \"rows\"", nullptr},
        {R"({ "GET": "front:/", "expect": { "$.a[": 1 } })", 3, 33,
         "the path does not parse: expected an index, a slice, '*', a quoted name or a filter (at "
         "character 5)",
         ""},
        {R"({ "GET": "front:/", "expect": { "$.a": { "b": 1 } } })", 3, 40,
         "an object here holds operators, and this one holds none",
         "write { \"like\": … } for part of it, { \"eq\": … } for all of it"},
        {R"({ "GET": "front:/", "expect": { "$.a": { "contain": 1 } } })", 3, 42,
         "unknown operator \"contain\"", "did you mean \"contains\"?"},
        {R"({ "GET": "front:/", "expect": { "body": { "match": "(" } } })", 3, 52,
         "the pattern does not compile: missing closing parenthesis (at character 2)", ""},
        {R"({ "GET": "front:/", "expect": { "status": "ok" } })", 3, 43,
         "\"ok\" cannot equal a number", "write 200, \"2xx\" or { \"in\": [200, 304] }"},
        {R"({ "GET": "front:/", "expect": { "xpath //[": 1 } })", 3, 33, nullptr, ""},
        {R"({ "GET": "fornt:/", "expect": { "status": 200 } })", 3, 11, "unknown target \"fornt\"",
         "did you mean \"front\"?"},
        {R"({ "GET": "front/", "expect": { "status": 200 } })", 3, 10, "\"front/\" is no target",
         "write NAME:/path with a name of the stack, or https://…"},
        {R"({ "invalidate": "fron", "paths": ["/*"] })", 3, 17, "the stack has no \"fron\"",
         "did you mean \"front\"?"},
        {R"({ "GET": "front:/{{refesh}}", "expect": { "status": 200 } })", 3, 20,
         "unknown name \"refesh\"", nullptr},
        {R"({ "GET": "front:/{{fake.emial}}" })", 3, 20, "\"fake.emial\" cannot be made up",
         "did you mean \"email\"?"},
        {R"({ "GET": "front:/{{stack.distributions.front.domian}}" })", 3, 20,
         "stack.distributions.front has no \"domian\"", "did you mean \"domain\"?"},
        {R"({ "GET": "front:/{{run.id | strng}}" })", 3, 29, "unknown filter \"strng\"",
         "did you mean \"string\"?"},
        {R"({ "POST": "api:/x", "eventually": "5s", "expect": { "status": 200 } })", 3, 21,
         "\"eventually\" on POST could repeat a side effect",
         "add \"repeatable\": true if sending it twice is harmless"},
        {R"({ "GET": "front:/", "eventually": "5s" })", 3, 21,
         "\"eventually\" without \"expect\" has nothing to look at", ""},
        {R"({ "GET": "front:/", "timeout": "5 s" })", 3, 32,
         "\"timeout\" takes a duration such as \"1.5s\" or \"2m\"", ""},
        {R"({ "aws": "esc.DescribeServices" })", 3, 10,
         "no service is called \"esc\"; did you mean \"ecs\"?", ""},
        {R"({ "aws": "s3.HeadObjct" })", 3, 10,
         "the runner does not speak s3.HeadObjct yet; did you mean \"HeadObject\"?", ""},
        {R"({ "wait": "1s" })", 3, 3, "\"wait\" needs a \"why\"", nullptr},
        {R"({ "clock": "30s" })", 3, 12,
         "\"clock\" takes a jump forward such as \"+30s\" or \"+1d\"", ""},
        {R"({ "POST": "api:/x", "file": "no/such" })", 3, 29, "there is no file ./no/such",
         "files are relative to the scenario's own"},
        {R"({ "GET": "front:/", "known": { "why": "?" } })", 3, 30, "\"known\" needs an \"issue\"",
         nullptr},
        {R"({ "workflow": ".github/workflows/none.yml" })", 3, 15,
         "there is no workflow .github/workflows/none.yml",
         "looked for from the scenario's own directory upwards"},
        {R"({ "workflow": "{{fake.word}}", "event": "push", "inputs": { "a": "b" } })", 3, 49,
         "\"inputs\" go with the event workflow_dispatch",
         "which is the event where none is named"},
        {R"({ "workflow": "{{fake.word}}", "inputs": { "a": [] } })", 3, 49,
         "an input is a text, a number, true or false", ""},
        {R"({ "workflow": "{{fake.word}}", "tree": "dirty" })", 3, 40,
         "\"tree\" takes commit or working", ""},
        {R"({ "browser": ["opne front:/"] })", 3, 15,
         "the browser has no command \"opne\"; did you mean \"open\"?", ""},
        {R"({ "browser": ["open fornt:/"] })", 3, 21, "unknown target \"fornt\"",
         "did you mean \"front\"?"},
        {R"({ "browser": ["fill [name=a]"] })", 3, 15, "\"fill\" needs more", ""},
        {R"({ "browser": ["back now"] })", 3, 15, "\"back\" takes nothing beside it", ""},
        {R"({ "GET": "front:/", "http": 2 })", 3, 29, "HTTP/2 is not spoken here yet",
         "the edge does not serve it"},
        {R"({ "GET": "front:/", "http": "3" })", 3, 29, "there is no HTTP/3 here", "1.0 and 1.1"},
        {R"({ "GET": "front:/", "each": [] })", 3, 29,
         "\"each\" has no rows, so the steps would never run", ""},
        {R"({ "group": "g" })", 3, 3, "\"group\" needs \"steps\"", ""},
        {R"({ "POST": "api:/x", "json": 1, "body": "x" })", 3, 3, "a request has one body",
         nullptr},
    };
    for (const Case& c : cases) {
        INFO(c.step);
        auto found = problems(c.step);
        REQUIRE(found.size() >= 1);
        INFO(found[0].message << " | " << found[0].hint);
        if (c.message) CHECK(found[0].message.starts_with(c.message));
        CHECK(found[0].position.line == c.line);
        CHECK(found[0].position.column == c.column);
        if (c.hint) CHECK(found[0].hint == c.hint);
    }
}

TEST_CASE("a name is known from where it is defined on") {
    CHECK(problems(R"({ "GET": "api:/", "save": { "id": "$.id" } }, { "GET": "api:/{{id}}" })")
              .empty());
    CHECK(problems(R"({ "GET": "api:/{{row}}", "each": [ { "row": 1 } ] })").empty());
    CHECK(problems(R"({ "GET": "api:/{{v}}" })", "\"vars\": { \"v\": 1 },\n").empty());

    SECTION("too early") {
        auto found =
            problems(R"({ "GET": "api:/{{id}}" }, { "GET": "api:/", "save": { "id": "$.id" } })");
        REQUIRE(found.size() == 1);
        CHECK(found[0].message == "\"id\" is used before it is saved");
        CHECK(found[0].label == "saved by: line 3");
    }
    SECTION("a row's name ends with its step") {
        auto found = problems(
            R"({ "GET": "api:/{{row}}", "each": [ { "row": 1 } ] }, { "GET": "api:/{{row}}" })");
        REQUIRE(found.size() == 1);
        CHECK(found[0].message == "unknown name \"row\"");
    }
    SECTION("misspelled, with where the right one is from") {
        auto found = problems(
            "{ \"GET\": \"api:/\", \"name\": \"log in\", \"save\": { \"refresh\": \"$.r\" } },\n{ "
            "\"redis\": [\"GET\", \"{{refesh}}\"] }");
        REQUIRE(found.size() == 1);
        const Source source{"b.scenario.json",
                            "{ \"version\": 1, \"scenario\": \"it works\",\n\"steps\": [\n{ "
                            "\"GET\": \"api:/\", \"name\": \"log in\", \"save\": { \"refresh\": "
                            "\"$.r\" } },\n{ \"redis\": [\"GET\", \"{{refesh}}\"] }"};
        CHECK(show(source, found[0]) ==
              "error: unknown name \"refesh\"; did you mean \"refresh\"?\n"
              "  ┌─ b.scenario.json:4:23\n"
              "  │\n"
              "4 │ { \"redis\": [\"GET\", \"{{refesh}}\"] }\n"
              "  │                       ^^^^^^ saved by: line 3, step \"log in\"\n");
    }
}

TEST_CASE("the head of a file is checked too") {
    const Surroundings none;
    auto messages = [&](const std::string& text) {
        std::vector<std::string> out;
        for (const Problem& problem : read_scenario("x.scenario.json", text, none).problems)
            out.push_back(problem.message);
        return out;
    };
    using List = std::vector<std::string>;
    CHECK(messages("[]") == List{"a scenario is an object"});
    CHECK(messages(R"({ "scenario": "abc", "steps": [{ "GET": "a:/" }] })") ==
          List{"the scenario has no \"version\""});
    CHECK(messages(R"({ "version": 2, "scenario": "abc", "steps": [{ "GET": "a:/" }] })") ==
          List{"version 2 is not known"});
    CHECK(messages(R"({ "version": 1, "scenario": "abc", "setps": [] })") ==
          List{"the scenario has no \"steps\"", "a scenario has no key \"setps\""});
    CHECK(messages(R"({ "version": 1, "scenario": "abc", "steps": [] })") ==
          List{"\"steps\" takes a list of steps"});
    CHECK(messages(R"({ "version": 1, "version": 1 })") == List{"duplicate key \"version\""});
    CHECK(
        messages(
            R"({ "version": 1, "scenario": "abc", "secrets": ["pass"], "steps": [{ "GET": "a:/" }] })") ==
        List{"\"pass\" is neither a variable nor saved by a step"});
    CHECK(
        messages(
            R"({ "version": 1, "scenario": "abc", "vars": { "pass": "short" }, "secrets": ["pass"], "steps": [{ "GET": "a:/" }] })") ==
        List{"the value of \"pass\" is too short to be masked"});
}

TEST_CASE("the sample app's scenarios have no problems") {
    auto files = find_scenario_files({SOURCE_DIR "/fixtures/app/scenarios"});
    REQUIRE(files.size() == 3);
    for (const std::string& file : files) {
        const Loaded loaded = load_scenario(file, {&stack(), {}});
        for (const Problem& problem : loaded.problems)
            UNSCOPED_INFO(show(loaded.scenario.source, problem));
        CHECK(loaded.problems.empty());
        CHECK(loaded.scenario.steps.size() > 5);
    }
}

TEST_CASE("steps come out as they were written") {
    const Loaded loaded = read_scenario(
        "dir/a.scenario.json", R"({ "version": 1, "scenario": "abc", "tags": ["smoke"], "steps": [
        { "group": "g", "steps": [ { "POST": "api:/x", "repeatable": true, "eventually": { "within": "2s", "every": "100ms" }, "expect": { "status": 201, "$.id": { "ge": 1 } }, "save": { "id": "$.id" } } ] } ] })",
        {});
    REQUIRE(loaded.problems.empty());
    CHECK(loaded.scenario.id == "a");
    CHECK(loaded.scenario.tags == std::vector<std::string>{"smoke"});
    REQUIRE(loaded.scenario.steps.size() == 1);
    REQUIRE(loaded.scenario.steps[0].children.size() == 1);
    const Step& step = loaded.scenario.steps[0].children[0];
    CHECK(step.name == "POST api:/x");
    CHECK(step.eventually->within == base::seconds(2));
    CHECK(step.eventually->every == base::milliseconds(100));
    REQUIRE(step.expect.size() == 2);
    CHECK(step.expect[1].query.text() == "$.id");
    CHECK(step.save[0].name == "id");
}
