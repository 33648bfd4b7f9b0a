// Encodings: hex, base64, percent. Decoders give nothing for malformed input.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace base {

std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view text);
std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

// RFC 3986: everything but unreserved characters becomes %XX (upper case); `keep_slash` for paths.
enum class Slash { Encode, Keep };
std::string percent_encode(std::string_view text, Slash slash = Slash::Encode);
enum class Plus { IsPlus, IsSpace };
// Malformed escapes stay as they are.
std::string percent_decode(std::string_view text, Plus plus = Plus::IsPlus);

}  // namespace base
