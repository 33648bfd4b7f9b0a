// Faults have a lease by the stack's clock, and say what is wrong with a request for one.
#include "faults/faults.h"

#include <catch2/catch.hpp>

namespace {
base::Node input(const char* text) {
    return *base::parse_json(text);
}
}  // namespace

TEST_CASE("a fault ends with its lease") {
    base::ManualClock clock;
    faults::Faults faults(clock);
    CHECK(!faults.active("db"));
    auto fault = faults.set(
        input(R"({"target":"db","kind":"latency","latency":"250ms","jitter":"1s","lease":"30s"})"));
    REQUIRE(fault);
    CHECK(fault->jitter == fault->latency);
    CHECK(faults.active("db")->latency == base::milliseconds(250));
    CHECK(!faults.active("redis"));
    clock.advance(base::seconds(31));
    CHECK(!faults.active("db"));
    CHECK(faults.list().empty());
}

TEST_CASE("the newest fault of a target holds; clearing it brings back the older") {
    base::ManualClock clock;
    faults::Faults faults(clock);
    REQUIRE(faults.set(input(R"({"target":"db","kind":"hang"})")));
    auto down = faults.set(input(R"({"target":"db","kind":"down"})"));
    CHECK(faults.active("db")->kind == faults::Kind::Down);
    CHECK(faults.clear(down->id));
    CHECK(!faults.clear(down->id));
    CHECK(faults.active("db")->kind == faults::Kind::Hang);
}

TEST_CASE("a fault that makes no sense is refused with what would") {
    base::ManualClock clock;
    faults::Faults faults(clock);
    for (auto [text, message] :
         {std::pair{R"({"target":"mars","kind":"down"})", "targets are edge, origin:NAME"},
          {R"({"target":"db","kind":"explode"})", "its faults are down, latency"},
          {R"({"target":"db","kind":"latency","latency":"much"})", "takes a duration"}}) {
        auto fault = faults.set(input(text));
        REQUIRE(!fault);
        CHECK_THAT(fault.error(), Catch::Matchers::Contains(message));
    }
}

TEST_CASE("a lease is real time, and can be renewed while it runs") {
    base::ManualClock clock;
    faults::Faults faults(clock);
    auto fault = faults.set(input(R"({"target":"edge","fault":"cold","lease":"15s"})"));
    REQUIRE(fault);
    clock.advance(base::seconds(10));
    REQUIRE(faults.renew(fault->id, input(R"({"lease":"15s"})")));
    clock.advance(base::seconds(10));
    CHECK(faults.active("edge"));
    clock.advance(base::seconds(6));
    CHECK(!faults.active("edge"));
    CHECK(!faults.renew(fault->id, input("{}")));
}

TEST_CASE("a fault is found by what its target stands for, in one part or two") {
    base::ManualClock clock;
    faults::Faults faults(clock);
    REQUIRE(faults.set(input(R"({"target":"target:backend","fault":"hang"})"),
                       {"target:arn:tg", "target:10.0.1.5"}));
    REQUIRE(faults.set(input(R"({"target":"origin:alb","fault":{"error":502}})")));
    CHECK(faults.active("target:", "10.0.1.5")->kind == faults::Kind::Hang);
    CHECK(faults.active("target:", "arn:tg"));
    CHECK(!faults.active("target:", "10.0.1.50"));
    CHECK(faults.active("origin:", "alb")->status == 502);
    CHECK(!faults.active("origin:", "al"));
}

TEST_CASE("a hop that is held goes on as soon as the fault is over") {
    base::SystemClock clock;
    faults::Faults faults(clock);
    auto fault = faults.set(input(R"({"target":"db","fault":"hang"})"));
    REQUIRE(fault);
    CHECK(faults.hold(*fault, base::milliseconds(5)));
    faults.clear_all();
    CHECK(!faults.hold(*fault, std::chrono::minutes(10)));
}
