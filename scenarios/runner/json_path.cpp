// JsonPath: a recursive-descent parser of RFC 9535's grammar and a walk over the segments.
#include "scenarios/runner/json_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/result.h"
#include "base/text.h"

namespace scenarios {

using base::Node;

// One node of a filter expression.
struct JsonPath::Filter {
    enum class Kind { Or, And, Not, Exists, Compare };
    struct Operand {
        bool is_path = false;
        bool from_root = false;
        std::shared_ptr<const JsonPath> path;
        Node literal;
    };
    Kind kind = Kind::Exists;
    std::vector<std::shared_ptr<const Filter>> parts;  // Or, And, Not
    Operand left, right;                               // Exists: left
    std::string operation;                             // Compare
};

namespace {

using Filter = JsonPath::Filter;
using Selector = JsonPath::Selector;

constexpr int kMaxFilterDepth = 32;

bool is_name_start(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool is_name(char c) {
    return is_name_start(c) || std::isdigit(static_cast<unsigned char>(c)) || c == '-';
}  // '-': lenient, header-like keys

// RFC 9535 §2.3.5.2.2: numbers and strings have an order, everything else only equality; absent
// equals absent.
bool compare(const std::optional<Node>& a, const std::optional<Node>& b,
             std::string_view operation) {
    const bool equal = a && b ? *a == *b : !a && !b;
    if (operation == "==") return equal;
    if (operation == "!=") return !equal;
    bool less = false, greater = false;
    if (a && b && a->is_number() && b->is_number()) {
        less = a->as_double() < b->as_double();
        greater = a->as_double() > b->as_double();
    } else if (a && b && a->is_string() && b->is_string()) {
        less = a->as_string() < b->as_string();
        greater = a->as_string() > b->as_string();
    } else {
        return operation.size() == 2 && equal;
    }
    if (operation == "<") return less;
    if (operation == ">") return greater;
    return operation == "<=" ? less || equal : greater || equal;
}

std::optional<Node> operand_value(const Filter::Operand& operand, const Node& current,
                                  const Node& root) {
    if (!operand.is_path) return operand.literal;
    auto found = operand.path->select(operand.from_root ? root : current);
    return found.empty() ? std::nullopt : std::optional<Node>(*found.front());
}

bool holds(const Filter& filter, const Node& current, const Node& root) {
    switch (filter.kind) {
        case Filter::Kind::Or:
            return std::any_of(filter.parts.begin(), filter.parts.end(),
                               [&](const auto& part) { return holds(*part, current, root); });
        case Filter::Kind::And:
            return std::all_of(filter.parts.begin(), filter.parts.end(),
                               [&](const auto& part) { return holds(*part, current, root); });
        case Filter::Kind::Not: return !holds(*filter.parts.front(), current, root);
        case Filter::Kind::Exists:
            return !filter.left.path->select(filter.left.from_root ? root : current).empty();
        case Filter::Kind::Compare:
            return compare(operand_value(filter.left, current, root),
                           operand_value(filter.right, current, root), filter.operation);
    }
    return false;
}

void slice(const Selector& selector, const std::vector<Node>& items,
           std::vector<const Node*>& out) {
    const auto size = static_cast<int64_t>(items.size());
    if (selector.step == 0) return;
    auto normal = [&](int64_t i) { return i < 0 ? size + i : i; };
    if (selector.step > 0) {
        const int64_t first = std::clamp<int64_t>(normal(selector.start.value_or(0)), 0, size);
        const int64_t last = std::clamp<int64_t>(normal(selector.end.value_or(size)), 0, size);
        for (int64_t i = first; i < last; i += selector.step)
            out.push_back(&items[static_cast<size_t>(i)]);
    } else {
        const int64_t first =
            std::clamp<int64_t>(normal(selector.start.value_or(size - 1)), -1, size - 1);
        const int64_t last =
            selector.end ? std::clamp<int64_t>(normal(*selector.end), -1, size - 1) : -1;
        for (int64_t i = first; i > last; i += selector.step)
            out.push_back(&items[static_cast<size_t>(i)]);
    }
}

void apply(const Selector& selector, const Node& node, const Node& root,
           std::vector<const Node*>& out) {
    switch (selector.kind) {
        case Selector::Kind::Name:
            if (const Node* found = node.find(selector.name)) out.push_back(found);
            return;
        case Selector::Kind::Index: {
            if (!node.is_array()) return;
            const auto size = static_cast<int64_t>(node.items().size());
            const int64_t index = selector.index < 0 ? size + selector.index : selector.index;
            if (index >= 0 && index < size)
                out.push_back(&node.items()[static_cast<size_t>(index)]);
            return;
        }
        case Selector::Kind::Slice:
            if (node.is_array()) slice(selector, node.items(), out);
            return;
        case Selector::Kind::Wildcard:
        case Selector::Kind::Filter: {
            auto admit = [&](const Node& child) {
                if (selector.kind == Selector::Kind::Wildcard ||
                    holds(*selector.filter, child, root))
                    out.push_back(&child);
            };
            for (const Node& item : node.items())
                admit(item);
            for (const auto& member : node.members())
                admit(member.second);
            return;
        }
    }
}

void descend(const JsonPath::Segment& segment, const Node& node, const Node& root,
             std::vector<const Node*>& out) {
    for (const Selector& selector : segment.selectors)
        apply(selector, node, root, out);
    for (const Node& item : node.items())
        descend(segment, item, root, out);
    for (const auto& member : node.members())
        descend(segment, member.second, root, out);
}

}  // namespace

class JsonPathParser {
  public:
    explicit JsonPathParser(std::string_view text, size_t at = 0, int depth = 0)
        : text_(text), at_(at), depth_(depth) {}

