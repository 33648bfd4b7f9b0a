// libyaml's events, which carry places and untyped scalars, to one tree.
#include "scenarios/yaml/document.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/result.h"
#include "base/text.h"

namespace yaml {
namespace {

// libyaml counts columns in characters, from 0.
Position place_of(const yaml_mark_t& mark) {
    return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
}

std::unexpected<Error> error(Position position, std::string message, std::string_view hint = {}) {
    return std::unexpected(Error{position, std::move(message), std::string(hint)});
}

std::string text_of(const yaml_char_t* text) {
    return text ? reinterpret_cast<const char*>(text) : "";
}

size_t size_of(const Node& node) {
    size_t size = 1;
    for (const auto& item : node.items)
        size += size_of(item);
    for (const auto& member : node.members)
        size += size_of(member.value);
    return size;
}

Node::Style style_of(yaml_scalar_style_t style) {
    switch (style) {
        case YAML_PLAIN_SCALAR_STYLE: return Node::Style::Plain;
        case YAML_LITERAL_SCALAR_STYLE:
        case YAML_FOLDED_SCALAR_STYLE: return Node::Style::Block;
        default: return Node::Style::Quoted;
    }
}

class Reader {
  public:
    Reader(std::string_view text, const Dialect& dialect) : dialect_(dialect) {
        yaml_parser_initialize(&parser_);
        yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                     text.size());
    }
    ~Reader() {
        if (held_) yaml_event_delete(&event_);
        yaml_parser_delete(&parser_);
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    std::expected<Node, Error> document() {
        TRY(advance());  // the stream begins
        TRY(advance());
        if (event_.type == YAML_STREAM_END_EVENT) return Node{.position = {1, 1}};
        TRY(advance());  // the document begins
        Node root = TRY(node(0));
        TRY(advance());
        TRY(advance());
        if (event_.type != YAML_STREAM_END_EVENT)
            return error(place_of(event_.start_mark), "a second document begins here",
                         fmt::format("one file, one {}", dialect_.what));
        return root;
    }

  private:
    // The next event becomes event_.
    std::expected<void, Error> advance() {
        if (held_) yaml_event_delete(&event_);
        held_ = false;
        if (yaml_parser_parse(&parser_, &event_)) {
            held_ = true;
            return {};
        }
        const std::string problem = parser_.problem ? parser_.problem : "this is not YAML";
        std::string_view hint;
        if (problem.find("cannot start any token") != std::string::npos)
            hint =
                "YAML indents by spaces alone, and a text that begins with one of @ ` % stands "
                "in quotes";
        else if (problem.find("did not find expected") != std::string::npos)
            hint =
                "texts with brackets, braces, commas or \": \" stand in quotes, such as "
                "\"$[0].id\" and \"{{name}}\"";
        return error(place_of(parser_.problem_mark), problem, hint);
    }

    std::expected<void, Error> count(const Position& position, size_t nodes = 1) {
        nodes_ += nodes;
        if (nodes_ > kMaxNodes)
            return error(position, fmt::format("more than {} values", kMaxNodes));
        return {};
    }

    // The node that event_ begins; afterwards event_ is the node's last.
    std::expected<Node, Error> node(size_t depth) {
        Node out;
        out.position = place_of(event_.start_mark);
        TRY(count(out.position));
        if (depth > kMaxDepth)
            return error(out.position, fmt::format("more than {} levels are nested", kMaxDepth));
        std::string anchor, tag;
        switch (event_.type) {
            case YAML_ALIAS_EVENT: return alias(out.position);
            case YAML_SCALAR_EVENT: {
                const auto& scalar = event_.data.scalar;
                anchor = text_of(scalar.anchor);
                tag = text_of(scalar.tag);
                out.text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
                out.style = style_of(scalar.style);
                break;
            }
            case YAML_SEQUENCE_START_EVENT:
                out.kind = Node::Kind::Sequence;
                anchor = text_of(event_.data.sequence_start.anchor);
                tag = text_of(event_.data.sequence_start.tag);
                break;
            case YAML_MAPPING_START_EVENT:
                out.kind = Node::Kind::Mapping;
                anchor = text_of(event_.data.mapping_start.anchor);
                tag = text_of(event_.data.mapping_start.tag);
                break;
            default: return error(out.position, "a value was expected");
        }
        if (!anchor.empty() && !dialect_.has_anchors)
            return error(out.position, "anchors are not read here", dialect_.instead_of_alias);
        if (!tag.empty())
            return error(out.position,
                         fmt::format("the tag {} has no meaning in a {}", tag, dialect_.what),
                         dialect_.on_tag);
        if (out.is_sequence()) {
            for (TRY(advance()); event_.type != YAML_SEQUENCE_END_EVENT; TRY(advance()))
                out.items.push_back(TRY(node(depth + 1)));
        } else if (out.is_mapping()) {
            for (TRY(advance()); event_.type != YAML_MAPPING_END_EVENT; TRY(advance()))
                TRY(member(out, depth));
        }
        if (!anchor.empty()) anchors_[anchor] = out;
        return out;
    }

    std::expected<Node, Error> alias(Position position) {
        if (!dialect_.has_anchors)
            return error(position, "aliases are not read here", dialect_.instead_of_alias);
        const std::string wanted = text_of(event_.data.alias.anchor);
        const auto found = anchors_.find(wanted);
        if (found == anchors_.end())
            return error(position, fmt::format("there is no anchor &{} before this alias", wanted));
        TRY(count(position, size_of(found->second)));
        return found->second;
    }

    std::expected<void, Error> member(Node& object, size_t depth) {
        if (event_.type == YAML_MAPPING_START_EVENT || event_.type == YAML_SEQUENCE_START_EVENT)
            return error(place_of(event_.start_mark),
                         "a key is a text, and this is a list or an object",
                         "a text that begins with { or [ stands in quotes, such as \"{{name}}\"");
        Node key = TRY(node(depth + 1));
        if (!key.is_scalar()) return error(key.position, "a key is a text");
        if (key.text == "<<" && key.style == Node::Style::Plain)
            return error(key.position,
                         fmt::format("merge keys (<<) are not read in a {}", dialect_.what),
                         dialect_.instead_of_merge);
        if (object.find(key.text))
            return error(key.position, fmt::format("duplicate key {}", base::quote_json(key.text)),
                         dialect_.on_duplicate);
        TRY(advance());
        Node value = TRY(node(depth + 1));
        object.members.push_back({std::move(key.text), key.position, std::move(value)});
        return {};
    }

    const Dialect& dialect_;
    yaml_parser_t parser_{};
    yaml_event_t event_{};
    bool held_ = false;
    size_t nodes_ = 0;
    std::map<std::string, Node> anchors_;
};

// libyaml's own words for a tab are of little help.
std::optional<Error> tab_indent(std::string_view text) {
    uint32_t line = 0;
    for (std::string_view each : base::split(text, '\n')) {
        ++line;
        const size_t first = each.find_first_not_of(' ');
        if (first == std::string_view::npos || each[first] != '\t') continue;
        if (base::trim(each).empty() || base::trim(each).starts_with('#')) continue;
        return Error{{line, static_cast<uint32_t>(first + 1)},
                     "a tab indents this line",
                     "YAML indents by spaces alone"};
    }
    return std::nullopt;
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, text) != words.end();
}

std::string_view line_of(std::string_view file, uint32_t number) {
    for (uint32_t line = 1; line < number; ++line) {
        const size_t end = file.find('\n');
        if (end == file.npos) return {};
        file.remove_prefix(end + 1);
    }
    return file.substr(0, file.find('\n'));
}

}  // namespace

