// Expressions of workflows: read, checked, evaluated. Source: GitHub docs, "Evaluate expressions in
// workflows and actions". Names of contexts, properties and functions have no case. An error is
// never a value: it fails the step and the run.
#pragma once
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/workflow/value.h"

namespace workflow {

struct ExpressionError {
    size_t offset = 0;  // in the text that was read
    size_t length = 1;
    std::string message;
};

struct Expression {
    enum class Kind {
        Literal,
        Context,   // name
        Property,  // children[0] . name
        Index,     // children[0] [ children[1] ]
        Filter,    // children[0] .*
        Call,      // name ( children )
        Not,
        Binary,  // name is the operator
    };
    Kind kind = Kind::Literal;
    std::string name;
    Value literal;
    std::vector<Expression> children;
    size_t offset = 0, length = 0;  // of the name or the operator
};

inline constexpr size_t kMaxExpressionBytes = 21'000;  // GitHub's own limit
inline constexpr size_t kMaxExpressionDepth = 50;

std::expected<Expression, ExpressionError> parse_expression(std::string_view text);

struct Scope {
    Value contexts = Value::object();
    bool success = true, failure = false, cancelled = false;  // of the status functions
    // hashFiles(): an error is one sentence.
    std::function<std::expected<std::string, std::string>(const std::vector<std::string>&)>
        hash_files;
};

std::expected<Value, ExpressionError> evaluate(const Expression& expression, const Scope& scope);

// A text around ${{ }}: pieces in order.
struct TemplatePiece {
    bool is_expression = false;
    std::string text;   // of the expression, without its braces
    size_t offset = 0;  // where `text` begins
};
std::expected<std::vector<TemplatePiece>, ExpressionError> split_template(std::string_view text);

// Every ${{ }} replaced by its text; `keep_kind`: a text that is one expression gives its value as
// it is.
enum class Keep { Text, Kind };
std::expected<Value, ExpressionError> expand(std::string_view text, const Scope& scope, Keep keep);

// "success() && (…)" where the text names no status function (GitHub docs, "Status check
// functions"). The braces may be left out.
std::expected<Expression, ExpressionError> parse_condition(std::string_view text);

struct Function {
    std::string_view name;
    size_t least, most;
};
std::span<const Function> functions();
bool names_status_function(const Expression& expression);

}  // namespace workflow
