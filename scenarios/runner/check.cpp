// Matchers: one function per operator in one table; deep differences; comparison strings.
#include "scenarios/runner/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/date.h"
#include "base/encoding.h"
#include "base/pattern.h"
#include "base/text.h"
#include "scenarios/runner/json_schema.h"
#include "scenarios/runner/names.h"

namespace scenarios {
namespace {

using base::Node;

constexpr size_t kContext = 40;  // bytes kept around the first difference of two long texts
constexpr size_t kLongText = 160;
constexpr size_t kMaxElements = 8;  // shown of a list in a message

std::string_view kind_name(const Node& node) {
    switch (node.kind()) {
        case Node::Kind::Null: return "null";
        case Node::Kind::Bool: return "a boolean";
        case Node::Kind::Number: return "a number";
        case Node::Kind::String: return "a text";
        case Node::Kind::Array: return "a list";
        case Node::Kind::Object: return "an object";
    }
    return "";
}

std::string got(const Actual& actual) {
    return actual.value ? show_value(*actual.value) : "nothing: it is not there";
}

// --- Numbers -------------------------------------------------------------------------------------

std::optional<double> number_in(const Node& node, Flavor flavor) {
    if (node.is_number()) return node.as_double();
    if (!node.is_string()) return std::nullopt;
    const std::string_view text = base::trim(node.as_string());
    if (flavor == Flavor::Milliseconds)
        if (auto duration = base::parse_duration(text))
            return static_cast<double>(duration->count()) / 1000.0;
    if (flavor == Flavor::Json) return std::nullopt;
    if (flavor == Flavor::Number && text.ends_with('%'))
        return base::parse_double(text.substr(0, text.size() - 1));
    return base::parse_double(text);
}

struct Comparison {
    std::string_view operation;
    std::string_view operand;
};

std::optional<Comparison> split_comparison(std::string_view text) {
    text = base::trim(text);
    for (std::string_view operation : {"<=", ">=", "==", "!=", "<", ">"})
        if (text.starts_with(operation))
            return Comparison{operation, base::trim(text.substr(operation.size()))};
    return std::nullopt;
}

// "< 300ms", for queries that give numbers, and for texts that hold one.
std::optional<std::pair<std::string_view, double>> parse_comparison(std::string_view text,
                                                                    Flavor flavor) {
    if (flavor == Flavor::Json) return std::nullopt;
    auto parts = split_comparison(text);
    if (!parts) return std::nullopt;
    auto operand = number_in(Node(parts->operand), flavor);
    if (!operand) return std::nullopt;
    return std::pair{parts->operation, *operand};
}

bool holds(double actual, std::string_view operation, double operand) {
    if (operation == "<") return actual < operand;
    if (operation == "<=") return actual <= operand;
    if (operation == ">") return actual > operand;
    if (operation == ">=") return actual >= operand;
    return (operation == "==") == (actual == operand);
}

bool is_status_class(std::string_view text) {
    return text.size() == 3 && text[0] >= '1' && text[0] <= '5' &&
           base::lower(text.substr(1)) == "xx";
}

// --- Equality ------------------------------------------------------------------------------------

// Text flavour: {"header.age": 30} means the text "30".
bool equals(const Node& actual, const Node& expected, Flavor flavor) {
    if (flavor == Flavor::Status && expected.is_string() && is_status_class(expected.as_string()))
        return actual.as_int() / 100 == expected.as_string()[0] - '0';
    if (flavor == Flavor::Text && expected.is_number()) {
        auto number = number_in(actual, flavor);
        return number && *number == expected.as_double(NAN);
    }
    if (flavor == Flavor::Milliseconds && expected.is_string()) {
        auto number = number_in(expected, flavor);
        return number && *number == actual.as_double(NAN);
    }
    return actual == expected;
}

enum class Depth { Exact, Partial };

// Leaves that agree are counted, places that do not are listed. Extra members matter only when
// Exact.
void compare(const Node& expected, const Node& actual, Depth depth, const std::string& path,
             Verdict& verdict) {
    if (expected.is_object() && actual.is_object()) {
        for (const auto& [name, value] : expected.members()) {
            const std::string below = path + "." + name;
            if (const Node* other = actual.find(name))
                compare(value, *other, depth, below, verdict);
            else
                verdict.differences.push_back({below, show_value(value), ""});
        }
        if (depth == Depth::Exact)
            for (const auto& [name, value] : actual.members())
                if (expected.find(name) == nullptr)
                    verdict.differences.push_back({path + "." + name, "", show_value(value)});
        return;
    }
    if (expected.is_array() && actual.is_array()) {
        const size_t count = std::max(expected.items().size(), actual.items().size());
        for (size_t i = 0; i < count; ++i) {
            const std::string below = fmt::format("{}[{}]", path, i);
            if (i >= actual.items().size())
                verdict.differences.push_back({below, show_value(expected.items()[i]), ""});
            else if (i >= expected.items().size())
                verdict.differences.push_back({below, "", show_value(actual.items()[i])});
            else
                compare(expected.items()[i], actual.items()[i], depth, below, verdict);
        }
        return;
    }
    if (expected == actual)
        ++verdict.equal_parts;
    else
        verdict.differences.push_back({path, show_value(expected), show_value(actual)});
}

// Two long texts: where they part, with the equal ends folded.
std::pair<std::string, std::string> around_difference(const std::string& a, const std::string& b) {
    size_t same = 0;
    while (same < a.size() && same < b.size() && a[same] == b[same])
        ++same;
    auto boundary = [&](size_t at) {
        while (at > 0 && at < a.size() && (static_cast<unsigned char>(a[at]) & 0xC0) == 0x80)
            --at;
        return at;
    };
    const size_t from = boundary(same > kContext ? same - kContext : 0);
    auto window = [&](const std::string& text) {
        return fmt::format("{}{}", from > 0 ? fmt::format("({} equal bytes) … ", from) : "",
                           base::quote_json(text.substr(std::min(from, text.size()))));
    };
    return {window(a), window(b)};
}

std::string type_note(const Node& expected, const Node& actual) {
    if (expected.kind() == actual.kind()) return {};
    const bool same_text = as_text(expected) == as_text(actual);
    return same_text ? fmt::format(" (expected {}, got {})", kind_name(expected), kind_name(actual))
                     : "";
}

using Report = std::function<void(std::string)>;

void check_equal(const Actual& actual, const Node& expected, Depth depth, Verdict& verdict) {
    auto say = [&](std::string text) { verdict.messages.push_back(std::move(text)); };
    if (!actual.value) {
        say(fmt::format("expected {}, got {}", show_value(expected), got(actual)));
        return;
    }
    const bool deep = (expected.is_object() && actual.value->is_object()) ||
                      (expected.is_array() && actual.value->is_array());
    if (deep) {
        const size_t before = verdict.differences.size();
        compare(expected, *actual.value, depth, "", verdict);
        if (const size_t count = verdict.differences.size() - before)
            say(fmt::format("{} {} {}", count, count == 1 ? "part" : "parts",
                            count == 1 ? "differs" : "differ"));
        return;
    }
    if (equals(*actual.value, expected, actual.flavor)) return;
    if (expected.is_string() && actual.value->is_string() &&
        expected.as_string().size() + actual.value->as_string().size() > kLongText) {
        auto [a, b] = around_difference(expected.as_string(), actual.value->as_string());
        verdict.differences.push_back({"", a, b});
        return say("the texts differ");
    }
    say(fmt::format("expected {}, got {}{}", show_value(expected), show_value(*actual.value),
                    type_note(expected, *actual.value)));
}

// --- Operators -----------------------------------------------------------------------------------

bool contains(const Actual& actual, const Node& operand) {
    if (!actual.value) return false;
    if (actual.value->is_string())
        return actual.value->as_string().find(as_text(operand)) != std::string::npos;
    if (actual.value->is_array())
        return std::any_of(actual.value->items().begin(), actual.value->items().end(),
                           [&](const Node& item) { return item == operand; });
    if (actual.value->is_object() && operand.is_string())
        return actual.value->find(operand.as_string()) != nullptr;
    return false;
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i])))
            return false;
    }
    return true;
}

