// Address: where a socket is or goes. TCP over IPv4 or IPv6, or a UNIX path (at most 107 bytes).
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

struct sockaddr;

namespace net {

class Address {
  public:
    enum class Family : uint8_t { None, IPv4, IPv6, Unix };

    Address() = default;
    // `ip` is a literal; names are net/resolver's business. An error says what is wrong with the
    // text.
    static std::expected<Address, std::string> tcp(std::string_view ip, uint16_t port);
    static std::expected<Address, std::string> unix_path(std::string_view path);
    // "127.0.0.1:80", "[::1]:80" or "unix:/path".
    static std::expected<Address, std::string> parse(std::string_view text);
    static Address loopback(uint16_t port);
    static Address from_sockaddr(const sockaddr* address, uint32_t size_bytes);

    Family family() const { return family_; }
    const std::string& ip() const { return host_; }  // or the UNIX path
    uint16_t port() const { return port_; }
    bool is_loopback() const;
    std::string to_string() const;  // as parse() reads it

    // Fills a sockaddr_storage; returns the size for connect(2) and bind(2).
    uint32_t to_sockaddr(void* storage) const;

    auto operator<=>(const Address&) const = default;

  private:
    Family family_ = Family::None;
    std::string host_;
    uint16_t port_ = 0;
};

}  // namespace net
