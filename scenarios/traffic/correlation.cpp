// See correlation.h.
#include "scenarios/traffic/correlation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/encoding.h"
#include "base/text.h"

namespace traffic {

using base::Node;

namespace {

constexpr size_t kMaxItems = 100;  // of a list, that are learnt
constexpr int kMaxDepth = 16;
constexpr size_t kMaskedCharacters = 6;  // a shorter secret cannot be masked

bool is_id_key(std::string_view key) {
    return key == "id" || key.ends_with("Id") || key.ends_with("_id") || key.ends_with("-id");
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0)
            return false;
    }
    return true;
}

bool is_email(std::string_view text) {
    const size_t at = text.find('@');
    return at != std::string_view::npos && at > 0 && text.find('.', at) != std::string_view::npos &&
           text.find(' ') == std::string_view::npos;
}

std::string plain_name(std::string_view key) {
    return base::replace_all(base::replace_all(base::lower(key), "_", ""), "-", "");
}
bool contains_one(std::string_view name, std::initializer_list<std::string_view> words) {
    return std::ranges::any_of(
        words, [&](auto word) { return name.find(word) != std::string_view::npos; });
}
bool is_one(std::string_view name, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, name) != words.end();
}

// "/companies/7?x" → "companies": the last part of a path that is no value.
std::string noun_of(std::string_view url) {
    std::string noun;
    for (std::string_view part : base::split(url.substr(0, url.find('?')), '/'))
        if (is_name(part)) noun = base::lower(part);
    return noun;
}

// "companyId" is of "companies", "id" of anything.
bool is_same_noun(std::string_view key, std::string_view noun) {
    std::string stem = plain_name(key);
    if (stem.ends_with("id")) stem.resize(stem.size() - 2);
    const std::string other = plain_name(noun);
    const size_t least = std::min<size_t>({4, stem.size(), other.size()});
    return least >= 2 && stem.compare(0, least, other, 0, least) == 0;
}

std::string scalar_text(const Node& node) {
    return node.is_string()   ? node.as_string()
           : node.is_number() ? node.number_text()
                              : base::to_json(node);
}

bool is_scalar(const Node& node) {
    return node.is_string() || node.is_integer();
}

// Of an HTML tag: the attribute's value in double quotes.
std::string attribute(std::string_view tag, std::string_view name) {
    const size_t at = tag.find(fmt::format(" {}=\"", name));
    if (at == std::string_view::npos) return {};
    const size_t begin = at + name.size() + 3, end = tag.find('"', begin);
    return end == std::string_view::npos ? "" : std::string(tag.substr(begin, end - begin));
}

