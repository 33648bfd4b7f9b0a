// Task definitions: what RegisterTaskDefinition accepts and how it reads back. Pure.
// ECS guide, "Task definition parameters for Fargate"; API reference, "RegisterTaskDefinition".
#pragma once
#include "ecs/model.h"

namespace ecs {

// Throws aws::Error (ClientException) with AWS's words. The result has no revision yet.
TaskDefinition read_task_definition(const Node& input);

// The typed view of a stored document; what read_task_definition() made is trusted.
TaskDefinition from_document(Node document);

// "256" from 256, "256", ".25 vCPU", "0.25 vcpu"; MiB from "512", "0.5 GB", "3 GB". "" = not a
// size.
std::string normal_cpu(const Node& value);
std::string normal_memory(const Node& value);

bool is_fargate_size(int cpu, int memory_mib);
// What AWS says of one that is none.
std::string no_such_size(int cpu, int memory_mib);
// And of a container with more memory than its task: artilleryio/artillery#591.
std::string larger_than_task(std::string_view container);

// Environment variables' and secrets' source: "parameter-name", or an ARN of SSM or Secrets
// Manager, the latter with :json-key:version-stage:version-id.
struct ValueFrom {
    enum class Kind : uint8_t { Parameter, Secret };
    Kind kind = Kind::Parameter;
    std::string id;  // name or ARN without the suffixes
    std::string json_key, version_stage, version_id;
    bool well_formed = true;  // a secret's ARN ends there, or has all three positions
};
ValueFrom parse_value_from(std::string_view text);

}  // namespace ecs
