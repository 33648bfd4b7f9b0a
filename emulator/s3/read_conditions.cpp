// See read_conditions.h.
#include "s3/read_conditions.h"

#include <algorithm>

#include "base/date.h"
#include "base/text.h"

namespace s3 {
namespace {

std::optional<base::Time> parse_date(std::string_view text) {
    if (auto date = base::parse_http_date(text)) return date;
    return base::parse_iso_date(text);
}

std::string_view bare(std::string_view etag) {
    etag = base::trim(etag);
    if (etag.starts_with("W/")) etag.remove_prefix(2);
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
        etag = etag.substr(1, etag.size() - 2);
    return etag;
}

using Outcome = ReadCondition::Outcome;

}  // namespace

bool etag_matches(std::string_view condition, std::string_view etag) {
    for (std::string_view one : base::split(condition, ','))
        if (bare(one) == "*" || bare(one) == etag) return true;
    return false;
}

// RFC 9110 §13.2.2, with S3's texts: If-Match outranks If-Unmodified-Since, If-None-Match outranks
// If-Modified-Since.
ReadCondition check_read(const http::HeaderList& headers, std::string_view etag,
                         base::Time modified, base::Time now) {
    if (const std::string* match = headers.find("If-Match")) {
        if (!etag_matches(*match, etag)) return {Outcome::Failed, "If-Match"};
    } else if (const std::string* since = headers.find("If-Unmodified-Since")) {
        auto date = parse_date(*since);
        if (date && *date < modified) return {Outcome::Failed, "If-Unmodified-Since"};
    }
    if (const std::string* none_match = headers.find("If-None-Match")) {
        if (etag_matches(*none_match, etag)) return {Outcome::NotModified, "If-None-Match"};
    } else if (const std::string* since = headers.find("If-Modified-Since")) {
        auto date = parse_date(*since);
        if (date && *date <= now && *date >= modified)
            return {Outcome::NotModified, "If-Modified-Since"};
    }
    return {};
}

ReadCondition check_copy_source(const http::HeaderList& headers, std::string_view etag,
                                base::Time modified, base::Time now) {
    const std::string* match = headers.find("x-amz-copy-source-if-match");
    if (match && !etag_matches(*match, etag))
        return {Outcome::Failed, "x-amz-copy-source-If-Match"};
    if (const std::string* none_match = headers.find("x-amz-copy-source-if-none-match");
        none_match && etag_matches(*none_match, etag))
        return {Outcome::Failed, "x-amz-copy-source-If-None-Match"};
    if (const std::string* since = headers.find("x-amz-copy-source-if-unmodified-since");
        since && !match) {
        auto date = parse_date(*since);
        if (date && *date < modified)
            return {Outcome::Failed, "x-amz-copy-source-If-Unmodified-Since"};
    }
    if (const std::string* since = headers.find("x-amz-copy-source-if-modified-since")) {
        auto date = parse_date(*since);
        if (date && *date <= now && *date >= modified)
            return {Outcome::Failed, "x-amz-copy-source-If-Modified-Since"};
    }
    return {};
}

ByteRange parse_range(std::string_view header, uint64_t size_bytes) {
    constexpr std::string_view kUnit = "bytes=";
    if (!header.starts_with(kUnit)) return {};
    std::string_view spec = base::trim(header.substr(kUnit.size()));
    if (std::ranges::count(spec, '-') != 1) return {};  // several ranges, signs, garbage
    auto [first_text, last_text] = base::cut(spec, '-');
    auto first = base::parse_unsigned(base::trim(first_text));
    auto last = base::parse_unsigned(base::trim(last_text));
    if ((!first && !first_text.empty()) || (!last && !last_text.empty()) || (!first && !last))
        return {};
    if (!first) {
        // The last n bytes; all of it when it has fewer. GUESS: a suffix of an empty object is 416.
        if (*last == 0 || size_bytes == 0) return {ByteRange::Kind::Unsatisfiable};
        return {ByteRange::Kind::Part, size_bytes - std::min(*last, size_bytes), size_bytes - 1};
    }
    if (last && *last < *first) return {};
    if (*first >= size_bytes) return {ByteRange::Kind::Unsatisfiable};
    return {ByteRange::Kind::Part, *first, last ? std::min(*last, size_bytes - 1) : size_bytes - 1};
}

}  // namespace s3
