// Sockets, listeners, resolver and TLS over real loopback connections.
#include "net/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <vector>

#include "net/listener.h"
#include "net/resolver.h"
#include "net/tls.h"

using namespace std::chrono_literals;
using net::Address;
using net::Deadline;
using net::ErrorKind;
using net::Listener;
using net::Socket;

namespace {

Deadline soon() {
    return Deadline::after(5s);
}

std::unique_ptr<Listener> listen_with(Listener::Session session) {
    auto listener = Listener::open(Address::loopback(0), "test", std::move(session));
    REQUIRE(listener);
    (*listener)->start();
    return std::move(*listener);
}

void echo(Socket& socket) {
    char bytes[1024];
    while (true) {
        const auto got = socket.read_some(bytes, soon());
        if (!got || *got == 0) return;
        if (!socket.write_all(std::string_view(bytes, *got), soon())) return;
    }
}

std::string read_exactly(Socket& socket, size_t size) {
    std::string text(size, 0);
    size_t have = 0;
    while (have < size) {
        const auto got = socket.read_some(std::span(text).subspan(have), soon());
        if (!got || *got == 0) break;
        have += *got;
    }
    text.resize(have);
    return text;
}

struct TemporaryDirectory {
    TemporaryDirectory() {
        char name[] = "/tmp/dodam-net-XXXXXX";
        path = mkdtemp(name);
    }
    ~TemporaryDirectory() { std::filesystem::remove_all(path); }
    std::string path;
};

}  // namespace

TEST_CASE("A listener serves each connection on its own thread") {
    auto listener = listen_with(echo);
    std::vector<Socket> sockets;
    for (int i = 0; i < 5; ++i) {
        auto socket = Socket::connect(listener->address(), soon());
        REQUIRE(socket);
        sockets.push_back(std::move(*socket));
    }
    for (auto& socket : sockets) {
        REQUIRE(socket.write_all("he", "llo", soon()));
        CHECK(read_exactly(socket, 5) == "hello");
    }
    CHECK(listener->open_connections() == 5);
    listener->stop();
    char byte;
    CHECK(sockets[0].read_some({&byte, 1}, soon()).value_or(9) == 0);
}

TEST_CASE("Reads end at their deadline") {
    auto listener = listen_with([](Socket& socket) { (void)socket.wait_readable(soon()); });
    auto socket = Socket::connect(listener->address(), soon());
    REQUIRE(socket);
    char byte;
    for (auto wait : {0ms, 20ms, 5ms}) {
        const auto got = socket->read_some({&byte, 1}, Deadline::after(wait));
        REQUIRE_FALSE(got);
        CHECK(got.error().kind == ErrorKind::Timeout);
    }
    CHECK_FALSE(socket->readable_now());
}

TEST_CASE("Writes end at their deadline when the peer does not read") {
    int descriptors[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, descriptors) == 0);
    Socket ours(descriptors[0]), idle_peer(descriptors[1]);
    const auto sent = ours.write_all(std::string(8 << 20, 'x'), Deadline::after(30ms));
    REQUIRE_FALSE(sent);
    CHECK(sent.error().kind == ErrorKind::Timeout);
}

TEST_CASE("A connection within the machine is not paced, whatever the machine's default is") {
    auto listener = listen_with([](Socket& socket) {
        char name[16] = {};
        socklen_t size = sizeof name;
        getsockopt(socket.descriptor(), IPPROTO_TCP, TCP_CONGESTION, name, &size);
        (void)socket.write_all(std::string(name, 4), soon());
    });
    auto viewer = Socket::connect(listener->address(), soon());
    REQUIRE(viewer);
    CHECK(read_exactly(*viewer, 4) == "reno");
}

TEST_CASE("Refused and in-use addresses are told in a sentence") {
    auto listener = listen_with(echo);
    const auto twice = Listener::open(listener->address(), "test", echo);
    REQUIRE_FALSE(twice);
    CHECK(twice.error() == listener->address().to_string() + " is in use by another program");
    const Address gone = listener->address();
    listener->stop();
    const auto refused = Socket::connect(gone, soon());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::Refused);
}

