// Upstream: connections to origins and targets, pooled per endpoint, with the waits of one attempt.
// One attempt per call: retrying is the plane's decision, and Error::retry says whether it may
// help.
#pragma once
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "http/body.h"
#include "http/message.h"
#include "net/resolver.h"
#include "net/tls.h"

namespace http {

struct Endpoint {
    std::string host;  // name or literal; dialled through the resolver
    uint16_t port = 80;
    net::TlsClient* tls = nullptr;
    std::string server_name;  // SNI, when tls is set
    std::string pool_key() const;
};

// Ends an attempt, and the response under way, from another thread: their waits fail as if the peer
// had reset. Outlives both.
class Cancellation {
  public:
    void cancel();
    bool is_cancelled() const;
    // While a socket may be shut: from when it is connected until before it is closed.
    void watch(int descriptor);
    void unwatch();

  private:
    mutable std::mutex mutex_;
    int descriptor_ = -1;
    bool cancelled_ = false;
};

struct AttemptTimeouts {
    std::chrono::milliseconds connect{10'000};
    std::chrono::milliseconds tls_handshake{10'000};
    std::chrono::milliseconds first_byte{60'000};  // from the sent request to the response head
    std::chrono::milliseconds between_bytes{60'000};
    std::chrono::milliseconds idle_pooled{
        60'000};  // an idle connection older than this is not reused
    Cancellation* cancellation = nullptr;
};

struct UpstreamLimits {
    size_t max_response_head_bytes = 64 * 1024;
    size_t max_idle_per_endpoint = 256;
};

// A response under way. The connection returns to its pool when the body was read to its end and
// both sides allow; else it is closed.
class UpstreamResponse {
  public:
    virtual ~UpstreamResponse() = default;
    virtual ResponseHead& head() = 0;
    virtual BodyReader& body() = 0;
    virtual bool reused_connection() const = 0;
    virtual net::Address peer() const = 0;
    virtual std::chrono::microseconds connect_took() const = 0;
    virtual std::chrono::microseconds first_byte_took() const = 0;
    // For a 101: the raw connection, with bytes that came along.
    virtual net::Socket take_socket(std::string& early) = 0;
};

class Upstream {
  public:
    explicit Upstream(const net::Resolver& resolver, UpstreamLimits limits = {});
    ~Upstream();

    // Sends `head` as it is (adds only framing for `body`), streams `body` (nullptr = none), reads
    // the response head; 1xx other than 101 are consumed.
    Result<std::unique_ptr<UpstreamResponse>> send(const Endpoint& to, const RequestHead& head,
                                                   BodyReader* body,
                                                   const AttemptTimeouts& timeouts);
    // Never from the pool: after Error::Retry::OnFreshConnection.
    Result<std::unique_ptr<UpstreamResponse>> send_fresh(const Endpoint& to,
                                                         const RequestHead& head, BodyReader* body,
                                                         const AttemptTimeouts& timeouts);
    void close_idle(std::string_view pool_key);  // a target that left
    size_t idle_connections() const;

  private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

}  // namespace http
