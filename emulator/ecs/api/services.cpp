// Services: create, describe, list, update, delete. Each stores what is wanted and returns; the
// reconciler does the work.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "ecs/capacity.h"
#include "ecs/control_plane.h"
#include "ecs/limits.h"

namespace ecs {
namespace {

constexpr const char* kPlaceholderImage = "dodam/placeholder:latest";
constexpr int kPlaceholderPort = 80;

aws::Reply reply_with(const ControlPlane& ecs, const State& state, const Service& service) {
    aws::Reply reply;
    reply.output.set("service", to_node(ecs.arns(), state, service, Tags::Include));
    return reply;
}

void take(const aws::Call& call, const char* member, Node& into) {
    if (const Node* given = call.input.find(member); given && !given->is_null()) into = *given;
}
void take(const aws::Call& call, const char* member, std::string& into) {
    if (const Node* given = call.input.find(member); given && given->is_string())
        into = given->as_string();
}
void take(const aws::Call& call, const char* member, bool& into) {
    if (const Node* given = call.input.find(member); given && given->is_bool())
        into = given->as_bool();
}

void take_desired_count(const aws::Call& call, Service& service) {
    const Node& given = call.input["desiredCount"];
    if (!given.is_number()) return;
    if (given.as_int() < 0 || given.as_int() > static_cast<int64_t>(kMaxDesiredCount))
        invalid("desiredCount must be between 0 and 5000.");
    service.desired_count = static_cast<int>(given.as_int());
}

void take_deployment_configuration(const aws::Call& call, Service& service) {
    const Node& given = call.input["deploymentConfiguration"];
    if (!given.is_object()) return;
    if (const Node& percent = given["minimumHealthyPercent"]; percent.is_number())
        service.minimum_percent = static_cast<int>(percent.as_int());
    if (const Node& percent = given["maximumPercent"]; percent.is_number())
        service.maximum_percent = static_cast<int>(percent.as_int());
    if (service.minimum_percent < 0 || service.maximum_percent < 1 ||
        service.minimum_percent > service.maximum_percent)
        invalid(
            "maximumPercent must be greater than or equal to minimumHealthyPercent.");  // GUESS:
                                                                                        // the words
    if (const std::string& strategy = given["strategy"].as_string();
        !strategy.empty() && strategy != "ROLLING")
        invalid("Only the deployment strategy ROLLING is emulated.");  // GAP
    if (given["alarms"].is_object()) service.alarms = given["alarms"];
    const Node& breaker = given["deploymentCircuitBreaker"];
    if (!breaker.is_object()) return;
    service.breaker.enabled = breaker["enable"].as_bool();
    service.breaker.rollback = breaker["rollback"].as_bool();
    service.breaker.reset_on_healthy_task = breaker["resetOnHealthyTask"].as_bool(true);
    const Node& threshold = breaker["thresholdConfiguration"];
    service.breaker_threshold_given = threshold.is_object() || breaker.find("resetOnHealthyTask");
    if (!threshold.is_object()) return;
    const std::string& type = threshold["type"].as_string();
    service.breaker.threshold = type == "COUNT" ? CircuitBreaker::Threshold::Count
                                : type == "UNBOUNDED_PERCENT"
                                    ? CircuitBreaker::Threshold::UnboundedPercent
                                    : CircuitBreaker::Threshold::BoundedPercent;
    service.breaker.threshold_value = static_cast<int>(threshold["value"].as_int(50));
}

void take_grace(const aws::Call& call, Service& service) {
    const Node& given = call.input["healthCheckGracePeriodSeconds"];
    if (!given.is_number()) return;
    if (given.as_int() > 0 && service.load_balancers.empty())
        invalid(
            "Health check grace period is only valid for services configured to use load "
            "balancers");
    service.grace = base::seconds(given.as_int());
}

void take_load_balancers(const aws::Call& call, Service& service) {
    const Node* given = call.input.find("loadBalancers");
    if (!given || !given->is_array()) return;
    service.load_balancers.clear();
    for (const Node& node : given->items())
        service.load_balancers.push_back({node["targetGroupArn"].as_string(),
                                          node["containerName"].as_string(),
                                          static_cast<int>(node["containerPort"].as_int())});
}

void check_load_balancers(ControlPlane& ecs, const Service& service,
                          const TaskDefinition& definition) {
    for (const ServiceLoadBalancer& balancer : service.load_balancers) {
        auto group = ecs.ports().targets.describe(balancer.target_group);
        if (!group)
            invalid(fmt::format("The specified target group does not exist. {}",
                                balancer.target_group));  // GUESS: the words
        if (!group->has_load_balancer)
            invalid(
                fmt::format("The target group with targetGroupArn {} does not have an associated "
                            "load balancer.",
                            balancer.target_group));
        if (!group->takes_ip_addresses)
            invalid(fmt::format(
                "The provided target group {} has target type instance, which is incompatible with "
                "the awsvpc network mode specified in the task definition.",
                balancer.target_group));
        const ContainerDefinition* container = definition.container(balancer.container);
        if (!container)
            invalid(fmt::format("The container {} does not exist in the task definition.",
                                balancer.container));
        bool has_port = std::any_of(
            container->ports.begin(), container->ports.end(),
            [&](const PortMapping& port) { return port.container_port == balancer.port; });
        if (!has_port)
            invalid(fmt::format("The container {} did not have a container port {} defined.",
                                balancer.container, balancer.port));
    }
}

void check_network(const Service& service, const TaskDefinition& definition) {
    if (definition.network_mode == "awsvpc" &&
        service.network_configuration["awsvpcConfiguration"]["subnets"].size() == 0)
        invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
}

void check_launch_type(const Service& service, const TaskDefinition& definition) {
    if (service.launch_type != "FARGATE") return;
    const auto& can = definition.document["compatibilities"].items();
    if (std::none_of(can.begin(), can.end(),
                     [](const Node& item) { return item.as_string() == "FARGATE"; }))
        invalid("Task definition does not support launch_type FARGATE.");
}

// A service without an image runs the built-in placeholder until the first deploy: 200 on the
// health path, 503 elsewhere. GAP: AWS demands a task definition.
TaskDefinition& placeholder_definition(ControlPlane& ecs, const aws::Call& call,
                                       const Service& service) {
    std::string container = "placeholder", health_path = "/";
    int port = kPlaceholderPort;
    if (!service.load_balancers.empty()) {
        container = service.load_balancers[0].container;
        port = service.load_balancers[0].port;
        if (auto group = ecs.ports().targets.describe(service.load_balancers[0].target_group))
            health_path = group->health_path;
    }
    auto variable = [](const char* name, std::string value) {
        return Node::object({{"name", name}, {"value", std::move(value)}});
    };
    Node input = Node::object(
        {{"family", service.name + "-placeholder"},
         {"networkMode", "awsvpc"},
         {"requiresCompatibilities", Node::array({"FARGATE"})},
         {"cpu", "256"},
         {"memory", "512"},
         // So that a deploy may take this definition and change the image alone.
         {"executionRoleArn", "arn:aws:iam::" + call.caller.account + ":role/ecsTaskExecutionRole"},
         {"containerDefinitions",
          Node::array({Node::object(
              {{"name", container},
               {"image", kPlaceholderImage},
               {"portMappings", Node::array({Node::object({{"containerPort", port}})})},
               {"environment", Node::array({variable("PORT", std::to_string(port)),
                                            variable("DODAM_HEALTH_PATH", health_path)})}})})}});
    return ecs.register_definition(input, call.caller.arn, Node());
}

void take_common(const aws::Call& call, Service& service) {
    if (const std::string& type = call.input["deploymentController"]["type"].as_string();
        !type.empty() && type != "ECS")
        invalid("Only the deployment controller ECS is emulated.");  // GAP
    take(call, "networkConfiguration", service.network_configuration);
    take(call, "serviceRegistries", service.service_registries);
    take(call, "volumeConfigurations", service.volumes);
    take(call, "serviceConnectConfiguration", service.service_connect);
    take(call, "platformVersion", service.platform_version);
    check_platform_version(service.platform_version);
    take(call, "propagateTags", service.propagate_tags);
    take(call, "availabilityZoneRebalancing", service.zone_rebalancing);
    take(call, "enableExecuteCommand", service.execute_command);
    take(call, "enableECSManagedTags", service.managed_tags);
    take_load_balancers(call, service);
    take_deployment_configuration(call, service);
    take_grace(call, service);
    take_desired_count(call, service);
}

void take_capacity(const aws::Call& call, const Cluster& cluster, Service& service) {
    Capacity capacity = choose_capacity(call.input, cluster);
    service.launch_type = std::move(capacity.launch_type);
    service.capacity_provider_strategy = std::move(capacity.strategy);
}

aws::Reply create_service(ControlPlane& ecs, const aws::Call& call) {
    Cluster& cluster = ecs.cluster_of(call);
    const std::string& name = required(call, "serviceName");
    if (name.size() > 255 ||
        name.find_first_not_of(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") !=
            std::string::npos)
        invalid(
            "Identifier was empty, too long, or contained invalid characters. Valid identifier "
            "pattern: [a-zA-Z0-9\\-_]{1,255}");
    if (Service* existing = ecs.find_service(cluster.name, name);
        existing && existing->status != Service::Status::Inactive) {
        if (existing->status == Service::Status::Draining)
            invalid("Unable to Start a service that is still Draining.");
        invalid("Creation of service was not idempotent.");
    }
    Service service;
    service.cluster = cluster.name;
    service.name = name;
    take_capacity(call, cluster, service);
    take(call, "schedulingStrategy", service.scheduling_strategy);
    take(call, "tags", service.tags);
    if (service.scheduling_strategy != "REPLICA")
        invalid("The scheduling strategy DAEMON is not supported on Fargate.");
    if (!call.input["desiredCount"].is_number())
        invalid("The desiredCount parameter is required.");  // GUESS: the words
    take_common(call, service);
    service.created_at = call.now;
    service.created_by = ecs.arns().user(call.caller.arn);

    const std::string& reference = call.input["taskDefinition"].as_string();
    TaskDefinition& definition = reference.empty()
                                     ? placeholder_definition(ecs, call, service)
                                     : ecs.active_task_definition(reference, "ClientException");
    check_launch_type(service, definition);
    check_network(service, definition);
    check_load_balancers(ecs, service, definition);
    service.task_definition = definition.name();
    if (service.launch_type != "FARGATE")
        base::log_warning("ecs", fmt::format("service {} will get no task: {}", name,
                                             no_instances_advice(service.launch_type)));
    Service& kept = ecs.state().services[{cluster.name, name}] = std::move(service);
    ecs.begin_deployment(kept);
    return reply_with(ecs, ecs.state(), kept);
}

aws::Reply describe_services(ControlPlane& ecs, const aws::Call& call) {
    const auto& wanted = call.input["services"].items();
    if (wanted.empty()) invalid("Services cannot be empty.");
    if (wanted.size() > 10) invalid("Services cannot have more than 10 elements.");
    Cluster& cluster = ecs.cluster_of(call);
    Tags tags = includes(call, "TAGS") ? Tags::Include : Tags::Leave;
    Node services = Node::array(), failures = Node::array();
    for (const Node& item : wanted) {
        Service* service = ecs.find_service(cluster.name, item.as_string());
        if (service) {
            services.push_back(to_node(ecs.arns(), ecs.state(), *service, tags));
            continue;
        }
        Service named;
        named.cluster = cluster.name;
        named.name = item.as_string();
        failures.push_back(
            failure(named.name.starts_with("arn:") ? named.name : ecs.arns().service(named)));
    }
    aws::Reply reply;
    reply.output =
        Node::object({{"services", std::move(services)}, {"failures", std::move(failures)}});
    return reply;
}

aws::Reply list_services(ControlPlane& ecs, const aws::Call& call) {
    Cluster& cluster = ecs.cluster_of(call);
    const std::string& launch_type = call.input["launchType"].as_string();
    std::vector<std::string> arns;
    for (const auto& [key, service] : ecs.state().services)
        if (key.first == cluster.name && service.status != Service::Status::Inactive &&
            (launch_type.empty() || launch_type == service.launch_type))
            arns.push_back(ecs.arns().service(service));
    return page_of(call, "serviceArns", arns, 10);
}

// In every cluster, by the namespace that a service's Service Connect names (name or ARN).
aws::Reply list_services_by_namespace(ControlPlane& ecs, const aws::Call& call) {
    const std::string& wanted = required(call, "namespace");
    std::vector<std::string> arns;
    for (const auto& [key, service] : ecs.state().services)
        if (service.status != Service::Status::Inactive &&
            service.service_connect["enabled"].as_bool() &&
            service.service_connect["namespace"].as_string() == wanted)
            arns.push_back(ecs.arns().service(service));
    return page_of(call, "serviceArns", arns, 10);
}

// What makes a new deployment: another task definition, force, or a change of what tasks are made
// with.
bool needs_deployment(const Service& before, const Service& after) {
    return before.task_definition != after.task_definition ||
           before.platform_version != after.platform_version ||
           before.load_balancers != after.load_balancers ||
           !(before.network_configuration == after.network_configuration) ||
           (before.volumes.size() + after.volumes.size() > 0 &&
            !(before.volumes == after.volumes)) ||
           !(before.service_connect == after.service_connect) ||
           before.execute_command != after.execute_command;
}

aws::Reply update_service(ControlPlane& ecs, const aws::Call& call) {
    Cluster& cluster = ecs.cluster_of(call);
    Service& service = ecs.service_of(cluster.name, required(call, "service"));
    if (service.status != Service::Status::Active)
        throw aws::Error{400, "ServiceNotActiveException", "Service was not ACTIVE."};
    Service wanted = service;
    take_common(call, wanted);
    if (call.input["capacityProviderStrategy"].size() > 0) {
        // pipe-cd/pipecd#6385.
        if (!call.input["forceNewDeployment"].as_bool())
            invalid(
                "When switching from launch type to capacity provider strategy on an existing "
                "service, or making a change to a capacity provider strategy on a service that is "
                "already using one, you must force a new deployment.");
        take_capacity(call, cluster, wanted);
    }
    if (const std::string& reference = call.input["taskDefinition"].as_string(); !reference.empty())
        wanted.task_definition = ecs.active_task_definition(reference, "ClientException").name();
    const TaskDefinition* definition = find_definition(ecs.state(), wanted.task_definition);
    bool deploys = call.input["forceNewDeployment"].as_bool() || needs_deployment(service, wanted);
    if (deploys && definition) {
        // Cloud-CV/EvalAI#5167: forceNewDeployment alone is refused, too.
        if (definition->status != TaskDefinition::Status::Active)
            refused("TaskDefinition is inactive");
        check_launch_type(wanted, *definition);
        check_network(wanted, *definition);
        check_load_balancers(ecs, wanted, *definition);
    }
    bool scales = wanted.desired_count != service.desired_count;
    service = std::move(wanted);
    if (deploys) {
        ecs.begin_deployment(service);
    } else if (scales && service.primary()) {
        service.primary()->desired_count = service.desired_count;
        service.primary()->updated_at = call.now;
        service.steady = false;
    }
    ecs.changed(service);
    return reply_with(ecs, ecs.state(), service);
}

aws::Reply delete_service(ControlPlane& ecs, const aws::Call& call) {
    Cluster& cluster = ecs.cluster_of(call);
    Service& service = ecs.service_of(cluster.name, required(call, "service"));
    if (service.status == Service::Status::Inactive)
        throw aws::Error{400, "ServiceNotFoundException", "Service not found."};
    if (service.desired_count > 0 && !call.input["force"].as_bool())
        invalid("The service cannot be stopped while it is scaled above 0.");
    service.status = Service::Status::Draining;
    service.desired_count = 0;
    if (Deployment* primary = service.primary()) primary->desired_count = 0;
    ecs.changed(service);
    return reply_with(ecs, ecs.state(), service);
}

constexpr Operation kOperations[] = {
    {"CreateService", create_service},
    {"DeleteService", delete_service},
    {"DescribeServices", describe_services},
    {"ListServices", list_services},
    {"ListServicesByNamespace", list_services_by_namespace},
    {"UpdateService", update_service},
};

}  // namespace

const std::span<const Operation> service_operations = kOperations;

}  // namespace ecs
