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
