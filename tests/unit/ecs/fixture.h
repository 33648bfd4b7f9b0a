// A whole ECS without containers: control plane, reconciler, scripted runtime and ports, one clock.
#pragma once
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "ecs/reconciler.h"
#include "support/operation.h"
#include "support/scripted_runtime.h"

namespace ecs_test {

using base::Node;

class Targets final : public ecs::TargetRegistrar {
  public:
    explicit Targets(base::Clock& clock) : clock_(clock) {}
    std::map<std::string, ecs::TargetGroupFacts> groups;
    ecs::TargetHealth fresh{ecs::TargetHealth::State::Healthy,
                            ""};  // what a new target is found to be
    base::seconds delay{0};       // deregistration
    struct Target {
        ecs::TargetHealth health;
        std::optional<base::Time> leaves_at;
    };
    std::map<std::string, Target> targets;  // "group address:port"
    std::vector<std::string>* journal = nullptr;

    static std::string key(const std::string& group, const std::string& address, int port) {
        return group + " " + address + ":" + std::to_string(port);
    }
    std::optional<ecs::TargetGroupFacts> describe(const std::string& group) override {
        auto found = groups.find(group);
        if (found == groups.end()) return std::nullopt;
        return found->second;
    }
    void register_target(const std::string& group, const std::string& address, int port) override {
        targets[key(group, address, port)] = {fresh, std::nullopt};
        records[address] = std::make_shared<base::TargetRecord>();
        if (journal) journal->push_back("register " + address);
    }
    std::map<std::string, std::shared_ptr<base::TargetRecord>> records;  // by address
    std::shared_ptr<const base::TargetRecord> requests(const std::string&,
                                                       const std::string& address, int) override {
        auto found = records.find(address);
        return found == records.end() ? nullptr : found->second;
    }
    void deregister_target(const std::string& group, const std::string& address,
                           int port) override {
        auto found = targets.find(key(group, address, port));
        if (found == targets.end() || found->second.leaves_at) return;
        found->second.leaves_at = clock_.now() + delay;
        if (journal) journal->push_back("deregister " + address);
    }
    ecs::TargetHealth health(const std::string& group, const std::string& address,
                             int port) override {
        auto found = targets.find(key(group, address, port));
        if (found == targets.end()) return {};
        if (!found->second.leaves_at) return found->second.health;
        if (clock_.now() < *found->second.leaves_at)
            return {ecs::TargetHealth::State::Draining, ""};
        targets.erase(found);
        return {};
    }

  private:
    base::Clock& clock_;
};

class Logs final : public ecs::LogSink {
  public:
    std::map<std::string, std::vector<std::string>> streams;  // "group stream"
    bool group_exists = true;
    std::expected<void, std::string> open(const std::string& group, const std::string& stream,
                                          ecs::CreateGroup create) override {
        if (!group_exists && create == ecs::CreateGroup::No)
            return std::unexpected(
                "ResourceNotFoundException: The specified log group does not exist.");
        streams[group + " " + stream];
        return {};
    }
    void append(const std::string& group, const std::string& stream, base::Time,
                std::string_view line) override {
        streams[group + " " + stream].emplace_back(line);
    }
    void flush() override {}
};

class Secrets final : public ecs::SecretSource {
  public:
    std::map<std::string, std::string> values;  // by name, ARN or object ARN
    std::expected<std::string, std::string> parameter(const std::string& name) override {
        return find(name, "ParameterNotFound: ");
    }
    std::expected<std::string, std::string> secret(const std::string& arn, const std::string&,
                                                   const std::string&) override {
        return find(arn,
                    "ResourceNotFoundException: Secrets Manager can't find the specified secret.");
    }
    std::expected<std::string, std::string> object(const std::string& arn) override {
        return find(arn, "NoSuchKey: ");
    }

  private:
    std::expected<std::string, std::string> find(const std::string& name,
                                                 const std::string& error) {
        auto found = values.find(name);
        if (found == values.end()) return std::unexpected(error);
        return found->second;
    }
};

class Roles final : public ecs::RoleSource {
  public:
    ecs::TaskCredentials assume(const std::string&, const std::string&) override {
        return {"ASIAEXAMPLE", "secret", "token", {}};
    }
};

class Names final : public ecs::TaskNames {
  public:
    std::expected<std::unique_ptr<Attachment>, std::string> attach(
        const std::string&, containers::TaskNetwork&) override {
        return std::make_unique<Attachment>();
    }
    std::vector<containers::MountedFile> files() override { return {{"/bundle.pem", bundle}}; }
    std::shared_ptr<const std::string> bundle = std::make_shared<const std::string>("CA");
};

class NoImages final : public oci::ImageSource {
  public:
    std::expected<oci::ManifestBytes, oci::SourceError> manifest(const oci::Reference&) override {
        return std::unexpected(oci::SourceError{});
    }
    std::expected<int, oci::SourceError> open_blob(const oci::Reference&,
                                                   const oci::Digest&) override {
        return std::unexpected(oci::SourceError{});
    }
};

inline constexpr const char* kGroup =
    "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/0123456789abcdef";

struct Fixture {
    base::ManualClock clock;
    std::unique_ptr<state::Database> database = state::Database::open(":memory:").value();
    base::Ids ids{"000000000000", "us-east-1"};
    support::ScriptedRuntime runtime{clock};
    Targets targets{clock};
    Logs logs;
    Secrets secrets;
    Roles roles;
    Names names;
    NoImages images;
    net::Resolver resolver;
    ecs::InlineJobs jobs;
    std::unique_ptr<ecs::ControlPlane> ecs = std::make_unique<ecs::ControlPlane>(
        *database, clock, ids, ecs::Ports{targets, logs, secrets, roles, names});
    std::unique_ptr<ecs::Reconciler> reconciler = make_reconciler();

