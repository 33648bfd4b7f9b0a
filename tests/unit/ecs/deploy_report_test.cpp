// The report of a deploy: what happened, who answered, why it failed, what to do; in ten lines.
#include "ecs/deploy_report.h"

#include "base/text.h"
#include "ecs/limits.h"
#include "fixture.h"

using namespace ecs_test;
using From = base::TargetRecord::From;
using End = base::TargetRecord::End;

namespace {

constexpr const char* kBreaker =
    R"(,"deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true}})";

Node report_of(Fixture& f) {
    return f.ecs->deploy_record("demo", "web", "");
}

// The first ten lines, as one text.
std::string first_lines(const Node& report) {
    auto lines = ecs::report_lines(report);
    if (lines.size() > 10) lines.resize(10);
    std::string text;
    for (const auto& line : lines)
        text += line + "\n";
    INFO(text);
    return text;
}

bool contains(const std::string& text, std::string_view part) {
    if (text.find(part) != std::string::npos) return true;
    UNSCOPED_INFO(text << "lacks: " << part);
    return false;
}

void answer(Fixture& f, const std::string& address, int count, From from, End end = End::Answered) {
    for (int i = 0; i < count; ++i)
        f.targets.records.at(address)->count(from, end);
}

Node with_pushed(Node report, const std::string& digest) {
    Node digests = report["digests"];
    digests.set("pushed", digest);
    report.set("digests", digests);
    return report;
}

// Version 1 runs in two tasks behind the balancer.
void run_first(Fixture& f) {
    f.register_image("app:1");
    f.create_service(2, Fixture::balanced() + kBreaker);
    f.run(10);
    REQUIRE(f.is_stable());
}

}  // namespace

TEST_CASE("a completed deploy: requests by revision, phases, and that it arrived") {
    Fixture f;
    f.targets.delay = base::seconds(5);
    run_first(f);
    const std::string old_address = f.tasks()[0]->address;
    answer(f, old_address, 100, From::Edge);  // before the deploy: not counted
    f.register_image("app:2");
    f.update(R"("taskDefinition":"web:2")");
    answer(f, old_address, 3, From::Edge);
    f.run(5);
    answer(f, f.tasks().back()->address, 4, From::Edge);
    answer(f, f.tasks().back()->address, 1, From::Elsewhere, End::Failed);
    f.run(20);
    REQUIRE(f.is_stable());

    const Node report = report_of(f);
    CHECK(report["state"].as_string() == "COMPLETED");
    CHECK(report["revision"].as_string() == "web:2");
    CHECK(report["from"].as_string() == "web:1");
    CHECK(report["requests"]["total"].as_int() == 8);
    CHECK(report["requests"]["failed"].as_int() == 1);
    REQUIRE(report["requests"]["by_revision"].size() == 2);
    CHECK(report["requests"]["by_revision"].items()[0]["requests"].as_int() == 3);
    CHECK(report["requests"]["by_revision"].items()[1]["requests"].as_int() == 5);
    CHECK(report["requests"]["by_revision"].items()[1]["through_cloudfront"].as_int() == 4);
    CHECK(report["phases"]["draining"].as_double() >= 5);
    CHECK(report["seconds"].as_double() > 5);

    const std::string digest = report["digests"]["running"].items().at(0).as_string();
    const Node arrived = with_pushed(report, digest);
    CHECK(ecs::has_arrived(arrived));
    CHECK(contains(first_lines(arrived), "pushed = running = answered through CloudFront"));
    const Node other = with_pushed(report, "sha256:" + std::string(64, 'f'));
    CHECK_FALSE(ecs::has_arrived(other));
    CHECK(contains(first_lines(other), "NOT ARRIVED"));

    // What comes after it is not part of it.
    answer(f, f.tasks().back()->address, 50, From::Edge);
    f.run(2);
    CHECK(report_of(f)["requests"]["total"].as_int() == 8);
}

TEST_CASE("a crashing image: the cause, the count, the last words and the advice come first") {
    Fixture f;
    run_first(f);
    f.register_image("crash:1");
    f.update(R"("taskDefinition":"web:2")");
    f.run(90);
    REQUIRE(f.is_stable());
    const Node report = report_of(f);
    CHECK(report["state"].as_string() == "FAILED");
    CHECK(report["rolled_back_to"]["revision"].as_string() == "web:1");
    CHECK(report["rolled_back_to"]["state"].as_string() == "COMPLETED");
    CHECK(report["failed_tasks"].as_int() >= 3);
    CHECK(report["threshold"].as_int() == 3);
    CHECK_FALSE(ecs::has_arrived(report));
    const std::string text = first_lines(report);
    CHECK(contains(text, "web  FAILED after"));
    CHECK(contains(text, "web:2 was rolled back to web:1 (which serves)"));
    CHECK(contains(text, "Essential container in task exited"));
    CHECK(contains(text, "3 end the deployment"));
    CHECK(contains(text, "container app exited with 1"));
    CHECK(contains(text, "| cannot find module"));
    CHECK(contains(text, "next     the container's last words"));
}

