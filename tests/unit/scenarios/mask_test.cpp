// Values that are shown nowhere, in whatever form they come.
#include "scenarios/runner/mask.h"

#include <catch2/catch.hpp>

#include "base/encoding.h"

using scenarios::Mask;

TEST_CASE("a value is hidden in each of its forms") {
    const std::string value = "pa$s \"w/ord+1";
    Mask mask;
    mask.hide("pass", value);
    struct Row {
        std::string text, expected;
    } rows[] = {
        {"x " + value + " y", "x ***pass*** y"},
        {R"({"p":"pa$s \"w/ord+1"})", R"({"p":"***pass***"})"},
        {"p=" + base::percent_encode(value), "p=***pass***"},
        {"p=pa%24s+%22w%2Ford%2B1", "p=***pass***"},    // a form's
        {"p=pa%24s%20%22w%2ford%2b1", "p=***pass***"},  // lower case
        {base::to_base64(value), "***pass***=="},
        {"short", "short"},
    };
    for (const Row& row : rows)
        CHECK(mask(row.text) == row.expected);
}

TEST_CASE("a value is hidden inside the base64 of something longer") {
    const std::string value = "Correct-horse-9";
    Mask mask;
    mask.hide("pass", value);
    for (const std::string before : {"", "a", "ab", "user:", "kim@ex.am:"})
        for (const std::string after : {"", "x", "&y"}) {
            const std::string shown = mask(base::to_base64(before + value + after));
            INFO(before << " " << after << " " << shown);
            CHECK(shown.find("***pass***") != std::string::npos);
            // At most what the neighbours share with it is left: less than two characters of it.
            const auto left = base::from_base64(shown);
            CHECK(!(left && left->find("orrect") != std::string::npos));
        }
}

TEST_CASE("a document is hidden as a whole, keys too; short values are not") {
    Mask mask;
    mask.hide("token", "tok-secret");
    mask.hide("pin", "1234");
    const auto node = *base::parse_json(R"({"tok-secret": ["a tok-secret b", 1, {"x": "1234"}]})");
    CHECK(base::to_json(mask.everywhere(node)) ==
          R"({"***token***":["a ***token*** b",1,{"x":"1234"}]})");
}
