// Rows of ECS (see store.h). Records are ours alone: short keys, times in microseconds, absent =
// default.
#include "ecs/store.h"

#include "base/text.h"
#include "ecs/task_definition.h"

namespace ecs {
namespace {

int64_t ticks(Time time) {
    return time.time_since_epoch().count();
}
Time time_of(const Node& node) {
    return Time(base::microseconds(node.as_int()));
}
void set_time(Node& node, const char* key, const std::optional<Time>& time) {
    if (time) node.set(key, ticks(*time));
}
std::optional<Time> optional_time_of(const Node& node) {
    if (!node.is_number()) return std::nullopt;
    return time_of(node);
}
template <class Enum>
Enum enum_of(const Node& node) {
    return static_cast<Enum>(node.as_int());
}
template <class Enum>
int number_of(Enum value) {
    return static_cast<int>(value);
}

// --- clusters and task definitions
// -------------------------------------------------------------------

Node record_of(const Cluster& cluster) {
    return Node::object({{"active", cluster.active},
                         {"createdAt", ticks(cluster.created_at)},
                         {"settings", cluster.settings},
                         {"configuration", cluster.configuration},
                         {"capacityProviders", cluster.capacity_providers},
                         {"defaultStrategy", cluster.default_strategy},
                         {"serviceConnect", cluster.service_connect},
                         {"tags", cluster.tags}});
}
Cluster cluster_of(std::string name, const Node& node) {
    Cluster cluster;
    cluster.name = std::move(name);
    cluster.active = node["active"].as_bool();
    cluster.created_at = time_of(node["createdAt"]);
    cluster.settings = node["settings"];
    cluster.configuration = node["configuration"];
    cluster.capacity_providers = node["capacityProviders"];
    cluster.default_strategy = node["defaultStrategy"];
    cluster.service_connect = node["serviceConnect"];
    cluster.tags = node["tags"];
    return cluster;
}

Node record_of(const TaskDefinition& definition) {
    Node node = Node::object({{"document", definition.document},
                              {"status", number_of(definition.status)},
                              {"registeredAt", ticks(definition.registered_at)},
                              {"registeredBy", definition.registered_by},
                              {"tags", definition.tags}});
    set_time(node, "deregisteredAt", definition.deregistered_at);
    return node;
}
TaskDefinition definition_of(int revision, const Node& node) {
    TaskDefinition definition = from_document(node["document"]);
    definition.revision = revision;
    definition.status = enum_of<TaskDefinition::Status>(node["status"]);
    definition.registered_at = time_of(node["registeredAt"]);
    definition.deregistered_at = optional_time_of(node["deregisteredAt"]);
    definition.registered_by = node["registeredBy"].as_string();
    definition.tags = node["tags"];
    return definition;
}

// --- services
// ----------------------------------------------------------------------------------------

Node balancers_of(const std::vector<ServiceLoadBalancer>& balancers) {
    Node list = Node::array();
    for (const ServiceLoadBalancer& balancer : balancers)
        list.push_back(Node::object({{"group", balancer.target_group},
                                     {"container", balancer.container},
                                     {"port", balancer.port}}));
    return list;
}
std::vector<ServiceLoadBalancer> read_balancers(const Node& list) {
    std::vector<ServiceLoadBalancer> result;
    for (const Node& node : list.items())
        result.push_back({node["group"].as_string(), node["container"].as_string(),
                          static_cast<int>(node["port"].as_int())});
    return result;
}

Node record_of(const Deployment& deployment) {
    Node digests = Node::object();
    for (const auto& [container, digest] : deployment.digests)
        digests.set(container, digest);
    Node node = Node::object({{"id", deployment.id},
                              {"revision", deployment.revision},
                              {"status", number_of(deployment.status)},
                              {"taskDefinition", deployment.task_definition},
                              {"desired", deployment.desired_count},
                              {"failed", deployment.failed_tasks},
                              {"createdAt", ticks(deployment.created_at)},
                              {"updatedAt", ticks(deployment.updated_at)},
                              {"rollout", number_of(deployment.rollout)},
                              {"reason", deployment.rollout_reason},
                              {"rolledBackFrom", deployment.rolled_back_from},
                              {"rolledBackTo", deployment.rolled_back_to},
                              {"replaced", deployment.replaced},
                              {"network", deployment.network_configuration},
                              {"loadBalancers", balancers_of(deployment.load_balancers)},
                              {"digests", std::move(digests)},
                              {"everRunning", deployment.ever_running}});
    set_time(node, "finishedAt", deployment.finished_at);
    return node;
}
Deployment deployment_of(const Node& node) {
    Deployment deployment;
    deployment.id = node["id"].as_string();
    deployment.revision = node["revision"].as_string();
    if (deployment.revision.empty()) deployment.revision = deployment.number();
    deployment.status = enum_of<DeploymentStatus>(node["status"]);
    deployment.task_definition = node["taskDefinition"].as_string();
    deployment.desired_count = static_cast<int>(node["desired"].as_int());
    deployment.failed_tasks = static_cast<int>(node["failed"].as_int());
    deployment.created_at = time_of(node["createdAt"]);
    deployment.updated_at = time_of(node["updatedAt"]);
    deployment.finished_at = optional_time_of(node["finishedAt"]);
    deployment.rollout = enum_of<RolloutState>(node["rollout"]);
    deployment.rollout_reason = node["reason"].as_string();
    deployment.rolled_back_from = node["rolledBackFrom"].as_string();
    deployment.rolled_back_to = node["rolledBackTo"].as_string();
    deployment.replaced = node["replaced"].as_string();
    deployment.network_configuration = node["network"];
    deployment.load_balancers = read_balancers(node["loadBalancers"]);
    for (const auto& [container, digest] : node["digests"].members())
        deployment.digests[container] = digest.as_string();
    deployment.ever_running = node["everRunning"].as_bool();
    return deployment;
}

Node record_of(const ServiceEvent& event);
Node record_of(const Container& container);

template <class List>
Node records_of(const List& list) {
    Node nodes = Node::array();
    for (const auto& item : list)
        nodes.push_back(record_of(item));
    return nodes;
}

Node record_of(const ServiceEvent& event) {
    return Node::object({{"id", event.id}, {"at", ticks(event.at)}, {"message", event.message}});
}

Node record_of(const Service& service) {
    const CircuitBreaker& breaker = service.breaker;
    return Node::object(
        {{"status", number_of(service.status)},
         {"desired", service.desired_count},
         {"taskDefinition", service.task_definition},
         {"loadBalancers", balancers_of(service.load_balancers)},
         {"network", service.network_configuration},
         {"registries", service.service_registries},
         {"strategy", service.capacity_provider_strategy},
         {"tags", service.tags},
         {"volumes", service.volumes},
         {"serviceConnect", service.service_connect},
         {"minimum", service.minimum_percent},
         {"maximum", service.maximum_percent},
         {"breaker", Node::array({breaker.enabled, breaker.rollback, number_of(breaker.threshold),
                                  breaker.threshold_value, breaker.reset_on_healthy_task,
                                  service.breaker_threshold_given})},
         {"grace", static_cast<int64_t>(service.grace.count())},
         {"launchType", service.launch_type},
         {"platform", service.platform_version},
         {"scheduling", service.scheduling_strategy},
         {"propagate", service.propagate_tags},
         {"rebalancing", service.zone_rebalancing},
         {"exec", service.execute_command},
         {"managedTags", service.managed_tags},
         {"alarms", service.alarms},
         {"createdAt", ticks(service.created_at)},
         {"createdBy", service.created_by},
         {"deployments", records_of(service.deployments)},
         {"history", records_of(service.history)},
         {"events", records_of(service.events)},
         {"lastCompleted", service.last_completed}});
}
Service service_of(std::string cluster, std::string name, const Node& node) {
    Service service;
    service.cluster = std::move(cluster);
    service.name = std::move(name);
    service.status = enum_of<Service::Status>(node["status"]);
    service.desired_count = static_cast<int>(node["desired"].as_int());
    service.task_definition = node["taskDefinition"].as_string();
    service.load_balancers = read_balancers(node["loadBalancers"]);
    service.network_configuration = node["network"];
    service.service_registries = node["registries"];
    service.capacity_provider_strategy = node["strategy"];
    service.tags = node["tags"];
    service.volumes = node["volumes"];
    service.service_connect = node["serviceConnect"];
    service.minimum_percent = static_cast<int>(node["minimum"].as_int());
    service.maximum_percent = static_cast<int>(node["maximum"].as_int());
    if (const auto& breaker = node["breaker"].items(); breaker.size() == 6) {
        service.breaker = {breaker[0].as_bool(), breaker[1].as_bool(),
                           enum_of<CircuitBreaker::Threshold>(breaker[2]),
                           static_cast<int>(breaker[3].as_int()), breaker[4].as_bool()};
        service.breaker_threshold_given = breaker[5].as_bool();
    }
    service.grace = base::seconds(node["grace"].as_int());
    service.launch_type = node["launchType"].as_string();
    service.platform_version = node["platform"].as_string();
    service.scheduling_strategy = node["scheduling"].as_string();
    service.propagate_tags = node["propagate"].as_string();
    service.zone_rebalancing = node["rebalancing"].as_string();
    service.execute_command = node["exec"].as_bool();
    service.managed_tags = node["managedTags"].as_bool();
    service.alarms = node["alarms"];
    service.created_at = time_of(node["createdAt"]);
    service.created_by = node["createdBy"].as_string();
    for (const Node& deployment : node["deployments"].items())
        service.deployments.push_back(deployment_of(deployment));
    for (const Node& deployment : node["history"].items())
        service.history.push_back(deployment_of(deployment));
    for (const Node& event : node["events"].items())
        service.events.push_back(
            {event["id"].as_string(), time_of(event["at"]), event["message"].as_string()});
    service.last_completed = node["lastCompleted"].as_string();
    return service;
}

// --- tasks
// -------------------------------------------------------------------------------------------

Node record_of(const Container& container) {
    Node output = Node::array(), probes = Node::array();
    for (const std::string& line : container.last_output)
        output.push_back(line);
    for (const HealthProbe& probe : container.probes)
        probes.push_back(Node::object(
            {{"at", ticks(probe.at)}, {"exit", probe.exit_code}, {"output", probe.output}}));
    Node node = Node::object({{"name", container.name},
                              {"image", container.image},
                              {"digest", container.digest},
                              {"runtimeId", container.runtime_id},
                              {"arnId", container.arn_id},
                              {"status", number_of(container.status)},
                              {"health", number_of(container.health)},
                              {"reason", container.reason},
                              {"output", std::move(output)},
                              {"probes", std::move(probes)}});
    if (container.exit_code) node.set("exitCode", *container.exit_code);
    set_time(node, "startedAt", container.started_at);
    set_time(node, "finishedAt", container.finished_at);
    return node;
}
Container container_of(const Node& node) {
    Container container;
    container.name = node["name"].as_string();
    container.image = node["image"].as_string();
    container.digest = node["digest"].as_string();
    container.runtime_id = node["runtimeId"].as_string();
    container.arn_id = node["arnId"].as_string();
    container.status = enum_of<ContainerStatus>(node["status"]);
    container.health = enum_of<HealthStatus>(node["health"]);
    container.reason = node["reason"].as_string();
    if (node["exitCode"].is_number())
        container.exit_code = static_cast<int>(node["exitCode"].as_int());
    container.started_at = optional_time_of(node["startedAt"]);
    container.finished_at = optional_time_of(node["finishedAt"]);
    for (const Node& line : node["output"].items())
        container.last_output.push_back(line.as_string());
    for (const Node& probe : node["probes"].items())
        container.probes.push_back({time_of(probe["at"]), static_cast<int>(probe["exit"].as_int()),
                                    probe["output"].as_string()});
    return container;
}

struct TextField {
    const char* key;
    std::string Task::* member;
};
constexpr TextField kTaskTexts[] = {{"cluster", &Task::cluster},
                                    {"taskDefinition", &Task::task_definition},
                                    {"service", &Task::service},
                                    {"deployment", &Task::deployment},
                                    {"group", &Task::group},
                                    {"startedBy", &Task::started_by},
                                    {"platform", &Task::platform_version},
                                    {"launchType", &Task::launch_type},
                                    {"provider", &Task::provider},
                                    {"zone", &Task::zone},
                                    {"subnet", &Task::subnet},
                                    {"stopCode", &Task::stop_code},
                                    {"stoppedReason", &Task::stopped_reason},
                                    {"address", &Task::address},
                                    {"mac", &Task::mac},
                                    {"interface", &Task::interface_id},
                                    {"attachment", &Task::attachment_id}};
struct TimeField {
    const char* key;
    std::optional<Time> Task::* member;
};
constexpr TimeField kTaskTimes[] = {{"connectivityAt", &Task::connectivity_at},
                                    {"pullStartedAt", &Task::pull_started_at},
                                    {"pullStoppedAt", &Task::pull_stopped_at},
                                    {"startedAt", &Task::started_at},
                                    {"stoppingAt", &Task::stopping_at},
                                    {"executionStoppedAt", &Task::execution_stopped_at},
                                    {"stoppedAt", &Task::stopped_at}};

Node record_of(const Task& task) {
    Node node = Node::object({{"status", number_of(task.status)},
                              {"stopWanted", task.stop_wanted},
                              {"createdAt", ticks(task.created_at)},
                              {"version", task.version},
                              {"containers", records_of(task.containers)},
                              {"overrides", task.overrides},
                              {"tags", task.tags},
                              {"exec", task.execute_command}});
    for (const TextField& field : kTaskTexts)
        if (!(task.*field.member).empty()) node.set(field.key, task.*field.member);
    for (const TimeField& field : kTaskTimes)
        set_time(node, field.key, task.*field.member);
    // Where it is registered: the next start has to take it out of there.
    Node targets = Node::array();
    for (const TaskTarget& target : task.targets)
        if (target.registered)
            targets.push_back(Node::object({{"group", target.target_group},
                                            {"container", target.container},
                                            {"port", target.port}}));
    if (targets.size()) node.set("targets", std::move(targets));
    return node;
}
Task task_of(std::string id, const Node& node) {
    Task task;
    task.id = std::move(id);
    task.status = enum_of<TaskStatus>(node["status"]);
    task.stop_wanted = node["stopWanted"].as_bool();
    task.created_at = time_of(node["createdAt"]);
    task.version = static_cast<int>(node["version"].as_int());
    for (const TextField& field : kTaskTexts)
        task.*field.member = node[field.key].as_string();
    for (const TimeField& field : kTaskTimes)
        task.*field.member = optional_time_of(node[field.key]);
    for (const Node& container : node["containers"].items())
        task.containers.push_back(container_of(container));
    task.overrides = node["overrides"];
    task.tags = node["tags"];
    task.execute_command = node["exec"].as_bool();
    for (const Node& target : node["targets"].items())
        task.targets.push_back({target["group"].as_string(), target["container"].as_string(),
                                static_cast<int>(target["port"].as_int()), true});
    return task;
}

Node document(const state::Statement& row, int column) {
    return base::parse_json(row.text(column)).value_or(Node());
}

}  // namespace

State Store::load() {
    std::lock_guard lock(database_.mutex());
    State state;
    for (auto row = database_.prepare("SELECT name, document FROM ecs_clusters"); row.step();)
        state.clusters[row.text(0)] = cluster_of(row.text(0), document(row, 1));
    for (auto row =
             database_.prepare("SELECT family, revision, document FROM ecs_task_definitions");
         row.step();)
        state.families[row.text(0)][static_cast<int>(row.integer(1))] =
            definition_of(static_cast<int>(row.integer(1)), document(row, 2));
    for (auto row = database_.prepare("SELECT cluster, name, document FROM ecs_services");
         row.step();)
        state.services[{row.text(0), row.text(1)}] =
            service_of(row.text(0), row.text(1), document(row, 2));
    for (auto row = database_.prepare("SELECT id, document FROM ecs_tasks"); row.step();)
        state.tasks[row.text(0)] = task_of(row.text(0), document(row, 1));
    for (auto row = database_.prepare("SELECT name, value FROM ecs_settings"); row.step();)
        state.settings[row.text(0)] = row.text(1);
    return state;
}

void Store::put(std::string_view sql, std::string_view a, std::string_view b,
                const Node& document) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(sql);
    int next = 0;
    row.bind(++next, a);
    if (!b.empty()) row.bind(++next, b);
    row.bind(++next, std::string_view(base::to_json(document)));
    row.run();
}

