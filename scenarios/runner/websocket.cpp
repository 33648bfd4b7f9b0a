// Frames.
#include "scenarios/runner/websocket.h"

#include <openssl/sha.h>

#include "base/encoding.h"

namespace scenarios {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 §1.3
constexpr uint64_t kMaxMessageBytes = 16 << 20;
constexpr unsigned kFinal = 0x80, kMasked = 0x80, kReserved = 0x70;

std::string big_endian(uint64_t value, int bytes) {
    std::string out;
    for (int i = bytes; i-- > 0;)
        out += static_cast<char>(value >> (8 * i) & 0xFF);
    return out;
}

}  // namespace

std::string websocket_accept(std::string_view key) {
    const std::string text = std::string(key) + std::string(kGuid);
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    return base::to_base64({reinterpret_cast<const char*>(digest), sizeof digest});
}

std::string websocket_frame(Opcode opcode, std::string_view payload, std::string_view mask) {
    std::string out(1, static_cast<char>(kFinal | static_cast<unsigned>(opcode)));
    if (payload.size() < 126)
        out += static_cast<char>(kMasked | payload.size());
    else if (payload.size() < 65536)
        out += static_cast<char>(kMasked | 126U) + big_endian(payload.size(), 2);
    else
        out += static_cast<char>(kMasked | 127U) + big_endian(payload.size(), 8);
    out += mask;
    for (size_t i = 0; i < payload.size(); ++i)
        out += static_cast<char>(payload[i] ^ mask[i % mask.size()]);
    return out;
}

std::expected<std::optional<Message>, std::string> FrameReader::next() {
    while (text_.size() >= 2) {
        const auto byte = [&](size_t i) { return static_cast<unsigned char>(text_[i]); };
        if (byte(0) & kReserved) return std::unexpected("a frame uses an extension nobody offered");
        // RFC 6455 §5.1: a server never masks.
        if (byte(1) & kMasked) return std::unexpected("the server masks its frames");
        uint64_t size = byte(1);
        const size_t extra = size == 126 ? 2 : size == 127 ? 8 : 0;
        if (text_.size() < 2 + extra) return std::nullopt;
        if (extra > 0) size = 0;
        for (size_t i = 0; i < extra; ++i)
            size = size << 8 | byte(2 + i);
        const uint64_t held = begun_ ? begun_->payload.size() : 0;
        if (size > kMaxMessageBytes - held)
            return std::unexpected("a message is larger than 16 MiB");
        if (text_.size() < 2 + extra + size) return std::nullopt;
        const bool final = byte(0) & kFinal;
        const auto opcode = static_cast<Opcode>(byte(0) & 0x0F);
        std::string payload = text_.substr(2 + extra, size);
        text_.erase(0, 2 + extra + size);
        if (static_cast<unsigned>(opcode) >= 8) return Message{opcode, std::move(payload)};
        if (opcode == Opcode::Continuation) {
            if (!begun_) return std::unexpected("a message goes on that never began");
            begun_->payload += payload;
        } else {
            if (begun_) return std::unexpected("a message begins inside another");
            begun_ = Message{opcode, std::move(payload)};
        }
        if (!final) continue;
        std::optional<Message> whole = std::move(begun_);
        begun_.reset();
        return whole;
    }
    return std::nullopt;
}

}  // namespace scenarios
