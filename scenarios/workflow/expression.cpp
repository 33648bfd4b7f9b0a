#include "scenarios/workflow/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "base/result.h"
#include "base/text.h"

namespace workflow {
namespace {

using Result = std::expected<Value, ExpressionError>;
using Kind = Expression::Kind;

// ---- words

enum class Word { End, Literal, Name, Symbol };

struct Token {
    Word word = Word::End;
    std::string text;
    Value literal;
    size_t offset = 0, length = 0;
};

bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_part(char c) {
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-';
}

std::unexpected<ExpressionError> error_at(size_t offset, size_t length, std::string message) {
    return std::unexpected(
        ExpressionError{offset, std::max<size_t>(length, 1), std::move(message)});
}

std::expected<std::vector<Token>, ExpressionError> tokens_of(std::string_view text) {
    std::vector<Token> out;
    size_t at = 0;
    auto after_dot = [&] {
        return !out.empty() && out.back().word == Word::Symbol && out.back().text == ".";
    };
    while (true) {
        while (at < text.size() &&
               std::string_view(" \t\r\n").find(text[at]) != std::string_view::npos)
            ++at;
        if (at == text.size()) break;
        const size_t begin = at;
        const char c = text[at];
        if (c == '\'') {
            std::string value;
            for (++at;; ++at) {
                if (at >= text.size())
                    return error_at(begin, text.size() - begin, "the text has no closing quote");
                if (text[at] != '\'') {
                    value += text[at];
                } else if (at + 1 < text.size() && text[at + 1] == '\'') {
                    value += '\'';
                    ++at;
                } else {
                    break;
                }
            }
            ++at;
            out.push_back({Word::Literal, std::string(text.substr(begin, at - begin)),
                           std::move(value), begin, at - begin});
        } else if (is_name_start(c)) {
            while (at < text.size() && is_name_part(text[at]))
                ++at;
            std::string name(text.substr(begin, at - begin));
            Token token{Word::Name, name, {}, begin, at - begin};
            if (!after_dot()) {
                // Keywords have a case, unlike names.
                if (name == "null" || name == "true" || name == "false" || name == "NaN" ||
                    name == "Infinity")
                    token.word = Word::Literal;
                if (name == "true" || name == "false") token.literal = name == "true";
                if (name == "NaN") token.literal = std::nan("");
                if (name == "Infinity") token.literal = std::numeric_limits<double>::infinity();
            }
            out.push_back(std::move(token));
        } else if ((c >= '0' && c <= '9') || c == '-' || c == '+' ||
                   (c == '.' && at + 1 < text.size() && text[at + 1] >= '0' &&
                    text[at + 1] <= '9')) {
            while (at < text.size() &&
                   (is_name_part(text[at]) || text[at] == '.' ||
                    ((text[at] == '+' || text[at] == '-') &&
                     (at == begin || text[at - 1] == 'e' || text[at - 1] == 'E'))))
                ++at;
            const std::string_view number = text.substr(begin, at - begin);
            const double value = Value(number).to_number();
            if (std::isnan(value))
                return error_at(begin, at - begin, fmt::format("unexpected symbol: '{}'", number));
            out.push_back({Word::Literal, std::string(number), value, begin, at - begin});
        } else {
            static constexpr std::string_view kSymbols[] = {"==", "!=", "<=", ">=", "&&", "||",
                                                            "<",  ">",  "!",  "(",  ")",  "[",
                                                            "]",  ".",  ",",  "*"};
            const auto found = std::ranges::find_if(kSymbols, [&](std::string_view symbol) {
                return text.substr(at).starts_with(symbol);
            });
            if (found == std::end(kSymbols))
                return error_at(at, 1,
                                c == '"'
                                    ? "text takes single quotes: 'text'"
                                    : fmt::format("unexpected symbol: '{}'", text.substr(at, 1)));
            at += found->size();
            out.push_back({Word::Symbol, std::string(*found), {}, begin, found->size()});
        }
    }
    out.push_back({Word::End, "", {}, text.size(), 1});
    return out;
}

// ---- grammar

constexpr Function kFunctions[] = {
    {"always", 0, 0},      {"cancelled", 0, 0}, {"case", 3, 255},     {"contains", 2, 2},
    {"endsWith", 2, 2},    {"failure", 0, 0},   {"format", 1, 255},   {"fromJSON", 1, 1},
    {"hashFiles", 1, 255}, {"join", 1, 2},      {"startsWith", 2, 2}, {"success", 0, 0},
    {"toJSON", 1, 1},
};

class Parser {
  public:
    explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    std::expected<Expression, ExpressionError> whole() {
        Expression expression = TRY(either());
        if (here().word != Word::End) return unexpected_here();
        return expression;
    }

