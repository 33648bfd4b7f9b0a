// Endpoints that the user gives: their URLs, and a unix socket in front of each, so that whoever
// speaks to a server beside the app (libmariadb, hiredis, scenario steps) has one kind of door. TLS
// to a rediss:// server ends here. GAP: TLS to MariaDB begins inside its protocol and is not
// spoken; clusters have one node.
#pragma once
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "net/listener.h"
#include "net/tls.h"

namespace backing {

struct GivenUrl {
    std::string scheme, user, password, host, path;  // path: the schema of mysql://
    uint16_t port = 0;
};
// "mysql://user:password@host:port/schema", "redis://…" or "rediss://…"; user and password may be
// percent-encoded. An error is one sentence that shows no password.
std::expected<GivenUrl, std::string> parse_given_url(std::string_view text, std::string_view flag);

class GivenServer {
  public:
    // Resolves the name once and opens the unix socket.
    static std::expected<std::unique_ptr<GivenServer>, std::string> open(
        const GivenUrl& url, const std::string& socket_path);

    net::Result<net::Socket> connect();
    const std::string& socket() const { return socket_; }
    std::string place() const;

  private:
    GivenServer(GivenUrl url, net::Address address, std::string socket_path);
    GivenUrl url_;
    net::Address address_;
    std::string socket_;
    std::unique_ptr<net::TlsClient> tls_;
    std::unique_ptr<net::Listener> relay_;
};

}  // namespace backing