// Three base64url parts, the first two of them JSON objects or the second one anything signed (RFC
// 7519 §3).
bool is_jwt(std::string_view text) {
    auto parts = base::split(text, '.');
    if (parts.size() != 3 || parts[0].empty() || parts[1].empty()) return false;
    std::string header = base::replace_all(base::replace_all(parts[0], "-", "+"), "_", "/");
    while (header.size() % 4 != 0)
        header += '=';
    auto decoded = base::from_base64(header);
    auto json = decoded ? base::parse_json(*decoded) : std::unexpected(base::JsonError{});
    return json && json->is_object() && json->find("alg") != nullptr;
}

bool is_date(std::string_view text) {
    const bool day_only =
        text.size() == 10 && base::parse_iso_date(std::string(text) + "T00:00:00Z").has_value();
    return day_only || base::parse_iso_date(text) || base::parse_http_date(text);
}

bool is_type(const Node& node, std::string_view type) {
    if (type == "string") return node.is_string();
    if (type == "number") return node.is_number();
    if (type == "integer") return node.is_integer();
    if (type == "boolean") return node.is_bool();
    if (type == "null") return node.is_null();
    if (type == "array") return node.is_array();
    if (type == "object") return node.is_object();
    if (!node.is_string()) return false;
    if (type == "uuid") return is_uuid(node.as_string());
    if (type == "date") return is_date(node.as_string());
    return type == "jwt" && is_jwt(node.as_string());
}

