#include "scenarios/workflow/yaml.h"

#include <algorithm>
#include <cctype>
#include <limits>

namespace workflow {
namespace {

constexpr yaml::Dialect kWorkflow{
    .what = "workflow",
    .has_anchors = true,
    .instead_of_alias = "",
    .instead_of_merge = "GitHub does not read them either: write the members again",
    .on_duplicate = "GitHub refuses the file",
    .on_tag = "a text that begins with ! needs quotes or ${{ }}"};

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, text) != words.end();
}

}  // namespace

std::expected<YamlNode, yaml::Error> parse_yaml(std::string_view text) {
    return yaml::parse(text, kWorkflow);
}

Value value_of(const YamlNode& node) {
    if (node.is_sequence()) {
        std::vector<Value> out;
        for (const auto& item : node.items)
            out.push_back(value_of(item));
        return Value::array(std::move(out));
    }
    if (node.is_mapping()) {
        std::vector<Value::Member> out;
        for (const auto& member : node.members)
            out.emplace_back(member.key, value_of(member.value));
        return Value::object(std::move(out));
    }
    const std::string& text = node.text;
    if (node.style != YamlNode::Style::Plain) return text;
    if (node.is_null()) return {};
    if (const auto truth = yaml::truth_of(text); truth != yaml::Truth::Neither)
        return truth == yaml::Truth::Yes;
    // YAML 1.2.2 §10.3.2: decimal integers and floats, 0o and 0x; .inf and .nan.
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

}  // namespace workflow
