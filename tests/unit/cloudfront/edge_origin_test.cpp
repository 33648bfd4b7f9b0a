// The edge at its origins: redirects, TLS and signatures, timeouts, broken bodies, WebSocket, and
// viewers that do not keep to HTTP: cloudfront.md §5, §9, §10 #45, #52, #63, #64, #82, #88, #89,
// #96.
#include <catch2/catch.hpp>

#include "base/text.h"
#include "edge_stack.h"
#include "net/listener.h"
#include "support/temporary_directory.h"

using namespace cloudfront;
using base::seconds;
using test::behavior;
using test::Stack;

namespace {

// Sends bytes, reads until the peer is done or silent for a moment.
std::string exchange_raw(uint16_t port, std::string_view bytes) {
    auto socket = net::Socket::connect(net::Address::loopback(port),
                                       net::Deadline::after(std::chrono::seconds(5)));
    if (!socket || !socket->write_all(bytes, net::Deadline::after(std::chrono::seconds(5))))
        return "";
    std::string got;
    char buffer[4096];
    for (;;) {
        auto piece = socket->read_some(
            buffer, net::Deadline::after(std::chrono::milliseconds(got.empty() ? 5000 : 400)));
        if (!piece || *piece == 0) return got;
        got.append(buffer, *piece);
    }
}

// An origin that says exactly these bytes on each connection, then closes.
struct RawOrigin {
    std::string bytes;
    std::mutex mutex;
    std::vector<std::string> seen;
    std::unique_ptr<net::Listener> listener;
    explicit RawOrigin(std::string said) : bytes(std::move(said)) {
        listener = std::move(*net::Listener::open(
            net::Address::loopback(0), "raw-origin", [this](net::Socket& socket) {
                std::string head;
                char buffer[4096];
                while (head.find("\r\n\r\n") == std::string::npos) {
                    auto got =
                        socket.read_some(buffer, net::Deadline::after(std::chrono::seconds(5)));
                    if (!got || *got == 0) return;
                    head.append(buffer, *got);
                }
                {
                    std::lock_guard lock(mutex);
                    seen.push_back(head);
                }
                (void)socket.write_all(bytes, net::Deadline::after(std::chrono::seconds(5)));
                if (bytes.starts_with("HTTP/1.1 101")) {  // echoes what it is told
                    for (;;) {
                        auto got =
                            socket.read_some(buffer, net::Deadline::after(std::chrono::seconds(5)));
                        if (!got || *got == 0) return;
                        (void)socket.write_all({buffer, *got},
                                               net::Deadline::after(std::chrono::seconds(5)));
                    }
                }
            }));
        listener->start();
    }
    size_t count() {
        std::lock_guard lock(mutex);
        return seen.size();
    }
    std::string last() {
        std::lock_guard lock(mutex);
        return seen.empty() ? "" : seen.back();
    }
};

// Answers over TLS and remembers the heads.
struct TlsOrigin final : http::Handler {
    net::TlsServer tls;
    std::unique_ptr<http::Server> server;
    std::mutex mutex;
    http::RequestHead last;
    explicit TlsOrigin(net::Authority& authority) : tls(authority) {
        http::ServerOptions options;
        options.tls = &tls;
        server = std::move(*http::Server::open(net::Address::loopback(0), *this, options));
        server->start();
    }
    ~TlsOrigin() override { server->stop(); }
    void handle(http::Exchange& exchange) override {
        {
            std::lock_guard lock(mutex);
            last = exchange.request();
        }
        (void)exchange.respond({200, {}, 1, 1, {{"Content-Type", "text/plain"}}, {}}, "secret");
    }
};

}  // namespace

TEST_CASE("a redirect of the origin is relayed, kept and never followed (#45)",
          "[cloudfront][edge]") {
    Stack s;
    s.origin_replies(301, "", {{"Location", "https://elsewhere.example/"}});
    auto first = s.get("/a");
    CHECK(first.status == 301);
    CHECK(s.cache_of(first) == "Miss");
    auto second = s.get("/a");
    CHECK(s.cache_of(second) == "Hit");
    CHECK(second.get_header_value("Location") == "https://elsewhere.example/");
    CHECK(s.origin.count() == 1);
}

