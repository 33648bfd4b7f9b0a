// Egress: what an entry means, and that bytes go both ways to the host itself.
#include "taps/egress.h"

#include <catch2/catch.hpp>

#include "net/listener.h"
#include "support/raw_viewer.h"

using namespace taps;

namespace {

std::string problem(const std::string& entry) {
    const std::vector<std::string> entries = {entry};
    auto found = egress(entries);
    return found ? "" : found.error();
}

}  // namespace

TEST_CASE("an entry is a host name, with a port or with those of HTTP") {
    const std::vector<std::string> entries = {"API.example.com", "smtp.example.com:587",
                                              "api.example.com:8443", "api.example.com:443"};
    const auto found = *egress(entries);
    REQUIRE(found.size() == 2);
    CHECK(found[0].names == std::vector<std::string>{"api.example.com"});
    CHECK(found[0].ports == std::vector<uint16_t>{80, 443, 8443});
    CHECK(found[1].ports == std::vector<uint16_t>{587});
    CHECK(found[0].address != found[1].address);
}

TEST_CASE("what is no host name is refused by name") {
    for (const char* entry : {"", "*.example.com", "10.0.0.1", "https://example.com", "a..b",
                              "-a.example.com", "example.com/path"}) {
        INFO(entry);
        CHECK(problem(entry).find(entry) != std::string::npos);
    }
    for (const char* entry :
         {"example.com:", "example.com:0", "example.com:65536", "example.com:a"}) {
        INFO(entry);
        CHECK(problem(entry).find("port") != std::string::npos);
    }
}

TEST_CASE("a task's connection is carried to the host, and reset when nobody answers there") {
    auto world = *net::Listener::open(net::Address::loopback(0), "world", [](net::Socket& socket) {
        char bytes[64];
        const auto got = socket.read_some(bytes, test::RawViewer::soon());
        if (got && *got > 0)
            (void)socket.write_all("you said ", {bytes, *got}, test::RawViewer::soon());
    });
    world->start();
    const uint16_t port = world->address().port();
    const std::vector<std::string> entries = {"localhost:" + std::to_string(port)};
    const auto found = *egress(entries);
    auto gateway =
        *net::Listener::open(net::Address::loopback(0), "gateway",
                             [&](net::Socket& task) { found[0].serve(task, port, "task-1"); });
    gateway->start();
    test::RawViewer task(gateway->address());
    task.send("hello");
    CHECK(task.read_to_end() == "you said hello");
    world->stop();
    test::RawViewer late(gateway->address());
    CHECK(late.read_to_end().empty());
    CHECK(late.was_reset());
}
