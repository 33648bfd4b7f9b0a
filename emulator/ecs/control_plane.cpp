// ECS (see control_plane.h): the table, names to nouns, and the steps shared with the reconciler.
#include "ecs/control_plane.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "aws/arn.h"
#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"
#include "ecs/capacity.h"
#include "ecs/deploy_report.h"
#include "ecs/known_operations.h"
#include "ecs/limits.h"
#include "ecs/task_definition.h"

namespace ecs {
namespace {

const aws::OperationTable<ControlPlane>& operations() {
    static const aws::OperationTable<ControlPlane> table{
        cluster_operations, task_definition_operations, service_operations, deployment_operations,
        task_operations,    account_operations};
    return table;
}

// The last part of an ARN's resource, or the text itself.
std::string last_segment(const std::string& name_or_arn) {
    if (!name_or_arn.starts_with("arn:")) return name_or_arn;
    return name_or_arn.substr(name_or_arn.rfind('/') + 1);
}

// The ARN of a service or task names its cluster (older ones do not): …:KIND/CLUSTER/NAME.
// aws/aws-toolkit-vscode#2915.
void check_cluster(const std::string& cluster, const std::string& name_or_arn) {
    if (!name_or_arn.starts_with("arn:")) return;
    auto parts = base::split(name_or_arn, '/');
    if (parts.size() == 3 && parts[1] != cluster)
        invalid(fmt::format("Invalid identifier: Identifier is for cluster {}. Your cluster is {}",
                            parts[1], cluster));
}

std::string random_digits(size_t count) {
    std::string digits(1, static_cast<char>('1' + base::random_below(9)));
    while (digits.size() < count)
        digits += static_cast<char>('0' + base::random_below(10));
    return digits;
}

}  // namespace

void invalid(std::string message) {
    throw aws::Error{400, "InvalidParameterException", std::move(message)};
}
void refused(std::string message) {
    throw aws::Error{400, "ClientException", std::move(message)};
}

const std::string& required(const aws::Call& call, std::string_view member) {
    const std::string& value = call.input[member].as_string();
    if (value.empty()) invalid(fmt::format("{} can not be blank.", member));
    return value;
}

bool includes(const aws::Call& call, std::string_view what) {
    const auto& include = call.input["include"].items();
    return std::any_of(include.begin(), include.end(),
                       [&](const Node& item) { return item.as_string() == what; });
}

aws::Reply page_of(const aws::Call& call, const char* member, const std::vector<std::string>& items,
                   size_t fallback) {
    int64_t most = call.input["maxResults"].as_int(static_cast<int64_t>(fallback));
    if (most < 1 || most > 100) invalid("maxResults must be between 1 and 100.");
    size_t from = 0;
    if (const std::string& token = call.input["nextToken"].as_string(); !token.empty()) {
        auto parsed = base::parse_unsigned(base::from_base64(token).value_or("x"));
        if (!parsed) invalid("Invalid token.");
        from = std::min<size_t>(*parsed, items.size());
    }
    size_t to = std::min(items.size(), from + static_cast<size_t>(most));
    Node list = Node::array();
    for (size_t i = from; i < to; ++i)
        list.push_back(items[i]);
    aws::Reply reply;
    reply.output.set(member, std::move(list));
    if (to < items.size()) reply.output.set("nextToken", base::to_base64(std::to_string(to)));
    return reply;
}

void add_managed_tags(Node& tags, const std::string& cluster, const std::string& service) {
    if (!tags.is_array()) tags = Node::array();
    auto add = [&](const char* key, const std::string& value) {
        tags.push_back(Node::object({{"key", key}, {"value", value}}));
    };
    add("aws:ecs:clusterName", cluster);
    if (!service.empty()) add("aws:ecs:serviceName", service);
}

Node failure(const std::string& arn, const char* reason) {
    return Node::object({{"arn", arn}, {"reason", reason}});
}

ControlPlane::ControlPlane(state::Database& database, base::Clock& clock, const base::Ids& ids,
                           Ports ports)
    : clock_(clock), ids_(ids), arns_(ids), ports_(ports), store_(database) {
    reload();
}

void ControlPlane::reload() {
    std::lock_guard lock(mutex_);
    state_ = store_.load();
    changed_services_.clear();
    changed_tasks_.clear();
    end_leftovers();
    flush();
}

// Nothing of a former run is adopted: its containers are gone, so its tasks are.
void ControlPlane::end_leftovers() {
    for (auto& [id, task] : state_.tasks) {
        task.outcome_counted = true;
        if (task.status == TaskStatus::Stopped) continue;
        task.status = TaskStatus::Stopped;
        task.stop_wanted = true;
        if (task.stop_code.empty()) {
            task.stop_code = "TerminationNotice";
            task.stopped_reason = "The emulator that ran the task ended";
        }
        task.stopped_at = clock_.now();
        // Nothing answers there any more, and the address may be the next task's.
        for (TaskTarget& target : task.targets) {
            if (!target.registered) continue;
            target.registered = false;
            target.health = "unused";
            try {
                ports_.targets.deregister_target(target.target_group, task.address, target.port);
            } catch (const aws::Error&) {
                // The group is gone.
            }
        }
        for (Container& container : task.containers)
            container.status = ContainerStatus::Stopped;
        changed(task);
    }
}

const aws::ServiceInfo& ControlPlane::info() const {
    static const aws::ServiceInfo info{.name = "ecs",
                                       .signing_name = "ecs",
                                       .target_prefix = "AmazonEC2ContainerServiceV20141113",
                                       .version = "2014-11-13",
                                       .protocol = aws::Protocol::Json11,
                                       .xml_namespace = "",
                                       .known_operations = kKnownOperations};
    return info;
}

std::optional<aws::Reply> ControlPlane::serve(aws::Call& call) {
    const Operation* operation = operations().find(call.operation);
    if (!operation) return std::nullopt;
    std::lock_guard lock(mutex_);
    aws::Reply reply = operation->run(*this, call);
    flush();
    return reply;
}

// --- names
// ------------------------------------------------------------------------------------------

std::string ControlPlane::cluster_name(const std::string& name_or_arn) const {
    return name_or_arn.empty() ? "default" : last_segment(name_or_arn);
}

Cluster& ControlPlane::cluster_of(const aws::Call& call) {
    auto found = state_.clusters.find(cluster_name(call.input["cluster"].as_string()));
    if (found == state_.clusters.end() || !found->second.active)
        throw aws::Error{400, "ClusterNotFoundException", "Cluster not found."};
    return found->second;
}

Service* ControlPlane::find_service(const std::string& cluster, const std::string& name_or_arn) {
    check_cluster(cluster, name_or_arn);
    auto found = state_.services.find({cluster, last_segment(name_or_arn)});
    return found == state_.services.end() ? nullptr : &found->second;
}

Service& ControlPlane::service_of(const std::string& cluster, const std::string& name_or_arn) {
    Service* service = find_service(cluster, name_or_arn);
    if (!service) throw aws::Error{400, "ServiceNotFoundException", "Service not found."};
    return *service;
}

Task* ControlPlane::find_task(const std::string& cluster, const std::string& id_or_arn) {
    check_cluster(cluster, id_or_arn);
    auto found = state_.tasks.find(last_segment(id_or_arn));
    return found == state_.tasks.end() || found->second.cluster != cluster ? nullptr
                                                                           : &found->second;
}

TaskDefinition* ControlPlane::find_task_definition(const std::string& reference) {
    std::string name = last_segment(reference);
    auto [family, revision] = base::cut(name, ':');
    auto found = state_.families.find(std::string(family));
    if (found == state_.families.end()) return nullptr;
    if (!revision.empty()) {
        auto number = base::parse_unsigned(revision);
        auto definition =
            number ? found->second.find(static_cast<int>(*number)) : found->second.end();
        return definition == found->second.end() ? nullptr : &definition->second;
    }
    for (auto definition = found->second.rbegin(); definition != found->second.rend(); ++definition)
        if (definition->second.status == TaskDefinition::Status::Active) return &definition->second;
    return nullptr;
}

TaskDefinition& ControlPlane::active_task_definition(const std::string& reference,
                                                     const char* inactive_code) {
    TaskDefinition* definition = find_task_definition(reference);
    if (!definition) refused("TaskDefinition not found.");
    if (definition->status != TaskDefinition::Status::Active)
        throw aws::Error{400, inactive_code, "TaskDefinition is inactive"};
    return *definition;
}

// --- shared steps
// -----------------------------------------------------------------------------------

// Revisions are never used twice: deleted ones stay in the map as DELETE_IN_PROGRESS.
TaskDefinition& ControlPlane::register_definition(const Node& input, const std::string& by,
                                                  const Node& tags) {
    TaskDefinition definition = read_task_definition(input);
    auto& revisions = state_.families[definition.family];
    definition.revision = revisions.empty() ? 1 : revisions.rbegin()->first + 1;
    definition.registered_at = clock_.now();
    definition.registered_by = arns_.user(by);
    definition.tags = tags;
    TaskDefinition& kept = revisions[definition.revision] = std::move(definition);
    changed(kept);
    return kept;
}

// The former PRIMARY becomes ACTIVE and keeps its rollout state; its tasks are replaced.
Deployment& ControlPlane::begin_deployment(Service& service, const std::string& rolled_back_from) {
    Time now = clock_.now();
    Deployment deployment;
    deployment.id = "ecs-svc/" + random_digits(19);
    deployment.revision = deployment.number();
    deployment.task_definition = service.task_definition;
    deployment.desired_count = service.desired_count;
    deployment.created_at = deployment.updated_at = now;
    deployment.rollout_reason =
        rolled_back_from.empty()
            ? fmt::format("ECS deployment {} in progress.", deployment.id)
            : fmt::format("ECS deployment circuit breaker: rolling back to deploymentId {}.",
                          deployment.id);
    deployment.rolled_back_from = rolled_back_from;
    deployment.network_configuration = service.network_configuration;
    deployment.load_balancers = service.load_balancers;
    if (Deployment* former = service.primary()) {
        deployment.replaced = former->id;
        former->status = former->rollout == RolloutState::Failed ? DeploymentStatus::Draining
                                                                 : DeploymentStatus::Active;
        former->updated_at = now;
        if (former->rollout != RolloutState::Completed && !former->finished_at) {
            former->finished_at = now;
            close_books(service, *former);
        }
    }
    deployment.requests_before = books_of(service);
    if (ports_.edge_hits) deployment.edge_hits_before = ports_.edge_hits();
    service.deployments.insert(service.deployments.begin(), std::move(deployment));
    service.steady = false;
    changed(service);
    return service.deployments.front();
}

Deployment* ControlPlane::roll_back(Service& service) {
    std::optional<Deployment> back;
    for (const auto* list : {&service.deployments, &service.history})
        for (const Deployment& deployment : *list)
            if (deployment.id == service.last_completed) back = deployment;
    if (!back) return nullptr;
    const std::string failed = service.primary()->id;
    service.task_definition = back->task_definition;
    service.load_balancers = back->load_balancers;
    service.network_configuration = back->network_configuration;
    const std::string id = begin_deployment(service, failed).id;
    service.deployment(failed)->rolled_back_to = id;
    service.primary()->digests = back->digests;
    // ECS guide, "Amazon ECS service revisions": a rollback makes no new one.
    service.primary()->revision = back->revision;
    say(service, fmt::format("(service {}) rolling back to deployment {}.", service.name, id));
    return service.primary();
}

ControlPlane::Books ControlPlane::books_of(const Service& service) const {
    Books books;
    for (const auto& [id, task] : state_.tasks) {
        if (task.service != service.name || task.cluster != service.cluster) continue;
        base::RequestCounts counts = requests_now(task);
        if (counts.requests > 0) books[id] = counts;
    }
    return books;
}

void ControlPlane::close_books(const Service& service, Deployment& deployment) {
    deployment.requests_after = books_of(service);
    if (ports_.edge_hits) deployment.edge_hits_after = ports_.edge_hits();
}

void ControlPlane::end_deployment(Service& service, const std::string& id) {
    auto found = std::find_if(service.deployments.begin(), service.deployments.end(),
                              [&](const Deployment& one) { return one.id == id; });
    if (found == service.deployments.end()) return;
    found->status = DeploymentStatus::Inactive;
    service.history.push_back(std::move(*found));
    service.deployments.erase(found);
    if (service.history.size() > kMaxDeploymentHistory)
        service.history.erase(service.history.begin());
    if (service.history.size() > kDeploymentsReported) {
        Deployment& old = service.history[service.history.size() - kDeploymentsReported - 1];
        old.requests_before.clear();
        old.requests_after.clear();
    }
    changed(service);
}

// 10.0.Z.N: a /24 per zone, addresses in turn, so that one is not reused while somebody still knows
// it.
std::string ControlPlane::free_address(const std::string& zone) {
    int subnet = 1 + (zone.empty() ? 0 : zone.back() - 'a');
    constexpr uint32_t kFirst = 10, kLast = 250;
    for (uint32_t tries = 0; tries <= kLast - kFirst; ++tries) {
        std::string address =
            fmt::format("10.0.{}.{}", subnet, kFirst + next_host_++ % (kLast - kFirst + 1));
        bool taken = std::any_of(state_.tasks.begin(), state_.tasks.end(), [&](const auto& entry) {
            return entry.second.address == address && entry.second.status != TaskStatus::Stopped;
        });
        if (!taken) return address;
    }
    throw aws::Error{400, "ClientException", "The subnet has no free address."};
}

// A service's tasks are shared out among its providers as they run, others in the order of their
// start.
std::string ControlPlane::provider_for(const Launch& launch) const {
    if (launch.strategy.size() == 0) return {};
    std::map<std::string, int> running;
    for (const auto& [id, task] : state_.tasks)
        if (task.cluster == launch.cluster && task.group == launch.group && !task.is_leaving())
            ++running[task.provider];
    return next_provider(launch.strategy, running);
}

Task& ControlPlane::launch(const Launch& launch) {
    const TaskDefinition* definition = find_definition(state_, launch.task_definition);
    ASSERT(definition);
    Task task;
    task.id = base::random_hex(32);
    task.cluster = launch.cluster;
    task.task_definition = launch.task_definition;
    task.service = launch.service;
    task.deployment = launch.deployment;
    task.group = launch.group;
    task.started_by = launch.started_by;
    task.platform_version = launch.platform_version;
    task.overrides = launch.overrides;
    task.tags = launch.tags;
    task.execute_command = launch.execute_command;
    task.provider = provider_for(launch);
    task.created_at = clock_.now();
    const auto& subnets = launch.network_configuration["awsvpcConfiguration"]["subnets"].items();
    size_t turn = next_host_ % std::max<size_t>(subnets.size(), 1);
    task.subnet = subnets.empty() ? "subnet-00000000000000001" : subnets[turn].as_string();
    task.zone = arns_.region() + static_cast<char>('a' + turn % 6);
    task.address = free_address(task.zone);
    task.mac = "0a:" + base::random_hex(2) + ":" + base::random_hex(2) + ":" + base::random_hex(2) +
               ":" + base::random_hex(2) + ":" + base::random_hex(2);
    task.interface_id = "eni-0" + base::random_hex(16);
    task.attachment_id = base::random_uuid();
    task.metadata_id = task.id + "-" + random_digits(10);
    if (!definition->task_role.empty() || !launch.overrides["taskRoleArn"].as_string().empty())
        task.credentials_id = base::random_uuid();
    for (const ContainerDefinition& defined : definition->containers) {
        Container container;
        container.name = defined.name;
        container.image = defined.image;
        container.arn_id = base::random_uuid();
        task.containers.push_back(std::move(container));
    }
    for (const ServiceLoadBalancer& target : launch.targets)
        task.targets.push_back({target.target_group, target.container, target.port});
    Task& kept = state_.tasks[task.id] = std::move(task);
    changed(kept);
    return kept;
}

void ControlPlane::want_stop(Task& task, std::string code, std::string reason) {
    if (task.stop_wanted || task.status == TaskStatus::Stopped) return;
    task.stop_wanted = true;
    task.stop_code = std::move(code);
    task.stopped_reason = std::move(reason);
    ++task.version;
    changed(task);
}

// The same words twice in a row are one event.
void ControlPlane::say(Service& service, std::string message) {
    if (!service.events.empty() && service.events.front().message == message) return;
    service.events.push_front({base::random_uuid(), clock_.now(), std::move(message)});
    while (service.events.size() > kMaxEvents)
        service.events.pop_back();
    changed(service);
}

void ControlPlane::forget_task(const std::string& id) {
    state_.tasks.erase(id);
    changed_tasks_.erase(id);
    store_.remove_task(id);
}

void ControlPlane::put_setting(const std::string& name, const std::string& value) {
    state_.settings[name] = value;
    store_.save_setting(name, value);
}

void ControlPlane::remove_definition(const TaskDefinition& definition) {
    store_.remove(definition);
    state_.families[definition.family].erase(definition.revision);
}

void ControlPlane::flush() {
    if (changed_services_.empty() && changed_tasks_.empty()) return;
    state::Transaction transaction(store_.database());
    for (const ServiceKey& key : changed_services_)
        if (auto found = state_.services.find(key); found != state_.services.end())
            store_.save(found->second);
    for (const std::string& id : changed_tasks_)
        if (auto found = state_.tasks.find(id); found != state_.tasks.end())
            store_.save(found->second);
    transaction.commit();
    changed_services_.clear();
    changed_tasks_.clear();
}

// --- status
// -----------------------------------------------------------------------------------------

namespace {

ServiceStatus::RunningContainer status_of(const Container& container) {
    return {container.name, container.image, container.digest,
            std::string(name_of(container.status)), std::string(name_of(container.health))};
}

ServiceStatus::RunningTask status_of(const Task& task, const TaskDefinition* definition) {
    ServiceStatus::RunningTask result;
    result.id = task.id;
    result.task_definition = task.task_definition;
    result.deployment = task.deployment;
    result.status = name_of(task.status);
    result.address = task.address;
    result.health = name_of(definition ? health_of(task, *definition) : HealthStatus::Unknown);
    for (const TaskTarget& target : task.targets)
        if (!target.reason.empty() || result.target_health.empty())
            result.target_health =
                target.health + (target.reason.empty() ? "" : ": " + target.reason);
    result.created_at = task.created_at;
    for (const Container& container : task.containers)
        result.containers.push_back(status_of(container));
    return result;
}

}  // namespace

Node ControlPlane::deploy_record(const std::string& cluster, const std::string& service,
                                 const std::string& deployment) {
    std::lock_guard lock(mutex_);
    const Service* found = find_service(cluster, service);
    if (!found) return {};
    const Deployment* which = deployment.empty() ? last_asked_for(*found) : nullptr;
    for (const auto* list : {&found->deployments, &found->history})
        for (const Deployment& one : *list)
            if (one.id == deployment || one.number() == deployment) which = &one;
    if (!which) return {};
    return ecs::deploy_record(state_, *found, *which, clock_.now(),
                              ports_.edge_hits ? ports_.edge_hits() : 0);
}

std::vector<ServiceStatus> ControlPlane::status() {
    std::lock_guard lock(mutex_);
    std::vector<ServiceStatus> result;
    for (const auto& [key, service] : state_.services) {
        if (service.status == Service::Status::Inactive) continue;
        TaskCounts counts = count_tasks(state_, service);
        ServiceStatus one;
        one.cluster = service.cluster;
        one.name = service.name;
        one.status = name_of(service.status);
        one.task_definition = service.task_definition;
        one.desired = service.desired_count;
        one.running = counts.running;
        one.pending = counts.pending;
        for (const Deployment& deployment : service.deployments) {
            TaskCounts of = count_tasks(state_, service, deployment.id);
            one.deployments.push_back({deployment.id, std::string(name_of(deployment.status)),
                                       std::string(name_of(deployment.rollout)),
                                       deployment.rollout_reason, deployment.task_definition,
                                       deployment.desired_count, of.running, of.pending,
                                       deployment.failed_tasks,
                                       failure_threshold(service.breaker, service.desired_count)});
        }
        one.steady = service.deployments.size() == 1 &&
                     service.deployments[0].rollout == RolloutState::Completed &&
                     counts.running == service.desired_count;
        std::vector<const Task*> failed;
        for (const auto& [id, task] : state_.tasks) {
            if (task.service != service.name || task.cluster != service.cluster) continue;
            one.tasks.push_back(status_of(task, find_definition(state_, task.task_definition)));
            if (failed_by_itself(task)) failed.push_back(&task);
        }
        std::ranges::sort(failed, std::greater(), &Task::created_at);
        one.failures = Node::array();
        for (const Task* task : failed)
            if (one.failures.size() < kFailuresShown) one.failures.push_back(failure_of(*task));
        std::sort(one.tasks.begin(), one.tasks.end(), [](const auto& a, const auto& b) {
            bool a_stopped = a.status == "STOPPED", b_stopped = b.status == "STOPPED";
            return a_stopped != b_stopped ? b_stopped : a.created_at > b.created_at;
        });
        for (size_t i = 0; i < std::min<size_t>(service.events.size(), 10); ++i)
            one.events.push_back(service.events[i].message);
        result.push_back(std::move(one));
    }
    return result;
}

std::vector<LogPlace> ControlPlane::log_places(std::string_view name) {
    constexpr size_t kLeastOfId = 6;
    std::lock_guard lock(mutex_);
    std::vector<LogPlace> places;
    auto add = [&](const std::string& reference, const std::string& task) {
        const TaskDefinition* definition = find_definition(state_, reference);
        if (!definition) return;
        for (const ContainerDefinition& container : definition->containers) {
            LogPlace place = log_place(*definition, container);
            place.stream_prefix += task;
            if (std::ranges::find(places, place) == places.end())
                places.push_back(std::move(place));
        }
    };
    for (const auto& [key, service] : state_.services) {
        if (service.name != name) continue;
        // A deployment that failed is what one looks for.
        add(service.task_definition, "");
        for (const Deployment& deployment : service.deployments)
            add(deployment.task_definition, "");
        for (const Deployment& deployment : service.history)
            add(deployment.task_definition, "");
    }
    if (!places.empty()) return places;
    if (size_t slash = name.rfind('/'); name.starts_with("arn:") && slash != std::string_view::npos)
        name.remove_prefix(slash + 1);
    if (name.size() < kLeastOfId) return places;
    for (const auto& [id, task] : state_.tasks)
        if (id.starts_with(name)) add(task.task_definition, id);
    return places;
}

std::set<std::string> ControlPlane::running_digests() {
    std::lock_guard lock(mutex_);
    std::set<std::string> digests;
    for (const auto& [id, task] : state_.tasks)
        if (task.status != TaskStatus::Stopped)
            for (const Container& container : task.containers)
                if (!container.digest.empty()) digests.insert(container.digest);
    return digests;
}

// --- what runs
// -------------------------------------------------------------------------------------

namespace {

bool runs(const Container& container) {
    return container.status == ContainerStatus::Running;
}

std::string names_of(const Task& task) {
    std::vector<std::string> names;
    for (const Container& container : task.containers)
        if (runs(container)) names.push_back(container.name);
    return base::join(names, ", ");
}

}  // namespace

std::expected<ControlPlane::RunningPlace, std::string> ControlPlane::find_running(
    const std::string& target, const std::string& container) {
    std::lock_guard lock(mutex_);
    const std::string wanted = last_segment(target);
    std::set<std::string> services;
    const Task* found = nullptr;
    bool is_service = false;
    for (const auto& [key, service] : state_.services)
        if (service.status != Service::Status::Inactive) {
            services.insert(service.name);
            is_service = is_service || service.name == wanted;
        }
    if (target.empty() && services.size() != 1)
        return std::unexpected(
            services.empty() ? "there is no service; name a task"
                             : fmt::format("there are several services: {}; name one of them, "
                                           "or a task",
                                           fmt::join(services, ", ")));
    const std::string service = target.empty() ? *services.begin() : is_service ? wanted : "";
    for (const auto& [id, task] : state_.tasks) {
        const bool meant = service.empty() ? id.starts_with(wanted) : task.service == service;
        if (!meant || names_of(task).empty()) continue;
        if (service.empty() && found)
            return std::unexpected(
                fmt::format("several running tasks begin with {}; write more of the id", wanted));
        if (!found || task.created_at > found->created_at) found = &task;
    }
    if (!found) {
        if (!service.empty())
            return std::unexpected(fmt::format("service {} has no running task", service));
        const std::string near = base::closest(wanted, {services.begin(), services.end()});
        return std::unexpected(
            fmt::format("there is no service and no running task {}{}; `dodam status` lists them",
                        target, near.empty() ? "" : fmt::format(" (did you mean {}?)", near)));
    }
    if (container.empty()) {
        const auto count = std::ranges::count_if(found->containers, runs);
        if (count == 1)
            return RunningPlace{found->id, std::ranges::find_if(found->containers, runs)->name};
        return std::unexpected(
            fmt::format("the task runs {}; choose one with -c", names_of(*found)));
    }
    const Container* chosen = found->container(container);
    if (!chosen || !runs(*chosen))
        return std::unexpected(fmt::format("task {} runs no container {}; it runs {}", found->id,
                                           container, names_of(*found)));
    return RunningPlace{found->id, container};
}

}  // namespace ecs
