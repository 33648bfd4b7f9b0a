// API reference, "ContainerRestartPolicy"; ECS guide, "Restart individual containers in Amazon ECS
// tasks with container restart policies".
#include "ecs/after_exit.h"

#include "ecs/task_metadata.h"
#include "fixture.h"

using namespace ecs_test;

TEST_CASE("what follows when a container has exited") {
    using What = ecs::AfterExit::What;
    using base::seconds;
    struct Row {
        const char* name;
        bool policy, essential, leaving;
        std::optional<int> code;
        seconds ran, period;
        What what;
        std::string why;
    };
    const Row rows[] = {
        {"no policy", false, true, false, 1, seconds(400), seconds(300), What::StopTask, ""},
        {"no policy, not essential", false, false, false, 1, seconds(400), seconds(300),
         What::Leave, ""},
        {"it ran long enough", true, true, false, 1, seconds(300), seconds(300), What::Restart,
         "exit code 1 after 300.0 s"},
        {"a success is no reason to stay", true, false, false, 0, seconds(60), seconds(60),
         What::Restart, "exit code 0 after 60.0 s"},
        {"it ended early", true, true, false, 1, seconds(299), seconds(300), What::StopTask,
         "exit code 1 after 299.0 s, before restartAttemptPeriod (300.0 s) was over"},
        {"early, not essential", true, false, false, 1, seconds(59), seconds(60), What::Leave,
         "exit code 1 after 59.0 s, before restartAttemptPeriod (60.0 s) was over"},
        {"ignored", true, true, false, 7, seconds(400), seconds(300), What::StopTask,
         "exit code 7 is among ignoredExitCodes"},
        {"ignored, not essential", true, false, false, 7, seconds(400), seconds(300), What::Leave,
         "exit code 7 is among ignoredExitCodes"},
        {"nobody knows the code", true, true, false, std::nullopt, seconds(400), seconds(300),
         What::Restart, "an unknown exit code after 400.0 s"},
        {"it was told to stop", true, true, true, 143, seconds(400), seconds(300), What::StopTask,
         ""},
    };
    for (const Row& row : rows) {
        INFO(row.name);
        ecs::ContainerDefinition defined;
        defined.essential = row.essential;
        if (row.policy) defined.restart_policy = ecs::RestartPolicy{{7, 8}, row.period};
        ecs::AfterExit next =
            ecs::after_exit(defined, {row.code, row.ran, row.period, row.leaving});
        CHECK(next.what == row.what);
        CHECK(next.why == row.why);
    }
}

namespace {

constexpr const char* kPolicy =
    R"(,"restartPolicy":{"enabled":true,"restartAttemptPeriod":60,"ignoredExitCodes":[9]})";

}  // namespace

TEST_CASE("a container is restarted without replacing its task, once in each period") {
    Fixture f;
    f.runtime.programs["app"].output = {"up"};
    f.register_image("app:1", kPolicy);
    f.create_service(1);
    f.run(70);
    const std::string id = f.tasks()[0]->id;
    f.runtime.exit(id, "app", 1);
    f.run(2);
    ecs::Task& task = *f.tasks()[0];
    CHECK(task.id == id);
    CHECK(task.status == ecs::TaskStatus::Running);
    CHECK(task.containers[0].status == ecs::ContainerStatus::Running);
    CHECK_FALSE(task.containers[0].exit_code);
    CHECK(f.count("start " + id) == 2);
    CHECK(f.has_event("restarts container app of (task " + id + "): exit code 1 after 6"));
    const ecs::TaskDefinition* definition = f.ecs->find_task_definition("web");
    CHECK(ecs::container_metadata(f.ecs->arns(), task, *definition,
                                  task.containers[0])["RestartCount"] == Node(1));
    // Its period begins anew.
    f.run(30);
    f.runtime.exit(id, "app", 1);
    f.run(3);
    CHECK(f.count("start " + id) == 2);
    CHECK(f.ecs->state().tasks.at(id).stop_code == "EssentialContainerExited");
    CHECK(f.ecs->state().tasks.at(id).containers[0].last_output ==
          std::vector<std::string>{"up", "up"});
    CHECK(f.has_event("does not restart container app of (task " + id + ")"));
}

TEST_CASE("an ignored exit code ends the task, and what is told to stop stays so") {
    Fixture f;
    f.register_image("app:1", kPolicy);
    f.create_service(2);
    f.run(70);
    const std::string ignored = f.tasks()[0]->id, stopped = f.tasks()[1]->id;
    f.runtime.exit(ignored, "app", 9);
    f.call("StopTask", R"({"cluster":"demo","task":")" + stopped + "\"}");
    f.run(5);
    CHECK(f.ecs->state().tasks.at(ignored).status == ecs::TaskStatus::Stopped);
    CHECK(f.ecs->state().tasks.at(ignored).stop_code == "EssentialContainerExited");
    CHECK(f.ecs->state().tasks.at(stopped).status == ecs::TaskStatus::Stopped);
    CHECK(f.count("start " + ignored) == 1);
    CHECK(f.count("start " + stopped) == 1);
}

TEST_CASE("the period is as long as the clock's speed makes it") {
    Fixture f;
    f.clock.set_speed(10);
    f.register_image("app:1", kPolicy);
    f.create_service(1);
    f.run(10);
    const std::string id = f.tasks()[0]->id;
    f.runtime.exit(id, "app", 1);
    f.run(2);
    CHECK(f.count("start " + id) == 2);
}

TEST_CASE("a container that cannot be restarted ends its task") {
    Fixture f;
    f.register_image("app:1", kPolicy);
    f.create_service(1);
    f.run(70);
    ecs::Task& task = *f.tasks()[0];
    f.runtime.programs["app"].cannot_start = true;
    f.runtime.exit(task.id, "app", 1);
    f.run(4);
    CHECK(task.status == ecs::TaskStatus::Stopped);
    CHECK(task.stop_code == "EssentialContainerExited");
    CHECK(task.containers[0].reason == "CannotStartContainerError: exec: no such file");
}
