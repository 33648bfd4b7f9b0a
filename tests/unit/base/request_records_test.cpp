// Counts, probes and failures of requests: what is kept, and what is let go.
#include "base/request_records.h"

#include <catch2/catch.hpp>

using namespace base;

TEST_CASE("a target's requests are counted by where they came from and how they ended") {
    TargetRecord record;
    record.count(TargetRecord::From::Edge, TargetRecord::End::Answered);
    record.count(TargetRecord::From::Edge, TargetRecord::End::Failed);
    record.count(TargetRecord::From::Elsewhere, TargetRecord::End::Answered);
    const RequestCounts counts = record.counts();
    CHECK(counts.requests == 3);
    CHECK(counts.through_edge == 2);
    CHECK(counts.failed == 1);
}

TEST_CASE("a target keeps its last probes") {
    TargetRecord record;
    for (size_t i = 0; i < kProbesKept + 3; ++i)
        record.add_probe({Time(seconds(i)), i % 2 == 0, std::string(1000, 'x')});
    CHECK(record.probes_made() == kProbesKept + 3);
    REQUIRE(record.probes().size() == kProbesKept);
    CHECK(record.probes().front().at == Time(seconds(3)));
    CHECK(record.probes().front().text.size() == kMaxFailureText);
}

TEST_CASE("failures are bounded, and say from when on they are complete") {
    RequestFailures failures;
    CHECK(failures.complete_since() == Time{});
    for (size_t i = 0; i <= kFailuresKept; ++i) {
        RequestFailure failure;
        failure.at = Time(seconds(i));
        failures.add(failure);
    }
    CHECK(failures.between(Time{}, Time(seconds(10 * kFailuresKept))).size() == kFailuresKept);
    CHECK(failures.between(Time(seconds(5)), Time(seconds(7))).size() == 3);
    CHECK(failures.complete_since() > Time{});
    CHECK(failures.complete_since() <= Time(seconds(1)));
}
