// A SQL script cut into statements, each with its line, so that the first error can be told with
// its place. Quotes, comments and the client's DELIMITER command are understood. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace backing {

struct SqlStatement {
    uint32_t line;     // of its first character, 1-based
    std::string text;  // without the delimiter
};
std::vector<SqlStatement> split_sql(std::string_view script);

}  // namespace backing
