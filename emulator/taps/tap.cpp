// A task's connection to a real server, with everything between.
#include "taps/tap.h"

#include <poll.h>

#include <array>

#include "base/ids.h"

namespace taps {
namespace {

constexpr auto kHandshakeWait = std::chrono::seconds(10);
constexpr auto kWriteWait = std::chrono::seconds(30);
constexpr int kFaultPollMs = 100;  // how soon an idle connection notices a fault
constexpr size_t kBufferBytes = 16 * 1024;

net::Deadline write_deadline() {
    return net::Deadline::after(kWriteWait);
}

enum class Ready { None, Client, Server, Both };

Ready wait_for(net::Socket& client, net::Socket& server, bool listen_to_client) {
    const bool client_now = listen_to_client && client.readable_now(),
               server_now = server.readable_now();
    if (client_now || server_now)
        return client_now && server_now ? Ready::Both : client_now ? Ready::Client : Ready::Server;
    std::array<pollfd, 2> polls{{{server.descriptor(), POLLIN, 0},
                                 {listen_to_client ? client.descriptor() : -1, POLLIN, 0}}};
    if (::poll(polls.data(), polls.size(), kFaultPollMs) <= 0) return Ready::None;
    const bool s = polls[0].revents != 0, c = polls[1].revents != 0;
    return s && c ? Ready::Both : c ? Ready::Client : s ? Ready::Server : Ready::None;
}

}  // namespace

void Tap::serve(net::Socket& client, const std::string& task) {
    auto fault = parts_.faults.active(parts_.hop);
    if (fault && (fault->kind == faults::Kind::Down || fault->kind == faults::Kind::Reset))
        return client.reset();
    if (parts_.tls == Tls::FromTheStart &&
        !parts_.tls_server.accept(client, net::Deadline::after(kHandshakeWait)))
        return;
    auto server = parts_.connect();
    if (!server) return client.reset();
    {
        std::lock_guard lock(mutex_);
        open_.insert(&client);
    }
    auto protocol = parts_.protocol();
    pump(client, *server, *protocol, task);
    std::lock_guard lock(mutex_);
    open_.erase(&client);
}

void Tap::cut_all() {
    std::lock_guard lock(mutex_);
    for (auto* socket : open_)
        socket->shut();
}

void Tap::pump(net::Socket& client, net::Socket& server, Protocol& protocol,
               const std::string& task) {
    std::array<char, kBufferBytes> buffer;
    const std::string peer = client.peer().to_string();
    while (true) {
        auto fault = parts_.faults.active(parts_.hop);
        const bool hangs = fault && fault->kind == faults::Kind::Hang;
        const Ready ready = wait_for(client, server, !hangs);
        fault = parts_.faults.active(parts_.hop);  // it may have been set while nothing happened
        if (fault && (fault->kind == faults::Kind::Down || fault->kind == faults::Kind::Reset))
            return client.reset();
        const bool hangs_now = fault && fault->kind == faults::Kind::Hang;
        if (hangs_now && ready != Ready::Server) continue;  // what the client says waits

        if (ready == Ready::Client || ready == Ready::Both) {
            auto count = client.read_some(buffer, net::Deadline::after(kHandshakeWait));
            if (!count || *count == 0) return;
            std::string reply;
            std::string on = protocol.from_client({buffer.data(), *count}, fault, reply);
            if (protocol.wants_tls() &&
                !parts_.tls_server.accept(client, net::Deadline::after(kHandshakeWait)))
                return;
            if (!on.empty() && !server.write_all(on, write_deadline())) return;
            leave_spans(protocol, task, peer);
            if (!reply.empty() && !client.write_all(reply, write_deadline())) return;
        }
        if (ready == Ready::Server || ready == Ready::Both) {
            auto count = server.read_some(buffer, net::Deadline::after(kHandshakeWait));
            if (!count || *count == 0) return;
            std::string on = protocol.from_server({buffer.data(), *count});
            if (fault && fault->kind == faults::Kind::Latency) {
                parts_.faults.hold(*fault, fault->delay());
            }
            leave_spans(protocol, task, peer);  // before the task can act on the answer
            if (!on.empty() && !client.write_all(on, write_deadline())) return;
        }
    }
}

void Tap::leave_spans(Protocol& protocol, const std::string& task, const std::string& peer) {
    for (Command& command : protocol.take_commands()) {
        const auto took =
            std::chrono::duration_cast<base::microseconds>(command.ended - command.begun);
        base::Span span;
        span.hop = parts_.hop;
        span.resource = task;
        span.peer = peer;
        span.method = std::move(command.verb);
        span.target = std::move(command.text);
        span.status = command.error_code;
        span.took = took;
        span.started = parts_.clock.now() - took;
        span.decide(command.error_code ? "error" : "result", std::move(command.outcome));
        parts_.traces.add(std::move(span));
    }
}

}  // namespace taps