  private:
    using Parsed = std::expected<Expression, ExpressionError>;

    const Token& here() const { return tokens_[at_]; }
    bool is(std::string_view symbol) const {
        return here().word == Word::Symbol && here().text == symbol;
    }
    std::unexpected<ExpressionError> unexpected_here() const {
        if (here().word == Word::End)
            return error_at(here().offset, 1, "the expression ends too early");
        return error_at(here().offset, here().length,
                        fmt::format("unexpected symbol: '{}'", here().text));
    }

    Parsed chain(std::initializer_list<std::string_view> symbols, Parsed (Parser::*below)()) {
        Expression left = TRY((this->*below)());
        while (true) {
            const auto symbol = std::ranges::find_if(symbols, [&](auto each) { return is(each); });
            if (symbol == symbols.end()) return left;
            Expression both{.kind = Kind::Binary,
                            .name = std::string(*symbol),
                            .literal = {},
                            .children = {},
                            .offset = here().offset,
                            .length = here().length};
            ++at_;
            both.children.push_back(std::move(left));
            both.children.push_back(TRY((this->*below)()));
            left = std::move(both);
        }
    }
    Parsed either() { return chain({"||"}, &Parser::both); }
    Parsed both() { return chain({"&&"}, &Parser::equality); }
    Parsed equality() { return chain({"==", "!="}, &Parser::order); }
    Parsed order() { return chain({"<", "<=", ">", ">="}, &Parser::unary); }

    Parsed unary() {
        if (++depth_ > kMaxExpressionDepth)
            return error_at(here().offset, 1,
                            fmt::format("more than {} levels are nested", kMaxExpressionDepth));
        Parsed parsed = unary_inside();
        --depth_;
        return parsed;
    }

    Parsed unary_inside() {
        if (!is("!")) return postfix();
        Expression negation{.kind = Kind::Not,
                            .name = "!",
                            .literal = {},
                            .children = {},
                            .offset = here().offset,
                            .length = 1};
        ++at_;
        negation.children.push_back(TRY(unary()));
        return negation;
    }

    Parsed postfix() {
        Expression left = TRY(primary());
        while (true) {
            if (is(".")) {
                ++at_;
                Expression next{.kind = Kind::Property,
                                .name = here().text,
                                .literal = {},
                                .children = {},
                                .offset = here().offset,
                                .length = here().length};
                if (is("*"))
                    next.kind = Kind::Filter;
                else if (here().word != Word::Name)
                    return unexpected_here();
                ++at_;
                next.children.push_back(std::move(left));
                left = std::move(next);
            } else if (is("[")) {
                Expression next{.kind = Kind::Index,
                                .name = "[",
                                .literal = {},
                                .children = {},
                                .offset = here().offset,
                                .length = 1};
                ++at_;
                next.children.push_back(std::move(left));
                if (is("*")) {
                    next.kind = Kind::Filter;
                    ++at_;
                } else {
                    next.children.push_back(TRY(either()));
                }
                if (!is("]")) return unexpected_here();
                ++at_;
                // ['name'] is .name
                if (next.kind == Kind::Index && next.children[1].kind == Kind::Literal &&
                    next.children[1].literal.is_string()) {
                    next.kind = Kind::Property;
                    next.name = next.children[1].literal.string();
                    next.offset = next.children[1].offset;
                    next.length = next.children[1].length;
                    next.children.pop_back();
                }
                left = std::move(next);
            } else {
                return left;
            }
        }
    }

    Parsed primary() {
        const Token token = here();
        if (token.word == Word::Literal) {
            ++at_;
            return Expression{.kind = Kind::Literal,
                              .name = token.text,
                              .literal = token.literal,
                              .children = {},
                              .offset = token.offset,
                              .length = token.length};
        }
        if (is("(")) {
            ++at_;
            Expression inner = TRY(either());
            if (!is(")")) return unexpected_here();
            ++at_;
            return inner;
        }
        if (token.word != Word::Name) return unexpected_here();
        ++at_;
        Expression named{.kind = Kind::Context,
                         .name = token.text,
                         .literal = {},
                         .children = {},
                         .offset = token.offset,
                         .length = token.length};
        if (!is("(")) return named;
        named.kind = Kind::Call;
        ++at_;
        while (!is(")")) {
            named.children.push_back(TRY(either()));
            if (is(","))
                ++at_;
            else if (!is(")"))
                return unexpected_here();
        }
        ++at_;
        TRY(check_call(named));
        return named;
    }

