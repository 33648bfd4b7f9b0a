// ecs-ecr.md §10 "Scheduler tick", §27 #40 to #52: plans as text, one line per situation.
#include "ecs/plan.h"

#include <catch2/catch.hpp>
#include <sstream>

using namespace ecs;

namespace {

constexpr base::Time kNow{base::seconds(1000)};

// "P+" primary healthy, "P." running but not healthy, "P~" starting, "P!" failing, "P-" leaving;
// "O…" of an older deployment. Ids are a, b, c … in order, and so are ages.
ServiceView service(int desired, int minimum, int maximum, const std::string& tasks) {
    ServiceView view;
    view.desired = desired;
    view.minimum_percent = minimum;
    view.maximum_percent = maximum;
    view.primary.id = "P";
    std::istringstream words(tasks);
    std::string word;
    char id = 'a';
    bool has_older = false;
    while (words >> word) {
        TaskView task;
        task.id = std::string(1, id++);
        task.deployment = word.substr(0, 1);
        has_older |= task.deployment == "O";
        task.created_at = base::Time(base::seconds(id));
        task.phase = word[1] == '~'   ? TaskView::Phase::Starting
                     : word[1] == '-' ? TaskView::Phase::Leaving
                                      : TaskView::Phase::Running;
        task.healthy = word[1] == '+';
        if (word[1] == '!') task.failing = "Task failed container health checks";
        view.tasks.push_back(task);
    }
    if (has_older) view.older = {"O"};
    return view;
}

std::string show(const Plan& plan) {
    std::string text;
    for (const Action& action : plan) {
        if (!text.empty()) text += ' ';
        switch (action.kind) {
            case Action::Kind::Start: text += "start" + std::to_string(action.count); break;
            case Action::Kind::Stop:
                text += (action.why == Action::Why::Unhealthy ? "replace:" : "stop:") + action.id;
                break;
            case Action::Kind::Complete: text += "complete"; break;
            case Action::Kind::Fail: text += "fail"; break;
            case Action::Kind::RollBack: text += "rollback"; break;
            case Action::Kind::Stuck: text += "stuck"; break;
            case Action::Kind::Gone: text += "gone"; break;
        }
    }
    return text;
}

}  // namespace

TEST_CASE("a rolling deployment keeps the minimum and the maximum") {
    struct Row {
        const char* what;
        int desired, minimum, maximum;
        const char* tasks;
        const char* expected;
    };
    auto row = GENERATE(
        Row{"#40 the new task starts first", 1, 100, 200, "O+", "start1"},
        Row{"#40 the old one stays while the new one starts", 1, 100, 200, "O+ P~", ""},
        Row{"#45 … and until it is healthy", 1, 100, 200, "O+ P.", ""},
        Row{"#40 then the old one goes", 1, 100, 200, "O+ P+", "stop:a"},
        Row{"not complete while the old one drains", 1, 100, 200, "O- P+", ""},
        Row{"#53 complete when it is gone", 1, 100, 200, "P+", "complete"},
        Row{"#41 without a minimum the old one stops first", 1, 0, 100, "O+", "stop:a"},
        Row{"#41 … and to its end", 1, 0, 100, "O-", ""},
        Row{"#41 … then the new one starts", 1, 0, 100, "", "start1"},
        Row{"#42 half of them stop first", 4, 50, 100, "O+ O+ O+ O+", "stop:a stop:b"},
        Row{"#42 never above four: who leaves is still there", 4, 50, 100, "O- O- O+ O+", ""},
        Row{"#42 each that is gone makes room for one", 4, 50, 100, "O- O+ O+", "start1"},
        Row{"#42 two healthy are kept", 4, 50, 100, "O+ O+ P~ P~", ""},
        Row{"#42 one healthy new task frees one old", 4, 50, 100, "O+ O+ P+ P~", "stop:a"},
        Row{"#43 two extra at a time", 5, 100, 150, "O+ O+ O+ O+ O+", "start2"},
        Row{"#43 who leaves is counted", 5, 100, 150, "O- O+ O+ O+ O+ P+", "start1"},
        Row{"#43 no more until they are healthy", 5, 100, 150, "O+ O+ O+ O+ O+ P~ P.", ""},
        Row{"#44 no room and nothing to spare", 1, 100, 100, "O+", "stuck"},
        Row{"old tasks that are not healthy protect nobody", 2, 100, 200, "O~ O+ P~ P~", "stop:a"},
        Row{"a superseded rollout's tasks go too", 2, 100, 200, "O+ O+ O. P~ P~", "stop:c"},
        Row{"desired 0 empties it", 0, 100, 200, "O+ P+", "stop:a stop:b"},
        Row{"desired 0 is complete when empty", 0, 100, 200, "", "complete"});
    CAPTURE(row.what);
    CHECK(show(make_plan(service(row.desired, row.minimum, row.maximum, row.tasks), kNow)) ==
          row.expected);
}

