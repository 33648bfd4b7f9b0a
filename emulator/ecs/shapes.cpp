// Shapes (see shapes.h). API reference, "Data types"; members that Fargate never has are left out.
#include "ecs/shapes.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/arn.h"
#include "base/date.h"
#include "base/text.h"

namespace ecs {
namespace {

constexpr int kStorageGiB = 20;  // of a task that names none

Node seconds_of(Time time) {
    return Node(base::epoch_seconds(time));
}
void set_time(Node& node, const char* key, const std::optional<Time>& time) {
    if (time) node.set(key, seconds_of(*time));
}
Node list_or_empty(const Node& list) {
    return list.is_array() ? list : Node::array();
}
bool includes(const Node& include, std::string_view what) {
    return std::any_of(include.items().begin(), include.items().end(),
                       [&](const Node& item) { return item.as_string() == what; });
}

Node balancers_node(const std::vector<ServiceLoadBalancer>& balancers) {
    Node list = Node::array();
    for (const ServiceLoadBalancer& balancer : balancers)
        list.push_back(Node::object({{"targetGroupArn", balancer.target_group},
                                     {"containerName", balancer.container},
                                     {"containerPort", balancer.port}}));
    return list;
}

std::string_view name_of(CircuitBreaker::Threshold threshold) {
    switch (threshold) {
        case CircuitBreaker::Threshold::UnboundedPercent: return "UNBOUNDED_PERCENT";
        case CircuitBreaker::Threshold::Count: return "COUNT";
        case CircuitBreaker::Threshold::BoundedPercent: break;
    }
    return "BOUNDED_PERCENT";
}

Node configuration_node(const Service& service) {
    Node breaker =
        Node::object({{"enable", service.breaker.enabled}, {"rollback", service.breaker.rollback}});
    if (service.breaker_threshold_given) {
        breaker.set("resetOnHealthyTask", service.breaker.reset_on_healthy_task);
        breaker.set("thresholdConfiguration",
                    Node::object({{"type", name_of(service.breaker.threshold)},
                                  {"value", service.breaker.threshold_value}}));
    }
    Node node = Node::object({{"deploymentCircuitBreaker", std::move(breaker)},
                              {"maximumPercent", service.maximum_percent},
                              {"minimumHealthyPercent", service.minimum_percent},
                              {"strategy", "ROLLING"},
                              {"bakeTimeInMinutes", 0}});
    if (service.alarms.is_object()) node.set("alarms", service.alarms);
    return node;
}

std::string platform_version(const std::string& wanted) {
    return wanted == "LATEST" || wanted.empty() ? "1.4.0" : wanted;
}

const Deployment* find_any(const Service& service, std::string_view id) {
    for (const auto* list : {&service.deployments, &service.history})
        for (const Deployment& deployment : *list)
            if (deployment.id == id) return &deployment;
    return nullptr;
}

Node revision_summary(const Namer& arns, const State& state, const Service& service,
                      const Deployment& deployment) {
    TaskCounts counts = count_tasks(state, service, deployment.id);
    return Node::object({{"arn", arns.service_revision(service, deployment)},
                         {"requestedTaskCount", deployment.desired_count},
                         {"runningTaskCount", counts.running},
                         {"pendingTaskCount", counts.pending}});
}

// A strategy or a launch type, never both.
void set_capacity(Node& node, const Service& service) {
    if (service.capacity_provider_strategy.size() > 0)
        node.set("capacityProviderStrategy", service.capacity_provider_strategy);
    else
        node.set("launchType", service.launch_type);
}

Node deployment_node(const Namer& arns, const State& state, const Service& service,
                     const Deployment& deployment) {
    TaskCounts counts = count_tasks(state, service, deployment.id);
    Node node = Node::object({{"id", deployment.id},
                              {"status", name_of(deployment.status)},
                              {"taskDefinition", arns.task_definition(deployment.task_definition)},
                              {"desiredCount", deployment.desired_count},
                              {"pendingCount", counts.pending},
                              {"runningCount", counts.running},
                              {"failedTasks", deployment.failed_tasks},
                              {"createdAt", seconds_of(deployment.created_at)},
                              {"updatedAt", seconds_of(deployment.updated_at)}});
    set_capacity(node, service);
    if (service.launch_type == "FARGATE") {
        node.set("platformVersion", platform_version(service.platform_version));
        node.set("platformFamily", "Linux");
    }
    if (!deployment.network_configuration.is_null())
        node.set("networkConfiguration", deployment.network_configuration);
    node.set("rolloutState", name_of(deployment.rollout));
    node.set("rolloutStateReason", deployment.rollout_reason);
    return node;
}

Node attachment_node(const Task& task) {
    Node details = Node::array();
    auto add = [&](const char* name, const std::string& value) {
        details.push_back(Node::object({{"name", name}, {"value", value}}));
    };
    add("subnetId", task.subnet);
    if (!task.address.empty()) {
        add("networkInterfaceId", task.interface_id);
        add("macAddress", task.mac);
        add("privateDnsName", "ip-" + base::replace_all(task.address, ".", "-") + ".ec2.internal");
        add("privateIPv4Address", task.address);
    }
    const char* status = task.status == TaskStatus::Provisioning ? "PRECREATED"
                         : task.status == TaskStatus::Stopped    ? "DELETED"
                                                                 : "ATTACHED";
    return Node::object({{"id", task.attachment_id},
                         {"type", "ElasticNetworkInterface"},
                         {"status", status},
                         {"details", std::move(details)}});
}

Node container_node(const Namer& arns, const Task& task, const Container& container,
                    const ContainerDefinition* definition) {
    Node node = Node::object({{"containerArn", arns.container(task, container)},
                              {"taskArn", arns.task(task)},
                              {"name", container.name},
                              {"image", container.image}});
    if (!container.digest.empty()) node.set("imageDigest", container.digest);
    if (!container.runtime_id.empty()) node.set("runtimeId", container.runtime_id);
    node.set("lastStatus", name_of(container.status));
    if (container.exit_code) node.set("exitCode", *container.exit_code);
    if (!container.reason.empty()) node.set("reason", container.reason);
    node.set("networkBindings", Node::array());
    Node interfaces = Node::array();
    if (!task.address.empty())
        interfaces.push_back(Node::object(
            {{"attachmentId", task.attachment_id}, {"privateIpv4Address", task.address}}));
    node.set("networkInterfaces", std::move(interfaces));
    node.set("healthStatus", name_of(container.health));
    if (task.execute_command) {
        // There is no agent to start: it runs as long as its container does.
        Node agent = Node::object(
            {{"name", "ExecuteCommandAgent"}, {"lastStatus", name_of(container.status)}});
        set_time(agent, "lastStartedAt", container.started_at);
        node.set("managedAgents", Node::array({std::move(agent)}));
    }
    node.set("cpu", std::to_string(definition ? definition->cpu : 0));
    if (definition && definition->memory_mib)
        node.set("memory", std::to_string(definition->memory_mib));
    return node;
}

Node overrides_node(const Task& task) {
    Node node = task.overrides.is_object() ? task.overrides : Node::object();
    Node containers = list_or_empty(node["containerOverrides"]);
    for (const Container& container : task.containers) {
        bool named = std::any_of(
            containers.items().begin(), containers.items().end(),
            [&](const Node& item) { return item["name"].as_string() == container.name; });
        if (!named) containers.push_back(Node::object({{"name", container.name}}));
    }
    node.set("containerOverrides", std::move(containers));
    node.set("inferenceAcceleratorOverrides", Node::array());
    return node;
}

}  // namespace

std::string Namer::make(std::string_view kind, std::string_view rest) const {
    return aws::make_arn("ecs", ids_.region(), ids_.account(), std::string(kind).append(rest));
}

std::string Namer::user(std::string_view fallback) const {
    return fallback.empty() ? "arn:aws:iam::" + ids_.account() + ":root" : std::string(fallback);
}

TaskCounts count_tasks(const State& state, const Service& service, std::string_view deployment) {
    TaskCounts counts;
    for (const auto& [id, task] : state.tasks) {
        if (task.service != service.name || task.cluster != service.cluster) continue;
        if (!deployment.empty() && task.deployment != deployment) continue;
        if (task.status == TaskStatus::Running)
            ++counts.running;
        else if (task.status < TaskStatus::Running)
            ++counts.pending;
    }
    return counts;
}

const TaskDefinition* find_definition(const State& state, std::string_view family_and_revision) {
    auto [family, revision] = base::cut(family_and_revision, ':');
    auto found = state.families.find(std::string(family));
    auto number = base::parse_unsigned(revision);
    if (found == state.families.end() || !number) return nullptr;
    auto definition = found->second.find(static_cast<int>(*number));
    return definition == found->second.end() ? nullptr : &definition->second;
}

Node to_node(const Namer& arns, const State& state, const Cluster& cluster, const Node& include) {
    int running = 0, pending = 0, services = 0;
    for (const auto& [id, task] : state.tasks) {
        if (task.cluster != cluster.name) continue;
        running += task.status == TaskStatus::Running;
        pending += task.status < TaskStatus::Running;
    }
    for (const auto& [key, service] : state.services)
        services += key.first == cluster.name && service.status == Service::Status::Active;
    Node node = Node::object({{"clusterArn", arns.cluster(cluster.name)},
                              {"clusterName", cluster.name},
                              {"status", cluster.active ? "ACTIVE" : "INACTIVE"},
                              {"registeredContainerInstancesCount", 0},
                              {"runningTasksCount", running},
                              {"pendingTasksCount", pending},
                              {"activeServicesCount", services},
                              {"statistics", Node::array()}});
    node.set("tags", includes(include, "TAGS") ? list_or_empty(cluster.tags) : Node::array());
    Node settings = list_or_empty(cluster.settings);
    if (settings.size() == 0)
        settings.push_back(Node::object({{"name", "containerInsights"}, {"value", "disabled"}}));
    node.set("settings", includes(include, "SETTINGS") ? std::move(settings) : Node::array());
    if (includes(include, "CONFIGURATIONS") && cluster.configuration.is_object())
        node.set("configuration", cluster.configuration);
    node.set("capacityProviders", list_or_empty(cluster.capacity_providers));
    node.set("defaultCapacityProviderStrategy", list_or_empty(cluster.default_strategy));
    if (cluster.service_connect.is_object())
        node.set("serviceConnectDefaults", cluster.service_connect);
    return node;
}

Node to_node(const Namer& arns, const TaskDefinition& definition) {
    Node node = Node::object({{"taskDefinitionArn", arns.task_definition(definition.name())}});
    for (const auto& [key, value] : definition.document.members())
        node.set(key, value);
    node.set("revision", definition.revision);
    node.set("status", name_of(definition.status));
    node.set("registeredAt", seconds_of(definition.registered_at));
    set_time(node, "deregisteredAt", definition.deregistered_at);
    node.set("registeredBy", definition.registered_by);
    return node;
}

Node to_node(const Namer& arns, const State& state, const Service& service, Tags tags) {
    TaskCounts counts = count_tasks(state, service);
    Node node = Node::object({{"serviceArn", arns.service(service)},
                              {"serviceName", service.name},
                              {"clusterArn", arns.cluster(service.cluster)},
                              {"loadBalancers", balancers_node(service.load_balancers)},
                              {"serviceRegistries", list_or_empty(service.service_registries)},
                              {"status", name_of(service.status)},
                              {"desiredCount", service.desired_count},
                              {"runningCount", counts.running},
                              {"pendingCount", counts.pending}});
    set_capacity(node, service);
    if (service.launch_type == "FARGATE") {
        node.set("platformVersion",
                 service.platform_version.empty() ? "LATEST" : service.platform_version);
        node.set("platformFamily", "Linux");
    }
    node.set("taskDefinition", arns.task_definition(service.task_definition));
    node.set("deploymentConfiguration", configuration_node(service));
    Node deployments = Node::array(), events = Node::array();
    for (const Deployment& deployment : service.deployments)
        deployments.push_back(deployment_node(arns, state, service, deployment));
    for (const ServiceEvent& event : service.events)
        events.push_back(Node::object(
            {{"id", event.id}, {"createdAt", seconds_of(event.at)}, {"message", event.message}}));
    node.set("deployments", std::move(deployments));
    node.set("roleArn", "arn:aws:iam::" + aws::parse_arn(arns.service(service))->account +
                            ":role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS");
    node.set("events", std::move(events));
    node.set("createdAt", seconds_of(service.created_at));
    node.set("placementConstraints", Node::array());
    node.set("placementStrategy", Node::array());
    if (!service.network_configuration.is_null())
        node.set("networkConfiguration", service.network_configuration);
    node.set("healthCheckGracePeriodSeconds", static_cast<int64_t>(service.grace.count()));
    node.set("schedulingStrategy", service.scheduling_strategy);
    node.set("deploymentController", Node::object({{"type", "ECS"}}));
    node.set("createdBy", service.created_by);
    node.set("enableECSManagedTags", service.managed_tags);
    node.set("propagateTags", service.propagate_tags);
    node.set("enableExecuteCommand", service.execute_command);
    node.set("availabilityZoneRebalancing", service.zone_rebalancing);
    if (const Deployment* primary = service.primary();
        primary && primary->rollout == RolloutState::InProgress) {
        const Deployment* asked_for = find_any(service, primary->rolled_back_from);
        node.set("currentServiceDeployment",
                 arns.service_deployment(service, asked_for ? *asked_for : *primary));
    }
    if (tags == Tags::Include) node.set("tags", list_or_empty(service.tags));
    return node;
}

Node to_node(const Namer& arns, const State& state, const Task& task, Tags tags) {
    const TaskDefinition* definition = find_definition(state, task.task_definition);
    Node containers = Node::array();
    for (const Container& container : task.containers)
        containers.push_back(container_node(
            arns, task, container, definition ? definition->container(container.name) : nullptr));
    Node storage = task.overrides["ephemeralStorage"];
    if (!storage.is_object() && definition) storage = definition->document["ephemeralStorage"];
    if (!storage.is_object()) storage = Node::object({{"sizeInGiB", kStorageGiB}});
    Node node = Node::object(
        {{"attachments", Node::array({attachment_node(task)})},
         {"attributes",
          Node::array({Node::object({{"name", "ecs.cpu-architecture"}, {"value", "x86_64"}})})},
         {"availabilityZone", task.zone},
         {"clusterArn", arns.cluster(task.cluster)},
         {"containers", std::move(containers)},
         {"createdAt", seconds_of(task.created_at)},
         {"desiredStatus",
          task.stop_wanted || task.status == TaskStatus::Stopped ? "STOPPED" : "RUNNING"},
         {"enableExecuteCommand", task.execute_command},
         {"group", task.group},
         {"healthStatus",
          name_of(definition ? health_of(task, *definition) : HealthStatus::Unknown)},
         {"lastStatus", name_of(task.status)},
         {"launchType", task.launch_type},
         {"overrides", overrides_node(task)},
         {"platformVersion", platform_version(task.platform_version)},
         {"platformFamily", "Linux"},
         {"taskArn", arns.task(task)},
         {"taskDefinitionArn", arns.task_definition(task.task_definition)},
         {"version", task.version},
         {"ephemeralStorage", storage},
         {"fargateEphemeralStorage", storage}});
    if (definition) {
        node.set("cpu", task.overrides["cpu"].is_string() ? task.overrides["cpu"].as_string()
                                                          : definition->cpu);
        node.set("memory", task.overrides["memory"].is_string()
                               ? task.overrides["memory"].as_string()
                               : definition->memory);
    }
    if (!task.provider.empty()) node.set("capacityProviderName", task.provider);
    if (task.connectivity_at) node.set("connectivity", "CONNECTED");
    set_time(node, "connectivityAt", task.connectivity_at);
    set_time(node, "pullStartedAt", task.pull_started_at);
    set_time(node, "pullStoppedAt", task.pull_stopped_at);
    set_time(node, "startedAt", task.started_at);
    if (!task.started_by.empty()) node.set("startedBy", task.started_by);
    set_time(node, "stoppingAt", task.stopping_at);
    set_time(node, "executionStoppedAt", task.execution_stopped_at);
    set_time(node, "stoppedAt", task.stopped_at);
    if (!task.stop_code.empty()) node.set("stopCode", task.stop_code);
    if (!task.stopped_reason.empty()) node.set("stoppedReason", task.stopped_reason);
    node.set("tags", tags == Tags::Include ? list_or_empty(task.tags) : Node::array());
    return node;
}

namespace {

// PENDING, IN_PROGRESS, SUCCESSFUL, STOPPED, and after a rollback ROLLBACK_…: told of the failed
// deployment.
std::string service_deployment_status(const Service& service, const Deployment& deployment) {
    if (deployment.rollout == RolloutState::Completed) return "SUCCESSFUL";
    if (deployment.rollout == RolloutState::Failed) {
        if (deployment.rolled_back_to.empty()) return "STOPPED";
        const Deployment* back = find_any(service, deployment.rolled_back_to);
        if (!back || back->rollout == RolloutState::Completed) return "ROLLBACK_SUCCESSFUL";
        // GUESS: a rollback that another deployment came before has failed.
        return back->rollout == RolloutState::Failed || back->finished_at ? "ROLLBACK_FAILED"
                                                                          : "ROLLBACK_IN_PROGRESS";
    }
    return deployment.finished_at ? "STOPPED" : "IN_PROGRESS";
}

}  // namespace

Node service_deployment_node(const Namer& arns, const State& state, const Service& service,
                             const Deployment& deployment, Detail detail) {
    const Deployment* back = find_any(service, deployment.rolled_back_to);
    std::string status = service_deployment_status(service, deployment);
    std::string reason = deployment.rollout_reason;
    // GUESS: the words.
    if (status == "STOPPED" && deployment.rollout == RolloutState::InProgress)
        reason = fmt::format("ECS deployment {} was stopped: a newer deployment took its place.",
                             deployment.id);
    Node node =
        Node::object({{"serviceDeploymentArn", arns.service_deployment(service, deployment)},
                      {"serviceArn", arns.service(service)},
                      {"clusterArn", arns.cluster(service.cluster)},
                      {"createdAt", seconds_of(deployment.created_at)},
                      {"startedAt", seconds_of(deployment.created_at)},
                      {"status", status},
                      {"statusReason", reason}});
    set_time(node, "finishedAt", back ? back->finished_at : deployment.finished_at);
    if (detail == Detail::Brief) {
        node.set("targetServiceRevisionArn", arns.service_revision(service, deployment));
        return node;
    }
    node.set("updatedAt", seconds_of((back ? back : &deployment)->updated_at));
    node.set("targetServiceRevision", revision_summary(arns, state, service, deployment));
    Node sources = Node::array();
    if (const Deployment* before = find_any(service, deployment.replaced))
        sources.push_back(revision_summary(arns, state, service, *before));
    node.set("sourceServiceRevisions", std::move(sources));
    node.set("deploymentConfiguration", configuration_node(service));
    bool tripped = deployment.rollout == RolloutState::Failed;
    node.set(
        "deploymentCircuitBreaker",
        Node::object({{"status", !service.breaker.enabled ? "DISABLED"
                                 : tripped                ? "TRIGGERED"
                                 : deployment.finished_at ? "MONITORING_COMPLETE"
                                                          : "MONITORING"},
                      {"failureCount", deployment.failed_tasks},
                      {"threshold", failure_threshold(service.breaker, service.desired_count)}}));
    if (back)
        node.set("rollback",
                 Node::object({{"reason", deployment.rollout_reason},
                               {"startedAt", seconds_of(back->created_at)},
                               {"serviceRevisionArn", arns.service_revision(service, *back)}}));
    return node;
}

Node service_revision_node(const Namer& arns, const State& state, const Service& service,
                           const Deployment& deployment) {
    Node images = Node::array();
    if (const TaskDefinition* definition = find_definition(state, deployment.task_definition))
        for (const ContainerDefinition& container : definition->containers) {
            Node image =
                Node::object({{"containerName", container.name}, {"image", container.image}});
            if (auto digest = deployment.digests.find(container.name);
                digest != deployment.digests.end())
                image.set("imageDigest", digest->second);
            images.push_back(std::move(image));
        }
    Node node = Node::object({{"serviceRevisionArn", arns.service_revision(service, deployment)},
                              {"serviceArn", arns.service(service)},
                              {"clusterArn", arns.cluster(service.cluster)},
                              {"taskDefinition", arns.task_definition(deployment.task_definition)},
                              {"loadBalancers", balancers_node(deployment.load_balancers)},
                              {"containerImages", std::move(images)},
                              {"createdAt", seconds_of(deployment.created_at)}});
    set_capacity(node, service);
    if (service.launch_type == "FARGATE") {
        node.set("platformVersion", platform_version(service.platform_version));
        node.set("platformFamily", "Linux");
    }
    if (!deployment.network_configuration.is_null())
        node.set("networkConfiguration", deployment.network_configuration);
    return node;
}

}  // namespace ecs
