// The endpoint behind the real server: what needs a socket. Numbers are those of s3.md §9.
#include "http/server.h"

#include <atomic>
#include <catch2/catch.hpp>

#include "base/thread.h"
#include "stack.h"

using namespace s3_test;

namespace {

constexpr auto kWait = std::chrono::seconds(20);

struct Served : Stack {
    Served() {
        put("/bucket");
        server = *http::Server::open(*net::Address::tcp("127.0.0.1", 0), endpoint, {});
        server->start();
    }
    ~Served() { server->stop(); }
    net::Socket dial() {
        return *net::Socket::connect(server->address(), net::Deadline::after(kWait));
    }
    std::unique_ptr<http::Server> server;
};

std::string wire(const http::RequestHead& head) {
    std::string text = head.method + " " + head.target + " HTTP/1.1\r\n";
    for (const http::Header& header : head.headers)
        text += header.name + ": " + header.value + "\r\n";
    return text + "\r\n";
}

void write(net::Socket& socket, std::string_view bytes) {
    REQUIRE(socket.write_all(bytes, net::Deadline::after(kWait)));
}

// Until the other side closes.
std::string read_to_end(net::Socket& socket) {
    std::string text;
    char buffer[4096];
    for (;;) {
        auto count = socket.read_some(buffer, net::Deadline::after(kWait));
        if (!count || *count == 0) return text;
        text.append(buffer, *count);
    }
}

}  // namespace

TEST_CASE("a refused upload is told so before its body: #49", "[slow]") {
    Served stack;
    auto ask = [&](As as) {
        Ask put{.method = "PUT",
                .target = "/bucket/k",
                .headers = {{"Expect", "100-continue"},
                            {"Content-Length", "5"},
                            {"Connection", "close"}},
                .as = as,
                .unsigned_payload = true};
        return wire(stack.signed_head(put));
    };
    net::Socket denied = stack.dial();
    write(denied, ask(As::Anonymous));
    std::string answer = read_to_end(denied);
    CHECK(answer.starts_with("HTTP/1.1 403 "));
    CHECK(answer.find("100 Continue") == std::string::npos);

    net::Socket allowed = stack.dial();
    write(allowed, ask(As::Owner));
    std::string first(25, '\0');
    for (size_t got = 0; got < first.size();) {
        auto count = allowed.read_some({first.data() + got, first.size() - got},
                                       net::Deadline::after(kWait));
        REQUIRE(count);
        REQUIRE(*count > 0);
        got += *count;
    }
    CHECK(first == "HTTP/1.1 100 Continue\r\n\r\n");
    write(allowed, "bytes");
    CHECK(read_to_end(allowed).starts_with("HTTP/1.1 200 "));
    CHECK(stack.get("/bucket/k").body == "bytes");
}

TEST_CASE("a client that goes away in the middle of its body leaves nothing: #45", "[slow]") {
    Served stack;
    stack.put("/bucket/k", "old");
    {
        net::Socket socket = stack.dial();
        write(socket, wire(stack.signed_head({.method = "PUT",
                                              .target = "/bucket/k",
                                              .headers = {{"Content-Length", "100000"}},
                                              .unsigned_payload = true})));
        write(socket, std::string(50'000, 'x'));
        socket.finish_writing();
        CHECK(read_to_end(socket).find("<Code>IncompleteBody</Code>") != std::string::npos);
    }
    CHECK(stack.get("/bucket/k").body == "old");
    CHECK(stack.blob_count() == 1);
}

TEST_CASE("readers see one object or the other, never a mixture: #46", "[slow]") {
    Served stack;
    constexpr size_t kSize = 300'000;
    stack.put("/bucket/k", std::string(kSize, 'a'));
    std::atomic<int> mixed = 0, read = 0;
    std::atomic<bool> writing = true;
    auto reader = [&] {
        while (writing || read < 50) {
            net::Socket socket = stack.dial();
            write(socket, wire(stack.signed_head({.method = "GET",
                                                  .target = "/bucket/k",
                                                  .headers = {{"Connection", "close"}}})));
            std::string answer = read_to_end(socket);
            // An answer that broke off is no object either.
            size_t head_end = answer.find("\r\n\r\n");
            std::string body =
                head_end == std::string::npos ? std::string() : answer.substr(head_end + 4);
            bool whole = answer.starts_with("HTTP/1.1 200 ") && body.size() == kSize &&
                         body.find_first_not_of(body[0]) == std::string::npos;
            mixed += !whole;
            ++read;
        }
    };
    base::Thread one("reader", reader), two("reader", reader);
    for (int i = 0; i < 60; ++i)
        CHECK(stack.put("/bucket/k", std::string(kSize, static_cast<char>('a' + i % 26))).status ==
              200);
    writing = false;
    one.join();
    two.join();
    CHECK(mixed == 0);
    CHECK(read >= 50);
    CHECK(stack.blob_count() == 1);
}
