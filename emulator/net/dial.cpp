// See dial.h.
#include "net/dial.h"

#include <netdb.h>
#include <sys/socket.h>

#include "base/result.h"

namespace net {

Result<std::vector<Address>> look_up(const std::string& host, uint16_t port) {
    addrinfo hints{}, *list = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    const int problem = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (problem)
        return std::unexpected(
            Error{ErrorKind::Unreachable, 0, host + " is not known: " + ::gai_strerror(problem)});
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, ::freeaddrinfo);
    std::vector<Address> found;
    for (const addrinfo* one = list; one; one = one->ai_next)
        found.push_back(Address::from_sockaddr(one->ai_addr, one->ai_addrlen));
    if (found.empty())
        return std::unexpected(Error{ErrorKind::Unreachable, 0, host + " has no address"});
    return found;
}

Result<Socket> dial(const std::string& host, uint16_t port, Deadline deadline) {
    Result<Socket> last = std::unexpected(Error{ErrorKind::Unreachable, 0, host});
    for (const Address& address : TRY(look_up(host, port))) {
        last = Socket::connect(address, deadline);
        if (last) break;
    }
    return last;
}

}  // namespace net
