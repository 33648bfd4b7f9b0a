// Filter patterns (see filter_pattern.h): a word splitter and a small recursive-descent reader for
// braces.
#include "logs/filter_pattern.h"

#include <algorithm>

#include "base/text.h"

namespace logs {
namespace {

constexpr int kMaxDepth = 20;

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::expected<std::string, std::string> take_quoted(std::string_view& rest) {
    std::string word;
    for (size_t i = 1; i < rest.size(); ++i) {
        if (rest[i] == '\\' && i + 1 < rest.size()) {
            word += rest[++i];
        } else if (rest[i] == '"') {
            rest.remove_prefix(i + 1);
            return word;
        } else {
            word += rest[i];
        }
    }
    return std::unexpected("Invalid filter pattern: a quotation mark is not closed");
}

bool contains(std::string_view message, const std::string& word) {
    return message.find(word) != std::string_view::npos;
}

const base::Node* follow(const base::Node& message, const std::vector<std::string>& path) {
    const base::Node* at = &message;
    for (const std::string& step : path) {
        if (step == "[*]") return at->items().empty() ? nullptr : &at->items().front();
        if (step.starts_with('[')) {
            auto index = base::parse_unsigned(std::string_view(step).substr(1, step.size() - 2));
            if (!index || *index >= at->items().size()) return nullptr;
            at = &at->items()[*index];
        } else {
            at = at->find(step);
        }
        if (!at) return nullptr;
    }
    return at;
}

}  // namespace

struct JsonPatternReader {
    using Condition = FilterPattern::Condition;
    using Comparison = FilterPattern::Comparison;
    using Operator = Comparison::Operator;
    template <class T>
    using Read = std::expected<T, std::string>;

    std::string_view rest;

    void skip_spaces() {
        while (!rest.empty() && is_space(rest.front()))
            rest.remove_prefix(1);
    }
    bool take(std::string_view token) {
        skip_spaces();
        if (!rest.starts_with(token)) return false;
        rest.remove_prefix(token.size());
        return true;
    }
    static std::unexpected<std::string> invalid(std::string_view what) {
        return std::unexpected("Invalid filter pattern: " + std::string(what));
    }

    Read<Condition> chain(int depth, std::string_view token, Condition::Kind kind) {
        if (depth > kMaxDepth) return invalid("too deep");
        auto next = [&] {
            return kind == Condition::Kind::Or ? chain(depth, "&&", Condition::Kind::And)
                                               : leaf(depth);
        };
        auto first = next();
        if (!first) return first;
        Condition result{kind, {}, {std::move(*first)}};
        while (take(token)) {
            auto further = next();
            if (!further) return further;
            result.parts.push_back(std::move(*further));
        }
        return result;
    }
    Read<Condition> any(int depth) { return chain(depth, "||", Condition::Kind::Or); }

    Read<Condition> leaf(int depth) {
        if (take("(")) {
            auto inner = any(depth + 1);
            if (inner && !take(")")) return invalid("a parenthesis is not closed");
            return inner;
        }
        auto comparison = this->comparison();
        if (!comparison) return std::unexpected(comparison.error());
        return Condition{Condition::Kind::Leaf, std::move(*comparison), {}};
    }

    Read<std::vector<std::string>> path() {
        if (!take("$")) return invalid("a selector starts with $");
        std::vector<std::string> result;
        while (!rest.empty()) {
            if (rest.front() == '.') {
                rest.remove_prefix(1);
                size_t end = 0;
                while (end < rest.size() && !is_space(rest[end]) &&
                       std::string_view(".[=!<>)}").find(rest[end]) == std::string_view::npos)
                    ++end;
                if (end == 0) return invalid("a selector has an empty step");
                result.emplace_back(rest.substr(0, end));
                rest.remove_prefix(end);
            } else if (rest.front() == '[') {
                size_t end = rest.find(']');
                if (end == std::string_view::npos) return invalid("a bracket is not closed");
                std::string step(rest.substr(0, end + 1));
                if (step.size() > 4 && step[1] == '\'') step = step.substr(2, step.size() - 4);
                result.push_back(std::move(step));
                rest.remove_prefix(end + 1);
            } else {
                break;
            }
        }
        return result;
    }

    Read<Comparison> comparison() {
        Comparison result;
        auto selector = path();
        if (!selector) return std::unexpected(selector.error());
        result.path = std::move(*selector);
        struct Word {
            std::string_view token;
            Operator op;
        };
        for (const Word& word :
             {Word{"IS NULL", Operator::IsNull}, Word{"NOT EXISTS", Operator::NotExists},
              Word{"IS TRUE", Operator::IsTrue}, Word{"IS FALSE", Operator::IsFalse}})
            if (take(word.token)) {
                result.op = word.op;
                return result;
            }
        for (const Word& word : {Word{"!=", Operator::NotEqual}, Word{"<=", Operator::LessOrEqual},
                                 Word{">=", Operator::GreaterOrEqual}, Word{"=", Operator::Equal},
                                 Word{"<", Operator::Less}, Word{">", Operator::Greater}})
            if (take(word.token)) {
                result.op = word.op;
                return operand(std::move(result));
            }
        return invalid("a comparison lacks its operator");
    }

