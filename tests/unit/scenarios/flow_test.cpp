// Verbs that hold other steps or compare what is known: group, parallel, use, check, each.
#include <filesystem>
#include <fstream>

#include "fake_stack.h"
#include "support/temporary_directory.h"

namespace {

std::string numbers(const Ran& ran) {
    std::string out;
    for (const StepResult& step : ran.only().steps)
        out += (out.empty() ? "" : " ") + step.number;
    return out;
}

void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

std::vector<std::string> messages(const std::string& file, const std::string& text) {
    std::vector<std::string> out;
    for (const Problem& problem : read_scenario(file, text, {}).problems)
        out.push_back(problem.message + (problem.hint.empty() ? "" : " | " + problem.hint));
    return out;
}
std::string scenario(const std::string& steps, const std::string& head = "") {
    return "{ \"version\": 1, \"scenario\": \"abc\", " + head + " \"steps\": [" + steps + "] }";
}
using List = std::vector<std::string>;

}  // namespace

TEST_CASE("steps in parallel run at the same time, see each other's cookies and saves afterwards") {
    FakeStack stack;
    const Ran ran = run(stack, R"J(
        { "parallel": [
            { "POST": "app:/login", "as": "kim", "json": { "password": "Correct-horse-9" }, "expect": { "status": 200 }, "save": { "token": "$.token" } },
            { "group": "a group beside it", "steps": [ { "GET": "app:/hello", "save": { "sum": "sha256" } }, { "GET": "app:/me", "query": { "page": "{{fake.word}}" }, "save": { "one": "$.page" } } ] },
            { "GET": "app:/me", "query": { "page": "{{fake.word}}" }, "save": { "two": "$.page" } } ] },
        { "GET": "app:/me", "as": "kim", "auth": "{{token}}", "expect": { "$.cookie": "sid=s1", "$.auth": "tok-secret-1" } },
        { "GET": "app:/hello", "expect": { "sha256": "{{sum}}" } },
        { "check": { "{{one}}": { "ne": "{{two}}" } } })J");
    for (size_t i = 0; i < ran.only().steps.size(); ++i)
        UNSCOPED_INFO(ran.message(i));
    CHECK(ran.outcomes() == ".......");
    CHECK(numbers(ran) == "1.1 1.2.1 1.2.2 1.3 2 3 4");
    CHECK(ran.only().requests == 6);
}

TEST_CASE("one of several steps in parallel fails: the others end, the scenario does too") {
    FakeStack stack;
    const Ran ran = run(stack, R"J(
        { "parallel": [ { "GET": "app:/hello", "expect": { "status": 500 } }, { "GET": "app:/hello" } ] },
        { "GET": "app:/hello" })J");
    CHECK(ran.outcomes() == "F.");
    CHECK(ran.only().outcome == Outcome::Failed);
}

