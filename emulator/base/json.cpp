// JSON text to Node and back. nlohmann's SAX parser reads; this file adds what it lacks: positions,
// duplicate keys, the depth limit, trailing commas. Source: RFC 8259.
#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "base/json_builder.h"
#include "base/result.h"
#include "base/text.h"

namespace base {

namespace {

const Node& shared_null() {
    static const Node null;
    return null;
}

const std::string& shared_empty() {
    static const std::string empty;
    return empty;
}

// Past the comment that starts at `at` ("//" or "/*"), or `at` itself when there is none. As for
// the parser, a carriage return ends a line too.
size_t skip_comment(std::string_view text, size_t at) {
    if (text.substr(at, 2) == "//") return std::min(text.find_first_of("\r\n", at), text.size());
    if (text.substr(at, 2) == "/*") {
        size_t end = text.find("*/", at + 2);
        return end == std::string_view::npos ? text.size() : end + 2;
    }
    return at;
}

// Past the string literal that starts at `at`.
size_t skip_string(std::string_view text, size_t at) {
    for (++at; at < text.size(); ++at) {
        if (text[at] == '\\')
            ++at;
        else if (text[at] == '"')
            return at + 1;
    }
    return text.size();
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// A comma before a closing bracket becomes a space: same length, so positions stay true. `[,]` and
// `[1,,]` keep a comma for the parser to refuse.
std::string blank_trailing_commas(std::string_view text) {
    std::string out(text);
    size_t comma = std::string::npos;
    char before = 0;  // the last significant character
    for (size_t at = 0; at < text.size();) {
        char c = text[at];
        if (is_space(c)) {
            ++at;
            continue;
        }
        if (size_t past = skip_comment(text, at); past != at) {
            at = past;
            continue;
        }
        if ((c == ']' || c == '}') && comma != std::string::npos) out[comma] = ' ';
        bool after_value =
            before != 0 && std::string_view("[{,:").find(before) == std::string_view::npos;
        comma = c == ',' && after_value ? at : std::string::npos;
        before = c;
        at = c == '"' ? skip_string(text, at) : at + 1;
    }
    return out;
}

// How many characters of the front are a number (RFC 8259 §6); 0 if none.
size_t number_length(std::string_view text) {
    size_t at = 0;
    auto take = [&](std::string_view set) {
        bool there = at < text.size() && set.find(text[at]) != std::string_view::npos;
        at += there ? 1 : 0;
        return there;
    };
    auto digits = [&] {
        size_t before = at;
        while (take("0123456789"))
            continue;
        return at - before;
    };
    take("-");
    if (!take("0") && digits() == 0) return 0;
    size_t whole = at;
    if (take(".") && digits() == 0) return whole;
    whole = at;
    if (!take("eE")) return whole;
    take("+-");
    return digits() == 0 ? whole : at;
}

// Lets the parser read and tells everyone how far it is.
class CountingIterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountingIterator(const char* at, size_t* count) : at_(at), count_(count) {}
    reference operator*() const { return *at_; }
    CountingIterator& operator++() {
        ++at_;
        ++*count_;
        return *this;
    }
    CountingIterator operator++(int) {
        CountingIterator before = *this;
        ++*this;
        return before;
    }
    bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
    bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

  private:
    const char* at_;
    size_t* count_;
};

// "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while parsing …"
// → "unexpected …"
std::string plain_message(std::string_view text) {
    if (size_t at = text.find("syntax error"); at != std::string_view::npos)
        text.remove_prefix(at);
    else if (at = text.find("] "); at != std::string_view::npos)
        text.remove_prefix(at + 2);
    if (size_t at = text.find(" - "); at != std::string_view::npos) text.remove_prefix(at + 3);
    return std::string(text);
}

}  // namespace

// Receives the parser's events, keeps a stack of open containers, and finds where each token began:
// between two tokens there is only space, commas, colons and comments.
class SaxBuilder {
  public:
    using Json = nlohmann::json;

