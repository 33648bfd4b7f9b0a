// The data plane over real sockets. Numbers are those of alb.md §27.
#include <sstream>

#include "base/text.h"
#include "unit/elbv2/alb.h"

using alb::Alb;
using alb::Client;
using alb::ok;
using alb::Response;
using alb::Target;

namespace {

constexpr std::string_view kPage502 =
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad "
    "Gateway</h1></center>\r\n"
    "</body>\r\n</html>\r\n";
constexpr std::string_view kChrome =
    "User-Agent: Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36\r\n";

std::string target_header(const Target& target, std::string_view name) {
    return Response{target.last(), {}}.header(name);
}

std::string names_of(const std::string& head) {
    std::string names;
    for (std::string_view line : base::split(head, '\n')) {
        size_t colon = line.find(": ");
        if (colon == line.npos) continue;
        if (!names.empty()) names += ",";
        names += line.substr(0, colon);
    }
    return names;
}

uint16_t closed_port() {
    Target target;
    return target.port();
}

}  // namespace

TEST_CASE("empty group answers the 503 page (#1, #2, #7)") {
    Alb alb;
    alb.set_up();
    Response response = alb.ask();
    CHECK(response.status() == 503);
    CHECK(response.header("content-length") == "162");
    CHECK(response.header("server") == "awselb/2.0");
    CHECK(response.header("content-type") == "text/html");
    CHECK(response.body.size() == 162);
    CHECK(response.body.find("<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n") !=
          std::string::npos);
    CHECK(names_of(response.head) == "Server,Date,Content-Type,Content-Length,Connection");
}

TEST_CASE("refused target answers the 502 page, byte for byte (#3, #4, #5, #6)") {
    Alb alb;
    alb.set_up();
    alb.control_plane->register_targets(alb.group_arn, {{"127.0.0.1", closed_port()}});
    Response curl = alb.ask("/", "User-Agent: curl/8.5.0\r\n");
    CHECK(curl.status() == 502);
    CHECK(curl.body == kPage502);
    CHECK(curl.header("connection") == "keep-alive");
    CHECK(curl.head.size() == 155);
    Response chrome = alb.ask("/", kChrome);
    CHECK(chrome.body.size() == 524);
    CHECK(chrome.header("content-length") == "524");
    Client client(alb.at());
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    Response head = client.read(true);
    CHECK(head.header("content-length") == "122");
    CHECK(client.ask(alb.get("/last")).status() == 502);  // no body byte was sent in between
    CHECK(alb.span_of("/last").decisions.back().text.find(
              "an app that binds 127.0.0.1 is not reachable") != std::string::npos);
}

