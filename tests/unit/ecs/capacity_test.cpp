// Capacity: which of launch type, strategy and the cluster's default holds, and how a strategy
// shares tasks out.
#include "ecs/capacity.h"

#include <catch2/catch.hpp>

#include "fixture.h"

using namespace ecs_test;

namespace {

Node json(const std::string& text) {
    return base::parse_json(text).value();
}

constexpr const char* kNotAssociated =
    "InvalidParameterException: The specified capacity provider strategy cannot contain a capacity "
    "provider that is not associated with the cluster. Associate the capacity provider with the "
    "cluster or specify a valid capacity provider and try again.";

// What was chosen, or the error.
std::string choose(const std::string& input, const std::string& providers,
                   const std::string& fallback) {
    ecs::Cluster cluster;
    cluster.capacity_providers = json(providers);
    cluster.default_strategy = json(fallback);
    try {
        ecs::Capacity capacity = ecs::choose_capacity(json(input), cluster);
        return capacity.launch_type +
               (capacity.strategy.is_null()
                    ? ""
                    : " by " + capacity.strategy.items()[0]["capacityProvider"].as_string());
    } catch (const aws::Error& error) {
        return error.code + ": " + error.message;
    }
}

}  // namespace

TEST_CASE("the call decides, then the cluster, then AWS: EC2") {
    struct Row {
        const char *input, *providers, *fallback;
        std::string expected;
    };
    const Row rows[] = {
        {R"({})", "[]", "[]", "EC2"},
        {R"({"launchType":"FARGATE"})", "[]", "[]", "FARGATE"},
        {R"({"launchType":"EXTERNAL"})", "[]", "[]", "EXTERNAL"},
        {R"({})", R"(["FARGATE"])", "[]", "EC2"},  // associated, and no default
        {R"({})", R"(["FARGATE"])", R"([{"capacityProvider":"FARGATE","weight":1}])",
         "FARGATE by FARGATE"},
        {R"({"launchType":"EC2"})", R"(["FARGATE"])",
         R"([{"capacityProvider":"FARGATE","weight":1}])", "EC2"},
        {R"({"capacityProviderStrategy":[{"capacityProvider":"FARGATE_SPOT","weight":1}]})",
         R"(["FARGATE","FARGATE_SPOT"])", R"([{"capacityProvider":"FARGATE","weight":1}])",
         "FARGATE by FARGATE_SPOT"},
        {R"({"capacityProviderStrategy":[]})", "[]", "[]", "EC2"},
        {R"({"capacityProviderStrategy":[{"capacityProvider":"FARGATE","weight":1}]})", "[]", "[]",
         kNotAssociated},
        {R"({"launchType":"FARGATE","capacityProviderStrategy":[{"capacityProvider":"FARGATE","weight":1}]})",
         R"(["FARGATE"])", "[]",
         "InvalidParameterException: Specifying both a launch type and capacity provider strategy "
         "is not supported. Remove one and try again."},
        {R"({})", R"(["FARGATE"])", R"([{"capacityProvider":"FARGATE"}])",
         "InvalidParameterException: There are no capacity providers with a weight value greater "
         "than zero defined in the default capacity provider strategy. At least one capacity "
         "provider must have a weight value greater than zero specified. Update the cluster's "
         "default capacity provider strategy or specify a valid capacity provider strategy and try "
         "again."},
    };
    for (const Row& row : rows) {
        CAPTURE(row.input, row.providers, row.fallback);
        CHECK(choose(row.input, row.providers, row.fallback) == row.expected);
    }
}

// ECS guide, "Capacity provider strategy": base first, then by the weights.
TEST_CASE("bases are filled first, the rest is shared by weight") {
    const Node strategy = json(
        R"([{"capacityProvider":"FARGATE","base":2,"weight":1},{"capacityProvider":"FARGATE_SPOT","weight":3}])");
    std::map<std::string, int> running;
    std::string order;
    for (int i = 0; i < 10; ++i) {
        const std::string chosen = ecs::next_provider(strategy, running);
        ++running[chosen];
        order += chosen == "FARGATE" ? 'o' : 's';
    }
    CHECK(order.starts_with("oo"));
    CHECK(running == std::map<std::string, int>{{"FARGATE", 4}, {"FARGATE_SPOT", 6}});
}

TEST_CASE("a service without a launch type gets no task, and its event says why") {
    Fixture f;
    f.register_image("app:1");
    Node service =
        f.call("CreateService", R"({"cluster":"demo","serviceName":"web","taskDefinition":"web",)"
                                R"("desiredCount":1,)" +
                                    Fixture::network() + "}")["service"];
    CHECK(service["launchType"].as_string() == "EC2");
    CHECK(!service.find("platformVersion"));
    f.run(600);
    CHECK(f.tasks().empty());
    CHECK(f.tasks(true).empty());
    CHECK(f.events() ==
          std::vector<std::string>{
              "(service web) was unable to place a task because no container instance met all of "
              "its requirements. Reason: No Container Instances were found in your cluster. For "
              "more information, see the Troubleshooting section of the Amazon ECS Developer "
              "Guide."});
    CHECK(f.service()["deployments"].items()[0]["rolloutState"].as_string() == "IN_PROGRESS");
    const Node record = f.ecs->deploy_record("demo", "web", "");
    CHECK(record["unplaced"].as_string().find("\"launchType\": \"FARGATE\"") != std::string::npos);
    // A strategy takes its place, with a forced deployment only.
    f.call("PutClusterCapacityProviders",
           R"({"cluster":"demo","capacityProviders":["FARGATE","FARGATE_SPOT"],)"
           R"("defaultCapacityProviderStrategy":[]})");
    const std::string strategy =
        R"("capacityProviderStrategy":[{"capacityProvider":"FARGATE_SPOT","weight":1}])";
    CHECK(f.error("UpdateService", R"({"cluster":"demo","service":"web",)" + strategy + "}") ==
          "InvalidParameterException: When switching from launch type to capacity provider "
          "strategy on an existing service, or making a change to a capacity provider strategy on "
          "a service that is already using one, you must force a new deployment.");
    Node updated = f.update(R"("forceNewDeployment":true,)" + strategy);
    CHECK(!updated.find("launchType"));
    CHECK(updated["capacityProviderStrategy"].items()[0]["capacityProvider"].as_string() ==
          "FARGATE_SPOT");
    f.run(60);
    CHECK(f.is_stable());
    CHECK(f.tasks()[0]->provider == "FARGATE_SPOT");
}
