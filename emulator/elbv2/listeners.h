// Listeners: a server per load balancer listener, opened and closed as snapshots change. Each load
// balancer has a loopback address of the instance's block and binds its real port there where that
// is permitted, else a free one; everyone finds it through the resolver by its DNS name and
// declared port.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "elbv2/balancer.h"
#include "elbv2/snapshot.h"
#include "http/server.h"
#include "net/resolver.h"
#include "net/tls.h"

namespace elbv2 {

struct ListenersParts {
    Balancer& balancer;
    net::Resolver& resolver;
    net::TlsServer* tls = nullptr;     // for HTTPS listeners; null: they stay closed
    std::string block = "127.100.1.";  // the instance's, with its last dot
    net::Loops* loops = nullptr;       // where HTTP listeners are served; null = threads
};

struct OpenListener {
    std::string arn, load_balancer;
    Protocol protocol;
    uint16_t port = 0;     // declared
    net::Address address;  // where it really answers
    std::string problem;   // why it is not open; "" = it is
};

class Listeners {
  public:
    explicit Listeners(ListenersParts parts);
    ~Listeners();

    // Makes what is open equal to what `snapshot` declares. Servers whose settings are the same
    // stay.
    void open(const RoutingSnapshot& snapshot);
    std::vector<OpenListener> status() const;
    void stop();

  private:
    struct Running;
    std::string address_of(const RoutedLoadBalancer& balancer);
    std::unique_ptr<Running> start(const RoutedListener& listener);
    void close(Running& running);

    ListenersParts parts_;
    mutable std::mutex mutex_;
    std::map<std::string, std::unique_ptr<Running>> running_;  // by listener ARN
    std::map<std::string, std::string> addresses_;  // load balancer ARN → its loopback address
};

}  // namespace elbv2
