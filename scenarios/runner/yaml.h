// YAML as another spelling of a scenario: the same tree with the same positions. Read by YAML 1.2's
// core schema; what people fall over is refused with the way out: anchors, aliases, merge keys,
// tags, several documents, tabs, "yes" and "no", numbers with leading zeros, duplicate keys.
// Source: harness.md §3.5.
#pragma once
#include <expected>
#include <string>
#include <string_view>

#include "base/json.h"

namespace scenarios {

struct YamlError {
    base::Position position;
    std::string message, hint;
};

inline constexpr size_t kMaxYamlDepth = 64;
inline constexpr size_t kMaxYamlNodes = 200'000;

std::expected<base::Node, YamlError> parse_yaml(std::string_view text);

}  // namespace scenarios
