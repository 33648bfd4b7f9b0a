// YAML is another spelling of the same scenario: the same tree and places, and its traps are
// refused with a way out (harness.md §3.5).
#include "scenarios/runner/yaml.h"

#include <catch2/catch.hpp>

#include "scenarios/runner/scenario.h"

using namespace scenarios;

namespace {

const char* kYaml = R"(version: 1
scenario: A visitor registers and signs in
tags: [smoke, auth]
vars: { email: "{{fake.email}}", pass: Correct-horse-9 }
secrets: [pass]
steps:
  - name: register     # a comment
    POST: api:/auth/register
    json: { email: "{{email}}", password: "{{pass}}", name: 홍길동, phone: "{{fake.phone}}", n: 3, ok: true }
    expect: { status: 201, cache: miss }
  - sql: SELECT id FROM users WHERE email = ?
    params: ["{{email}}"]
    expect: { rows: 1 }
    save: { uid: "$[0].id" }
)";

}  // namespace

TEST_CASE("a YAML file is the same scenario as its JSON") {
    const Loaded yaml = read_scenario("a.scenario.yaml", kYaml, {});
    for (const Problem& problem : yaml.problems)
        UNSCOPED_INFO(show(yaml.scenario.source, problem));
    REQUIRE(yaml.problems.empty());
    CHECK(yaml.scenario.id == "a");
    REQUIRE(yaml.scenario.steps.size() == 2);
    CHECK(yaml.scenario.steps[0].node["json"] ==
          *base::parse_json(R"({"email": "{{email}}", "password": "{{pass}}", "name": "홍길동",
                               "phone": "{{fake.phone}}", "n": 3, "ok": true})"));
    CHECK(yaml.scenario.steps[0].expect[0].matcher.as_int() == 201);
    CHECK(yaml.scenario.steps[0].position == base::Position{8, 5});
    CHECK(yaml.scenario.steps[1].expect[0].position == base::Position{13, 15});
}

TEST_CASE("problems in YAML have their places") {
    const std::string text =
        "version: 1\nscenario: abc\nsteps:\n  - GTE: front:/\n  - GET: front:/\n    expect:\n"
        "      홍: 1\n      statuss: 200\n";
    const Loaded loaded = read_scenario("x.scenario.yml", text, {});
    REQUIRE(loaded.problems.size() == 3);
    CHECK(show(loaded.scenario.source, loaded.problems[0]) ==
          "error: unknown verb \"GTE\"\n"
          "  ┌─ x.scenario.yml:4:5\n"
          "  │\n"
          "4 │   - GTE: front:/\n"
          "  │     ^^^^^\n"
          "  = did you mean \"GET\"?\n");
    CHECK(loaded.problems[2].position == base::Position{8, 7});
}

TEST_CASE("what people fall over in YAML is refused with the way out") {
    struct Case {
        const char* text;
        uint32_t line, column;
        const char* message;
        const char* hint;
    };
    const Case cases[] = {
        {"a: &x 1\n", 1, 4, "anchors are not read here", "write the value again"},
        {"a: *x\n", 1, 4, "aliases are not read here", "write the value again"},
        {"<<: { a: 1 }\n", 1, 1, "merge keys (<<) are not read in a scenario",
         "write the members again"},
        {"a: !!str 1\n", 1, 4, "the tag tag:yaml.org,2002:str has no meaning in a scenario",
         "leave it out"},
        {"a: 012\n", 1, 4, "012 is an octal number to some readers", "write it without the zeros"},
        {"a: 0o17\n", 1, 4, "JSON has no number 0o17", "write a decimal number"},
        {"a: 0x1F\n", 1, 4, "JSON has no number 0x1F", "write a decimal number"},
        {"a: .inf\n", 1, 4, "JSON has no number .inf", "write a decimal number"},
        {"a: 22:30\n", 1, 4, "22:30 is a number to some readers", "write \"22:30\" in quotes"},
        {"a: yes\n", 1, 4, "\"yes\" is a boolean to some readers", "write true or false"},
        {"a: Off\n", 1, 4, "\"Off\" is a boolean to some readers", "write true or false"},
        {"a: 1\nb: 2\na: 3\n", 3, 1, "duplicate key \"a\"", "write one matcher"},
        {"a:\n\tb: 1\n", 2, 1, "a tab indents this line", "YAML indents by spaces alone"},
        {"a: 1\n---\nb: 2\n", 2, 1, "a second document begins here", "one file, one scenario"},
        {"a: {{name}}\n", 1, 5, "a key is a text", "stands in quotes, such as \"{{name}}\""},
        {"a: { b: $[0].id }\n", 1, 10, "did not find expected", "\"$[0].id\""},
        {"", 1, 1, "the file is empty", ""},
    };
    for (const Case& c : cases) {
        INFO(c.text);
        auto root = parse_yaml(c.text);
        REQUIRE(!root);
        INFO(root.error().message << " | " << root.error().hint);
        CHECK_THAT(root.error().message, Catch::Contains(c.message));
        CHECK_THAT(root.error().hint, Catch::Contains(c.hint));
        CHECK(root.error().position == base::Position{c.line, c.column});
    }
}

TEST_CASE("plain scalars are numbers, booleans, null or texts, as JSON would say them") {
    const auto root = parse_yaml(
        "{ i: 12, f: -1.5e3, z: 0, n: ~, m: , t: true, s: 1.2.3, q: '12', d: 5s, e: \"\", p: +1, "
        "v: 1.0 }");
    REQUIRE(root);
    CHECK(
        base::to_json(*root) ==
        R"({"i":12,"f":-1.5e3,"z":0,"n":null,"m":null,"t":true,"s":"1.2.3","q":"12","d":"5s","e":"","p":"+1","v":1.0})");
}

TEST_CASE("hostile YAML ends with a message") {
    CHECK(!parse_yaml(std::string(5000, '[')));
    CHECK(!parse_yaml("\xff\xfe"));
}
