#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "base/text.h"

namespace net {

namespace {

constexpr size_t kMaxUnixPathBytes = sizeof(sockaddr_un::sun_path) - 1;

}  // namespace

std::expected<Address, std::string> Address::tcp(std::string_view ip, uint16_t port) {
    if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') ip = ip.substr(1, ip.size() - 2);
    const std::string text(ip);
    char written[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(in6_addr)];
    Address address;
    address.port_ = port;
    // Text is normalised ("::0001" is "::1"), so that equal addresses compare equal.
    for (auto [domain, family] :
         {std::pair(AF_INET, Family::IPv4), std::pair(AF_INET6, Family::IPv6)}) {
        if (inet_pton(domain, text.c_str(), bytes) != 1) continue;
        address.family_ = family;
        address.host_ = inet_ntop(domain, bytes, written, sizeof written);
        return address;
    }
    return std::unexpected("\"" + text + "\" is not an IP address");
}

std::expected<Address, std::string> Address::unix_path(std::string_view path) {
    if (path.empty()) return std::unexpected(std::string("a UNIX socket needs a path"));
    if (path.find('\0') != path.npos) {
        return std::unexpected(std::string("a UNIX socket's path cannot contain NUL"));
    }
    if (path.size() > kMaxUnixPathBytes) {
        return std::unexpected("the UNIX socket path " + std::string(path) + " has " +
                               std::to_string(path.size()) + " bytes; at most " +
                               std::to_string(kMaxUnixPathBytes) + " are possible");
    }
    Address address;
    address.family_ = Family::Unix;
    address.host_ = path;
    return address;
}

std::expected<Address, std::string> Address::parse(std::string_view text) {
    if (text.starts_with("unix:")) return unix_path(text.substr(5));
    const size_t colon = text.rfind(':');
    if (colon == text.npos) {
        return std::unexpected("\"" + std::string(text) + "\" has no port; write ADDRESS:PORT");
    }
    const auto port = base::parse_unsigned(text.substr(colon + 1));
    if (!port || *port > 65535) {
        return std::unexpected("\"" + std::string(text) + "\" does not end in a port (0 to 65535)");
    }
    const std::string_view host = text.substr(0, colon);
    if (host.find(':') != host.npos && !host.starts_with('[')) {
        return std::unexpected("\"" + std::string(text) + "\" needs brackets: [ADDRESS]:PORT");
    }
    return tcp(host, static_cast<uint16_t>(*port));
}

Address Address::loopback(uint16_t port) {
    Address address;
    address.family_ = Family::IPv4;
    address.host_ = "127.0.0.1";
    address.port_ = port;
    return address;
}

Address Address::from_sockaddr(const sockaddr* from, uint32_t size_bytes) {
    Address address;
    char text[INET6_ADDRSTRLEN];
    if (size_bytes < sizeof(sa_family_t)) return address;
    if (from->sa_family == AF_INET && size_bytes >= sizeof(sockaddr_in)) {
        auto* in = reinterpret_cast<const sockaddr_in*>(from);
        address.family_ = Family::IPv4;
        address.host_ = inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        address.port_ = ntohs(in->sin_port);
    } else if (from->sa_family == AF_INET6 && size_bytes >= sizeof(sockaddr_in6)) {
        auto* in = reinterpret_cast<const sockaddr_in6*>(from);
        address.family_ = Family::IPv6;
        address.host_ = inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
        address.port_ = ntohs(in->sin6_port);
    } else if (from->sa_family == AF_UNIX) {
        // A client's end has no name: the path is then empty.
        auto* un = reinterpret_cast<const sockaddr_un*>(from);
        address.family_ = Family::Unix;
        const size_t room = size_bytes - offsetof(sockaddr_un, sun_path);
        if (size_bytes > offsetof(sockaddr_un, sun_path)) {
            address.host_.assign(un->sun_path, strnlen(un->sun_path, room));
        }
    }
    return address;
}

bool Address::is_loopback() const {
    if (family_ == Family::Unix) return true;
    if (family_ == Family::IPv4) return host_.starts_with("127.");
    return family_ == Family::IPv6 && (host_ == "::1" || host_.starts_with("::ffff:127."));
}

std::string Address::to_string() const {
    switch (family_) {
        case Family::None: return "";
        case Family::Unix: return "unix:" + host_;
        case Family::IPv4: return host_ + ":" + std::to_string(port_);
        case Family::IPv6: return "[" + host_ + "]:" + std::to_string(port_);
    }
    return "";
}

uint32_t Address::to_sockaddr(void* storage) const {
    std::memset(storage, 0, sizeof(sockaddr_storage));
    if (family_ == Family::IPv4) {
        auto* in = static_cast<sockaddr_in*>(storage);
        in->sin_family = AF_INET;
        in->sin_port = htons(port_);
        inet_pton(AF_INET, host_.c_str(), &in->sin_addr);
        return sizeof(sockaddr_in);
    }
    if (family_ == Family::IPv6) {
        auto* in = static_cast<sockaddr_in6*>(storage);
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(port_);
        inet_pton(AF_INET6, host_.c_str(), &in->sin6_addr);
        return sizeof(sockaddr_in6);
    }
    auto* un = static_cast<sockaddr_un*>(storage);
    un->sun_family = AF_UNIX;
    std::memcpy(un->sun_path, host_.data(), host_.size());
    return static_cast<uint32_t>(offsetof(sockaddr_un, sun_path) + host_.size() + 1);
}

}  // namespace net