std::string escaped(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (std::string_view("\\^$.|?*+()[]{}/").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

// What a form gives back, or a script reads from the page's head: name → value and where it stands.
struct Field {
    std::string value, query;
};
std::map<std::string, Field> fields_of_page(const std::string& page) {
    std::map<std::string, Field> out;
    for (const auto& [element, holder] :
         {std::pair<std::string_view, std::string_view>{"<input", "value"}, {"<meta", "content"}})
        for (size_t at = page.find(element); at != std::string::npos;
             at = page.find(element, at + 1)) {
            const size_t end = std::min(page.find('>', at), page.size());
            const std::string_view tag(page.data() + at, end - at);
            const std::string name = attribute(tag, "name"), value = attribute(tag, holder);
            if (name.empty() || value.size() < kShortestToken) continue;
            const std::string naming = fmt::format(" name=\"{}\"", escaped(name)),
                              holding = fmt::format(" {}=\"([^\"]+)\"", holder);
            const bool name_first = tag.find(fmt::format(" name=\"{}\"", name)) <
                                    tag.find(fmt::format(" {}=\"", holder));
            out.try_emplace(
                name, Field{value, name_first ? fmt::format("regex {}[^>]*{}", naming, holding)
                                              : fmt::format("regex {}[^>]*{}", holding, naming)});
        }
    return out;
}

std::optional<std::string> cookie_of(const Exchange& exchange, std::string_view wanted) {
    for (const auto& [header, text] : exchange.answer_headers) {
        if (header != "set-cookie") continue;
        const auto [name, value] = base::cut(base::trim(base::cut(text, ';').first), '=');
        if (name == wanted) return std::string(value);
    }
    return std::nullopt;
}

}  // namespace

bool is_name(std::string_view text) {
    return !text.empty() && (std::isalpha(static_cast<unsigned char>(text.front())) != 0) &&
           std::ranges::all_of(text, [](char c) {
               return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
           });
}

bool is_password_name(std::string_view key) {
    const std::string name = plain_name(key);
    return contains_one(name, {"password", "passwd", "passphrase", "passcode"}) ||
           is_one(name, {"pwd", "pw", "pass", "otp", "pin"});
}

bool is_secret_name(std::string_view key) {
    const std::string name = plain_name(key);
    return is_password_name(key) ||
           contains_one(name, {"secret", "token", "apikey", "credential", "authorization",
                               "session", "csrf", "xsrf"}) ||
           is_one(name, {"sid", "jwt"});
}

// --- What answers hold

void Correlation::learn(size_t step, const Exchange& exchange, const Exchange* again) {
    const auto answer = base::parse_json(exchange.answer);
    if (answer) {
        const auto other =
            again ? base::parse_json(again->answer) : std::unexpected(base::JsonError{});
        learn_node(step, *answer, other ? &*other : nullptr, "$", "", noun_of(exchange.url), 0);
    } else if (exchange.answer_header("content-type").starts_with("text/html")) {
        learn_page(step, exchange.answer, again ? &again->answer : nullptr);
    }
    auto learn_text = [&](const std::string& value, std::optional<std::string> other,
                          std::string query, const std::string& key) {
        if (value.size() < kShortestToken || (other && *other == value)) return;
        add({value, std::move(other), step, std::move(query), key, false, {}, {}});
    };
    for (const auto& [name, text] : exchange.answer_headers) {
        if (name == "set-cookie") {
            const std::string cookie(base::cut(base::trim(base::cut(text, ';').first), '=').first);
            learn_text(*cookie_of(exchange, cookie),
                       again ? cookie_of(*again, cookie) : std::nullopt, "cookie." + cookie,
                       cookie);
            continue;
        }
        const bool own =
            name.starts_with("x-") && !name.starts_with("x-amz") && !name.starts_with("x-cache");
        const bool leads =
            name == "location" && text.starts_with('/') &&
            std::ranges::any_of(text, [](unsigned char c) { return std::isdigit(c); });
        const std::string other = again ? again->answer_header(name) : "";
        if (own || leads || name == "etag")
            learn_text(text, other.empty() ? std::nullopt : std::optional(other), "header." + name,
                       name);
    }
}

void Correlation::learn_node(size_t step, const Node& node, const Node* again,
                             const std::string& path, const std::string& key,
                             const std::string& noun, int depth) {
    if (depth > kMaxDepth) return;
    if (is_scalar(node)) {
        Known known{scalar_text(node), {}, step, path, key, node.is_number(), noun, {}};
        if (is_id_key(key) && key.size() > 2) known.noun = key;
        if (again && is_scalar(*again)) {
            known.again = scalar_text(*again);
            if (known.value != *known.again) add(std::move(known));
        } else if (!again && (node.is_string() ? known.value.size() >= kShortestToken
                                               : is_id_key(key) && node.as_int() > 0)) {
            add(std::move(known));
        }
        return;
    }
    for (const auto& [name, value] : node.members())
        if (is_name(name))
            learn_node(step, value, again ? again->find(name) : nullptr, path + "." + name, name,
                       value.is_object() || value.is_array() ? name : noun, depth + 1);
    for (size_t i = 0; i < std::min(node.items().size(), kMaxItems); ++i)
        learn_node(step, node.items()[i],
                   again && i < again->items().size() ? &again->items()[i] : nullptr,
                   fmt::format("{}[{}]", path, i), key, noun, depth + 1);
}

void Correlation::learn_page(size_t step, const std::string& page, const std::string* again) {
    const auto others = again ? fields_of_page(*again) : std::map<std::string, Field>();
    for (const auto& [name, field] : fields_of_page(page)) {
        const auto other = others.find(name);
        if (other != others.end() && other->second.value == field.value) continue;
        add({field.value,
             other == others.end() ? std::nullopt : std::optional(other->second.value),
             step,
             field.query,
             name,
             false,
             {}});
    }
}

// The first answer that held it, unless a request had it before. The same number may be the id of
// several things.
void Correlation::add(Known known) {
    if (!known.is_number && typed_.contains(known.value)) return;
    const std::string same =
        known.is_number ? fmt::format("{}\n{}", known.value, known.noun) : known.value;
    if (seen_.insert(same).second) known_.push_back(std::make_unique<Known>(std::move(known)));
}

// --- Requests

bool Correlation::fits(const Known& known, std::string_view key, std::string_view whole,
                       Place place, Side side, bool has_second) const {
    // Both recordings of this request are there: then nothing but what differs is taken.
    if (has_second && known.again)
        return whole.find(side == Side::First ? known.value : *known.again) !=
                   std::string_view::npos &&
               (known.value.size() >= kShortestToken ||
                whole == (side == Side::First ? known.value : *known.again));
    if (has_second && side == Side::Second)
        return whole.find(known.value) != std::string_view::npos;
    if (known.is_number || known.value.size() < kShortestToken)
        return whole == known.value && (place == Place::Path || is_id_key(key));
    return whole.find(known.value) != std::string_view::npos;
}

std::vector<Correlation::Part> Correlation::parts_of(const std::string& key,
                                                     const std::string& value, Place place,
                                                     Side side, bool has_second) {
    std::vector<std::pair<std::string_view, Known*>> here;
    for (const auto& known : known_)
        if (fits(*known, key, value, place, side, has_second))
            here.emplace_back(side == Side::Second && known->again ? *known->again : known->value,
                              known.get());
    // The longest first; of the same, what its key speaks of.
    std::ranges::stable_sort(here, [&](const auto& a, const auto& b) {
        if (a.first.size() != b.first.size()) return a.first.size() > b.first.size();
        return is_same_noun(key, a.second->noun) > is_same_noun(key, b.second->noun);
    });
    std::vector<Part> parts;
    std::string plain;
    for (size_t at = 0; at < value.size();) {
        const auto found = std::ranges::find_if(here, [&](const auto& each) {
            return value.compare(at, each.first.size(), each.first) == 0;
        });
        if (found == here.end()) {
            plain += value[at++];
            continue;
        }
        if (!plain.empty()) parts.push_back({std::exchange(plain, {}), nullptr});
        parts.push_back({"", found->second});
        at += found->first.size();
    }
    if (!plain.empty()) parts.push_back({plain, nullptr});
    return parts;
}

std::string Correlation::text(const std::string& key, const std::string& value,
                              const std::string* again, Place place) {
    const auto parts = parts_of(key, value, place, Side::First, again != nullptr);
    if (again && parts != parts_of(key, *again, place, Side::Second, true))
        return typed(key, Node(value), Node(*again));
    const bool is_known = std::ranges::any_of(parts, [](const Part& part) { return part.known; });
    if (!is_known) typed_.insert(value);
    const bool is_secret =
        place == Place::Credential || (place == Place::Text && is_secret_name(key));
    if (!is_known && !value.empty() && is_secret)
        return place == Place::Text && is_password_name(key) ? password(key, value)
                                                             : credential(key, value);
    std::string out;
    for (const Part& part : parts) {
        out += part.known ? reference(*part.known) : literal(part.literal);
        if (part.known && is_secret) secrets_.insert(part.known->name);
    }
    return out;
}

std::string Correlation::whole(const std::string& value) {
    for (const auto& known : known_)
        if (!known->is_number && known->value.size() >= kShortestToken && known->value == value)
            return reference(*known);
    return {};
}

Node Correlation::value(const std::string& key, const Node& value, const Node* again) {
    if (value.is_array()) {
        Node out = Node::array();
        for (size_t i = 0; i < value.items().size(); ++i)
            out.push_back(
                this->value(key, value.items()[i],
                            again && i < again->items().size() ? &again->items()[i] : nullptr));
        return out;
    }
    if (value.is_object()) {
        Node out = Node::object();
        for (const auto& [name, member] : value.members())
            out.set(name, this->value(name, member, again ? again->find(name) : nullptr));
        return out;
    }
    if (value.is_string()) {
        const std::string* other = again && again->is_string() ? &again->as_string() : nullptr;
        const auto parts =
            parts_of(key, value.as_string(), Place::Text, Side::First, other != nullptr);
        // The whole text is a number of an answer's.
        if (parts.size() == 1 && parts[0].known && parts[0].known->is_number &&
            (!other || parts == parts_of(key, *other, Place::Text, Side::Second, true)))
            return reference(*parts[0].known, "string");
        return text(key, value.as_string(), other);
    }
    if (value.is_integer()) {
        const std::string number = value.number_text();
        const std::string other = again && again->is_integer() ? again->number_text() : "";
        const auto parts = parts_of(key, number, Place::Text, Side::First, !other.empty());
        const bool same =
            other.empty() || parts == parts_of(key, other, Place::Text, Side::Second, true);
        if (same && parts.size() == 1 && parts[0].known)
            return reference(*parts[0].known, parts[0].known->is_number ? "" : "number");
    }
    if (again && !(*again == value) && !again->is_array() && !again->is_object())
        return typed(key, value, *again);
    return value;
}

// --- Names

std::string Correlation::fresh_name(const std::string& key) {
    std::string plain;
    for (char c : key)
        plain += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    while (!plain.empty() && std::isalpha(static_cast<unsigned char>(plain.front())) == 0)
        plain.erase(0, 1);
    if (plain.empty()) plain = "value";
    std::string name = plain;
    for (int i = 2; !taken_.insert(name).second; ++i)
        name = fmt::format("{}{}", plain, i);
    return name;
}

std::string Correlation::reference(Known& known, std::string_view filter) {
    if (known.name.empty()) {
        known.name = fresh_name(known.key);
        if (is_secret_name(known.key)) secrets_.insert(known.name);
    }
    return filter.empty() ? fmt::format("{{{{{}}}}}", known.name)
                          : fmt::format("{{{{{} | {}}}}}", known.name, filter);
}

// Two braces in what was sent are no reference.
std::string Correlation::literal(std::string_view text) {
    if (text.find("{{") == std::string_view::npos) return std::string(text);
    const std::string brace = variable("brace", Node("{"), "brace");
    return base::replace_all(text, "{{", brace + brace);
}

std::string Correlation::variable(const std::string& key, Node value, const std::string& same) {
    auto [found, is_new] = variables_.try_emplace(same);
    if (is_new) {
        found->second = fresh_name(key);
        vars_.set(found->second, std::move(value));
    }
    return fmt::format("{{{{{}}}}}", found->second);
}

// What differs between two recordings and came from no answer was typed.
std::string Correlation::typed(const std::string& key, const Node& value, const Node& again) {
    const std::string a = scalar_text(value), b = scalar_text(again);
    typed_.insert(a);
    const Node made = is_email(a) && is_email(b) ? Node("{{fake.email}}")
                      : is_uuid(a) && is_uuid(b) ? Node("{{fake.uuid}}")
                      : value.is_string()        ? Node(literal(a))
                                                 : value;
    const std::string name = variable(key, made, fmt::format("{}\n{}", a, b));
    if (is_secret_name(key) && a.size() >= kMaskedCharacters)
        secrets_.insert(name.substr(2, name.size() - 4));
    return name;
}

std::string Correlation::password(const std::string& key, const std::string& value) {
    const std::string name = variable(key, Node(literal(value)), "secret\n" + value);
    if (value.size() >= kMaskedCharacters) secrets_.insert(name.substr(2, name.size() - 4));
    return name;
}

std::string Correlation::credential(const std::string& key, const std::string& value) {
    const size_t before = variables_.size();
    const std::string name = variable(key, Node(), "credential\n" + value);
    const std::string plain = name.substr(2, name.size() - 4);
    if (variables_.size() > before) to_be_given_.push_back(plain);
    secrets_.insert(plain);
    return name;
}

Node Correlation::saves(size_t step) const {
    Node out = Node::object();
    for (const auto& known : known_)
        if (known->step == step && !known->name.empty()) out.set(known->name, known->query);
    return out;
}

Node Correlation::secrets() const {
    Node out = Node::array();
    for (const std::string& name : secrets_)
        out.push_back(name);
    return out;
}

}  // namespace traffic
