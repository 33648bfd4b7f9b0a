// Attributes: what ${kind.name.attribute} stands for, and the pins that make the create operations
// agree with it. Pure: a function of account, region, kind and name unless the file pins a value.
#pragma once
#include <map>
#include <string>

#include "base/ids.h"
#include "base/json.h"

namespace stack {

using Attributes = std::map<std::string, std::string>;

// `thing` is the entry of the file. Unknown kinds give nothing.
Attributes attributes_of(const base::Ids& ids, std::string_view kind, const std::string& name,
                         const base::Node& thing);

// Attribute names of a kind, for checks and suggestions.
std::vector<std::string> attribute_names(std::string_view kind);

// Pins the identifiers of everything in `root` where the create operations look for them.
void pin_all(base::Ids& ids, const base::Node& root);

}  // namespace stack
