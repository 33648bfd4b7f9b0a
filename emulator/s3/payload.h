// Payload: the bytes of a request body as the client meant them: plain, or taken out of aws-chunked
// framing (signed or not, with trailers), checked against what the signature covers.
// SigV4 for S3, "Transferring payload in multiple chunks" and "… with trailing headers".
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/sigv4.h"
#include "base/digest.h"
#include "http/body.h"

namespace s3 {

struct PayloadOptions {
    bool chunked = false;  // aws-chunked framing
    bool signed_chunks = false;
    std::optional<aws::Signature> seed;      // for chunk signatures
    std::string sha256_hex;                  // of the whole body, "" = not promised
    std::optional<uint64_t> size_bytes;      // decoded, when declared
    std::vector<std::string> trailers;       // names announced in x-amz-trailer, lower case
    std::chrono::milliseconds idle{60'000};  // per read
};

class Payload {
  public:
    Payload(http::BodyReader& raw, PayloadOptions options);

    // 0 = the end, after every promise was checked. Throws aws::Error with S3's codes.
    size_t read(char* into, size_t size_bytes);
    std::string read_all(size_t limit_bytes);
    std::optional<uint64_t> declared_size() const { return options_.size_bytes; }
    bool is_chunked() const { return options_.chunked; }
    uint64_t received_bytes() const { return received_; }
    // Complete after the end; names in lower case.
    const http::HeaderList& trailers() const { return trailers_; }
    bool announces_trailer(std::string_view name) const;

  private:
    size_t read_plain(char* into, size_t size_bytes);
    size_t read_chunked(char* into, size_t size_bytes);
    void open_chunk();
    void close_chunk();
    void read_trailers();
    void check_end();
    bool fill();
    std::string line();

    http::BodyReader& raw_;
    PayloadOptions options_;
    http::HeaderList trailers_;
    uint64_t received_ = 0;
    bool ended_ = false;
    std::optional<base::Digest> whole_;  // SHA-256 of the body

    std::string buffer_;  // raw bytes not yet taken
    size_t taken_ = 0;
    uint64_t chunk_left_ = 0;
    uint64_t last_chunk_size_ = 0;
    int chunk_number_ = 0;
    bool in_chunk_ = false;
    std::string chunk_signature_, previous_signature_;
    std::optional<base::Digest> chunk_digest_;
};

}  // namespace s3
