// Markup: a small tokenizer that builds pugixml's tree, and pugixml's XPath.
#include "scenarios/runner/markup.h"

#include <algorithm>
#include <cctype>
#include <pugixml.hpp>

#include "base/text.h"

namespace scenarios {
namespace {

constexpr size_t kMaxDepth = 256;

constexpr std::string_view kVoid[] = {"area",  "base", "br",   "col",    "embed", "hr", "img",
                                      "input", "link", "meta", "source", "track", "wbr"};
constexpr std::string_view kRawText[] = {"script", "style", "textarea", "title"};

template <class List>
bool contains(const List& list, std::string_view word) {
    return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

struct Entity {
    std::string_view name, text;
};
constexpr Entity kEntities[] = {{"amp", "&"},        {"lt", "<"},   {"gt", ">"},
                                {"quot", "\""},      {"apos", "'"}, {"nbsp", "\xC2\xA0"},
                                {"copy", "\xC2\xA9"}};

std::string utf8(uint32_t c) {
    std::string out;
    if (c < 0x80)
        out += static_cast<char>(c);
    else if (c < 0x800)
        out += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
    else if (c < 0x10000)
        out += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
                static_cast<char>(0x80 | (c & 0x3F))};
    else
        out += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3F)),
                static_cast<char>(0x80 | (c >> 6 & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
    return out;
}

// "&name;" and "&#…;" as text; what is unknown stays.
std::string decode(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const size_t at = std::min(text.find('&'), text.size());
        out += text.substr(0, at);
        text.remove_prefix(at);
        const size_t end = text.find(';');
        if (text.empty() || end == std::string_view::npos || end > 10) {
            out += text.substr(0, 1);
            text.remove_prefix(std::min<size_t>(1, text.size()));
            continue;
        }
        const std::string name(text.substr(1, end - 1));
        const auto* row = std::find_if(std::begin(kEntities), std::end(kEntities),
                                       [&](const Entity& e) { return e.name == name; });
        if (row != std::end(kEntities)) {
            out += row->text;
        } else if (name.starts_with('#')) {
            const bool hex = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
            const auto code = std::strtoul(name.c_str() + (hex ? 2 : 1), nullptr, hex ? 16 : 10);
            out += utf8(code > 0x10FFFF ? 0xFFFD : static_cast<uint32_t>(code));
        } else {
            out += text.substr(0, end + 1);
        }
        text.remove_prefix(end + 1);
    }
    return out;
}

class Reader {
  public:
    Reader(std::string_view text, pugi::xml_document& document) : text_(text), here_(document) {
        html_ = base::lower(text.substr(0, 512)).find("<html") != std::string::npos ||
                base::lower(text.substr(0, 64)).find("<!doctype html") != std::string::npos;
    }

    void read() {
        while (at_ < text_.size()) {
            const size_t tag = std::min(text_.find('<', at_), text_.size());
            if (tag > at_) add_text(text_.substr(at_, tag - at_));
            at_ = tag;
            if (at_ < text_.size()) markup();
        }
    }

  private:
    void add_text(std::string_view raw) {
        if (here_.type() != pugi::node_document)
            here_.append_child(pugi::node_pcdata).set_value(decode(raw).c_str());
    }

    void skip_past(std::string_view end) {
        const size_t found = text_.find(end, at_);
        at_ = found == std::string_view::npos ? text_.size() : found + end.size();
    }

    void markup() {
        const std::string_view rest = text_.substr(at_);
        if (rest.starts_with("<!--")) return skip_past("-->");
        if (rest.starts_with("<![CDATA[")) {
            const size_t start = at_ + 9;
            skip_past("]]>");
            if (here_.type() != pugi::node_document)
                here_.append_child(pugi::node_pcdata)
                    .set_value(
                        std::string(text_.substr(start, std::max(at_, start + 3) - 3 - start))
                            .c_str());
            return;
        }
        if (rest.starts_with("<!") || rest.starts_with("<?")) return skip_past(">");
        if (rest.starts_with("</")) return close();
        if (rest.size() > 1 &&
            (std::isalpha(static_cast<unsigned char>(rest[1])) || rest[1] == '_'))
            return open();
        add_text("<");
        ++at_;
    }

    std::string name() {
        const size_t start = at_;
        while (at_ < text_.size() &&
               std::string_view(" \t\r\n/>=").find(text_[at_]) == std::string_view::npos)
            ++at_;
        std::string word(text_.substr(start, at_ - start));
        return html_ ? base::lower(word) : word;
    }