    SaxBuilder(std::string_view text, const size_t* read, JsonDialect dialect)
        : text_(text), read_(read), comments_(dialect == JsonDialect::WithComments) {}

    bool null() { return value(Node()); }
    bool boolean(bool value_read) { return value(Node(value_read)); }
    bool number_integer(Json::number_integer_t) { return number(); }
    bool number_unsigned(Json::number_unsigned_t) { return number(); }
    bool number_float(Json::number_float_t, const Json::string_t&) { return number(); }
    bool string(Json::string_t& text) { return value(Node(std::move(text))); }
    bool binary(Json::binary_t&) { return false; }
    bool start_object(size_t) { return open(Node::object()); }
    bool start_array(size_t) { return open(Node::array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }

    bool key(Json::string_t& name) {
        Position position = begin_token();
        Frame& frame = stack_.back();
        if (is_duplicate(frame, name)) {
            error_ = JsonError{fmt::format("duplicate key {}", quote_json(name)), position};
            return false;
        }
        NodeBuilder::add_member(frame.node, std::move(name), position, Node());
        end_token();
        return true;
    }

    bool parse_error(size_t, const std::string& last_token,
                     const nlohmann::detail::exception& error) {
        Position position = begin_token();
        // Inside a string the place that is wrong is the last character read, not the string's
        // start.
        bool in_string =
            last_token.starts_with('"') && (last_token.size() == 1 || last_token.back() != '"');
        if (in_string && *read_ > offset_) {
            advance_to(std::min(*read_ - 1, text_.size()));
            position = {line_, column_};
        }
        error_ = JsonError{plain_message(error.what()), position};
        return false;
    }

    JsonError error_at(size_t offset, std::string message) {
        advance_to(offset);
        return {std::move(message), {line_, column_}};
    }
    const std::optional<JsonError>& error() const { return error_; }
    Node take() { return std::move(root_); }

  private:
    struct Frame {
        Node node;
        std::unordered_set<std::string> keys;  // filled once an object is large
    };
    static constexpr size_t kLinearKeys = 32;

    bool is_duplicate(Frame& frame, const std::string& name) {
        const auto& members = frame.node.members();
        if (members.size() < kLinearKeys) return frame.node.find(name) != nullptr;
        if (frame.keys.empty())
            for (const auto& member : members)
                frame.keys.insert(member.first);
        return !frame.keys.insert(name).second;
    }

    // Moves to `offset`, counting lines and characters (not bytes).
    void advance_to(size_t offset) {
        for (; offset_ < offset; ++offset_) {
            if (text_[offset_] == '\n') {
                ++line_;
                column_ = 1;
            } else if ((static_cast<unsigned char>(text_[offset_]) & 0xC0) != 0x80) {
                ++column_;
            }
        }
    }

    Position begin_token() {
        size_t at = offset_;
        while (at < text_.size()) {
            if (is_space(text_[at]) || text_[at] == ',' || text_[at] == ':') {
                ++at;
            } else if (size_t past = comments_ ? skip_comment(text_, at) : at; past != at) {
                at = past;
            } else {
                break;
            }
        }
        advance_to(at);
        return {line_, column_};
    }
    void end_token() { advance_to(std::min(*read_, text_.size())); }

    bool number() {
        Position position = begin_token();
        size_t length = number_length(text_.substr(offset_));
        if (length == 0) {
            error_ = JsonError{"an unreadable number", position};
            return false;
        }
        size_t end = offset_ + length;
        Node node = Node::number(std::string(text_.substr(offset_, length)));
        node.set_position(position);
        advance_to(end);  // the parser has read one character more
        return put(std::move(node));
    }
    bool value(Node node) {
        node.set_position(begin_token());
        end_token();
        return put(std::move(node));
    }
    bool open(Node node) {
        Position position = begin_token();
        if (stack_.size() >= kMaxJsonDepth) {
            error_ =
                JsonError{fmt::format("nested deeper than {} levels", kMaxJsonDepth), position};
            return false;
        }
        node.set_position(position);
        end_token();
        stack_.push_back({std::move(node), {}});
        return true;
    }
    bool close() {
        begin_token();
        end_token();
        Node node = std::move(stack_.back().node);
        stack_.pop_back();
        return put(std::move(node));
    }
    bool put(Node node) {
        if (stack_.empty()) {
            root_ = std::move(node);
        } else if (Node& parent = stack_.back().node; parent.is_array()) {
            parent.items().push_back(std::move(node));
        } else {
            parent.members().back().second = std::move(node);
        }
        return true;
    }

    std::string_view text_;
    const size_t* read_;
    bool comments_;
    size_t offset_ = 0;
    uint32_t line_ = 1, column_ = 1;
    std::vector<Frame> stack_;
    Node root_;
    std::optional<JsonError> error_;
};

namespace {

void append_quoted(std::string& out, std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    const bool valid = is_valid_utf8(text);
    out += '"';
    size_t start = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        auto c = static_cast<unsigned char>(text[i]);
        bool plain = c >= 0x20 && c != '"' && c != '\\' && (c < 0x80 || valid);
        if (plain) continue;
        out += text.substr(start, i - start);
        start = i + 1;
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\b': out += "\\b"; break;
            case '\f': out += "\\f"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                // Bytes that are no UTF-8 cannot be said in JSON: the replacement character.
                if (c >= 0x80) {
                    out += "\\ufffd";
                } else {
                    out += "\\u00";
                    out += kHex[c >> 4];
                    out += kHex[c & 15];
                }
        }
    }
    out += text.substr(start);
    out += '"';
}

void append_line(std::string& out, int indent, int depth) {
    if (indent < 0) return;
    out += '\n';
    out.append(static_cast<size_t>(indent * depth), ' ');
}

void append_node(std::string& out, const Node& node, int indent, int depth) {
    switch (node.kind()) {
        case Node::Kind::Null: out += "null"; return;
        case Node::Kind::Bool: out += node.as_bool() ? "true" : "false"; return;
        case Node::Kind::Number: out += node.number_text(); return;
        case Node::Kind::String: append_quoted(out, node.as_string()); return;
        case Node::Kind::Array: {
            out += '[';
            bool first = true;
            for (const Node& item : node.items()) {
                if (!std::exchange(first, false)) out += ',';
                append_line(out, indent, depth + 1);
                append_node(out, item, indent, depth + 1);
            }
            if (!first) append_line(out, indent, depth);
            out += ']';
            return;
        }
        case Node::Kind::Object: {
            out += '{';
            bool first = true;
            for (const auto& [key, value] : node.members()) {
                if (!std::exchange(first, false)) out += ',';
                append_line(out, indent, depth + 1);
                append_quoted(out, key);
                out += indent < 0 ? ":" : ": ";
                append_node(out, value, indent, depth + 1);
            }
            if (!first) append_line(out, indent, depth);
            out += '}';
            return;
        }
    }
}

}  // namespace

