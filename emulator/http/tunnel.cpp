#include "http/tunnel.h"

#include <poll.h>

#include <cerrno>
#include <memory>

namespace http {

namespace {

constexpr size_t kPieceBytes = 16 * 1024;

// One way of the two.
struct Way {
    net::Socket& from;
    net::Socket& to;
    std::string pending;  // read and not yet taken by the other side
    uint64_t bytes = 0;
    bool ended = false;       // `from` sends no more
    bool passed_end = false;  // and `to` was told

    enum class Outcome : uint8_t { Nothing, Moved, Broken };

    Outcome step() {
        Outcome outcome = Outcome::Nothing;
        if (pending.empty() && !ended) {
            const auto piece = std::make_unique_for_overwrite<char[]>(kPieceBytes);
            const auto got = from.read_some({piece.get(), kPieceBytes}, net::Deadline::now());
            if (!got && got.error().kind != net::ErrorKind::Timeout) return Outcome::Broken;
            if (got && *got == 0) ended = true;
            if (got && *got > 0) {
                outcome = Outcome::Moved;
                if (!send({piece.get(), *got})) return Outcome::Broken;
            }
        } else if (!pending.empty()) {
            const std::string waiting = std::move(pending);
            pending.clear();
            if (!send(waiting)) return Outcome::Broken;
            if (pending.size() < waiting.size()) outcome = Outcome::Moved;
        }
        if (ended && pending.empty() && !passed_end) {
            passed_end = true;
            to.finish_writing();
        }
        return outcome;
    }

    // Keeps what does not go out at once.
    bool send(std::string_view piece) {
        while (!piece.empty()) {
            const auto sent = to.write_some(piece, net::Deadline::now());
            if (!sent && sent.error().kind == net::ErrorKind::Timeout) break;
            if (!sent) return false;
            bytes += *sent;
            piece.remove_prefix(*sent);
        }
        pending.assign(piece);
        if (pending.empty()) std::string().swap(pending);
        return true;
    }

    bool has_more_at_once() const {
        return pending.empty() && !ended && from.is_tls() && from.readable_now();
    }
};

}  // namespace

TunnelReport run_tunnel(net::Socket& first, std::string from_first, net::Socket& second,
                        std::string from_second, std::chrono::milliseconds idle) {
    net::leave_loop();
    Way forth{first, second, std::move(from_first)}, back{second, first, std::move(from_second)};
    const auto report = [&](TunnelEnd end) { return TunnelReport{end, forth.bytes, back.bytes}; };
    auto idle_until = net::Deadline::after(idle);
    while (true) {
        const auto one = forth.step();
        const auto other = back.step();
        if (one == Way::Outcome::Broken || other == Way::Outcome::Broken)
            return report(TunnelEnd::Broken);
        if (forth.passed_end && back.passed_end) return report(TunnelEnd::Closed);
        const bool moved = one == Way::Outcome::Moved || other == Way::Outcome::Moved;
        if (moved) idle_until = net::Deadline::after(idle);
        // TLS may hold bytes that poll cannot see.
        if (moved && (forth.has_more_at_once() || back.has_more_at_once())) continue;

        const auto events = [](const Way& reading, const Way& writing) {
            short wanted = 0;
            if (reading.pending.empty() && !reading.ended) wanted |= POLLIN;
            if (!writing.pending.empty()) wanted |= POLLOUT;
            return wanted;
        };
        pollfd entries[] = {{first.descriptor(), events(forth, back), 0},
                            {second.descriptor(), events(back, forth), 0}};
        const int ready = poll(entries, 2, idle_until.poll_milliseconds());
        if (ready == 0 && idle_until.expired()) return report(TunnelEnd::Idle);
        if (ready < 0 && errno != EINTR) return report(TunnelEnd::Broken);
        // Both ways of one socket are over: shut from elsewhere, or the peer is gone.
        const bool first_gone = forth.ended && (entries[0].revents & (POLLHUP | POLLERR));
        const bool second_gone = back.ended && (entries[1].revents & (POLLHUP | POLLERR));
        if (first_gone || second_gone) return report(TunnelEnd::Closed);
    }
}

}  // namespace http
