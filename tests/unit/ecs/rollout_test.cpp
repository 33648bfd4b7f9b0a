// ecs-ecr.md §10 to §12, §27 #40 to #61: rollouts through the API, the reconciler and a scripted
// runtime.
#include <set>

#include "fixture.h"

using namespace ecs_test;

TEST_CASE("a service starts its tasks, settles and is steady") {
    Fixture f;
    f.register_image("app:1");
    Node created = f.create_service(2);
    CHECK(created["deployments"].size() == 1);
    CHECK(created["deployments"].items()[0]["rolloutState"].as_string() == "IN_PROGRESS");
    f.run(6);
    CHECK(f.service()["runningCount"].as_int() == 2);
    CHECK(f.service()["deployments"].items()[0]["rolloutState"].as_string() ==
          "IN_PROGRESS");  // not settled yet
    f.run(41);
    CHECK(f.service()["deployments"].items()[0]["rolloutState"].as_string() == "COMPLETED");
    CHECK(f.has_event("has reached a steady state."));
    auto tasks = f.tasks();
    REQUIRE(tasks.size() == 2);
    CHECK(tasks[0]->address != tasks[1]->address);
    CHECK(tasks[0]->address.starts_with("10.0."));
}

TEST_CASE(
    "a rolling update starts, waits for health, drains, stops, completes, in AWS's order of "
    "events: #54, #56") {
    Fixture f;
    f.targets.delay = base::seconds(5);
    f.register_image("app:1");
    f.create_service(1, Fixture::balanced());
    f.run(10);
    REQUIRE(f.is_stable());
    std::string old_task = f.tasks()[0]->id, old_address = f.tasks()[0]->address;
    f.ecs->state().services.begin()->second.events.clear();
    f.targets.fresh = {ecs::TargetHealth::State::Initial, ""};
    f.register_image("app:2");
    Node updated = f.update(R"("taskDefinition":"web:2")");
    CHECK(updated["deployments"].size() == 2);
    f.run(10);
    REQUIRE(f.tasks().size() == 2);  // #45: the old one stays
    CHECK(f.service()["runningCount"].as_int() == 2);
    for (auto& [key, target] : f.targets.targets)
        target.health = {ecs::TargetHealth::State::Healthy, ""};
    f.run(3);
    CHECK(f.service()["deployments"].size() == 2);  // draining: not stable yet
    CHECK_FALSE(f.is_stable());
    CHECK(f.ecs->state().tasks.at(old_task).status == ecs::TaskStatus::Deactivating);
    f.run(10);
    CHECK(f.is_stable());
    CHECK(f.service()["taskDefinition"].as_string().ends_with("web:2"));
    auto events = f.events();
    const char* expected[] = {"has started 1 tasks: (task ",
                              "registered 1 targets in (target-group ",
                              "has stopped 1 running tasks: (task ",
                              "deregistered 1 targets in (target-group ",
                              "has begun draining connections on 1 tasks.",
                              "deployment completed.",
                              "has reached a steady state."};
    REQUIRE(events.size() == std::size(expected));
    for (size_t i = 0; i < events.size(); ++i) {
        CAPTURE(i, events[i]);
        CHECK(events[i].find(expected[i]) != std::string::npos);
    }
    // Out of the balancer before the signal.
    auto position = [&](const std::string& line) {
        return std::find(f.runtime.journal.begin(), f.runtime.journal.end(), line) -
               f.runtime.journal.begin();
    };
    CHECK(position("deregister " + old_address) < position("stop " + old_task + " app"));
    CHECK(position("stop " + old_task + " app") < position("remove " + old_task));
}

