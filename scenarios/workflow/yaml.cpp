#include "scenarios/workflow/yaml.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <map>

#include "base/result.h"
#include "base/text.h"

namespace workflow {
namespace {

Position of_mark(const yaml_mark_t& mark) {
    return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
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
    Reader& operator=(const Reader&) = delete;

    std::expected<YamlNode, YamlError> document() {
        TRY(advance());  // stream start
        TRY(advance());
        if (event_.type == YAML_STREAM_END_EVENT) return YamlNode{.position = {1, 1}};
        TRY(advance());  // document start
        YamlNode root = TRY(node(0));
        TRY(advance());  // document end
        TRY(advance());
        if (event_.type != YAML_STREAM_END_EVENT)
            return error(of_mark(event_.start_mark),
                         "a workflow is one document; this begins a second one");
        return root;
    }

  private:
    static std::unexpected<YamlError> error(Position position, std::string message) {
        return std::unexpected(YamlError{position, std::move(message)});
    }

    // The next event becomes event_.
    std::expected<void, YamlError> advance() {
        if (held_) yaml_event_delete(&event_);
        held_ = false;
        if (!yaml_parser_parse(&parser_, &event_)) {
            std::string message = parser_.problem ? parser_.problem : "this is not YAML";
            if (parser_.context) message += std::string(" (") + parser_.context + ")";
            return error(of_mark(parser_.problem_mark), std::move(message));
        }
        held_ = true;
        return {};
    }

    std::expected<void, YamlError> count(const Position& position, size_t nodes = 1) {
        nodes_ += nodes;
        if (nodes_ > kMaxYamlNodes)
            return error(position, fmt::format("more than {} values", kMaxYamlNodes));
        return {};
    }

    static size_t size_of(const YamlNode& node) {
        size_t size = 1;
        for (const auto& item : node.items)
            size += size_of(item);
        for (const auto& member : node.members)
            size += size_of(member.value);
        return size;
    }

    // The node that event_ begins; afterwards event_ is the node's last.
    std::expected<YamlNode, YamlError> node(size_t depth) {
        YamlNode out;
        out.position = of_mark(event_.start_mark);
        TRY(count(out.position));
        if (depth > kMaxYamlDepth)
            return error(out.position,
                         fmt::format("more than {} levels are nested", kMaxYamlDepth));
        const char* anchor = nullptr;
        const char* tag = nullptr;
        std::string name;
        auto keep_anchor = [&](yaml_char_t* given, yaml_char_t* given_tag) {
            anchor = reinterpret_cast<const char*>(given);
            tag = reinterpret_cast<const char*>(given_tag);
            if (anchor) name = anchor;
        };
        switch (event_.type) {
            case YAML_ALIAS_EVENT: {
                const std::string wanted = reinterpret_cast<const char*>(event_.data.alias.anchor);
                auto found = anchors_.find(wanted);
                if (found == anchors_.end())
                    return error(out.position,
                                 fmt::format("there is no anchor &{} before this alias", wanted));
                TRY(count(out.position, size_of(found->second)));
                return found->second;
            }
            case YAML_SCALAR_EVENT: {
                const auto& scalar = event_.data.scalar;
                keep_anchor(scalar.anchor, scalar.tag);
                out.text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
                out.style = scalar.style == YAML_PLAIN_SCALAR_STYLE ? YamlNode::Style::Plain
                            : scalar.style == YAML_LITERAL_SCALAR_STYLE ||
                                    scalar.style == YAML_FOLDED_SCALAR_STYLE
                                ? YamlNode::Style::Block
                                : YamlNode::Style::Quoted;
                break;
            }
            case YAML_SEQUENCE_START_EVENT:
                out.kind = YamlNode::Kind::Sequence;
                keep_anchor(event_.data.sequence_start.anchor, event_.data.sequence_start.tag);
                break;
            case YAML_MAPPING_START_EVENT:
                out.kind = YamlNode::Kind::Mapping;
                keep_anchor(event_.data.mapping_start.anchor, event_.data.mapping_start.tag);
                break;
            default: return error(out.position, "a value was expected");
        }
        if (tag)
            return error(
                out.position,
                fmt::format(
                    "the tag {} has no meaning in a workflow{}", tag,
                    *tag == '!' ? "; a text that begins with ! needs quotes or ${{ }}" : ""));
        if (out.is_sequence()) {
            for (TRY(advance()); event_.type != YAML_SEQUENCE_END_EVENT; TRY(advance()))
                out.items.push_back(TRY(node(depth + 1)));
        } else if (out.is_mapping()) {
            for (TRY(advance()); event_.type != YAML_MAPPING_END_EVENT; TRY(advance())) {
                YamlNode key = TRY(node(depth + 1));
                if (!key.is_scalar()) return error(key.position, "a key is a text");
                if (out.find(key.text))
                    return error(key.position, fmt::format("'{}' is already defined", key.text));
                if (key.text == "<<" && key.style == YamlNode::Style::Plain)
                    return error(key.position, "merge keys (<<) are not supported by GitHub");
                TRY(advance());
                YamlNode value = TRY(node(depth + 1));
                out.members.push_back({std::move(key.text), key.position, std::move(value)});
            }
        }
        if (!name.empty()) anchors_[name] = out;
        return out;
    }

    yaml_parser_t parser_{};
    yaml_event_t event_{};
    bool held_ = false;
    size_t nodes_ = 0;
    std::map<std::string, YamlNode> anchors_;
};

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

bool YamlNode::is_null() const {
    return is_scalar() && style == Style::Plain && one_of(text, {"", "~", "null", "Null", "NULL"});
}

const YamlNode* YamlNode::find(std::string_view key) const {
    for (const auto& member : members)
        if (member.key == key) return &member.value;
    return nullptr;
}

Value YamlNode::value() const {
    if (is_sequence()) {
        std::vector<Value> out;
        for (const auto& item : items)
            out.push_back(item.value());
        return Value::array(std::move(out));
    }
    if (is_mapping()) {
        std::vector<Value::Member> out;
        for (const auto& member : members)
            out.emplace_back(member.key, member.value.value());
        return Value::object(std::move(out));
    }
    if (style != Style::Plain) return text;
    if (is_null()) return {};
    if (one_of(text, {"true", "True", "TRUE"})) return true;
    if (one_of(text, {"false", "False", "FALSE"})) return false;
    // YAML 1.2.2 §10.3.2. Decimal integers and floats, 0o and 0x; .inf and .nan.
    if (one_of(text, {".nan", ".NaN", ".NAN"})) return std::numeric_limits<double>::quiet_NaN();
    const std::string_view unsigned_text =
        std::string_view(text).substr(text[0] == '-' || text[0] == '+' ? 1 : 0);
    if (one_of(unsigned_text, {".inf", ".Inf", ".INF"}))
        return text[0] == '-' ? -std::numeric_limits<double>::infinity()
                              : std::numeric_limits<double>::infinity();
    if (unsigned_text.find_first_not_of("0123456789abcdefABCDEFxo.+-") == std::string::npos &&
        !unsigned_text.empty() &&
        (std::isdigit(static_cast<unsigned char>(unsigned_text[0])) || unsigned_text[0] == '.')) {
        const double number = Value(text).to_number();
        if (number == number) return number;
    }
    return text;
}

Position YamlNode::position_of(size_t offset, std::string_view file_text) const {
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

std::expected<YamlNode, YamlError> parse_yaml(std::string_view text) {
    if (text.size() > kMaxYamlBytes)
        return std::unexpected(
            YamlError{{1, 1}, fmt::format("the file has more than {} bytes", kMaxYamlBytes)});
    if (!base::is_valid_utf8(text))
        return std::unexpected(YamlError{{1, 1}, "the file is not UTF-8"});
    return Reader(text).document();
}

}  // namespace workflow
