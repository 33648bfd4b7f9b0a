// YAML as GitHub reads workflows and actions: YAML 1.2 core schema (`on` and `yes` are texts),
// anchors, no merge keys, no tags, one document. Every node keeps where it stands.
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "scenarios/workflow/value.h"

namespace workflow {

using base::Position;

struct YamlMember;

struct YamlNode {
    enum class Kind { Scalar, Sequence, Mapping };
    enum class Style { Plain, Quoted, Block };
    Kind kind = Kind::Scalar;
    Style style = Style::Plain;
    std::string text;   // of a scalar
    Position position;  // of its first character; of a block scalar, its `|`
    std::vector<YamlNode> items;
    std::vector<YamlMember> members;

    bool is_scalar() const { return kind == Kind::Scalar; }
    bool is_sequence() const { return kind == Kind::Sequence; }
    bool is_mapping() const { return kind == Kind::Mapping; }
    // An empty value, ~ or null.
    bool is_null() const;
    const YamlNode* find(std::string_view key) const;
    // Null, boolean, number or text by YAML 1.2's core schema; containers as they are.
    Value value() const;
    // Where character `offset` of the text stands in the file (exact for plain and quoted texts of
    // one line and for block scalars).
    Position position_of(size_t offset, std::string_view file_text) const;
};

struct YamlMember {
    std::string key;
    Position key_position;
    YamlNode value;
};

struct YamlError {
    Position position;
    std::string message;
};

inline constexpr size_t kMaxYamlBytes = 1 << 20;
inline constexpr size_t kMaxYamlNodes = 50'000;  // aliases multiply
inline constexpr size_t kMaxYamlDepth = 50;

std::expected<YamlNode, YamlError> parse_yaml(std::string_view text);

}  // namespace workflow
