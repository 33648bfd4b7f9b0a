// Tunnel: bytes both ways between two sockets after a 101, on one thread. RFC 9110 §7.8. An end of
// one side's sending is passed on; no buffer is held while nothing moves.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

#include "net/socket.h"

namespace http {

enum class TunnelEnd : uint8_t { Closed, Idle, Broken };

struct TunnelReport {
    TunnelEnd end = TunnelEnd::Closed;
    uint64_t to_second_bytes = 0, to_first_bytes = 0;  // early bytes included
};

// `from_first` and `from_second` were read already and go out first. Returns when both sides ended,
// when one broke, or when nothing moved either way for `idle`; closing is the caller's.
TunnelReport run_tunnel(net::Socket& first, std::string from_first, net::Socket& second,
                        std::string from_second, std::chrono::milliseconds idle);

}  // namespace http