void Store::save(const Cluster& cluster) {
    put("INSERT OR REPLACE INTO ecs_clusters VALUES(?1, ?2)", cluster.name, "", record_of(cluster));
}
void Store::save(const TaskDefinition& definition) {
    put("INSERT OR REPLACE INTO ecs_task_definitions VALUES(?1, ?2, ?3)", definition.family,
        std::to_string(definition.revision), record_of(definition));
}
void Store::remove(const TaskDefinition& definition) {
    std::lock_guard lock(database_.mutex());
    auto row =
        database_.prepare("DELETE FROM ecs_task_definitions WHERE family = ?1 AND revision = ?2");
    row.bind_all(std::string_view(definition.family), definition.revision);
    row.run();
}
void Store::save(const Service& service) {
    put("INSERT OR REPLACE INTO ecs_services VALUES(?1, ?2, ?3)", service.cluster, service.name,
        record_of(service));
}
void Store::save(const Task& task) {
    put("INSERT OR REPLACE INTO ecs_tasks VALUES(?1, ?2)", task.id, "", record_of(task));
}
void Store::remove_task(const std::string& id) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("DELETE FROM ecs_tasks WHERE id = ?1");
    row.bind(1, std::string_view(id));
    row.run();
}
void Store::save_setting(const std::string& name, const std::string& value) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare("INSERT OR REPLACE INTO ecs_settings VALUES(?1, ?2)");
    row.bind_all(std::string_view(name), std::string_view(value));
    row.run();
}

}  // namespace ecs
