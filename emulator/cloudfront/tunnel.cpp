// See tunnel.h. One thread on two sockets; no buffer is held while nothing moves.
#include "cloudfront/tunnel.h"

#include <poll.h>

#include <array>

namespace cloudfront {

namespace {

constexpr std::chrono::seconds kWrite{30};

// Moves what is there. False: this side is over.
bool move_some(net::Socket& from, net::Socket& to) {
    std::array<char, 16 * 1024> buffer;
    auto got = from.read_some(buffer, net::Deadline::after(kWrite));
    if (!got || *got == 0) return false;
    return to.write_all({buffer.data(), *got}, net::Deadline::after(kWrite)).has_value();
}

}  // namespace

void tunnel(net::Socket& viewer, net::Socket& origin, std::string_view from_viewer,
            std::string_view from_origin) {
    net::leave_loop();
    bool open = true;
    if (!from_viewer.empty())
        open = origin.write_all(from_viewer, net::Deadline::after(kWrite)).has_value();
    if (open && !from_origin.empty())
        open = viewer.write_all(from_origin, net::Deadline::after(kWrite)).has_value();
    auto idle = net::Deadline::after(kTunnelIdle);
    while (open) {
        pollfd waits[2] = {{viewer.descriptor(), POLLIN, 0}, {origin.descriptor(), POLLIN, 0}};
        // TLS may hold decrypted bytes that poll does not see.
        bool viewer_ready = viewer.readable_now(), origin_ready = origin.readable_now();
        if (!viewer_ready && !origin_ready) {
            int ready = ::poll(waits, 2, idle.poll_milliseconds());
            if (ready <= 0 && idle.expired()) break;
            viewer_ready = waits[0].revents != 0;
            origin_ready = waits[1].revents != 0;
        }
        if (viewer_ready) open = move_some(viewer, origin);
        if (open && origin_ready) {
            open = move_some(origin, viewer);
            idle = net::Deadline::after(kTunnelIdle);
        }
    }
    viewer.shut();
    origin.shut();
}

}  // namespace cloudfront
