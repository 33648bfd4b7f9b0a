// The codec: hostile and ordinary heads, chunked bodies, and what is written. RFC 9112; the names
// of the anomalies are those of alb.md §11.
#include "http/http1.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

using namespace http;
using namespace http::http1;
using namespace std::string_literals;

namespace {

struct Parsed {
    Progress progress;
    RequestHead head;
    Framing framing;
    size_t size_bytes = 0;
};

// `step` bytes at a time: the answer must not depend on how bytes arrive.
Parsed parse(std::string_view text, size_t step, Limits limits = {}) {
    HeadReader reader(MessageKind::Request, limits);
    reader.restart();
    Parsed parsed;
    size_t have = 0;
    do {
        have = std::min(text.size(), have + step);
        parsed.progress = reader.advance(text.substr(0, have));
    } while (parsed.progress == Progress::NeedMore && have < text.size());
    parsed.framing = fill(text, reader.spans(), parsed.head);
    parsed.size_bytes = reader.spans().size_bytes;
    return parsed;
}

std::string names(const std::vector<Anomaly>& anomalies) {
    std::string text;
    for (const auto anomaly : anomalies)
        text += (text.empty() ? "" : " ") + std::string(name_of(anomaly));
    return text;
}

std::string show(const HeaderList& headers) {
    std::string text;
    for (const auto& header : headers)
        text += header.name + "=" + header.value + ";";
    return text;
}

}  // namespace

