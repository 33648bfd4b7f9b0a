// Which jobs begin next. Source: GitHub docs, strategy.max-parallel; "Control the concurrency of
// workflows and jobs".
#include <catch2/catch.hpp>

#include "scenarios/workflow/schedule.h"

using workflow::JobState;
using enum JobState::At;

TEST_CASE("jobs that begin, are stopped, or lose their place", "[workflow]") {
    using List = std::vector<size_t>;
    const struct {
        const char* what;
        std::vector<JobState> jobs;
        List begin, stop, drop;
        size_t most = workflow::kMostJobsAtOnce;
    } cases[] = {
        {"nothing", {}, {}, {}, {}},
        {"all that wait", {{Waiting, 0}, {Running, 1}, {Over, 2}, {Waiting, 3}}, {0, 3}, {}, {}},
        {"as many as there is room for",
         {{Running, 0}, {Waiting, 1}, {Waiting, 2}},
         {1},
         {},
         {},
         2},
        {"max-parallel of a matrix",
         {{Waiting, 0, 2}, {Waiting, 0, 2}, {Waiting, 0, 2}, {Waiting, 1}},
         {0, 1, 3},
         {},
         {}},
        {"room once one is over",
         {{Over, 0, 2}, {Running, 0, 2}, {Waiting, 0, 2}, {Waiting, 0, 2}},
         {2},
         {},
         {}},
        {"one of a group", {{Waiting, 0, 0, "g"}, {Waiting, 1, 0, "g"}}, {0}, {}, {}},
        {"other groups", {{Waiting, 0, 0, "g"}, {Waiting, 1, 0, "h"}}, {0, 1}, {}, {}},
        {"the later takes the place of the one that waits",
         {{Running, 0, 0, "g"}, {Waiting, 1, 0, "g"}, {Waiting, 2, 0, "g"}},
         {},
         {},
         {1}},
        {"cancel-in-progress", {{Running, 0, 0, "g"}, {Waiting, 1, 0, "g", true}}, {}, {0}, {}},
        {"of two that begin together the second does not cancel what has not begun",
         {{Waiting, 0, 0, "g"}, {Waiting, 1, 0, "g", true}},
         {0},
         {},
         {}},
        {"the group is free again", {{Over, 0, 0, "g"}, {Waiting, 1, 0, "g"}}, {1}, {}, {}},
    };
    for (const auto& each : cases) {
        CAPTURE(each.what);
        const auto moves = workflow::next_moves(each.jobs, each.most);
        CHECK(moves.begin == each.begin);
        CHECK(moves.stop == each.stop);
        CHECK(moves.drop == each.drop);
    }
}
