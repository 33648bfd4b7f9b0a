// Tasks: run, stop, describe, list.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "ecs/capacity.h"
#include "ecs/control_plane.h"
#include "ecs/environment.h"
#include "ecs/task_definition.h"

namespace ecs {
namespace {

Tags wanted_tags(const aws::Call& call) {
    return includes(call, "TAGS") ? Tags::Include : Tags::Leave;
}

void check_overrides(const TaskDefinition& definition, const Node& overrides) {
    for (const Node& container : overrides["containerOverrides"].items())
        if (!definition.container(container["name"].as_string()))
            invalid("Override for container named " + container["name"].as_string() +
                    " is not a container in the TaskDefinition.");
    const TaskDefinition sized = with_overrides(definition, overrides);
    const int cpu = static_cast<int>(base::parse_unsigned(sized.cpu).value_or(0)),
              memory = static_cast<int>(base::parse_unsigned(sized.memory).value_or(0));
    if (!is_fargate_size(cpu, memory)) invalid(no_such_size(cpu, memory));
    for (const ContainerDefinition& container : sized.containers)
        if (container.memory_mib > memory) invalid(larger_than_task(container.name));
}

aws::Reply run_task(ControlPlane& ecs, const aws::Call& call) {
    Cluster& cluster = ecs.cluster_of(call);
    const TaskDefinition& definition =
        ecs.active_task_definition(required(call, "taskDefinition"), "InvalidParameterException");
    int64_t count = call.input["count"].as_int(1);
    if (count < 1 || count > 10) invalid("Count must be between 1 and 10.");
    if (call.input["startedBy"].as_string().size() > 128)
        invalid("startedBy must be at most 128 characters.");
    if (definition.network_mode == "awsvpc" &&
        call.input["networkConfiguration"]["awsvpcConfiguration"]["subnets"].size() == 0)
        invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
    Capacity capacity = choose_capacity(call.input, cluster);
    if (capacity.launch_type != "FARGATE") {
        base::log_warning("ecs", fmt::format("RunTask of {}: {}", definition.name(),
                                             no_instances_advice(capacity.launch_type)));
        invalid(kNoInstances);
    }
    const auto& can = definition.document["compatibilities"].items();
    if (std::none_of(can.begin(), can.end(),
                     [](const Node& item) { return item.as_string() == "FARGATE"; }))
        invalid("Task definition does not support launch_type FARGATE.");
    check_platform_version(call.input["platformVersion"].as_string());
    check_overrides(definition, call.input["overrides"]);
    Launch launch;
    launch.cluster = cluster.name;
    launch.task_definition = definition.name();
    launch.group = call.input["group"].as_string();
    if (launch.group.empty()) launch.group = "family:" + definition.family;
    launch.started_by = call.input["startedBy"].as_string();
    launch.platform_version = call.input["platformVersion"].as_string();
    launch.network_configuration = call.input["networkConfiguration"];
    launch.overrides = call.input["overrides"];
    launch.tags = call.input["propagateTags"].as_string() == "TASK_DEFINITION" ? definition.tags
                                                                               : call.input["tags"];
    if (call.input["enableECSManagedTags"].as_bool())
        add_managed_tags(launch.tags, cluster.name, "");
    launch.execute_command = call.input["enableExecuteCommand"].as_bool();
    launch.strategy = std::move(capacity.strategy);
    Node tasks = Node::array();
    for (int64_t i = 0; i < count; ++i)
        tasks.push_back(to_node(ecs.arns(), ecs.state(), ecs.launch(launch), Tags::Include));
    aws::Reply reply;
    reply.output = Node::object({{"tasks", std::move(tasks)}, {"failures", Node::array()}});
    return reply;
}

aws::Reply stop_task(ControlPlane& ecs, const aws::Call& call) {
    Cluster& cluster = ecs.cluster_of(call);
    Task* task = ecs.find_task(cluster.name, required(call, "task"));
    if (!task) invalid("The referenced task was not found.");
    const std::string& reason = call.input["reason"].as_string();
    task->stopped_by_scheduler_or_user = true;
    ecs.want_stop(*task, "UserInitiated", reason.empty() ? "Task stopped by user" : reason);
    aws::Reply reply;
    reply.output.set("task", to_node(ecs.arns(), ecs.state(), *task, Tags::Include));
    return reply;
}

aws::Reply describe_tasks(ControlPlane& ecs, const aws::Call& call) {
    Cluster& cluster = ecs.cluster_of(call);
    const auto& wanted = call.input["tasks"].items();
    if (wanted.empty()) invalid("Tasks cannot be empty.");
    if (wanted.size() > 100) invalid("Tasks cannot have more than 100 elements.");
    Node tasks = Node::array(), failures = Node::array();
    for (const Node& item : wanted) {
        if (Task* task = ecs.find_task(cluster.name, item.as_string())) {
            tasks.push_back(to_node(ecs.arns(), ecs.state(), *task, wanted_tags(call)));
            continue;
        }
        Task named;
        named.cluster = cluster.name;
        named.id = item.as_string();
        failures.push_back(
            failure(named.id.starts_with("arn:") ? named.id : ecs.arns().task(named)));
    }
    aws::Reply reply;
    reply.output = Node::object({{"tasks", std::move(tasks)}, {"failures", std::move(failures)}});
    return reply;
}

aws::Reply list_tasks(ControlPlane& ecs, const aws::Call& call) {
    Cluster& cluster = ecs.cluster_of(call);
    const std::string &family = call.input["family"].as_string(),
                      &started_by = call.input["startedBy"].as_string();
    const std::string& launch_type = call.input["launchType"].as_string();
    std::string service_name = call.input["serviceName"].as_string();
    if (!service_name.empty()) service_name = ecs.service_of(cluster.name, service_name).name;
    std::string desired = call.input["desiredStatus"].as_string();
    if (desired.empty()) desired = "RUNNING";
    std::vector<const Task*> found;
    for (const auto& [id, task] : ecs.state().tasks) {
        bool stopped = task.stop_wanted || task.status == TaskStatus::Stopped;
        if (task.cluster != cluster.name || desired != (stopped ? "STOPPED" : "RUNNING")) continue;
        if (!family.empty() && base::cut(task.task_definition, ':').first != family) continue;
        if (!service_name.empty() && task.service != service_name) continue;
        if (!started_by.empty() && task.started_by != started_by) continue;
        if (!launch_type.empty() && task.launch_type != launch_type) continue;
        found.push_back(&task);
    }
    std::sort(found.begin(), found.end(),
              [](const Task* a, const Task* b) { return a->created_at < b->created_at; });
    std::vector<std::string> arns;
    for (const Task* task : found)
        arns.push_back(ecs.arns().task(*task));
    return page_of(call, "taskArns", arns);
}

// Answers as AWS does up to the session; GAP: the session's stream is `dodam exec`'s.
aws::Reply execute_command(ControlPlane& ecs, const aws::Call& call) {
    Cluster& cluster = ecs.cluster_of(call);
    Task* task = ecs.find_task(cluster.name, required(call, "task"));
    required(call, "command");
    if (!task) invalid("The referenced task was not found.");
    if (!call.input["interactive"].as_bool())
        invalid("Interactive is the only mode supported currently.");
    if (!task->execute_command)
        invalid(
            "The execute command failed because execute command was not enabled when the task was "
            "run or the execute command agent isn’t running. Wait and try again or run a new task "
            "with execute command enabled and try again.");
    std::string name = call.input["container"].as_string();
    if (name.empty() && task->containers.size() == 1) name = task->containers[0].name;
    const Container* container = task->container(name);
    if (!container)
        invalid(
            "The container name is required when the task has more than one container.");  // GUESS:
                                                                                           // the
                                                                                           // words
    if (container->status != ContainerStatus::Running)
        throw aws::Error{400, "TargetNotConnectedException",
                         "The execute command failed due to an internal error. Try again later."};
    std::string session = "ecs-execute-command-" + base::random_hex(17);
    aws::Reply reply;
    reply.output = Node::object(
        {{"clusterArn", ecs.arns().cluster(cluster.name)},
         {"containerArn", ecs.arns().container(*task, *container)},
         {"containerName", container->name},
         {"interactive", true},
         {"session",
          Node::object(
              {{"sessionId", session},
               {"streamUrl",
                fmt::format(
                    "wss://ssmmessages.{}.amazonaws.com/v1/data-channel/{}?role=publish_subscribe",
                    ecs.arns().region(), session)},
               {"tokenValue", base::random_base64url(64)}})},
         {"taskArn", ecs.arns().task(*task)}});
    return reply;
}

constexpr Operation kOperations[] = {
    {"DescribeTasks", describe_tasks}, {"ExecuteCommand", execute_command},
    {"ListTasks", list_tasks},         {"RunTask", run_task},
    {"StopTask", stop_task},
};

}  // namespace

const std::span<const Operation> task_operations = kOperations;

}  // namespace ecs
