// aws-actions/amazon-ecs-render-task-definition (as v1.9.0) and amazon-ecs-deploy-task-definition
// (as v2.6.3).
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"
#include "scenarios/workflow/actions.h"
#include "scenarios/workflow/runner.h"
#include "scenarios/workflow/yaml.h"

namespace workflow {
namespace {

namespace fs = std::filesystem;
using base::Node;
using Done = std::expected<void, std::string>;

// The real ones ask every 15 seconds.
constexpr auto kPoll = base::milliseconds(500);
constexpr uint64_t kMostMinutes = 360;

std::expected<std::string, std::string> read_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::unexpected(path);
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

// JSON, else YAML.
std::expected<Node, std::string> read_document(const std::string& path) {
    const std::string text = TRY(read_text(path));
    if (auto parsed = base::parse_json(text)) return *parsed;
    auto yaml = parse_yaml(text);
    if (!yaml || !yaml->is_mapping()) {
        auto json = base::parse_json(text);
        return std::unexpected(fmt::format("{}:{}:{}: {}", path, json.error().position.line,
                                           json.error().position.column, json.error().message));
    }
    auto node = base::parse_json(to_json_text(value_of(*yaml)));
    if (!node) return std::unexpected(path + ": " + node.error().message);
    return *node;
}

std::string absolute(const ActionCall& call, const std::string& path) {
    return fs::path(path).is_absolute()
               ? path
               : (fs::path(call.workspace) / path).lexically_normal().string();
}

// name=value lines into a list of {name, <member>}; those of the same name are replaced.
Done merge_pairs(Node& container, const char* list, const char* member, const std::string& text,
                 const char* what) {
    for (const std::string& line : lines_of(text)) {
        const auto equals = line.find('=');
        if (equals == std::string::npos || equals == 0)
            return std::unexpected(fmt::format(
                "Cannot parse the {} '{}'. {} pairs must be of the form NAME=value.", what, line,
                std::string(what) == "secret" ? "Secret" : "Environment variable"));
        const std::string name(base::trim(std::string_view(line).substr(0, equals)));
        const std::string value(base::trim(std::string_view(line).substr(equals + 1)));
        if (!container.find(list)) container.set(list, Node::array());
        Node& entries = *container.find(list);
        auto found = std::ranges::find_if(
            entries.items(), [&](const Node& e) { return e["name"].as_string() == name; });
        if (found != entries.items().end())
            found->set(member, value);
        else
            entries.push_back(Node::object({{"name", name}, {member, value}}));
    }
    return {};
}

Done edit_container(ActionCall& call, Node& container) {
    if (!call.input("image").empty()) container.set("image", call.input("image"));
    if (const std::string& command = call.input("command"); !command.empty()) {
        Node words = Node::array();
        for (std::string_view word : base::split(command, ' '))
            if (!word.empty()) words.push_back(word);
        container.set("command", std::move(words));
    }
    if (const std::string& files = call.input("env-files"); !files.empty()) {
        Node list = Node::array();
        for (const std::string& line : lines_of(files))
            list.push_back(Node::object({{"value", line}, {"type", "s3"}}));
        container.set("environmentFiles", std::move(list));
    }
    TRY(merge_pairs(container, "environment", "value", call.input("environment-variables"),
                    "environment variable"));
    TRY(merge_pairs(container, "secrets", "valueFrom", call.input("secrets"), "secret"));
    if (const std::string& driver = call.input("log-configuration-log-driver"); !driver.empty()) {
        if (!container.find("logConfiguration")) container.set("logConfiguration", Node::object());
        container.find("logConfiguration")->set("logDriver", driver);
        if (!(*container.find("logConfiguration")).find("options"))
            container.find("logConfiguration")->set("options", Node::object());
    }
    if (const std::string& options = call.input("log-configuration-options"); !options.empty()) {
        if (!container.find("logConfiguration")) container.set("logConfiguration", Node::object());
        Node& log = *container.find("logConfiguration");
        if (!log.find("options")) log.set("options", Node::object());
        for (const std::string& line : lines_of(options)) {
            const auto [name, value] = base::cut(line, '=');
            if (name.empty() || value.empty())
                return std::unexpected(fmt::format(
                    "Can't parse logConfiguration option {}. Must be in key=value format, "
                    "one per line",
                    line));
            log.find("options")->set(std::string(base::trim(name)), std::string(base::trim(value)));
        }
    }
    if (const std::string& labels = call.input("docker-labels"); !labels.empty()) {
        if (!container.find("dockerLabels")) container.set("dockerLabels", Node::object());
        for (const std::string& line : lines_of(labels)) {
            const auto [name, value] = base::cut(line, '=');
            if (name.empty() || value.empty())
                return std::unexpected(fmt::format(
                    "Can't parse dockerLabel {}. Must be in key=value format, one per line", line));
            container.find("dockerLabels")->set(std::string(name), std::string(value));
        }
    }
    return {};
}

constexpr std::string_view kReadOnly[] = {
    "compatibilities", "taskDefinitionArn", "requiresAttributes", "revision",
    "status",          "registeredAt",      "deregisteredAt",     "registeredBy"};

Done render(ActionCall& call) {
    const std::string file = call.input("task-definition"), arn = call.input("task-definition-arn"),
                      family = call.input("task-definition-family"),
                      revision = call.input("task-definition-revision");
    Node definition;
    if (!arn.empty() || !family.empty()) {
        Node input = Node::object();
        input.set("taskDefinition", !arn.empty()       ? arn
                                    : revision.empty() ? family
                                                       : family + ":" + revision);
        auto answer = call_aws(call, "ecs.DescribeTaskDefinition", input);
        if (!answer)
            return std::unexpected("Failed to describe task definition in ECS: " + answer.error());
        definition = (*answer)["taskDefinition"];
        for (std::string_view name : kReadOnly)
            definition.erase(name);
    } else {
        if (file.empty())
            return std::unexpected(
                "Either task definition, task definition arn or task definition family must be "
                "provided");
        const std::string path = absolute(call, file);
        if (!fs::exists(path))
            return std::unexpected("Task definition file does not exist: " + file);
        definition = TRY(read_document(path));
    }
    Node* containers = definition.find("containerDefinitions");
    if (!containers || !containers->is_array())
        return std::unexpected(
            "Invalid task definition format: containerDefinitions section is not present or is not "
            "an array");
    for (std::string_view name : base::split(call.input("container-name"), ',')) {
        name = base::trim(name);
        auto found = std::ranges::find_if(containers->items(), [&](const Node& each) {
            return each["name"].as_string() == name;
        });
        if (found == containers->items().end())
            return std::unexpected(
                "Invalid task definition: Could not find container definition with matching name");
        TRY(edit_container(call, *found));
    }
    if (!call.input("task-role-arn").empty())
        definition.set("taskRoleArn", call.input("task-role-arn"));
    if (!call.input("execution-role-arn").empty())
        definition.set("executionRoleArn", call.input("execution-role-arn"));
    const std::string written =
        fmt::format("{}/task-definition-{}.json", call.temporary, base::random_hex(6));
    std::ofstream out(written);
    out << base::to_json(definition, 2);
    if (!out.flush()) return std::unexpected(written + " cannot be written");
    call.outputs.emplace_back("task-definition", written);
    call.detail = definition["family"].as_string();
    return {};
}

constexpr BuiltInInput kRenderInputs[] = {
    {"task-definition", ""},
    {"task-definition-arn", ""},
    {"task-definition-family", ""},
    {"task-definition-revision", ""},
    {"container-name", "", true},
    {"image", ""},
    {"environment-variables", ""},
    {"env-files", ""},
    {"log-configuration-log-driver", ""},
    {"log-configuration-options", ""},
    {"docker-labels", ""},
    {"command", ""},
    {"secrets", ""},
    {"task-role-arn", ""},
    {"execution-role-arn", ""},
};
constexpr std::string_view kRenderOutputs[] = {"task-definition"};

// ---- deploy

// Empty texts, lists, objects and nulls go, at every depth.
bool is_empty(const Node& node) {
    return node.is_null() || (node.is_string() && node.as_string().empty()) ||
           ((node.is_array() || node.is_object()) && node.size() == 0);
}
void remove_empty(Node& node, const std::set<std::string>& kept) {
    if (node.is_array()) {
        for (Node& item : node.items())
            remove_empty(item, kept);
        std::erase_if(node.items(), [](const Node& item) { return is_empty(item); });
    } else if (node.is_object()) {
        std::vector<std::string> gone;
        for (auto& [key, value] : node.members()) {
            remove_empty(value, kept);
            if (is_empty(value) && !kept.contains(key)) gone.push_back(key);
        }
        for (const std::string& key : gone)
            node.erase(key);
    }
}

std::expected<Node, std::string> describe(ActionCall& call, const std::string& cluster,
                                          const std::string& service) {
    Node input = Node::object();
    input.set("cluster", cluster);
    input.set("services", Node::array({Node(service)}));
    Node answer = TRY(call_aws(call, "ecs.DescribeServices", input));
    if (const auto& failures = answer["failures"].items(); !failures.empty())
        return std::unexpected(fmt::format("{} is {}", failures.front()["arn"].as_string(),
                                           failures.front()["reason"].as_string()));
    if (answer["services"].items().empty())
        return std::unexpected(fmt::format("{} is MISSING", service));
    return answer["services"].items().front();
}

const Node* deployment_of(const Node& service, const std::string& id) {
    for (const Node& deployment : service["deployments"].items())
        if (deployment["id"].as_string() == id) return &deployment;
    return nullptr;
}

// Service events that were not told yet, oldest first.
void tell_events(ActionCall& call, const Node& service, std::set<std::string>& told,
                 bool silently = false) {
    const auto& events = service["events"].items();
    for (size_t i = events.size(); i-- > 0;)
        if (told.insert(events[i]["id"].as_string()).second && !silently)
            call.say(events[i]["message"].as_string());
}

bool stopped(const ActionCall& call) {
    return (call.stop && *call.stop) || std::chrono::steady_clock::now() >= call.until;
}

Done wait_until_stable(ActionCall& call, const std::string& cluster, const std::string& service,
                       const std::string& deployment, std::set<std::string>& told) {
    const auto asked = base::parse_unsigned(call.input("wait-for-minutes")).value_or(30);
    base::SystemClock clock;
    const base::Time limit = clock.real_now() + base::seconds(60 * std::min(asked, kMostMinutes));
    while (true) {
        const Node now = TRY(describe(call, cluster, service));
        tell_events(call, now, told);
        if (now["status"].as_string() != "ACTIVE")
            return std::unexpected("Service is " + now["status"].as_string());
        const bool stable = now["deployments"].size() == 1 &&
                            now["runningCount"].as_int() == now["desiredCount"].as_int();
        const Node* mine = deployment_of(now, deployment);
        // What comes after a failed rollout is known: nobody waits for the rollback to settle.
        if (!mine || (*mine)["rolloutState"].as_string() == "FAILED") {
            if (!mine)
                return std::unexpected(fmt::format(
                    "Deployment {} was not found in the service {}: it was likely rolled "
                    "back",
                    deployment, service));
            return std::unexpected(fmt::format("Deployment {} failed: {}", deployment,
                                               (*mine)["rolloutStateReason"].as_string()));
        }
        if (stable) return {};
        if (stopped(call)) return std::unexpected("The operation was canceled.");
        if (clock.real_now() >= limit)
            return std::unexpected("{\"state\":\"TIMEOUT\",\"reason\":\"Waiter has timed out\"}");
        clock.wait_until(clock.now() + kPoll);
    }
}

Node words_of(const std::string& text) {
    Node list = Node::array();
    for (std::string_view each : base::split(text, ','))
        if (each = base::trim(each); !each.empty()) list.push_back(each);
    return list;
}

Done run_task(ActionCall& call, const std::string& cluster, const std::string& arn) {
    Node input = Node::object();
    input.set("cluster", cluster);
    input.set("taskDefinition", arn);
    input.set("startedBy", call.input("run-task-started-by"));
    if (!call.input("run-task-launch-type").empty())
        input.set("launchType", call.input("run-task-launch-type"));
    if (const Node subnets = words_of(call.input("run-task-subnets")); subnets.size() > 0) {
        Node network = Node::object();
        network.set("subnets", subnets);
        if (const Node groups = words_of(call.input("run-task-security-groups")); groups.size() > 0)
            network.set("securityGroups", groups);
        network.set("assignPublicIp", call.input("run-task-assign-public-ip"));
        input.set("networkConfiguration", Node::object({{"awsvpcConfiguration", network}}));
    }
    for (const auto& [name, member] :
         {std::pair<const char*, const char*>{"run-task-container-overrides", ""},
          {"run-task-tags", "tags"},
          {"run-task-capacity-provider-strategy", "capacityProviderStrategy"}}) {
        auto list = base::parse_json(call.input(name).empty() ? "[]" : call.input(name));
        if (!list) return std::unexpected(fmt::format("{}: {}", name, list.error().message));
        if (list->size() == 0) continue;
        if (*member)
            input.set(member, *list);
        else
            input.set("overrides", Node::object({{"containerOverrides", *list}}));
    }
    // The action leaves its default launch type out where there is a strategy: ECS takes one of
    // them.
    if (input.find("capacityProviderStrategy")) input.set("launchType", Node());
    const Node answer = TRY(call_aws(call, "ecs.RunTask", input));
    if (const auto& failures = answer["failures"].items(); !failures.empty())
        return std::unexpected(fmt::format("{} is {}", failures.front()["arn"].as_string(),
                                           failures.front()["reason"].as_string()));
    Node arns = Node::array();
    for (const Node& task : answer["tasks"].items())
        arns.push_back(task["taskArn"]);
    call.outputs.emplace_back("run-task-arn", base::to_json(arns));
    if (!is_true(call.input("wait-for-task-stopped"))) return {};
    Node query = Node::object({{"cluster", cluster}, {"tasks", arns}});
    base::SystemClock clock;
    const auto asked = base::parse_unsigned(call.input("wait-for-minutes")).value_or(30);
    const base::Time limit = clock.real_now() + base::seconds(60 * std::min(asked, kMostMinutes));
    while (true) {
        const Node now = TRY(call_aws(call, "ecs.DescribeTasks", query));
        const auto& tasks = now["tasks"].items();
        if (std::ranges::all_of(tasks, [](const Node& task) {
                return task["lastStatus"].as_string() == "STOPPED";
            })) {
            std::string reasons;
            for (const Node& task : tasks)
                for (const Node& container : task["containers"].items())
                    if (container["exitCode"].as_int(1) != 0)
                        reasons += (reasons.empty() ? "" : "\n") +
                                   fmt::format("{}: exit code {} {}", container["name"].as_string(),
                                               container["exitCode"].as_int(1),
                                               container["reason"].as_string());
            if (!reasons.empty()) return std::unexpected("Run task failed: " + reasons);
            return {};
        }
        if (stopped(call)) return std::unexpected("The operation was canceled.");
        if (clock.real_now() >= limit)
            return std::unexpected("{\"state\":\"TIMEOUT\",\"reason\":\"Waiter has timed out\"}");
        clock.wait_until(clock.now() + kPoll);
    }
}

Done deploy(ActionCall& call) {
    const std::string path = absolute(call, call.input("task-definition"));
    if (!fs::exists(path))
        return std::unexpected(fmt::format("ENOENT: no such file or directory, open '{}'", path));
    Node definition = TRY(read_document(path));
    std::set<std::string> kept;
    for (std::string_view key : base::split(call.input("keep-null-value-keys"), ','))
        if (key = base::trim(key); !key.empty()) kept.emplace(key);
    remove_empty(definition, kept);
    for (std::string_view name : kReadOnly)
        if (definition.erase(name))
            call.say(
                fmt::format("Ignoring property '{}' in the task definition file. This property is "
                            "returned by the "
                            "Amazon ECS DescribeTaskDefinition API and may be shown in the ECS "
                            "console, but it is "
                            "not a valid field when registering a new task definition.",
                            name));
    auto registered = call_aws(call, "ecs.RegisterTaskDefinition", definition);
    if (!registered) {
        call.say("Task definition contents:");
        call.say(base::to_json(definition, 4));
        return std::unexpected("Failed to register task definition in ECS: " + registered.error());
    }
    const std::string arn = (*registered)["taskDefinition"]["taskDefinitionArn"].as_string();
    call.outputs.emplace_back("task-definition-arn", arn);
    const std::string cluster = call.input("cluster").empty() ? "default" : call.input("cluster");
    const std::string service = call.input("service");
    call.detail = arn.substr(arn.rfind('/') + 1);

    if (is_true(call.input("run-task"))) TRY(run_task(call, cluster, arn));
    if (service.empty()) {
        call.say("Service was not specified, no service updated");
        return {};
    }
    const Node before = TRY(describe(call, cluster, service));
    if (before["status"].as_string() != "ACTIVE")
        return std::unexpected("Service is " + before["status"].as_string());
    if (const std::string& controller = before["deploymentController"]["type"].as_string();
        !controller.empty() && controller != "ECS")
        return std::unexpected("Unsupported deployment controller: " + controller);
    std::set<std::string> told;
    tell_events(call, before, told, true);

    Node input = Node::object();
    input.set("cluster", cluster);
    input.set("service", service);
    input.set("taskDefinition", arn);
    input.set("forceNewDeployment", is_true(call.input("force-new-deployment")));
    if (const auto count = base::parse_signed(call.input("desired-count")))
        input.set("desiredCount", *count);
    if (!call.input("enable-ecs-managed-tags").empty())
        input.set("enableECSManagedTags", is_true(call.input("enable-ecs-managed-tags")));
    if (!call.input("propagate-tags").empty())
        input.set("propagateTags", call.input("propagate-tags"));
    const Node updated = TRY(call_aws(call, "ecs.UpdateService", input));
    std::string deployment;
    for (const Node& each : updated["service"]["deployments"].items())
        if (each["status"].as_string() == "PRIMARY") deployment = each["id"].as_string();
    call.say(fmt::format("Deployment started: {} of service {} in cluster {}", deployment, service,
                         cluster));
    if (!is_true(call.input("wait-for-service-stability"))) return {};
    TRY(wait_until_stable(call, cluster, service, deployment, told));
    // Stable on the old tasks is no success: the deployment must still be there.
    const Node after = TRY(describe(call, cluster, service));
    tell_events(call, after, told);
    const Node* mine = deployment_of(after, deployment);
    if (!mine)
        return std::unexpected(
            fmt::format("Deployment {} was not found in the service {}: it was likely rolled back",
                        deployment, service));
    if ((*mine)["rolloutState"].as_string() == "FAILED")
        return std::unexpected(fmt::format("Deployment {} failed: {}", deployment,
                                           (*mine)["rolloutStateReason"].as_string()));
    return {};
}

constexpr BuiltInInput kDeployInputs[] = {
    {"task-definition", "", true},
    {"desired-count", ""},
    {"service", ""},
    {"cluster", ""},
    {"wait-for-service-stability", "false"},
    {"wait-for-minutes", "30"},
    {"codedeploy-appspec", ""},
    {"codedeploy-application", ""},
    {"codedeploy-deployment-group", ""},
    {"codedeploy-deployment-description", ""},
    {"codedeploy-deployment-config", ""},
    {"force-new-deployment", "false"},
    {"service-managed-ebs-volume-name", ""},
    {"service-managed-ebs-volume", ""},
    {"run-task", "false"},
    {"run-task-container-overrides", "[]"},
    {"run-task-security-groups", ""},
    {"run-task-subnets", ""},
    {"run-task-assign-public-ip", "DISABLED"},
    {"run-task-capacity-provider-strategy", "[]"},
    {"run-task-launch-type", "FARGATE"},
    {"run-task-started-by", "GitHub-Actions"},
    {"run-task-tags", "[]"},
    {"wait-for-task-stopped", "false"},
    {"enable-ecs-managed-tags", ""},
    {"propagate-tags", ""},
    {"keep-null-value-keys", ""},
    {"max-retries", "3"},
};
constexpr std::string_view kDeployOutputs[] = {"task-definition-arn", "codedeploy-deployment-id",
                                               "run-task-arn"};

constexpr BuiltInAction kActions[] = {
    {"aws-actions/amazon-ecs-render-task-definition", "v1.9.0", kRenderInputs, kRenderOutputs,
     render},
    {"aws-actions/amazon-ecs-deploy-task-definition", "v2.6.3", kDeployInputs, kDeployOutputs,
     deploy},
};

}  // namespace

const std::span<const BuiltInAction> ecs_actions = kActions;

}  // namespace workflow
