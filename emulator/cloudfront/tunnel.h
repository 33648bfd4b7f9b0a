// Tunnel: two connected sockets, bytes both ways, for WebSocket. CloudFront guide, "Using
// WebSockets".
#pragma once
#include <chrono>
#include <string_view>

#include "net/socket.h"

namespace cloudfront {

// "Connections are closed when no data came from the origin for 10 minutes".
inline constexpr std::chrono::milliseconds kTunnelIdle{600'000};

// Until either side ends; the early bytes go first. Both sockets are shut afterwards.
void tunnel(net::Socket& viewer, net::Socket& origin, std::string_view from_viewer,
            std::string_view from_origin);

}  // namespace cloudfront
