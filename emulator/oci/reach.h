// Where a registry answers: one patience holds for the look-up of its name and for all of its
// addresses together. cpp-httplib has none for the name, and waits for one address after the other.
#pragma once
#include <chrono>
#include <expected>
#include <string>
#include <vector>

namespace oci {

// The numeric address that accepted a connection first. An error says what did not answer: "its
// name is not found: …".
std::expected<std::string, std::string> reach(const std::string& host, const std::string& port,
                                              std::chrono::milliseconds patience);

struct SocketAddress {
    std::string ip;     // numeric
    std::string bytes;  // of the sockaddr
};
// The first that accepts a connection; they are tried at once.
std::expected<std::string, std::string> first_to_answer(const std::vector<SocketAddress>& addresses,
                                                        std::chrono::milliseconds patience);

}  // namespace oci
