// IpRange: an address or a CIDR block (RFC 4632, RFC 4291 §2.3), and whether an address lies in it.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace net {

class IpRange {
  public:
    // "127.0.1.0/24", "127.0.0.9", "::1/128"; an IPv4 range also holds its IPv4-mapped addresses.
    static std::optional<IpRange> parse(std::string_view text);

    bool contains(std::string_view ip) const;
    int prefix_bits() const { return bits_; }  // of 128

  private:
    std::array<uint8_t, 16> bytes_{};
    int bits_ = 128;
};

}  // namespace net
