// Fuzz target: cookies and query strings. Pairs lie within the text they were read from, and what
// is joined reads as the same pairs.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/cookies.h"
#include "http/query.h"

namespace {

void must(bool condition) {
    if (!condition) std::abort();
}

bool within(std::string_view part, std::string_view text) {
    return part.empty() ||
           (part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto cookies = http::parse_cookies(text);
    for (const auto& cookie : cookies)
        must(within(cookie.name, text) && within(cookie.value, text));
    const std::string joined = http::join_cookies(cookies);
    const auto again = http::parse_cookies(joined);
    must(again.size() == cookies.size());
    for (size_t i = 0; i < again.size(); ++i)
        must(again[i].name == cookies[i].name && again[i].value == cookies[i].value &&
             again[i].has_equals == cookies[i].has_equals);
    for (const auto& pair : http::split_query(text))
        must(within(pair.name, text) && within(pair.value, text));
    size_t decoded = 0;
    for (const auto& field : http::parse_form(text))
        decoded += field.name.size() + field.value.size();
    must(decoded <= size);
    return 0;
}
