// The operators "schema" and "snapshot", and the verbs "run" and "workflow".
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "fake_stack.h"
#include "scenarios/runner/json_schema.h"
#include "scenarios/runner/snapshots.h"
#include "support/temporary_directory.h"

namespace {

std::string findings(const char* schema, const char* value) {
    const Node parsed = *base::parse_json(schema);
    CHECK(schema_problem(parsed) == "");
    std::string out;
    for (const auto& each : validate_by_schema(parsed, *base::parse_json(value)))
        out += (out.empty() ? "" : "; ") + each.path + " " + each.message;
    return out;
}

std::string read(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}
void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("a schema finds what does not fit, with its place") {
    struct Case {
        const char *schema, *value, *found;
    };
    const Case cases[] = {
        {"true", "1", ""},
        {"false", "1", " may not be there"},
        {R"({"type":"string"})", "1", " is of type integer, and string is wanted"},
        {R"({"type":["string","null"]})", "null", ""},
        {R"({"type":"number"})", "1", ""},
        {R"({"type":"integer"})", "1.0", ""},
        {R"({"type":"integer"})", "1.5", " is of type number, and integer is wanted"},
        {R"({"enum":[1,"a"]})", R"("b")", R"( is "b", and none of [1,"a"])"},
        {R"({"const":3})", "4", " is 4, and 3 is wanted"},
        {R"({"required":["id"],"properties":{"id":{"type":"integer"}}})", "{}", R"( has no "id")"},
        {R"({"properties":{"a":{"properties":{"b":{"type":"null"}}}}})", R"({"a":{"b":1}})",
         ".a.b is of type integer, and null is wanted"},
        {R"({"properties":{"a":{}},"additionalProperties":false})", R"({"a":1,"b":2})",
         ".b is not in the schema"},
        {R"({"additionalProperties":{"type":"null"}})", R"({"b":2})",
         ".b is of type integer, and null is wanted"},
        {R"({"patternProperties":{"^x-":{"type":"null"}},"additionalProperties":false})",
         R"({"x-a":1})", ".x-a is of type integer, and null is wanted"},
        {R"({"propertyNames":{"maxLength":1}})", R"({"ab":1})",
         ".ab has 2 characters, and at most 1 are wanted"},
        {R"({"minProperties":1})", "{}", " has 0 members, and at least 1 are wanted"},
        {R"({"items":{"type":"integer"}})", R"([1,"a"])",
         "[1] is of type string, and integer is wanted"},
        {R"({"items":[{"const":1}],"additionalItems":false})", "[1,2]", "[1] may not be there"},
        {R"({"minItems":1,"maxItems":2})", "[1,2,3]", " has 3 elements, and at most 2 are wanted"},
        {R"({"uniqueItems":true})", "[1,2,1]", " has the same element twice: [0] and [2]"},
        {R"({"contains":{"const":3}})", "[1]", R"( has no element that "contains" asks for)"},
        {R"({"minimum":2,"exclusiveMaximum":3})", "3", " is 3, and less than 3 is wanted"},
        {R"({"multipleOf":0.1})", "0.3", ""},
        {R"({"pattern":"^a"})", R"("b")", R"( is "b", and does not match /^a/)"},
        {R"({"minLength":2})", R"("홍길")", ""},
        {R"({"anyOf":[{"const":1},{"const":2}]})", "3", R"( fits none of "anyOf")"},
        {R"({"oneOf":[{"minimum":1},{"minimum":2}]})", "3",
         R"( fits 2 of "oneOf", and one is wanted)"},
        {R"({"not":{"const":1}})", "1", R"( fits what "not" forbids)"},
        {R"({"if":{"const":1},"then":{"const":2},"else":{"const":3}})", "4",
         " is 4, and 3 is wanted"},
        {R"({"definitions":{"a~b":{"type":"null"}},"properties":{"x":{"$ref":"#/definitions/a~0b"}}})",
         R"({"x":1})", ".x is of type integer, and null is wanted"},
        {R"({"properties":{"child":{"$ref":"#"}},"additionalProperties":false})",
         R"({"child":{"child":{"y":1}}})", ".child.child.y is not in the schema"},
    };
    for (const Case& c : cases) {
        INFO(c.schema << " " << c.value);
        CHECK(findings(c.schema, c.value) == c.found);
    }
}

TEST_CASE("a schema that says more than is understood is refused") {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"typ":"string"})", "the keyword \"typ\" is not understood; did you mean \"type\"?"},
        {R"({"unevaluatedProperties":false})", "the keyword \"unevaluatedProperties\" is not"},
        {R"({"items":{"type":"text"}})", "there is no type \"text\""},
        {R"({"$ref":"other.json"})", "the reference \"other.json\" leads nowhere in this file"},
        {R"({"$ref":"#/nope"})", "the reference \"#/nope\" leads nowhere in this file"},
        {R"({"pattern":"("})", "the pattern does not compile"},
        {R"({"anyOf":[3]})", "a schema is an object, true or false"},
    };
    for (const auto& [schema, problem] : cases) {
        INFO(schema);
        CHECK_THAT(schema_problem(*base::parse_json(schema)), Catch::StartsWith(problem));
    }
}