TEST_CASE("what makes a new deployment and what does not") {
    Fixture f;
    f.register_image("app:1");
    f.register_image("app:2");
    std::string id = f.create_service(1, "", "web:1")["deployments"].items()[0]["id"].as_string();
    auto primary = [&](const std::string& change) {
        return f.update(change)["deployments"].items()[0]["id"].as_string();
    };
    CHECK(primary(R"("taskDefinition":"web:1")") == id);  // #16
    CHECK(primary(R"("desiredCount":2)") == id);          // #18
    CHECK(primary(R"("deploymentConfiguration":{"minimumHealthyPercent":50})") == id);
    std::string forced = primary(R"("forceNewDeployment":true)");  // #17
    CHECK(forced != id);
    CHECK(primary(R"("taskDefinition":"web:2")") != forced);
}

TEST_CASE("the digest of a tag is resolved once per deployment, and anew when forced") {
    Fixture f;
    f.register_image("app:latest");
    f.create_service(1);
    f.run(50);
    std::string first = f.tasks()[0]->containers[0].digest;
    f.runtime.publish("app:latest", 'e');
    f.update(R"("desiredCount":2)");
    f.run(50);
    for (auto* task : f.tasks())
        CHECK(task->containers[0].digest == first);
    CHECK(f.runtime.pulled.back() == "app@" + first);
    f.update(R"("forceNewDeployment":true)");
    f.run(120);
    REQUIRE(f.is_stable());
    for (auto* task : f.tasks())
        CHECK(task->containers[0].digest == "sha256:" + std::string(64, 'e'));
    CHECK(f.call("DescribeTasks",
                 R"({"cluster":"demo","tasks":[")" + f.tasks()[0]->id + "\"]}")["tasks"]
              .items()[0]["containers"]
              .items()[0]["imageDigest"]
              .as_string() == "sha256:" + std::string(64, 'e'));
}

TEST_CASE("without versionConsistency each task reads its tag") {
    Fixture f;
    f.register_image("app:latest", R"(,"versionConsistency":"disabled")");
    f.create_service(1);
    f.run(50);
    const std::string first = f.tasks()[0]->containers[0].digest;
    f.runtime.publish("app:latest", 'e');
    f.update(R"("desiredCount":2)");
    f.run(50);
    REQUIRE(f.tasks().size() == 2);
    std::set<std::string> digests;
    for (auto* task : f.tasks())
        digests.insert(task->containers[0].digest);
    CHECK(digests == std::set{first, "sha256:" + std::string(64, 'e')});
}

TEST_CASE("an image that exits at once trips the breaker, which goes back to what completed last") {
    Fixture f;
    f.register_image("app:1");
    f.create_service(
        1,
        R"(,"deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true}})");
    f.run(50);
    REQUIRE(f.is_stable());
    std::string serving = f.tasks()[0]->id;
    f.register_image("crash:1");
    std::string failed =
        f.update(R"("taskDefinition":"web:2")")["deployments"].items()[0]["id"].as_string();
    f.run(60);
    CHECK(f.count("start") == 1 + 3 + 1);  // #48: three failures, then the rollback's task
    CHECK(f.has_event("(deployment " + failed + ") deployment failed: tasks failed to start."));
    CHECK(f.has_event("rolling back to deployment ecs-svc/"));
    Node primary = f.service()["deployments"].items()[0];
    CHECK(primary["taskDefinition"].as_string().ends_with("web:1"));  // #50
    CHECK(primary["rolloutStateReason"].as_string() ==
          "ECS deployment circuit breaker: rolling back to deploymentId " +
              primary["id"].as_string() + ".");
    const std::string of_failed =
        "arn:aws:ecs:us-east-1:000000000000:service-deployment/demo/web/" + failed.substr(8);
    CHECK(f.service()["currentServiceDeployment"].as_string() == of_failed);
    auto described = [&] {
        return f
            .call("DescribeServiceDeployments",
                  R"({"serviceDeploymentArns":[")" + of_failed + "\"]}")["serviceDeployments"]
            .items()
            .at(0);
    };
    Node under_way = described();
    CHECK(under_way["status"].as_string() == "ROLLBACK_IN_PROGRESS");
    CHECK(!under_way.find("finishedAt"));
    // To the revision that completed last: no new one is made.
    CHECK(under_way["rollback"]["serviceRevisionArn"] ==
          under_way["sourceServiceRevisions"].items()[0]["arn"]);
    f.run(60);
    REQUIRE(f.is_stable());
    CHECK(described()["status"].as_string() == "ROLLBACK_SUCCESSFUL");
    CHECK(described().find("finishedAt"));
    CHECK(f.call("ListServiceDeployments",
                 R"({"cluster":"demo","service":"web"})")["serviceDeployments"]
              .size() == 2);
    CHECK(f.service()["deployments"].items()[0]["id"].as_string() != failed);
    CHECK(f.service()["deployments"].items()[0]["rolloutState"].as_string() == "COMPLETED");
    // #58: the failed deployment is still told of.
    std::string list =
        base::to_json(f.call("ListServiceDeployments", R"({"cluster":"demo","service":"web"})"));
    CHECK(list.find("ROLLBACK_SUCCESSFUL") != std::string::npos);
    CHECK(list.find("service-revision/demo/web/" + failed.substr(8)) != std::string::npos);  // #57
    // What failed is kept: exit code, reason, last output.
    bool found = false;
    for (auto* task : f.tasks(true))
        if (task->deployment == failed) {
            found = true;
            CHECK(task->stop_code == "EssentialContainerExited");
            CHECK(task->containers[0].exit_code == 1);
            CHECK(task->containers[0].last_output ==
                  std::vector<std::string>{"starting", "cannot find module"});
        }
    CHECK(found);
}

