// Server: HTTP/1 connections to Exchanges. The one server, on every port; TLS and the first-byte
// test (0x16) included. It frames messages and keeps connections alive; what to answer is the
// Handler's.
#pragma once
#include <chrono>
#include <expected>
#include <memory>
#include <string>

#include "http/body.h"
#include "http/message.h"
#include "net/listener.h"
#include "net/tls.h"

namespace http {

enum class BodyFraming : uint8_t { Auto, ContentLength, Chunked, UntilClose, None };

// The head that prepared bytes stand for.
inline ResponseHead parse_prepared(int status, std::string_view head) {
    ResponseHead parsed;
    parsed.status = status;
    for (size_t at = head.find('\n'); at != std::string_view::npos && at + 1 < head.size();) {
        size_t end = head.find('\n', at + 1);
        std::string_view line = head.substr(at + 1, end - at - 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        size_t colon = line.find(':');
        if (colon != std::string_view::npos) {
            std::string_view value = line.substr(colon + 1);
            if (value.starts_with(' ')) value.remove_prefix(1);
            parsed.headers.add(line.substr(0, colon), value);
        }
        at = end;
    }
    return parsed;
}

// One request and its answer. Exactly one of the respond calls, or upgrade(), or abort().
class Exchange {
  public:
    virtual ~Exchange() = default;

    virtual RequestHead& request() = 0;  // handlers may edit it
    virtual BodyReader& body() = 0;      // sends 100 Continue on first read, when asked for
    virtual net::Address peer() const = 0;
    virtual net::Address local() const = 0;
    virtual bool is_tls() const = 0;
    virtual const net::Socket& socket() const = 0;

    // Adds nothing but framing (Content-Length, Transfer-Encoding) and `Connection` as HTTP/1
    // needs; Date and Server are the handler's. HEAD, 204, 304 send no body whatever is written. A
    // `Connection`, `Content-Length` or `Transfer-Encoding` in `head` keeps its place and spelling,
    // and the server sets its value: the balancer's answers have `Connection: keep-alive` or
    // `close` amid the others, and their order is compared. For HEAD a Content-Length in `head` is
    // sent as it is.
    virtual Result<void> respond(const ResponseHead& head, std::string_view body) = 0;
    // A head that is already bytes, for answers sent over and over: status line and headers, each
    // line with its CRLF, Content-Length among them; no Connection (keep-alive or close) and no
    // empty line, which the server adds.
    virtual Result<void> respond_prepared(int status, std::string_view head, const HeldBody& body) {
        return respond(parse_prepared(status, head), body.bytes);
    }
    // Streaming: Auto = Content-Length if `head` carries one, else chunked (HTTP/1.0: until close).
    virtual Result<BodyWriter*> respond_streaming(const ResponseHead& head,
                                                  BodyFraming framing = BodyFraming::Auto) = 0;
    // respond_streaming() and relay() in one, with fewer system calls: a head goes out together
    // with body bytes that are there already. Gives the body bytes sent. Each read and write may
    // take `idle`.
    virtual Result<uint64_t> respond_relay(const ResponseHead& head, BodyReader& body,
                                           std::chrono::milliseconds idle,
                                           BodyFraming framing = BodyFraming::Auto);
    virtual Result<void> inform(int status, const HeaderList& headers) = 0;  // 1xx
    // Sends `head` (101) and hands over the socket; bytes already read come first in `early`.
    virtual Result<net::Socket*> upgrade(const ResponseHead& head, std::string& early) = 0;
    virtual void close_after() = 0;  // Connection: close
    virtual void
    abort() = 0;  // closes without (further) answer: truncated, never mistaken for complete
    virtual bool has_responded() const = 0;
    virtual uint64_t sent_bytes() const = 0;  // of the response, head included
};

class Handler {
  public:
    virtual ~Handler() = default;
    virtual void handle(Exchange& exchange) = 0;
    // The wait for a head ended in its middle. What was read of it is in request(), possibly
    // nothing; the answer (408), if any, is the handler's. The connection closes.
    virtual void handle_incomplete(Exchange&) {}
};

// Limits and waits of one front. Defaults are generous; edge and balancer set their own.
struct ServerOptions {
    std::string name = "http";  // thread name
    size_t max_target_bytes = 16 * 1024;
    size_t max_header_line_bytes = 64 * 1024;
    size_t max_head_bytes = 128 * 1024;
    size_t max_connections = 4096;
    std::chrono::milliseconds idle{60'000};  // between requests
    std::chrono::milliseconds head{30'000};  // from the first byte to the end of the head
    std::chrono::milliseconds body{60'000};  // per read or write
    std::chrono::milliseconds keep_alive_age{3'600'000};  // the next response after it says close
    net::TlsServer* tls = nullptr;  // when set, connections that start with 0x16 speak TLS
    bool tls_only = false;
    net::Loops* loops = nullptr;  // where plain connections are served; null = threads
};

class Server {
  public:
    static std::expected<std::unique_ptr<Server>, std::string> open(const net::Address& at,
                                                                    Handler& handler,
                                                                    ServerOptions options);
    ~Server();
    net::Address address() const;
    void start();
    void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(0));

  private:
    struct Inside;
    explicit Server(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

// What a front without a table of its own does about an anomaly.
struct Verdict {
    enum class Kind : uint8_t { Forward, Reject, Close };
    Kind kind = Kind::Forward;
    int status = 0;  // of a rejection
};
Verdict default_verdict(Anomaly anomaly);
// Answers by that table (the worst anomaly counts; the connection closes) and says true, or leaves
// the exchange alone.
bool answered_by_default(Exchange& exchange);

// Serves one connected socket until it ends; what Server runs on each connection (also for tunnels
// into tests).
void serve_connection(net::Socket& socket, Handler& handler, const ServerOptions& options);

}  // namespace http