TEST_CASE("a completed deployment is kept at its size") {
    struct Row {
        const char* what;
        int desired, minimum, maximum;
        const char* tasks;
        const char* expected;
    };
    auto row = GENERATE(
        Row{"nothing to do", 2, 100, 200, "P+ P+", ""},
        Row{"scale out", 4, 100, 200, "P+ P+", "start2"},
        Row{"scale in takes the newest", 1, 100, 200, "P+ P+ P+", "stop:c stop:b"},
        Row{"scale in takes one that is not healthy first", 2, 100, 200, "P+ P. P+", "stop:b"},
        Row{"an unhealthy task's replacement starts first", 1, 100, 200, "P!", "start1"},
        Row{"the unhealthy one stays until the replacement is healthy", 1, 100, 200, "P! P~", ""},
        Row{"then it goes", 1, 100, 200, "P! P+", "replace:a"},
        Row{"without room one unhealthy task goes first", 2, 50, 100, "P! P+", "replace:a"},
        Row{"outside of a deployment, who leaves takes no room", 1, 0, 100, "P-", "start1"},
        Row{"a replacement that fails too is taken away", 1, 100, 200, "P! P!", "replace:a"});
    CAPTURE(row.what);
    ServiceView view = service(row.desired, row.minimum, row.maximum, row.tasks);
    view.primary.completed = true;
    CHECK(show(make_plan(view, kNow)) == row.expected);
}

TEST_CASE("in a rollout an unhealthy new task makes room at once") {
    CHECK(show(make_plan(service(1, 100, 200, "O+ P!"), kNow)) == "replace:b");
    CHECK(show(make_plan(service(1, 100, 200, "O+ P-"), kNow)) == "");
    CHECK(show(make_plan(service(1, 100, 200, "O+"), kNow)) == "start1");
}

TEST_CASE("back-off holds starts, not stops") {
    ServiceView view = service(1, 100, 200, "O+");
    view.primary.next_start_at = kNow + base::seconds(1);
    CHECK(show(make_plan(view, kNow)) == "");
    CHECK(show(make_plan(view, kNow + base::seconds(1))) == "start1");
}

TEST_CASE("the breaker fails a rollout and goes back where there is somewhere to go") {
    ServiceView view = service(1, 100, 200, "O+ P~");
    view.breaker = {.enabled = true, .rollback = true};
    view.primary.failed_tasks = 2;
    view.has_completed_predecessor = true;
    CHECK(show(make_plan(view, kNow)) == "");
    view.primary.failed_tasks = 3;                          // #48
    CHECK(show(make_plan(view, kNow)) == "fail rollback");  // #50
    view.breaker.rollback = false;
    CHECK(show(make_plan(view, kNow)) == "fail");  // #51
    view.breaker.rollback = true;
    view.has_completed_predecessor = false;
    CHECK(show(make_plan(view, kNow)) == "fail");  // #52
    view.breaker.enabled = false;
    CHECK(show(make_plan(view, kNow)) == "");
}

TEST_CASE("a failed deployment starts and replaces nothing") {
    ServiceView view = service(2, 100, 200, "O+ O+");
    view.primary.failed = true;
    CHECK(show(make_plan(view, kNow)) == "");
}

TEST_CASE("a completed deployment's later failures never trip the breaker") {
    ServiceView view = service(1, 100, 200, "P~");
    view.breaker.enabled = true;
    view.primary.completed = true;
    view.primary.failed_tasks = 30;
    CHECK(show(make_plan(view, kNow)) == "");
}

TEST_CASE("a draining service lets every task go, then is gone") {
    ServiceView view = service(2, 100, 200, "P+ P- O~");
    view.draining = true;
    CHECK(show(make_plan(view, kNow)) == "stop:a stop:c");
    CHECK(show(make_plan(service(2, 100, 200, "P-"), kNow)).find("gone") == std::string::npos);
    ServiceView empty = service(0, 100, 200, "");
    empty.draining = true;
    CHECK(show(make_plan(empty, kNow)) == "gone");
}
