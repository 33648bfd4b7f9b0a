// ClosedNetwork: what answers in a network that has nothing else: relays, byte for byte, to the
// places that are allowed, and a resolver that knows those names alone (decision 27, decision 25).
// Every other name does not exist, and is reported.
#pragma once
#include <atomic>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread.h"
#include "containers/holder_client.h"
#include "net/listener.h"

namespace containers {

// `name` ("registry.npmjs.org", "*.amazonaws.com", "" = by address only) is `address` inside; its
// port leads to `host`:`to_port` outside.
struct Relay {
    std::string name, address;
    uint16_t port = 443;
    std::string host;
    uint16_t to_port = 443;
};

// Each host on ports 80 and 443, at an address of its own.
std::vector<Relay> relays_of(const std::vector<std::string>& hosts);

class ClosedNetwork {
  public:
    ~ClosedNetwork();
    // Opens the sockets in the holder's network; answers until it is destroyed.
    std::expected<void, std::string> open(HolderClient& client, std::vector<Relay> relays);

    std::vector<std::string> refused_names() const;
    std::string hosts_file(std::string_view own_name) const;
    static std::string resolver_file();

  private:
    void answer_names();
    void answer();
    std::vector<Relay> relays_;
    std::vector<std::unique_ptr<net::Listener>> listeners_;
    std::atomic<bool> stopping_{false};
    base::Thread resolving_;
    int names_ = -1;
    mutable std::mutex mutex_;
    std::vector<std::string> refused_;
};

}  // namespace containers
