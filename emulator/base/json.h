// Node: the one JSON value everyone uses, with the position it was read from. Members keep their
// order; numbers keep their text, so what is put in comes out. nlohmann's parser (strict JSON, or
// JSON with comments and trailing commas) stays inside json.cpp.
#pragma once
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

// 1-based; 0 means "not read from a text".
struct Position {
    uint32_t line = 0;
    uint32_t column = 0;
    auto operator<=>(const Position&) const = default;
};

class Node {
  public:
    enum class Kind : uint8_t { Null, Bool, Number, String, Array, Object };
    using Member = std::pair<std::string, Node>;

    Node() = default;
    Node(std::nullptr_t) {}
    Node(bool value) : kind_(Kind::Bool), bool_(value) {}
    Node(int value) : Node(static_cast<int64_t>(value)) {}
    Node(unsigned value) : Node(static_cast<int64_t>(value)) {}
    Node(int64_t value);
    Node(uint64_t value);
    Node(double value);
    Node(std::string value) : kind_(Kind::String), text_(std::move(value)) {}
    Node(std::string_view value) : Node(std::string(value)) {}
    Node(const char* value) : Node(std::string(value)) {}

    static Node array(std::vector<Node> items = {});
    static Node object(std::vector<Member> members = {});
    static Node number(std::string text);  // text must be a JSON number

    Kind kind() const { return kind_; }
    bool is_null() const { return kind_ == Kind::Null; }
    bool is_bool() const { return kind_ == Kind::Bool; }
    bool is_number() const { return kind_ == Kind::Number; }
    bool is_string() const { return kind_ == Kind::String; }
    bool is_array() const { return kind_ == Kind::Array; }
    bool is_object() const { return kind_ == Kind::Object; }

    // Lenient readers: the fallback when the kind is another.
    bool as_bool(bool fallback = false) const { return is_bool() ? bool_ : fallback; }
    int64_t as_int(int64_t fallback = 0) const;
    double as_double(double fallback = 0) const;
    const std::string& as_string() const;  // "" when not a string
    const std::string& number_text() const { return text_; }
    bool is_integer() const;

    // Arrays.
    const std::vector<Node>& items() const { return items_; }
    std::vector<Node>& items() { return items_; }
    void push_back(Node value);  // makes a Null an array

    // Objects. `find` gives nullptr, `operator[]` a shared Null, when absent or not an object.
    const std::vector<Member>& members() const { return members_; }
    std::vector<Member>& members() { return members_; }
    const Node* find(std::string_view key) const;
    Node* find(std::string_view key);
    const Node& operator[](std::string_view key) const;
    Node& set(std::string key, Node value);  // replaces or appends; makes a Null an object
    bool erase(std::string_view key);
    size_t size() const { return is_object() ? members_.size() : items_.size(); }

    Position position() const { return position_; }
    void set_position(Position position) { position_ = position; }
    // Position of member i's key (objects read from a text).
    Position key_position(std::string_view key) const;

    // Deep, order of keys irrelevant, numbers by value, positions ignored.
    friend bool operator==(const Node& a, const Node& b);

  private:
    friend class NodeBuilder;
    Kind kind_ = Kind::Null;
    bool bool_ = false;
    Position position_;
    std::string text_;
    std::vector<Node> items_;
    std::vector<Member> members_;
    std::vector<Position> key_positions_;
};

struct JsonError {
    std::string message;
    Position position;
};

enum class JsonDialect { Strict, WithComments };  // WithComments: also trailing commas

// Duplicate keys are an error. Depth is limited, so hostile input cannot exhaust a stack.
inline constexpr size_t kMaxJsonDepth = 128;
std::expected<Node, JsonError> parse_json(std::string_view text,
                                          JsonDialect dialect = JsonDialect::Strict);

// indent < 0: one line.
std::string to_json(const Node& node, int indent = -1);

// A JSON string literal with its quotes.
std::string quote_json(std::string_view text);

}  // namespace base