    std::unique_ptr<ecs::Reconciler> make_reconciler() {
        return std::make_unique<ecs::Reconciler>(
            ecs::ReconcilerParts{*ecs, runtime, images, resolver, jobs});
    }

    Fixture() {
        targets.groups[kGroup] = {true, true, "/health"};
        targets.journal = &runtime.journal;
        for (const char* name : {"app:1", "app:2", "app:latest", "crash:1", "stubborn:1",
                                 "sidecar:1", "dodam/placeholder:latest"})
            runtime.publish(name, name[0] == 'a' ? "abc"[name[4] == '1'   ? 0
                                                         : name[4] == '2' ? 1
                                                                          : 2]
                                                 : 'd');
        runtime.programs["crash"].exits_at_once = 1;
        runtime.programs["crash"].output = {"starting", "cannot find module"};
        runtime.programs["stubborn"].ignores_stop = true;
        call("CreateCluster", R"({"clusterName":"demo"})");
    }

    Node call(std::string operation, const std::string& input) {
        return support::call(*ecs, clock.now(), std::move(operation), input);
    }
    std::string error(std::string operation, const std::string& input) {
        return support::refusal_of([&] { call(std::move(operation), input); }).to_string();
    }
    // One step per second.
    void run(int seconds_count) {
        for (int i = 0; i < seconds_count; ++i) {
            clock.advance(base::seconds(1));
            reconciler->step(clock.now());
        }
    }

    // A one-container task definition: family "web", container "app", port 3000.
    std::string register_image(const std::string& image, const std::string& more = {},
                               const std::string& family = "web") {
        return call(
                   "RegisterTaskDefinition",
                   R"({"family":")" + family +
                       R"(","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512","executionRoleArn":"arn:aws:iam::000000000000:role/x","containerDefinitions":[{"name":"app","image":")" +
                       image + R"(","portMappings":[{"containerPort":3000}])" + more +
                       "}]}")["taskDefinition"]["taskDefinitionArn"]
            .as_string();
    }
    static std::string network() {
        return R"("networkConfiguration":{"awsvpcConfiguration":{"subnets":["subnet-1","subnet-2"]}})";
    }
    Node create_service(int desired, const std::string& more = {},
                        const std::string& task_definition = "web") {
        return call("CreateService", R"({"cluster":"demo","serviceName":"web","taskDefinition":")" +
                                         task_definition + R"(","desiredCount":)" +
                                         std::to_string(desired) + R"(,"launchType":"FARGATE",)" +
                                         network() + more + "}")["service"];
    }
    static std::string balanced() {
        return std::string(R"(,"loadBalancers":[{"targetGroupArn":")") + kGroup +
               R"(","containerName":"app","containerPort":3000}])";
    }
    Node update(const std::string& more) {
        return call("UpdateService",
                    R"({"cluster":"demo","service":"web",)" + more + "}")["service"];
    }
    Node service() {
        return call("DescribeServices", R"({"cluster":"demo","services":["web"]})")["services"]
            .items()
            .at(0);
    }
    std::vector<std::string> events() {
        std::vector<std::string> messages;
        Node now = service();
        for (const Node& event : now["events"].items())
            messages.push_back(event["message"].as_string());
        std::reverse(messages.begin(), messages.end());
        return messages;
    }
    bool has_event(std::string_view part) {
        auto all = events();
        return std::any_of(all.begin(), all.end(), [&](const std::string& message) {
            return message.find(part) != std::string::npos;
        });
    }
    std::vector<ecs::Task*> tasks(bool stopped = false) {
        std::vector<ecs::Task*> result;
        for (auto& [id, task] : ecs->state().tasks)
            if ((task.status == ecs::TaskStatus::Stopped) == stopped) result.push_back(&task);
        std::sort(result.begin(), result.end(),
                  [](auto* a, auto* b) { return a->created_at < b->created_at; });
        return result;
    }
    int count(const std::string& word) {
        return static_cast<int>(
            std::count_if(runtime.journal.begin(), runtime.journal.end(),
                          [&](const std::string& line) { return line.starts_with(word); }));
    }
    bool is_stable() {
        return service()["deployments"].size() == 1 &&
               service()["runningCount"] == service()["desiredCount"];
    }
};

}  // namespace ecs_test
