#include "scenarios/workflow/value.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "base/text.h"

namespace workflow {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string_view trim_all(std::string_view text) {
    auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    while (!text.empty() && blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && blank(text.back()))
        text.remove_suffix(1);
    return text;
}

// Sign, digits with a point, exponent; at least one digit.
bool is_decimal(std::string_view text) {
    size_t at = text[0] == '-' || text[0] == '+' ? 1 : 0, digits = 0;
    auto run = [&] {
        size_t begin = at;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9')
            ++at;
        return at - begin;
    };
    digits += run();
    if (at < text.size() && text[at] == '.') ++at, digits += run();
    if (digits == 0) return false;
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
        if (run() == 0) return false;
    }
    return at == text.size();
}

double parse_number(std::string_view raw) {
    const std::string text(trim_all(raw));
    if (text.empty()) return 0;
    if (is_decimal(text)) return std::strtod(text.c_str(), nullptr);
    if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'o')) {
        const int base = text[1] == 'x' ? 16 : 8;
        const char* digits = base == 16 ? "0123456789abcdefABCDEF" : "01234567";
        // More than 32 bits are out of range, and 32 bits have a sign.
        if (text.find_first_not_of(digits, 2) != std::string::npos) return kNan;
        errno = 0;
        const unsigned long long read = std::strtoull(text.c_str() + 2, nullptr, base);
        if (errno || read > 0xffffffffull) return kNan;
        return static_cast<double>(static_cast<int32_t>(static_cast<uint32_t>(read)));
    }
    if (text == "Infinity") return std::numeric_limits<double>::infinity();
    if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
    return kNan;
}

// Text against a number, and null or a boolean against anything: both become numbers.
void coerce(Value& a, Value& b) {
    using Kind = Value::Kind;
    auto weak = [](const Value& v) { return v.kind() == Kind::Bool || v.kind() == Kind::Null; };
    if (a.kind() == b.kind()) return;
    if (weak(a)) a = Value(a.to_number());
    if (weak(b)) b = Value(b.to_number());
    if (a.kind() == Kind::Number && b.kind() == Kind::String) b = Value(b.to_number());
    if (a.kind() == Kind::String && b.kind() == Kind::Number) a = Value(a.to_number());
}

void write_json(const Value& value, int depth, std::string& out) {
    const std::string inner(static_cast<size_t>(depth + 1) * 2, ' ');
    const std::string outer(static_cast<size_t>(depth) * 2, ' ');
    if (value.is_string()) {
        out += base::quote_json(value.string());
    } else if (value.is_array()) {
        if (value.items().empty()) {
            out += "[]";
            return;
        }
        out += "[\n";
        for (size_t i = 0; i < value.items().size(); ++i) {
            out += inner;
            write_json(value.items()[i], depth + 1, out);
            out += i + 1 < value.items().size() ? ",\n" : "\n";
        }
        out += outer + "]";
    } else if (value.is_object()) {
        if (value.members().empty()) {
            out += "{}";
            return;
        }
        out += "{\n";
        for (size_t i = 0; i < value.members().size(); ++i) {
            out += inner + base::quote_json(value.members()[i].first) + ": ";
            write_json(value.members()[i].second, depth + 1, out);
            out += i + 1 < value.members().size() ? ",\n" : "\n";
        }
        out += outer + "}";
    } else {
        out += value.is_null() ? "null" : value.to_text();
    }
}

}  // namespace

Value Value::array(std::vector<Value> items, bool filtered) {
    Value value;
    value.kind_ = Kind::Array;
    value.filtered_ = filtered;
    value.items_ = std::make_shared<std::vector<Value>>(std::move(items));
    return value;
}

Value Value::object(std::vector<Member> members) {
    Value value;
    value.kind_ = Kind::Object;
    value.members_ = std::make_shared<std::vector<Member>>(std::move(members));
    return value;
}

const std::vector<Value>& Value::items() const {
    static const std::vector<Value> none;
    return items_ ? *items_ : none;
}

const std::vector<Value::Member>& Value::members() const {
    static const std::vector<Member> none;
    return members_ ? *members_ : none;
}

const Value* Value::find(std::string_view name) const {
    for (const auto& [key, value] : members())
        if (base::equals_ignoring_case(key, name)) return &value;
    return nullptr;
}

void Value::set(std::string_view name, Value value) {
    if (kind_ != Kind::Object) *this = object();
    // What was handed out earlier stays as it was.
    if (members_.use_count() > 1) members_ = std::make_shared<std::vector<Member>>(*members_);
    for (auto& [key, held] : *members_)
        if (base::equals_ignoring_case(key, name)) {
            held = std::move(value);
            return;
        }
    members_->emplace_back(std::string(name), std::move(value));
}

bool Value::truthy() const {
    switch (kind_) {
        case Kind::Null: return false;
        case Kind::Bool: return number_ != 0;
        case Kind::Number: return number_ != 0 && !std::isnan(number_);
        case Kind::String: return !text_.empty();
        default: return true;
    }
}

double Value::to_number() const {
    switch (kind_) {
        case Kind::Null: return 0;
        case Kind::Bool:
        case Kind::Number: return number_;
        case Kind::String: return parse_number(text_);
        default: return kNan;
    }
}

std::string Value::to_text() const {
    switch (kind_) {
        case Kind::Null: return "";
        case Kind::Bool: return number_ != 0 ? "true" : "false";
        case Kind::Number: return format_number(number_);
        case Kind::String: return text_;
        case Kind::Array: return "Array";
        case Kind::Object: return "Object";
    }
    return "";
}

bool Value::equal(const Value& a, const Value& b) {
    return compare(a, b) == Order::Equal;
}

Value::Order Value::compare(const Value& left, const Value& right) {
    Value a = left, b = right;
    coerce(a, b);
    if (a.kind_ != b.kind_) return Order::None;
    switch (a.kind_) {
        case Kind::Null: return Order::Equal;
        case Kind::Bool:
        case Kind::Number:
            if (std::isnan(a.number_) || std::isnan(b.number_)) return Order::None;
            return a.number_ < b.number_   ? Order::Less
                   : a.number_ > b.number_ ? Order::Greater
                                           : Order::Equal;
        case Kind::String: {
            const std::string x = base::upper(a.text_), y = base::upper(b.text_);
            return x < y ? Order::Less : x > y ? Order::Greater : Order::Equal;
        }
        case Kind::Array: return a.items_ == b.items_ ? Order::Equal : Order::None;
        case Kind::Object: return a.members_ == b.members_ ? Order::Equal : Order::None;
    }
    return Order::None;
}

Value from_node(const base::Node& node) {
    switch (node.kind()) {
        case base::Node::Kind::Null: return {};
        case base::Node::Kind::Bool: return node.as_bool();
        case base::Node::Kind::Number: return node.as_double();
        case base::Node::Kind::String: return node.as_string();
        case base::Node::Kind::Array: {
            std::vector<Value> items;
            for (const auto& item : node.items())
                items.push_back(from_node(item));
            return Value::array(std::move(items));
        }
        case base::Node::Kind::Object: {
            std::vector<Value::Member> members;
            for (const auto& [name, item] : node.members())
                members.emplace_back(name, from_node(item));
            return Value::object(std::move(members));
        }
    }
    return {};
}

std::string to_json_text(const Value& value) {
    std::string out;
    write_json(value, 0, out);
    return out;
}

std::string format_number(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    if (number == 0) return "0";
    return base::upper(fmt::format("{:.15g}", number));
}

}  // namespace workflow
