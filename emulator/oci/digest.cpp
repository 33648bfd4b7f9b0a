#include "oci/digest.h"

#include <algorithm>

#include "base/digest.h"

namespace oci {

std::optional<Digest> Digest::parse(std::string_view text) {
    constexpr std::string_view kPrefix = "sha256:";
    if (!text.starts_with(kPrefix)) return std::nullopt;
    text.remove_prefix(kPrefix.size());
    bool hex = std::ranges::all_of(
        text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (text.size() != 64 || !hex) return std::nullopt;
    return Digest(std::string(text));
}

Digest Digest::of(std::string_view bytes) {
    return Digest(base::sha256_hex(bytes));
}

}  // namespace oci
