// Identifiers. Random bytes come from getrandom(2) through a small buffer per thread: one system
// call serves some thirty request ids, and no lock is shared on the request path.
#include "base/ids.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/result.h"

namespace base {

namespace {

struct RandomBuffer {
    std::array<unsigned char, 512> bytes;
    size_t left = 0;
};

void fill_from_kernel(unsigned char* out, size_t size_bytes) {
    while (size_bytes > 0) {
        ssize_t got = getrandom(out, std::min<size_t>(size_bytes, 256), 0);
        if (got < 0) {
            ASSERT(errno == EINTR);
            continue;
        }
        out += got;
        size_bytes -= static_cast<size_t>(got);
    }
}

std::string pin_key(std::string_view kind, std::string_view name, std::string_view attribute) {
    std::string key(kind);
    key += '\0';
    key += name;
    key += '\0';
    key += attribute;
    return key;
}

}  // namespace

void random_bytes(void* out, size_t size_bytes) {
    thread_local RandomBuffer buffer;
    auto* at = static_cast<unsigned char*>(out);
    while (size_bytes > 0) {
        if (buffer.left == 0) {
            fill_from_kernel(buffer.bytes.data(), buffer.bytes.size());
            buffer.left = buffer.bytes.size();
        }
        size_t take = std::min(size_bytes, buffer.left);
        unsigned char* from = buffer.bytes.data() + buffer.bytes.size() - buffer.left;
        std::memcpy(at, from, take);
        std::memset(from, 0, take);  // what was given out is not kept
        buffer.left -= take;
        at += take;
        size_bytes -= take;
    }
}

std::string random_hex(size_t digits) {
    std::string bytes((digits + 1) / 2, '\0');
    random_bytes(bytes.data(), bytes.size());
    std::string text = to_hex(bytes);
    text.resize(digits);
    return text;
}

std::string random_uuid() {
    std::string text = random_hex(32);
    text[12] = '4';
    text[16] = "89ab"[text[16] & 3];  // RFC 9562 §4.1: the variant's two bits
    for (size_t at : {8u, 13u, 18u, 23u})
        text.insert(at, 1, '-');
    return text;
}

std::string random_base64url(size_t characters) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text(characters, '\0');
    random_bytes(text.data(), text.size());
    for (char& c : text)
        c = kAlphabet[static_cast<unsigned char>(c) & 63];
    return text;
}

uint64_t random_below(uint64_t bound) {
    ASSERT(bound > 0);
    uint64_t value;
    random_bytes(&value, sizeof value);
    return value % bound;
}

void Ids::pin(std::string_view kind, std::string_view name, std::string_view attribute,
              std::string value) {
    std::lock_guard lock(mutex_);
    pins_.insert_or_assign(pin_key(kind, name, attribute), std::move(value));
}

std::string Ids::pinned(std::string_view kind, std::string_view name,
                        std::string_view attribute) const {
    std::lock_guard lock(mutex_);
    auto found = pins_.find(pin_key(kind, name, attribute));
    return found == pins_.end() ? std::string() : found->second;
}

std::string Ids::derive(std::string_view kind, std::string_view name, std::string_view attribute,
                        size_t digits, std::string_view alphabet) const {
    if (std::string pin = pinned(kind, name, attribute); !pin.empty()) return pin;
    std::string seed = account_ + '\0' + region_ + '\0' + pin_key(kind, name, attribute);
    std::string out, block = seed;
    while (out.size() < digits) {
        block = sha256(block);
        for (char c : block) {
            if (out.size() == digits) break;
            out += alphabet[static_cast<unsigned char>(c) % alphabet.size()];
        }
        block += seed;
    }
    return out;
}

std::string Ids::derive_uuid(std::string_view kind, std::string_view name,
                             std::string_view attribute) const {
    if (std::string pin = pinned(kind, name, attribute); !pin.empty()) return pin;
    std::string uuid = derive(kind, name, attribute, 32, kHex);
    uuid[12] = '4';
    uuid[16] = "89ab"[static_cast<unsigned char>(uuid[16]) % 4];
    for (size_t at : {20, 16, 12, 8})
        uuid.insert(at, 1, '-');
    return uuid;
}

}  // namespace base