TEST_CASE("UNIX sockets work, and a dead owner's file is replaced") {
    TemporaryDirectory directory;
    const auto at = *Address::unix_path(directory.path + "/s");
    for (int round = 0; round < 2; ++round) {
        auto listener = Listener::open(at, "test", echo);
        REQUIRE(listener);
        (*listener)->start();
        auto socket = Socket::connect(at, soon());
        REQUIRE(socket);
        REQUIRE(socket->write_all("x", soon()));
        CHECK(read_exactly(*socket, 1) == "x");
        CHECK_FALSE(Listener::open(at, "test", echo));
    }
}

TEST_CASE("A source address can be chosen in 127/8") {
    std::string seen;
    auto listener = listen_with([&](Socket& socket) {
        seen = socket.peer().ip();
        (void)socket.write_all("x", soon());
    });
    auto socket = Socket::connect_from(*Address::tcp("127.0.0.7", 0), listener->address(), soon());
    REQUIRE(socket);
    CHECK(read_exactly(*socket, 1) == "x");
    CHECK(seen == "127.0.0.7");
}

TEST_CASE("A reset is seen as one, a close is not") {
    for (const bool with_reset : {true, false}) {
        auto listener = listen_with([&](Socket& socket) {
            char byte;
            (void)socket.read_some({&byte, 1}, soon());
            if (with_reset) socket.reset();
        });
        auto socket = Socket::connect(listener->address(), soon());
        REQUIRE(socket);
        REQUIRE(socket->write_all("x", soon()));
        char byte;
        const auto got = socket->read_some({&byte, 1}, soon());
        if (with_reset) {
            REQUIRE_FALSE(got);
            CHECK(got.error().kind == ErrorKind::Reset);
        } else {
            CHECK(got.value_or(9) == 0);
        }
    }
}

TEST_CASE("Connections above the limit are refused with the given bytes, and later ones served") {
    auto listener = Listener::open(Address::loopback(0), "test", echo);
    REQUIRE(listener);
    (*listener)->set_limit(1, "busy");
    (*listener)->start();
    auto first = Socket::connect((*listener)->address(), soon());
    REQUIRE(first);
    REQUIRE(first->write_all("a", soon()));
    CHECK(read_exactly(*first, 1) == "a");
    auto second = Socket::connect((*listener)->address(), soon());
    REQUIRE(second);
    CHECK(read_exactly(*second, 100) == "busy");
    first->close();
    std::string answer;
    for (int attempt = 0; attempt < 1000 && answer != "b"; ++attempt) {
        auto third = Socket::connect((*listener)->address(), soon());
        REQUIRE(third);
        (void)third->write_all("b", soon());
        answer = read_exactly(*third, 1);
    }
    CHECK(answer == "b");
}

TEST_CASE("A listener survives running out of descriptors") {
    auto listener = Listener::open(Address::loopback(0), "test", echo);
    REQUIRE(listener);
    (*listener)->set_limit(100, "busy");
    (*listener)->start();
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    auto socket = Socket::connect((*listener)->address(), soon());
    REQUIRE(socket);
    REQUIRE(socket->write_all("a", soon()));
    CHECK(read_exactly(*socket, 1) == "a");
    // The accept call that waits already holds a number; the one after it finds none.
    const int our_ends[] = {::socket(AF_INET, SOCK_STREAM, 0), ::socket(AF_INET, SOCK_STREAM, 0)};
    rlimit lowered = before;
    lowered.rlim_cur = static_cast<rlim_t>(our_ends[1]) + 1;
    setrlimit(RLIMIT_NOFILE, &lowered);
    auto accepted = Socket::connect(our_ends[0], (*listener)->address(), soon());
    auto refused = Socket::connect(our_ends[1], (*listener)->address(), soon());
    const std::string answer = refused ? read_exactly(*refused, 100) : "no socket";
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK(answer == "busy");
    auto served = Socket::connect((*listener)->address(), soon());
    REQUIRE(served);
    REQUIRE(served->write_all("b", soon()));
    CHECK(read_exactly(*served, 1) == "b");
}

