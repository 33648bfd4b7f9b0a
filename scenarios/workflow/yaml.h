// YAML as GitHub reads workflows and actions: YAML 1.2's core schema (`on` and `yes` are texts),
// anchors, no merge keys, no tags, one document.
#pragma once
#include <expected>
#include <string_view>

#include "scenarios/workflow/value.h"
#include "scenarios/yaml/document.h"

namespace workflow {

using base::Position;
using YamlNode = yaml::Node;
using YamlMember = yaml::Member;

std::expected<YamlNode, yaml::Error> parse_yaml(std::string_view text);

// Null, boolean, number or text by YAML 1.2's core schema; containers as they are.
Value value_of(const YamlNode& node);

}  // namespace workflow