TEST_CASE("Heads, spans and anomalies") {
    struct Row {
        std::string input;
        const char* method;
        const char* target;
        const char* headers;
        const char* anomalies;
    };
    const Row rows[] = {
        {"GET /a?b HTTP/1.1\r\nHost: x\r\nA:  b c \t\r\nA: d\r\n\r\n", "GET", "/a?b",
         "Host=x;A=b c;A=d;", ""},
        {"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET", "/", "Host=x;", ""},
        {"GET / HTTP/1.0\r\n\r\n", "GET", "/", "", ""},
        {"GET http://h/p HTTP/1.1\r\nHost: x\r\n\r\n", "GET", "http://h/p", "Host=x;", ""},
        {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS", "*", "Host=x;", ""},
        {"GET * HTTP/1.1\r\nHost: x\r\n\r\n", "GET", "*", "Host=x;", "BadTarget"},
        {"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", "CONNECT", "h:443", "Host=h:443;", ""},
        // alb.md §11: line ends, folding, colons.
        {"GET / HTTP/1.1\nHost: x\n\n", "GET", "/", "Host=x;", "BareLf"},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", "GET", "/", "Host=x;A=b\rc;", "BareCr"},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b \r\n \tc\r\n\r\n", "GET", "/", "Host=x;A=b c;",
         "ObsFold"},
        {"GET / HTTP/1.1\r\nHost: x\r\nA:\r\n b\r\n\r\n", "GET", "/", "Host=x;A=b;", "ObsFold"},
        {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET", "/", "Host=x;", "SpaceBeforeColon"},
        {"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", "GET", "/", "Host=x;=y;", "EmptyHeaderName"},
        {"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", "GET", "/", "Host=x;nonsense=;",
         "HeaderWithoutColon"},
        {"GET / HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n", "GET", "/", "Host=x;A B=c;",
         "BadHeaderName"},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n", "GET", "/", "Host=x;A=b\x01;",
         "BadHeaderValue"},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: \xc3\xa4\r\n\r\n", "GET", "/", "Host=x;A=\xc3\xa4;", ""},
        // Request lines.
        {"GET /\r\n", "GET", "/", "", "Http09"},
        {"test\n", "test", "", "", "BareLf Http09 BadTarget"},
        {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "GET", " /", "Host=x;", "BadTarget"},
        {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", "GET", "/a b", "Host=x;", "BadTarget"},
        {"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", "GET", "/\x01", "Host=x;", "BadTarget"},
        {"GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n", "GET", "/\xc3\xa4", "Host=x;",
         "NonAsciiTarget"},
        {"GET HTTP/1.1\r\nHost: x\r\n\r\n", "GET", "", "Host=x;", "BadTarget"},
        {"G(T / HTTP/1.1\r\nHost: x\r\n\r\n", "G(T", "/", "Host=x;", "BadMethod"},
        {" / HTTP/1.1\r\nHost: x\r\n\r\n", "", "/", "Host=x;", "BadMethod"},
        {"GET / HTTP/1.7\r\nHost: x\r\n\r\n", "GET", "/", "Host=x;", "BadVersion"},
        {"PRI * HTTP/2.0\r\n\r\n", "PRI", "*", "", "BadVersion BadTarget"},
        {"GET / HTTP/x\r\nHost: x\r\n\r\n", "GET", "/", "Host=x;", "BadVersion"},
        // Hosts.
        {"GET / HTTP/1.1\r\n\r\n", "GET", "/", "", "MissingHost"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "GET", "/", "Host=a;Host=a;",
         "MultipleHosts"},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "GET", "/", "Host=a/b;", "BadHost"},
        {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET", "/", "Host=[::1]:80;", ""},
    };
    for (const auto& row : rows) {
        for (const size_t step : {size_t(1), size_t(7), row.input.size()}) {
            INFO(row.input << " in steps of " << step);
            const auto parsed = parse(row.input, step);
            CHECK(parsed.progress == Progress::Complete);
            CHECK(parsed.size_bytes == row.input.size());
            CHECK(parsed.head.method == row.method);
            CHECK(parsed.head.target == row.target);
            CHECK(show(parsed.head.headers) == row.headers);
            CHECK(names(parsed.head.anomalies) == row.anomalies);
        }
    }
}

TEST_CASE("NUL in a head is noticed wherever it stands") {
    CHECK(names(parse("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"s, 99).head.anomalies) == "BadTarget");
    CHECK(names(parse("GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n"s, 99).head.anomalies) ==
          "BadHeaderValue");
    CHECK(names(parse("GET / HTTP/1.1\r\nHost: x\r\n\0: a\r\n\r\n"s, 99).head.anomalies) ==
          "BadHeaderName");
}

TEST_CASE("Framing of requests") {
    using enum BodyKind;
    struct Row {
        const char* headers;
        BodyKind body;
        uint64_t length;
        bool keep_alive;
        const char* anomalies;
    };
    const Row rows[] = {
        {"Content-Length: 5\r\n", Length, 5, true, ""},
        {"content-length: 0\r\n", None, 0, true, ""},
        {"", None, 0, true, "UndefinedContentLength"},
        {"Transfer-Encoding: Chunked\r\n", Chunked, 0, true, ""},
        {"Content-Length: 5\r\nContent-Length: 5\r\n", Length, 5, true, "MultipleContentLength"},
        {"Content-Length: 5\r\nContent-Length: 6\r\n", Undecidable, 0, false,
         "ConflictingContentLength"},
        {"Content-Length: 5,5\r\n", Undecidable, 0, false, "BadContentLength"},
        {"Content-Length: +5\r\n", Undecidable, 0, false, "BadContentLength"},
        {"Content-Length: -1\r\n", Undecidable, 0, false, "BadContentLength"},
        {"Content-Length: 0x5\r\n", Undecidable, 0, false, "BadContentLength"},
        {"Content-Length:\r\n", Undecidable, 0, false, "BadContentLength"},
        {"Content-Length: 99999999999999999999\r\n", Undecidable, 0, false, "BadContentLength"},
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Chunked, 0, false,
         "ContentLengthAndTransferEncoding"},
        {"Transfer-Encoding: xchunked\r\n", Undecidable, 0, false, "BadTransferEncoding"},
        {"Transfer-Encoding: chunked, gzip\r\n", Undecidable, 0, false, "BadTransferEncoding"},
        {"Transfer-Encoding: gzip, chunked\r\n", Chunked, 0, true, "BadTransferEncoding"},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Chunked, 0, true,
         "BadTransferEncoding MultipleTransferEncoding"},
        {"Transfer-Encoding : chunked\r\n", Chunked, 0, true, "SpaceBeforeColon"},
        {"Content-Length: 1\r\nConnection: x, Close\r\n", Length, 1, false, ""},
    };
    for (const auto& row : rows) {
        INFO(row.headers);
        const auto parsed = parse("POST / HTTP/1.1\r\nHost: x\r\n"s + row.headers + "\r\n", 999);
        CHECK(parsed.framing.body == row.body);
        if (row.body == Length) CHECK(parsed.framing.length == row.length);
        CHECK(parsed.framing.keep_alive == row.keep_alive);
        CHECK(names(parsed.head.anomalies) == row.anomalies);
    }
    CHECK(
        names(parse("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 99).head.anomalies) ==
        "GetOrHeadZeroContentLength");
    CHECK(
        names(parse("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 99).head.anomalies) ==
        "GetOrHeadWithBody");
    CHECK(
        names(parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 99).head.anomalies) ==
        "TransferEncodingInHttp10");
    CHECK_FALSE(parse("GET / HTTP/1.0\r\n\r\n", 99).framing.keep_alive);
    CHECK(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 99).framing.keep_alive);
    CHECK_FALSE(parse("GET /\r\n", 99).framing.keep_alive);
}

TEST_CASE("Oversized heads are told apart") {
    const Limits limits{20, 30, 100};
    struct Row {
        std::string input;
        const char* anomaly;
    };
    const Row rows[] = {
        {"GET /" + std::string(30, 'a'), "TargetTooLong"},
        {"GET / HTTP/1.1\r\nA: " + std::string(40, 'a'), "HeaderTooLarge"},
        {"GET / HTTP/1.1\r\n" + "A: aaaaaaaaaaaaaaaaaaaa\r\n"s + "A: aaaaaaaaaaaaaaaaaaaa\r\n" +
             "A: aaaaaaaaaaaaaaaaaaaa\r\n" + "A: aaaaaaaaaaaaaaaaaaaa\r\n",
         "HeadTooLarge"},
        {std::string(200, '\n'), "HeadTooLarge"},
    };
    for (const auto& row : rows) {
        for (const size_t step : {size_t(1), row.input.size()}) {
            const auto parsed = parse(row.input, step, limits);
            CHECK(parsed.progress == Progress::Oversized);
            CHECK(names(parsed.head.anomalies) == row.anomaly);
        }
    }
    CHECK(parse(rows[0].input, 99, limits).head.method == "GET");
}

TEST_CASE("Status lines and the framing of responses") {
    using enum BodyKind;
    struct Row {
        const char* text;
        int status;
        const char* reason;
        BodyKind body;
        bool keep_alive;
        const char* anomalies;
    };
    const Row rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200, "OK", Length, true, ""},
        {"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n", 200, "", Length, true, ""},
        {"HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\n", 200, "", Length, true, ""},
        {"HTTP/1.1 404 Not Here\nContent-Length: 0\n\n", 404, "Not Here", None, true, "BareLf"},
        {"HTTP/1.0 200 OK\r\n\r\n", 200, "OK", UntilClose, false, ""},
        {"HTTP/1.1 200 OK\r\n\r\n", 200, "OK", UntilClose, false, ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, "OK", Chunked, true, ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 200, "OK", UntilClose, false,
         "BadTransferEncoding"},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", 304, "Not Modified", None, true,
         ""},
        {"HTTP/1.1 204 No Content\r\n\r\n", 204, "No Content", None, true, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 200, "OK", Undecidable, false,
         "BadContentLength"},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n", 200, "OK", Length,
         false, ""},
        {"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n", 0, "", None, true, "BadStatusLine"},
        {"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", 0, "", None, true, "BadStatusLine"},
        {"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", 0, "", None, true, "BadStatusLine"},
        {"garbage\r\n\r\n", 0, "", None, false, "BadStatusLine"},
    };
    for (const auto& row : rows) {
        INFO(row.text);
        HeadReader reader(MessageKind::Response, {});
        reader.restart();
        REQUIRE(reader.advance(row.text) == Progress::Complete);
        ResponseHead head;
        const auto framing = fill(row.text, reader.spans(), head, "GET");
        CHECK(head.status == row.status);
        CHECK(head.reason == row.reason);
        CHECK(framing.body == row.body);
        if (row.status != 0) CHECK(framing.keep_alive == row.keep_alive);
        CHECK(names(head.anomalies) == row.anomalies);
    }
}

