// The version that this binary says it is.
#pragma once
#include <string_view>

namespace commands {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace commands
