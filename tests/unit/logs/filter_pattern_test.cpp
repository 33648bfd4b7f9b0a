// ecs-ecr.md §20 "Filter patterns needed".
#include "logs/filter_pattern.h"

#include <catch2/catch.hpp>

using logs::FilterPattern;

TEST_CASE("filter patterns choose messages") {
    struct Row {
        const char *pattern, *message;
        bool expected;
    };
    auto row = GENERATE(
        Row{"", "anything", true}, Row{"ERROR", "an ERROR here", true},
        Row{"ERROR", "an error here", false}, Row{"ERROR timeout", "timeout, then ERROR", true},
        Row{"ERROR timeout", "ERROR alone", false}, Row{"\"two words\"", "has two words", true},
        Row{"\"two words\"", "two  words", false}, Row{"?cat ?dog", "a dog", true},
        Row{"?cat ?dog", "a cow", false}, Row{"GET -health", "GET /health", false},
        Row{"GET -health", "GET /me", true},
        Row{"{ $.level = \"error\" }", R"({"level":"error"})", true},
        Row{"{ $.level = \"error\" }", R"({"level":"info"})", false},
        Row{"{ $.level = \"err*\" }", R"({"level":"error"})", true},
        Row{"{ $.level = error }", R"({"level":"error"})", true},
        Row{"{ $.level = \"error\" }", "not JSON: error", false},
        Row{"{ $.status >= 500 }", R"({"status":503})", true},
        Row{"{ $.status >= 500 }", R"({"status":404})", false},
        Row{"{ $.a.b[1] = 2 }", R"({"a":{"b":[1,2]}})", true},
        Row{"{ ($.a = 1 || $.b = 1) && $.c != \"x\" }", R"({"b":1,"c":"y"})", true},
        Row{"{ ($.a = 1 || $.b = 1) && $.c != \"x\" }", R"({"b":1,"c":"x"})", false},
        Row{"{ $.gone NOT EXISTS }", R"({"a":1})", true},
        Row{"{ $.a IS NULL }", R"({"a":null})", true},
        Row{"{ $.ok IS FALSE }", R"({"ok":false})", true});
    CAPTURE(row.pattern, row.message);
    auto pattern = FilterPattern::parse(row.pattern);
    REQUIRE(pattern);
    CHECK(pattern->matches(row.message) == row.expected);
}

TEST_CASE("broken filter patterns are refused") {
    auto text = GENERATE("\"open", "{ $.a = 1", "{ level = 1 }", "{ $.a }", "{ ($.a = 1 }",
                         "[ip, user]", "{ $. = 1 }", "{((((((((((((((((((((((($.a = 1 }");
    CAPTURE(text);
    CHECK_FALSE(FilterPattern::parse(text));
}
