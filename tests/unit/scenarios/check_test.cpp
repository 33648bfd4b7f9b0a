// Matchers and how their failures read (harness.md §3.1).
#include "scenarios/runner/check.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using namespace scenarios;
using base::Node;

namespace {

Node json(const std::string& text) {
    auto node = base::parse_json(text);
    INFO(text);
    REQUIRE(node);
    return *node;
}

// "" when it holds.
std::string verdict(const std::string& actual, const std::string& matcher,
                    Flavor flavor = Flavor::Json) {
    const Actual value{actual.empty() ? std::nullopt : std::optional(json(actual)), flavor};
    const Verdict verdict = check(value, json(matcher));
    CHECK(verdict.ok == verdict.messages.empty());
    std::string out = base::join(verdict.messages, "; ");
    for (const Difference& d : verdict.differences)
        out += "\n- " + d.path + " " + d.expected + "\n+ " + d.path + " " + d.actual;
    return out;
}

}  // namespace

TEST_CASE("a matcher holds, or says what was expected and what came") {
    struct Case {
        const char* actual;
        const char* matcher;
        const char* expected;
    };
    const Case cases[] = {
        {"1", "1", ""},
        {"1", "1.0", ""},
        {"1", "\"1\"", "expected \"1\", got 1 (expected a text, got a number)"},
        {"\"1\"", "1", "expected 1, got \"1\" (expected a number, got a text)"},
        {"null", "null", ""},
        {"", "null", "expected null, got nothing: it is not there"},
        {"", R"({"exists": false})", ""},
        {"1", R"({"exists": false})", "expected nothing, got 1"},
        {"", R"({"exists": true})", "expected it to be there, and it is not"},
        {"[1, 2]", "[1, 2]", ""},
        {"[1, 2]", "[2, 1]", "2 parts differ\n- [0] 2\n+ [0] 1\n- [1] 1\n+ [1] 2"},
        {R"({"a": 1, "b": 2})", R"({"eq": {"b": 2, "a": 1}})", ""},
        {R"({"a": 1, "b": 2, "c": {"d": 3}})", R"({"eq": {"a": 1, "c": {"d": 4}}})",
         "2 parts differ\n- .c.d 4\n+ .c.d 3\n- .b \n+ .b 2"},
        {R"({"a": 1, "b": 2})", R"({"like": {"a": 1}})", ""},
        {R"({"b": 2})", R"({"like": {"a": 1}})", "1 part differs\n- .a 1\n+ .a "},
        {"5", R"({"ne": 5})", "expected anything but 5"},
        {"5", R"({"gt": 5})", "expected more than 5, got 5"},
        {"5", R"({"ge": 5, "le": 5})", ""},
        {"\"5\"", R"({"ge": 5})", "expected at least 5, got \"5\" (no number)"},
        {"-1", R"({"between": [604700, 604800]})", "expected 604700 … 604800, got -1"},
        {"3", R"({"in": [1, 2]})", "expected one of [1,2], got 3"},
        {"\"$2b$10$x\"", R"({"match": "^\\$2[aby]\\$10\\$"})", ""},
        {"\"x\"", R"({"match": "^y"})", "expected a match of /^y/, got \"x\""},
        {"\"abc\"", R"({"contains": "b", "starts": "a", "ends": "c"})", ""},
        {"\"abc\"", R"({"starts": "b", "ends": "x"})",
         "expected it to start with \"b\", got \"abc\"; expected it to end with \"x\", got "
         "\"abc\""},
        {"[1, 2]", R"({"contains": 2})", ""},
        {"\"a\"", R"({"not": {"in": ["a"]}})", "expected not {\"in\":[\"a\"]}, got \"a\""},
        {"3", R"({"type": "integer"})", ""},
        {"3.5", R"({"type": "integer"})", "expected the type integer, got 3.5"},
        {"\"0b6f2c0e-3f3e-4c5d-8f7a-1a2b3c4d5e6f\"", R"({"type": "uuid"})", ""},
        {"\"eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.x\"", R"({"type": "jwt"})", ""},
        {"\"a.b.c\"", R"({"type": "jwt"})", "expected the type jwt, got \"a.b.c\""},
        {"\"2026-11-24T15:02:07Z\"", R"({"type": "date"})", ""},
        {"[]", R"({"empty": true, "count": 0})", ""},
        {"[1]", R"({"count": {"ge": 2}})", "count: expected at least 2, got 1"},
        {"[1]", R"({"count": ">= 2"})", "count: expected >= 2, got 1"},
        {"\"홍길동\"", R"({"count": 3})", ""},
        {"[1, 2]", R"({"any": 2})", ""},
        {"[1, 2]", R"({"any": {"gt": 2}})", "no element matches {\"gt\":2}; got 2: 1, 2"},
        {"[]", R"({"any": 1})", "no element matches 1; the list is empty"},
        {"[1, 2]", R"({"all": 1})", "element [1]: expected 1, got 2"},
        {"[]", R"({"all": 1})", "\"all\" needs at least one element, and the list is empty"},
        {"3", R"({"any": 3})", "expected a list, got 3"},
    };
    for (const Case& c : cases) {
        INFO(c.actual << " against " << c.matcher);
        CHECK(verdict(c.actual, c.matcher) == c.expected);
    }
}

TEST_CASE("header values are text, and number operators read the number in them") {
    CHECK(verdict("\"30\"", R"({"ge": 0})", Flavor::Text).empty());
    CHECK(verdict("\"30\"", "\"30\"", Flavor::Text).empty());
    CHECK(verdict("\"30\"", "30", Flavor::Text).empty());
    CHECK(verdict("\"30\"", "\">= 31\"", Flavor::Text) == "expected >= 31, got \"30\"");
    CHECK(verdict("\"abc\"", R"({"gt": 1})", Flavor::Text) ==
          "expected more than 1, got \"abc\" (no number)");
    CHECK(verdict("\"<b>\"", "\"<b>\"", Flavor::Text).empty());
}

TEST_CASE("number queries take comparison strings, durations and status classes") {
    CHECK(verdict("1200", "\"> 1000\"", Flavor::Number).empty());
    CHECK(verdict("250.5", "\"< 300ms\"", Flavor::Milliseconds).empty());
    CHECK(verdict("2500", "\"< 2s\"", Flavor::Milliseconds) == "expected < 2s, got 2500");
    CHECK(verdict("2500", R"({"between": ["2.4s", "3s"]})", Flavor::Milliseconds).empty());
    CHECK(verdict("204", "\"2xx\"", Flavor::Status).empty());
    CHECK(verdict("304", R"({"in": ["2xx", 304]})", Flavor::Status).empty());
    CHECK(verdict("503", "\"2xx\"", Flavor::Status) == "expected \"2xx\", got 503");
    // A JSON value is never compared by accident.
    CHECK(verdict("5", "\"> 1\"") == "expected \"> 1\", got 5");
}

TEST_CASE("two long texts are shown where they part") {
    const std::string same(300, 'a');
    const std::string message =
        verdict(base::quote_json(same + "x"), base::quote_json(same + "y"), Flavor::Text);
    CHECK(message == "the texts differ\n-  (260 equal bytes) … \"" + std::string(40, 'a') +
                         "y\"\n+  (260 equal bytes) … \"" + std::string(40, 'a') + "x\"");
}
