// Names: parsing references, filters, made-up values.
#include "scenarios/runner/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"

namespace scenarios {
namespace {

using base::Node;

bool is_name_start(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) || c == '_';
}
bool is_name(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' ||
           c == '[' || c == ']';
}

struct FilterRow {
    std::string_view name;
    std::expected<Node, std::string> (*apply)(const Node&);
};

constexpr FilterRow kFilters[] = {
    {"string", [](const Node& n) -> std::expected<Node, std::string> { return Node(as_text(n)); }},
    {"number",
     [](const Node& n) -> std::expected<Node, std::string> {
         if (n.is_number()) return n;
         auto parsed = base::parse_json(base::trim(n.as_string()));
         if (!parsed || !parsed->is_number())
             return std::unexpected(fmt::format("\"{}\" is not a number", as_text(n)));
         return Node::number(parsed->number_text());
     }},
    {"json",
     [](const Node& n) -> std::expected<Node, std::string> { return Node(base::to_json(n)); }},
    {"lower",
     [](const Node& n) -> std::expected<Node, std::string> {
         return Node(base::lower(as_text(n)));
     }},
    {"upper",
     [](const Node& n) -> std::expected<Node, std::string> {
         return Node(base::upper(as_text(n)));
     }},
    {"trim",
     [](const Node& n) -> std::expected<Node, std::string> {
         return Node(base::trim(as_text(n)));
     }},
    {"base64",
     [](const Node& n) -> std::expected<Node, std::string> {
         return Node(base::to_base64(as_text(n)));
     }},
    {"urlencode",
     [](const Node& n) -> std::expected<Node, std::string> {
         return Node(base::percent_encode(as_text(n)));
     }},
    {"sha256",
     [](const Node& n) -> std::expected<Node, std::string> {
         return Node(base::sha256_hex(as_text(n)));
     }},
    {"length",
     [](const Node& n) -> std::expected<Node, std::string> {
         return Node(static_cast<int64_t>(n.is_string() ? n.as_string().size() : n.size()));
     }},
};

// The rest of a dotted name below its root: ".id", "[0].name".
const Node* below(const Node* node, std::string_view rest) {
    while (node != nullptr && !rest.empty()) {
        if (rest.front() == '[') {
            const size_t close = rest.find(']');
            auto index = close == std::string_view::npos
                             ? std::nullopt
                             : base::parse_unsigned(rest.substr(1, close - 1));
            if (!index || !node->is_array() || *index >= node->items().size()) return nullptr;
            node = &node->items()[*index];
            rest.remove_prefix(close + 1);
            continue;
        }
        rest.remove_prefix(1);
        const size_t end = std::min(rest.find_first_of(".["), rest.size());
        node = node->find(rest.substr(0, end));
        rest.remove_prefix(end);
    }
    return node;
}

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHex = "0123456789abcdef";

}  // namespace

std::string_view Reference::root() const {
    return std::string_view(name).substr(0, name.find_first_of(".["));
}

bool has_references(std::string_view text) {
    return text.find("{{") != std::string_view::npos;
}

std::string as_text(const Node& node) {
    return node.is_string() ? node.as_string() : base::to_json(node);
}

const std::vector<std::string>& filter_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        for (const FilterRow& row : kFilters)
            all.emplace_back(row.name);
        return all;
    }();
    return names;
}

const std::vector<std::string>& fake_names() {
    static const std::vector<std::string> names{"email", "phone", "name", "word",
                                                "uuid",  "sha",   "int",  "password"};
    return names;
}

std::expected<std::vector<Reference>, TemplateError> parse_references(std::string_view text) {
    std::vector<Reference> found;
    size_t at = 0;
    while ((at = text.find("{{", at)) != std::string_view::npos) {
        const size_t close = text.find("}}", at);
        if (close == std::string_view::npos)
            return std::unexpected(TemplateError{"\"{{\" is not closed by \"}}\"", at});
        Reference reference{.begin = at, .end = close + 2};
        bool first = true;
        for (std::string_view part : base::split(text.substr(at + 2, close - at - 2), '|')) {
            part = base::trim(part);
            if (first) {
                if (part.empty() || !is_name_start(part[0]) ||
                    !std::all_of(part.begin(), part.end(), is_name))
                    return std::unexpected(
                        TemplateError{fmt::format("\"{{{{{}}}}}\" is no name", part), at});
                reference.name = part;
            } else {
                reference.filters.emplace_back(part);
            }
            first = false;
        }
        found.push_back(std::move(reference));
        at = close + 2;
    }
    return found;
}

