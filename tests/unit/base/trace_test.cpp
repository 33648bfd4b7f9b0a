// The trace ring: budget, order, searches.
#include "base/trace.h"

#include <catch2/catch.hpp>

namespace {

base::Span span_named(std::string id, std::string parent = {}, std::string peer = {}) {
    base::Span span;
    span.hop = "edge";
    span.id = std::move(id);
    span.parent = std::move(parent);
    span.peer = std::move(peer);
    span.method = "GET";
    span.target = "/a";
    span.status = 200;
    span.decide("cache", "Miss: nothing stored under this key");
    return span;
}

std::vector<std::string> ids_of(const std::vector<base::Span>& spans) {
    std::vector<std::string> ids;
    for (const auto& span : spans)
        ids.push_back(span.id);
    return ids;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a span comes out of the ring as it went in") {
    base::TraceRing ring;
    base::Span span = span_named("abc", "parent", "127.0.0.1:9");
    span.resource = "E1";
    span.host = "example.org";
    span.sent_bytes = 77;
    span.started = base::Time(base::microseconds(123'456));
    span.took = base::microseconds(42);
    span.decisions[0].at = base::microseconds(7);
    CHECK(ring.add(span) == 1);
    base::Span read = ring.latest(1).at(0);
    CHECK(
        base::to_json(base::to_node(read)) ==
        R"({"sequence":1,"hop":"edge","resource":"E1","id":"abc","parent":"parent","peer":"127.0.0.1:9",)"
        R"("method":"GET","host":"example.org","target":"/a","status":200,"sent_bytes":77,)"
        R"("started":"1970-01-01T00:00:00.123456Z","took_us":42,)"
        R"("decisions":[{"key":"cache","text":"Miss: nothing stored under this key","at_us":7}]})");
}

TEST_CASE("the ring finds spans by id, parent, prefix, peer and sequence") {
    base::TraceRing ring;
    ring.add(span_named("first-id", "", "p1"));
    ring.add(span_named("second-id", "first-id", "p2"));
    ring.add(span_named("third-id", "other", "p1"));
    CHECK(ids_of(ring.latest(2)) == Strings{"third-id", "second-id"});
    CHECK(ids_of(ring.by_id("first-id")) == Strings{"first-id", "second-id"});
    CHECK(ids_of(ring.by_id("second")) == Strings{"second-id"});
    CHECK(ring.by_id("secon").empty());  // shorter than six characters
    CHECK(ids_of(ring.by_peer("p1", 9)) == Strings{"third-id", "first-id"});
    CHECK(ids_of(ring.by_peer("p1", 1)) == Strings{"third-id"});
    CHECK(ids_of(ring.since(1, 9)) == Strings{"second-id", "third-id"});
    CHECK(ids_of(ring.since(0, 1)) == Strings{"first-id"});
    CHECK(ring.since(3, 9).empty());
    CHECK(ring.last_sequence() == 3);
}

TEST_CASE("the oldest spans leave when the budget is used up, for records of any size") {
    size_t budget = GENERATE(300u, 1000u, 4096u, 10'000u);
    base::TraceRing ring(budget);
    for (int i = 1; i <= 500; ++i) {
        base::Span span = span_named("id" + std::to_string(i));
        span.host = std::string(static_cast<size_t>(i * 37 % 90), 'h');
        ring.add(std::move(span));
        auto held = ring.latest(1000);
        REQUIRE(!held.empty());
        size_t used = 0;
        for (size_t k = 0; k < held.size(); ++k) {
            REQUIRE(held[k].sequence == static_cast<uint64_t>(i) - k);
            REQUIRE(held[k].id == "id" + std::to_string(held[k].sequence));
            used += held[k].size_bytes();
        }
        REQUIRE(used <= budget);
    }
    CHECK(ring.since(0, 1000).size() == ring.latest(1000).size());
}

TEST_CASE("hostile spans are cut, not refused") {
    base::TraceRing ring(1 << 20);
    base::Span span = span_named("long");
    span.target = std::string(100'000, 'x');
    for (int i = 0; i < 1000; ++i)
        span.decide("k", "t");
    ring.add(std::move(span));
    base::Span read = ring.latest(1).at(0);
    CHECK(read.target.size() == base::kMaxTraceText);
    CHECK(read.decisions.size() == base::kMaxTraceDecisions);

    base::TraceRing tiny(100);
    CHECK(tiny.add(span_named(
              "does not fit at all: the record is larger than the whole budget is")) == 1);
    CHECK(tiny.latest(1).empty());
    CHECK(tiny.last_sequence() == 1);
}