TEST_CASE("a body that is cut short reaches the viewer cut short, and is not kept (#52)",
          "[cloudfront][edge]") {
    for (const char* said :
         {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
          "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nshort",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"}) {
        INFO(said);
        RawOrigin broken(said);
        Stack s;
        s.resolver.set("origin.example.com", 80, broken.listener->address());
        std::string request = "GET /a HTTP/1.1\r\nHost: d111111abcdef8.cloudfront.net\r\n\r\n";
        std::string got = exchange_raw(s.server->address().port(), request);
        CHECK(got.starts_with("HTTP/1.1 200 OK\r\n"));
        CHECK(got.find("short") != std::string::npos);
        CHECK_FALSE(got.ends_with("0\r\n\r\n"));
        while (s.traces.last_sequence() == 0)
            std::this_thread::yield();
        exchange_raw(s.server->address().port(), request);
        CHECK(broken.count() == 2);
        CHECK(s.cache.entries() == 0);
    }
}

TEST_CASE("an answer that is no HTTP, or too large a head, is a 502 (§5.5)", "[cloudfront][edge]") {
    for (const std::string& said :
         {std::string("SSH-2.0-OpenSSH\r\n\r\n"),
          "HTTP/1.1 200 OK\r\nX-Big: " + std::string(80'000, 'a') + "\r\n\r\n", std::string()}) {
        RawOrigin odd(said);
        Stack s;
        s.resolver.set("origin.example.com", 80, odd.listener->address());
        auto answer = s.get("/a");
        CHECK(answer.status == 502);
        CHECK(s.cache_of(answer) == "Error");
    }
}

TEST_CASE("an origin that never answers: GET is tried again, POST is not (#63)",
          "[cloudfront][edge][slow]") {
    Stack s(
        R"({"Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "origin.example.com", "ConnectionAttempts": 2,
        "CustomOriginConfig": {"OriginProtocolPolicy": "http-only", "OriginReadTimeout": 1}}]},
        "DefaultCacheBehavior": {"AllowedMethods": {"Quantity": 7, "Items": ["GET","HEAD","OPTIONS","PUT","POST","PATCH","DELETE"]}}})");
    {
        std::lock_guard lock(s.origin.mutex);
        s.origin.hold = true;
    }
    auto get = s.get("/a");
    CHECK(get.status == 504);
    CHECK(s.origin.count() == 2);
    CHECK(s.send("POST", "/a", {}, "x").status == 504);
    CHECK(s.origin.count() == 3);
}

TEST_CASE("https origins: verified, by the origin's name; S3 requests are signed (#64, #82)",
          "[cloudfront][edge]") {
    support::TemporaryDirectory ours_directory, other_directory;
    net::Authority ours(ours_directory.path()), other(other_directory.path());
    net::TlsClient client(ours);
    TlsOrigin good(ours), bad(other);
    Stack s;
    s.resolver.set("origin.example.com", 443, good.server->address());
    s.resolver.set("bad.example.com", 443, bad.server->address());
    s.resolver.set("site.s3.eu-west-1.amazonaws.com", 443, good.server->address());
    Edge edge(EdgeParts{
        s.clock,
        s.traces,
        s.snapshot,
        *s.upstream,
        s.cache,
        &client,
        [](const Distribution&, const Origin&) { return aws::Credentials{"AKIACF", "secret", ""}; },
        {},
        {}});
    auto server = std::move(*http::Server::open(net::Address::loopback(0), edge, {}));
    server->start();
    s.client = std::make_unique<httplib::Client>("127.0.0.1", server->address().port());
    auto with_origin = [](std::string_view name) {
        return R"({"Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": ")" +
               std::string(name) +
               R"(", "CustomOriginConfig": {"OriginProtocolPolicy": "https-only"}}]}})";
    };
    s.configure(with_origin("origin.example.com"));
    CHECK(s.get("/a").body == "secret");
    s.configure(with_origin("bad.example.com"));
    auto refused = s.get("/b");
    CHECK(refused.status == 502);
    CHECK(refused.body.find("wasn't able to connect to the origin.") != std::string::npos);

    test::Policies policies;
    policies.add(
        kOriginAccessControlKind, "EOAC", kOriginAccessControlConfigShape,
        R"({"Name": "o", "SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3"})");
    s.configure(
        R"({"Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "site.s3.eu-west-1.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""}, "OriginAccessControlId": "EOAC"}]}})",
        policies);
    CHECK(s.get("/key").status == 200);
    std::string authorization(good.last.headers.get("Authorization"));
    CHECK(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIACF/"));
    CHECK(authorization.find("/eu-west-1/s3/aws4_request") != std::string::npos);
    CHECK(good.last.headers.get("Host") == "site.s3.eu-west-1.amazonaws.com");
    server->stop();
}

