// Connections that stay open: WebSockets (RFC 6455), server-sent events, and HTTP/1.0.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_stack.h"
#include "scenarios/runner/websocket.h"

namespace {

// Answers each connection's handshake, then sends what `frames` says and echoes nothing.
class FrameServer {
  public:
    explicit FrameServer(std::string frames) : frames_(std::move(frames)) {
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(socket_, 4) == 0);
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
        port = ntohs(address.sin_port);
        thread_ = base::Thread("frames", [this] { serve(); });
    }
    ~FrameServer() {
        ::shutdown(socket_, SHUT_RDWR);
        thread_.join();
        ::close(socket_);
    }

    int port = 0;
    std::string received;  // after the handshake; read it when the server is gone

  private:
    void serve() {
        const int peer = ::accept(socket_, nullptr, nullptr);
        if (peer < 0) return;
        std::string head;
        char block[4096];
        while (head.find("\r\n\r\n") == std::string::npos) {
            const ssize_t got = ::recv(peer, block, sizeof block, 0);
            if (got <= 0) break;
            head.append(block, static_cast<size_t>(got));
        }
        const std::string mark = "Sec-WebSocket-Key: ";
        const size_t at = head.find(mark);
        const std::string key = head.substr(at + mark.size(), 24);
        const std::string answer =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
            "Upgrade\r\nSec-WebSocket-Accept: " +
            websocket_accept(key) + "\r\n\r\n" + frames_;
        (void)::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
        received = head.substr(head.find("\r\n\r\n") + 4);
        while (true) {
            const ssize_t got = ::recv(peer, block, sizeof block, 0);
            if (got <= 0) break;
            received.append(block, static_cast<size_t>(got));
        }
        ::close(peer);
    }

    std::string frames_;
    int socket_ = -1;
    base::Thread thread_;
};

}  // namespace

TEST_CASE("the handshake's answer is RFC 6455's own example") {
    CHECK(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("frames are written masked and read whole") {
    // RFC 6455 §5.7.
    CHECK(websocket_frame(Opcode::Text, "Hello", "\x37\xfa\x21\x3d") ==
          "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    CHECK(
        websocket_frame(Opcode::Binary, std::string(256, 'x'), std::string(4, '\0')).substr(0, 4) ==
        std::string("\x82\xfe\x01\x00", 4));
    CHECK(websocket_frame(Opcode::Binary, std::string(65536, 'x'), std::string(4, '\0'))
              .substr(0, 10) == std::string("\x82\xff\0\0\0\0\0\x01\0\0", 10));

    FrameReader reader;
    const std::string bytes = std::string("\x01\x03Hel\x89\x05Hello\x80\x02lo") +
                              std::string("\x82\x7e\x01\x00", 4) + std::string(256, 'x');
    std::vector<std::string> got;
    for (char byte : bytes) {
        reader.add({&byte, 1});
        auto message = reader.next();
        REQUIRE(message);
        if (*message)
            got.push_back(std::to_string(static_cast<int>((*message)->opcode)) + " " +
                          (*message)->payload.substr(0, 5));
    }
    CHECK(got == std::vector<std::string>{"9 Hello", "1 Hello", "2 xxxxx"});

    for (const auto& [frame, problem] :
         {std::pair{std::string("\xc1\x01x"), "a frame uses an extension nobody offered"},
          {std::string("\x81\x81\0\0\0\0x", 7), "the server masks its frames"},
          {std::string("\x80\x01x"), "a message goes on that never began"},
          {std::string("\x01\x01x\x01\x01x"), "a message begins inside another"},
          {std::string("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"),
           "a message is larger than 16 MiB"}}) {
        FrameReader hostile;
        hostile.add(frame);
        auto message = hostile.next();
        REQUIRE(!message);
        CHECK(message.error() == problem);
    }
}

TEST_CASE("a WebSocket's messages can be asked like any answer") {
    FakeStack stack;
    std::string got;
    {
        FrameServer server(std::string("\x81\x08{\"n\": 1}\x89\x01p\x81\x02hi\x88\x02\x03\xe9"));
        const Ran ran = run(stack, "{ \"ws\": \"http://127.0.0.1:" + std::to_string(server.port) +
                                       R"J(/chat", "send": ["hello", { "a": 1 }], "messages": 3,
            "expect": { "status": 101, "count": 2, "$[0].n": 1, "$[1]": "hi", "closed": true, "code": 1001, "header.upgrade": "websocket" } })J");
        for (size_t i = 0; i < ran.only().steps.size(); ++i)
            UNSCOPED_INFO(ran.message(i));
        CHECK(ran.outcomes() == ".");
    }
    const Ran refused = run(stack, R"J(
        { "ws": "app:/hello", "expect": { "status": 200 } },
        { "ws": "app:/hello" })J");
    CHECK(refused.outcomes() == ".F");
    CHECK(refused.message(1) == ": the upgrade was answered with 200\n");
}

TEST_CASE("server-sent events come as a list") {
    FakeStack stack;
    const Ran ran = run(stack, R"J(
        { "sse": "app:/events", "events": 2, "expect": { "count": 2, "$[0]": { "eq": { "event": "stock", "data": { "n": 1 }, "id": "7" } }, "$[1].data": "two\nlines", "$[1].event": "message" } },
        { "sse": "app:/events", "events": 9, "expect": { "count": 2, "closed": true } },
        { "sse": "app:/hello" })J");
    for (size_t i = 0; i < ran.only().steps.size(); ++i)
        UNSCOPED_INFO(ran.message(i));
    CHECK(ran.outcomes() == "..F");
    CHECK(ran.message(2) == ": no event stream: the answer is 200 text/html\n");
}

TEST_CASE("HTTP/1.0 has a connection of its own") {
    FakeStack stack;
    const Ran ran = run(stack, R"J(
        { "GET": "app:/hello", "http": "1.0", "expect": { "status": 200, "body": { "contains": "hi" }, "bytes": 23 } },
        { "GET": "app:/me", "http": 1.0, "as": "kim", "save": { "a": "$.port" } },
        { "GET": "app:/me", "http": 1.0, "as": "kim", "expect": { "$.port": { "ne": "{{a}}" } } },
        { "HEAD": "app:/hello", "http": "1.0", "expect": { "status": 200 } },
        { "POST": "app:/login", "http": "1.0", "json": { "password": "Correct-horse-9" }, "expect": { "$.id": 7 } })J");
    for (size_t i = 0; i < ran.only().steps.size(); ++i)
        UNSCOPED_INFO(ran.message(i));
    CHECK(ran.outcomes() == ".....");
}
