#include "http/range.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace http {

namespace {

// Digits alone; a number too large for us lies past every body.
std::optional<uint64_t> read_position(std::string_view text) {
    if (text.empty() || text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
    return base::parse_unsigned(text).value_or(UINT64_MAX);
}

}  // namespace

RangeSet parse_range(std::string_view header, uint64_t body_bytes) {
    const auto [unit, list] = base::cut(base::trim(header), '=');
    if (!base::equals_ignoring_case(base::trim(unit), "bytes")) return {};
    RangeSet set;
    size_t count = 0;
    for (std::string_view part : base::split(list, ',')) {
        part = base::trim(part);
        if (part.empty()) continue;
        if (++count > kMaxRanges) return {};
        const size_t dash = part.find('-');
        if (dash == part.npos) return {};
        const std::string_view from = base::trim(part.substr(0, dash)),
                               to = base::trim(part.substr(dash + 1));
        if (from.empty()) {
            const auto suffix = read_position(to);
            if (!suffix) return {};
            if (*suffix > 0 && body_bytes > 0) {
                set.ranges.push_back({body_bytes - std::min(*suffix, body_bytes), body_bytes - 1});
            }
            continue;
        }
        const auto first = read_position(from);
        const auto last = to.empty() ? std::optional(UINT64_MAX) : read_position(to);
        if (!first || !last || *last < *first) return {};
        if (*first < body_bytes) set.ranges.push_back({*first, std::min(*last, body_bytes - 1)});
    }
    if (count == 0) return {};
    set.kind = set.ranges.empty() ? RangeSet::Kind::Unsatisfiable : RangeSet::Kind::Satisfiable;
    return set;
}

bool ranges_ascend(const std::vector<ByteRange>& ranges) {
    return std::ranges::adjacent_find(
               ranges, [](ByteRange a, ByteRange b) { return b.first <= a.last; }) == ranges.end();
}

std::string content_range(ByteRange range, uint64_t body_bytes) {
    return "bytes " + std::to_string(range.first) + '-' + std::to_string(range.last) + '/' +
           std::to_string(body_bytes);
}

std::string unsatisfied_range(uint64_t body_bytes) {
    return "bytes */" + std::to_string(body_bytes);
}

std::string MultipartRanges::before(ByteRange range) const {
    std::string text = "\r\n--" + boundary_ + "\r\n";
    if (!content_type_.empty()) text += "Content-Type: " + content_type_ + "\r\n";
    return text + "Content-Range: " + content_range(range, body_bytes_) + "\r\n\r\n";
}

uint64_t MultipartRanges::size_bytes(const std::vector<ByteRange>& ranges) const {
    uint64_t bytes = end().size();
    for (const auto range : ranges)
        bytes += before(range).size() + range.size_bytes();
    return bytes;
}

}  // namespace http
