// Every assertion of ecs-ecr.md §27 has a place in one of the two checklists, and the place has it.
#include "support/checklist.h"

#include <catch2/catch.hpp>

namespace {

// Below the file's own head, which names whole sections.
std::set<int> ids_below_the_head(const std::filesystem::path& path) {
    std::string text = checklist::read(path);
    text.erase(0, text.find("\n\n"));
    return checklist::ids_in(text);
}

}  // namespace

TEST_CASE("every assertion of the checklists has its test") {
    const std::string tests = std::string(SOURCE_DIR) + "/tests/";
    std::set<int> unit;
    for (const char* folder : {"ecs", "ecr", "logs", "ssm", "secretsmanager"})
        for (const auto& file : std::filesystem::directory_iterator(tests + "unit/" + folder))
            unit.merge(ids_below_the_head(file.path()));
    CHECK(checklist::problems(
              {.text = checklist::read(tests + "conformance/ecs/CHECKLIST.md") +
                       checklist::read(tests + "conformance/ecr/CHECKLIST.md"),
               .assertions = 88,
               .tested = {{"unit", unit}, {"e2e", ids_below_the_head(tests + "e2e/ecs.sh")}},
               .compared_elsewhere = {"case"},  // by the conformance tests
               .explained = {"unit", "e2e"}}) == "");
}
