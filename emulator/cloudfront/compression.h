// Edge compression: when, and with what. CloudFront guide, "Serving compressed files".
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloudfront/cache_key.h"
#include "cloudfront/model.h"
#include "http/content_coding.h"

namespace cloudfront {

struct CompressionDecision {
    std::optional<http::ContentCoding> coding;
    std::string_view why;  // of none
    bool vary =
        false;  // Vary: Accept-Encoding belongs on the answer (this kind of object is compressed)
};

// `headers` and `status` as the origin sent them.
CompressionDecision decide_compression(const CacheBehavior& behavior, AcceptEncoding accepted,
                                       const ViewerRequest& request, int status,
                                       const http::HeaderList& headers);
bool is_compressible_type(std::string_view content_type);
// "x" becomes W/"x", weak ones stay; "" = not an entity tag, to be removed.
std::string weaken_etag(std::string_view etag);

}  // namespace cloudfront
