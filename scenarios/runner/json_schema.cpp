// One function per group of keywords; a schema that is a boolean accepts all or nothing.
#include "scenarios/runner/json_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/encoding.h"
#include "base/pattern.h"
#include "base/text.h"
#include "scenarios/runner/source.h"

namespace scenarios {
namespace {

using base::Node;

constexpr int kMaxDepth = 64;

constexpr std::string_view kWords[] = {
    "$schema", "$id", "$ref", "$comment", "title", "description", "default", "examples", "format",
    "definitions", "$defs", "readOnly", "writeOnly", "deprecated",
    // those that check
    "type", "enum", "const", "required", "properties", "patternProperties", "additionalProperties",
    "propertyNames", "minProperties", "maxProperties", "items", "additionalItems", "minItems",
    "maxItems", "uniqueItems", "contains", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "anyOf", "oneOf",
    "allOf", "not", "if", "then", "else"};
constexpr std::string_view kOneSchema[] = {"additionalProperties",
                                           "propertyNames",
                                           "contains",
                                           "additionalItems",
                                           "not",
                                           "if",
                                           "then",
                                           "else"};
constexpr std::string_view kListsOfSchemas[] = {"anyOf", "oneOf", "allOf"};
constexpr std::string_view kMapsOfSchemas[] = {"properties", "patternProperties", "definitions",
                                               "$defs"};
constexpr std::string_view kTypes[] = {"string", "number", "integer", "boolean",
                                       "null",   "array",  "object"};

template <class List>
bool contains(const List& list, std::string_view word) {
    return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

// "#/definitions/user" (RFC 6901 in a fragment); nullptr when it leads nowhere.
const Node* follow(const Node& root, const std::string& reference) {
    if (!reference.starts_with('#')) return nullptr;
    const Node* node = &root;
    const std::string path = reference.substr(1);
    if (path.empty()) return node;
    if (path[0] != '/') return nullptr;
    for (std::string_view part : base::split(std::string_view(path).substr(1), '/')) {
        const std::string name = base::replace_all(base::replace_all(part, "~1", "/"), "~0", "~");
        if (node->is_array()) {
            const auto index = base::parse_unsigned(name);
            if (!index || *index >= node->items().size()) return nullptr;
            node = &node->items()[*index];
            continue;
        }
        node = node->find(name);
        if (node == nullptr) return nullptr;
    }
    return node;
}

std::string problem_of(const Node& root, const Node& schema, int depth) {
    if (depth > kMaxDepth) return "the schema is nested too deep";
    if (schema.is_bool()) return "";
    if (!schema.is_object()) return "a schema is an object, true or false";
    for (const auto& [word, value] : schema.members()) {
        if (!contains(kWords, word))
            return fmt::format("the keyword \"{}\" is not understood{}", word, [&, &word = word] {
                const std::string near =
                    base::closest(word, {std::begin(kWords), std::end(kWords)});
                return near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near);
            }());
        std::string inner;
        if (word == "$ref" && follow(root, value.as_string()) == nullptr)
            return fmt::format("the reference \"{}\" leads nowhere in this file",
                               value.as_string());
        if (word == "pattern")
            if (auto pattern = base::Pattern::compile(value.as_string()); !pattern)
                return fmt::format("the pattern does not compile: {}", pattern.error().message);
        if (word == "type") {
            const std::vector<Node> one{value};
            for (const Node& type : value.is_array() ? value.items() : one)
                if (!contains(kTypes, type.as_string()))
                    return fmt::format("there is no type {}", base::to_json(type));
        }
        if (contains(kOneSchema, word) || (word == "items" && !value.is_array()))
            inner = problem_of(root, value, depth + 1);
        if (contains(kListsOfSchemas, word) || (word == "items" && value.is_array()))
            for (const Node& item : value.items())
                if (inner.empty()) inner = problem_of(root, item, depth + 1);
        if (contains(kMapsOfSchemas, word))
            for (const auto& [name, item] : value.members()) {
                if (word == "patternProperties")
                    if (auto pattern = base::Pattern::compile(name); !pattern)
                        return fmt::format("the pattern does not compile: {}",
                                           pattern.error().message);
                if (inner.empty()) inner = problem_of(root, item, depth + 1);
            }
        if (!inner.empty()) return inner;
    }
    return "";
}

std::string_view kind_of(const Node& node) {
    switch (node.kind()) {
        case Node::Kind::Null: return "null";
        case Node::Kind::Bool: return "boolean";
        case Node::Kind::Number: return node.is_integer() ? "integer" : "number";
        case Node::Kind::String: return "string";
        case Node::Kind::Array: return "array";
        case Node::Kind::Object: return "object";
    }
    return "";
}

bool is_type(const Node& node, std::string_view type) {
    if (type == "number") return node.is_number();
    // 1.0 is an integer (draft-07 §6.1.1).
    if (type == "integer")
        return node.is_number() && std::floor(node.as_double()) == node.as_double();
    return kind_of(node) == type;
}

bool matches(const std::string& pattern, const std::string& text) {
    auto compiled = base::Pattern::compile(pattern);
    if (!compiled) return false;
    auto found = compiled->find(text);
    return found && *found;
}

class Validation {
  public:
    explicit Validation(const Node& root) : root_(root) {}

