// Every assertion of s3.md §9 has a place, and the place has it.
#include "support/checklist.h"

#include <catch2/catch.hpp>

TEST_CASE("every assertion of the checklist has its test") {
    const std::string tests = std::string(SOURCE_DIR) + "/tests/";
    const std::string scripts =
        checklist::read(tests + "e2e/s3_cli.sh") + checklist::read(tests + "e2e/s3.sh");
    CHECK(checklist::problems({.text = checklist::read(tests + "conformance/s3/CHECKLIST.md"),
                               .assertions = 150,
                               .tested = {{"unit", checklist::ids_in_names(tests + "unit/s3")},
                                          {"e2e", checklist::ids_in(scripts)}}}) == "");
}