TEST_CASE("steps in parallel cannot wait for each other, which is told before they run") {
    CHECK(messages("x.scenario.json", scenario(R"J(
              { "parallel": [ { "GET": "a:/", "save": { "id": "$.id" } }, { "GET": "a:/{{id}}" } ] })J")) ==
          List{"\"id\" is used before it is saved"});
    CHECK(messages("x.scenario.json", scenario(R"J(
              { "parallel": [ { "GET": "a:/", "save": { "id": "$.id" } }, { "GET": "a:/", "save": { "id": "$.id" } } ] })J")) ==
          List{"\"id\" is saved by two steps at the same time | which of them is last is left to "
               "chance"});
}

TEST_CASE("a verb that holds steps has no expectations of its own") {
    CHECK(messages(
              "x.scenario.json",
              scenario(
                  R"J({ "group": "g", "expect": { "ms": 1 }, "steps": [ { "GET": "a:/" } ] })J")) ==
          List{"\"expect\" does not go with group | put it on a step inside"});
    CHECK(messages("x.scenario.json", scenario(R"J({ "check": {} })J")) ==
          List{"an empty \"check\" checks nothing"});
    CHECK(
        messages("x.scenario.json", scenario(R"J({ "check": { "a": 1 } })J")) ==
        List{
            "\"a\" is fixed: there is nothing to check | write \"{{a}}\" for the value of a name"});
}

TEST_CASE("a check compares values with their types") {
    FakeStack stack;
    const Ran ran = run(stack, R"J(
        { "POST": "app:/login", "json": { "password": "Correct-horse-9" }, "save": { "id": "$.id" } },
        { "check": { "{{id}}": 7, "{{id | string}}": "7", "user {{id}}": { "ends": "7" } } },
        { "check": { "{{id}}": { "gt": 7 } } })J");
    CHECK(ran.outcomes() == "..F");
    CHECK(ran.message(2) == "{{id}}: expected more than 7, got 7\n");
}

TEST_CASE("a block's timeout is shared by its steps") {
    FakeStack stack;
    const Ran ran = run(stack, R"J(
        { "group": "g", "timeout": "50ms", "steps": [ { "wait": "20ms", "why": "w" }, { "GET": "app:/hello", "expect": { "status": 1 }, "eventually": "20s" } ] })J");
    CHECK(ran.outcomes() == ".F");
    CHECK(ran.only().took < base::seconds(10));
}

TEST_CASE(
    "the steps of another file: variables go in, names come out, cleaning up is left to the end") {
    FakeStack stack;
    support::TemporaryDirectory directory;
    std::filesystem::create_directories(directory.path() + "/flows");
    write(directory.path() + "/flows/body.json", "{}");
    write(directory.path() + "/flows/login.steps.json",
          R"J({ "version": 1, "scenario": "somebody logs in",
        "vars": { "password": null, "page": 3, "word": "{{fake.word}}" }, "secrets": ["password", "token"],
        "before": [ { "POST": "app:/login", "file": "body.json", "expect": { "status": 401 } } ],
        "steps": [ { "POST": "app:/login", "json": { "password": "{{password}}" }, "expect": { "status": 200 }, "save": { "token": "$.token" } },
                   { "GET": "app:/me", "query": { "page": "{{page}}" }, "expect": { "$.page": "{{page | string}}" } } ],
        "after": [ { "GET": "app:/me", "auth": "{{token}}", "expect": { "$.auth": "tok-secret-1" } } ] })J");
    const std::string file = directory.path() + "/x.scenario.json";
    const Ran ran = run(stack, R"J(
        { "use": "flows/login.steps.json", "with": { "password": "{{pass}}" }, "save": { "access": "token", "first": "word" } },
        { "use": "flows/login.steps.json", "with": { "password": "{{pass}}", "page": 4 }, "save": { "second": "word" } },
        { "check": { "{{access}}": "tok-secret-1", "{{first}}": { "ne": "{{second}}" } } })J",
                        R"("vars": { "pass": "Correct-horse-9" }, )", nullptr, file);
    for (size_t i = 0; i < ran.only().steps.size(); ++i)
        UNSCOPED_INFO(ran.message(i));
    CHECK(numbers(ran) == "1.1 1.2 1.3 2.1 2.2 2.3 3 2.a1 1.a1");
    CHECK(ran.outcomes() == ".........");
    CHECK(ran.only().mask("x tok-secret-1") == "x ***token***");
}

TEST_CASE("a failure inside a used file is shown in that file") {
    FakeStack stack;
    support::TemporaryDirectory directory;
    const std::string used = directory.path() + "/hello.steps.json";
    write(used,
          "{ \"version\": 1, \"scenario\": \"abc\",\n\"steps\": [\n{ \"GET\": \"app:/hello\", "
          "\"expect\": { \"status\": 404 } } ] }");
    const Ran ran = run(stack, R"J({ "use": "hello.steps.json" })J", "", nullptr,
                        directory.path() + "/x.scenario.json");
    REQUIRE(ran.outcomes() == "F");
    const std::string shown = show_result(ran.only(), stack.world(), {});
    CHECK_THAT(shown, Catch::Contains(used + ":3:36"));
    CHECK_THAT(shown, Catch::Contains("\"expect\": { \"status\": 404 }"));
}

