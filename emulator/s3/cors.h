// CORS: a bucket's rules, which rule matches a request, and the headers that follow. Pure.
// S3 guide, "Using cross-origin resource sharing"; s3.md §6.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "s3/xml.h"

namespace s3 {

struct CorsRule {
    std::string id;
    std::vector<std::string> origins, methods, headers, exposed;
    std::optional<int64_t> max_age_seconds;
};

// Throws aws::Error for what S3 refuses at PutBucketCors.
std::vector<CorsRule> parse_cors(const Element& document);

struct CorsRequest {
    std::string_view origin;
    std::string_view method;           // requested, or the actual one
    std::vector<std::string> headers;  // lower case
};

struct CorsMatch {
    const CorsRule* rule;
    bool any_origin;  // through AllowedOrigin "*" itself
};
std::optional<CorsMatch> match_cors(const std::vector<CorsRule>& rules, const CorsRequest& request);

// "A, b" to {"a", "b"}.
std::vector<std::string> requested_headers(std::string_view list);

enum class CorsAnswer : uint8_t { Preflight, Actual };
void add_cors_headers(http::HeaderList& to, const CorsMatch& match, const CorsRequest& request,
                      CorsAnswer answer);

}  // namespace s3