bool Node::is_null() const {
    return is_scalar() && style == Style::Plain && one_of(text, {"", "~", "null", "Null", "NULL"});
}

const Node* Node::find(std::string_view key) const {
    for (const auto& member : members)
        if (member.key == key) return &member.value;
    return nullptr;
}

Position Node::position_of(size_t offset, std::string_view file_text) const {
    if (style != Style::Block) {
        // A text of one line stands as it is written (an escape before the place would move it).
        return {position.line,
                position.column + static_cast<uint32_t>(offset + (style == Style::Quoted ? 1 : 0))};
    }
    const std::string_view before = std::string_view(text).substr(0, std::min(offset, text.size()));
    const auto lines = static_cast<uint32_t>(std::ranges::count(before, '\n'));
    const size_t line_start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
    const size_t line_end = text.find('\n', line_start);
    const std::string_view content =
        std::string_view(text).substr(line_start, line_end - line_start);
    const uint32_t line = position.line + 1 + lines;
    const size_t indent = line_of(file_text, line).find(content);
    return {line, static_cast<uint32_t>((indent == std::string_view::npos ? 0 : indent) +
                                        (offset - line_start) + 1)};
}

Truth truth_of(std::string_view plain) {
    if (one_of(plain, {"true", "True", "TRUE"})) return Truth::Yes;
    return one_of(plain, {"false", "False", "FALSE"}) ? Truth::No : Truth::Neither;
}

std::expected<Node, Error> parse(std::string_view text, const Dialect& dialect) {
    if (text.size() > kMaxBytes)
        return error({1, 1}, fmt::format("the file has more than {} bytes", kMaxBytes));
    if (!base::is_valid_utf8(text)) return error({1, 1}, "the file is not UTF-8");
    auto root = Reader(text, dialect).document();
    if (!root)
        if (auto tab = tab_indent(text); tab && tab->position <= root.error().position)
            return std::unexpected(std::move(*tab));
    return root;
}

}  // namespace yaml
