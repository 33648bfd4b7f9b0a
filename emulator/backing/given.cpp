#include "backing/given.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"
#include "http/tunnel.h"
#include "net/dial.h"
#include "taps/egress.h"

namespace backing {
namespace {

constexpr auto kConnectWait = std::chrono::seconds(3);

struct Scheme {
    std::string_view name, flag;
    uint16_t port;
};
constexpr Scheme kSchemes[] = {{"mysql", "database-url", 3306},
                               {"mariadb", "database-url", 3306},
                               {"redis", "cache-url", 6379},
                               {"rediss", "cache-url", 6379}};

}  // namespace

std::expected<GivenUrl, std::string> parse_given_url(std::string_view text, std::string_view flag) {
    const std::string example = flag == "database-url" ? "mysql://user:password@host:3306/schema"
                                                       : "rediss://user:password@host:6379";
    auto wrong = [&](std::string_view why) {
        return std::unexpected(fmt::format("--{} {}; it looks like {}", flag, why, example));
    };
    GivenUrl url;
    const size_t colon = text.find("://");
    if (colon == std::string_view::npos) return wrong("is no URL");
    url.scheme = base::lower(text.substr(0, colon));
    for (const Scheme& scheme : kSchemes)
        if (scheme.name == url.scheme && scheme.flag == flag) url.port = scheme.port;
    if (url.port == 0) return wrong(fmt::format("cannot start with {}://", url.scheme));
    std::string_view rest = text.substr(colon + 3);
    std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    std::string_view path = rest.substr(authority.size());
    if (path.find_first_of("?#") != std::string_view::npos) return wrong("takes no parameters");
    if (path.starts_with('/')) path.remove_prefix(1);
    if (path.find('/') != std::string_view::npos ||
        (flag == "cache-url" && !path.empty() && path != "0"))
        return wrong(fmt::format("has a path, /{}", path));
    url.path = base::percent_decode(path);
    if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
        auto [user, password] = base::cut(authority.substr(0, at), ':');
        url.user = base::percent_decode(user);
        url.password = base::percent_decode(password);
        authority.remove_prefix(at + 1);
    }
    if (const size_t port_at = authority.rfind(':');
        port_at != std::string_view::npos &&
        authority.find(']', port_at) == std::string_view::npos) {
        auto port = base::parse_unsigned(authority.substr(port_at + 1));
        if (!port || *port == 0 || *port > 65535) return wrong("has no valid port");
        url.port = static_cast<uint16_t>(*port);
        authority = authority.substr(0, port_at);
    }
    if (authority.starts_with('[') && authority.ends_with(']'))
        authority = authority.substr(1, authority.size() - 2);
    if (authority.empty()) return wrong("names no host");
    url.host = authority;
    if (flag == "database-url" && url.user.empty()) return wrong("names no user");
    return url;
}

GivenServer::GivenServer(GivenUrl url, net::Address address, std::string socket_path)
    : url_(std::move(url)), address_(std::move(address)), socket_(std::move(socket_path)) {
    if (url_.scheme == "rediss") tls_ = std::make_unique<net::TlsClient>(net::Trust::System);
}

std::expected<std::unique_ptr<GivenServer>, std::string> GivenServer::open(
    const GivenUrl& url, const std::string& socket_path) {
    auto found = net::look_up(url.host, url.port);
    if (!found) return std::unexpected(found.error().text);
    std::unique_ptr<GivenServer> server(new GivenServer(url, found->front(), socket_path));
    auto at = TRY(net::Address::unix_path(socket_path));
    server->relay_ =
        TRY(net::Listener::open(at, "given", [server = server.get()](net::Socket& client) {
            auto there = server->connect();
            if (!there) return client.reset();
            (void)http::run_tunnel(client, "", *there, "", taps::kRelayIdle);
        }));
    server->relay_->start();
    return server;
}

net::Result<net::Socket> GivenServer::connect() {
    const auto deadline = net::Deadline::after(kConnectWait);
    auto socket = net::Socket::connect(address_, deadline);
    if (socket && tls_)
        if (auto done = tls_->connect(*socket, url_.host, deadline); !done)
            return std::unexpected(done.error());
    return socket;
}

std::string GivenServer::place() const {
    return fmt::format("at {}:{}", url_.host, url_.port);
}

}  // namespace backing
