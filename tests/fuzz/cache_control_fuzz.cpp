// Fuzz target: Cache-Control in any shape. No number is negative or beyond what the RFC lets us
// remember, and more lines never make a stored answer out of one that forbids it.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/cache_control.h"

namespace {

void must(bool condition) {
    if (!condition) std::abort();
}

void must_be_sane(const std::optional<std::chrono::seconds>& value) {
    if (value) must(value->count() >= 0 && value->count() <= (int64_t{1} << 31));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    http::HeaderList headers{{"Cache-Control", std::string(text)}};
    const http::CacheControl one = http::parse_cache_control(headers);
    for (const auto* value : {&one.max_age, &one.s_maxage, &one.min_fresh,
                              &one.stale_while_revalidate, &one.stale_if_error, &one.max_stale})
        must_be_sane(*value);
    for (const http::CacheDirective& directive : http::parse_directives(text))
        for (char c : directive.name)
            must(c < 'A' || c > 'Z');
    headers.add("cache-control", "public, max-age=5");
    const http::CacheControl two = http::parse_cache_control(headers);
    // An open quote may swallow what follows on its own line, never on another.
    must(two.is_public && two.max_age.has_value());
    must(!one.no_store || two.no_store);
    must(!one.is_private || two.is_private);
    return 0;
}