TEST_CASE("The resolver knows its names, loopback, and nothing else") {
    auto listener = listen_with(echo);
    net::Resolver resolver;
    resolver.set("My-LB.elb.amazonaws.com", 80, listener->address());
    resolver.set("10.0.1.17", 0,
                 [&](Deadline deadline) { return Socket::connect(listener->address(), deadline); });
    struct Row {
        const char* name;
        uint16_t port;
        bool known;
    };
    const Row rows[] = {
        {"my-lb.ELB.amazonaws.com", 80, true},
        {"my-lb.elb.amazonaws.com.", 80, true},
        {"my-lb.elb.amazonaws.com", 81, false},
        {"10.0.1.17", 1234, true},
        {"10.0.1.18", 1234, false},
        {"127.0.0.1", listener->address().port(), true},
        {"example.com", 80, false},
        {"93.184.216.34", 80, false},
    };
    for (const auto& row : rows) {
        INFO(row.name << ":" << row.port);
        CHECK(resolver.knows(row.name, row.port) == row.known);
        const auto socket = resolver.dial(row.name, row.port, soon());
        CHECK(socket.has_value() == row.known);
        if (!socket) CHECK(socket.error().kind == ErrorKind::Unreachable);
    }
    resolver.remove("10.0.1.17", 0);
    CHECK_FALSE(resolver.knows("10.0.1.17", 1));
}

TEST_CASE("The authority's files are private and are found again") {
    TemporaryDirectory directory;
    const std::string path = directory.path + "/ca";
    net::Authority authority(path);
    const auto pem = authority.ca_pem();
    REQUIRE(pem);
    struct stat status{};
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
    REQUIRE(stat((path + "/ca.key").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    net::Authority again(path);
    CHECK(again.ca_pem() == pem);
    CHECK(again.leaf("a.example")->certificate_pem == again.leaf("A.example")->certificate_pem);
    for (const char* name : {"", "a,IP:1.2.3.4", "a b", "../x", "a\nb"})
        CHECK_FALSE(authority.leaf(name));

    std::ofstream(path + "/ca.key") << "nonsense";
    net::Authority broken(path);
    CHECK_FALSE(broken.ca_pem());
}

TEST_CASE("TLS: leaf by SNI, ALPN, trust in our authority alone") {
    TemporaryDirectory directory;
    net::Authority ours(directory.path + "/ours"), foreign(directory.path + "/foreign");
    net::TlsServer server(ours, {"h2", "http/1.1"});
    auto listener = listen_with([&](Socket& socket) {
        if (server.accept(socket, soon())) {
            (void)socket.write_all(net::tls_server_name(socket) + "\n", soon());
            echo(socket);
        }
    });
    struct Row {
        const char* name;
        bool trusts_ours;
        bool connects;
    };
    for (const auto& row : {Row{"a.cloudfront.net", true, true}, Row{"127.0.0.1", true, true},
                            Row{"localhost", true, true}, Row{"a.cloudfront.net", false, false}}) {
        INFO(row.name << " " << row.trusts_ours);
        net::TlsClient client(row.trusts_ours ? ours : foreign);
        auto socket = Socket::connect(listener->address(), soon());
        REQUIRE(socket);
        const auto shaken = client.connect(*socket, row.name, soon());
        REQUIRE(shaken.has_value() == row.connects);
        if (!row.connects) {
            CHECK(shaken.error().kind == ErrorKind::Tls);
            continue;
        }
        CHECK(net::tls_version(*socket) == "TLSv1.3");
        const std::string greeting =
            row.name == std::string("127.0.0.1") ? "\n" : std::string(row.name) + "\n";
        CHECK(read_exactly(*socket, greeting.size()) == greeting);
        const std::string big(300'000, 'b');
        base::Thread writer("writer", [&] { (void)socket->write_all("head", big, soon()); });
        writer.join();
        CHECK(read_exactly(*socket, 4 + big.size()) == "head" + big);
        socket->finish_writing();
        char byte;
        CHECK(socket->read_some({&byte, 1}, soon()).value_or(9) == 0);
    }
    net::TlsClient careless;
    auto socket = Socket::connect(listener->address(), soon());
    REQUIRE(socket);
    CHECK(careless.connect(*socket, "anything", soon()));
}

TEST_CASE("A TLS handshake with a silent peer ends at its deadline") {
    TemporaryDirectory directory;
    auto listener = listen_with([](Socket& socket) {
        (void)socket.wait_readable(soon());
        char b[600];
        (void)socket.read_some(b, soon());
        (void)socket.wait_readable(soon());
    });
    auto socket = Socket::connect(listener->address(), soon());
    REQUIRE(socket);
    net::TlsClient client;
    const auto shaken = client.connect(*socket, "a", Deadline::after(20ms));
    REQUIRE_FALSE(shaken);
    CHECK(shaken.error().kind == ErrorKind::Timeout);
}
