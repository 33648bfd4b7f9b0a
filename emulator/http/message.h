// Messages: heads as they are on the wire. Header order and spelling are kept; nothing is decided
// here.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace http {

struct Header {
    std::string name;   // spelling kept
    std::string value;  // without surrounding white space
};

// Names are compared without case. Repeated names stay repeated, in order.
class HeaderList {
  public:
    HeaderList() = default;
    HeaderList(std::initializer_list<Header> headers) : headers_(headers) {}

    const std::string* find(std::string_view name) const;  // the first
    std::string_view get(std::string_view name) const;     // the first, or ""
    std::vector<std::string_view> all(std::string_view name) const;
    std::string joined(std::string_view name) const;  // "a, b"
    bool has(std::string_view name) const { return find(name) != nullptr; }
    void add(std::string_view name, std::string_view value);
    // Replaces the first (keeping its place and spelling), removes further ones, or adds.
    void set(std::string_view name, std::string_view value);
    size_t remove(std::string_view name);  // how many went
    template <class Predicate>
    size_t remove_if(Predicate predicate) {
        return std::erase_if(headers_, predicate);
    }

    void clear() { headers_.clear(); }
    void reserve(size_t count) { headers_.reserve(count); }
    size_t size() const { return headers_.size(); }
    bool empty() const { return headers_.empty(); }
    auto begin() const { return headers_.begin(); }
    auto end() const { return headers_.end(); }
    auto begin() { return headers_.begin(); }
    auto end() { return headers_.end(); }
    size_t wire_bytes() const;  // name + ": " + value + CRLF

  private:
    std::vector<Header> headers_;
};

// What the head reader noticed and did not judge; each front maps them to forward, status or close
// in one table. The reasons are those of ALB's desync mitigation (alb.md §11).
enum class Anomaly : uint8_t {
    BareLf,  // NonCrLfLineTermination
    BareCr,
    ObsFold,  // a folded header line
    SpaceBeforeColon,
    EmptyHeaderName,
    BadHeaderName,   // not an RFC 9110 token
    BadHeaderValue,  // NUL or control characters
    HeaderWithoutColon,
    BadMethod,
    BadTarget,  // spaces or control characters in the request target, or of no form RFC 9112 §3.2
                // knows
    NonAsciiTarget,
    Http09,      // a request line without a version
    BadVersion,  // major.minor other than 1.0 and 1.1; 0.0 when it cannot be read
    BadStatusLine,
    MultipleHosts,
    MissingHost,  // HTTP/1.1 without Host
    BadHost,
    MultipleContentLength,  // several, equal
    ConflictingContentLength,
    BadContentLength,
    ContentLengthAndTransferEncoding,
    BadTransferEncoding,  // other than exactly "chunked"
    MultipleTransferEncoding,
    TransferEncodingInHttp10,
    GetOrHeadWithBody,
    GetOrHeadZeroContentLength,
    UndefinedContentLength,  // neither length nor chunked on POST, PUT, PATCH: no body; harmless,
                             // S3 answers 411
    HeaderTooLarge,          // one line
    HeadTooLarge,            // all lines
    TargetTooLong,
};
std::string_view name_of(Anomaly anomaly);

struct RequestHead {
    std::string method;
    std::string target;  // raw, as sent
    int major = 1, minor = 1;
    HeaderList headers;
    std::vector<Anomaly> anomalies;

    std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
    std::string_view query() const;  // after the first '?', "" if none
    bool has(Anomaly anomaly) const;
};

struct ResponseHead {
    int status = 200;
    std::string reason;  // "" = the standard one for the status
    int major = 1, minor = 1;
    HeaderList headers;
    std::vector<Anomaly> anomalies;
};

std::string_view standard_reason(int status);

}  // namespace http
