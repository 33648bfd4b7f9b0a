// The client of script/bench where wrk will not do: a fixed number of requests over many objects,
// some of them far more popular than others (Zipf's law with exponent 1), the same sequence for
// everybody. `bench_client PORT HOST OBJECTS REQUESTS CONNECTIONS` asks for /b/1024/N and prints
// requests per second.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
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

}  // namespace

int main(int count, char** arguments) {
    if (count != 6) return 2;
    auto number = [&](int i) { return std::strtoull(arguments[i], nullptr, 10); };
    size_t connections = number(5);
    std::vector<Work> works;
    for (size_t i = 0; i < connections; ++i)
        works.push_back({net::Address::loopback(static_cast<uint16_t>(number(1))), arguments[2],
                         number(3), number(4) / connections, static_cast<uint32_t>(i + 1)});
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
    std::printf("%.0f\n", static_cast<double>(number(4)) / took.count());
}
