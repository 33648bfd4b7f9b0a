// XML both ways: pugixml reads, this file writes. What a document may hold is narrow on purpose: no
// DTD, no entities of its own, no mixed content, bounded size and depth. Source: XML 1.0, Smithy
// "restXml".
#include "aws/xml.h"

#include <cstring>
#include <expected>
#include <pugixml.hpp>

#include "aws/protocol.h"
#include "base/result.h"

namespace aws {

namespace {

std::string_view local_name(const char* name) {
    std::string_view text(name);
    size_t colon = text.rfind(':');
    return colon == std::string_view::npos ? text : text.substr(colon + 1);
}

bool is_space(std::string_view text) {
    return base::trim(text).empty();
}

constexpr std::string_view kQueryMember = "member";

class XmlReader {
  public:
    explicit XmlReader(const XmlNames& names) : names_(names) {}

    std::expected<base::Node, std::string> read(pugi::xml_node element, std::string_view parent,
                                                int depth) {
        if (depth > kMaxXmlDepth) return std::unexpected("elements are nested too deeply");
        std::string_view name = local_name(element.name());
        // A list with a member name: every child is a member.
        if (auto member = names_.element(parent, name); member && !member->empty())
            return read_list(element, *member, depth);
        // The Query protocol's lists say so themselves.
        auto first = element.find_child(
            [](pugi::xml_node child) { return child.type() == pugi::node_element; });
        if (first && local_name(first.name()) == kQueryMember)
            return read_list(element, kQueryMember, depth);
        base::Node tree;
        for (pugi::xml_attribute attribute : element.attributes())
            if (!is_namespace(attribute))
                tree.set("@" + std::string(attribute.name()), attribute.value());
        std::string text;
        bool has_elements = false;
        for (pugi::xml_node child : element.children()) {
            if (child.type() == pugi::node_element) {
                has_elements = true;
                TRY(read_member(tree, child, name, depth));
            } else if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
                text += child.value();
            }
        }
        if (has_elements && !is_space(text))
            return std::unexpected("text beside elements in <" + std::string(name) + ">");
        if (has_elements) return tree;
        if (tree.is_null()) return base::Node(std::move(text));
        if (!text.empty()) tree.set("#text", std::move(text));
        return tree;
    }

  private:
    static bool is_namespace(pugi::xml_attribute attribute) {
        std::string_view name = attribute.name();
        return name == "xmlns" || name.starts_with("xmlns:");
    }

    std::expected<void, std::string> read_member(base::Node& tree, pugi::xml_node child,
                                                 std::string_view parent, int depth) {
        std::string name(local_name(child.name()));
        auto member = names_.element(parent, name);
        base::Node value = TRY(read(child, parent, depth + 1));
        base::Node* present = tree.find(name);
        if (member && member->empty()) {
            if (present != nullptr)
                present->push_back(std::move(value));
            else
                tree.set(std::move(name), base::Node::array()).push_back(std::move(value));
            return {};
        }
        if (present != nullptr)
            return std::unexpected("<" + name + "> occurs twice in <" + std::string(parent) + ">");
        tree.set(std::move(name), std::move(value));
        return {};
    }

    std::expected<base::Node, std::string> read_list(pugi::xml_node list, std::string_view member,
                                                     int depth) {
        base::Node items = base::Node::array();
        for (pugi::xml_node child : list.children()) {
            if (child.type() == pugi::node_pcdata && is_space(child.value())) continue;
            if (child.type() == pugi::node_comment || child.type() == pugi::node_pi) continue;
            if (child.type() != pugi::node_element || local_name(child.name()) != member)
                return std::unexpected("expected <" + std::string(member) + "> in <" + list.name() +
                                       ">");
            items.push_back(TRY(read(child, local_name(list.name()), depth + 1)));
        }
        return items;
    }

    const XmlNames& names_;
};

void append_children(std::string& out, std::string_view name, const base::Node& value,
                     const XmlNames& names) {
    for (const auto& [key, child] : value.members()) {
        if (key.starts_with('@')) continue;
        if (key == "#text")
            out += xml_escape(child.as_string());
        else
            append_xml(out, name, key, child, names);
    }
}

void append_open(std::string& out, std::string_view name, const base::Node& value) {
    out += '<';
    out += name;
    for (const auto& [key, child] : value.members()) {
        if (!key.starts_with('@')) continue;
        out += ' ';
        out += std::string_view(key).substr(1);
        out += "=\"";
        out += xml_escape(child.as_string());
        out += '"';
    }
}

}  // namespace

