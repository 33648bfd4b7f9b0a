// See listing.h.
#include "s3/listing.h"

#include "base/encoding.h"

namespace s3 {
namespace {

constexpr std::string_view kTokenMark = "1";  // first byte inside a token

}  // namespace

std::string after_prefix(std::string_view prefix) {
    std::string next(prefix);
    while (!next.empty() && static_cast<unsigned char>(next.back()) == 0xff)
        next.pop_back();
    if (!next.empty()) next.back() = static_cast<char>(static_cast<unsigned char>(next.back()) + 1);
    return next;
}

std::string common_prefix_of(std::string_view key, std::string_view prefix,
                             std::string_view delimiter) {
    if (delimiter.empty()) return {};
    size_t found = key.find(delimiter, prefix.size());
    return found == std::string_view::npos ? std::string()
                                           : std::string(key.substr(0, found + delimiter.size()));
}

std::string encode_for_listing(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (unsigned char c : text) {
        bool bare = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '/' || c == '-' || c == '_' || c == '.' || c == '*';
        if (bare)
            out += static_cast<char>(c);
        else if (c == ' ')
            out += '+';
        else
            (out += '%') += {kHex[c >> 4], kHex[c & 15]};
    }
    return out;
}

std::string make_token(std::string_view last_name) {
    return base::to_base64(std::string(kTokenMark) + std::string(last_name));
}

std::optional<std::string> read_token(std::string_view token) {
    auto text = base::from_base64(token);
    if (!text || !text->starts_with(kTokenMark)) return std::nullopt;
    return text->substr(kTokenMark.size());
}

}  // namespace s3
