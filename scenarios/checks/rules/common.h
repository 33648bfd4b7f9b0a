// What the rules share: the words of a step's script, and environment values.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/checks/checks.h"

namespace checks {

inline std::string text_of(const workflow::YamlNode* node, std::string_view key) {
    if (!node || !node->is_mapping()) return {};
    const auto* found = node->find(key);
    return found && found->is_scalar() ? found->text : std::string();
}

// ${{ env.NAME }} as the step, its job and the workflow set it; other expressions stay as they are.
std::string with_env(const workflow::Workflow& workflow, const workflow::Job& job,
                     const workflow::Step& step, std::string text);

// Every name and value that reaches a container: of task definitions and of the stack file's
// services.
void each_environment(
    const Project& project,
    const std::function<void(const std::string& file, base::Position position,
                             const std::string& name, const std::string& value)>& visit);

// Behaviours of the stack's distributions whose origin is no bucket, and the others.
struct Behaviour {
    std::string distribution, path;
    const base::Node* node;
    const base::Node* config;
    bool bucket;
};
std::vector<Behaviour> behaviours_of(const base::Node& stack);

}  // namespace checks
