// XML as S3 speaks it: request documents to a tree that keeps order and repetition, answers written
// element by element (the order of elements is part of the contract, and lists interleave kinds).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace s3 {

inline constexpr std::string_view kXmlNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

struct Element {
    std::string name;  // without namespace prefix
    std::string text;  // character data of this element alone
    std::vector<Element> children;
    std::vector<std::pair<std::string, std::string>> attributes;  // names as written

    const Element* child(std::string_view name) const;
    std::string_view child_text(std::string_view name) const;  // "" when absent
    std::vector<const Element*> all(std::string_view name) const;
};

// The document's root; nothing when it is not well-formed or nested too deeply.
std::optional<Element> parse_xml(std::string_view text);

// Escapes markup, quotes (ETags show as &quot;) and control characters (as numeric references).
std::string escape_xml(std::string_view text);

class XmlWriter {
  public:
    // With the XML declaration; `root` gets S3's namespace unless the document is an <Error>.
    explicit XmlWriter(std::string_view root);
    XmlWriter& open(std::string_view name, std::string_view attributes = {});
    XmlWriter& close();
    XmlWriter& add(std::string_view name, std::string_view text);
    XmlWriter& add(std::string_view name, int64_t number) {
        return add(name, std::to_string(number));
    }
    XmlWriter& flag(std::string_view name, bool value) {
        return add(name, value ? "true" : "false");
    }
    XmlWriter& copy(const Element& element);  // element and all below
    std::string finish();                     // closes what is open

  private:
    std::string out_;
    std::vector<std::string> open_;
};

}  // namespace s3
