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

// KEY=VALUE lines, # comments, nothing quoted. Later lines win.
Environment parse_environment_file(std::string_view text);

// One member of a secret that is a JSON object; an error is the runtime's sentence.
std::expected<std::string, std::string> json_member(const std::string& text,
                                                    const std::string& key);

// What a `valueFrom` names: a parameter, a secret, or one member or version of a secret. An error
// is a stopped reason, ResourceInitializationError and all.
std::expected<std::string, std::string> secret_value(const std::string& value_from,
                                                     SecretSource& source);

// Files < environment < secrets. An error is a stopped reason, ResourceInitializationError and all.
std::expected<Environment, std::string> resolve_environment(const ContainerDefinition& container,
                                                            SecretSource& source);

// RunTask's overrides laid over the definition: command replaces, environment merges by name.
TaskDefinition with_overrides(TaskDefinition definition, const Node& overrides);

}  // namespace ecs
