// Layout: how scenario files look. Line breaks are the author's; indentation, spaces, blank lines
// and trailing commas are ours. Comments stay where they are. Pure.
//
// An object or list whose first element stands on the bracket's own line hangs from it: its further
// lines begin below that element. Where the bracket ends its line, what is inside is indented by
// two.
#pragma once
#include <expected>
#include <string>
#include <string_view>

#include "base/json.h"

namespace scenarios {

// JSON with comments. An error when the text is not that.
std::expected<std::string, base::JsonError> layout_json(std::string_view text);

// YAML: no spaces at the end of lines, at most one blank line, one line end at the end. Where that
// would change what the file says (block texts), it stays as it is.
std::string layout_yaml(std::string_view text);

}  // namespace scenarios
