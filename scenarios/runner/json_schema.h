// JSON Schema, the part of draft-07 that describes API answers: types, members, items, ranges,
// patterns, combinations, and references inside the schema. A keyword that is not known is refused
// when the file is read, so that nothing is taken for checked that is not. Pure.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"

namespace scenarios {

// Why the schema cannot be used; "" when it can.
std::string schema_problem(const base::Node& schema);

struct SchemaFinding {
    std::string path;     // below the value: ".items[3].id", "" = the value itself
    std::string message;  // "is a text, and a number is wanted"
};

// What does not fit, at most so many.
inline constexpr size_t kMaxSchemaFindings = 20;
std::vector<SchemaFinding> validate_by_schema(const base::Node& schema, const base::Node& value);

}  // namespace scenarios
