// Task definitions (see task_definition.h): one pass normalises the document as it reads back, one
// checks what holds everywhere, one checks what Fargate demands.
#include "ecs/task_definition.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "aws/arn.h"
#include "aws/error.h"
#include "base/text.h"
#include "ecs/awslogs.h"
#include "ecs/limits.h"
#include "oci/reference.h"

namespace ecs {
namespace {

[[noreturn]] void refuse(std::string message) {
    throw aws::Error{400, "ClientException", std::move(message)};
}

bool is_name(std::string_view text) {
    if (text.empty() || text.size() > 255) return false;
    return std::all_of(text.begin(), text.end(),
                       [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
}

std::vector<std::string> strings(const Node& list) {
    std::vector<std::string> result;
    for (const Node& item : list.items())
        result.push_back(item.as_string());
    return result;
}

void keep(Node& into, const Node& from, std::string_view key) {
    if (const Node* value = from.find(key); value && !value->is_null())
        into.set(std::string(key), *value);
}

// --- normalising
// -------------------------------------------------------------------------------------

// Under awsvpc the host port is the container port, filled in when absent or 0.
Node normal_ports(const Node& input, std::string_view network_mode) {
    Node ports = Node::array();
    for (const Node& given : input.items()) {
        Node port = given;
        if (network_mode == "awsvpc" && port["hostPort"].as_int() == 0 &&
            port.find("containerPort"))
            port.set("hostPort", port["containerPort"].as_int());
        if (port["protocol"].as_string().empty()) port.set("protocol", "tcp");
        ports.push_back(std::move(port));
    }
    return ports;
}

Node normal_health_check(Node check) {
    auto fill = [&](const char* key, int value) {
        if (!check[key].is_number()) check.set(key, value);
    };
    fill("interval", 30);
    fill("timeout", 5);
    fill("retries", 3);
    return check;
}

// Absent arrays read back as [], which infrastructure tools compare with.
Node normal_container(const Node& input, std::string_view network_mode) {
    Node container = Node::object();
    for (const auto& [key, value] : input.members())
        if (!value.is_null()) container.set(key, value);
    if (!container["cpu"].is_number()) container.set("cpu", 0);
    container.set("portMappings", normal_ports(input["portMappings"], network_mode));
    if (!container["essential"].is_bool()) container.set("essential", true);
    for (const char* key : {"environment", "mountPoints", "volumesFrom", "systemControls"})
        if (!container[key].is_array()) container.set(key, Node::array());
    if (container["healthCheck"].is_object())
        container.set("healthCheck", normal_health_check(container["healthCheck"]));
    return container;
}

constexpr std::string_view kKept[] = {"family",
                                      "taskRoleArn",
                                      "executionRoleArn",
                                      "networkMode",
                                      "requiresCompatibilities",
                                      "pidMode",
                                      "ipcMode",
                                      "proxyConfiguration",
                                      "inferenceAccelerators",
                                      "ephemeralStorage",
                                      "runtimePlatform",
                                      "enableFaultInjection"};

Node normal_document(const Node& input) {
    Node document = Node::object();
    for (std::string_view key : kKept)
        keep(document, input, key);
    std::string mode = input["networkMode"].as_string();
    Node containers = Node::array();
    for (const Node& container : input["containerDefinitions"].items())
        containers.push_back(normal_container(container, mode));
    document.set("containerDefinitions", std::move(containers));
    document.set("volumes", input["volumes"].is_array() ? input["volumes"] : Node::array());
    document.set("placementConstraints", input["placementConstraints"].is_array()
                                             ? input["placementConstraints"]
                                             : Node::array());
    return document;
}

// Sizes: a number of units, or of `unit` (1024 of them). "" for anything else.
std::string normal_size(const Node& value, std::string_view unit) {
    if (value.is_number()) return std::to_string(value.as_int());
    std::string text = base::lower(base::trim(value.as_string()));
    if (auto plain = base::parse_unsigned(text)) return std::to_string(*plain);
    if (!text.ends_with(unit)) return {};
    std::string number(base::trim(std::string_view(text).substr(0, text.size() - unit.size())));
    if (number.starts_with('.')) number.insert(0, "0");
    auto amount = base::parse_double(number);
    if (!amount || *amount <= 0 || *amount > 1024) return {};
    return std::to_string(std::llround(*amount * 1024));
}

// --- rules that hold on every launch type
// ------------------------------------------------------------

void check_ports(const Node& container, std::string_view network_mode) {
    for (const Node& port : container["portMappings"].items()) {
        if (!port.find("containerPort") && !port.find("containerPortRange"))
            refuse(fmt::format("Invalid 'containerPort' setting for container '{}'.",
                               container["name"].as_string()));  // aws/aws-cli#7288
        int64_t inside = port["containerPort"].as_int(), outside = port["hostPort"].as_int();
        if (port.find("containerPort") && (inside < 1 || inside > 65535))
            refuse("Invalid port value specified");
        if (network_mode == "awsvpc" && outside != inside)
            refuse(
                "When networkMode=awsvpc, the host ports and container ports in port mappings must "
                "match.");
        const std::string& protocol = port["protocol"].as_string();
        if (protocol != "tcp" && protocol != "udp") refuse("Invalid protocol value specified");
    }
}

struct Range {
    const char* key;
    int64_t least, most;
};
constexpr Range kHealthCheckRanges[] = {
    {"interval", 5, 300}, {"timeout", 2, 60}, {"retries", 1, 10}, {"startPeriod", 0, 300}};

void check_health_check(const Node& container) {
    const Node& check = container["healthCheck"];
    if (!check.is_object()) return;
    // GUESS: the ranges are documented, these sentences are not.
    if (check["command"].size() == 0) refuse("Health check command must not be empty.");
    const std::string& kind = check["command"].items()[0].as_string();
    if (kind != "CMD" && kind != "CMD-SHELL" && kind != "NONE")
        refuse(
            "Health check command must start with 'CMD' to run the command arguments directly, or "
            "'CMD-SHELL' to run the command with the container's default shell.");
    for (const Range& range : kHealthCheckRanges) {
        const Node& value = check[range.key];
        if (value.is_number() && (value.as_int() < range.least || value.as_int() > range.most))
            refuse(fmt::format("Health check {} must be between {} and {}.", range.key, range.least,
                               range.most));
    }
}

const Node* find_container(const Node& containers, std::string_view name) {
    for (const Node& container : containers.items())
        if (container["name"].as_string() == name) return &container;
    return nullptr;
}

void check_dependencies(const Node& containers, const Node& container) {
    const std::string& name = container["name"].as_string();
    for (const Node& dependency : container["dependsOn"].items()) {
        const std::string& other_name = dependency["containerName"].as_string();
        const std::string& condition = dependency["condition"].as_string();
        const Node* other = find_container(containers, other_name);
        if (!other)
            refuse(fmt::format("Container '{}' depends on a container that is not defined: '{}'.",
                               name, other_name));
        if (condition == "SUCCESS" || condition == "COMPLETE") {
            if ((*other)["essential"].as_bool(true))
                refuse(
                    "A dependency container with SUCCESS or COMPLETE condition cannot be an "
                    "essential container");
        } else if (condition == "HEALTHY") {
            if (!(*other)["healthCheck"].is_object())
                refuse(fmt::format(
                    "Container '{}' has a HEALTHY dependency on '{}', which has no health check.",
                    name, other_name));
        } else if (condition != "START") {
            refuse(fmt::format("Invalid dependency condition '{}'.", condition));
        }
    }
}

// Depth first; a container met again on its own path closes a cycle.
bool reaches_itself(const Node& containers, const std::string& name, std::set<std::string>& path,
                    std::set<std::string>& done) {
    if (done.contains(name)) return false;
    if (!path.insert(name).second) return true;
    const Node* container = find_container(containers, name);
    if (container)
        for (const Node& dependency : (*container)["dependsOn"].items())
            if (reaches_itself(containers, dependency["containerName"].as_string(), path, done))
                return true;
    path.erase(name);
    done.insert(name);
    return false;
}

void check_cycles(const Node& containers) {
    std::set<std::string> done;
    for (const Node& container : containers.items()) {
        std::set<std::string> path;
        if (reaches_itself(containers, container["name"].as_string(), path, done))
            refuse("Cyclic dependency found in container dependencies.");  // GUESS: the words
    }
}

void check_mounts(const Node& document, const Node& container) {
    for (const Node& mount : container["mountPoints"].items()) {
        const std::string& volume = mount["sourceVolume"].as_string();
        bool known =
            std::any_of(document["volumes"].items().begin(), document["volumes"].items().end(),
                        [&](const Node& defined) { return defined["name"].as_string() == volume; });
        if (!known) refuse(fmt::format("Unknown volume '{}'.", volume));
    }
}

// dagster-io/dagster#11622, CircleCI-Public/aws-ecs-orb#190.
void check_secrets(const Node& container) {
    std::set<std::string> names, variables;
    for (const Node& variable : container["environment"].items())
        variables.insert(variable["name"].as_string());
    for (const Node& secret : container["secrets"].items()) {
        const std::string& name = secret["name"].as_string();
        if (name.empty() || secret["valueFrom"].as_string().empty())
            refuse("Secret name and valueFrom must not be null or empty.");
        if (!names.insert(name).second)
            refuse(fmt::format("Duplicate secret names found: {}. Each secret name must be unique.",
                               name));
        if (variables.contains(name))
            refuse(
                fmt::format("The secret name must be unique and not shared with any new or "
                            "existing environment variables set on the container, such as '{}'.",
                            name));
    }
}

void check_environment(const Node& container) {
    for (const Node& variable : container["environment"].items())
        if (variable["name"].as_string().empty())
            refuse("Environment variable name must not be null or empty.");
    check_secrets(container);
    for (const Node& file : container["environmentFiles"].items()) {
        const std::string& value = file["value"].as_string();
        if (file["type"].as_string() != "s3" || !value.starts_with("arn:") ||
            !value.ends_with(".env"))
            refuse(
                fmt::format("Invalid environment file '{}': it must be the ARN of an S3 object "
                            "whose name ends in .env.",
                            value));
    }
}

// API reference, "ContainerRestartPolicy". GUESS: the words.
void check_restart_policy(const Node& container) {
    const Node& policy = container["restartPolicy"];
    if (!policy.is_object()) return;
    const std::string& name = container["name"].as_string();
    if (!policy["enabled"].is_bool())
        refuse(fmt::format("Container '{}': restartPolicy.enabled is required.", name));
    if (policy["ignoredExitCodes"].size() > kMaxIgnoredExitCodes)
        refuse(fmt::format("Container '{}': restartPolicy.ignoredExitCodes has more than {} codes.",
                           name, kMaxIgnoredExitCodes));
    if (const Node& period = policy["restartAttemptPeriod"];
        period.is_number() && (period.as_int() < kLeastRestartPeriod.count() ||
                               period.as_int() > kMostRestartPeriod.count()))
        refuse(fmt::format(
            "Container '{}': restartPolicy.restartAttemptPeriod must be between {} and {} seconds.",
            name, kLeastRestartPeriod.count(), kMostRestartPeriod.count()));
}

void check_container(const Node& document, const Node& container) {
    const std::string& name = container["name"].as_string();
    if (name.empty()) refuse("Container.name should not be null or empty.");
    if (container["image"].as_string().empty())
        refuse("Container.image should not be null or empty.");
    if (!is_name(name)) refuse("Container.name contains invalid characters.");
    if (!oci::Reference::parse(container["image"].as_string()))
        refuse(fmt::format("Container.image contains invalid characters: '{}'.",
                           container["image"].as_string()));
    if (const Node& memory = container["memory"]; memory.is_number() && memory.as_int() < 6)
        refuse("Invalid setting for container '" + name + "'. Memory must be at least 6 MiB.");
    if (container["memory"].is_number() && container["memoryReservation"].is_number() &&
        container["memory"].as_int() < container["memoryReservation"].as_int())
        refuse("Invalid setting for container '" + name +
               "'. 'memoryReservation' must be less than or equal to 'memory'.");
    check_ports(container, document["networkMode"].as_string());
    check_health_check(container);
    check_dependencies(document["containerDefinitions"], container);
    check_mounts(document, container);
    check_environment(container);
    check_restart_policy(container);
}

// Under awsvpc all containers share one address: two cannot listen on one port.
void check_shared_ports(const Node& document) {
    if (document["networkMode"].as_string() != "awsvpc") return;
    std::set<std::pair<int64_t, std::string>> seen;
    for (const Node& container : document["containerDefinitions"].items())
        for (const Node& port : container["portMappings"].items())
            if (port.find("containerPort") &&
                !seen.emplace(port["containerPort"].as_int(), port["protocol"].as_string()).second)
                refuse(fmt::format("{} host port '{}' is mapped multiple times in task.",
                                   port["protocol"].as_string() == "udp" ? "UDP" : "TCP",
                                   port["containerPort"].as_int()));  // aws/amazon-ecs-agent#1220
}

// A name or an ARN. aws-samples/aws-modern-application-workshop#9; an empty one is none either:
// fabfuel/ecs-deploy#231. Whether a role exists is IAM's, which is not emulated.
void check_role(const Node& given) {
    if (given.is_null()) return;
    const std::string& role = given.as_string();
    auto valid = [](std::string_view name) {
        constexpr std::string_view kMarks = "+=,.@_-/";
        return !name.empty() && std::all_of(name.begin(), name.end(), [&](unsigned char c) {
            return std::isalnum(c) || kMarks.find(static_cast<char>(c)) != std::string_view::npos;
        });
    };
    auto arn = aws::parse_arn(role);
    if (arn ? arn->service != "iam" || !arn->resource.starts_with("role/") ||
                  !valid(std::string_view(arn->resource).substr(5))
            : !valid(role))
        refuse("Role is not valid");
}

void check_document(const Node& document) {
    const std::string& family = document["family"].as_string();
    if (family.empty()) refuse("Family should not be null or empty.");
    if (!is_name(family)) refuse("Family contains invalid characters.");
    const Node& containers = document["containerDefinitions"];
    if (containers.size() == 0) refuse("Container list cannot be empty.");
    if (containers.size() > kMaxContainers)
        refuse("Too many containers.");  // aws/amazon-ecs-cli#184
    bool any_essential = false;
    std::set<std::string> names;
    for (const Node& container : containers.items()) {
        check_container(document, container);
        any_essential |= container["essential"].as_bool(true);
        if (!names.insert(container["name"].as_string()).second)
            // Shippable/support#2946.
            refuse("Container names must be unique within a Task Definition.");
    }
    if (!any_essential) refuse("At least one container must be marked as essential.");
    check_role(document["taskRoleArn"]);
    check_role(document["executionRoleArn"]);
    check_cycles(containers);
    check_shared_ports(document);
}

// --- what Fargate demands
// ----------------------------------------------------------------------------

struct SizeRow {
    int cpu, least, most, step;
};
constexpr SizeRow kSizes[] = {
    {256, 512, 512, 512},          {256, 1024, 2048, 1024},      {512, 1024, 4096, 1024},
    {1024, 2048, 8192, 1024},      {2048, 4096, 16384, 1024},    {4096, 8192, 30720, 1024},
    {8192, 16384, 61440, 4096},    {16384, 32768, 122880, 8192}, {32768, 61440, 61440, 1024},
    {32768, 122880, 122880, 1024}, {32768, 249856, 249856, 1024}};

constexpr std::string_view kRefusedOnFargate[] = {"disableNetworking", "dnsSearchDomains",
                                                  "dnsServers",        "dockerSecurityOptions",
                                                  "extraHosts",        "links",
                                                  "hostname"};

bool is_set(const Node& value) {
    if (value.is_bool()) return value.as_bool();
    if (value.is_array() || value.is_object()) return value.size() > 0;
    return !value.is_null() && !(value.is_string() && value.as_string().empty());
}

// The first reason why Fargate cannot run it, or nothing. GUESS: the sentence for refused
// parameters.
std::optional<std::string> refused_parameter(const Node& container) {
    for (std::string_view key : kRefusedOnFargate)
        if (is_set(container[key]))
            return fmt::format("Tasks using the Fargate launch type do not support {}.", key);
    if (container["privileged"].as_bool())
        return "Fargate only supports non privileged containers.";
    const Node& linux_parameters = container["linuxParameters"];
    for (const char* key : {"tmpfs", "devices", "sharedMemorySize", "maxSwap", "swappiness"})
        if (is_set(linux_parameters[key]))
            return fmt::format("Tasks using the Fargate launch type do not support {}.", key);
    for (const Node& added : linux_parameters["capabilities"]["add"].items())
        if (added.as_string() != "SYS_PTRACE")
            return fmt::format("Fargate does not support adding the capability '{}'.",
                               added.as_string());
    if (const Node& timeout = container["stopTimeout"];
        timeout.is_number() && timeout.as_int() > 120)
        return "Fargate supports a stopTimeout of at most 120 seconds.";
    const std::string& driver = container["logConfiguration"]["logDriver"].as_string();
    if (!driver.empty() && driver != "awslogs" && driver != "splunk" && driver != "awsfirelens")
        return fmt::format("Log driver '{}' is not supported on Fargate.", driver);
    return std::nullopt;
}

std::optional<std::string> missing_execution_role(const Node& document) {
    if (!document["executionRoleArn"].as_string().empty()) return std::nullopt;
    for (const Node& container : document["containerDefinitions"].items()) {
        auto image = oci::Reference::parse(container["image"].as_string());
        if (image && image->is_ecr())
            return "Fargate requires task definition to have execution role ARN to support ECR "
                   "images.";
        if (container["logConfiguration"]["logDriver"].as_string() == "awslogs")
            return "Fargate requires task definition to have execution role ARN to support log "
                   "driver awslogs.";
        if (container["secrets"].size() > 0)
            return "Fargate requires task definition to have execution role ARN to support "
                   "secrets.";  // GUESS: the last word
    }
    return std::nullopt;
}

// What the containers take of the task's size. pulumi/pulumi-awsx#1220, aws/aws-cdk#1553. GUESS:
// the words for the sum of the memory.
std::optional<std::string> refused_shares(const Node& containers, int cpu, int memory) {
    int64_t cpu_sum = 0, memory_sum = 0;
    for (const Node& container : containers.items()) {
        if (container["memory"].as_int() > memory)
            return larger_than_task(container["name"].as_string());
        cpu_sum += container["cpu"].as_int();
        memory_sum += container["memory"].is_number() ? container["memory"].as_int()
                                                      : container["memoryReservation"].as_int();
    }
    for (auto [what, sum, most] : {std::tuple("cpu", cpu_sum, cpu), {"memory", memory_sum, memory}})
        if (sum > most)
            return fmt::format(
                "The sum of all container '{0}' values cannot be greater than the "
                "value of the task '{0}'.",
                what);
    return std::nullopt;
}

std::optional<std::string> fargate_refusal(const Node& document) {
    if (document["networkMode"].as_string() != "awsvpc")
        return "Fargate only supports network mode ‘awsvpc’.";
    for (const char* key : {"cpu", "memory"})
        if (document[key].as_string().empty())
            return fmt::format("Fargate requires that '{}' be defined at the task level.", key);
    int cpu = static_cast<int>(base::parse_unsigned(document["cpu"].as_string()).value_or(0));
    int memory = static_cast<int>(base::parse_unsigned(document["memory"].as_string()).value_or(0));
    if (!is_fargate_size(cpu, memory)) return no_such_size(cpu, memory);
    if (document["pidMode"].as_string() == "host")
        return "Tasks using the Fargate launch type do not support pidMode 'host'. The supported "
               "value for pidMode is 'task'.";
    if (is_set(document["ipcMode"]))
        return "Tasks using the Fargate launch type do not support ipcMode.";
    if (is_set(document["placementConstraints"]))
        return "Fargate does not support placement constraints.";
    for (const Node& volume : document["volumes"].items())
        if (is_set(volume["host"]["sourcePath"]))
            return "Fargate does not support host volumes with a source path.";
    if (const Node& storage = document["ephemeralStorage"]; storage.is_object())
        if (int64_t size = storage["sizeInGiB"].as_int(); size < 21 || size > 200)
            return "Ephemeral storage must be between 21 GiB and 200 GiB.";
    for (const Node& container : document["containerDefinitions"].items())
        if (auto reason = refused_parameter(container)) return reason;
    if (auto reason = refused_shares(document["containerDefinitions"], cpu, memory)) return reason;
    if (auto reason = missing_execution_role(document)) return reason;
    for (const Node& container : document["containerDefinitions"].items())
        if (auto reason = refused_log_configuration(container["logConfiguration"])) return reason;
    return std::nullopt;
}

bool wants_fargate(const Node& document) {
    const auto& wanted = document["requiresCompatibilities"].items();
    return std::any_of(wanted.begin(), wanted.end(),
                       [](const Node& item) { return item.as_string() == "FARGATE"; });
}

// requiresAttributes: what an EC2 host would need; clients print it, nothing reads it.
Node required_attributes(const Node& document) {
    Node attributes = Node::array();
    auto add = [&](std::string name) {
        for (const Node& item : attributes.items())
            if (item["name"].as_string() == name) return;
        attributes.push_back(Node::object({{"name", std::move(name)}}));
    };
    for (const Node& container : document["containerDefinitions"].items()) {
        if (const auto& driver = container["logConfiguration"]["logDriver"].as_string();
            !driver.empty()) {
            add("com.amazonaws.ecs.capability.logging-driver." + driver);
            add("ecs.capability.execution-role-awslogs");
        }
        auto image = oci::Reference::parse(container["image"].as_string());
        if (image && image->is_ecr()) {
            add("com.amazonaws.ecs.capability.ecr-auth");
            add("ecs.capability.execution-role-ecr-pull");
        }
        if (container["healthCheck"].is_object()) add("ecs.capability.container-health-check");
        if (container["dependsOn"].size() > 0) add("ecs.capability.container-ordering");
        if (container["secrets"].size() > 0)
            add("ecs.capability.secrets.ssm.environment-variables");
    }
    if (!document["taskRoleArn"].as_string().empty())
        add("com.amazonaws.ecs.capability.task-iam-role");
    add("com.amazonaws.ecs.capability.docker-remote-api.1.18");
    if (document["networkMode"].as_string() == "awsvpc") add("ecs.capability.task-eni");
    return attributes;
}

// --- the typed view
// ----------------------------------------------------------------------------------

Dependency::Condition condition_of(std::string_view text) {
    if (text == "COMPLETE") return Dependency::Condition::Complete;
    if (text == "SUCCESS") return Dependency::Condition::Success;
    if (text == "HEALTHY") return Dependency::Condition::Healthy;
    return Dependency::Condition::Start;
}

std::optional<HealthCheck> health_check_of(const Node& check) {
    if (!check.is_object() || check["command"].size() == 0 ||
        check["command"].items()[0].as_string() == "NONE")
        return std::nullopt;
    HealthCheck result;
    result.command = strings(check["command"]);
    result.interval = base::seconds(check["interval"].as_int(30));
    result.timeout = base::seconds(check["timeout"].as_int(5));
    result.retries = static_cast<int>(check["retries"].as_int(3));
    result.start_period = base::seconds(check["startPeriod"].as_int(0));
    return result;
}

void read_process(const Node& node, ContainerDefinition& container) {
    if (node["entryPoint"].size() > 0) container.entry_point = strings(node["entryPoint"]);
    if (node["command"].size() > 0) container.command = strings(node["command"]);
    container.working_directory = node["workingDirectory"].as_string();
    container.user = node["user"].as_string();
    container.cpu = static_cast<int>(node["cpu"].as_int());
    container.memory_mib = static_cast<int>(node["memory"].as_int());
    container.keeps_digest = node["versionConsistency"].as_string() != "disabled";
    container.read_only_root = node["readonlyRootFilesystem"].as_bool();
    container.init_process = node["linuxParameters"]["initProcessEnabled"].as_bool();
    container.add_capabilities = strings(node["linuxParameters"]["capabilities"]["add"]);
    container.drop_capabilities = strings(node["linuxParameters"]["capabilities"]["drop"]);
    for (const Node& limit : node["ulimits"].items())
        if (limit["name"].as_string() == "nofile") {
            container.open_files = static_cast<uint64_t>(limit["softLimit"].as_int(65535));
            container.most_open_files = std::max(
                container.open_files, static_cast<uint64_t>(limit["hardLimit"].as_int(65535)));
        }
    for (const auto& [name, value] : node["dockerLabels"].members())
        container.labels[name] = value.as_string();
}

void read_environment(const Node& node, ContainerDefinition& container) {
    for (const Node& variable : node["environment"].items())
        container.environment.emplace_back(variable["name"].as_string(),
                                           variable["value"].as_string());
    for (const Node& file : node["environmentFiles"].items())
        container.environment_files.push_back(file["value"].as_string());
    for (const Node& secret : node["secrets"].items())
        container.secrets.push_back({secret["name"].as_string(), secret["valueFrom"].as_string()});
}

std::optional<RestartPolicy> restart_policy_of(const Node& node) {
    if (!node["enabled"].as_bool()) return std::nullopt;
    RestartPolicy policy;
    for (const Node& code : node["ignoredExitCodes"].items())
        policy.ignored_exit_codes.push_back(static_cast<int>(code.as_int()));
    policy.attempt_period =
        base::seconds(node["restartAttemptPeriod"].as_int(policy.attempt_period.count()));
    return policy;
}

ContainerDefinition read_container(const Node& node) {
    ContainerDefinition container;
    container.name = node["name"].as_string();
    container.image = node["image"].as_string();
    container.essential = node["essential"].as_bool(true);
    read_process(node, container);
    read_environment(node, container);
    for (const Node& port : node["portMappings"].items())
        if (port.find("containerPort"))
            container.ports.push_back(
                {static_cast<int>(port["containerPort"].as_int()), port["protocol"].as_string()});
    for (const Node& dependency : node["dependsOn"].items())
        container.depends_on.push_back({dependency["containerName"].as_string(),
                                        condition_of(dependency["condition"].as_string())});
    container.health_check = health_check_of(node["healthCheck"]);
    container.restart_policy = restart_policy_of(node["restartPolicy"]);
    container.start_timeout = base::seconds(node["startTimeout"].as_int(180));
    container.stop_timeout = base::seconds(node["stopTimeout"].as_int(30));
    for (const Node& mount : node["mountPoints"].items())
        container.mounts.push_back({mount["sourceVolume"].as_string(),
                                    mount["containerPath"].as_string(),
                                    mount["readOnly"].as_bool()});
    container.log_driver = node["logConfiguration"]["logDriver"].as_string();
    for (const auto& [name, value] : node["logConfiguration"]["options"].members())
        container.log_options[name] = value.as_string();
    return container;
}

}  // namespace

std::string normal_cpu(const Node& value) {
    return normal_size(value, "vcpu");
}
std::string normal_memory(const Node& value) {
    return normal_size(value, "gb");
}

bool is_fargate_size(int cpu, int memory_mib) {
    return std::any_of(std::begin(kSizes), std::end(kSizes), [&](const SizeRow& row) {
        return row.cpu == cpu && memory_mib >= row.least && memory_mib <= row.most &&
               (memory_mib - row.least) % row.step == 0;
    });
}

std::string no_such_size(int cpu, int memory_mib) {
    return fmt::format(
        "No Fargate configuration exists for given values: {} CPU, {} memory. See the Amazon ECS "
        "documentation for the valid values.",
        cpu, memory_mib);
}

std::string larger_than_task(std::string_view container) {
    return fmt::format("The 'memory' setting for container '{}' is greater than for the task.",
                       container);
}

TaskDefinition read_task_definition(const Node& input) {
    Node document = normal_document(input);
    for (const auto& [key, normal] :
         {std::pair{"cpu", &normal_cpu}, std::pair{"memory", &normal_memory}}) {
        const Node& given = input[key];
        if (given.is_null()) continue;
        std::string value = normal(given);
        if (value.empty())
            refuse(
                fmt::format("Invalid '{}' setting for task. For more information, see the "
                            "Troubleshooting section of the Amazon ECS Developer Guide.",
                            key));
        document.set(key, std::move(value));
    }
    check_document(document);
    std::optional<std::string> refusal = fargate_refusal(document);
    if (refusal && wants_fargate(document)) refuse(*refusal);
    document.set("compatibilities",
                 refusal ? Node::array({"EC2"}) : Node::array({"EC2", "FARGATE"}));
    document.set("requiresAttributes", required_attributes(document));
    return from_document(std::move(document));
}

TaskDefinition from_document(Node document) {
    TaskDefinition definition;
    definition.family = document["family"].as_string();
    definition.cpu = document["cpu"].as_string();
    definition.memory = document["memory"].as_string();
    definition.network_mode = document["networkMode"].as_string();
    definition.execution_role = document["executionRoleArn"].as_string();
    definition.task_role = document["taskRoleArn"].as_string();
    for (const Node& container : document["containerDefinitions"].items())
        definition.containers.push_back(read_container(container));
    definition.document = std::move(document);
    return definition;
}

// arn:aws:secretsmanager:R:A:secret:NAME:json-key:version-stage:version-id, empty positions kept;
// some of the three alone are none (aws/amazon-ecs-agent, agent/taskresource/asmsecret).
ValueFrom parse_value_from(std::string_view text) {
    ValueFrom result;
    auto parts = base::split(text, ':');
    if (parts.size() >= 7 && parts[0] == "arn" && parts[2] == "secretsmanager") {
        result.kind = ValueFrom::Kind::Secret;
        std::vector<std::string> arn(parts.begin(), parts.begin() + 7);
        result.id = base::join(arn, ":");
        result.well_formed = parts.size() == 7 || parts.size() == 10;
        if (parts.size() > 7) result.json_key = parts[7];
        if (parts.size() > 8) result.version_stage = parts[8];
        if (parts.size() > 9) result.version_id = parts[9];
        return result;
    }
    result.id = text;
    return result;
}

}  // namespace ecs