void check_order(const Actual& actual, const Node& operand, std::string_view operation,
                 std::string_view word, const Report& say) {
    const Flavor flavor = actual.flavor;
    auto limit = number_in(operand, flavor == Flavor::Json ? Flavor::Json : flavor);
    auto number = actual.value ? number_in(*actual.value, flavor) : std::nullopt;
    if (limit && number) {
        if (!holds(*number, operation, *limit))
            say(fmt::format("expected {} {}, got {}", word, show_value(operand), got(actual)));
        return;
    }
    // Texts have an order too: dates and versions of one shape compare so.
    const bool texts =
        flavor == Flavor::Json && operand.is_string() && actual.value && actual.value->is_string();
    if (!texts)
        return say(fmt::format("expected {} {}, got {} (no number)", word, show_value(operand),
                               got(actual)));
    const int order = actual.value->as_string().compare(operand.as_string());
    if (!holds(order, operation, 0))
        say(fmt::format("expected {} {}, got {}", word, show_value(operand), got(actual)));
}

void check_between(const Actual& actual, const Node& operand, const Report& say) {
    auto low =
        operand.items().size() == 2 ? number_in(operand.items()[0], actual.flavor) : std::nullopt;
    auto high =
        operand.items().size() == 2 ? number_in(operand.items()[1], actual.flavor) : std::nullopt;
    auto number = actual.value ? number_in(*actual.value, actual.flavor) : std::nullopt;
    if (low && high && number && *number >= *low && *number <= *high) return;
    say(fmt::format("expected {} … {}, got {}",
                    operand.items().size() == 2 ? show_value(operand.items()[0]) : "?",
                    operand.items().size() == 2 ? show_value(operand.items()[1]) : "?",
                    got(actual)));
}

std::string joined(const Verdict& verdict) {
    std::string out;
    for (const std::string& message : verdict.messages)
        out += (out.empty() ? "" : "; ") + message;
    return out;
}

std::string elements(const Node& list) {
    std::string out;
    for (size_t i = 0; i < list.items().size() && i < kMaxElements; ++i)
        out += (i == 0 ? "" : ", ") + show_value(list.items()[i]);
    if (list.items().size() > kMaxElements)
        out += fmt::format(", and {} more", list.items().size() - kMaxElements);
    return list.items().empty() ? "the list is empty"
                                : fmt::format("got {}: {}", list.items().size(), out);
}

void check_any(const Actual& actual, const Node& operand, Verdict&, const Report& say) {
    if (!actual.value || !actual.value->is_array())
        return say(fmt::format("expected a list, got {}", got(actual)));
    for (const Node& item : actual.value->items())
        if (check({item, Flavor::Json}, operand).ok) return;
    say(fmt::format("no element matches {}; {}", show_value(operand), elements(*actual.value)));
}

void check_all(const Actual& actual, const Node& operand, Verdict&, const Report& say) {
    if (!actual.value || !actual.value->is_array())
        return say(fmt::format("expected a list, got {}", got(actual)));
    // A list with nothing in it proves nothing.
    if (actual.value->items().empty())
        return say("\"all\" needs at least one element, and the list is empty");
    for (size_t i = 0; i < actual.value->items().size(); ++i) {
        const Verdict inner = check({actual.value->items()[i], Flavor::Json}, operand);
        if (!inner.ok) say(fmt::format("element [{}]: {}", i, joined(inner)));
    }
}

