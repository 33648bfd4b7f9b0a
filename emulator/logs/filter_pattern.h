// Filter patterns: which messages FilterLogEvents gives. Pure.
// CloudWatch Logs guide, "Filter pattern syntax for metric filters, subscription filters, filter
// log events, and Live Tail".
#pragma once
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace logs {

// Words: all plain ones must occur, one of the ?optional ones, none of the -excluded ones; "quoted"
// keeps spaces. A pattern in braces compares members of JSON messages: { $.level = "error" &&
// $.status >= 500 }. GAP: space-delimited patterns ([ip, user, …]) and regular expressions (%…%)
// are refused.
class FilterPattern {
  public:
    static std::expected<FilterPattern, std::string> parse(std::string_view text);
    bool matches(std::string_view message) const;

  private:
    friend struct JsonPatternReader;
    struct Comparison {
        enum class Operator : uint8_t {
            Equal,
            NotEqual,
            Less,
            LessOrEqual,
            Greater,
            GreaterOrEqual,
            IsNull,
            NotExists,
            IsTrue,
            IsFalse
        };
        std::vector<std::string> path;
        Operator op = Operator::Equal;
        std::string text;  // with wildcards
        double number = 0;
        bool is_number = false;
    };
    // A tree of && and ||; a leaf has one comparison.
    struct Condition {
        enum class Kind : uint8_t { Leaf, And, Or };
        Kind kind = Kind::Leaf;
        Comparison comparison;
        std::vector<Condition> parts;
    };
    static bool holds(const Condition& condition, const base::Node& message);
    static bool holds(const Comparison& comparison, const base::Node& message);

    std::vector<std::string> required_, optional_, excluded_;
    std::shared_ptr<const Condition> condition_;
};

}  // namespace logs