TEST_CASE("without rollback, or without anything to go back to, the failed deployment stays") {
    Fixture f;
    f.register_image("crash:1");
    f.create_service(
        1,
        R"(,"deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true}})");
    f.run(200);
    Node primary = f.service()["deployments"].items()[0];  // #52
    CHECK(primary["rolloutState"].as_string() == "FAILED");
    CHECK(primary["rolloutStateReason"].as_string() ==
          "ECS deployment circuit breaker: tasks failed to start.");
    CHECK(primary["failedTasks"].as_int() == 3);
    CHECK(f.count("start") == 3);
}

TEST_CASE("a missing image keeps the old version and says which one is missing") {
    Fixture f;
    f.register_image("app:1");
    f.create_service(1);
    f.run(50);
    f.register_image("gone:9");
    f.update(R"("taskDefinition":"web:2")");
    f.run(5);
    auto stopped = f.tasks(true);
    REQUIRE(stopped.size() == 1);  // #31
    CHECK(stopped[0]->stop_code == "TaskFailedToStart");
    CHECK(stopped[0]->stopped_reason ==
          "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to "
          "resolve ref gone:9: not found");
    CHECK_FALSE(stopped[0]->started_at);
    CHECK(f.service()["runningCount"].as_int() == 1);
    f.run(600);
    CHECK(f.has_event("is unable to consistently start tasks successfully."));
    CHECK(f.count("create_task") < 15);  // #59
}

TEST_CASE("an unhealthy target leads to a replacement, after the grace period") {
    Fixture f;
    f.register_image("app:1");
    f.create_service(1, Fixture::balanced() + R"(,"healthCheckGracePeriodSeconds":30)");
    f.run(10);
    REQUIRE(f.is_stable());
    std::string first = f.tasks()[0]->id;
    f.targets.targets.begin()->second.health = {ecs::TargetHealth::State::Unhealthy,
                                                "Health checks failed with these codes: [500]"};
    f.run(10);
    CHECK(f.tasks().size() == 1);  // #46
    CHECK(f.has_event("(port 3000) is unhealthy in (target-group " + std::string(kGroup) +
                      ") due to (reason Health checks failed with these codes: [500])"));  // #47
    f.run(30);
    const ecs::Task& task = f.ecs->state().tasks.at(first);
    CHECK(task.status == ecs::TaskStatus::Stopped);
    CHECK(task.stopped_reason ==
          "Task failed ELB health checks in (target-group " + std::string(kGroup) + ")");
    CHECK(f.is_stable());
}

