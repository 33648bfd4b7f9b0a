// Fuzz target: whatever a Range header says, the ranges lie within the body, and what is announced
// for several is what their pieces come to.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/range.h"

namespace {

void must(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const uint64_t body_bytes = data[0] == 255 ? UINT64_MAX / 2 : data[0];
    const std::string_view header(reinterpret_cast<const char*>(data + 1), size - 1);
    const http::RangeSet set = http::parse_range(header, body_bytes);
    must((set.kind == http::RangeSet::Kind::Satisfiable) == !set.ranges.empty());
    must(set.ranges.size() <= http::kMaxRanges);
    for (const http::ByteRange& range : set.ranges)
        must(range.first <= range.last && range.last < body_bytes);
    (void)http::ranges_ascend(set.ranges);
    if (set.ranges.empty() || body_bytes > 255) return 0;
    const http::MultipartRanges parts("b", "text/plain", body_bytes);
    uint64_t sum = parts.end().size();
    for (const http::ByteRange& range : set.ranges)
        sum += parts.before(range).size() + range.size_bytes();
    must(sum == parts.size_bytes(set.ranges));
    return 0;
}
