// See tunnel.h. alb.md §16.
#include "elbv2/tunnel.h"

#include <poll.h>

#include <memory>

namespace elbv2 {
namespace {

constexpr size_t kBurstBytes = 16 * 1024;

enum class Passed : uint8_t { Everything, End, Failed };

// What one side has to say right now goes to the other.
Passed pass(net::Socket& from, net::Socket& to, uint64_t& bytes, std::chrono::milliseconds idle) {
    auto buffer = std::make_unique_for_overwrite<char[]>(kBurstBytes);
    do {
        auto got = from.read_some({buffer.get(), kBurstBytes}, net::Deadline::after(idle));
        if (!got) return Passed::Failed;
        if (*got == 0) return Passed::End;
        bytes += *got;
        if (!to.write_all({buffer.get(), *got}, net::Deadline::after(idle))) return Passed::Failed;
    } while (from.readable_now());
    return Passed::Everything;
}

}  // namespace

TunnelEnd run_tunnel(TunnelSide client, TunnelSide target, std::chrono::milliseconds idle) {
    net::leave_loop();
    TunnelEnd end;
    end.from_client_bytes = client.early.size();
    end.from_target_bytes = target.early.size();
    bool started =
        (client.early.empty() ||
         target.socket.write_all(client.early, net::Deadline::after(idle))) &&
        (target.early.empty() || client.socket.write_all(target.early, net::Deadline::after(idle)));
    if (!started) return end.why = "a side left at once", end;
    while (true) {
        pollfd waits[2] = {{client.socket.descriptor(), POLLIN, 0},
                           {target.socket.descriptor(), POLLIN, 0}};
        net::Deadline deadline = net::Deadline::after(idle);
        // TLS may hold decrypted bytes that poll(2) does not see.
        bool held = client.socket.readable_now() || target.socket.readable_now();
        int ready = held ? 1 : ::poll(waits, 2, deadline.poll_milliseconds());
        if (ready < 0) continue;
        if (ready == 0) {
            end.why =
                "no bytes for the idle timeout of " + std::to_string(idle.count() / 1000) + " s";
            break;
        }
        if (waits[0].revents || client.socket.readable_now()) {
            Passed passed = pass(client.socket, target.socket, end.from_client_bytes, idle);
            if (passed != Passed::Everything) {
                end.why = passed == Passed::End ? "the client closed" : "the connection broke";
                break;
            }
        }
        if (waits[1].revents || target.socket.readable_now()) {
            Passed passed = pass(target.socket, client.socket, end.from_target_bytes, idle);
            if (passed != Passed::Everything) {
                end.why = passed == Passed::End ? "the target closed" : "the connection broke";
                break;
            }
        }
    }
    client.socket.shut();
    target.socket.shut();
    return end;
}

}  // namespace elbv2