TEST_CASE("the grace period outlasts a real start, whatever the speed") {
    struct Row {
        int declared_seconds, speed, kept_seconds;
    };
    for (const Row& row : {Row{30, 1, 30}, Row{30, 20, 15}, Row{4, 20, 4}, Row{300, 20, 15}}) {
        CAPTURE(row.declared_seconds, row.speed);
        Fixture f;
        f.clock.set_speed(row.speed);
        f.targets.fresh = {ecs::TargetHealth::State::Unhealthy, "Health checks failed"};
        f.register_image("app:1");
        f.create_service(1, Fixture::balanced() + R"(,"healthCheckGracePeriodSeconds":)" +
                                std::to_string(row.declared_seconds));
        while (f.tasks().empty() || !f.tasks()[0]->started_at)
            f.run(1);
        const std::string first = f.tasks()[0]->id;
        f.run(row.kept_seconds - 1);
        CHECK_FALSE(f.ecs->state().tasks.at(first).is_leaving());
        f.run(2);
        CHECK(f.ecs->state().tasks.at(first).is_leaving());
    }
}

TEST_CASE("what an emulator that was killed left in a target group goes at the next start") {
    Fixture f;
    f.register_image("app:1");
    f.create_service(1, Fixture::balanced());
    f.run(10);
    REQUIRE(f.is_stable());
    const std::string address = f.tasks()[0]->address;
    f.runtime.journal.clear();
    f.ecs->reload();
    CHECK(f.count("deregister " + address) == 1);
    f.reconciler = f.make_reconciler();
    f.run(30);
    CHECK(f.is_stable());
    CHECK(f.targets.targets.at(f.targets.key(kGroup, address, 3000)).leaves_at);
}

TEST_CASE("a container health check decides, and its failures are kept") {
    Fixture f;
    f.runtime.programs["app"].health_exit = 1;
    f.register_image(
        "app:1",
        R"(,"healthCheck":{"command":["CMD-SHELL","curl -f localhost"],"interval":5,"retries":2})");
    f.create_service(1);
    f.run(9);
    CHECK(f.tasks()[0]->containers[0].health == ecs::HealthStatus::Unknown);
    f.run(12);
    auto stopped = f.tasks(true);
    REQUIRE(!stopped.empty());
    CHECK(stopped[0]->stopped_reason == "Task failed container health checks");  // #30
    CHECK(stopped[0]->containers[0].probes.size() == 2);
    f.runtime.programs["app"].health_exit = 0;
    f.run(60);
    CHECK(f.service()["deployments"].items()[0]["rolloutState"].as_string() == "COMPLETED");
}

TEST_CASE("deleting: refused above 0, then DRAINING, INACTIVE, and the name is free") {
    Fixture f;
    f.register_image("app:1");
    f.create_service(1, Fixture::balanced());
    f.run(10);
    CHECK(f.error(
              "CreateService",
              R"({"cluster":"demo","serviceName":"web","taskDefinition":"web","desiredCount":1,)" +
                  Fixture::network() + "}") ==
          "InvalidParameterException: Creation of service was not idempotent.");  // #11
    CHECK(
        f.error("DeleteService", R"({"cluster":"demo","service":"web"})") ==
        "InvalidParameterException: The service cannot be stopped while it is scaled above 0.");  // #14
    CHECK(f.call("DeleteService",
                 R"({"cluster":"demo","service":"web","force":true})")["service"]["status"]
              .as_string() == "DRAINING");
    f.run(10);
    CHECK(f.service()["status"].as_string() == "INACTIVE");
    CHECK(f.targets.targets.empty());  // #61
    CHECK(f.runtime.tasks().empty());
    f.create_service(1);  // #15
    f.run(50);
    CHECK(f.is_stable());
}

