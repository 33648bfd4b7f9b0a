// Task metadata and credentials (see task_metadata.h).
#include "ecs/task_metadata.h"

#include <algorithm>
#include <span>

#include "base/date.h"
#include "base/text.h"
#include "ecs/environment.h"
#include "ecs/limits.h"
#include "ecs/live_task.h"

namespace ecs {
namespace {

std::string_view known_status(ContainerStatus status) {
    constexpr std::string_view kNames[] = {"PENDING", "RUNNING", "STOPPED"};
    return kNames[static_cast<size_t>(status)];
}

Node network_node(const Task& task) {
    std::string subnet = task.address.substr(0, task.address.rfind('.'));
    return Node::object(
        {{"NetworkMode", "awsvpc"},
         {"IPv4Addresses", Node::array({task.address})},
         {"AttachmentIndex", 0},
         {"MACAddress", task.mac},
         {"IPv4SubnetCIDRBlock", subnet + ".0/24"},
         {"DomainNameServers", Node::array({"10.0.0.2"})},
         {"DomainNameSearchList", Node::array({"ec2.internal"})},
         {"PrivateDNSName", "ip-" + base::replace_all(task.address, ".", "-") + ".ec2.internal"},
         {"SubnetGatewayIpv4Address", subnet + ".1/24"}});
}

}  // namespace

Node container_metadata(const Namer& arns, const Task& task, const TaskDefinition& definition,
                        const Container& container) {
    const ContainerDefinition* defined = definition.container(container.name);
    Node labels = Node::object(
        {{"com.amazonaws.ecs.cluster", arns.cluster(task.cluster)},
         {"com.amazonaws.ecs.container-name", container.name},
         {"com.amazonaws.ecs.task-arn", arns.task(task)},
         {"com.amazonaws.ecs.task-definition-family", definition.family},
         {"com.amazonaws.ecs.task-definition-version", std::to_string(definition.revision)}});
    Node node = Node::object({{"DockerId", container.runtime_id},
                              {"Name", container.name},
                              {"DockerName", docker_name(definition, task, container)},
                              {"Image", container.image},
                              {"ImageID", container.digest},
                              {"Labels", std::move(labels)},
                              {"DesiredStatus", task.stop_wanted ? "STOPPED" : "RUNNING"},
                              {"KnownStatus", known_status(container.status)},
                              {"Limits", Node::object({{"CPU", defined ? defined->cpu : 0}})},
                              {"CreatedAt", base::iso_date_micros(task.created_at)}});
    if (defined && defined->memory_mib) node.find("Limits")->set("Memory", defined->memory_mib);
    if (container.started_at) node.set("StartedAt", base::iso_date_micros(*container.started_at));
    if (container.exit_code) node.set("ExitCode", *container.exit_code);
    // ECS guide, "Amazon ECS task metadata endpoint version 4": with a restart policy only.
    if (defined && defined->restart_policy) node.set("RestartCount", container.restarts);
    node.set("Type", "NORMAL");
    if (defined && defined->health_check)
        node.set("Health",
                 Node::object({{"status", name_of(container.health)},
                               {"statusSince", base::iso_date_micros(container.started_at.value_or(
                                                   task.created_at))}}));
    if (defined && !defined->log_driver.empty()) {
        Node options = Node::object();
        for (const auto& [name, value] : defined->log_options)
            options.set(name, value);
        node.set("LogDriver", defined->log_driver);
        node.set("LogOptions", std::move(options));
    }
    node.set("ContainerARN", arns.container(task, container));
    node.set("Networks", Node::array({network_node(task)}));
    node.set("Snapshotter", "overlayfs");
    return node;
}

Node task_metadata(const Namer& arns, const Task& task, const TaskDefinition& definition) {
    Node containers = Node::array();
    for (const Container& container : task.containers)
        containers.push_back(container_metadata(arns, task, definition, container));
    double cpu = base::parse_double(definition.cpu).value_or(0) / 1024;
    Node node = Node::object(
        {{"Cluster", arns.cluster(task.cluster)},
         {"TaskARN", arns.task(task)},
         {"Family", definition.family},
         {"Revision", std::to_string(definition.revision)},
         {"ServiceName", task.service},
         {"DesiredStatus", task.stop_wanted ? "STOPPED" : "RUNNING"},
         {"KnownStatus", name_of(task.status)},
         {"Limits",
          Node::object({{"CPU", cpu},
                        {"Memory", static_cast<int64_t>(
                                       base::parse_unsigned(definition.memory).value_or(0))}})}});
    if (task.pull_started_at)
        node.set("PullStartedAt", base::iso_date_micros(*task.pull_started_at));
    if (task.pull_stopped_at)
        node.set("PullStoppedAt", base::iso_date_micros(*task.pull_stopped_at));
    node.set("AvailabilityZone", task.zone);
    node.set("LaunchType", "FARGATE");
    node.set("Containers", std::move(containers));
    node.set("ClockDrift",
             Node::object({{"ClockErrorBound", 0.5},
                           {"ReferenceTimestamp", base::iso_date_micros(task.created_at)},
                           {"ClockSynchronizationStatus", "SYNCHRONIZED"}}));
    node.set("EphemeralStorageMetrics", Node::object({{"Utilized", 0}, {"Reserved", 20496}}));
    node.set("FaultInjectionEnabled", false);
    return node;
}

// GUESS: null, as ECS's agent has it in /task/stats for a container that it has no statistics of.
Node TaskMetadata::container_stats(const Task& task, const TaskDefinition& definition,
                                   const Container& container, Version version) {
    auto now = runtime_.stats(task.id, container.name);
    if (!now || now->running_for < kStatsAfter) return {};
    std::lock_guard lock(mutex_);
    const containers::ContainerStats before = histories_[container.name].before(*now);
    Node node = docker_stats(
        {docker_name(definition, task, container), container.runtime_id, ecs_.clock().now()}, *now,
        before);
    if (version == Version::V4) node.set("network_rate_stats", network_rate_stats(*now, before));
    return node;
}

// A container that has not been made has no DockerId to stand under.
Node TaskMetadata::task_stats(const Task& task, const TaskDefinition& definition, Version version) {
    Node all = Node::object();
    for (const Container& container : task.containers)
        if (!container.runtime_id.empty())
            all.set(container.runtime_id, container_stats(task, definition, container, version));
    return all;
}

// /v4/ID/CONTAINER[/task|/stats|/task/stats], /v2/credentials/ID.
std::optional<std::string> TaskMetadata::answer(std::string_view path) {
    auto parts = base::split(path.substr(1), '/');
    std::unique_lock lock(ecs_.mutex());
    auto found = ecs_.state().tasks.find(task_);
    if (found == ecs_.state().tasks.end()) return std::nullopt;
    Task task = found->second;
    const TaskDefinition* stored = find_definition(ecs_.state(), task.task_definition);
    if (!stored) return std::nullopt;
    TaskDefinition definition = with_overrides(*stored, task.overrides);
    lock.unlock();

    if (parts.size() == 3 && parts[0] == "v2" && parts[1] == "credentials" &&
        !task.credentials_id.empty() && parts[2] == task.credentials_id) {
        TaskCredentials credentials = ecs_.ports().roles.assume(definition.task_role, task.id);
        return base::to_json(
            Node::object({{"RoleArn", definition.task_role},
                          {"AccessKeyId", credentials.access_key},
                          {"SecretAccessKey", credentials.secret_key},
                          {"Token", credentials.session_token},
                          {"Expiration", base::iso_date(credentials.expires_at)}}));
    }
    if (parts.size() < 3 || (parts[0] != "v4" && parts[0] != "v3") || parts[1] != task.metadata_id)
        return std::nullopt;
    const Container* container = task.container(parts[2]);
    if (!container) return std::nullopt;
    const Version version = parts[0] == "v4" ? Version::V4 : Version::V3;
    const auto rest = std::span(parts).subspan(3);
    auto is = [&](std::initializer_list<std::string_view> wanted) {
        return std::ranges::equal(rest, wanted);
    };
    if (is({})) return base::to_json(container_metadata(ecs_.arns(), task, definition, *container));
    if (is({"task"})) return base::to_json(task_metadata(ecs_.arns(), task, definition));
    if (is({"stats"})) return base::to_json(container_stats(task, definition, *container, version));
    if (is({"task", "stats"})) return base::to_json(task_stats(task, definition, version));
    return std::nullopt;
}

void TaskMetadata::handle(http::Exchange& exchange) {
    auto body =
        exchange.request().method == "GET" ? answer(exchange.request().path()) : std::nullopt;
    http::ResponseHead head;
    head.status = body ? 200 : 404;
    head.headers = {{"Content-Type", body ? "application/json" : "text/plain"}};
    (void)exchange.respond(head, body.value_or("Not Found\n"));
}

}  // namespace ecs
