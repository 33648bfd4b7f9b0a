// Ranges are compared as IPv6: an IPv4 address is ::ffff:a.b.c.d (RFC 4291 §2.5.5.2).
#include "net/ip_range.h"

#include <arpa/inet.h>

#include <cstring>
#include <string>

#include "base/text.h"

namespace net {
namespace {

constexpr int kMappedBits = 96;

struct Parsed {
    std::array<uint8_t, 16> bytes{};
    bool is_v4 = false;
};

std::optional<Parsed> parse_ip(std::string_view text) {
    const std::string ip(text);
    Parsed parsed;
    if (in_addr v4; inet_pton(AF_INET, ip.c_str(), &v4) == 1) {
        parsed.bytes[10] = parsed.bytes[11] = 0xff;
        std::memcpy(parsed.bytes.data() + 12, &v4, 4);
        parsed.is_v4 = true;
        return parsed;
    }
    if (inet_pton(AF_INET6, ip.c_str(), parsed.bytes.data()) == 1) return parsed;
    return std::nullopt;
}

}  // namespace

std::optional<IpRange> IpRange::parse(std::string_view text) {
    const size_t slash = text.find('/');
    auto ip = parse_ip(text.substr(0, slash));
    if (!ip) return std::nullopt;
    IpRange range;
    range.bytes_ = ip->bytes;
    if (slash == std::string_view::npos) return range;
    auto bits = base::parse_unsigned(text.substr(slash + 1));
    if (!bits || *bits > (ip->is_v4 ? 32u : 128u)) return std::nullopt;
    range.bits_ = static_cast<int>(*bits) + (ip->is_v4 ? kMappedBits : 0);
    return range;
}

bool IpRange::contains(std::string_view ip) const {
    auto parsed = parse_ip(ip);
    if (!parsed) return false;
    const size_t whole = static_cast<size_t>(bits_) / 8;
    if (std::memcmp(bytes_.data(), parsed->bytes.data(), whole) != 0) return false;
    const int rest = bits_ % 8;
    return rest == 0 || (bytes_[whole] >> (8 - rest)) == (parsed->bytes[whole] >> (8 - rest));
}

}  // namespace net
