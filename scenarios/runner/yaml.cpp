// libyaml's events, which carry places and untyped scalars, to one Node.
#include "scenarios/runner/yaml.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <cctype>

#include "base/json_builder.h"
#include "base/result.h"
#include "base/text.h"

namespace scenarios {
namespace {

using base::Node;
using base::Position;

// libyaml counts columns in characters, from 0.
Position place_of(const yaml_mark_t& mark) {
    return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
}

std::unexpected<YamlError> error(Position position, std::string message, std::string hint = "") {
    return std::unexpected(YamlError{position, std::move(message), std::move(hint)});
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return std::isdigit(static_cast<unsigned char>(c)) != 0;
    });
}

// A plain scalar by YAML 1.2.2 §10.3.2; numbers are JSON's, so that both spellings mean the same.
std::expected<Node, YamlError> plain(const std::string& text, Position position) {
    if (one_of(text, {"", "~", "null", "Null", "NULL"})) return Node();
    if (one_of(text, {"true", "True", "TRUE"})) return Node(true);
    if (one_of(text, {"false", "False", "FALSE"})) return Node(false);
    const std::string lower = base::lower(text);
    if (one_of(lower, {"yes", "no", "on", "off", "y", "n"}))
        return error(position,
                     fmt::format("\"{}\" is a boolean to some readers and a text to others", text),
                     fmt::format("write true or false, or \"{}\" in quotes", text));
    const bool negative = text[0] == '-' || text[0] == '+';
    const std::string_view number = std::string_view(text).substr(negative ? 1 : 0);
    if (number.size() > 1 && number[0] == '0' && is_digits(number))
        return error(
            position,
            fmt::format("{} is an octal number to some readers and a decimal to others", text),
            fmt::format("write it without the zeros, or \"{}\" in quotes", text));
    const bool prefixed = number.starts_with("0x") || number.starts_with("0o");
    if (one_of(lower, {".inf", "-.inf", "+.inf", ".nan"}) || (prefixed && number.size() > 2))
        return error(position, fmt::format("JSON has no number {}", text),
                     fmt::format("write a decimal number, or \"{}\" in quotes", text));
    // 22:30 is 1350 to YAML 1.1 (base 60).
    const auto [hours, minutes] = base::cut(number, ':');
    if (is_digits(hours) && is_digits(minutes))
        return error(position, fmt::format("{} is a number to some readers", text),
                     fmt::format("write \"{}\" in quotes", text));
    if (auto parsed = base::parse_json(text); parsed && parsed->is_number()) return *parsed;
    return Node(text);
}