    template <class T>
    using Result = std::expected<T, JsonPathError>;

    // From the character after "$" or "@". Stops at what cannot continue a path.
    Result<JsonPath> segments() {
        JsonPath path;
        while (at_ < text_.size()) {
            JsonPath::Segment segment;
            if (take("..")) {
                segment.descendant = true;
                if (peek() != '[') {
                    segment.selectors.push_back(TRY(shorthand()));
                    path.segments_.push_back(std::move(segment));
                    continue;
                }
            } else if (take(".")) {
                segment.selectors.push_back(TRY(shorthand()));
                path.segments_.push_back(std::move(segment));
                continue;
            }
            if (!take("[")) break;
            do
                segment.selectors.push_back(TRY(selector()));
            while (take_after_space(","));
            if (!take_after_space("]")) return fail("expected \"]\"");
            path.segments_.push_back(std::move(segment));
        }
        return path;
    }

    size_t at() const { return at_; }

  private:
    std::unexpected<JsonPathError> fail(std::string message) const {
        return std::unexpected(JsonPathError{std::move(message), at_});
    }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }
    void skip_space() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])))
            ++at_;
    }
    bool take_after_space(std::string_view word) {
        skip_space();
        return take(word);
    }

    Result<Selector> shorthand() {
        Selector selector;
        if (take("*")) {
            selector.kind = Selector::Kind::Wildcard;
            return selector;
        }
        if (!is_name_start(peek()))
            return fail("expected a name or \"*\" after \".\"; other names are written ['…']");
        const size_t start = at_;
        while (at_ < text_.size() && is_name(text_[at_]))
            ++at_;
        selector.name = text_.substr(start, at_ - start);
        return selector;
    }

    Result<std::string> quoted() {
        const char quote = text_[at_++];
        std::string out;
        while (at_ < text_.size() && text_[at_] != quote) {
            if (text_[at_] != '\\') {
                out += text_[at_++];
                continue;
            }
            if (++at_ >= text_.size()) break;
            const char c = text_[at_++];
            out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
        }
        if (at_ >= text_.size()) return fail("a quote is not closed");
        ++at_;
        return out;
    }

    std::optional<int64_t> integer() {
        const size_t start = at_;
        if (peek() == '-') ++at_;
        while (std::isdigit(static_cast<unsigned char>(peek())))
            ++at_;
        auto value = base::parse_signed(text_.substr(start, at_ - start));
        if (!value) at_ = start;
        return value;
    }

    Result<Selector> selector() {
        skip_space();
        Selector selector;
        if (peek() == '\'' || peek() == '"') {
            selector.name = TRY(quoted());
            return selector;
        }
        if (take("*")) {
            selector.kind = Selector::Kind::Wildcard;
            return selector;
        }
        if (take("?")) {
            selector.kind = Selector::Kind::Filter;
            selector.filter = TRY(either());
            return selector;
        }
        auto first = integer();
        skip_space();
        if (!take(":")) {
            if (!first) return fail("expected an index, a slice, '*', a quoted name or a filter");
            selector.kind = Selector::Kind::Index;
            selector.index = *first;
            return selector;
        }
        selector.kind = Selector::Kind::Slice;
        selector.start = first;
        skip_space();
        selector.end = integer();
        if (take_after_space(":")) {
            skip_space();
            selector.step = integer().value_or(1);
        }
        return selector;
    }

    using FilterResult = Result<std::shared_ptr<const Filter>>;

    FilterResult either() { return chain("||", Filter::Kind::Or, &JsonPathParser::all); }
    FilterResult all() { return chain("&&", Filter::Kind::And, &JsonPathParser::one); }
    FilterResult chain(std::string_view word, Filter::Kind kind,
                       FilterResult (JsonPathParser::*part)()) {
        auto first = TRY((this->*part)());
        if (!take_after_space(word)) return first;
        auto filter = std::make_shared<Filter>();
        filter->kind = kind;
        filter->parts.push_back(std::move(first));
        do
            filter->parts.push_back(TRY((this->*part)()));
        while (take_after_space(word));
        return filter;
    }

    FilterResult one() {
        if (++depth_ > kMaxFilterDepth) return fail("the filter is nested too deeply");
        skip_space();
        if (text_.substr(at_, 2) != "!=" && take("!")) {
            auto filter = std::make_shared<Filter>();
            filter->kind = Filter::Kind::Not;
            filter->parts.push_back(TRY(one()));
            --depth_;
            return filter;
        }
        if (take("(")) {
            auto inner = TRY(either());
            if (!take_after_space(")")) return fail("expected \")\"");
            --depth_;
            return inner;
        }
        auto filter = std::make_shared<Filter>();
        filter->left = TRY(operand());
        skip_space();
        for (std::string_view word : {"==", "!=", "<=", ">=", "<", ">"}) {
            if (!take(word)) continue;
            filter->kind = Filter::Kind::Compare;
            filter->operation = word;
            filter->right = TRY(operand());
            --depth_;
            return filter;
        }
        if (!filter->left.is_path) return fail("expected a comparison");
        --depth_;
        return filter;
    }

    Result<Filter::Operand> operand() {
        skip_space();
        Filter::Operand operand;
        if (peek() == '@' || peek() == '$') {
            operand.is_path = true;
            operand.from_root = text_[at_++] == '$';
            operand.path = std::make_shared<JsonPath>(TRY(segments()));
            return operand;
        }
        if (peek() == '\'' || peek() == '"') {
            operand.literal = TRY(quoted());
            return operand;
        }
        const size_t start = at_;
        while (at_ < text_.size() &&
               std::string_view(" \t\n)]&|=!<>,").find(text_[at_]) == std::string_view::npos)
            ++at_;
        auto literal = base::parse_json(text_.substr(start, at_ - start));
        if (!literal || literal->is_array() || literal->is_object()) {
            at_ = start;
            return fail("expected a path (@…, $…) or a literal");
        }
        operand.literal = std::move(*literal);
        return operand;
    }

    std::string_view text_;
    size_t at_;
    int depth_;
};