XmlNames::XmlNames(std::string_view lines) {
    for (std::string_view line : base::split(lines, '\n')) {
        auto [path, element] = base::cut(base::trim(line), '=');
        if (!path.empty() && !path.starts_with('#')) names_.emplace(std::string(path), element);
    }
}

std::optional<std::string_view> XmlNames::element(std::string_view parent,
                                                  std::string_view list) const {
    if (names_.empty()) return std::nullopt;
    std::string path(parent);
    path += '.';
    path += list;
    auto found = names_.find(path);
    if (found == names_.end()) return std::nullopt;
    return found->second;
}

void append_xml(std::string& out, std::string_view parent, std::string_view name,
                const base::Node& value, const XmlNames& names) {
    if (value.is_null()) return;
    std::string_view member = "member";
    if (value.is_array()) {
        member = names.element(parent, name).value_or(member);
        if (member.empty()) {
            for (const base::Node& item : value.items())
                append_xml(out, parent, name, item, names);
            return;
        }
    }
    append_open(out, name, value);
    size_t opened = out.size();
    out += '>';
    size_t content = out.size();
    switch (value.kind()) {
        case base::Node::Kind::Null: break;
        case base::Node::Kind::Bool: out += value.as_bool() ? "true" : "false"; break;
        case base::Node::Kind::Number: out += value.number_text(); break;
        case base::Node::Kind::String: out += xml_escape(value.as_string()); break;
        case base::Node::Kind::Array:
            for (const base::Node& item : value.items())
                append_xml(out, name, member, item, names);
            break;
        case base::Node::Kind::Object: append_children(out, name, value, names); break;
    }
    if (out.size() == content) {
        out.replace(opened, 1, "/>");
        return;
    }
    out += "</";
    out += name;
    out += '>';
}

std::string xml_escape(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    const bool valid = base::is_valid_utf8(text);
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default:
                if (byte < 0x20 && c != '\t' && c != '\n') {
                    // XML 1.0 cannot hold most of them; S3 writes references, and clients read
                    // them.
                    out += "&#x";
                    if (byte >= 0x10) out += kHex[byte >> 4];
                    out += kHex[byte & 15];
                    out += ';';
                } else if (byte >= 0x80 && !valid) {
                    out += "\xEF\xBF\xBD";
                } else {
                    out += c;
                }
        }
    }
    return out;
}

std::expected<base::Node, std::string> parse_xml(std::string_view text, std::string_view list_names,
                                                 std::string* root) {
    if (text.size() > kMaxXmlBytes) return std::unexpected("the document is too large");
    if (!base::is_valid_utf8(text)) return std::unexpected("the document is not UTF-8");
    pugi::xml_document document;
    constexpr unsigned kFlags = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol |
                                pugi::parse_wconv_attribute | pugi::parse_ws_pcdata_single |
                                pugi::parse_doctype;
    auto result = document.load_buffer(text.data(), text.size(), kFlags, pugi::encoding_utf8);
    if (!result)
        return std::unexpected(std::string(result.description()) + " at byte " +
                               std::to_string(result.offset));
    pugi::xml_node top;
    for (pugi::xml_node node : document.children()) {
        if (node.type() == pugi::node_doctype)
            return std::unexpected("a document type declaration is not allowed");
        if (node.type() != pugi::node_element) continue;
        if (top) return std::unexpected("more than one document element");
        top = node;
    }
    if (!top) return std::unexpected("no document element");
    if (root != nullptr) *root = local_name(top.name());
    XmlNames names(list_names);
    return XmlReader(names).read(top, "", 1);
}

std::string to_xml(std::string_view root, std::string_view xml_namespace, const base::Node& tree,
                   std::string_view list_names) {
    XmlNames names(list_names);
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    base::Node top = tree.is_null() ? base::Node::object() : tree;
    if (!xml_namespace.empty() && top.is_object())
        top.members().insert(top.members().begin(), {"@xmlns", base::Node(xml_namespace)});
    append_xml(out, "", root, top, names);
    return out;
}

}  // namespace aws