class Reader {
  public:
    explicit Reader(std::string_view text) {
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

    std::expected<Node, YamlError> document() {
        TRY(advance());  // the stream begins
        TRY(advance());
        if (event_.type == YAML_STREAM_END_EVENT) return error({1, 1}, "the file is empty");
        TRY(advance());  // the document begins
        Node root = TRY(node(0));
        TRY(advance());
        TRY(advance());
        if (event_.type != YAML_STREAM_END_EVENT)
            return error(place_of(event_.start_mark), "a second document begins here",
                         "one file, one scenario");
        return root;
    }

  private:
    std::expected<void, YamlError> advance() {
        if (held_) yaml_event_delete(&event_);
        held_ = false;
        if (yaml_parser_parse(&parser_, &event_)) {
            held_ = true;
            return {};
        }
        const std::string problem = parser_.problem ? parser_.problem : "this is not YAML";
        std::string hint;
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

    // The node that event_ begins; afterwards event_ is its last.
    std::expected<Node, YamlError> node(size_t depth) {
        const Position position = place_of(event_.start_mark);
        if (++nodes_ > kMaxYamlNodes) return error(position, "the file holds too many values");
        if (depth > kMaxYamlDepth) return error(position, "values are nested too deep");
        Node out;
        const unsigned char *anchor = nullptr, *tag = nullptr;
        switch (event_.type) {
            case YAML_ALIAS_EVENT:
                return error(position, "aliases are not read here",
                             "write the value again, or give it a name in \"vars\"");
            case YAML_SCALAR_EVENT: {
                const auto& scalar = event_.data.scalar;
                anchor = scalar.anchor;
                tag = scalar.tag;
                const std::string text(reinterpret_cast<const char*>(scalar.value), scalar.length);
                if (anchor || tag) break;
                out = scalar.style == YAML_PLAIN_SCALAR_STYLE ? TRY(plain(text, position))
                                                              : Node(text);
                break;
            }
            case YAML_SEQUENCE_START_EVENT:
                anchor = event_.data.sequence_start.anchor;
                tag = event_.data.sequence_start.tag;
                out = Node::array();
                break;
            case YAML_MAPPING_START_EVENT:
                anchor = event_.data.mapping_start.anchor;
                tag = event_.data.mapping_start.tag;
                out = Node::object();
                break;
            default: return error(position, "a value was expected");
        }
        if (anchor)
            return error(position, "anchors are not read here",
                         "write the value again, or give it a name in \"vars\"");
        if (tag)
            return error(
                position,
                fmt::format("the tag {} has no meaning here", reinterpret_cast<const char*>(tag)),
                "leave it out");
        out.set_position(position);
        if (out.is_array()) {
            for (TRY(advance()); event_.type != YAML_SEQUENCE_END_EVENT; TRY(advance()))
                out.push_back(TRY(node(depth + 1)));
        } else if (out.is_object()) {
            TRY(members(out, depth));
        }
        return out;
    }

    std::expected<void, YamlError> members(Node& object, size_t depth) {
        for (TRY(advance()); event_.type != YAML_MAPPING_END_EVENT; TRY(advance())) {
            const Position place = place_of(event_.start_mark);
            if (event_.type == YAML_MAPPING_START_EVENT || event_.type == YAML_SEQUENCE_START_EVENT)
                return error(place, "a key is a text, and this is a list or an object",
                             "a text that begins with { or [ stands in quotes, such as "
                             "\"{{name}}\"");
            if (event_.type != YAML_SCALAR_EVENT)
                return error(place, "aliases are not read here", "write the key again");
            const auto& scalar = event_.data.scalar;
            std::string key(reinterpret_cast<const char*>(scalar.value), scalar.length);
            if (scalar.anchor || scalar.tag)
                return error(place, "anchors and tags are not read here", "leave it out");
            if (key == "<<" && scalar.style == YAML_PLAIN_SCALAR_STYLE)
                return error(place, "merge keys (<<) are not read here",
                             "write the members again, or use a file of steps: \"use\"");
            if (object.find(key))
                return error(place, fmt::format("duplicate key {}", base::quote_json(key)),
                             "write one matcher that says both");
            TRY(advance());
            base::NodeBuilder::add_member(object, std::move(key), place, TRY(node(depth + 1)));
        }
        return {};
    }

    yaml_parser_t parser_{};
    yaml_event_t event_{};
    bool held_ = false;
    size_t nodes_ = 0;
};

// libyaml's own words for a tab are of little help.
std::optional<YamlError> tab_indent(std::string_view text) {
    uint32_t line = 0;
    for (std::string_view each : base::split(text, '\n')) {
        ++line;
        const size_t first = each.find_first_not_of(' ');
        if (first == std::string_view::npos || each[first] != '\t') continue;
        if (base::trim(each).empty() || base::trim(each).starts_with('#')) continue;
        return YamlError{{line, static_cast<uint32_t>(first + 1)},
                         "a tab indents this line",
                         "YAML indents by spaces alone"};
    }
    return std::nullopt;
}

}  // namespace

std::expected<Node, YamlError> parse_yaml(std::string_view text) {
    if (!base::is_valid_utf8(text)) return error({1, 1}, "the file is not UTF-8");
    auto root = Reader(text).document();
    if (!root)
        if (auto tab = tab_indent(text); tab && tab->position <= root.error().position)
            return std::unexpected(std::move(*tab));
    return root;
}

}  // namespace scenarios