    void check(const Node& schema, const Node& value, const std::string& path, int depth) {
        if (findings.size() >= kMaxSchemaFindings || depth > kMaxDepth) return;
        if (schema.is_bool()) {
            if (!schema.as_bool()) say(path, "may not be there");
            return;
        }
        // draft-07 §8.3: what stands beside $ref is ignored.
        if (const Node* reference = schema.find("$ref"))
            return check(*follow(root_, reference->as_string()), value, path, depth + 1);
        of_any(schema, value, path);
        if (value.is_object()) of_object(schema, value, path, depth);
        if (value.is_array()) of_array(schema, value, path, depth);
        if (value.is_number()) of_number(schema, value, path);
        if (value.is_string()) of_text(schema, value, path);
        combined(schema, value, path, depth);
    }

    std::vector<SchemaFinding> findings;

  private:
    void say(const std::string& path, std::string message) {
        findings.push_back({path, std::move(message)});
    }

    bool fits(const Node& schema, const Node& value, int depth) const {
        Validation inner(root_);
        inner.check(schema, value, "", depth + 1);
        return inner.findings.empty();
    }

    void of_any(const Node& schema, const Node& value, const std::string& path) {
        if (const Node* type = schema.find("type")) {
            const std::vector<Node> one{*type};
            const auto& types = type->is_array() ? type->items() : one;
            if (std::none_of(types.begin(), types.end(),
                             [&](const Node& each) { return is_type(value, each.as_string()); }))
                say(path, fmt::format("is of type {}, and {} is wanted", kind_of(value),
                                      type->is_array() ? base::to_json(*type) : type->as_string()));
        }
        if (const Node* values = schema.find("enum"))
            if (std::none_of(values->items().begin(), values->items().end(),
                             [&](const Node& each) { return each == value; }))
                say(path, fmt::format("is {}, and none of {}", base::to_json(value),
                                      base::to_json(*values)));
        if (const Node* wanted = schema.find("const"); wanted && !(*wanted == value))
            say(path, fmt::format("is {}, and {} is wanted", base::to_json(value),
                                  base::to_json(*wanted)));
    }

    void of_object(const Node& schema, const Node& value, const std::string& path, int depth) {
        for (const Node& name : schema["required"].items())
            if (!value.find(name.as_string()))
                say(path, fmt::format("has no \"{}\"", name.as_string()));
        count(schema, value.size(), "minProperties", "maxProperties", "members", path);
        for (const auto& [name, member] : value.members()) {
            const std::string below = path + "." + name;
            bool known = false;
            if (const Node* inner = schema["properties"].find(name)) {
                known = true;
                check(*inner, member, below, depth + 1);
            }
            for (const auto& [pattern, inner] : schema["patternProperties"].members())
                if (matches(pattern, name)) {
                    known = true;
                    check(inner, member, below, depth + 1);
                }
            if (const Node* names = schema.find("propertyNames"))
                check(*names, Node(name), below, depth + 1);
            const Node* rest = schema.find("additionalProperties");
            if (known || rest == nullptr) continue;
            if (rest->is_bool() && !rest->as_bool())
                say(below, "is not in the schema");
            else
                check(*rest, member, below, depth + 1);
        }
    }

