// YAML as another spelling of a scenario: the same tree with the same positions. Plain texts are
// read by YAML 1.2's core schema; what other readers take for something else is refused with the
// way out: anchors, "yes" and "no", numbers with leading zeros. Source: harness.md §3.5.
#pragma once
#include <expected>
#include <string_view>

#include "base/json.h"
#include "scenarios/yaml/document.h"

namespace scenarios {

std::expected<base::Node, yaml::Error> parse_yaml(std::string_view text);

}  // namespace scenarios
