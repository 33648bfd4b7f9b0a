// MD5, SHA-1, SHA-256 and HMAC over OpenSSL's EVP; CRC-32, CRC-32C and CRC-64/NVME by tables that
// take eight bytes at a time.
#include "base/digest.h"

#include <openssl/evp.h>

#include <cstring>
#include <utility>

#include "base/encoding.h"
#include "base/result.h"

namespace base {

namespace {

constexpr size_t kHmacBlockBytes = 64;

// Fetched once: OpenSSL 3 looks an algorithm up again at every use of EVP_sha256().
const EVP_MD* algorithm(DigestKind kind) {
    static const EVP_MD* const kMd5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
    static const EVP_MD* const kSha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
    static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    switch (kind) {
        case DigestKind::Md5:
            return kMd5;
        case DigestKind::Sha1:
            return kSha1;
        case DigestKind::Sha256:
            return kSha256;
    }
    ASSERT(false);
}

EVP_MD_CTX* context_of(void* context) {
    return static_cast<EVP_MD_CTX*>(context);
}

std::string digest_of(DigestKind kind, std::string_view bytes) {
    Digest digest(kind);
    digest.update(bytes);
    return digest.finish();
}

// RFC 2104.
std::string hmac(DigestKind kind, std::string_view key, std::string_view bytes) {
    std::string block = key.size() > kHmacBlockBytes ? digest_of(kind, key) : std::string(key);
    block.resize(kHmacBlockBytes, '\0');
    std::string inner_pad = block, outer_pad = block;
    for (char& c : inner_pad)
        c ^= 0x36;
    for (char& c : outer_pad)
        c ^= 0x5c;
    Digest inner(kind);
    inner.update(inner_pad);
    inner.update(bytes);
    Digest outer(kind);
    outer.update(outer_pad);
    outer.update(inner.finish());
    return outer.finish();
}

template <class T>
using CrcTables = std::array<std::array<T, 256>, 8>;

template <class T>
consteval CrcTables<T> make_tables(T reflected_polynomial) {
    CrcTables<T> tables{};
    for (T i = 0; i < 256; ++i) {
        T value = i;
        for (int bit = 0; bit < 8; ++bit)
            value = (value & 1) != 0 ? (value >> 1) ^ reflected_polynomial : value >> 1;
        tables[0][i] = value;
    }
    for (size_t i = 0; i < 256; ++i)
        for (size_t k = 1; k < 8; ++k)
            tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 255];
    return tables;
}

constexpr CrcTables<uint32_t> kCrc32 = make_tables<uint32_t>(0xEDB88320u);
constexpr CrcTables<uint32_t> kCrc32c = make_tables<uint32_t>(0x82F63B78u);
constexpr CrcTables<uint64_t> kCrc64Nvme = make_tables<uint64_t>(0x9A6C9329AC4BC9B5u);

// All three are reflected, start at all ones and end inverted.
template <class T>
T crc(const CrcTables<T>& tables, T previous, std::string_view bytes) {
    T value = static_cast<T>(~previous);
    const char* at = bytes.data();
    size_t left = bytes.size();
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        std::memcpy(&word, at, 8);
        word ^= value;
        value = tables[7][word & 255] ^ tables[6][word >> 8 & 255] ^ tables[5][word >> 16 & 255] ^
                tables[4][word >> 24 & 255] ^ tables[3][word >> 32 & 255] ^
                tables[2][word >> 40 & 255] ^ tables[1][word >> 48 & 255] ^ tables[0][word >> 56];
    }
    for (; left > 0; ++at, --left)
        value = (value >> 8) ^ tables[0][(value ^ static_cast<uint8_t>(*at)) & 255];
    return static_cast<T>(~value);
}

}  // namespace

Digest::Digest(DigestKind kind) : context_(EVP_MD_CTX_new()) {
    ASSERT(context_ != nullptr);
    ASSERT(EVP_DigestInit_ex2(context_of(context_), algorithm(kind), nullptr) == 1);
}

Digest::~Digest() {
    EVP_MD_CTX_free(context_of(context_));
}

Digest::Digest(Digest&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}

Digest& Digest::operator=(Digest&& other) noexcept {
    std::swap(context_, other.context_);
    return *this;
}

void Digest::update(std::string_view bytes) {
    EVP_DigestUpdate(context_of(context_), bytes.data(), bytes.size());
}

std::string Digest::finish() {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(context_of(context_), out, &size);
    return {reinterpret_cast<char*>(out), size};
}

std::string md5(std::string_view bytes) {
    return digest_of(DigestKind::Md5, bytes);
}
std::string sha256(std::string_view bytes) {
    return digest_of(DigestKind::Sha256, bytes);
}
std::string sha256_hex(std::string_view bytes) {
    return to_hex(sha256(bytes));
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
    return hmac(DigestKind::Sha256, key, bytes);
}

std::string hmac_sha1(std::string_view key, std::string_view bytes) {
    return hmac(DigestKind::Sha1, key, bytes);
}

uint32_t crc32(uint32_t previous, std::string_view bytes) {
    return crc(kCrc32, previous, bytes);
}
uint32_t crc32c(uint32_t previous, std::string_view bytes) {
    return crc(kCrc32c, previous, bytes);
}
uint64_t crc64nvme(uint64_t previous, std::string_view bytes) {
    return crc(kCrc64Nvme, previous, bytes);
}

}  // namespace base
