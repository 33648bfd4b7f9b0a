// Edge compression: when, with what, and the bytes. CloudFront guide, "Serving compressed files".
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloudfront/cache_key.h"
#include "cloudfront/model.h"

namespace cloudfront {

enum class Coding : uint8_t { None, Gzip, Brotli };

struct CompressionDecision {
    Coding coding = Coding::None;
    std::string_view why;   // of None
    bool vary = false;      // Vary: Accept-Encoding belongs on the answer (this kind of object is compressed)
};

// `headers` and `status` as the origin sent them.
CompressionDecision decide_compression(const CacheBehavior& behavior, AcceptEncoding accepted, const ViewerRequest& request,
                                       int status, const http::HeaderList& headers);
std::string compress(Coding coding, std::string_view bytes);
std::string_view name_of(Coding coding);
bool is_compressible_type(std::string_view content_type);
// "x" becomes W/"x", weak ones stay; "" = not an entity tag, to be removed.
std::string weaken_etag(std::string_view etag);

}  // namespace cloudfront
