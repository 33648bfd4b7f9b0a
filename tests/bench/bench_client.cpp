// The load of script/bench.
//   bench_client load PORT HOST TARGET CONNECTIONS SECONDS
//     one request after the other on each connection; prints requests per second, p50 and p99 in
//     ms. The kernel drops the bodies unread (MSG_TRUNC) and only their length is checked: a client
//     that copies 100 KiB out of the kernel takes more of the processors than the servers that are
//     compared.
//   bench_client zipf PORT HOST OBJECTS REQUESTS CONNECTIONS
//     asks for /b/1024/N, some far more often than others (Zipf's law with exponent 1), the same
//     sequence for everybody; prints requests per second.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "base/thread.h"
#include "net/socket.h"

namespace {

struct Work {
    net::Address to;
    std::string host;
    uint64_t objects, requests;
    uint32_t seed;
    bool failed = false;
};

// One response: its head, then as many bytes as Content-Length says.
bool read_response(net::Socket& socket, std::string& buffer) {
    const auto deadline = net::Deadline::after(std::chrono::seconds(10));
    char piece[16 * 1024];
    buffer.clear();
    size_t end = std::string::npos, length = 0;
    while (end == std::string::npos || buffer.size() < end + length) {
        auto got = socket.read_some(piece, deadline);
        if (!got || *got == 0) return false;
        buffer.append(piece, *got);
        if (end != std::string::npos || (end = buffer.find("\r\n\r\n")) == std::string::npos)
            continue;
        end += 4;
        std::string head = base::lower(std::string_view(buffer).substr(0, end));
        size_t at = head.find("content-length: ");
        if (at == std::string::npos || !head.starts_with("http/1.1 200")) return false;
        length = std::strtoul(head.c_str() + at + 16, nullptr, 10);
    }
    return true;
}

void run(Work& work) {
    auto socket = net::Socket::connect(work.to, net::Deadline::after(std::chrono::seconds(5)));
    std::mt19937 random(work.seed);
    std::uniform_real_distribution<double> uniform(0, 1);
    std::string request, response;
    work.failed = !socket;
    for (uint64_t i = 0; i < work.requests && !work.failed; ++i) {
        auto rank =
            static_cast<uint64_t>(std::pow(static_cast<double>(work.objects), uniform(random)));
        request =
            "GET /b/1024/" + std::to_string(rank) + " HTTP/1.1\r\nHost: " + work.host + "\r\n\r\n";
        work.failed = !socket->write_all(request, net::Deadline::after(std::chrono::seconds(10))) ||
                      !read_response(*socket, response);
    }
}

int zipf(char** arguments) {
    auto number = [&](int i) { return std::strtoull(arguments[i], nullptr, 10); };
    size_t connections = number(4);
    std::vector<Work> works;
    for (size_t i = 0; i < connections; ++i)
        works.push_back({net::Address::loopback(static_cast<uint16_t>(number(0))), arguments[1],
                         number(2), number(3) / connections, static_cast<uint32_t>(i + 1)});
    const auto begun = std::chrono::steady_clock::now();
    {
        std::vector<base::Thread> threads;
        for (Work& work : works)
            threads.emplace_back("client", [&work] { run(work); });
        for (base::Thread& thread : threads)
            thread.join();
    }
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    for (const Work& work : works)
        if (work.failed) return 1;
    std::printf("%.0f\n", static_cast<double>(number(3)) / took.count());
    return 0;
}

using Time = std::chrono::steady_clock;

struct Viewer {
    net::Socket socket;
    std::string head;
    size_t left = 0;  // of the body; 0 while the head is awaited
    Time::time_point asked;
};

struct Load {
    net::Address to;
    std::string request;
    size_t connections;
    Time::duration length;
    std::vector<float> took_ms{};
    std::string failure{};