Fake::Fake(std::string_view seed) {
    uint64_t value = 0;
    for (char c : base::sha256(seed).substr(0, 8))
        value = value << 8 | static_cast<unsigned char>(c);
    random_.seed(value);
}

std::string Fake::letters(std::string_view alphabet, size_t count) {
    std::string out;
    for (size_t i = 0; i < count; ++i)
        out += alphabet[random_() % alphabet.size()];
    return out;
}

std::optional<Node> Fake::make(std::string_view kind) {
    constexpr std::string_view kNames[] = {"김하늘", "이도담", "박새벽", "최가람",
                                           "정여울", "강마루", "윤슬기", "한결"};
    if (kind == "email") return Node(letters(kLower, 10) + "@example.com");
    if (kind == "phone") return Node("010-" + letters(kDigits, 4) + "-" + letters(kDigits, 4));
    if (kind == "name") return Node(kNames[random_() % std::size(kNames)]);
    if (kind == "word") return Node(letters(kLower, 8));
    if (kind == "sha") return Node(letters(kHex, 40));
    if (kind == "int") return Node(static_cast<int64_t>(random_() % 1'000'000'000));
    if (kind == "password") return Node(letters(kLower, 8) + "-" + letters(kDigits, 4) + "A");
    if (kind == "uuid") {
        std::string text = letters(kHex, 32);
        text[12] = '4';
        text[16] = "89ab"[random_() % 4];
        return Node(fmt::format("{}-{}-{}-{}-{}", text.substr(0, 8), text.substr(8, 4),
                                text.substr(12, 4), text.substr(16, 4), text.substr(20)));
    }
    return std::nullopt;
}

const Node* Values::get(const std::string& name) const {
    auto found = values_.find(name);
    return found == values_.end() ? nullptr : &found->second;
}

std::expected<Node, std::string> Values::value(const Reference& reference) {
    std::optional<Node> value;
    const std::string_view root = reference.root();
    if (root == "fake" && fake_) {
        value = fake_->make(std::string_view(reference.name)
                                .substr(std::min(reference.name.size(), root.size() + 1)));
    } else if (auto found = values_.find(root); found != values_.end()) {
        if (const Node* node =
                below(&found->second, std::string_view(reference.name).substr(root.size())))
            value = *node;
    }
    if (!value) return std::unexpected(fmt::format("\"{}\" has no value here", reference.name));
    for (const std::string& name : reference.filters) {
        const auto row = std::find_if(std::begin(kFilters), std::end(kFilters),
                                      [&](const FilterRow& each) { return each.name == name; });
        if (row == std::end(kFilters))
            return std::unexpected(fmt::format("unknown filter \"{}\"", name));
        value = TRY(row->apply(*value));
    }
    return std::move(*value);
}

std::expected<std::string, std::string> Values::expand_text(std::string_view text) {
    auto references = parse_references(text);
    if (!references) return std::unexpected(references.error().message);
    std::string out;
    size_t at = 0;
    for (const Reference& reference : *references) {
        out += text.substr(at, reference.begin - at);
        out += as_text(TRY(value(reference)));
        at = reference.end;
    }
    return out + std::string(text.substr(at));
}

std::expected<Node, std::string> Values::expand(const Node& node) {
    Node out;
    if (node.is_string()) {
        if (!has_references(node.as_string())) return node;
        auto references = parse_references(node.as_string());
        if (!references) return std::unexpected(references.error().message);
        const bool whole = references->size() == 1 && references->front().begin == 0 &&
                           references->front().end == node.as_string().size();
        out = whole ? TRY(value(references->front())) : Node(TRY(expand_text(node.as_string())));
    } else if (node.is_array()) {
        out = Node::array();
        for (const Node& item : node.items())
            out.push_back(TRY(expand(item)));
    } else if (node.is_object()) {
        out = Node::object();
        for (const auto& [name, value] : node.members())
            out.set(TRY(expand_text(name)), TRY(expand(value)));
    } else {
        return node;
    }
    out.set_position(node.position());
    return out;
}

}  // namespace scenarios
