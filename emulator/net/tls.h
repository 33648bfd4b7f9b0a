// TLS over OpenSSL: the instance's own CA (P-256, made on first need), leaves chosen by SNI, and
// the client side. OpenSSL's headers stay in tls.cpp.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/socket.h"

namespace net {

// One certificate with its key, PEM.
struct Certificate {
    std::string certificate_pem;
    std::string key_pem;
};

// The instance's authority. Files: ca.pem, ca.key in `directory` (0700), made on first use.
class Authority {
  public:
    explicit Authority(std::string directory) : directory_(std::move(directory)) {}

    // An error is one sentence. Safe from any thread; leaves are cached by name.
    std::expected<Certificate, std::string> leaf(std::string_view name);
    std::expected<std::string, std::string> ca_pem();
    std::string ca_path() const { return directory_ + "/ca.pem"; }

  private:
    std::expected<void, std::string> ensure();
    std::string directory_;
    std::mutex mutex_;
    Certificate ca_;
    std::map<std::string, Certificate, std::less<>> leaves_;
};

// Server side: a leaf per SNI name ("localhost" when none is sent), ALPN from `protocols` in our
// order of preference.
class TlsServer {
  public:
    // `default_name`: whose leaf a client sees that names nobody.
    TlsServer(Authority& authority, std::vector<std::string> protocols = {"http/1.1"},
              std::string default_name = "localhost");
    ~TlsServer();
    Result<void> accept(Socket& socket, Deadline deadline);

  private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

enum class Trust : uint8_t { System };

// Client side. Verification: against the CA of `authority`, or none (a balancer never verifies its
// targets), or against what this machine trusts (SSL_CERT_FILE names others).
class TlsClient {
  public:
    explicit TlsClient(Trust trust);
    TlsClient();                               // verifies nothing
    explicit TlsClient(Authority& authority);  // trusts our CA alone
    ~TlsClient();
    Result<void> connect(Socket& socket, std::string_view server_name, Deadline deadline);

  private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

std::string tls_server_name(const Socket& socket);  // SNI seen, "" if none
std::string tls_protocol(const Socket& socket);     // ALPN chosen, "" if none
std::string tls_version(const Socket& socket);      // "TLSv1.3"
std::string tls_cipher(const Socket& socket);

}  // namespace net
