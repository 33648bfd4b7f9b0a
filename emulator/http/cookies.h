// The Cookie header: ordered pairs, raw, and back. RFC 6265 §4.2 and §5.4.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace http {

struct CookiePair {
    std::string_view name, value;  // raw, quotes kept
    bool has_equals = true;        // "a" without '=' is kept as a name
};

// Of one header value; empty parts are nothing.
std::vector<CookiePair> parse_cookies(std::string_view value);
// Of all Cookie headers, in order. The views live as long as `headers`.
std::vector<CookiePair> parse_cookies(const HeaderList& headers);
std::string join_cookies(const std::vector<CookiePair>& cookies);  // "a=b; c=d"

}  // namespace http
