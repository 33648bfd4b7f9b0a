// Every assertion of cloudfront.md §10 has a place, and where that is a unit test, the test is
// there. Cases are compared by `conformance`.
#include "support/checklist.h"

#include <catch2/catch.hpp>

TEST_CASE("every assertion of the checklist has its test", "[cloudfront]") {
    const std::string tests = std::string(SOURCE_DIR) + "/tests/";
    CHECK(checklist::problems(
              {.text = checklist::read(tests + "conformance/cloudfront/CHECKLIST.md"),
               .assertions = 115,
               .tested = {{"unit", checklist::ids_in_names(tests + "unit/cloudfront")}},
               .compared_elsewhere = {"case"},
               .explained = {"unit"}}) == "");
}
