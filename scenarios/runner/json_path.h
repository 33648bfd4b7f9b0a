// JsonPath: RFC 9535 over Node: names, indexes from both ends, slices, wildcards, descendants and
// filters (comparisons of paths and literals, existence, && || !). A path that can only mean one
// place gives a value or nothing; any other gives a list, never unwrapped. Without the function
// extensions.
#pragma once
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace scenarios {

struct JsonPathError {
    std::string message;
    size_t offset = 0;  // in the text
};

class JsonPath {
  public:
    static std::expected<JsonPath, JsonPathError> parse(std::string_view text);

    bool is_singular() const;
    std::vector<const base::Node*> select(const base::Node& root) const;
    // Singular: the value, or nothing. Otherwise a list, perhaps empty.
    std::optional<base::Node> value(const base::Node& root) const;

    struct Filter;
    struct Selector {
        enum class Kind { Name, Index, Slice, Wildcard, Filter };
        Kind kind = Kind::Name;
        std::string name;
        int64_t index = 0;
        std::optional<int64_t> start, end;
        int64_t step = 1;
        std::shared_ptr<const Filter> filter;
    };
    struct Segment {
        bool descendant = false;
        std::vector<Selector> selectors;
    };

  private:
    friend class JsonPathParser;
    std::vector<Segment> segments_;
};

}  // namespace scenarios
