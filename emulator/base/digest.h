// Digests: MD5, SHA-1, SHA-256, HMAC-SHA-256 and the CRCs that S3 clients send. Over OpenSSL and
// zlib's polynomial.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace base {

enum class DigestKind { Md5, Sha1, Sha256 };

// Incremental; finish() once.
class Digest {
  public:
    explicit Digest(DigestKind kind);
    ~Digest();
    Digest(Digest&&) noexcept;
    Digest& operator=(Digest&&) noexcept;
    void update(std::string_view bytes);
    std::string finish();  // raw bytes

  private:
    struct State;
    std::unique_ptr<State> state_;
};

std::string md5(std::string_view bytes);     // raw bytes
std::string sha256(std::string_view bytes);  // raw bytes
std::string sha256_hex(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // raw bytes
std::string hmac_sha1(std::string_view key, std::string_view bytes);

// Running CRCs: start with 0, feed the previous value.
uint32_t crc32(uint32_t crc, std::string_view bytes);
uint32_t crc32c(uint32_t crc, std::string_view bytes);
uint64_t crc64nvme(uint64_t crc, std::string_view bytes);

}  // namespace base
