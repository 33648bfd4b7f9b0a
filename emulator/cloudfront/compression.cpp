// See compression.h.
#include "cloudfront/compression.h"

#include <algorithm>

#include "base/text.h"
#include "cloudfront/limits.h"

namespace cloudfront {

namespace {

constexpr std::string_view kTypes[] = {
    "application/dash+xml",
    "application/eot",
    "application/font",
    "application/font-sfnt",
    "application/javascript",
    "application/json",
    "application/opentype",
    "application/otf",
    "application/pkcs7-mime",
    "application/protobuf",
    "application/rss+xml",
    "application/truetype",
    "application/ttf",
    "application/vnd.apple.mpegurl",
    "application/vnd.mapbox-vector-tile",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/xhtml+xml",
    "application/xml",
    "application/x-font-opentype",
    "application/x-font-truetype",
    "application/x-font-ttf",
    "application/x-httpd-cgi",
    "application/x-javascript",
    "application/x-mpegurl",
    "application/x-opentype",
    "application/x-otf",
    "application/x-perl",
    "application/x-ttf",
    "font/eot",
    "font/opentype",
    "font/otf",
    "font/ttf",
    "image/svg+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/js",
    "text/plain",
    "text/richtext",
    "text/tab-separated-values",
    "text/xml",
    "text/x-component",
    "text/x-java-source",
    "text/x-script",
    "vnd.apple.mpegurl",
};

}  // namespace

bool is_compressible_type(std::string_view content_type) {
    std::string type = base::lower(base::trim(base::cut(content_type, ';').first));
    return std::ranges::find(kTypes, type) != std::end(kTypes);
}

CompressionDecision decide_compression(const CacheBehavior& behavior, AcceptEncoding accepted,
                                       const ViewerRequest& request, int status,
                                       const http::HeaderList& headers) {
    auto no = [](std::string_view why, bool vary = false) {
        return CompressionDecision{std::nullopt, why, vary};
    };
    if (!behavior.compress) return no("Compress is off in the behavior");
    if (accepted == AcceptEncoding::NotKeyed)
        return no("neither gzip nor brotli is enabled for the cache key");
    if (behavior.caching_disabled) return no("caching is disabled");
    if (behavior.keys_accept_encoding_itself)
        return no("Accept-Encoding is listed in the cache key by hand");
    if (status != 200 && status != 403 && status != 404)
        return no("only 200, 403 and 404 are compressed");
    if (headers.has("Content-Encoding")) return no("the origin sent Content-Encoding");
    if (!is_compressible_type(headers.get("Content-Type")))
        return no("its Content-Type is not on the list");
    auto length = base::parse_unsigned(headers.get("Content-Length"));
    if (!length) return no("the origin sent no Content-Length");
    if (*length < kMinCompressBytes || *length > kMaxCompressBytes)
        return no("its size is outside 1,000 to 10,000,000 bytes");
    if (request.http10()) return no("the viewer speaks HTTP/1.0", true);
    if (accepted == AcceptEncoding::Brotli || accepted == AcceptEncoding::BrotliAndGzip)
        return {http::ContentCoding::Brotli, {}, true};
    if (accepted == AcceptEncoding::Gzip) return {http::ContentCoding::Gzip, {}, true};
    return no("the viewer accepts neither gzip nor br", true);
}

std::string weaken_etag(std::string_view etag) {
    bool weak = etag.starts_with("W/");
    std::string_view opaque = weak ? etag.substr(2) : etag;
    if (opaque.size() < 2 || opaque.front() != '"' || opaque.back() != '"') return {};
    return weak ? std::string(etag) : "W/" + std::string(etag);
}

}  // namespace cloudfront
