// Every assertion of alb.md §27 has a place, and the place has it.
#include "support/checklist.h"

#include <catch2/catch.hpp>

TEST_CASE("every assertion of the checklist has its test") {
    const std::string tests = std::string(SOURCE_DIR) + "/tests/";
    CHECK(checklist::problems({.text = checklist::read(tests + "conformance/elbv2/CHECKLIST.md"),
                               .assertions = 94,
                               .tested = {{"unit", checklist::ids_in_names(tests + "unit/elbv2")}},
                               .quoted = {{"unit", SOURCE_DIR}}}) == "");
}