TEST_CASE("Chunked bodies") {
    struct Row {
        std::string input;
        const char* result;
    };  // "!" = bad, "…" = wants more
    const Row rows[] = {
        {"3\r\nabc\r\n0\r\n\r\n", "abc"},
        {"3;x=y\r\nabc\r\n2 ; z\r\nde\r\n0\r\n\r\n", "abcde"},
        {"0\r\nA: b\r\nC:d\r\n\r\n", "[A=b;C=d;]"},
        // RFC 9110 §6.5.1: what frames or routes a message does not come after it.
        {"0\r\nContent-Length: 9\r\nA: b\r\ntransfer-encoding: x\r\nHost: h\r\n\r\n", "[A=b;]"},
        {"00a\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
        {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
        {"3\r\nabc", "abc…"},
        {"0\r\n", "…"},
        {"\r\n", "!"},
        {"3\nabc\r\n", "!"},
        {"g\r\n", "!"},
        {"-1\r\n", "!"},
        {"0x3\r\nabc\r\n", "!"},
        {"3 abc\r\nabc\r\n", "!"},
        {"3\r\nabcd\r\n", "abc!"},
        {"3\r\nabc\n", "abc!"},
        {"ffffffffffffffff\r\n", "!"},
        {"3;" + std::string(5000, 'x') + "\r\nabc\r\n", "!"},
        {"3;a\x01\r\nabc\r\n", "!"},
        {"0\r\nno colon\r\n\r\n", "!"},
        {"0\r\n" + std::string(6, 'x') + ": " + std::string(4000, 'y') + "\r\n" + "a: b\r\n", "…"},
    };
    for (const auto& row : rows) {
        for (const size_t step : {size_t(1), row.input.size()}) {
            INFO(row.input.substr(0, 40) << " in steps of " << step);
            ChunkedDecoder decoder;
            std::string result, buffer;
            size_t fed = 0;
            auto state = ChunkedDecoder::State::NeedMore;
            while (state != ChunkedDecoder::State::End && state != ChunkedDecoder::State::Bad) {
                const auto turn = decoder.decode(buffer, 2);
                state = turn.state;
                result += turn.data;
                buffer.erase(0, turn.consumed);
                if (state != ChunkedDecoder::State::NeedMore) continue;
                if (fed == row.input.size()) break;
                buffer += row.input.substr(fed, step);
                fed = std::min(row.input.size(), fed + step);
            }
            if (state == ChunkedDecoder::State::Bad) result += "!";
            if (state == ChunkedDecoder::State::NeedMore) result += "…";
            if (!decoder.trailers().empty() && state == ChunkedDecoder::State::End)
                result += "[" + show(decoder.trailers()) + "]";
            CHECK(result == row.result);
        }
    }
    ChunkedDecoder decoder;
    std::string many = "0\r\n";
    for (int i = 0; i < 10; ++i)
        many += "a: " + std::string(2000, 'y') + "\r\n";
    CHECK(decoder.decode(many, 99).state == ChunkedDecoder::State::Bad);
}

TEST_CASE("Response heads keep the place of framing headers and set their value") {
    struct Row {
        HeaderList headers;
        BodyKind body;
        ConnectionValue connection;
        const char* expected;
    };
    using enum ConnectionValue;
    const Row rows[] = {
        {{{"A", "b"}}, BodyKind::Length, KeepAliveIfPresent, "A: b\r\nContent-Length: 7\r\n\r\n"},
        {{{"content-LENGTH", "99"}, {"A", "b"}},
         BodyKind::Length,
         Close,
         "content-LENGTH: 7\r\nA: b\r\nConnection: close\r\n\r\n"},
        {{{"Connection", "keep-alive"}, {"Location", "/"}},
         BodyKind::Length,
         Close,
         "Connection: close\r\nLocation: /\r\nContent-Length: 7\r\n\r\n"},
        {{{"Connection", "keep-alive"}},
         BodyKind::Length,
         KeepAliveIfPresent,
         "Connection: keep-alive\r\nContent-Length: 7\r\n\r\n"},
        {{}, BodyKind::Length, KeepAlive, "Content-Length: 7\r\nConnection: keep-alive\r\n\r\n"},
        {{{"Content-Length", "99"}, {"Transfer-Encoding", "gzip"}},
         BodyKind::Chunked,
         AsIs,
         "Transfer-Encoding: chunked\r\n\r\n"},
        {{{"Content-Length", "99"}}, BodyKind::None, AsIs, "Content-Length: 99\r\n\r\n"},
        {{{"Connection", "upgrade"}}, BodyKind::None, AsIs, "Connection: upgrade\r\n\r\n"},
        {{{"A", "b\r\nEvil: 1"}}, BodyKind::UntilClose, AsIs, "A: b  Evil: 1\r\n\r\n"},
    };
    for (const auto& row : rows) {
        std::string out;
        append_response_head(out, ResponseHead{.status = 200, .headers = row.headers}, row.body, 7,
                             row.connection);
        CHECK(out == "HTTP/1.1 200 OK\r\n"s + row.expected);
    }
    std::string out;
    append_response_head(out, ResponseHead{.status = 464}, BodyKind::Length, 0, AsIs);
    CHECK(out == "HTTP/1.1 464 \r\nContent-Length: 0\r\n\r\n");
    out.clear();
    append_response_head(out, ResponseHead{.status = 204, .headers = {{"Content-Length", "0"}}},
                         BodyKind::None, 0, AsIs);
    CHECK(out == "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST_CASE("Header lists keep order and spelling") {
    HeaderList headers{{"A", "1"}, {"b", "2"}, {"a", "3"}};
    CHECK(headers.joined("A") == "1, 3");
    CHECK(headers.all("a").size() == 2);
    CHECK(headers.get("B") == "2");
    headers.set("a", "4");
    CHECK(show(headers) == "A=4;b=2;");
    headers.set("c", "5");
    CHECK(headers.remove("B") == 1);
    CHECK(show(headers) == "A=4;c=5;");
    CHECK(headers.wire_bytes() == std::string("A: 4\r\nc: 5\r\n").size());
}
