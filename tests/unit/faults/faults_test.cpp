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
         {std::pair{R"({"target":"mars","kind":"down"})", "targets: db, redis"},
          {R"({"target":"db","kind":"explode"})", "kinds: down, latency"},
          {R"({"target":"db","kind":"latency","latency":"much"})", "takes a duration"}}) {
        auto fault = faults.set(input(text));
        REQUIRE(!fault);
        CHECK_THAT(fault.error(), Catch::Matchers::Contains(message));
    }
}
