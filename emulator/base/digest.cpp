// MD5, SHA-1, SHA-256 and HMAC over OpenSSL's own block functions; CRC-32, CRC-32C and CRC-64/NVME
// by tables that take eight bytes at a time. Not EVP: its first use loads OpenSSL's providers (4
// MiB resident, 2 ms), and an instance that speaks no TLS never needs them.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

#include <cstring>
#include <variant>

#include "base/encoding.h"
#include "base/result.h"

namespace base {

struct Digest::State {
    std::variant<SHA256_CTX, SHA_CTX, MD5_CTX> context;
};

namespace {

constexpr size_t kHmacBlockBytes = 64;

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

Digest::Digest(DigestKind kind) : state_(std::make_unique<State>()) {
    switch (kind) {
        case DigestKind::Md5: MD5_Init(&state_->context.emplace<MD5_CTX>()); return;
        case DigestKind::Sha1: SHA1_Init(&state_->context.emplace<SHA_CTX>()); return;
        case DigestKind::Sha256: SHA256_Init(&state_->context.emplace<SHA256_CTX>()); return;
    }
    ASSERT(false);
}

Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::update(std::string_view bytes) {
    if (auto* sha256 = std::get_if<SHA256_CTX>(&state_->context))
        SHA256_Update(sha256, bytes.data(), bytes.size());
    else if (auto* sha1 = std::get_if<SHA_CTX>(&state_->context))
        SHA1_Update(sha1, bytes.data(), bytes.size());
    else
        MD5_Update(&std::get<MD5_CTX>(state_->context), bytes.data(), bytes.size());
}

std::string Digest::finish() {
    unsigned char out[SHA256_DIGEST_LENGTH];
    size_t size_bytes = 0;
    if (auto* sha256 = std::get_if<SHA256_CTX>(&state_->context)) {
        SHA256_Final(out, sha256);
        size_bytes = SHA256_DIGEST_LENGTH;
    } else if (auto* sha1 = std::get_if<SHA_CTX>(&state_->context)) {
        SHA1_Final(out, sha1);
        size_bytes = SHA_DIGEST_LENGTH;
    } else {
        MD5_Final(out, &std::get<MD5_CTX>(state_->context));
        size_bytes = MD5_DIGEST_LENGTH;
    }
    return {reinterpret_cast<char*>(out), size_bytes};
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
