// Recordings: what passes, unchanged, and for how long it is kept (harness.md §2 rows 25 and 27).
#include "recorder/recorder.h"

#include <catch2/catch.hpp>

#include "http/content_coding.h"
#include "recorder/recorded_exchange.h"
#include "support/recorded_exchange.h"

using base::Node;

namespace {

struct Fixture {
    base::ManualClock clock;
    recorder::Recorder recorder{clock};
    std::string begin() { return (*recorder.ask(Node::object()))["id"].as_string(); }
    Node look(const std::string& id, bool end = false) {
        auto answer = recorder.ask(Node::object({{"id", id}, {"end", end}}));
        if (!answer) FAIL(answer.error());
        return std::move(*answer);
    }
    void pass(const std::string& target, size_t bytes = 0) {
        recorder::Passed passed;
        passed.number = recorder.next_number();
        passed.started = clock.real_now();
        passed.request.method = "GET";
        passed.request.target = target;
        passed.request.headers.add("Host", "d1.cloudfront.net");
        passed.response.status = 200;
        passed.response_body.add(std::string(bytes, 'x'));
        recorder.add(std::move(passed));
    }
};

http::RequestHead head_of(const std::string& method) {
    http::RequestHead head;
    head.method = method;
    head.target = "/a?b";
    head.headers = {{"Host", "d1.cloudfront.net"}, {"Content-Type", "text/plain"}};
    return head;
}

}  // namespace

TEST_CASE("a recording gives each look what came since, and ends without one") {
    Fixture fixture;
    fixture.pass("/before");
    CHECK_FALSE(fixture.recorder.is_active());
    const std::string one = fixture.begin(), two = fixture.begin();
    CHECK(fixture.recorder.is_active());
    fixture.pass("/a");
    CHECK(fixture.look(one)["entries"].items()[0]["request"]["url"].as_string() ==
          "http://d1.cloudfront.net/a");
    CHECK(fixture.look(one)["entries"].size() == 0);
    fixture.clock.advance(recorder::kLease - base::seconds(1));
    fixture.look(one);
    fixture.clock.advance(base::seconds(1));
    fixture.recorder.step();
    CHECK(fixture.recorder.recordings() == 1);  // nobody looked at the other
    CHECK_FALSE(fixture.recorder.ask(Node::object({{"id", two}})));
    fixture.pass("/b");
    CHECK(fixture.look(one, true)["entries"].size() == 1);
    CHECK_FALSE(fixture.recorder.is_active());
    CHECK_FALSE(fixture.recorder.ask(Node::object({{"id", one}})));
}

TEST_CASE("what a terminal would act on is told as bytes") {
    Fixture fixture;
    const std::string id = fixture.begin();
    fixture.pass("/a\x1b[2J\xff b");
    CHECK(fixture.look(id)["entries"].items()[0]["request"]["url"].as_string() ==
          "http://d1.cloudfront.net/a%1B[2J%FF%20b");
}

TEST_CASE("what nobody reads has an end, and so has the number of recordings") {
    Fixture fixture;
    const std::string id = fixture.begin();
    const size_t fit = recorder::kMaxHeldBytes / recorder::kMaxBodyBytes;
    for (size_t i = 0; i < fit + 5; ++i)
        fixture.pass("/large", recorder::kMaxBodyBytes + 1);
    const Node news = fixture.look(id);
    CHECK(news["entries"].size() < fit + 1);
    CHECK(news["missed"].as_int() == static_cast<int64_t>(fit + 5 - news["entries"].size()));
    CHECK(news["entries"].items()[0]["_cut"] == Node::array({"response"}));
    for (size_t i = 1; i < recorder::kMaxRecordings; ++i)
        fixture.begin();
    const auto refused = fixture.recorder.ask(Node::object());
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error(), Catch::Matchers::Contains("under way already"));
}

