// The server over real sockets: what alb.md §2 and RFC 9112 §9 ask of a connection.
#include "http/server.h"

#include <httplib.h>
#include <stdlib.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <filesystem>
#include <functional>

#include "support/raw_viewer.h"

using namespace http;
using namespace std::string_literals;
using namespace std::chrono_literals;
using test::RawViewer;

namespace {

net::Deadline soon() {
    return net::Deadline::after(5s);
}

// Answers by path.
class Routes final : public Handler {
  public:
    void handle(Exchange& exchange) override {
        ++count;
        const std::string path(exchange.request().path());
        ResponseHead head;
        if (path == "/echo") {
            const auto body = read_all(exchange.body(), 1 << 20, soon());
            if (!body) {
                head.status = body.error().kind == Error::Kind::TooLarge ? 413 : 400;
                exchange.close_after();
                (void)exchange.respond(head, body.error().text);
                return;
            }
            std::string trailers;
            for (const auto& trailer : exchange.body().trailers())
                trailers += trailer.name + "=" + trailer.value;
            (void)exchange.respond(head, *body + trailers);
        } else if (path == "/ignore") {
            (void)exchange.respond(head, "ignored");
        } else if (path == "/stream" || path == "/stream10") {
            const auto writer = exchange.respond_streaming(head);
            if (!writer) return;
            (void)(*writer)->write("one,", soon());
            (void)(*writer)->write(std::string(6000, 'x'), soon());
            (void)(*writer)->finish(soon(), {{"T", "v"}});
        } else if (path == "/relay") {
            StringBody body("relayed");
            (void)exchange.respond_relay(head, body, 5s);
        } else if (path == "/sized") {
            head.headers.add("content-length", "3");
            const auto writer = exchange.respond_streaming(head);
            if (!writer) return;
            (void)(*writer)->write("abc", soon());
            (void)(*writer)->finish(soon());
        } else if (path == "/short") {
            head.headers.add("Content-Length", "9");
            const auto writer = exchange.respond_streaming(head);
            if (writer) (void)(*writer)->write("abc", soon());
        } else if (path == "/half-chunked") {
            const auto writer = exchange.respond_streaming(head);
            if (writer) (void)(*writer)->write("abc", soon());
        } else if (path == "/abort-until-close") {
            const auto writer = exchange.respond_streaming(head, BodyFraming::UntilClose);
            if (writer) (void)(*writer)->write("abc", soon());
            exchange.abort();
        } else if (path == "/abort") {
            exchange.abort();
        } else if (path == "/nothing") {
        } else if (path == "/throw") {
            throw std::runtime_error("a mistake of ours");
        } else if (path == "/304") {
            head.status = 304;
            (void)exchange.respond(head, "never sent");
        } else if (path == "/204") {
            head.status = 204;
            (void)exchange.respond(head, "never sent");
        } else if (path == "/inform") {
            (void)exchange.inform(103, {{"Link", "</a>"}});
            (void)exchange.respond(head, "final");
        } else if (path == "/prepared") {
            (void)exchange.respond_prepared(200, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
                                            {"ok"});
        } else if (path == "/upgrade") {
            head.status = 101;
            head.headers = {{"Connection", "upgrade"}, {"Upgrade", "x"}};
            std::string early;
            const auto socket = exchange.upgrade(head, early);
            if (!socket) return;
            char bytes[64];
            while (early.size() < 5) {
                const auto got = (*socket)->read_some(bytes, soon());
                if (!got || *got == 0) return;
                early.append(bytes, *got);
            }
            (void)(*socket)->write_all("<" + early + ">", soon());
        } else if (path == "/wait") {
            net::leave_loop();
            std::unique_lock lock(mutex);
            waiting = true;
            changed.notify_all();
            changed.wait(lock, [this] { return released; });
            (void)exchange.respond(head, "waited");
        } else if (answered_by_default(exchange)) {
        } else {
            (void)exchange.respond(head,
                                   exchange.request().method + " " + exchange.request().target);
        }
    }
    void handle_incomplete(Exchange& exchange) override {
        (void)exchange.respond(ResponseHead{.status = 408}, exchange.request().target);
    }

    std::atomic<int> count{0};
    std::mutex mutex;
    std::condition_variable changed;
    bool waiting = false, released = false;
};

// Every case runs twice: sessions on threads, and on loops.
struct Running {
    explicit Running(ServerOptions options = {}) {
        if (GENERATE(false, true)) options.loops = &loops;
        auto opened = Server::open(net::Address::loopback(0), routes, std::move(options));
        REQUIRE(opened);
        server = std::move(*opened);
        server->start();
    }
    net::Address at() const { return server->address(); }
    net::Loops loops{"test", 2};
    Routes routes;
    std::unique_ptr<Server> server;
};

std::string get(std::string_view path, std::string_view headers = "") {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
}

}  // namespace

