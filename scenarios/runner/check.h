// Matchers: what "expect" says about a value, and how a failure reads. Types matter (1 is not "1");
// number queries also take comparison strings ("< 300ms"); header values are text and number
// operators read the number in them. Pure. Source: harness.md §3.1.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace scenarios {

// What a query gives, as far as matching goes.
enum class Flavor {
    Json,  // types matter
    Text,  // header values and the like: number operators read the number in the text
    Number,
    Milliseconds,  // numbers; operands may be durations
    Status,        // a number; "2xx" means its class
};

struct Actual {
    std::optional<base::Node> value;  // nothing: not there
    Flavor flavor = Flavor::Json;
};

// One place where expected and actual differ; an empty text: not there on that side.
struct Difference {
    std::string path;  // below the value, "" = the value itself
    std::string expected, actual;
};

struct Verdict {
    bool ok = true;
    std::vector<std::string> messages;    // one sentence each: "expected 200, got 503"
    std::vector<Difference> differences;  // of deep comparisons
    size_t equal_parts = 0;               // leaves that agreed there
};

// `matcher` with its references replaced.
Verdict check(const Actual& actual, const base::Node& matcher);

// What is wrong with a matcher before anything runs.
struct MatcherProblem {
    base::Position position;
    std::string message, hint;
};
void validate_matcher(const base::Node& matcher, Flavor flavor,
                      const std::function<void(MatcherProblem)>& report);

struct Operator {
    std::string_view name;
    std::string_view help;
};
const std::vector<Operator>& operators();
const std::vector<std::string>& type_names();

// A value on one line. Long equal runs may be folded by the caller; this never cuts.
std::string show_value(const base::Node& node);

}  // namespace scenarios