TEST_CASE("an exchange passes unchanged while it is copied") {
    Fixture fixture;
    const std::string id = fixture.begin();
    support::RecordedExchange inner(head_of("POST"), "what was sent");
    {
        recorder::RecordedExchange exchange(inner, fixture.recorder, fixture.clock);
        exchange.request().target = "/edited";  // as a handler may
        CHECK(*http::read_all(exchange.body(), 100, net::Deadline::never()) == "what was sent");
        fixture.clock.advance(base::milliseconds(5));
        http::ResponseHead head{200};
        head.headers.add("Content-Type", "application/json");
        auto writer = exchange.respond_streaming(head, http::BodyFraming::Auto);
        REQUIRE(writer);
        CHECK((*writer)->write("{\"a\":", net::Deadline::never()));
        CHECK((*writer)->write("1}", net::Deadline::never()));
        CHECK((*writer)->finish(net::Deadline::never()));
    }
    CHECK(inner.response_body == "{\"a\":1}");
    const Node entry = fixture.look(id)["entries"].items().at(0);
    CHECK(entry["request"]["url"].as_string() == "http://d1.cloudfront.net/a?b");
    CHECK(entry["request"]["postData"]["text"].as_string() == "what was sent");
    CHECK(entry["request"]["postData"]["mimeType"].as_string() == "text/plain");
    CHECK(entry["response"]["content"]["text"].as_string() == "{\"a\":1}");
    CHECK(entry["time"].as_double() == 5);
}

TEST_CASE("a coding is undone in the copy alone; bytes are base64") {
    Fixture fixture;
    const std::string id = fixture.begin();
    for (const auto coding : {http::ContentCoding::Gzip, http::ContentCoding::Brotli}) {
        const std::string packed = http::encode_all(coding, "plain text");
        support::RecordedExchange inner(head_of("GET"));
        {
            recorder::RecordedExchange exchange(inner, fixture.recorder, fixture.clock);
            http::ResponseHead head{200};
            head.headers.add("Content-Encoding", http::name_of(coding));
            CHECK(exchange.respond(head, packed));
        }
        CHECK(inner.response_body == packed);
        CHECK(fixture.look(id)["entries"].items()[0]["response"]["content"]["text"].as_string() ==
              "plain text");
    }
    support::RecordedExchange inner(head_of("GET"));
    recorder::RecordedExchange(inner, fixture.recorder, fixture.clock)
        .respond_prepared(200, "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n", {"\xff\xfe", false})
        .value();
    const Node content = fixture.look(id)["entries"].items()[0]["response"]["content"];
    CHECK(content["encoding"].as_string() == "base64");
    CHECK(content["text"].as_string() == "//4=");
}

TEST_CASE(
    "a refusal's request is recorded whole; a tunnel, a silence and the edge itself are not") {
    Fixture fixture;
    const std::string id = fixture.begin();
    {
        support::RecordedExchange inner(head_of("POST"), "unread");
        recorder::RecordedExchange exchange(inner, fixture.recorder, fixture.clock);
        CHECK(exchange.respond({403}, "no"));
    }
    {
        support::RecordedExchange inner(head_of("GET"));
        recorder::RecordedExchange exchange(inner, fixture.recorder, fixture.clock);
        std::string early;
        CHECK(exchange.upgrade({101}, early));
    }
    {
        support::RecordedExchange inner(head_of("GET"));
        recorder::RecordedExchange exchange(inner, fixture.recorder, fixture.clock);
    }
    const Node entries = fixture.look(id)["entries"];
    REQUIRE(entries.size() == 1);
    CHECK(entries.items()[0]["request"]["postData"]["text"].as_string() == "unread");
    auto head = head_of("GET");
    CHECK(recorder::is_recorded(head));
    head.headers.add("X-Amz-Cf-Id", "x");
    CHECK_FALSE(recorder::is_recorded(head));
}

TEST_CASE("codings are read back within a limit, and nothing else") {
    const std::string text(100'000, 'a');
    for (const auto coding : {http::ContentCoding::Gzip, http::ContentCoding::Brotli}) {
        const std::string name(http::name_of(coding)), packed = http::encode_all(coding, text);
        CHECK(http::decode_all(name, packed, text.size()) == text);
        CHECK_FALSE(http::decode_all(name, packed, text.size() - 1));
        CHECK_FALSE(http::decode_all(name, packed.substr(0, packed.size() - 1), text.size()));
        CHECK_FALSE(http::decode_all(name, "nonsense", text.size()));
    }
    CHECK_FALSE(http::decode_all("zstd", text, text.size()));
}