TEST_CASE("scaling from 0 to 20 and back, one address each") {
    Fixture f;
    f.register_image("app:1");
    f.create_service(0);
    f.run(3);
    CHECK(f.service()["deployments"].items()[0]["rolloutState"].as_string() == "COMPLETED");
    f.update(R"("desiredCount":20)");
    f.run(50);
    std::set<std::string> addresses;
    for (auto* task : f.tasks())
        addresses.insert(task->address);
    CHECK(addresses.size() == 20);
    f.update(R"("desiredCount":0)");
    f.run(10);
    CHECK(f.is_stable());
    CHECK(f.runtime.tasks().empty());
    CHECK(f.tasks(true)[0]->stopped_reason.starts_with(
        "Scaling activity initiated by (deployment ecs-svc/"));
}

TEST_CASE(
    "a service without a task definition runs the placeholder with its target group's health "
    "path") {
    Fixture f;
    f.call("CreateService",
           R"({"cluster":"demo","serviceName":"web","desiredCount":1,"launchType":"FARGATE",)" +
               Fixture::network() + Fixture::balanced() + "}");
    f.run(10);
    CHECK(f.is_stable());
    auto& variables = f.runtime.environment["app"];
    CHECK(std::find(variables.begin(), variables.end(),
                    std::pair<std::string, std::string>("PORT", "3000")) != variables.end());
    CHECK(std::find(variables.begin(), variables.end(),
                    std::pair<std::string, std::string>("DODAM_HEALTH_PATH", "/health")) !=
          variables.end());
}

TEST_CASE(
    "after the emulator died, tasks are over, services come back, and nothing is counted against "
    "them") {
    Fixture f;
    f.register_image("app:1");
    f.create_service(2);
    f.run(50);
    std::string old_task = f.tasks()[0]->id;
    f.ecs->reload();
    CHECK(f.ecs->state().tasks.at(old_task).status == ecs::TaskStatus::Stopped);
    CHECK(f.service()["runningCount"].as_int() == 0);
    f.run(50);
    CHECK(f.is_stable());
    CHECK(f.runtime.tasks().size() == 2);  // what ran before is swept away
    CHECK(f.service()["deployments"].items()[0]["failedTasks"].as_int() == 0);
    CHECK(f.service()["deployments"].items()[0]["rolloutState"].as_string() == "COMPLETED");
}

TEST_CASE("a round over 200 services is cheap", "[figures]") {
    Fixture f;
    f.register_image("app:1");
    for (int i = 0; i < 200; ++i)
        f.call("CreateService",
               R"({"cluster":"demo","serviceName":"s)" + std::to_string(i) +
                   R"(","taskDefinition":"web","desiredCount":1,"launchType":"FARGATE",)" +
                   Fixture::network() + "}");
    f.run(50);
    auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < 10; ++i)
        f.reconciler->step(f.clock.now());
    auto per_round = (std::chrono::steady_clock::now() - begun) / 10;
    CHECK(per_round < std::chrono::milliseconds(50));
    WARN("a round over 200 services: "
         << std::chrono::duration_cast<std::chrono::microseconds>(per_round).count() << " µs");
}

TEST_CASE("fifty deployments in a row leave nothing behind") {
    Fixture f;
    f.register_image("app:1");
    f.create_service(2);
    f.run(50);
    for (int i = 0; i < 50; ++i) {
        f.update(R"("forceNewDeployment":true)");
        f.run(130);
        REQUIRE(f.is_stable());
    }
    CHECK(f.runtime.tasks().size() == 2);
    const Node now = f.service();
    const auto& events = now["events"].items();  // #55
    CHECK(events.size() == 100);
    CHECK(std::ranges::is_sorted(events, std::ranges::greater{},
                                 [](const Node& event) { return event["createdAt"].as_double(); }));
    CHECK(events[0]["message"].as_string() == "(service web) has reached a steady state.");
    CHECK(f.ecs->state().services.begin()->second.history.size() == 50);
}