void check_match(const Actual& actual, const Node& operand, Verdict&, const Report& say) {
    if (!actual.value || (!actual.value->is_string() && !actual.value->is_number()))
        return say(fmt::format("expected a text that matches /{}/, got {}", operand.as_string(),
                               got(actual)));
    auto pattern = base::Pattern::compile(operand.as_string());
    if (!pattern)
        return say(
            fmt::format("/{}/ is no pattern: {}", operand.as_string(), pattern.error().message));
    auto found = pattern->find(as_text(*actual.value));
    if (!found) return say(found.error());
    if (!*found)
        say(fmt::format("expected a match of /{}/, got {}", operand.as_string(), got(actual)));
}

size_t size_of(const Node& node) {
    return node.is_string()
               ? count_if(node.as_string().begin(), node.as_string().end(),
                          [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; })
               : node.size();
}

void check_empty(const Actual& actual, const Node& operand, Verdict&, const Report& say) {
    const bool empty =
        !actual.value || actual.value->is_null() ||
        (!actual.value->is_number() && !actual.value->is_bool() && size_of(*actual.value) == 0);
    if (empty != operand.as_bool())
        say(fmt::format("expected {}, got {}",
                        operand.as_bool() ? "nothing in it" : "something in it", got(actual)));
}

void check_count(const Actual& actual, const Node& operand, Verdict&, const Report& say) {
    if (!actual.value ||
        !(actual.value->is_array() || actual.value->is_object() || actual.value->is_string()))
        return say(fmt::format("expected something to count, got {}", got(actual)));
    const Verdict inner =
        check({Node(static_cast<int64_t>(size_of(*actual.value))), Flavor::Number}, operand);
    if (!inner.ok) say(fmt::format("count: {}", joined(inner)));
}

void check_schema(const Actual& actual, const Node& schema, Verdict& verdict, const Report& say) {
    if (!actual.value)
        return say("expected something that fits the schema, got nothing: it is not there");
    const auto findings = validate_by_schema(schema, *actual.value);
    if (findings.empty()) return;
    const SchemaFinding& first = findings.front();
    say(fmt::format("it does not fit the schema: {}{}{}", first.path.empty() ? "it" : first.path,
                    " " + first.message,
                    findings.size() > 1 ? fmt::format(" (and {} more)", findings.size() - 1) : ""));
    for (const SchemaFinding& each : findings)
        verdict.differences.push_back({each.path, "the schema", each.message});
}

struct Row {
    Operator described;
    void (*run)(const Actual&, const Node& operand, Verdict&, const Report&);
};

constexpr Row kRows[] = {
    {{"eq", "Deep equality: all of it."},
     [](const Actual& a, const Node& o, Verdict& v, const Report&) {
         check_equal(a, o, Depth::Exact, v);
     }},
    {{"ne", "Not equal."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) {
         if (a.value && equals(*a.value, o, a.flavor))
             say(fmt::format("expected anything but {}", show_value(o)));
     }},
    {{"gt", "Greater."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) {
         check_order(a, o, ">", "more than", say);
     }},
    {{"ge", "Greater or equal."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) {
         check_order(a, o, ">=", "at least", say);
     }},
    {{"lt", "Less."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) {
         check_order(a, o, "<", "less than", say);
     }},
    {{"le", "Less or equal."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) {
         check_order(a, o, "<=", "at most", say);
     }},
    {{"between", "Two ends, both allowed."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) { check_between(a, o, say); }},
    {{"in", "One of a list."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) {
         const bool found =
             a.value && std::any_of(o.items().begin(), o.items().end(), [&](const Node& item) {
                 return equals(*a.value, item, a.flavor);
             });
         if (!found) say(fmt::format("expected one of {}, got {}", show_value(o), got(a)));
     }},
    {{"match", "A regular expression, found anywhere in the text."}, check_match},
    {{"contains", "Part of the text, an element of the list, a key of the object."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) {
         if (!contains(a, o))
             say(fmt::format("expected it to contain {}, got {}", show_value(o), got(a)));
     }},
    {{"starts", "The text starts so."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) {
         if (!a.value || !as_text(*a.value).starts_with(o.as_string()))
             say(fmt::format("expected it to start with {}, got {}", show_value(o), got(a)));
     }},
    {{"ends", "The text ends so."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) {
         if (!a.value || !as_text(*a.value).ends_with(o.as_string()))
             say(fmt::format("expected it to end with {}, got {}", show_value(o), got(a)));
     }},
    {{"like", "Partial deep match: extra fields are fine."},
     [](const Actual& a, const Node& o, Verdict& v, const Report&) {
         check_equal(a, o, Depth::Partial, v);
     }},
    {{"not", "The matcher does not hold."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) {
         if (check(a, o).ok) say(fmt::format("expected not {}, got {}", show_value(o), got(a)));
     }},
    {{"type", "string, number, integer, boolean, null, array, object, uuid, date or jwt."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) {
         if (!a.value || !is_type(*a.value, o.as_string()))
             say(fmt::format("expected the type {}, got {}", o.as_string(), got(a)));
     }},
    {{"exists", "true: it is there; false: it is not."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) {
         if (a.value.has_value() != o.as_bool(true))
             say(a.value ? fmt::format("expected nothing, got {}", got(a))
                         : "expected it to be there, and it is not");
     }},
    {{"empty", "true: nothing in it."}, check_empty},
    {{"count", "Number of elements, members or characters."}, check_count},
    {{"any", "At least one element matches."}, check_any},
    {{"all", "Every element matches, and there is one."}, check_all},
    {{"schema", "It fits a JSON Schema: a file beside the scenario, or the schema itself."},
     check_schema},
    {{"snapshot", "It is what the snapshot of this name holds; --update-snapshots takes it anew."},
     [](const Actual& a, const Node& o, Verdict&, const Report& say) {
         // The runner has put the file's content in its place where there was something to compare.
         if (!a.value) say(fmt::format("nothing is there to compare with {}", show_value(o)));
     }},
};

