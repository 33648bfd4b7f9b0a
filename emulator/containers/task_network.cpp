#include "containers/task_network.h"

#include "base/result.h"

namespace containers {

net::Result<net::Socket> TaskNetwork::dial(uint16_t port, net::Deadline deadline,
                                           const net::Address& from) {
    auto to = net::Address::tcp(address(), port);
    if (!to) return std::unexpected(net::Error{net::ErrorKind::System, 0, to.error()});
    return net::Socket::connect(TRY(socket(from)), *to, deadline);
}

}  // namespace containers
