// Capacity (see capacity.h). The words are those that clients met: terraform-linters/
// tflint-ruleset-aws#349, dask/dask-cloudprovider#328, terraform-aws-modules/terraform-aws-ecs#27
// and #53, aws/amazon-ecs-cli#1040 and #1122.
#include "ecs/capacity.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/error.h"
#include "ecs/limits.h"

namespace ecs {
namespace {

[[noreturn]] void invalid(std::string message) {
    throw aws::Error{400, "InvalidParameterException", std::move(message)};
}

const std::string& provider_of(const Node& item) {
    return item["capacityProvider"].as_string();
}

bool holds(const Node& list, const std::string& name) {
    return std::ranges::any_of(list.items(),
                               [&](const Node& item) { return item.as_string() == name; });
}

bool is_fargate(const std::string& provider) {
    return provider == "FARGATE" || provider == "FARGATE_SPOT";
}

void check_associated(const Node& strategy, const Cluster& cluster) {
    for (const Node& item : strategy.items())
        if (!holds(cluster.capacity_providers, provider_of(item)))
            invalid(
                "The specified capacity provider strategy cannot contain a capacity provider that "
                "is not associated with the cluster. Associate the capacity provider with the "
                "cluster or specify a valid capacity provider and try again.");
}

enum class Whose : uint8_t { Call, Cluster };

void check_strategy(const Node& strategy, const Cluster& cluster, Whose whose) {
    if (strategy.size() > kMaxStrategyItems)
        invalid("A capacity provider strategy can contain a maximum of 20 capacity providers.");
    int64_t weights = 0, bases = 0;
    check_associated(strategy, cluster);
    for (const Node& item : strategy.items()) {
        weights += item["weight"].as_int();
        bases += item["base"].as_int() > 0;
    }
    // GUESS: the words where they speak of the call's own strategy, and those about bases.
    if (weights == 0)
        invalid(whose == Whose::Cluster
                    ? "There are no capacity providers with a weight value greater than zero "
                      "defined in the default capacity provider strategy. At least one capacity "
                      "provider must have a weight value greater than zero specified. Update the "
                      "cluster's default capacity provider strategy or specify a valid capacity "
                      "provider strategy and try again."
                    : "The specified capacity provider strategy must contain at least one capacity "
                      "provider with a weight value greater than zero. Specify a valid capacity "
                      "provider strategy and try again.");
    if (bases > 1)
        invalid(
            "The specified capacity provider strategy can have a base defined for only one "
            "capacity provider. Specify a valid capacity provider strategy and try again.");
}

Capacity choice(const Node& input, const Cluster& cluster) {
    const std::string& launch_type = input["launchType"].as_string();
    const Node& strategy = input["capacityProviderStrategy"];
    if (!launch_type.empty() && strategy.size() > 0)
        invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove "
            "one and try again.");
    if (!launch_type.empty()) {
        if (launch_type != "FARGATE" && launch_type != "EC2" && launch_type != "EXTERNAL")
            invalid(fmt::format("The launch type {} is not valid.", launch_type));  // GUESS: words
        return {launch_type, Node()};
    }
    if (strategy.size() > 0) {
        check_strategy(strategy, cluster, Whose::Call);
        return {"FARGATE", strategy};
    }
    if (cluster.default_strategy.size() > 0) {
        check_strategy(cluster.default_strategy, cluster, Whose::Cluster);
        return {"FARGATE", cluster.default_strategy};
    }
    return {"EC2", Node()};
}

}  // namespace

Capacity choose_capacity(const Node& input, const Cluster& cluster) {
    Capacity chosen = choice(input, cluster);
    if (chosen.launch_type == "EC2" && !input["platformVersion"].as_string().empty())
        invalid("The platform version must be null when specifying an EC2 launch type.");
    return chosen;
}

void check_platform_version(std::string_view version) {
    constexpr std::string_view kVersions[] = {"", "LATEST", "1.4.0", "1.3.0"};
    if (std::ranges::find(kVersions, version) == std::end(kVersions))
        throw aws::Error{400, "PlatformUnknownException",
                         "The specified platform version does not exist."};
}

std::string next_provider(const Node& strategy, const std::map<std::string, int>& running) {
    auto count = [&](const std::string& provider) {
        auto found = running.find(provider);
        return found == running.end() ? 0 : found->second;
    };
    std::string best;
    double least = 0;
    for (const Node& item : strategy.items()) {
        const std::string& provider = provider_of(item);
        const int64_t base = item["base"].as_int(), weight = item["weight"].as_int();
        if (count(provider) < base) return provider;
        if (weight == 0) continue;
        const double share =
            static_cast<double>(count(provider) - base + 1) / static_cast<double>(weight);
        if (best.empty() || share < least) {
            best = provider;
            least = share;
        }
    }
    return best;
}

// GAP: providers of one's own (Auto Scaling groups, managed instances) cannot be made.
void check_providers(const Cluster& cluster) {
    for (const Node& name : cluster.capacity_providers.items())
        if (!is_fargate(name.as_string()))
            invalid(
                "The specified capacity provider was not found. Specify a valid capacity provider "
                "and try again.");
    check_associated(cluster.default_strategy, cluster);
}

std::string no_instances_advice(std::string_view launch_type) {
    return fmt::format(
        "the launch type is {} and there are no container instances here: write \"launchType\": "
        "\"FARGATE\" (without it AWS takes EC2), or give the cluster a "
        "defaultCapacityProviderStrategy",
        launch_type);
}

}  // namespace ecs
