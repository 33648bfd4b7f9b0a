// Tunnel: bytes both ways between client and target after a 101, until either side ends or nothing
// passes for the idle timeout. Holds no buffer while idle.
#pragma once
#include <chrono>
#include <string>

#include "net/socket.h"

namespace elbv2 {

struct TunnelSide {
    net::Socket& socket;
    std::string_view early;  // received already, to be sent to the other side first
};

struct TunnelEnd {
    std::string why;
    uint64_t from_client_bytes = 0, from_target_bytes = 0;
};

TunnelEnd run_tunnel(TunnelSide client, TunnelSide target, std::chrono::milliseconds idle);

}  // namespace elbv2