const Row* find_operator(std::string_view name) {
    const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                   [&](const Row& each) { return each.described.name == name; });
    return row == std::end(kRows) ? nullptr : row;
}

std::vector<std::string> operator_names() {
    std::vector<std::string> names;
    for (const Row& row : kRows)
        names.emplace_back(row.described.name);
    return names;
}

}  // namespace

const std::vector<Operator>& operators() {
    static const std::vector<Operator> all = [] {
        std::vector<Operator> list;
        for (const Row& row : kRows)
            list.push_back(row.described);
        return list;
    }();
    return all;
}

const std::vector<std::string>& type_names() {
    static const std::vector<std::string> names{"string", "number", "integer", "boolean", "null",
                                                "array",  "object", "uuid",    "date",    "jwt"};
    return names;
}

std::string show_value(const Node& node) {
    return base::to_json(node);
}

Verdict check(const Actual& actual, const Node& matcher) {
    Verdict verdict;
    if (matcher.is_object()) {
        const Report say = [&](std::string text) { verdict.messages.push_back(std::move(text)); };
        for (const auto& [name, operand] : matcher.members()) {
            const Row* row = find_operator(name);
            if (row == nullptr)
                say(fmt::format("unknown operator \"{}\"", name));
            else
                row->run(actual, operand, verdict, say);
        }
    } else if (auto comparison = matcher.is_string()
                                     ? parse_comparison(matcher.as_string(), actual.flavor)
                                     : std::nullopt;
               comparison && (actual.flavor != Flavor::Text || !actual.value ||
                              actual.value->as_string() != matcher.as_string())) {
        auto number = actual.value ? number_in(*actual.value, actual.flavor) : std::nullopt;
        if (!number || !holds(*number, comparison->first, comparison->second))
            verdict.messages.push_back(
                fmt::format("expected {}, got {}", matcher.as_string(), got(actual)));
    } else {
        check_equal(actual, matcher, Depth::Exact, verdict);
    }
    verdict.ok = verdict.messages.empty();
    return verdict;
}

// --- Before anything runs ------------------------------------------------------------------------

