// Conditions and ranges of reads and copies: If-Match and friends in S3's order, and S3's own
// reading of Range (several ranges or nonsense: the whole object). Pure. s3.md §3.4 to §3.6, §3.8.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/message.h"

namespace s3 {

// ETags as clients send them: quoted, bare, or weak. `*` matches what exists. A list may be given.
bool etag_matches(std::string_view condition, std::string_view etag);

struct ReadCondition {
    enum class Outcome : uint8_t { Proceed, NotModified, Failed };
    Outcome outcome = Outcome::Proceed;
    std::string condition;  // the header that failed, as the error document names it
};
// `modified` in whole seconds; `now` because a date in the future is no condition.
ReadCondition check_read(const http::HeaderList& headers, std::string_view etag,
                         base::Time modified, base::Time now);
// x-amz-copy-source-if-*: every failure is Failed, never NotModified.
ReadCondition check_copy_source(const http::HeaderList& headers, std::string_view etag,
                                base::Time modified, base::Time now);

struct ByteRange {
    enum class Kind : uint8_t { Whole, Part, Unsatisfiable };
    Kind kind = Kind::Whole;
    uint64_t first = 0, last = 0;  // inclusive, of a Part
};
ByteRange parse_range(std::string_view header, uint64_t size_bytes);

}  // namespace s3
