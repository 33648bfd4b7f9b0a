// Version ranges as npm has them ("20", "20.x", "^20.1", ">=18 <21", "lts/*"). Pure.
#pragma once
#include <array>
#include <optional>
#include <string_view>

namespace workflow {

using Version = std::array<unsigned, 3>;
std::optional<Version> parse_version(std::string_view text);  // "v20.20.2", "3.11"
bool version_matches(std::string_view range, const Version& version);

}  // namespace workflow
