// Resolver: AWS-looking names and VPC addresses to sockets on this machine. The only map from
// 10.0.0.0/16 task addresses and *.elb.amazonaws.com, *.s3.*.amazonaws.com … names to where they
// really answer; everything unknown is refused, so nothing ever dials out.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "net/socket.h"

namespace net {

class Resolver {
  public:
    // How to reach one endpoint: gives a connected socket.
    using Dial = std::function<Result<Socket>(Deadline)>;

    // `name` is a DNS name (any case; "*.suffix" stands for every name below) or an IP literal;
    // `port` 0 = every port of it. Replaces.
    void set(std::string_view name, uint16_t port, Dial dial);
    void set(std::string_view name, uint16_t port, Address address);
    void remove(std::string_view name, uint16_t port);

    bool knows(std::string_view name, uint16_t port) const;
    // Loopback literals are dialled as they are. Unknown: Unreachable, naming the name.
    Result<Socket> dial(std::string_view name, uint16_t port, Deadline deadline) const;

  private:
    std::optional<Dial> find(std::string_view name, uint16_t port) const;
    mutable std::shared_mutex mutex_;
    std::map<std::pair<std::string, uint16_t>, Dial> entries_;
};

}  // namespace net
