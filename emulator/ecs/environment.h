// What a container is started with beyond its image: environment, files of variables, secrets,
// overrides. ECS guide, "Pass Amazon ECS environment variables …", "Pass sensitive data to an
// Amazon ECS container".
#pragma once
#include <expected>
#include <string>
#include <vector>

#include "ecs/model.h"
#include "ecs/ports.h"

namespace ecs {

using Environment = std::vector<std::pair<std::string, std::string>>;

// KEY=VALUE lines, # comments, nothing quoted or trimmed. Later lines win; without a value it is no
// variable. ECS guide, "Pass an environment variable to an Amazon ECS container": a file is like a
// native Docker env-file, blank ones do not appear in the container on Fargate.
Environment parse_environment_file(std::string_view text);

// One member of a secret that is a JSON object; an error is the runtime's sentence.
std::expected<std::string, std::string> json_member(const std::string& text,
                                                    const std::string& key);

// What a `valueFrom` names: a parameter, a secret, or one member or version of a secret. An error
// is a stopped reason, ResourceInitializationError and all.
std::expected<std::string, std::string> secret_value(const std::string& value_from,
                                                     SecretSource& source);

// Files < environment < secrets; of several files the first that has the variable. An error is a
// stopped reason, ResourceInitializationError and all.
std::expected<Environment, std::string> resolve_environment(const ContainerDefinition& container,
                                                            SecretSource& source);

// RunTask's overrides laid over the definition: command and files replace, environment merges by
// name.
TaskDefinition with_overrides(TaskDefinition definition, const Node& overrides);

}  // namespace ecs