std::expected<JsonPath, JsonPathError> JsonPath::parse(std::string_view text) {
    if (!text.starts_with('$'))
        return std::unexpected(JsonPathError{"a path starts with \"$\"", 0});
    JsonPathParser parser(text, 1);
    auto path = TRY(parser.segments());
    if (parser.at() != text.size())
        return std::unexpected(
            JsonPathError{fmt::format("\"{}\" cannot stand here", text[parser.at()]), parser.at()});
    return path;
}

bool JsonPath::is_singular() const {
    return std::all_of(segments_.begin(), segments_.end(), [](const Segment& segment) {
        return !segment.descendant && segment.selectors.size() == 1 &&
               (segment.selectors[0].kind == Selector::Kind::Name ||
                segment.selectors[0].kind == Selector::Kind::Index);
    });
}

std::vector<const Node*> JsonPath::select(const Node& root) const {
    std::vector<const Node*> nodes{&root};
    for (const Segment& segment : segments_) {
        std::vector<const Node*> next;
        for (const Node* node : nodes) {
            if (segment.descendant)
                descend(segment, *node, root, next);
            else
                for (const Selector& selector : segment.selectors)
                    apply(selector, *node, root, next);
        }
        nodes = std::move(next);
    }
    return nodes;
}

std::optional<Node> JsonPath::value(const Node& root) const {
    auto found = select(root);
    if (is_singular()) return found.empty() ? std::nullopt : std::optional<Node>(*found.front());
    Node list = Node::array();
    for (const Node* node : found)
        list.push_back(*node);
    return list;
}

}  // namespace scenarios
