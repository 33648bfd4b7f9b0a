// Document: YAML as it is written: a tree of texts, lists and objects in which every node knows
// where it stands. The only reader of YAML; what a plain text means (a number, a boolean) is
// decided by whoever asked. What people fall over is refused with the way out: tags, merge keys,
// tabs, several documents, duplicate keys. Source: YAML 1.2.2; harness.md §3.5.
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace yaml {

using base::Position;

struct Member;

struct Node {
    enum class Kind { Scalar, Sequence, Mapping };
    enum class Style { Plain, Quoted, Block };
    Kind kind = Kind::Scalar;
    Style style = Style::Plain;
    std::string text;   // of a scalar
    Position position;  // of its first character; of a block scalar, its `|`
    std::vector<Node> items;
    std::vector<Member> members;

    bool is_scalar() const { return kind == Kind::Scalar; }
    bool is_sequence() const { return kind == Kind::Sequence; }
    bool is_mapping() const { return kind == Kind::Mapping; }
    // An empty value, ~ or null.
    bool is_null() const;
    const Node* find(std::string_view key) const;
    // Where character `offset` of the text stands in the file (exact for plain and quoted texts of
    // one line and for block scalars).
    Position position_of(size_t offset, std::string_view file_text) const;
};

struct Member {
    std::string key;
    Position key_position;
    Node value;
};

// What a kind of file reads beside the rules that all share, and its words for the way out.
struct Dialect {
    std::string_view what;  // "workflow"
    bool has_anchors = false;
    std::string_view instead_of_alias;  // where it has none
    std::string_view instead_of_merge, on_duplicate, on_tag;
};

struct Error {
    Position position;
    std::string message, hint;
};

inline constexpr size_t kMaxBytes = 4 << 20;
inline constexpr size_t kMaxNodes = 200'000;  // aliases multiply
inline constexpr size_t kMaxDepth = 64;

// An empty file is an empty text.
std::expected<Node, Error> parse(std::string_view text, const Dialect& dialect);

// True, false, or neither, by the core schema (YAML 1.2.2 §10.3.2).
enum class Truth { No, Yes, Neither };
Truth truth_of(std::string_view plain);

}  // namespace yaml