TEST_CASE("Answers on a connection of their own") {
    Running running;
    struct Row {
        std::string request;
        std::string expected;
    };
    const std::string post = "POST /echo HTTP/1.1\r\nHost: x\r\n";
    const Row rows[] = {
        {get("/a"), "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nGET /a"},
        {get("/a", "Connection: close\r\n"),
         "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nGET /a"},
        {"GET /a HTTP/1.0\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nGET /a"},
        {"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: keep-alive\r\n\r\nGET /a"},
        {"GET /sized\r\n", "abc"},  // HTTP/0.9: the body alone
        {"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"},
        {"HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"},
        {get("/304"), "HTTP/1.1 304 Not Modified\r\n\r\n"},
        {get("/204"), "HTTP/1.1 204 No Content\r\n\r\n"},
        {get("/inform"),
         "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
         "5\r\n\r\nfinal"},
        {get("/prepared"),
         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok"},
        {get("/sized"), "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"},
        {get("/relay"),
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nrelayed\r\n0\r\n\r\n"},
        {get("/stream"),
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none,\r\n1770\r\n" +
             std::string(6000, 'x') + "\r\n0\r\nT: v\r\n\r\n"},
        {"GET /stream10 HTTP/1.0\r\n\r\n",
         "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\none," + std::string(6000, 'x')},
        {post + "Content-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"},
        {post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcT=v"},
        {post + "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"},
        {post + "Content-Length: 3\r\n\r\nab",
         "HTTP/1.1 400 Bad Request\r\nContent-Length: 48\r\nConnection: close\r\n\r\nthe body "
         "ended 1 bytes before its Content-Length"},
        {get("/short"), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"},
        {get("/half-chunked"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"},
        {get("/abort"), ""},
        {get("/nothing"),
         "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
        {get("/throw"),
         "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
        {"GET /a HTTP/1.1\r\n\r\n",
         "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: "
         "38\r\nConnection: close\r\n\r\nThe request is malformed: MissingHost\n"},
        {"GET /a HTTP/1.1\r\nHos", ""},
    };
    for (const auto& row : rows) {
        INFO(row.request);
        const std::string answer = test::answer_to(running.at(), row.request);
        CHECK(answer == row.expected);
    }
}

TEST_CASE("Pipelined requests are answered in order, bodies skipped or not") {
    Running running;
    const std::string post = "POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    const auto answer =
        test::answer_to(running.at(), get("/1") + post + get("/2") +
                                          get("/3", "Connection: close\r\n") + get("/4"));
    CHECK(answer ==
          "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nGET /1HTTP/1.1 200 OK\r\nContent-Length: "
          "7\r\n\r\nignored"
          "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nGET /2HTTP/1.1 200 OK\r\nContent-Length: "
          "6\r\nConnection: close\r\n\r\nGET /3");
    CHECK(running.routes.count == 4);
}

TEST_CASE("A request that was not asked to continue closes the connection after its answer") {
    Running running;
    RawViewer viewer(running.at());
    viewer.send(
        "POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    CHECK(viewer.read_to_end() ==
          "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nignored");
}

TEST_CASE("An answer before a large body arrives whole") {
    Running running;
    RawViewer viewer(running.at());
    const std::string body(2 << 20, 'x');
    base::Thread sender("sender", [&] {
        viewer.send("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + body);
    });
    CHECK(viewer.read_until("ignored").ends_with("Connection: close\r\n\r\nignored"));
    sender.join();
}

TEST_CASE("A body that ends with its connection is reset when it is aborted") {
    Running running;
    RawViewer viewer(running.at());
    viewer.send(get("/abort-until-close"));
    viewer.read_to_end();
    CHECK(viewer.was_reset());
}

TEST_CASE(
    "Framing that cannot be decided is the handler's to judge, and the last on its connection") {
    Running running;
    for (const char* headers :
         {"Content-Length: 1\r\nContent-Length: 2\r\n", "Content-Length: x\r\n",
          "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"}) {
        const auto answer =
            test::answer_to(running.at(), "POST /ignore HTTP/1.1\r\nHost: x\r\n"s + headers +
                                              "\r\n0\r\n\r\n" + get("/smuggled"));
        CHECK(answer == "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nignored");
    }
}

TEST_CASE("Limits on heads reach the handler as anomalies") {
    ServerOptions options;
    options.max_target_bytes = 100;
    options.max_header_line_bytes = 200;
    options.max_head_bytes = 400;
    Running running(options);
    CHECK(test::answer_to(running.at(), get("/" + std::string(200, 'a')))
              .starts_with("HTTP/1.1 414 "));
    CHECK(test::answer_to(running.at(), get("/", "A: " + std::string(300, 'a') + "\r\n"))
              .starts_with("HTTP/1.1 431 "));
    std::string many;
    for (int i = 0; i < 40; ++i)
        many += "A: aaaaaaaaaa\r\n";
    CHECK(test::answer_to(running.at(), get("/", many)).starts_with("HTTP/1.1 431 "));
}

TEST_CASE("Waits: idle connections close silently, half a head gets what the handler says") {
    ServerOptions options;
    options.idle = 40ms;
    options.head = 30ms;
    Running running(options);
    RawViewer silent(running.at()), half(running.at());
    half.send("GET /half HTTP/1.1\r\nHost: ");
    CHECK(silent.read_to_end() == "");
    CHECK(half.read_to_end() ==
          "HTTP/1.1 408 Request Timeout\r\nContent-Length: 5\r\nConnection: close\r\n\r\n/half");
}

TEST_CASE("The response after the connection's age says close") {
    ServerOptions options;
    options.keep_alive_age = 0ms;
    Running running(options);
    CHECK(test::answer_to(running.at(), get("/a") + get("/b")) ==
          "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nGET /a");
}

TEST_CASE("Connections above the limit are answered 503") {
    ServerOptions options;
    options.max_connections = 1;
    Running running(options);
    RawViewer first(running.at());
    first.send(get("/a"));
    CHECK(first.read_response().ends_with("GET /a"));
    CHECK(test::answer_to(running.at(), get("/b")).starts_with("HTTP/1.1 503 "));
}

TEST_CASE("Stopping: idle connections end, one under way is answered and closed") {
    Running running;
    RawViewer idle(running.at()), busy(running.at());
    idle.send(get("/a"));
    CHECK(idle.read_response().ends_with("GET /a"));
    busy.send(get("/wait"));
    {
        std::unique_lock lock(running.routes.mutex);
        running.routes.changed.wait(lock, [&] { return running.routes.waiting; });
    }
    base::Thread stopper("stopper", [&] { running.server->stop(5s); });
    CHECK(idle.read_to_end() == "");
    {
        std::lock_guard lock(running.routes.mutex);
        running.routes.released = true;
    }
    running.routes.changed.notify_all();
    CHECK(busy.read_to_end() ==
          "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nwaited");
    stopper.join();
}

TEST_CASE("An upgrade hands over the socket and what was read past the head") {
    Running running;
    CHECK(test::answer_to(running.at(),
                          get("/upgrade", "Connection: upgrade\r\nUpgrade: x\r\n") + "early") ==
          "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n<early>");
}

TEST_CASE("One port speaks TLS and not, to an independent client that trusts our authority") {
    char name[] = "/tmp/dodam-http-XXXXXX";
    const std::string directory = mkdtemp(name);
    {
        net::Authority authority(directory + "/ca");
        net::TlsServer tls(authority);
        ServerOptions options;
        options.tls = &tls;
        Running running(options);
        REQUIRE(authority.ca_pem());

        httplib::SSLClient secure("localhost", running.at().port());
        secure.set_address_family(AF_INET);
        secure.set_ca_cert_path(authority.ca_path().c_str());
        secure.enable_server_certificate_verification(true);
        secure.set_keep_alive(true);
        for (int i = 0; i < 2; ++i) {
            const auto answer = secure.Post("/echo", std::string(100'000, 'x'), "text/plain");
            REQUIRE(answer);
            CHECK(answer->body.size() == 100'000);
        }
        const auto streamed = secure.Get("/relay");  // chunked
        REQUIRE(streamed);
        CHECK(streamed->body == "relayed");

        httplib::Client plain("127.0.0.1", running.at().port());
        const auto answer = plain.Get("/plain");
        REQUIRE(answer);
        CHECK(answer->body == "GET /plain");

        options.tls_only = true;
        Running only(options);
        CHECK(test::answer_to(only.at(), get("/a")).starts_with("HTTP/1.1 400 "));
    }
    std::filesystem::remove_all(directory);
}
