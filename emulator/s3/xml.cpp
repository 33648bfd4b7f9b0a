// See xml.h. The only file of this folder that includes pugixml.
#include "s3/xml.h"

#include <pugixml.hpp>

namespace s3 {
namespace {

// No document of S3 nests deeper than a dozen.
constexpr int kMaxDepth = 32;

std::string local_name(std::string_view name) {
    size_t colon = name.rfind(':');
    return std::string(colon == std::string_view::npos ? name : name.substr(colon + 1));
}

bool convert(const pugi::xml_node& from, Element& to, int depth) {
    if (depth > kMaxDepth) return false;
    to.name = local_name(from.name());
    for (const auto& attribute : from.attributes())
        to.attributes.emplace_back(attribute.name(), attribute.value());
    for (const auto& node : from.children()) {
        if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) {
            to.text += node.value();
        } else if (node.type() == pugi::node_element) {
            if (!convert(node, to.children.emplace_back(), depth + 1)) return false;
        }
    }
    return true;
}

}  // namespace

const Element* Element::child(std::string_view wanted) const {
    for (const Element& element : children)
        if (element.name == wanted) return &element;
    return nullptr;
}

std::string_view Element::child_text(std::string_view wanted) const {
    const Element* found = child(wanted);
    return found ? std::string_view(found->text) : std::string_view();
}

std::vector<const Element*> Element::all(std::string_view wanted) const {
    std::vector<const Element*> found;
    for (const Element& element : children)
        if (element.name == wanted) found.push_back(&element);
    return found;
}

std::optional<Element> parse_xml(std::string_view text) {
    pugi::xml_document document;
    // A key may be a single space: white space alone inside an element is kept.
    auto flags = pugi::parse_default | pugi::parse_ws_pcdata_single;
    if (!document.load_buffer(text.data(), text.size(), flags, pugi::encoding_utf8))
        return std::nullopt;
    Element root;
    if (!document.document_element() || !convert(document.document_element(), root, 0))
        return std::nullopt;
    return root;
}

std::string escape_xml(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t')
                    out += "&#" + std::to_string(static_cast<int>(c)) + ";";
                else
                    out += c;
        }
    }
    return out;
}

XmlWriter::XmlWriter(std::string_view root) : out_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {
    open(root, root == "Error" ? "" : "xmlns=\"" + std::string(kXmlNamespace) + "\"");
}

XmlWriter& XmlWriter::open(std::string_view name, std::string_view attributes) {
    out_ += '<';
    out_ += name;
    if (!attributes.empty()) (out_ += ' ') += attributes;
    out_ += '>';
    open_.emplace_back(name);
    return *this;
}

XmlWriter& XmlWriter::close() {
    ((out_ += "</") += open_.back()) += '>';
    open_.pop_back();
    return *this;
}

XmlWriter& XmlWriter::add(std::string_view name, std::string_view text) {
    ((out_ += '<') += name) += '>';
    out_ += escape_xml(text);
    ((out_ += "</") += name) += '>';
    return *this;
}

XmlWriter& XmlWriter::copy(const Element& element) {
    std::string attributes;
    for (const auto& [name, value] : element.attributes) {
        if (!attributes.empty()) attributes += ' ';
        attributes += name + "=\"" + escape_xml(value) + "\"";
    }
    open(element.name, attributes);
    if (element.children.empty()) out_ += escape_xml(element.text);
    for (const Element& child : element.children)
        copy(child);
    return close();
}

std::string XmlWriter::finish() {
    while (!open_.empty())
        close();
    return std::move(out_);
}

}  // namespace s3