namespace {

using ReportProblem = std::function<void(MatcherProblem)>;

bool is_open(const Node& node) {
    return node.is_string() && has_references(node.as_string());
}

void validate_number(const Node& operand, Flavor flavor, std::string_view name,
                     const ReportProblem& report) {
    if (is_open(operand) || operand.is_number()) return;
    if (flavor == Flavor::Json && operand.is_string()) return;
    if (number_in(operand, flavor)) return;
    report({operand.position(),
            fmt::format("\"{}\" takes a number{}", name,
                        flavor == Flavor::Milliseconds
                            ? " of milliseconds or a duration such as \"300ms\""
                            : ""),
            ""});
}

void validate_operand(std::string_view name, const Node& operand, Flavor flavor,
                      const ReportProblem& report) {
    if (name == "gt" || name == "ge" || name == "lt" || name == "le")
        return validate_number(operand, flavor, name, report);
    if (name == "between") {
        if (!operand.is_array() || operand.items().size() != 2)
            return report(
                {operand.position(), "\"between\" takes a list of two", "write [low, high]"});
        for (const Node& end : operand.items())
            validate_number(end, flavor, name, report);
        return;
    }
    if (name == "in" && !operand.is_array() && !is_open(operand))
        return report({operand.position(), "\"in\" takes a list", ""});
    if (name == "match") {
        if (!operand.is_string())
            return report(
                {operand.position(), "\"match\" takes a regular expression as a text", ""});
        if (is_open(operand)) return;
        if (auto pattern = base::Pattern::compile(operand.as_string()); !pattern)
            report({operand.position(),
                    fmt::format("the pattern does not compile: {} (at character {})",
                                pattern.error().message, pattern.error().offset + 1),
                    ""});
        return;
    }
    if ((name == "starts" || name == "ends") && !operand.is_string())
        return report({operand.position(), fmt::format("\"{}\" takes a text", name), ""});
    if ((name == "exists" || name == "empty") && !operand.is_bool())
        return report({operand.position(), fmt::format("\"{}\" takes true or false", name), ""});
    if (name == "type") {
        const auto& names = type_names();
        if (std::find(names.begin(), names.end(), operand.as_string()) != names.end()) return;
        const std::string near = base::closest(operand.as_string(), names);
        return report({operand.position(), fmt::format("unknown type {}", show_value(operand)),
                       near.empty() ? "types are " + base::join(names, ", ")
                                    : fmt::format("did you mean \"{}\"?", near)});
    }
    if (name == "snapshot" && !operand.is_string())
        return report({operand.position(), "\"snapshot\" takes a name", ""});
    if (name == "schema") {
        if (!operand.is_object() && !operand.is_bool())
            return report({operand.position(), "\"schema\" takes a file or a schema", ""});
        if (const std::string problem = schema_problem(operand); !problem.empty())
            report({operand.position(), problem, ""});
        return;
    }
    if (name == "count") return validate_matcher(operand, Flavor::Number, report);
    if (name == "not") return validate_matcher(operand, flavor, report);
    if (name == "any" || name == "all") return validate_matcher(operand, Flavor::Json, report);
}

}  // namespace

void validate_matcher(const Node& matcher, Flavor flavor, const ReportProblem& report) {
    if (matcher.is_string() && !is_open(matcher)) {
        const std::string& text = matcher.as_string();
        const bool number =
            flavor == Flavor::Number || flavor == Flavor::Milliseconds || flavor == Flavor::Status;
        if (!number || parse_comparison(text, flavor) ||
            (flavor == Flavor::Status && is_status_class(text)))
            return;
        if (flavor == Flavor::Milliseconds && number_in(matcher, flavor)) return;
        return report({matcher.position(),
                       fmt::format("{} cannot equal a number", show_value(matcher)),
                       flavor == Flavor::Status ? "write 200, \"2xx\" or { \"in\": [200, 304] }"
                       : flavor == Flavor::Milliseconds ? "write \"< 300ms\""
                                                        : "write 3 or \">= 3\""});
    }
    if (!matcher.is_object()) return;
    if (matcher.members().empty())
        return report({matcher.position(), "an empty matcher says nothing",
                       "write { \"eq\": {} } for an empty object"});
    const bool any_operator =
        std::any_of(matcher.members().begin(), matcher.members().end(),
                    [](const auto& m) { return find_operator(m.first) != nullptr; });
    for (const auto& [name, operand] : matcher.members()) {
        if (find_operator(name) != nullptr) {
            validate_operand(name, operand, flavor, report);
            continue;
        }
        const std::string near = base::closest(name, operator_names());
        if (!any_operator && near.empty()) {
            return report({matcher.position(),
                           "an object here holds operators, and this one holds none",
                           "write { \"like\": … } for part of it, { \"eq\": … } for all of it"});
        } else {
            report({matcher.key_position(name), fmt::format("unknown operator \"{}\"", name),
                    near.empty() ? "operators are " + base::join(operator_names(), ", ")
                                 : fmt::format("did you mean \"{}\"?", near)});
        }
    }
}

}  // namespace scenarios