    Read<Comparison> operand(Comparison result) {
        skip_spaces();
        if (rest.starts_with('"')) {
            auto text = take_quoted(rest);
            if (!text) return std::unexpected(text.error());
            result.text = std::move(*text);
            return result;
        }
        size_t end = 0;
        while (end < rest.size() && !is_space(rest[end]) &&
               std::string_view(")}&|").find(rest[end]) == std::string_view::npos)
            ++end;
        if (end == 0) return invalid("a comparison lacks its value");
        result.text = rest.substr(0, end);
        rest.remove_prefix(end);
        if (auto number = base::parse_double(result.text)) {
            result.number = *number;
            result.is_number = true;
        }
        return result;
    }
};

std::expected<FilterPattern, std::string> FilterPattern::parse(std::string_view text) {
    FilterPattern pattern;
    std::string_view rest = base::trim(text);
    if (rest.starts_with('{')) {
        JsonPatternReader reader{rest.substr(1)};
        auto condition = reader.any(0);
        if (!condition) return std::unexpected(condition.error());
        if (!reader.take("}") || !base::trim(reader.rest).empty())
            return std::unexpected("Invalid filter pattern: a brace is not closed");
        pattern.condition_ = std::make_shared<const Condition>(std::move(*condition));
        return pattern;
    }
    if (rest.starts_with('[') || rest.starts_with('%'))
        return std::unexpected(
            "Invalid filter pattern: space-delimited patterns and regular expressions are not "
            "emulated");
    while (!(rest = base::trim(rest)).empty()) {
        std::vector<std::string>* list = &pattern.required_;
        if (rest.size() > 1 && (rest.front() == '?' || rest.front() == '-')) {
            list = rest.front() == '?' ? &pattern.optional_ : &pattern.excluded_;
            rest.remove_prefix(1);
        }
        if (rest.starts_with('"')) {
            auto word = take_quoted(rest);
            if (!word) return std::unexpected(word.error());
            list->push_back(std::move(*word));
            continue;
        }
        size_t end =
            static_cast<size_t>(std::find_if(rest.begin(), rest.end(), is_space) - rest.begin());
        list->emplace_back(rest.substr(0, end));
        rest.remove_prefix(end);
    }
    return pattern;
}

bool FilterPattern::matches(std::string_view message) const {
    if (condition_) {
        auto node = base::parse_json(message);
        return node && holds(*condition_, *node);
    }
    auto occurs = [&](const std::string& word) { return contains(message, word); };
    if (std::any_of(excluded_.begin(), excluded_.end(), occurs)) return false;
    if (!optional_.empty() && std::none_of(optional_.begin(), optional_.end(), occurs))
        return false;
    return std::all_of(required_.begin(), required_.end(), occurs);
}

bool FilterPattern::holds(const Condition& condition, const base::Node& message) {
    auto part_holds = [&](const Condition& part) { return holds(part, message); };
    switch (condition.kind) {
        case Condition::Kind::And:
            return std::all_of(condition.parts.begin(), condition.parts.end(), part_holds);
        case Condition::Kind::Or:
            return std::any_of(condition.parts.begin(), condition.parts.end(), part_holds);
        case Condition::Kind::Leaf: break;
    }
    return holds(condition.comparison, message);
}

bool FilterPattern::holds(const Comparison& comparison, const base::Node& message) {
    using Operator = Comparison::Operator;
    const base::Node* value = follow(message, comparison.path);
    if (comparison.op == Operator::NotExists) return value == nullptr;
    if (!value) return false;
    switch (comparison.op) {
        case Operator::IsNull: return value->is_null();
        case Operator::IsTrue: return value->is_bool() && value->as_bool();
        case Operator::IsFalse: return value->is_bool() && !value->as_bool();
        default: break;
    }
    if (value->is_number() && comparison.is_number) {
        double number = value->as_double();
        switch (comparison.op) {
            case Operator::Equal: return number == comparison.number;
            case Operator::NotEqual: return number != comparison.number;
            case Operator::Less: return number < comparison.number;
            case Operator::LessOrEqual: return number <= comparison.number;
            case Operator::Greater: return number > comparison.number;
            default: return number >= comparison.number;
        }
    }
    std::string text = value->is_string() ? value->as_string() : base::to_json(*value);
    bool equal = base::wildcard_match(comparison.text, text);
    if (comparison.op == Operator::Equal) return equal;
    return comparison.op == Operator::NotEqual && !equal;
}

}  // namespace logs