TEST_CASE("an image for another processor: the report says how to build it") {
    Fixture f;
    run_first(f);
    f.runtime.programs["crash"].output = {"exec /app: exec format error"};
    f.register_image("crash:1");
    f.update(R"("taskDefinition":"web:2")");
    f.run(90);
    const std::string text = first_lines(report_of(f));
    CHECK(contains(text, "| exec /app: exec format error"));
    CHECK(contains(text,
                   "next     build the image for the processor that tasks run on: docker "
                   "build --platform linux/"));
}

TEST_CASE("a missing secret: the report names it and what to do") {
    Fixture f;
    run_first(f);
    f.register_image("app:2", R"(,"secrets":[{"name":"X","valueFrom":"/none"}])");
    f.update(R"("taskDefinition":"web:2")");
    f.run(90);
    const std::string text = first_lines(report_of(f));
    CHECK(contains(text, "ResourceInitializationError"));
    CHECK(contains(text, "next     create that secret or parameter"));
}

TEST_CASE("a secret's ARN that is cut short, a file that is not there: what to do") {
    Fixture f;
    run_first(f);
    f.register_image(
        "app:2",
        R"(,"secrets":[{"name":"X","valueFrom":"arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf:password"}])");
    f.update(R"("taskDefinition":"web:2")");
    f.run(90);
    std::string text = first_lines(report_of(f));
    CHECK(contains(text, "secret:db-AbCdEf:password resulted in error"));
    CHECK(contains(text, "next     write valueFrom as the secret's ARN alone"));
    f.register_image("app:2",
                     R"(,"environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b/none.env"}])");
    f.update(R"("taskDefinition":"web:3")");
    f.run(90);
    text = first_lines(report_of(f));
    CHECK(contains(text, "arn:aws:s3:::b/none.env"));
    CHECK(contains(text, "next     put that file into its bucket"));
}

TEST_CASE("failing health checks: what the probe saw, with its history") {
    Fixture f;
    run_first(f);
    f.targets.fresh = {ecs::TargetHealth::State::Unhealthy,
                       "Health checks failed with these codes: [404]",
                       "10.0.1.9:3000 answered 404 to GET /health, wanted 200"};
    f.register_image("app:2");
    f.update(R"("taskDefinition":"web:2")");
    for (int second = 0; second < 90; ++second) {
        f.run(1);
        for (auto& [address, record] : f.targets.records)
            record->add_probe({f.clock.now(), false, "answered 404"});
    }
    const Node report = report_of(f);
    const std::string text = first_lines(report);
    CHECK(contains(text, "Task failed ELB health checks"));
    CHECK(contains(text, "answered 404 to GET /health, wanted 200"));
    CHECK(contains(text, "correct the target group's path or matcher"));
    bool has_history = false;
    for (const Node& failure : report["failures"].items())
        has_history = has_history || failure["target_probes"].size() > 0;
    CHECK(has_history);
}

TEST_CASE("a report is kept for some deployments, and asked for by id") {
    Fixture f;
    run_first(f);
    const std::string first = f.service()["deployments"].items()[0]["id"].as_string();
    for (size_t i = 0; i < ecs::kDeploymentsReported + 5; ++i) {
        answer(f, f.tasks()[0]->address, 1, From::Edge);
        f.update(R"("forceNewDeployment":true)");
        f.run(20);
        REQUIRE(f.is_stable());
    }
    CHECK(f.ecs->deploy_record("demo", "web", first)["deployment"].as_string() == first);
    CHECK_FALSE(f.ecs->deploy_record("demo", "web", "ecs-svc/1").is_object());
    CHECK_FALSE(f.ecs->deploy_record("demo", "none", "").is_object());
    const auto& history = f.ecs->state().services.begin()->second.history;
    size_t with_books = 0;
    for (const auto& deployment : history)
        with_books += !deployment.requests_after.empty();
    CHECK(with_books <= ecs::kDeploymentsReported);
}
