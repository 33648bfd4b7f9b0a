// Tap: stands between a task and a real server. Ends TLS with our leaf, forwards, observes, applies
// faults to old and new connections, and leaves a span per command. It connects anew for each
// connection of a task, so the server behind it can be switched.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/trace.h"
#include "faults/faults.h"
#include "net/socket.h"
#include "net/tls.h"
#include "taps/protocol.h"

namespace taps {

enum class Tls { Never, FromTheStart, WhenAsked };

struct TapParts {
    std::string hop;  // "db", "redis": also the fault's target
    Tls tls = Tls::Never;
    std::function<std::unique_ptr<Protocol>()> protocol;
    std::function<net::Result<net::Socket>()> connect;
    base::Clock& clock;
    base::TraceRing& traces;
    const faults::Faults& faults;
    net::TlsServer& tls_server;
};

class Tap {
  public:
    explicit Tap(TapParts parts) : parts_(std::move(parts)) {}

    // One connection of a task, to its end. `task` names the span's resource.
    void serve(net::Socket& client, const std::string& task);
    // Cuts every open connection: the server behind was switched.
    void cut_all();

  private:
    void pump(net::Socket& client, net::Socket& server, Protocol& protocol,
              const std::string& task);
    void leave_spans(Protocol& protocol, const std::string& task, const std::string& peer);

    TapParts parts_;
    std::mutex mutex_;
    std::set<net::Socket*> open_;
};

}  // namespace taps
