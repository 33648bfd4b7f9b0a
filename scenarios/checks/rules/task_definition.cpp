// Task definitions: names that must meet, the role, the log, and what the environment says.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "scenarios/checks/rules/common.h"

namespace checks {

using base::Node;

void container_names(const Project& project, Report& report) {
    if (project.task_definitions.empty()) return;
    std::vector<std::string> names;
    for (const auto& [file, document] : project.task_definitions)
        for (const Node& container : document["containerDefinitions"].items())
            names.push_back(container["name"].as_string());
    const auto check = [&](const std::string& file, base::Position position,
                           const std::string& name, std::string_view who) {
        if (name.empty() || name.find("${") != std::string::npos || std::ranges::count(names, name))
            return;
        const std::string near = base::closest(name, names);
        report.add(file, position,
                   fmt::format("{} names the container \"{}\", and the task definition has {}", who,
                               name, base::join(names, ", ")),
                   fmt::format("write \"{}\", or rename the container in {}",
                               near.empty() ? names.front() : near,
                               project.repository.shown(project.task_definitions.front().first)));
    };
    for (const auto& workflow : project.workflows)
        for (const auto& job : workflow.jobs)
            for (const auto& step : job.steps) {
                if (!step.uses || !step.with ||
                    step.uses->text.find("render-task-definition") == std::string::npos)
                    continue;
                const auto* name = step.with->find("container-name");
                if (name)
                    check(workflow.file, name->position, with_env(workflow, job, step, name->text),
                          "the render step");
            }
    for (const auto& [key, service] : project.stack["services"].members())
        for (const Node& balancer : service["config"]["loadBalancers"].items())
            check(project.stack_file, balancer["containerName"].position(),
                  balancer["containerName"].as_string(), "the service's load balancer");
}

void execution_role(const Project& project, Report& report) {
    for (const auto& [file, document] : project.task_definitions) {
        if (!document["executionRoleArn"].as_string().empty()) continue;
        std::string why;
        for (const Node& container : document["containerDefinitions"].items()) {
            if (container["secrets"].size()) why = "reads secrets";
            if (container["logConfiguration"]["logDriver"].as_string() == "awslogs")
                why = "writes logs";
            if (container["image"].as_string().find(".dkr.ecr.") != std::string::npos)
                why = "pulls from ECR";
        }
        if (!why.empty())
            report.add(
                file, document["containerDefinitions"].position(),
                fmt::format("the task {} and has no executionRoleArn to do it as: it never starts",
                            why));
    }
}

void launch_type(const Project& project, Report& report) {
    const auto has_default = [&](const std::string& cluster) {
        for (const auto& [name, one] : project.stack["clusters"].members()) {
            const Node& config = one["config"];
            const bool meant = cluster == "${clusters." + name + ".name}" ||
                               cluster == config["clusterName"].as_string() || cluster == name;
            if (meant && config["defaultCapacityProviderStrategy"].size() > 0) return true;
        }
        return false;
    };
    for (const auto& [name, service] : project.stack["services"].members()) {
        const Node& config = service["config"];
        const Node& type = config["launchType"];
        if (type.as_string() == "FARGATE" || config["capacityProviderStrategy"].size() > 0)
            continue;
        if (type.is_null() && has_default(config["cluster"].as_string())) continue;
        report.add(project.stack_file, type.is_null() ? config.position() : type.position(),
                   type.is_null()
                       ? fmt::format("the service {} names no launchType: AWS takes EC2", name)
                       : fmt::format("the service {} is for {}, and there are no container "
                                     "instances here",
                                     name, type.as_string()));
    }
}

void log_configuration(const Project& project, Report& report) {
    for (const auto& [file, document] : project.task_definitions)
        for (const Node& container : document["containerDefinitions"].items())
            if (!container.find("logConfiguration"))
                report.add(file, container.position(),
                           fmt::format("what the container \"{}\" writes is kept nowhere",
                                       container["name"].as_string()));
}

void plain_redis(const Project& project, Report& report) {
    const Node& cache = project.stack["cache"];
    if (!cache["tls"].as_bool()) return;
    each_environment(project, [&](const std::string& file, base::Position position,
                                  const std::string& name, const std::string& value) {
        const std::string upper = base::upper(name), lower = base::lower(value);
        const bool about = upper.find("REDIS") != std::string::npos ||
                           upper.find("CACHE") != std::string::npos ||
                           upper.find("VALKEY") != std::string::npos;
        const bool off =
            (upper.find("TLS") != std::string::npos || upper.find("SSL") != std::string::npos) &&
            (lower == "false" || lower == "0" || lower == "no" || lower == "off");
        if (about && (off || lower.starts_with("redis://")))
            report.add(
                file, position,
                fmt::format("{} = {} speaks plain Redis, and the cache {} has a TLS port alone",
                            name, off ? value : "redis://…", cache["host"].as_string()),
                off ? fmt::format("set {} to \"true\"", name) : "write rediss://");
    });
}

void origin_slash(const Project& project, Report& report) {
    each_environment(project, [&](const std::string& file, base::Position position,
                                  const std::string& name, const std::string& value) {
        const std::string upper = base::upper(name);
        if (upper.find("ORIGIN") == std::string::npos && upper.find("CORS") == std::string::npos)
            return;
        for (std::string_view one : base::split(value, ','))
            if (base::trim(one).starts_with("http") && base::trim(one).ends_with('/'))
                report.add(
                    file, position,
                    fmt::format(
                        "{} ends with a slash, and no browser's Origin does: every call from the "
                        "site is blocked",
                        name));
    });
}

}  // namespace checks
