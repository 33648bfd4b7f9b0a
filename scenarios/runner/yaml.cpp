// What plain texts of a scenario mean.
#include "scenarios/runner/yaml.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/json_builder.h"
#include "base/result.h"
#include "base/text.h"

namespace scenarios {
namespace {

using base::Node;
using base::Position;

constexpr yaml::Dialect kScenario{
    .what = "scenario",
    .has_anchors = false,
    .instead_of_alias = "write the value again, or give it a name in \"vars\"",
    .instead_of_merge = "write the members again, or use a file of steps: \"use\"",
    .on_duplicate = "write one matcher that says both",
    .on_tag = "leave it out"};

std::unexpected<yaml::Error> error(Position position, std::string message, std::string hint = "") {
    return std::unexpected(yaml::Error{position, std::move(message), std::move(hint)});
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
std::expected<Node, yaml::Error> plain(const std::string& text, Position position) {
    if (const auto truth = yaml::truth_of(text); truth != yaml::Truth::Neither)
        return Node(truth == yaml::Truth::Yes);
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

std::expected<Node, yaml::Error> tree_of(const yaml::Node& from) {
    Node out;
    if (from.is_sequence()) {
        out = Node::array();
        for (const yaml::Node& item : from.items)
            out.push_back(TRY(tree_of(item)));
    } else if (from.is_mapping()) {
        out = Node::object();
        for (const yaml::Member& member : from.members)
            base::NodeBuilder::add_member(out, member.key, member.key_position,
                                          TRY(tree_of(member.value)));
    } else if (from.style != yaml::Node::Style::Plain) {
        out = Node(from.text);
    } else if (!from.is_null()) {
        out = TRY(plain(from.text, from.position));
    }
    out.set_position(from.position);
    return out;
}

}  // namespace

std::expected<Node, yaml::Error> parse_yaml(std::string_view text) {
    const yaml::Node root = TRY(yaml::parse(text, kScenario));
    if (root.is_null() && root.text.empty()) return error({1, 1}, "the file is empty");
    return tree_of(root);
}

}  // namespace scenarios
