// Which spans belong to a request.
#include "scenarios/runner/spans.h"

#include <catch2/catch.hpp>

using namespace scenarios;
using base::Node;

namespace {

std::vector<Node> read(const char* text) {
    return base::parse_json(text)->items();
}

std::string hops(const std::vector<Node>& spans) {
    std::string out;
    for (const Node& span : spans)
        out += span["hop"].as_string() + (span["approximate"].as_bool() ? "? " : " ");
    return out;
}

constexpr const char* kSpans = R"([
  {"sequence": 1, "hop": "db", "id": "", "parent": "", "peer": "10.0.0.5:40", "started": "2026-11-24T15:00:00.002000Z", "took_us": 1000, "decisions": []},
  {"sequence": 2, "hop": "redis", "id": "", "parent": "", "peer": "10.0.0.5:41", "started": "2026-11-24T15:00:00.003500Z", "took_us": 100, "decisions": []},
  {"sequence": 3, "hop": "db", "id": "", "parent": "", "peer": "10.0.0.6:40", "started": "2026-11-24T15:00:00.002000Z", "took_us": 1000, "decisions": []},
  {"sequence": 4, "hop": "db", "id": "", "parent": "", "peer": "10.0.0.5:40", "started": "2026-11-24T15:00:00.020000Z", "took_us": 1000, "decisions": []},
  {"sequence": 5, "hop": "alb", "id": "Root=1", "parent": "cf-1", "started": "2026-11-24T15:00:00.001000Z", "took_us": 4000, "decisions": [{"key": "target", "text": "10.0.0.5:3000: round robin"}]},
  {"sequence": 6, "hop": "alb", "id": "Root=2", "parent": "cf-2", "started": "2026-11-24T15:00:00.003400Z", "took_us": 4000, "decisions": [{"key": "target", "text": "10.0.0.5:3000: round robin"}]},
  {"sequence": 7, "hop": "edge", "id": "cf-1", "parent": "", "peer": "127.0.0.1:9", "method": "GET", "target": "/a", "started": "2026-11-24T15:00:00.000000Z", "took_us": 6000, "decisions": []}])";

}  // namespace

TEST_CASE("hops are joined by ids; database and cache by the time at the task") {
    // Another request was at the task when Redis was asked, so that may be its.
    CHECK(hops(spans_of_request(read(kSpans), "cf-1", "", "GET", "/a")) == "edge alb db redis? ");
}

TEST_CASE("an answer without an id is found by its socket") {
    CHECK(hops(spans_of_request(read(kSpans), "", "127.0.0.1:9", "GET", "/a")) ==
          "edge alb db redis? ");
    CHECK(hops(spans_of_request(read(kSpans), "", "127.0.0.1:9", "GET", "/b")) == "");
    CHECK(hops(spans_of_request(read(kSpans), "cf-9", "", "GET", "/a")) == "");
}

TEST_CASE("a request whose answering hop has not written its span yet is not whole") {
    const std::string edge =
        R"({"hop": "edge", "id": "cf-1", "decisions": [{"key": "origin", "text": "api http://app-1.us-east-1.elb.amazonaws.com:80/a"}, )";
    const std::string bucket =
        R"({"hop": "edge", "id": "cf-1", "decisions": [{"key": "s3", "text": "S1"}]})";
    struct {
        const char* why;
        std::string spans;
        bool lacks;
    } rows[] = {
        {"nothing is known", "[]", false},
        {"the balancer's is to come",
         "[" + edge + R"({"key": "attempt", "text": "1: 201 in 40 ms"}]}])", true},
        {"it is there",
         "[" + edge +
             R"({"key": "attempt", "text": "1: 201 in 40 ms"}]}, {"hop": "alb", "id": "Root=1", "parent": "cf-1", "decisions": []}])",
         false},
        {"nobody answered",
         "[" + edge + R"({"key": "attempt", "text": "1: refused after 1 ms"}]}])", false},
        {"an answer of the second attempt",
         "[" + edge +
             R"({"key": "attempt", "text": "1: refused after 1 ms"}, {"key": "attempt", "text": "2: 200 in 1 ms"}]}])",
         true},
        {"another's server has no span",
         R"([{"hop": "edge", "id": "cf-1", "decisions": [{"key": "origin", "text": "o http://127.0.0.1:80/"}, {"key": "attempt", "text": "1: 200 in 1 ms"}]}])",
         false},
        {"the bucket's is to come", "[" + bucket + "]", true},
        {"the bucket's is there",
         "[" + bucket + R"(, {"hop": "s3", "id": "S1", "parent": "", "decisions": []}])", false},
        {"answered by the edge itself", R"([{"hop": "edge", "id": "cf-1", "decisions": []}])",
         false},
    };
    for (const auto& row : rows) {
        INFO(row.why);
        CHECK(lacks_a_hop(read(row.spans.c_str())) == row.lacks);
    }
}