TEST_CASE("what is no request is refused and the connection closes (#8, #9, #10, #11, #12, #68)") {
    Alb alb;
    Target target;
    alb.set_up();
    alb.register_target(target);
    struct Row {
        std::string name, request;
        int status;
    };
    const Row rows[] = {
        {"8", "test\n\n", 400},
        {"9", alb.get("/", "X-Long: " + std::string(16384 - 8, 'a') + "\r\n"), 400},
        {"10",
         alb.get("/",
                 [] {
                     std::string headers;
                     for (int i = 0; i < 5; ++i)
                         headers +=
                             "X-" + std::to_string(i) + ": " + std::string(14000, 'a') + "\r\n";
                     return headers;
                 }()),
         400},
        {"11", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"12", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: foo\r\n\r\n", 400},
        {"long line", "GET /" + std::string(17000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
        {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"68", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
         400},
    };
    for (const Row& row : rows) {
        INFO(row.name);
        Client client(alb.at());
        Response response = client.ask(row.request);
        CHECK(response.status() == row.status);
        CHECK(response.header("connection") == "close");
        CHECK(client.is_closed());
    }
    CHECK(target.requests().empty());
    CHECK(alb.ask("/", "X-Long: " + std::string(16000 - 10, 'a') + "\r\n").status() == 200);
}

TEST_CASE("X-Forwarded-For, -Proto and -Port (#13 to #19)") {
    Alb alb;
    Target target;
    alb.set_up();
    alb.register_target(target);
    auto entries = [](int count) {
        std::string value = "X-Forwarded-For: 1.1.1.1";
        for (int i = 1; i < count; ++i)
            value += ", 1.1.1." + std::to_string(i);
        return value + "\r\n";
    };
    CHECK(alb.ask("/", entries(31)).status() == 463);
    CHECK(alb.ask("/", entries(30)).status() == 200);
    CHECK(alb.ask().status() == 200);
    CHECK(target_header(target, "x-forwarded-for") == "127.0.0.1");
    alb.ask("/", "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 9\r\n");
    CHECK(target_header(target, "x-forwarded-for") == "1.2.3.4, 127.0.0.1");
    CHECK(target_header(target, "x-forwarded-proto") == "http");
    CHECK(target_header(target, "x-forwarded-port") == "80");
    alb.set_lb("routing.http.xff_client_port.enabled", "true");
    alb.ask();
    CHECK(target_header(target, "x-forwarded-for").starts_with("127.0.0.1:"));
    alb.set_lb("routing.http.xff_header_processing.mode", "preserve");
    alb.ask("/", "X-Forwarded-For: 1.2.3.4\r\n");
    CHECK(target_header(target, "x-forwarded-for") == "1.2.3.4");
    alb.ask();
    CHECK(target_header(target, "x-forwarded-for").empty());
    alb.set_lb("routing.http.xff_header_processing.mode", "remove");
    alb.ask("/", "X-Forwarded-For: 1.2.3.4\r\n");
    CHECK(target_header(target, "x-forwarded-for").empty());
}

TEST_CASE("trace header (#20, #21, #22)") {
    Alb alb;
    Target target;
    alb.set_up();
    alb.register_target(target);
    alb.ask();
    std::string fresh = target_header(target, "x-amzn-trace-id");
    CHECK(fresh.size() == 5 + 2 + 8 + 1 + 24);
    CHECK(fresh.starts_with("Root=1-"));
    alb.ask("/root", "X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678;App=7\r\n");
    std::string self = target_header(target, "x-amzn-trace-id");
    CHECK(self.starts_with("Self=1-"));
    CHECK(self.ends_with(";Root=1-67891233-abcdef012345678912345678;App=7"));
    CHECK(alb.span_of("/root").id == "1-67891233-abcdef012345678912345678");
    alb.ask("/", "X-Amzn-Trace-Id: Self=1-1-2;Root=1-67891233-abcdef012345678912345678\r\n");
    std::string again = target_header(target, "x-amzn-trace-id");
    CHECK(again.find("1-1-2") == std::string::npos);
    CHECK(again.find("Self=") == again.rfind("Self="));
}

TEST_CASE("Host at the target (#23, #24, #25, #93)") {
    Target target;
    {
        Alb alb;
        alb.set_up(80);
        alb.register_target(target);
        Client(alb.at(80)).ask("GET / HTTP/1.1\r\nHost: A.Test:99\r\n\r\n");
        CHECK(target_header(target, "host") == "a.test");
        Client(alb.at(80)).ask("GET / HTTP/1.0\r\n\r\n");
        CHECK(target_header(target, "host").starts_with("app-"));
        CHECK(target_header(target, "host").ends_with(".us-east-1.elb.amazonaws.com"));
    }
    Alb alb;
    alb.set_up(8080);
    alb.register_target(target);
    Client(alb.at(8080)).ask("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    CHECK(target_header(target, "host") == "a.test:8080");
    alb.set_lb("routing.http.preserve_host_header.enabled", "true");
    Client(alb.at(8080)).ask("GET / HTTP/1.1\r\nHost: A.test\r\n\r\n");
    CHECK(target_header(target, "host") == "A.test");
}

TEST_CASE("Expect: 100-continue is answered at once and not forwarded (#26)") {
    Alb alb;
    Target target;
    alb.set_up();
    alb.register_target(target);
    Client client(alb.at());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client.read().status() == 100);
    client.send("abc");
    CHECK(client.read().status() == 200);
    CHECK(target.last().ends_with("\r\n\r\nabc"));
    CHECK(target_header(target, "expect").empty());
}

TEST_CASE("invalid header names are dropped when asked (#27)") {
    Alb alb;
    Target target;
    alb.set_up();
    alb.register_target(target);
    alb.ask("/", "bad_name: 1\r\nGood-Name: 2\r\n");
    CHECK(target_header(target, "bad_name") == "1");
    alb.set_lb("routing.http.drop_invalid_header_fields.enabled", "true");
    alb.ask("/", "bad_name: 1\r\nGood-Name: 2\r\n");
    CHECK(target_header(target, "bad_name").empty());
    CHECK(target_header(target, "good-name") == "2");
}

TEST_CASE("HTTP/2 without TLS is refused (#29)") {
    Alb alb;
    Target target;
    alb.set_up();
    alb.register_target(target);
    Client client(alb.at());
    Response response = client.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    CHECK(response.status() >= 400);
    CHECK(target.requests().empty());
}

TEST_CASE("target faults (#33, #34, #36, #37)") {
    Alb alb;
    alb.set_up();
    SECTION("closes without a byte") {
        Target target([](const std::string&) { return std::string(); });
        alb.register_target(target);
        CHECK(alb.ask().status() == 502);
        CHECK(target.requests().size() == 1);  // no second try
    }
    SECTION("response headers over 32 K") {
        Target target([](const std::string&) {
            return ok("x", "X-Big: " + std::string(33 * 1024, 'a') + "\r\n");
        });
        alb.register_target(target);
        CHECK(alb.ask().status() == 502);
    }
    SECTION("both lengths, on HEAD too") {
        Target target([](const std::string&) { return ok("", "Transfer-Encoding: chunked\r\n"); });
        alb.register_target(target);
        Client client(alb.at());
        CHECK(client.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", true).status() == 502);
    }
    SECTION("kept connections are shared by clients") {
        Target target;
        alb.register_target(target);
        alb.make_rule(1, R"([{"Field":"path-pattern","Values":["/done"]}])",
                      R"([{"Type":"fixed-response","FixedResponseConfig":{"StatusCode":"200"}}])");
        Client client(alb.at());
        client.ask(alb.get());
        client.ask(alb.get("/done"));  // by now the target's connection was given back
        alb.ask();
        CHECK(target.requests().size() == 2);
        CHECK(target.connections() == 1);
    }
    SECTION("Connection: close of the target prevents reuse") {
        Target target([](const std::string&) { return ok("x", "Connection: close\r\n"); });
        alb.register_target(target);
        Client client(alb.at());
        CHECK(client.ask(alb.get()).header("connection") == "keep-alive");
        CHECK(client.ask(alb.get()).status() == 200);
        CHECK(target.connections() == 2);
    }
}

TEST_CASE("a target that never accepts is a 504 (#32)") {
    Alb alb;
    alb.set_up();
    alb.resolver.set("10.0.0.9", 80, [](net::Deadline) -> net::Result<net::Socket> {
        return std::unexpected(net::Error{net::ErrorKind::Timeout, 0, "no answer"});
    });
    alb.control_plane->register_targets(alb.group_arn, {{"10.0.0.9", 80}});
    CHECK(alb.ask("/32").status() == 504);
    CHECK(alb.span_of("/32").decisions.back().text.find(
              "did not accept the connection within 10 s") != std::string::npos);
}

TEST_CASE("an HTTPS listener ends TLS and says so to the target") {
    Alb alb;
    Target target;
    alb.set_up();
    alb.register_target(target);
    alb.set_lb("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "true");
    alb.call(
        "CreateListener",
        R"({"LoadBalancerArn":")" + alb.lb_arn +
            R"(","Protocol":"HTTPS","Port":443,"Certificates":[{"CertificateArn":"arn:aws:acm:us-east-1:123456789012:certificate/x"}],"DefaultActions":[{"Type":"forward","TargetGroupArn":")" +
            alb.group_arn + R"("}]})");
    Client client(alb.at(443));
    net::TlsClient tls(alb.authority);
    REQUIRE(
        tls.connect(client.socket(), "app.test", net::Deadline::after(std::chrono::seconds(5))));
    CHECK(client.ask(alb.get()).status() == 200);
    CHECK(target_header(target, "x-forwarded-proto") == "https");
    CHECK(target_header(target, "x-forwarded-port") == "443");
    CHECK(target_header(target, "host") == "app.test");
    CHECK(target_header(target, "x-amzn-tls-version") == "TLSv1.3");
    CHECK(target_header(target, "x-amzn-tls-cipher-suite").starts_with("TLS_"));
}

TEST_CASE("silence past the idle timeout is a 504 (#31)", "[slow]") {
    Alb alb;
    alb.set_up();
    alb.set_lb("idle_timeout.timeout_seconds", "1");
    std::mutex mutex;
    std::condition_variable released;
    bool over = false;
    Target target([&](const std::string&) {
        std::unique_lock lock(mutex);
        released.wait_for(lock, std::chrono::seconds(10), [&] { return over; });
        return std::string();
    });
    alb.register_target(target);
    Response response = alb.ask();
    CHECK(response.status() == 504);
    CHECK(response.body.size() == 132);
    {
        std::lock_guard lock(mutex);
        over = true;
    }
    released.notify_all();
}

TEST_CASE("an idle client is closed without a word; an unfinished request gets 408 (#30)",
          "[slow]") {
    Alb alb;
    alb.set_up();
    alb.set_lb("idle_timeout.timeout_seconds", "1");
    Client idle(alb.at());
    CHECK(idle.read_to_end().empty());
    Client slow(alb.at());
    slow.send("GET / HT");
    CHECK(slow.read().status() == 408);
}

TEST_CASE("the response's order, and what is kept (#94, #88, #89)") {
    Alb alb;
    Target target([](const std::string&) {
        return ok("hello",
                  "X-A: 1\r\nSet-Cookie: a=1\r\nServer: nginx\r\nset-cookie: a=1\r\nContent-Type: "
                  "text/x\r\n"
                  "X-Frame-Options: DENY\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    });
    alb.set_up();
    alb.register_target(target);
    alb.set_group("stickiness.enabled", "true");
    Response response = alb.ask();
    CHECK(names_of(response.head) ==
          "Date,Content-Type,Content-Length,Connection,set-cookie,set-cookie,X-A,"
          "Set-Cookie,Server,set-cookie,X-Frame-Options");
    CHECK(response.header("date") == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(response.body == "hello");
    alb.set_listener("routing.http.response.server.enabled", "false");
    alb.set_listener("routing.http.response.x_frame_options.header_value", "SAMEORIGIN");
    response = alb.ask();
    CHECK(response.header("server").empty());
    CHECK(response.header("x-frame-options") == "SAMEORIGIN");
    alb.control_plane->deregister_targets(alb.group_arn, {{"127.0.0.1", target.port()}});
    response = alb.ask();
    CHECK(response.status() == 503);
    CHECK(response.header("server").empty());
}

TEST_CASE("a body without length is chunked on, and trailers pass") {
    Alb alb;
    Target target([](const std::string&) {
        return std::string(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    });
    alb.set_up();
    alb.register_target(target);
    Client client(alb.at());
    client.send(
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    Response response = client.read();
    CHECK(response.header("transfer-encoding") == "chunked");
    CHECK(response.body == "5\r\nhello\r\n0\r\n\r\n");
    CHECK(target.last().ends_with("3\r\nabc\r\n0\r\n\r\n"));
}

TEST_CASE("rules over the wire: priority, path, host, method, header, query, source (#38 to #44)") {
    Alb alb;
    alb.set_up();
    auto fixed = [](const std::string& body) {
        return R"([{"Type":"fixed-response","FixedResponseConfig":{"StatusCode":"200","MessageBody":")" +
               body + R"("}}])";
    };
    alb.make_rule(30, R"([{"Field":"path-pattern","Values":["/a/*"]}])", fixed("path"));
    alb.make_rule(20, R"([{"Field":"path-pattern","Values":["/a/b"]}])", fixed("first"));
    alb.make_rule(40,
                  R"([{"Field":"host-header","HostHeaderConfig":{"Values":["*.example.com"]}}])",
                  fixed("host"));
    alb.make_rule(
        50,
        R"([{"Field":"http-header","HttpHeaderConfig":{"HttpHeaderName":"X-T","Values":["*two*"]}}])",
        fixed("header"));
    alb.make_rule(60,
                  R"([{"Field":"query-string","QueryStringConfig":{"Values":[{"Value":"v?"}]}}])",
                  fixed("query"));
    alb.make_rule(
        70,
        R"([{"Field":"http-request-method","HttpRequestMethodConfig":{"Values":["GET"]}},{"Field":"path-pattern","Values":["/m"]}])",
        fixed("method"));
    alb.make_rule(
        80,
        R"([{"Field":"source-ip","SourceIpConfig":{"Values":["127.0.0.0/8"]}},{"Field":"path-pattern","Values":["/s"]}])",
        fixed("source"));
    CHECK(alb.ask("/a/b").body == "first");
    CHECK(alb.ask("/a/c").body == "path");
    CHECK(alb.ask("/a").status() == 503);
    CHECK(alb.ask("/A/b").status() == 503);
    CHECK(Client(alb.at()).ask("GET / HTTP/1.1\r\nHost: X.Example.Com:80\r\n\r\n").body == "host");
    CHECK(Client(alb.at()).ask("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n").status() == 503);
    CHECK(alb.ask("/", "x-t: one\r\nX-T: is Two.\r\n").body == "header");
    CHECK(alb.ask("/?q=V1").body == "query");
    CHECK(alb.ask("/m").body == "method");
    CHECK(Client(alb.at()).ask("HEAD /m HTTP/1.1\r\nHost: a\r\n\r\n", true).status() == 503);
    CHECK(alb.ask("/s", "X-Forwarded-For: 9.9.9.9\r\n").body == "source");
    auto span = alb.span_of("/s");
    CHECK(span.decisions[0].key == "rule");
    CHECK(span.decisions[0].text.find("rule 80: source 127.0.0.1 is like 127.0.0.0/8") == 0);
    CHECK(span.decisions[0].text.find("rule 20 (path /s is not /a/b)") != std::string::npos);
}

TEST_CASE("redirect and fixed response (#45, #46, #47)") {
    Alb alb;
    alb.set_up();
    alb.call(
        "ModifyListener",
        R"({"ListenerArn":")" + alb.listener_arn +
            R"(","DefaultActions":[{"Type":"redirect","RedirectConfig":{"Protocol":"HTTPS","Port":"443","StatusCode":"HTTP_301"}}]})");
    Response response = alb.ask("/p/x?a=1&b=2");
    CHECK(response.status() == 301);
    CHECK(response.header("location") == "https://app.test:443/p/x?a=1&b=2");
    CHECK(response.header("content-length") == "134");
    CHECK(names_of(response.head) == "Server,Date,Content-Type,Content-Length,Connection,Location");
    CHECK(alb.ask("/p").header("location") == "https://app.test:443/p");
    alb.make_rule(
        1, R"([{"Field":"path-pattern","Values":["/f"]}])",
        R"([{"Type":"fixed-response","FixedResponseConfig":{"StatusCode":"404","ContentType":"text/plain","MessageBody":"no"}}])");
    response = alb.ask("/f", kChrome);
    CHECK(response.status() == 404);
    CHECK(response.body == "no");
}

TEST_CASE("WebSocket: tunnel, draining and log (#65)", "[slow]") {
    Alb alb;
    Target target([](const std::string&) {
        return std::string(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: x\r\n\r\nhello");
    });
    alb.set_up();
    alb.register_target(target);
    alb.set_lb("idle_timeout.timeout_seconds", "1");
    alb.set_lb("access_logs.s3.bucket", "logs");
    alb.set_lb("access_logs.s3.enabled", "true");
    {
        Client client(alb.at());
        Response response = client.ask(
            "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n");
        CHECK(response.status() == 101);
        CHECK(response.header("upgrade") == "websocket");
        CHECK(client.read_to_end() == "hello");  // then cut: nothing for a second
    }
    CHECK(target_header(target, "upgrade") == "websocket");
    CHECK(target_header(target, "connection") == "Upgrade");
    alb.listeners->stop();
    REQUIRE(alb.log_lines.size() == 1);
    CHECK(alb.log_lines[0].starts_with("ws "));
    CHECK(alb.log_lines[0].find(" 101 101 ") != std::string::npos);
}

TEST_CASE("protocol mismatch is 464 (#66)") {
    Alb alb;
    alb.set_up();
    CHECK(alb.ask("/", "Content-Type: application/grpc\r\n").status() == 464);
    std::string group = alb.make_group("h2", R"(,"ProtocolVersion":"HTTP2")");
    alb.make_rule(1, R"([{"Field":"path-pattern","Values":["/h2"]}])",
                  R"([{"Type":"forward","TargetGroupArn":")" + group + R"("}])");
    CHECK(alb.ask("/h2").status() == 464);
}

TEST_CASE("desync modes (#67, #69)") {
    Alb alb;
    Target target;
    alb.set_up();
    alb.register_target(target);
    const std::string both =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    {
        Client client(alb.at());
        Response response = client.ask(both);
        CHECK(response.status() == 200);
        CHECK(response.header("connection") == "close");
        CHECK(client.is_closed());
        alb.ask();
        CHECK(target.connections() == 2);  // the target's connection was closed too
    }
    CHECK(alb.ask("/", "Content-Length: 0\r\n").status() == 200);
    alb.set_lb("routing.http.desync_mitigation_mode", "monitor");
    {
        CHECK(Client(alb.at()).ask("POST /monitor" + both.substr(6)).status() == 200);
        CHECK(alb.span_of("/monitor").decisions[0].text == "Ambiguous, BothTeClPresent: forwarded");
    }
    alb.set_lb("routing.http.desync_mitigation_mode", "strictest");
    CHECK(Client(alb.at()).ask(both).status() == 400);
    CHECK(alb.ask("/", "Content-Length: 0\r\n").status() == 400);
    CHECK(alb.ask().status() == 200);
}

TEST_CASE("stickiness over the wire (#49, #50, #51, #52)") {
    Alb alb;
    Target one([](const std::string&) { return ok("one", "Set-Cookie: SESSION=1; Path=/\r\n"); });
    Target two([](const std::string&) { return ok("two"); });
    alb.set_up();
    alb.register_target(one);
    alb.register_target(two);
    SECTION("the balancer's own cookie") {
        alb.set_group("stickiness.enabled", "true");
        Response first = alb.ask();
        std::string cookies = first.header("set-cookie");
        CHECK(cookies.find("AWSALB=") != std::string::npos);
        CHECK(cookies.find("; Path=/; SameSite=None; Secure") != std::string::npos);
        std::string value = cookies.substr(cookies.find("AWSALB=") + 7);
        value = value.substr(0, value.find(';'));
        CHECK(value.size() == 128);
        for (int i = 0; i < 4; ++i)
            CHECK(alb.ask("/", "Cookie: AWSALB=" + value + "\r\n").body == first.body);
        CHECK(alb.ask("/", "Cookie: AWSALB=nonsense\r\n").status() == 200);
        // The target leaves: another one, and a new cookie.
        uint16_t gone = first.body == "one" ? one.port() : two.port();
        alb.control_plane->deregister_targets(alb.group_arn, {{"127.0.0.1", gone}});
        Response moved = alb.ask("/", "Cookie: AWSALB=" + value + "\r\n");
        CHECK(moved.body != first.body);
        CHECK(moved.header("set-cookie").find("AWSALB=" + value) == std::string::npos);
    }
    SECTION("the application's cookie starts the session") {
        alb.set_group("stickiness.app_cookie.cookie_name", "SESSION");
        alb.set_group("stickiness.type", "app_cookie");
        alb.set_group("stickiness.enabled", "true");
        bool set_for_one = false, set_for_two = false;
        for (int i = 0; i < 4; ++i) {
            Response response = alb.ask();
            bool set = response.header("set-cookie").find("AWSALBAPP-0=") != std::string::npos;
            (response.body == "one" ? set_for_one : set_for_two) |= set;
        }
        CHECK(set_for_one);
        CHECK_FALSE(set_for_two);
    }
    SECTION("a group's cookie outranks the weights") {
        std::string other = alb.make_group("other");
        alb.control_plane->deregister_targets(alb.group_arn, {{"127.0.0.1", two.port()}});
        alb.register_target(two, other);
        alb.call(
            "ModifyListener",
            R"({"ListenerArn":")" + alb.listener_arn +
                R"(","DefaultActions":[{"Type":"forward","ForwardConfig":{"TargetGroups":[{"TargetGroupArn":")" +
                alb.group_arn + R"(","Weight":1},{"TargetGroupArn":")" + other +
                R"(","Weight":1}],"TargetGroupStickinessConfig":{"Enabled":true,"DurationSeconds":60}}}]})");
        Response first = alb.ask();
        std::string cookies = first.header("set-cookie");
        CHECK(cookies.find("AWSALBTGCORS=") != std::string::npos);
        std::string value = cookies.substr(cookies.find("AWSALBTG=") + 9);
        value = value.substr(0, value.find(';'));
        for (int i = 0; i < 8; ++i)
            CHECK(alb.ask("/", "Cookie: AWSALBTG=" + value + "\r\n").body == first.body);
    }
}

TEST_CASE("access log lines (#70, #71)") {
    Alb alb;
    Target target;
    alb.set_up();
    alb.register_target(target);
    alb.make_rule(10, R"([{"Field":"path-pattern","Values":["/f"]}])",
                  R"([{"Type":"fixed-response","FixedResponseConfig":{"StatusCode":"200"}}])");
    alb.set_lb("access_logs.s3.bucket", "logs");
    alb.set_lb("access_logs.s3.enabled", "true");
    Client client(alb.at());
    client.ask(alb.get("/a?b=1", "User-Agent: te\"st\r\n"));
    client.ask(alb.get("/f"));
    alb.listeners->stop();
    REQUIRE(alb.log_lines.size() == 2);
    const std::string& line = alb.log_lines[0];
    INFO(line);
    CHECK(line.find("\"GET http://app.test:80/a?b=1 HTTP/1.1\" \"te\\\"st\" - - "
                    "arn:aws:elasticloadbalancing:") != std::string::npos);
    CHECK(line.find(" 200 200 ") != std::string::npos);
    CHECK(line.find("\"Root=1-") != std::string::npos);
    CHECK(line.find("\" \"-\" \"-\" 0 ") != std::string::npos);
    CHECK(alb.log_lines[1].find("\" \"-\" \"-\" 10 ") != std::string::npos);
    CHECK(alb.log_lines[1].find(" - -1 -1 -1 200 - ") != std::string::npos);
    // Fields outside of quotes and quoted ones.
    size_t fields = 1;
    bool quoted = false;
    for (size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '"' && (i == 0 || line[i - 1] != '\\')) quoted = !quoted;
        if (line[i] == ' ' && !quoted) ++fields;
    }
    CHECK(fields == 33);
    // Guide, "Access log files": a file every five minutes, named by their end.
    alb.log_files.step(alb.clock.now());
    CHECK(alb.log_keys.empty());
    alb.clock.advance(base::seconds(300));
    alb.log_files.step(alb.clock.now());
    REQUIRE(alb.log_keys.size() == 1);
    INFO(alb.log_keys[0]);
    CHECK(alb.log_keys[0].starts_with("logs/AWSLogs/123456789012/elasticloadbalancing/us-east-1/"));
    CHECK(alb.log_keys[0].find("_elasticloadbalancing_us-east-1_app.app.") != std::string::npos);
    CHECK(alb.log_keys[0].ends_with(".log.gz"));
}

TEST_CASE("access logs are turned on only for a bucket that takes them") {
    Alb alb;
    alb.set_up();
    std::string tried;
    alb.control_plane->on_log_bucket([&](const std::string& bucket, const std::string& key) {
        tried = bucket + "/" + key;
        return bucket == "mine";
    });
    alb.set_lb("access_logs.s3.bucket", "other");
    CHECK_THROWS_WITH(
        alb.set_lb("access_logs.s3.enabled", "true"),
        Catch::Contains("Access Denied for bucket: other. Please check S3bucket permission"));
    CHECK(tried.ends_with("/AWSLogs/123456789012/ELBAccessLogTestFile"));
    alb.set_lb("access_logs.s3.bucket", "mine");
    alb.set_lb("access_logs.s3.enabled", "true");
}

TEST_CASE("by Host on the viewer port") {
    Alb alb;
    Target target;
    alb.set_up(80);
    alb.register_target(target);
    CHECK(alb.balancer->owns("app.localhost:8080"));
    CHECK(alb.balancer->owns("APP.localhost"));
    CHECK_FALSE(alb.balancer->owns("other.localhost"));
    auto viewer = http::Server::open(net::Address::loopback(0), *alb.balancer, {});
    REQUIRE(viewer);
    (*viewer)->start();
    Response response =
        Client((*viewer)->address()).ask("GET / HTTP/1.1\r\nHost: app.localhost:8080\r\n\r\n");
    CHECK(response.status() == 200);
    CHECK(target_header(target, "host") == "app.localhost");
    CHECK(target_header(target, "x-forwarded-port") == "80");
}

TEST_CASE("the resolver finds a load balancer by its DNS name and declared port") {
    Alb alb;
    alb.set_up(80);
    std::string name = alb.control_plane->status().at(0).dns_name;
    CHECK(alb.resolver.knows(name, 80));
    alb.call("DeleteListener", R"({"ListenerArn":")" + alb.listener_arn + R"("})");
    CHECK_FALSE(alb.resolver.knows(name, 80));
    CHECK(alb.listeners->status().empty());
}
