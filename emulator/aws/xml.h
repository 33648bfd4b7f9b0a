// XML of the Query and REST-XML protocols: element names of lists (the lines "Parent.List=Element"
// of ServiceInfo::list_names), and writing a tree.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/json.h"
#include "base/text.h"

namespace aws {

class XmlNames {
  public:
    explicit XmlNames(std::string_view lines);
    // The member's element name, "" when the list is flattened, nothing when the element is no
    // listed list.
    std::optional<std::string_view> element(std::string_view parent, std::string_view list) const;

  private:
    std::unordered_map<std::string, std::string_view, base::TransparentHash, std::equal_to<>>
        names_;
};

// Appends <name>…</name> for the tree's value; arrays take their members' names from `names`, else
// "member".
void append_xml(std::string& out, std::string_view parent, std::string_view name,
                const base::Node& value, const XmlNames& names);

}  // namespace aws
