// Dialling by name, as this machine resolves it (getaddrinfo): the world outside, given servers.
// What the stack's own names mean is net/resolver's.
#pragma once
#include <string>
#include <vector>

#include "net/socket.h"

namespace net {

// Every address of the host, at least one.
Result<std::vector<Address>> look_up(const std::string& host, uint16_t port);
// Tries each address in turn until the deadline; the last error when none answers.
Result<Socket> dial(const std::string& host, uint16_t port, Deadline deadline);

}  // namespace net
