// Content codings: streaming encoders for gzip (RFC 1952) and br (RFC 7932), and a decoder for
// whole bodies.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/body.h"

namespace http {

enum class ContentCoding : uint8_t { Gzip, Brotli };
std::string_view name_of(ContentCoding coding);  // "gzip", "br"

class Encoder {
  public:
    virtual ~Encoder() = default;
    // Appends what is ready; may be nothing.
    virtual void encode(std::string_view bytes, std::string& out) = 0;
    virtual void finish(std::string& out) = 0;
};
std::unique_ptr<Encoder> make_encoder(ContentCoding coding);

std::string encode_all(ContentCoding coding, std::string_view bytes);

// A whole body in "gzip", "deflate" or "br"; nothing when it is none, or larger than the limit.
std::optional<std::string> decode_all(std::string_view coding, std::string_view bytes,
                                      size_t limit_bytes);

// A body that encodes another while it is read. Its length is not known.
class EncodedBody final : public BodyReader {
  public:
    EncodedBody(BodyReader& from, ContentCoding coding)
        : from_(from), encoder_(make_encoder(coding)) {}
    Result<size_t> read(std::span<char> into, net::Deadline deadline) override;
    std::optional<uint64_t> length() const override { return std::nullopt; }
    const HeaderList& trailers() const override { return from_.trailers(); }

  private:
    BodyReader& from_;
    std::unique_ptr<Encoder> encoder_;
    std::string ready_;
    size_t taken_ = 0;
    bool ended_ = false;
};

}  // namespace http
