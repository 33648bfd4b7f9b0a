// Range requests for bytes: the header, Content-Range, and multipart/byteranges. RFC 9110 §14.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace http {

struct ByteRange {
    uint64_t first = 0, last = 0;  // both included
    uint64_t size_bytes() const { return last - first + 1; }
    bool operator==(const ByteRange&) const = default;
};

struct RangeSet {
    // Ignored: no header, another unit, or malformed; the whole body is the answer (§14.2).
    enum class Kind : uint8_t { Ignored, Satisfiable, Unsatisfiable };
    Kind kind = Kind::Ignored;
    std::vector<ByteRange> ranges;  // as asked, those that lie outside left out
};

// More ranges than this are an attack (§17.15) and ignored.
inline constexpr size_t kMaxRanges = 100;

RangeSet parse_range(std::string_view header, uint64_t body_bytes);
bool ranges_ascend(const std::vector<ByteRange>& ranges);         // and do not overlap
std::string content_range(ByteRange range, uint64_t body_bytes);  // "bytes 0-4/10"
std::string unsatisfied_range(uint64_t body_bytes);               // "bytes */10"

// The pieces around the ranges of a multipart/byteranges body.
class MultipartRanges {
  public:
    MultipartRanges(std::string boundary, std::string content_type, uint64_t body_bytes)
        : boundary_(std::move(boundary)),
          content_type_(std::move(content_type)),
          body_bytes_(body_bytes) {}
    std::string media_type() const { return "multipart/byteranges; boundary=" + boundary_; }
    std::string before(ByteRange range) const;
    std::string end() const { return "\r\n--" + boundary_ + "--\r\n"; }
    uint64_t size_bytes(const std::vector<ByteRange>& ranges) const;

  private:
    std::string boundary_, content_type_;
    uint64_t body_bytes_;
};

}  // namespace http