    static std::expected<void, ExpressionError> check_call(Expression& call) {
        const auto row = std::ranges::find_if(kFunctions, [&](const Function& f) {
            return base::equals_ignoring_case(f.name, call.name);
        });
        if (row == std::end(kFunctions)) {
            std::vector<std::string> names;
            for (const Function& function : kFunctions)
                names.emplace_back(function.name);
            const std::string near = base::closest(call.name, names);
            return error_at(call.offset, call.length,
                            fmt::format("unrecognized function: '{}'{}", call.name,
                                        near.empty() ? "" : "; did you mean " + near + "?"));
        }
        call.name = row->name;
        if (call.children.size() < row->least)
            return error_at(call.offset, call.length,
                            fmt::format("too few parameters supplied: {} takes at least {}",
                                        row->name, row->least));
        if (call.children.size() > row->most)
            return error_at(call.offset, call.length,
                            fmt::format("too many parameters supplied: {} takes at most {}",
                                        row->name, row->most));
        if (row->name == "case" && call.children.size() % 2 == 0)
            return error_at(call.offset, call.length,
                            "case takes pairs of condition and value, then a default");
        return {};
    }

    std::vector<Token> tokens_;
    size_t at_ = 0, depth_ = 0;
};

// ---- evaluation

std::expected<std::string, std::string> formatted(const std::string& pattern,
                                                  const std::vector<Value>& values) {
    std::string out;
    auto invalid = [&] {
        return std::unexpected(fmt::format("the following format string is invalid: {}", pattern));
    };
    for (size_t at = 0; at < pattern.size(); ++at) {
        const char c = pattern[at];
        if (c != '{' && c != '}') {
            out += c;
        } else if (at + 1 < pattern.size() && pattern[at + 1] == c) {
            out += c;
            ++at;
        } else if (c == '}') {
            return invalid();
        } else {
            const size_t end = pattern.find('}', at);
            if (end == std::string::npos) return invalid();
            const auto number =
                base::parse_unsigned(std::string_view(pattern).substr(at + 1, end - at - 1));
            if (!number) return invalid();
            if (*number >= values.size())
                return std::unexpected(fmt::format(
                    "the following format string references more arguments than were supplied: {}",
                    pattern));
            out += values[*number].to_text();
            at = end;
        }
    }
    return out;
}

bool contains(const Value& where, const Value& what) {
    if (where.is_array())
        return std::ranges::any_of(where.items(),
                                   [&](const Value& item) { return Value::equal(item, what); });
    if (!where.is_primitive() || !what.is_primitive()) return false;
    return base::lower(where.to_text()).find(base::lower(what.to_text())) != std::string::npos;
}

Value property(const Value& of, const std::string& name);

// The next `.name` of a filtered array applies to each item; items without it are left out.
Value of_each(const Value& list, const std::function<const Value*(const Value&)>& pick) {
    std::vector<Value> out;
    for (const Value& item : list.items())
        if (const Value* found = pick(item)) out.push_back(*found);
    return Value::array(std::move(out), true);
}

const Value* element(const Value& of, const Value& index) {
    if (of.is_object()) return index.is_primitive() ? of.find(index.to_text()) : nullptr;
    if (!of.is_array()) return nullptr;
    const double number = index.to_number();
    if (std::isnan(number) || number < 0 || number >= static_cast<double>(of.items().size()))
        return nullptr;
    return &of.items()[static_cast<size_t>(number)];
}

Value property(const Value& of, const std::string& name) {
    if (of.is_filtered())
        return of_each(of, [&](const Value& item) { return element(item, Value(name)); });
    const Value* found = element(of, Value(name));
    return found ? *found : Value();
}

Value filter(const Value& of) {
    std::vector<Value> out;
    auto add_children = [&](const Value& value) {
        for (const Value& item : value.items())
            out.push_back(item);
        for (const auto& member : value.members())
            out.push_back(member.second);
    };
    if (of.is_filtered())
        for (const Value& item : of.items())
            add_children(item);
    else if (of.is_primitive())
        return {};
    else
        add_children(of);
    return Value::array(std::move(out), true);
}

Result call(const Expression& expression, const std::vector<Value>& values, const Scope& scope) {
    const std::string& name = expression.name;
    auto refuse = [&](std::string text) {
        return error_at(expression.offset, expression.length, std::move(text));
    };
    if (name == "always") return Value(true);
    if (name == "success") return Value(scope.success);
    if (name == "failure") return Value(scope.failure);
    if (name == "cancelled") return Value(scope.cancelled);
    if (name == "contains") return Value(contains(values[0], values[1]));
    if (name == "startsWith" || name == "endsWith") {
        if (!values[0].is_primitive() || !values[1].is_primitive()) return Value(false);
        const std::string text = base::lower(values[0].to_text()),
                          part = base::lower(values[1].to_text());
        return Value(name == "startsWith" ? text.starts_with(part) : text.ends_with(part));
    }
    if (name == "join") {
        if (values[0].is_primitive()) return Value(values[0].to_text());
        const std::string separator = values.size() > 1 && values[1].is_primitive()
                                          ? values[1].to_text()
                                      : values.size() > 1 ? ""
                                                          : ",";
        std::string out;
        for (size_t i = 0; i < values[0].items().size(); ++i)
            out += (i ? separator : "") + values[0].items()[i].to_text();
        return Value(std::move(out));
    }
    if (name == "format") {
        auto done = formatted(values[0].to_text(), {values.begin() + 1, values.end()});
        if (!done) return refuse(done.error());
        return Value(std::move(*done));
    }
    if (name == "toJSON") return Value(to_json_text(values[0]));
    if (name == "fromJSON") {
        auto parsed = base::parse_json(values[0].to_text());
        if (!parsed)
            return refuse(fmt::format("fromJSON: {} (line {}, column {} of the text)",
                                      parsed.error().message, parsed.error().position.line,
                                      parsed.error().position.column));
        return from_node(*parsed);
    }
    if (name == "hashFiles") {
        std::vector<std::string> patterns;
        for (const Value& value : values)
            patterns.push_back(value.to_text());
        if (!scope.hash_files)
            return refuse("hashFiles is not available here: there is no workspace yet");
        auto hash = scope.hash_files(patterns);
        if (!hash) return refuse("hashFiles: " + hash.error());
        return Value(std::move(*hash));
    }
    return refuse(fmt::format("unrecognized function: '{}'", name));
}

Result binary(const Expression& expression, const Scope& scope) {
    const std::string& op = expression.name;
    Value left = TRY(evaluate(expression.children[0], scope));
    // The operand itself is the result, and the right side is looked at only when it matters.
    if (op == "&&") return left.truthy() ? evaluate(expression.children[1], scope) : Result(left);
    if (op == "||") return left.truthy() ? Result(left) : evaluate(expression.children[1], scope);
    const Value right = TRY(evaluate(expression.children[1], scope));
    const Value::Order order = Value::compare(left, right);
    if (op == "==") return Value(order == Value::Order::Equal);
    if (op == "!=") return Value(order != Value::Order::Equal);
    if (op == "<") return Value(order == Value::Order::Less);
    if (op == ">") return Value(order == Value::Order::Greater);
    // Objects and arrays have no order: equal is not "at most".
    if (op == "<=") return Value(order == Value::Order::Less || order == Value::Order::Equal);
    return Value(order == Value::Order::Greater || order == Value::Order::Equal);
}

}  // namespace

std::span<const Function> functions() {
    return kFunctions;
}

std::expected<Expression, ExpressionError> parse_expression(std::string_view text) {
    if (text.size() > kMaxExpressionBytes)
        return error_at(
            0, 1, fmt::format("an expression has at most {} characters", kMaxExpressionBytes));
    auto tokens = TRY(tokens_of(text));
    if (tokens.size() == 1) return error_at(0, 1, "an expression was expected");
    return Parser(std::move(tokens)).whole();
}

Result evaluate(const Expression& expression, const Scope& scope) {
    switch (expression.kind) {
        case Kind::Literal: return expression.literal;
        case Kind::Context: {
            const Value* found = scope.contexts.find(expression.name);
            if (!found)
                return error_at(expression.offset, expression.length,
                                fmt::format("unrecognized named-value: '{}'", expression.name));
            return *found;
        }
        case Kind::Property:
            return property(TRY(evaluate(expression.children[0], scope)), expression.name);
        case Kind::Index: {
            const Value of = TRY(evaluate(expression.children[0], scope));
            const Value index = TRY(evaluate(expression.children[1], scope));
            if (of.is_filtered())
                return of_each(of, [&](const Value& item) { return element(item, index); });
            const Value* found = element(of, index);
            return found ? *found : Value();
        }
        case Kind::Filter: return filter(TRY(evaluate(expression.children[0], scope)));
        case Kind::Not: return Value(!TRY(evaluate(expression.children[0], scope)).truthy());
        case Kind::Binary: return binary(expression, scope);
        case Kind::Call: {
            if (expression.name == "case") {
                size_t at = 0;
                for (; at + 1 < expression.children.size(); at += 2)
                    if (TRY(evaluate(expression.children[at], scope)).truthy())
                        return evaluate(expression.children[at + 1], scope);
                return evaluate(expression.children[at], scope);
            }
            std::vector<Value> values;
            for (const Expression& child : expression.children)
                values.push_back(TRY(evaluate(child, scope)));
            return call(expression, values, scope);
        }
    }
    return Value();
}

std::expected<std::vector<TemplatePiece>, ExpressionError> split_template(std::string_view text) {
    std::vector<TemplatePiece> out;
    size_t at = 0;
    while (at < text.size()) {
        const size_t open = text.find("${{", at);
        if (open != at)
            out.push_back({false,
                           std::string(text.substr(at, open == text.npos ? text.npos : open - at)),
                           at});
        if (open == text.npos) break;
        // Braces inside a quoted text do not close.
        bool quoted = false;
        size_t close = open + 3;
        for (; close < text.size(); ++close) {
            if (text[close] == '\'') quoted = !quoted;
            if (!quoted && text.substr(close).starts_with("}}")) break;
        }
        if (close >= text.size())
            return error_at(open, 3, "the expression is not closed: }} is missing");
        out.push_back({true, std::string(text.substr(open + 3, close - open - 3)), open + 3});
        at = close + 2;
    }
    return out;
}

Result expand(std::string_view text, const Scope& scope, Keep keep) {
    const auto pieces = TRY(split_template(text));
    std::string out;
    for (const TemplatePiece& piece : pieces) {
        if (!piece.is_expression) {
            out += piece.text;
            continue;
        }
        auto moved = [&](ExpressionError error) {
            error.offset += piece.offset;
            return std::unexpected(std::move(error));
        };
        auto parsed = parse_expression(piece.text);
        if (!parsed) return moved(parsed.error());
        auto value = evaluate(*parsed, scope);
        if (!value) return moved(value.error());
        if (keep == Keep::Kind && pieces.size() == 1) return *value;
        out += value->to_text();
    }
    return Value(std::move(out));
}

bool names_status_function(const Expression& expression) {
    if (expression.kind == Kind::Call &&
        (expression.name == "always" || expression.name == "success" ||
         expression.name == "failure" || expression.name == "cancelled"))
        return true;
    return std::ranges::any_of(expression.children, names_status_function);
}

std::expected<Expression, ExpressionError> parse_condition(std::string_view text) {
    auto implied = [](Expression expression) {
        if (names_status_function(expression)) return expression;
        Expression success{.kind = Kind::Call, .name = "success", .literal = {}, .children = {}};
        Expression both{.kind = Kind::Binary, .name = "&&", .literal = {}, .children = {}};
        both.children.push_back(std::move(success));
        both.children.push_back(std::move(expression));
        return both;
    };
    if (base::trim(text).empty()) {
        Expression success{.kind = Kind::Call, .name = "success", .literal = {}, .children = {}};
        return success;
    }
    if (text.find("${{") == text.npos) return implied(TRY(parse_expression(text)));
    const auto pieces = TRY(split_template(text));
    std::vector<TemplatePiece> real;
    for (const TemplatePiece& piece : pieces)
        if (piece.is_expression || !base::trim(piece.text).empty()) real.push_back(piece);
    if (real.size() == 1) {
        auto parsed = parse_expression(real[0].text);
        if (!parsed) {
            parsed.error().offset += real[0].offset;
            return std::unexpected(parsed.error());
        }
        return implied(std::move(*parsed));
    }
    // Text around the braces makes format(…) of it: a text that is not empty, so always true.
    Expression format{.kind = Kind::Call, .name = "format", .literal = {}, .children = {}};
    std::string pattern;
    Expression first{.kind = Kind::Literal, .name = "", .literal = {}, .children = {}};
    format.children.push_back(first);
    for (const TemplatePiece& piece : pieces) {
        if (!piece.is_expression) {
            pattern += base::replace_all(base::replace_all(piece.text, "{", "{{"), "}", "}}");
            continue;
        }
        auto parsed = parse_expression(piece.text);
        if (!parsed) {
            parsed.error().offset += piece.offset;
            return std::unexpected(parsed.error());
        }
        pattern += fmt::format("{{{}}}", format.children.size() - 1);
        format.children.push_back(std::move(*parsed));
    }
    format.children[0].literal = Value(std::move(pattern));
    return implied(std::move(format));
}

}  // namespace workflow