    void run();
    bool read(Viewer& viewer);
    void ask(Viewer& viewer);
};

void Load::ask(Viewer& viewer) {
    viewer.head.clear();
    viewer.left = 0;
    viewer.asked = Time::now();
    const auto sent =
        viewer.socket.write_all(request, net::Deadline::after(std::chrono::seconds(10)));
    if (!sent) failure = "a request could not be sent";
}

// What has arrived; true: the answer is complete.
bool Load::read(Viewer& viewer) {
    const int descriptor = viewer.socket.descriptor();
    char piece[2048];
    while (failure.empty()) {
        const bool in_body = viewer.left > 0;
        const ssize_t got = in_body
                                ? ::recv(descriptor, nullptr, viewer.left, MSG_DONTWAIT | MSG_TRUNC)
                                : ::recv(descriptor, piece, sizeof piece, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
        if (got <= 0) {
            failure = "a connection ended";
        } else if (in_body) {
            viewer.left -= static_cast<size_t>(got);
            if (viewer.left == 0) return true;
        } else {
            viewer.head.append(piece, static_cast<size_t>(got));
            const size_t end = viewer.head.find("\r\n\r\n");
            if (end == std::string::npos) continue;
            const std::string lower = base::lower(std::string_view(viewer.head).substr(0, end));
            const size_t at = lower.find("content-length: ");
            if (at == std::string::npos || !lower.starts_with("http/1.1 200")) {
                failure = "not a 200 with a length: " + viewer.head.substr(0, end);
                return false;
            }
            const size_t whole = end + 4 + std::strtoul(lower.c_str() + at + 16, nullptr, 10);
            if (viewer.head.size() > whole) failure = "more than one answer";
            viewer.left = whole - viewer.head.size();
            if (viewer.left == 0) return true;
        }
    }
    return false;
}

void Load::run() {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<Viewer> viewers(connections);
    for (size_t i = 0; i < connections && failure.empty(); ++i) {
        auto socket = net::Socket::connect(to, net::Deadline::after(std::chrono::seconds(5)));
        if (!socket) {
            failure = "no connection";
            break;
        }
        viewers[i].socket = std::move(*socket);
        epoll_event event{EPOLLIN, {}};
        event.data.u64 = i;
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, viewers[i].socket.descriptor(), &event);
        ask(viewers[i]);
    }
    const auto end = Time::now() + length;
    epoll_event events[64];
    while (failure.empty() && Time::now() < end) {
        const int count = ::epoll_wait(epoll, events, 64, 100);
        for (int i = 0; i < count; ++i) {
            Viewer& viewer = viewers[events[i].data.u64];
            if (!read(viewer)) continue;
            took_ms.push_back(
                std::chrono::duration<float, std::milli>(Time::now() - viewer.asked).count());
            ask(viewer);
        }
    }
    ::close(epoll);
}

int load(char** arguments) {
    constexpr size_t kThreads = 2;
    const auto seconds = std::chrono::duration<double>(std::strtod(arguments[4], nullptr));
    const size_t connections = std::strtoul(arguments[3], nullptr, 10);
    const std::string request =
        std::string("GET ") + arguments[2] + " HTTP/1.1\r\nHost: " + arguments[1] + "\r\n\r\n";
    std::vector<Load> loads;
    for (size_t i = 0; i < kThreads; ++i)
        loads.push_back(
            {net::Address::loopback(static_cast<uint16_t>(std::strtoul(arguments[0], nullptr, 10))),
             request, connections / kThreads, std::chrono::duration_cast<Time::duration>(seconds)});
    {
        std::vector<base::Thread> threads;
        for (Load& one : loads)
            threads.emplace_back("client", [&one] { one.run(); });
        for (base::Thread& thread : threads)
            thread.join();
    }
    std::vector<float> all;
    for (const Load& one : loads) {
        if (!one.failure.empty()) {
            std::fprintf(stderr, "%s\n", one.failure.c_str());
            return 1;
        }
        all.insert(all.end(), one.took_ms.begin(), one.took_ms.end());
    }
    if (all.empty()) return 1;
    std::sort(all.begin(), all.end());
    std::printf("%.0f %.3f %.3f\n", static_cast<double>(all.size()) / seconds.count(),
                static_cast<double>(all[all.size() / 2]),
                static_cast<double>(all[all.size() * 99 / 100]));
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view what = count == 7 ? arguments[1] : "";
    if (what == "load") return load(arguments + 2);
    if (what == "zipf") return zipf(arguments + 2);
    return 2;
}