TEST_CASE("what is wrong with a used file is told with both places") {
    support::TemporaryDirectory directory;
    const std::string file = directory.path() + "/x.scenario.json";
    const std::string used = directory.path() + "/u.json";
    auto told = [&](const std::string& inner, const std::string& step) {
        write(used, inner);
        return messages(file, scenario(step));
    };
    const std::string one = R"J({ "GET": "a:/" })J";
    CHECK(told("{ \"version\": 1,\n\"scenario\": \"abc\", \"steps\": [ { \"GTE\": \"a:/\" } ] }",
               R"J({ "use": "u.json" })J") ==
          List{used + ":2:33: unknown verb \"GTE\" | did you mean \"GET\"?"});
    CHECK(told(scenario(one, R"("each": [ { "a": 1 } ],)"), R"J({ "use": "u.json" })J") ==
          List{used + ":1:36: \"each\" has no meaning in a used file | it belongs to the scenario "
                      "that uses it"});
    CHECK(told(scenario(one, R"("vars": { "pass": null },)"), R"J({ "use": "u.json" })J") ==
          List{used + ":1:46: \"pass\" is not given | the step that uses the file gives it by "
                      "\"with\""});
    CHECK(told(scenario(one, R"("vars": { "pass": 1 },)"),
               R"J({ "use": "u.json", "with": { "pas": 1 } })J") ==
          List{used + ":1:1: the file has no variable \"pas\" | did you mean \"pass\"?"});
    CHECK(told(scenario(one, R"("vars": { "pass": 1 },)"),
               R"J({ "use": "u.json", "save": { "x": "pas" } })J") ==
          List{used + " has no name \"pas\" | did you mean \"pass\"?"});
    CHECK(told(scenario(R"J({ "use": "u.json" })J"), R"J({ "use": "u.json" })J")
              .at(0)
              .find("uses itself") != std::string::npos);
    CHECK(messages(file, scenario(R"J({ "use": "absent.json" })J")).size() == 1);
    CHECK(messages(file, scenario(one, R"("vars": { "pass": null },)")) ==
          List{"\"pass\" is not given | null means that the user of this file gives it: --var "
               "pass=VALUE, or \"with\""});
}

TEST_CASE("the head's own words: world, lock, retries") {
    const Loaded loaded = read_scenario(
        "x.scenario.json",
        scenario(
            R"J({ "GET": "a:/" })J",
            R"("world": "snapshot:shop", "lock": ["service:backend"], "retries": 2, "stack": { "a.b": 1 },)"),
        {});
    REQUIRE(loaded.problems.empty());
    CHECK(loaded.scenario.world == "snapshot:shop");
    CHECK(loaded.scenario.lock == List{"service:backend"});
    CHECK(loaded.scenario.retries == 2);
    CHECK(loaded.scenario.overlay["a.b"].as_int() == 1);
    CHECK(messages("x.scenario.json", scenario(R"J({ "GET": "a:/" })J", R"("world": "dirty",)")) ==
          List{"\"world\" takes \"clean\", \"keep\" or \"snapshot:NAME\""});
    CHECK(messages("x.scenario.json", scenario(R"J({ "GET": "a:/" })J", R"("retries": 9,)")) ==
          List{"\"retries\" takes a number from 0 to 5"});
}

TEST_CASE("rows go over a group and over a used file, and their names end with them") {
    FakeStack stack;
    const Ran ran = run(stack, R"J(
        { "group": "page {{page}}", "each": [ { "page": "1" }, { "page": "2" } ],
          "steps": [ { "GET": "app:/me", "query": { "page": "{{page}}" }, "expect": { "$.page": "{{page}}" } } ] })J");
    CHECK(ran.outcomes() == "..");
    CHECK(numbers(ran) == "1[1].1 1[2].1");
    CHECK(ran.only().steps[1].path == "group page 2");
}