TEST_CASE("an answer is held against a schema, from a file or from the step") {
    FakeStack stack;
    support::TemporaryDirectory directory;
    write(directory / "user.json",
          R"({ "type": "object", "required": ["id", "token"], /* a comment */
               "properties": { "id": { "type": "integer" }, "roles": { "items": { "enum": ["admin"] } } } })");
    const std::string login =
        R"J({ "POST": "app:/login", "json": { "password": "Correct-horse-9" }, "expect": )J";
    const Ran ran = run(stack,
                        login + R"J({ "$.token": { "schema": { "type": "string" } } } },)J" +
                            login + R"J({ "$": { "schema": "user.json" } } })J",
                        "", nullptr, directory / "x.scenario.json");
    CHECK(ran.outcomes() == ".F");
    CHECK(ran.message(1) ==
          "$: it does not fit the schema: .roles[1] is \"user\", and none of [\"admin\"]\n");

    auto problem = [&](const std::string& matcher) {
        const auto found = read_scenario(directory / "x.scenario.json",
                                         R"({ "version": 1, "scenario": "abc", "steps": [ )" +
                                             login + "{ \"$\": " + matcher + " } } ] }",
                                         {})
                               .problems;
        return found.empty() ? "" : found[0].message;
    };
    CHECK(problem(R"({ "schema": "absent.json" })") ==
          "there is no file " + (directory / "absent.json"));
    write(directory / "broken.json", "{ \"type\": }");
    CHECK_THAT(problem(R"({ "schema": "broken.json" })"), Catch::Contains("broken.json:1:11"));
    CHECK(problem(R"({ "schema": { "typ": "string" } })") ==
          "the keyword \"typ\" is not understood; did you mean \"type\"?");
    CHECK(problem(R"({ "not": { "snapshot": "x" } })") ==
          "\"snapshot\" stands alone, not inside another operator");
    CHECK(problem(R"({ "snapshot": 3 })") == "\"snapshot\" takes a name");
}

TEST_CASE("a snapshot is written once, red, and compared from then on") {
    FakeStack stack;
    support::TemporaryDirectory directory;
    const std::string step =
        R"J({ "POST": "app:/login", "json": { "password": "Correct-horse-9" }, "expect": { "$": { "snapshot": "login" }, "header.set-cookie": { "snapshot": "cookie" } } })J";
    const std::string file = directory / "x.scenario.json";
    const Ran first = run(stack, step, "", nullptr, file);
    CHECK(first.outcomes() == "F");
    const std::string json = directory / "snapshots/x/login.json";
    CHECK(first.message(0).find("there was no snapshot \"login\": " + json +
                                " is written now; look at it, and run again") != std::string::npos);
    CHECK(base::parse_json(read(json))->find("token") != nullptr);
    CHECK(read(directory / "snapshots/x/cookie.txt") == "sid=s1; Path=/; HttpOnly");
    CHECK(run(stack, step, "", nullptr, file).outcomes() == ".");

    write(json, R"({ "id": 8, "token": "tok-secret-1", "roles": ["admin", "user"] })");
    const Ran differs = run(stack, step, "", nullptr, file);
    CHECK(differs.outcomes() == "F");
    REQUIRE(differs.only().steps[0].failures[0].differences.size() == 1);
    CHECK(differs.only().steps[0].failures[0].differences[0].path == ".id");

    auto updated = take_snapshot(directory.path(), "x", "login", Node(1), SnapshotMode::Update);
    REQUIRE(updated);
    CHECK(updated->written);
    CHECK(read(json) == "1\n");
    for (const char* name : {"", "../up", ".hidden", "a/b"})
        CHECK(!take_snapshot(directory.path(), "x", name, Node(1), SnapshotMode::Compare));
}

