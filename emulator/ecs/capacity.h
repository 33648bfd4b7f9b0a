// Capacity: on what tasks run: the launch type or the capacity provider strategy that a call names,
// else the cluster's default strategy, else EC2. Fargate is all there is here; a stack has no
// container instances.
#pragma once
#include <map>
#include <string>

#include "ecs/model.h"

namespace ecs {

struct Capacity {
    std::string launch_type;  // "FARGATE", "EC2", "EXTERNAL"; FARGATE with a strategy
    Node strategy;            // array, null where a launch type was named or taken
};

// API reference, "CreateService" and "RunTask": launchType, capacityProviderStrategy. Throws
// InvalidParameterException.
Capacity choose_capacity(const Node& input, const Cluster& cluster);

// A version of Fargate's platform for Linux, LATEST or "" for the current one. Fargate guide,
// "Fargate platform versions for Amazon ECS". Throws PlatformUnknownException.
void check_platform_version(std::string_view version);

// The provider of one more task, when `running` have each so many: bases first, then the weights'
// shares.
std::string next_provider(const Node& strategy, const std::map<std::string, int>& running);

// What a cluster may name. Throws InvalidParameterException.
void check_providers(const Cluster& cluster);

// A sentence about EC2 or EXTERNAL, for people: what to write instead.
std::string no_instances_advice(std::string_view launch_type);

inline constexpr const char* kNoInstances = "No Container Instances were found in your cluster.";

}  // namespace ecs
