// What the rules share.
#include "scenarios/checks/rules/common.h"

#include "base/text.h"

namespace checks {

using base::Node;

std::string with_env(const workflow::Workflow& workflow, const workflow::Job& job,
                     const workflow::Step& step, std::string text) {
    for (size_t open = text.find("${{"); open != std::string::npos;
         open = text.find("${{", open + 1)) {
        const size_t close = text.find("}}", open);
        if (close == std::string::npos) break;
        const std::string name(
            base::trim(std::string_view(text).substr(open + 3, close - open - 3)));
        if (!name.starts_with("env.")) continue;
        for (const auto* env : {step.env, job.env, workflow.env}) {
            const std::string value = text_of(env, name.substr(4));
            if (value.empty()) continue;
            text.replace(open, close + 2 - open, value);
            break;
        }
    }
    return text;
}

void each_environment(const Project& project,
                      const std::function<void(const std::string&, base::Position,
                                               const std::string&, const std::string&)>& visit) {
    for (const auto& [file, document] : project.task_definitions)
        for (const Node& container : document["containerDefinitions"].items())
            for (const Node& one : container["environment"].items())
                visit(file, one["value"].position(), one["name"].as_string(),
                      one["value"].as_string());
    for (const auto& [name, service] : project.stack["services"].members())
        for (const auto& [key, value] : service["environment"].members())
            visit(project.stack_file, value.position(), key, value.as_string());
}

std::vector<Behaviour> behaviours_of(const Node& stack) {
    std::vector<Behaviour> all;
    for (const auto& [name, distribution] : stack["distributions"].members()) {
        const Node& config = distribution["config"];
        const auto is_bucket = [&](const Node& behaviour) {
            for (const Node& origin : config["Origins"]["Items"].items())
                if (origin["Id"].as_string() == behaviour["TargetOriginId"].as_string())
                    return origin.find("S3OriginConfig") != nullptr;
            return false;
        };
        const Node& first = config["DefaultCacheBehavior"];
        if (first.is_object()) all.push_back({name, "*", &first, &config, is_bucket(first)});
        for (const Node& each : config["CacheBehaviors"]["Items"].items())
            all.push_back({name, each["PathPattern"].as_string(), &each, &config, is_bucket(each)});
    }
    return all;
}

}  // namespace checks
