// Scripts are cut as the mariadb client cuts them, with the line of each statement.
#include "backing/sql_script.h"

#include <catch2/catch.hpp>

TEST_CASE("a SQL script is cut at its delimiter, outside quotes and comments") {
    struct Case {
        const char* script;
        std::vector<std::pair<uint32_t, std::string>> expected;
    };
    const Case cases[] = {
        {"", {}},
        {"  \n-- only a comment\n", {}},
        {"SELECT 1", {{1, "SELECT 1"}}},
        {"SELECT 1;\nSELECT 2;", {{1, "SELECT 1"}, {2, "SELECT 2"}}},
        {"\n\n SELECT ';', \"a;b\", `c;d`;\nX", {{3, "SELECT ';', \"a;b\", `c;d`"}, {4, "X"}}},
        {"SELECT 'it\\'s; fine';Y", {{1, "SELECT 'it\\'s; fine'"}, {1, "Y"}}},
        {"SELECT 'it''s; fine';Y", {{1, "SELECT 'it''s; fine'"}, {1, "Y"}}},
        {"/* a; b\n */ A; # c; d\nB;", {{2, "A"}, {3, "B"}}},
        {"/*!40101 SET x=1 */;A;", {{1, "/*!40101 SET x=1 */"}, {1, "A"}}},
        {"DELIMITER $$\nCREATE P BEGIN A; B; END$$\nDELIMITER ;\nC;",
         {{2, "CREATE P BEGIN A; B; END"}, {4, "C"}}},
        {"A --b;\n;", {{1, "A --b"}}},
        {"SELECT 'open", {{1, "SELECT 'open"}}},
    };
    for (const Case& c : cases) {
        INFO(c.script);
        std::vector<std::pair<uint32_t, std::string>> got;
        for (const auto& statement : backing::split_sql(c.script))
            got.emplace_back(statement.line, statement.text);
        CHECK(got == c.expected);
    }
}