TEST_CASE(
    "a policy that removes Server leaves CloudFront's; preflights still need OPTIONS (#88, #89)",
    "[cloudfront][edge]") {
    test::Policies policies;
    policies.add(
        kResponseHeadersPolicyKind, "rhp", kResponseHeadersPolicyConfigShape,
        R"({"Name": "rhp", "RemoveHeadersConfig": {"Quantity": 1, "Items": [{"Header": "Server"}]}})");
    Stack s(behavior(R"("ResponseHeadersPolicyId": "rhp")"), policies);
    s.origin_replies(200, "x", {{"Server", "nginx"}});
    CHECK(s.get("/a").get_header_value("Server") == "CloudFront");
    CHECK(s.get("/a").get_header_value("Server") == "CloudFront");
    CHECK(
        test::error_code([] {
            check_response_headers_policy(test::json(
                R"({"Name": "x", "RemoveHeadersConfig": {"Quantity": 1, "Items": [{"Header": "Via"}]}})"));
        }) == "InvalidArgument");
    Stack cors(behavior(R"("ResponseHeadersPolicyId": "5cc3b908-e619-4b99-88e5-2cf7f45965bd")"));
    auto preflight =
        cors.send("OPTIONS", "/a",
                  {{"Origin", "https://a.example"}, {"Access-Control-Request-Method", "GET"}});
    CHECK(preflight.status == 403);
    CHECK(cors.origin.count() == 0);
}

TEST_CASE("WebSocket passes when its headers are selected (#96)", "[cloudfront][edge]") {
    const std::string request =
        "GET /ws HTTP/1.1\r\nHost: d111111abcdef8.cloudfront.net\r\nConnection: "
        "Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Key: abc\r\nSec-WebSocket-Version: 13\r\n\r\nhello";
    RawOrigin socket(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n");
    Stack s(behavior(
        R"("CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "OriginRequestPolicyId": "216adef6-5c7f-47e4-b989-5492eafa07d3")"));
    s.resolver.set("origin.example.com", 80, socket.listener->address());
    std::string got = exchange_raw(s.server->address().port(), request);
    CHECK(got.starts_with("HTTP/1.1 101 "));
    CHECK(got.find("Upgrade: websocket\r\n") != std::string::npos);
    CHECK(got.ends_with("\r\n\r\nhello"));
    CHECK(socket.last().find("Sec-WebSocket-Key: abc") != std::string::npos);
    s.configure(behavior(R"("CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad")"));
    exchange_raw(s.server->address().port(), request);
    CHECK(socket.last().find("Sec-WebSocket-Key") == std::string::npos);
}

TEST_CASE("requests that could be read in two ways are refused, and nothing mixes",
          "[cloudfront][edge]") {
    Stack s(behavior(test::kAllMethods));
    const std::string host = "Host: d111111abcdef8.cloudfront.net\r\n";
    const std::string refused[] = {
        "POST /a HTTP/1.1\r\n" + host +
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "POST /a HTTP/1.1\r\n" + host + "Content-Length: +5\r\n\r\nhello",
        "POST /a HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "GET /a HTTP/1.1\r\n" + host + "X-Folded: a\r\n b\r\n\r\n",
        "GET /a HTTP/1.1\r\n" + host + "X Bad: a\r\n\r\n",
        "GET /a HTTP/1.1\r\n" + host + "X-Space : a\r\n\r\n",
        "GET /a HTTP/1.1\r\n\r\n",
        "GET /a HTTP/1.1\r\n" + host + host + "\r\n",
        "GET /a b HTTP/1.1\r\n" + host + "\r\n",
        "G@T /a HTTP/1.1\r\n" + host + "\r\n",
    };
    for (const std::string& bytes : refused) {
        INFO(bytes);
        std::string got = exchange_raw(s.server->address().port(), bytes);
        CHECK((got.starts_with("HTTP/1.1 400 ") || got.starts_with("HTTP/1.1 403 ")));
    }
    CHECK(s.origin.count() == 0);
    // A second request on a refused connection is never answered as if it were one.
    std::string smuggled = exchange_raw(s.server->address().port(),
                                        refused[0] + "GET /b HTTP/1.1\r\n" + host + "\r\n");
    CHECK(smuggled.find("HTTP/1.1", 5) == std::string::npos);
    CHECK(s.get("/fine").status == 200);
}

TEST_CASE("a viewer that leaves during a miss: the object is not kept (§3.10)",
          "[cloudfront][edge]") {
    Stack s;
    std::string big(3'000'000, 'b');
    s.origin_replies(200, big);
    {
        auto socket = net::Socket::connect(s.server->address(),
                                           net::Deadline::after(std::chrono::seconds(5)));
        REQUIRE(socket);
        (void)socket->write_all("GET /big HTTP/1.1\r\nHost: d111111abcdef8.cloudfront.net\r\n\r\n",
                                net::Deadline::after(std::chrono::seconds(5)));
        char buffer[1000];
        (void)socket->read_some(buffer, net::Deadline::after(std::chrono::seconds(5)));
        socket->reset();
    }
    while (s.traces.last_sequence() == 0)
        std::this_thread::yield();
    CHECK(s.cache.entries() == 0);
    CHECK(s.get("/big").body == big);
}
