// Environment of containers (see environment.h).
#include "ecs/environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ranges>

#include "base/text.h"
#include "ecs/task_definition.h"

namespace ecs {
namespace {

void set(Environment& environment, const std::string& name, std::string value) {
    auto found = std::find_if(environment.begin(), environment.end(),
                              [&](const auto& one) { return one.first == name; });
    if (found == environment.end())
        environment.emplace_back(name, std::move(value));
    else
        found->second = std::move(value);
}

std::string cannot_pull_secret(const std::string& from, const std::string& what) {
    return fmt::format(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
        "retrieval failed: unable to retrieve {}: service call has been retried 1 time(s): {}",
        from, what);
}

std::string_view go_kind(const Node& node) {
    return node.is_array()    ? "array"
           : node.is_string() ? "string"
           : node.is_number() ? "number"
                              : "bool";
}

// A number as Go's %v writes a float64: the fewest digits, with an exponent from a million on.
std::string go_text(double number) {
    char text[32];
    auto end = std::to_chars(text, text + sizeof text, number, std::chars_format::scientific).ptr;
    const std::string_view scientific(text, static_cast<size_t>(end - text));
    std::string_view digits = scientific.substr(scientific.rfind('e') + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const int64_t exponent = base::parse_signed(digits).value_or(0);
    if (exponent < -4 || exponent >= 6) return std::string(scientific);
    end = std::to_chars(text, text + sizeof text, number, std::chars_format::fixed).ptr;
    return {text, end};
}

// aws/amazon-ecs-agent, agent/asm: a member reaches the container as Go's %v writes it. GUESS: on
// Fargate, too, whose errors have the same words.
std::string go_text(const Node& node) {
    std::vector<std::string> parts;
    if (node.is_object()) {
        for (const auto& [name, value] : node.members())
            parts.push_back(name + ":" + go_text(value));
        std::ranges::sort(parts);
        return "map[" + base::join(parts, " ") + "]";
    }
    if (node.is_array()) {
        for (const Node& item : node.items())
            parts.push_back(go_text(item));
        return "[" + base::join(parts, " ") + "]";
    }
    if (node.is_null()) return "<nil>";
    if (node.is_bool()) return node.as_bool() ? "true" : "false";
    return node.is_number() ? go_text(node.as_double()) : node.as_string();
}

}  // namespace

std::expected<std::string, std::string> secret_value(const std::string& value_from,
                                                     SecretSource& source) {
    ValueFrom from = parse_value_from(value_from);
    if (from.kind == ValueFrom::Kind::Parameter) {
        auto value = source.parameter(from.id);
        if (!value)
            return std::unexpected(cannot_pull_secret("secrets from ssm",
                                                      value.error().starts_with("ParameterNotFound")
                                                          ? "invalid ssm parameters: " + from.id
                                                          : value.error()));
        return *value;
    }
    if (!from.well_formed)
        return std::unexpected(fmt::format(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution "
            "resource retrieval failed: unable to retrieve secret from asm: trying to retrieve "
            "secret with value {} resulted in error: an invalid ARN format for the AWS Secrets "
            "Manager secret was specified. Specify a valid ARN and try again.",
            value_from));
    auto value = source.secret(from.id, from.version_stage, from.version_id);
    if (!value)
        return std::unexpected(cannot_pull_secret(
            "secret from asm", fmt::format("failed to fetch secret {} from secrets manager: {}",
                                           from.id, value.error())));
    if (from.json_key.empty()) return *value;
    auto member = json_member(*value, from.json_key);
    if (!member) return std::unexpected(cannot_pull_secret("secret from asm", member.error()));
    return *member;
}

Environment parse_environment_file(std::string_view text) {
    Environment environment;
    for (std::string_view line : base::split(text, '\n')) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        size_t equals = line.find('=');
        if (base::trim(line).empty() || line.starts_with('#') || equals == std::string_view::npos ||
            equals == 0 || equals + 1 == line.size())
            continue;
        set(environment, std::string(line.substr(0, equals)), std::string(line.substr(equals + 1)));
    }
    return environment;
}

std::expected<std::string, std::string> json_member(const std::string& text,
                                                    const std::string& key) {
    auto node = base::parse_json(text);
    if (base::trim(text).empty()) return std::unexpected("unexpected end of JSON input");
    if (!node)
        return std::unexpected(
            fmt::format("invalid character '{}' looking for beginning of value", text[0]));
    if (!node->is_object())
        return std::unexpected(
            fmt::format("json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                        go_kind(*node)));
    const Node* member = node->find(key);
    if (!member)
        return std::unexpected("retrieved secret from Secrets Manager did not contain json key " +
                               key);
    return go_text(*member);
}

std::expected<Environment, std::string> resolve_environment(const ContainerDefinition& container,
                                                            SecretSource& source) {
    Environment environment;
    for (const std::string& file : std::views::reverse(container.environment_files)) {
        auto text = source.object(file);
        if (!text)
            return std::unexpected(
                fmt::format("ResourceInitializationError: failed to download env files: file "
                            "download command: non empty error stream: {}: {}",
                            file, text.error()));
        for (auto& [name, value] : parse_environment_file(*text))
            set(environment, name, std::move(value));
    }
    for (const auto& [name, value] : container.environment)
        set(environment, name, value);
    for (const ContainerSecret& secret : container.secrets) {
        auto value = secret_value(secret.value_from, source);
        if (!value) return std::unexpected(value.error());
        set(environment, secret.name, std::move(*value));
    }
    return environment;
}

TaskDefinition with_overrides(TaskDefinition definition, const Node& overrides) {
    if (const std::string& role = overrides["taskRoleArn"].as_string(); !role.empty())
        definition.task_role = role;
    if (const Node& memory = overrides["memory"]; memory.is_string())
        definition.memory = normal_memory(memory);
    if (const Node& cpu = overrides["cpu"]; cpu.is_string()) definition.cpu = normal_cpu(cpu);
    for (const Node& override_node : overrides["containerOverrides"].items()) {
        for (ContainerDefinition& container : definition.containers) {
            if (container.name != override_node["name"].as_string()) continue;
            if (const Node& command = override_node["command"]; command.size() > 0) {
                container.command.emplace();
                for (const Node& word : command.items())
                    container.command->push_back(word.as_string());
            }
            for (const Node& variable : override_node["environment"].items())
                set(container.environment, variable["name"].as_string(),
                    variable["value"].as_string());
            if (override_node["memory"].is_number())
                container.memory_mib = static_cast<int>(override_node["memory"].as_int());
            if (override_node["cpu"].is_number())
                container.cpu = static_cast<int>(override_node["cpu"].as_int());
            if (const Node& files = override_node["environmentFiles"]; files.size() > 0) {
                container.environment_files.clear();
                for (const Node& file : files.items())
                    container.environment_files.push_back(file["value"].as_string());
            }
        }
    }
    return definition;
}

}  // namespace ecs