    void skip_space() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])))
            ++at_;
    }

    void close() {
        at_ += 2;
        const std::string wanted = name();
        skip_past(">");
        for (pugi::xml_node node = here_; node && node.type() != pugi::node_document;
             node = node.parent()) {
            if (node.name() != wanted) continue;
            here_ = node.parent();
            --depth_;
            return;
        }
    }

    void open() {
        ++at_;
        pugi::xml_node node = here_.append_child(name().c_str());
        bool empty = false;
        for (skip_space(); at_ < text_.size() && text_[at_] != '>'; skip_space()) {
            if (text_[at_] == '/') {
                empty = true;
                ++at_;
                continue;
            }
            empty = false;
            attribute(node);
        }
        ++at_;
        if (empty || (html_ && contains(kVoid, node.name())) || depth_ >= kMaxDepth) return;
        if (html_ && contains(kRawText, node.name())) return raw_text(node);
        here_ = node;
        ++depth_;
    }

    void attribute(pugi::xml_node node) {
        const size_t before = at_;
        const std::string key = name();
        std::string value;
        skip_space();
        if (at_ < text_.size() && text_[at_] == '=') {
            ++at_;
            skip_space();
            const char quote = at_ < text_.size() ? text_[at_] : '\0';
            if (quote == '"' || quote == '\'') {
                const size_t end = std::min(text_.find(quote, at_ + 1), text_.size());
                value = decode(text_.substr(at_ + 1, end - at_ - 1));
                at_ = std::min(end + 1, text_.size());
            } else {
                const size_t end = std::min(text_.find_first_of(" \t\r\n>", at_), text_.size());
                value = decode(text_.substr(at_, end - at_));
                at_ = end;
            }
        }
        if (at_ == before) ++at_;  // a character that starts nothing
        // Namespaces are left out, so that /Error/Code finds what S3 sends.
        if (!key.empty() && key != "xmlns" && !key.starts_with("xmlns:"))
            node.append_attribute(key.c_str()).set_value(value.c_str());
    }

    void raw_text(pugi::xml_node node) {
        const std::string end = "</" + std::string(node.name());
        size_t close = at_;
        while (close < text_.size() &&
               !base::equals_ignoring_case(text_.substr(close, end.size()), end)) {
            close = text_.find("</", close + 1);
            if (close == std::string_view::npos) close = text_.size();
        }
        const std::string_view raw = text_.substr(at_, close - at_);
        const std::string_view tag = node.name();
        // Titles and text areas have character references, scripts and styles have none.
        const bool decoded = tag == "title" || tag == "textarea";
        node.append_child(pugi::node_pcdata)
            .set_value(decoded ? decode(raw).c_str() : std::string(raw).c_str());
        at_ = close;
        if (at_ < text_.size()) skip_past(">");
    }

    std::string_view text_;
    size_t at_ = 0;
    size_t depth_ = 0;
    bool html_ = false;
    pugi::xml_node here_;
};

std::string text_of(const pugi::xpath_node& node) {
    if (node.attribute()) return node.attribute().value();
    if (node.node().type() == pugi::node_pcdata) return node.node().value();
    return node.node().text().get();
}

}  // namespace

struct Markup::Inside {
    pugi::xml_document document;
};

Markup::Markup() : inside_(std::make_unique<Inside>()) {}
Markup::Markup(Markup&&) noexcept = default;
Markup& Markup::operator=(Markup&&) noexcept = default;
Markup::~Markup() = default;

Markup Markup::parse(std::string_view text) {
    Markup markup;
    Reader(text, markup.inside_->document).read();
    return markup;
}

std::optional<base::Node> Markup::xpath(const std::string& query) const {
    try {
        const pugi::xpath_query compiled(query.c_str());
        const auto& document = inside_->document;
        switch (compiled.return_type()) {
            case pugi::xpath_type_number: {
                const double number = compiled.evaluate_number(document);
                return number == static_cast<double>(static_cast<int64_t>(number))
                           ? base::Node(static_cast<int64_t>(number))
                           : base::Node(number);
            }
            case pugi::xpath_type_boolean: return base::Node(compiled.evaluate_boolean(document));
            case pugi::xpath_type_string:
                return base::Node(std::string(compiled.evaluate_string(document)));
            case pugi::xpath_type_node_set: {
                base::Node list = base::Node::array();
                for (const auto& node : compiled.evaluate_node_set(document))
                    list.push_back(text_of(node));
                return list;
            }
            case pugi::xpath_type_none: break;
        }
    } catch (const pugi::xpath_exception&) {
        // A query that does not compile was refused when its file was checked.
    }
    return std::nullopt;
}

std::string xpath_problem(const std::string& query) {
    try {
        const pugi::xpath_query compiled(query.c_str());
        return {};
    } catch (const pugi::xpath_exception& problem) {
        return problem.what();
    }
}

}  // namespace scenarios
