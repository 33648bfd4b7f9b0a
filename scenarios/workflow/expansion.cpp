// Expansion: nodes in a scope.
#include "scenarios/workflow/expansion.h"

#include <utility>
#include <vector>

#include "base/result.h"

namespace workflow {

Outcome<Value> expand_node(const YamlNode& node, const Scope& scope, const FileScope& file,
                           Keep keep) {
    if (node.is_scalar()) {
        if (node.text.find("${{") == std::string::npos)
            return keep == Keep::Text ? Value(node.text) : value_of(node);
        auto value = expand(node.text, scope, keep);
        if (!value)
            return std::unexpected(
                Trouble{value.error().message, node.position_of(value.error().offset, file.text)});
        return *value;
    }
    if (node.is_sequence()) {
        std::vector<Value> items;
        for (const YamlNode& item : node.items)
            items.push_back(TRY(expand_node(item, scope, file, Keep::Kind)));
        return Value::array(std::move(items));
    }
    Value out = Value::object();
    for (const YamlMember& member : node.members)
        out.set(member.key, TRY(expand_node(member.value, scope, file, Keep::Kind)));
    return out;
}

Outcome<std::string> expand_text(const YamlNode* node, const Scope& scope, const FileScope& file,
                                 const std::string& fallback) {
    if (!node) return fallback;
    return TRY(expand_node(*node, scope, file, Keep::Text)).to_text();
}

Outcome<Texts> expand_texts(const YamlNode* node, const Scope& scope, const FileScope& file) {
    Texts out;
    if (!node) return out;
    const Value value = TRY(expand_node(*node, scope, file, Keep::Kind));
    // As they are written, so that 1.10 stays 1.10.
    if (node->is_mapping()) {
        for (const YamlMember& member : node->members)
            out[member.key] = TRY(expand_text(&member.value, scope, file));
        return out;
    }
    for (const auto& [name, member] : value.members())
        out[name] = member.to_text();
    return out;
}

Outcome<bool> decide(const YamlNode* node, const Scope& scope, const FileScope& file) {
    auto parsed = parse_condition(node ? node->text : "");
    auto at = [&](const ExpressionError& error) {
        return std::unexpected(
            Trouble{error.message, node ? node->position_of(error.offset, file.text) : Position{}});
    };
    if (!parsed) return at(parsed.error());
    auto value = evaluate(*parsed, scope);
    if (!value) return at(value.error());
    return value->truthy();
}

Value object_of(const Texts& texts) {
    std::vector<Value::Member> members;
    for (const auto& [name, value] : texts)
        members.emplace_back(name, Value(value));
    return Value::object(std::move(members));
}

}  // namespace workflow
