#include "oci/reach.h"

#include <errno.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/result.h"

namespace oci {
namespace {

using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr size_t kMostAddresses = 16;

milliseconds left_until(SteadyTime end) {
    return std::max(
        std::chrono::duration_cast<milliseconds>(end - std::chrono::steady_clock::now()),
        milliseconds(0));
}

std::string seconds(milliseconds patience) {
    return fmt::format("{:g} s", static_cast<double>(patience.count()) / 1000);
}

// What the resolver's own thread works on.
struct LookUp {
    std::string host, port;
    addrinfo hints{};
    gaicb request{};
    ~LookUp() {
        if (request.ar_result) ::freeaddrinfo(request.ar_result);
    }
};

std::expected<std::vector<SocketAddress>, std::string> addresses_of(const std::string& host,
                                                                    const std::string& port,
                                                                    milliseconds patience) {
    auto look_up = std::make_unique<LookUp>();
    look_up->host = host;
    look_up->port = port;
    look_up->hints.ai_socktype = SOCK_STREAM;
    look_up->hints.ai_flags = AI_ADDRCONFIG;
    gaicb& request = look_up->request;
    request.ar_name = look_up->host.c_str();
    request.ar_service = look_up->port.c_str();
    request.ar_request = &look_up->hints;
    gaicb* list[] = {&request};
    int problem = ::getaddrinfo_a(GAI_NOWAIT, list, 1, nullptr);
    const SteadyTime end = std::chrono::steady_clock::now() + patience;
    while (problem == 0 && (problem = ::gai_error(&request)) == EAI_INPROGRESS) {
        const milliseconds left = left_until(end);
        if (left.count() == 0) {
            // One that has begun cannot be stopped: it keeps what it works on.
            if (::gai_cancel(&request) != EAI_CANCELED) (void)look_up.release();
            return std::unexpected(
                fmt::format("its name is not found within {}", seconds(patience)));
        }
        const timespec wait{left.count() / 1000, left.count() % 1000 * 1'000'000};
        (void)::gai_suspend(list, 1, &wait);
        problem = 0;
    }
    if (problem != 0)
        return std::unexpected(fmt::format("its name is not found: {}", ::gai_strerror(problem)));
    std::vector<SocketAddress> out;
    for (const addrinfo* one = request.ar_result; one && out.size() < kMostAddresses;
         one = one->ai_next) {
        char ip[NI_MAXHOST];
        if (::getnameinfo(one->ai_addr, one->ai_addrlen, ip, sizeof ip, nullptr, 0,
                          NI_NUMERICHOST) == 0)
            out.push_back(
                {ip, std::string(reinterpret_cast<const char*>(one->ai_addr), one->ai_addrlen)});
    }
    return out;
}

// Descriptors that are connecting; -1 = given up.
struct Sockets {
    std::vector<pollfd> all;
    ~Sockets() {
        for (const pollfd& one : all)
            if (one.fd >= 0) ::close(one.fd);
    }
};

}  // namespace

std::expected<std::string, std::string> first_to_answer(const std::vector<SocketAddress>& addresses,
                                                        milliseconds patience) {
    const SteadyTime end = std::chrono::steady_clock::now() + patience;
    Sockets sockets;
    int last = 0;
    for (const SocketAddress& address : addresses) {
        const auto* to = reinterpret_cast<const sockaddr*>(address.bytes.data());
        pollfd one{::socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), POLLOUT,
                   0};
        if (::connect(one.fd, to, static_cast<socklen_t>(address.bytes.size())) != 0 &&
            errno != EINPROGRESS) {
            last = errno;
            if (one.fd >= 0) ::close(one.fd);
            one.fd = -1;
        }
        sockets.all.push_back(one);
    }
    while (std::ranges::any_of(sockets.all, [](const pollfd& one) { return one.fd >= 0; })) {
        const milliseconds left = left_until(end);
        if (left.count() == 0)
            return std::unexpected(fmt::format("no connection within {}", seconds(patience)));
        if (::poll(sockets.all.data(), sockets.all.size(), static_cast<int>(left.count())) <= 0)
            continue;
        for (size_t i = 0; i < sockets.all.size(); ++i) {
            pollfd& one = sockets.all[i];
            if (one.fd < 0 || one.revents == 0) continue;
            int problem = 0;
            socklen_t size = sizeof problem;
            ::getsockopt(one.fd, SOL_SOCKET, SO_ERROR, &problem, &size);
            if (problem == 0) return addresses[i].ip;
            last = problem;
            ::close(one.fd);
            one.fd = -1;
        }
    }
    return std::unexpected(std::string(strerror(last)));
}

std::expected<std::string, std::string> reach(const std::string& host, const std::string& port,
                                              milliseconds patience) {
    const SteadyTime end = std::chrono::steady_clock::now() + patience;
    const auto addresses = TRY(addresses_of(host, port, patience));
    return first_to_answer(addresses, left_until(end));
}

}  // namespace oci
