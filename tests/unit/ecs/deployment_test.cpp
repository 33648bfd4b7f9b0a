// ecs-ecr.md §10 and §11: the tables of the rolling update and of the circuit breaker.
#include "ecs/deployment.h"

#include <catch2/catch.hpp>

using namespace ecs;

TEST_CASE("the minimum is rounded up, the maximum down") {
    struct Row {
        int desired, minimum, maximum;
        Bounds expected;
    };
    auto row = GENERATE(Row{1, 100, 200, {1, 2}}, Row{1, 0, 100, {0, 1}}, Row{1, 100, 100, {1, 1}},
                        Row{2, 50, 100, {1, 2}}, Row{3, 50, 200, {2, 6}}, Row{4, 50, 100, {2, 4}},
                        Row{5, 100, 150, {5, 7}}, Row{10, 90, 110, {9, 11}},
                        Row{0, 100, 200, {0, 0}}, Row{3, 33, 134, {1, 4}});
    CAPTURE(row.desired, row.minimum, row.maximum);
    CHECK(rolling_bounds(row.desired, row.minimum, row.maximum) == row.expected);
}

TEST_CASE("the breaker's threshold is half of the desired count, 3 to 200") {
    struct Row {
        int desired, expected;
    };
    auto row = GENERATE(Row{0, 3}, Row{1, 3}, Row{6, 3}, Row{7, 4}, Row{10, 5} /* #49 */,
                        Row{25, 13}, Row{400, 200}, Row{1000, 200});
    CHECK(failure_threshold({.enabled = true}, row.desired) == row.expected);
}

TEST_CASE("a configured threshold replaces the percentage or the bounds") {
    CircuitBreaker count{
        .enabled = true, .threshold = CircuitBreaker::Threshold::Count, .threshold_value = 2};
    CHECK(failure_threshold(count, 100) == 2);
    CircuitBreaker unbounded{.enabled = true,
                             .threshold = CircuitBreaker::Threshold::UnboundedPercent,
                             .threshold_value = 25};
    CHECK(failure_threshold(unbounded, 4) == 1);
    CHECK(failure_threshold(unbounded, 2000) == 500);
    CircuitBreaker bounded{.enabled = true, .threshold_value = 100};
    CHECK(failure_threshold(bounded, 10) == 10);
}

TEST_CASE("what counts as a failed task") {
    CHECK(counts_as_failure({}));                         // never reached RUNNING
    CHECK(counts_as_failure({.reached_running = true}));  // exited before it was healthy
    CHECK_FALSE(counts_as_failure({.reached_running = true, .was_healthy = true}));  // exited later
    CHECK(counts_as_failure({.stopped_by_scheduler_or_user = true,
                             .failed_health_check = true,
                             .reached_running = true}));
    CHECK_FALSE(
        counts_as_failure({.stopped_by_scheduler_or_user = true}));  // scale-in while it started
}

TEST_CASE("restarts slow down only for tasks that never reach RUNNING") {
    using base::seconds;
    CHECK(restart_delay(0, Reached::NeverRunning) == seconds(0));
    CHECK(restart_delay(1, Reached::NeverRunning) == seconds(10));
    CHECK(restart_delay(kThrottledFrom, Reached::NeverRunning) == seconds(20));
    CHECK(restart_delay(kThrottledFrom + 2, Reached::NeverRunning) == seconds(80));
    CHECK(restart_delay(50, Reached::NeverRunning) == seconds(27 * 60));
    CHECK(restart_delay(50, Reached::Running) == seconds(10));
}