Node::Node(int64_t value) : kind_(Kind::Number), text_(std::to_string(value)) {}
Node::Node(uint64_t value) : kind_(Kind::Number), text_(std::to_string(value)) {}
Node::Node(double value) {
    if (!std::isfinite(value)) return;  // JSON has no spelling for it: null
    kind_ = Kind::Number;
    text_ = fmt::format("{}", value);
}

Node Node::array(std::vector<Node> items) {
    Node node;
    node.kind_ = Kind::Array;
    node.items_ = std::move(items);
    return node;
}

Node Node::object(std::vector<Member> members) {
    Node node;
    node.kind_ = Kind::Object;
    node.members_ = std::move(members);
    return node;
}

Node Node::number(std::string text) {
    ASSERT(!text.empty() && number_length(text) == text.size());
    Node node;
    node.kind_ = Kind::Number;
    node.text_ = std::move(text);
    return node;
}

int64_t Node::as_int(int64_t fallback) const {
    if (!is_number()) return fallback;
    if (auto value = parse_signed(text_)) return *value;
    auto value = parse_double(text_);
    // Outside of int64 there is no honest answer.
    if (!value || *value < -9.2e18 || *value > 9.2e18) return fallback;
    return static_cast<int64_t>(*value);
}

double Node::as_double(double fallback) const {
    if (!is_number()) return fallback;
    return parse_double(text_).value_or(fallback);
}