    void of_array(const Node& schema, const Node& value, const std::string& path, int depth) {
        count(schema, value.size(), "minItems", "maxItems", "elements", path);
        const Node* items = schema.find("items");
        for (size_t i = 0; items && i < value.items().size(); ++i) {
            const Node* inner = items;
            if (items->is_array())
                inner =
                    i < items->items().size() ? &items->items()[i] : schema.find("additionalItems");
            if (inner) check(*inner, value.items()[i], fmt::format("{}[{}]", path, i), depth + 1);
        }
        if (const Node* wanted = schema.find("contains"))
            if (std::none_of(value.items().begin(), value.items().end(),
                             [&](const Node& item) { return fits(*wanted, item, depth); }))
                say(path, "has no element that \"contains\" asks for");
        if (!schema["uniqueItems"].as_bool()) return;
        for (size_t i = 0; i < value.items().size(); ++i)
            for (size_t j = 0; j < i; ++j)
                if (value.items()[i] == value.items()[j])
                    return say(path,
                               fmt::format("has the same element twice: [{}] and [{}]", j, i));
    }

    void of_number(const Node& schema, const Node& value, const std::string& path) {
        const double number = value.as_double();
        auto bound = [&](std::string_view word, auto holds, std::string_view text) {
            const Node* limit = schema.find(word);
            if (limit && !holds(number, limit->as_double()))
                say(path, fmt::format("is {}, and {} {} is wanted", value.number_text(), text,
                                      limit->number_text()));
        };
        bound("minimum", [](double a, double b) { return a >= b; }, "at least");
        bound("maximum", [](double a, double b) { return a <= b; }, "at most");
        bound("exclusiveMinimum", [](double a, double b) { return a > b; }, "more than");
        bound("exclusiveMaximum", [](double a, double b) { return a < b; }, "less than");
        bound(
            "multipleOf",
            [](double a, double b) { return b > 0 && std::fabs(std::remainder(a, b)) < 1e-9; },
            "a multiple of");
    }

    void of_text(const Node& schema, const Node& value, const std::string& path) {
        count(schema, count_characters(value.as_string()), "minLength", "maxLength", "characters",
              path);
        if (const Node* pattern = schema.find("pattern");
            pattern && !matches(pattern->as_string(), value.as_string()))
            say(path, fmt::format("is {}, and does not match /{}/", base::to_json(value),
                                  pattern->as_string()));
    }

    void count(const Node& schema, size_t size, std::string_view least, std::string_view most,
               std::string_view what, const std::string& path) {
        const auto number = static_cast<int64_t>(size);
        if (const Node* limit = schema.find(least); limit && number < limit->as_int())
            say(path, fmt::format("has {} {}, and at least {} are wanted", number, what,
                                  limit->as_int()));
        if (const Node* limit = schema.find(most); limit && number > limit->as_int())
            say(path,
                fmt::format("has {} {}, and at most {} are wanted", number, what, limit->as_int()));
    }

    void combined(const Node& schema, const Node& value, const std::string& path, int depth) {
        for (const Node& each : schema["allOf"].items())
            check(each, value, path, depth + 1);
        auto fitting = [&](const Node& list) {
            return std::count_if(list.items().begin(), list.items().end(),
                                 [&](const Node& each) { return fits(each, value, depth); });
        };
        if (const Node* list = schema.find("anyOf"); list && fitting(*list) == 0)
            say(path, "fits none of \"anyOf\"");
        if (const Node* list = schema.find("oneOf"))
            if (const auto number = fitting(*list); number != 1)
                say(path, fmt::format("fits {} of \"oneOf\", and one is wanted", number));
        if (const Node* inner = schema.find("not"); inner && fits(*inner, value, depth))
            say(path, "fits what \"not\" forbids");
        if (const Node* condition = schema.find("if")) {
            const Node* next = schema.find(fits(*condition, value, depth) ? "then" : "else");
            if (next) check(*next, value, path, depth + 1);
        }
    }

    const Node& root_;
};

}  // namespace

std::string schema_problem(const Node& schema) {
    return problem_of(schema, schema, 0);
}

std::vector<SchemaFinding> validate_by_schema(const Node& schema, const Node& value) {
    Validation validation(schema);
    validation.check(schema, value, "", 0);
    if (validation.findings.size() > kMaxSchemaFindings)
        validation.findings.resize(kMaxSchemaFindings);
    return std::move(validation.findings);
}

}  // namespace scenarios
