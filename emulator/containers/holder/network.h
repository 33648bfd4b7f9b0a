// The two network namespaces of a task, by netlink (rtnetlink(7)): the task's own, and the gateway
// at the other end of its cable. Every address that the task may speak to is local to the gateway,
// so a socket there can have it.
#pragma once
#include <string>

namespace holder {

struct Network {
    int task = -1, gateway = -1;  // namespaces
};

// The namespace that the caller is in becomes the one or the other, the second is made; leaves the
// caller in the task's. "" or a sentence.
enum class Here { Gateway, Task };
std::string make_network(Network& network, const std::string& task_address, Here here);

// Sockets for the emulator; negative errno when refused.
enum class SocketKind { Listener, Datagram, Stream };
int make_socket(const Network& network, SocketKind kind, const std::string& address, int port);

}  // namespace holder
