// How scenario files look: what changes, what stays.
#include "scenarios/runner/layout.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "scenarios/runner/scenario.h"

using namespace scenarios;

TEST_CASE(
    "spaces, indentation and commas are laid out; line breaks and comments are the author's") {
    struct Case {
        const char *text, *laid_out;
    };
    const Case cases[] = {
        {"{}", "{}\n"},
        {"{ }\n\n", "{}\n"},
        {R"({"a":1,"b":[ 1,2 ],"c":{"d":null}})",
         "{ \"a\": 1, \"b\": [1, 2], \"c\": { \"d\": null } }\n"},
        {"{\n\"a\" : 1 ,\n\n\n      \"b\": [\n1,\n2,\n],\n}",
         "{\n  \"a\": 1,\n\n  \"b\": [\n    1,\n    2\n  ]\n}\n"},
        {"{ \"a\": 1,\n\"b\": { \"c\": 2,\n\"d\": 3 } }",
         "{ \"a\": 1,\n  \"b\": { \"c\": 2,\n         \"d\": 3 } }\n"},
        {"[{ \"a\": 1,\n\"b\": 2 },\n{ \"c\": 3 }]",
         "[{ \"a\": 1,\n   \"b\": 2 },\n { \"c\": 3 }]\n"},
        {"{\n\"a\": 1, // one\n// two\n\"b\": 2 /* three */\n}",
         "{\n  \"a\": 1,  // one\n  // two\n  \"b\": 2  /* three */\n}\n"},
        {"{\n\"a\": 1,      // far\n}", "{\n  \"a\": 1      // far\n}\n"},
        {"// head\n{ \"a\": \"x // no comment, {\\\"\" }\n// foot",
         "// head\n{ \"a\": \"x // no comment, {\\\"\" }\n// foot\n"},
        {"{ \"a\":\n1\n,\n\"b\": 2 }", "{ \"a\": 1,\n  \"b\": 2 }\n"},
        {"{ \"홍\": 1, \"b\": { \"c\": 1,\n\"d\": 2 } }",
         "{ \"홍\": 1, \"b\": { \"c\": 1,\n                 \"d\": 2 } }\n"},
        {"{ // why\n\"a\": 1 }", "{  // why\n  \"a\": 1 }\n"},
    };
    for (const Case& c : cases) {
        INFO(c.text);
        auto once = layout_json(c.text);
        REQUIRE(once);
        CHECK(*once == c.laid_out);
        CHECK(layout_json(*once) == *once);
    }
    CHECK(!layout_json("{ \"a\": }"));
}

TEST_CASE("every scenario of this checkout means the same laid out, and is stable") {
    for (const std::string& file : find_scenario_files(
             {SOURCE_DIR "/scenarios", SOURCE_DIR "/fixtures", SOURCE_DIR "/tests/conformance"})) {
        INFO(file);
        std::ifstream in(file);
        std::ostringstream text;
        text << in.rdbuf();
        auto once = layout_json(text.str());
        REQUIRE(once);
        CHECK(*base::parse_json(*once, base::JsonDialect::WithComments) ==
              *base::parse_json(text.str(), base::JsonDialect::WithComments));
        CHECK(layout_json(*once) == *once);
    }
}

TEST_CASE("YAML keeps what it says") {
    CHECK(layout_yaml("a: 1   \n\n\n\nb: 2") == "a: 1\n\nb: 2\n");
    CHECK(layout_yaml("a: |\n  x\n\n\n  y\n") == "a: |\n  x\n\n\n  y\n");
}
