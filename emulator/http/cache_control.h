// Cache-Control of requests and responses. RFC 9111 §5.2; the lenient reading of its §4.2.1 and
// §1.2.2.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace http {

struct CacheDirective {
    std::string name;   // lower case
    std::string value;  // unquoted
    bool has_value = false;
};

std::vector<CacheDirective> parse_directives(std::string_view value);

struct CacheControl {
    using Seconds = std::chrono::seconds;

    bool no_store = false, no_transform = false, only_if_cached = false;
    bool no_cache = false, is_private = false;                 // without a list of fields
    std::vector<std::string> no_cache_fields, private_fields;  // lower case
    bool is_public = false, must_revalidate = false, proxy_revalidate = false, immutable = false;
    bool must_understand = false;
    // The first of each counts. A number that cannot be read is 0 (stale is safe), one too large
    // 2^31.
    std::optional<Seconds> max_age, s_maxage, min_fresh, stale_while_revalidate, stale_if_error;
    std::optional<Seconds> max_stale;  // without a value: any, 2^31
};

CacheControl parse_cache_control(const HeaderList& headers);  // all Cache-Control lines together

}  // namespace http