TEST_CASE("commands run where they are allowed, and know where the stack is") {
    FakeStack stack;
    support::TemporaryDirectory directory;
    std::filesystem::create_directories(directory / "sub");
    const std::string steps = R"J(
        { "run": "pwd; echo $AWS_ENDPOINT_URL $X >&2", "cwd": "sub", "env": { "X": "{{v}}" },
          "expect": { "stdout": { "ends": "/sub\n" }, "stderr": { "match": "^http://127.0.0.1:\\d+ seven\n$" } } },
        { "run": "echo '{\"a\": [1]}'", "expect": { "$.a[0]": 1, "exit": 0 } },
        { "run": "exit 3", "expect": { "exit": 3 } },
        { "run": "echo it broke >&2; exit 4" })J";
    const std::string head = "\"vars\": { \"v\": \"seven\" },\n";
    const std::string file = directory / "x.scenario.json";
    const Ran refused = run(stack, steps, head, nullptr, file);
    CHECK(refused.outcomes() == "F");
    CHECK(refused.message(0) == ": commands of this machine are not run here\n");
    const Ran ran = run(stack, steps, head, nullptr, file, {.seed = "1", .allow_commands = true});
    for (size_t i = 0; i < ran.only().steps.size(); ++i)
        UNSCOPED_INFO(ran.message(i));
    CHECK(ran.outcomes() == "...F");
    CHECK(ran.message(3) == ": the command ended with 4\n");
    CHECK(ran.only().steps[3].failures[0].hint == "it broke");
}

// A program in the place of `dodam`: what the step asks of it, and what it makes of its answers.
TEST_CASE("a workflow's jobs can be expected; what failed is told with its place and last lines") {
    FakeStack stack;
    support::TemporaryDirectory directory;
    std::filesystem::create_directories(directory / ".github/workflows");
    std::filesystem::create_directories(directory / "scenarios");
    write(directory / ".github/workflows/deploy.yml", "on: push\n");
    write(directory / "answer.json",
          R"J({ "file": ".github/workflows/deploy.yml", "conclusion": "failure", "jobs": [
        { "id": "build", "name": "build (1)", "result": "failure", "outputs": {}, "steps": [
          { "name": "Checkout", "outcome": "success", "conclusion": "success", "line": 6 },
          { "name": "Test", "outcome": "failure", "conclusion": "failure", "line": 7, "detail": "exit code 3",
            "output": ["one", "two"], "annotations": [{ "level": "error", "message": "no", "file": "a.js", "line": 2, "column": 4 }] } ] },
        { "id": "build", "name": "build (2)", "result": "success", "steps": [] },
        { "id": "deploy", "name": "deploy", "result": "skipped", "steps": [] } ] })J");
    const std::string program = directory / "program";
    write(program, "#!/bin/sh\ncd " + std::string(directory.path()) + R"(
echo "$@" >asked
case "$*" in
*lint*) printf 'error: it is wrong\nlook here\n' >&2; exit 2;;
*slow*) trap 'cat answer.json; exit 130' INT; while :; do sleep 0.05; done;;
esac
cat answer.json; exit 1
)");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    const std::string file = directory / "scenarios/x.scenario.json";
    const std::string flow = R"J({ "workflow": ".github/workflows/deploy.yml")J";
    const auto ran = [&](const std::string& rest) {
        RunOptions options{.seed = "1"};
        options.program = program;
        return run(stack, flow + rest + " }", "", nullptr, file, options);
    };
    const std::string told =
        "build (1) › Test failure: a.js:2:4 (exit code 3)\n      one\n      two\n      error: no";

    CHECK(run(stack, flow + " }", "", nullptr, file).message(0) ==
          ": workflows run with `dodam run` alone\n");
    const Ran asked = ran(R"J(, "inputs": { "stage": "blue", "times": 2 }, "tree": "working",
        "expect": { "result": "failure", "jobs.build": "failure", "jobs.deploy": "skipped",
                    "failedStep": "Test", "$.jobs[0].steps[0].line": 6 })J");
    CHECK(asked.message(0).empty());
    CHECK(read(directory / "asked") ==
          "workflow run " + (directory / ".github/workflows/deploy.yml") +
              " --json --state /state --event workflow_dispatch --tree working --always --input "
              "stage=blue --input times=2\n");
    const Ran unasked = ran("");
    CHECK(unasked.message(0) == ": the workflow ended in failure\n");
    CHECK(unasked.only().steps[0].failures[0].hint == told);
    const Ran wanted = ran(R"J(, "event": "push", "expect": { "jobs.build": "success" })J");
    CHECK(wanted.outcomes() == "F");
    CHECK(wanted.only().steps[0].failures[0].query == "jobs.build");
    CHECK(wanted.only().steps[0].failures[0].hint == told);
    CHECK(read(directory / "asked").ends_with(" --event push\n"));
    const Ran wrong = ran(R"J(, "ref": "lint")J");
    CHECK(wrong.message(0) == ": error: it is wrong\n");
    CHECK(wrong.only().steps[0].failures[0].hint == "look here");
    const Ran late = ran(R"J(, "commit": "slow", "timeout": "300ms")J");
    CHECK(late.message(0) == ": the workflow did not end in the step's time\n");
    CHECK(late.only().steps[0].failures[0].hint == told);
}
