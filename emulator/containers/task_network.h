// TaskNetwork: the sockets of one task's empty network. The task has loopback, its private address
// on eth0, and on the other end of that cable a gateway where everything it may speak to is made by
// us: a listener here is a service there. Made by the holder (process runtime) or the pause
// container (Docker); whoever dials, taps, resolves names or answers the metadata address is
// written once over this.
//
// What the task sees: 10.0.0.0/16, 198.18.0.0/15 and 169.254.0.0/16 lie behind the gateway. An
// address there answers where listen() or udp() was called, and refuses elsewhere, at once. Every
// other address is ENETUNREACH. Ports never collide with the app's own: the gateway is another
// namespace. So a name of production gets an address of 198.18.0.0/15 and its usual port, DNS is
// udp(169.254.169.253:53), metadata is listen(169.254.170.2:80). Loopback addresses (127.x.y.z) are
// made in the task's own namespace, as if a sidecar listened there.
#pragma once
#include "net/address.h"
#include "net/deadline.h"
#include "net/socket.h"

namespace containers {

class TaskNetwork {
  public:
    virtual ~TaskNetwork() = default;
    virtual const std::string& address() const = 0;  // the task's private address

    // A listening TCP socket, for net::Listener::adopt(). Port 0 is refused: nobody could find it.
    virtual net::Result<int> listen(const net::Address& at) = 0;
    // A bound UDP socket. It may answer from the address it is bound to.
    virtual net::Result<int> udp(const net::Address& at) = 0;
    // An unconnected TCP socket on the gateway's side, bound to `from` (an address of 10.0.0.0/16,
    // port 0) unless that is empty. A task that sees 10.0.0.5 as its peer was dialled by the load
    // balancer that has it.
    virtual net::Result<int> socket(const net::Address& from) = 0;

    // Connects to a port of the task, as a load balancer does: on the private address, so that an
    // app that listens on 127.0.0.1 alone refuses, as it does on Fargate.
    net::Result<net::Socket> dial(uint16_t port, net::Deadline deadline,
                                  const net::Address& from = {});
};

}  // namespace containers