const std::string& Node::as_string() const {
    return is_string() ? text_ : shared_empty();
}

bool Node::is_integer() const {
    return is_number() && text_.find_first_of(".eE") == std::string::npos;
}

void Node::push_back(Node value) {
    if (is_null()) kind_ = Kind::Array;
    ASSERT(is_array());
    items_.push_back(std::move(value));
}

const Node* Node::find(std::string_view key) const {
    for (const Member& member : members_)
        if (member.first == key) return &member.second;
    return nullptr;
}

Node* Node::find(std::string_view key) {
    return const_cast<Node*>(static_cast<const Node*>(this)->find(key));
}

const Node& Node::operator[](std::string_view key) const {
    const Node* found = find(key);
    return found == nullptr ? shared_null() : *found;
}

Node& Node::set(std::string key, Node value) {
    if (is_null()) kind_ = Kind::Object;
    ASSERT(is_object());
    if (Node* found = find(key)) return *found = std::move(value);
    return members_.emplace_back(std::move(key), std::move(value)).second;
}

bool Node::erase(std::string_view key) {
    for (size_t i = 0; i < members_.size(); ++i) {
        if (members_[i].first != key) continue;
        members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(i));
        if (i < key_positions_.size())
            key_positions_.erase(key_positions_.begin() + static_cast<std::ptrdiff_t>(i));
        return true;
    }
    return false;
}

Position Node::key_position(std::string_view key) const {
    for (size_t i = 0; i < members_.size() && i < key_positions_.size(); ++i)
        if (members_[i].first == key) return key_positions_[i];
    return {};
}

bool operator==(const Node& a, const Node& b) {
    if (a.kind_ != b.kind_) return false;
    switch (a.kind_) {
        case Node::Kind::Null: return true;
        case Node::Kind::Bool: return a.bool_ == b.bool_;
        case Node::Kind::Number:
            if (a.is_integer() && b.is_integer()) return a.text_ == b.text_;
            return a.text_ == b.text_ || a.as_double(NAN) == b.as_double(NAN);
        case Node::Kind::String: return a.text_ == b.text_;
        case Node::Kind::Array: return a.items_ == b.items_;
        case Node::Kind::Object:
            return a.members_.size() == b.members_.size() &&
                   std::all_of(a.members_.begin(), a.members_.end(),
                               [&](const Node::Member& member) {
                                   const Node* other = b.find(member.first);
                                   return other != nullptr && *other == member.second;
                               });
    }
    return false;
}

std::expected<Node, JsonError> parse_json(std::string_view text, JsonDialect dialect) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    std::string blanked;
    const bool comments = dialect == JsonDialect::WithComments;
    if (comments) {
        blanked = blank_trailing_commas(text);
        text = blanked;
    }
    size_t read = 0;
    SaxBuilder builder(text, &read, dialect);
    // The parser takes NUL for the end and would ignore what follows.
    if (size_t nul = text.find('\0'); nul != std::string_view::npos)
        return std::unexpected(builder.error_at(nul, "a NUL character"));
    bool complete = nlohmann::json::sax_parse(
        CountingIterator(text.data(), &read), CountingIterator(text.data() + text.size(), &read),
        &builder, nlohmann::json::input_format_t::json, true, comments);
    if (builder.error()) return std::unexpected(*builder.error());
    ASSERT(complete);
    return builder.take();
}

std::string to_json(const Node& node, int indent) {
    std::string out;
    append_node(out, node, indent, 0);
    return out;
}

std::string quote_json(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    append_quoted(out, text);
    return out;
}

}  // namespace base
