// The table of faults: what can be said about each target, read and written back.
#include "base/fault_kinds.h"

#include <algorithm>
#include <catch2/catch.hpp>

TEST_CASE("faults are read as a word or as an object, and written back") {
    struct Case {
        const char *target, *how, *shown, *node;
    };
    const Case cases[] = {
        {"db", R"("down")", "db down", R"({"down":true})"},
        {"db", R"({"latency":"700ms","jitter":"50ms"})", "db latency 700ms ± 50ms",
         R"({"latency":"700ms","jitter":"50ms"})"},
        {"redis", R"({"latency":"1s","jitter":"2s"})", "redis latency 1000ms ± 1000ms",
         R"({"latency":"1000ms","jitter":"1000ms"})"},
        {"redis", R"("readonly")", "redis readonly", R"({"readonly":true})"},
        {"db", R"({"down":true})", "db down", R"({"down":true})"},
        {"origin:alb", R"("error")", "origin:alb error 503", R"({"error":503})"},
        {"origin:alb", R"({"error":502})", "origin:alb error 502", R"({"error":502})"},
        {"s3", R"({"slow":"64KiB"})", "s3 slow 65536 bytes/s", R"({"slow":65536})"},
        {"disk", R"("slow")", "disk slow 1024 bytes/s", R"({"slow":1024})"},
        {"disk", R"({"slow":500})", "disk slow 500 bytes/s", R"({"slow":500})"},
        {"target:backend[0]", R"("kill")", "target:backend[0] kill KILL", R"({"kill":"KILL"})"},
        {"target:backend", R"({"kill":"TERM"})", "target:backend kill TERM", R"({"kill":"TERM"})"},
        {"edge", R"("cold")", "edge cold", R"({"cold":true})"},
        {"registry", R"("missing")", "registry missing", R"({"missing":true})"},
    };
    for (const Case& c : cases) {
        INFO(c.target << " " << c.how);
        auto spec = base::parse_fault(c.target, *base::parse_json(c.how));
        REQUIRE(spec);
        CHECK(base::show_fault(*spec) == c.shown);
        CHECK(base::to_json(base::fault_node(*spec)) == c.node);
    }
    CHECK(base::show_fault(*base::parse_fault("db", {"latency", "1s", "10ms"})) ==
          "db latency 1000ms ± 10ms");
    CHECK(!base::parse_fault("db", std::vector<std::string>{"latency", "1s", "10ms", "x"}));
}

TEST_CASE("rates are bytes per second") {
    for (auto [text, bytes] : {std::pair{"64KiB", 65536},
                               {"1MB", 1000000},
                               {"5 KB/s", 5000},
                               {"12", 12},
                               {"9B", 9},
                               {"2MiB", 2 << 20}}) {
        INFO(text);
        CHECK(base::parse_rate(text) == static_cast<uint64_t>(bytes));
    }
    for (const char* text : {"", "0", "fast", "KiB", "-1", "1.5MB"}) {
        INFO(text);
        CHECK(!base::parse_rate(text));
    }
}

TEST_CASE("every target has faults, and every kind somebody it can break") {
    for (const auto& target : base::fault_targets())
        CHECK(!target.kinds.empty());
    for (const auto& kind : base::fault_kinds()) {
        const auto targets = base::fault_targets();
        CHECK(std::any_of(targets.begin(), targets.end(),
                          [&](const auto& target) { return target.takes(kind.kind); }));
    }
}
