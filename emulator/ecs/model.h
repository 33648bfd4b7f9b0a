// Nouns of ECS as the API reference spells them. Wire spellings are in shapes and api/.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/request_records.h"
#include "ecs/deployment.h"

namespace ecs {

using base::Node;
using base::Time;

struct Cluster {
    std::string name;
    bool active = true;
    Time created_at;
    Node settings, configuration, capacity_providers, default_strategy,
        service_connect;  // as given
    Node tags;
};

// A task definition's container, as far as running it needs types; the document keeps the rest.
struct PortMapping {
    int container_port = 0;
    std::string protocol = "tcp";
};
struct Dependency {
    enum class Condition : uint8_t { Start, Complete, Success, Healthy };
    std::string container;
    Condition condition = Condition::Start;
};
struct HealthCheck {
    std::vector<std::string> command;
    base::seconds interval{30}, timeout{5}, start_period{0};
    int retries = 3;
};
// Of one that is enabled.
struct RestartPolicy {
    std::vector<int> ignored_exit_codes;
    base::seconds attempt_period{300};
};
struct ContainerSecret {
    std::string name, value_from;
};
struct ContainerDefinition {
    std::string name, image;
    bool essential = true;
    std::optional<std::vector<std::string>> entry_point, command;
    std::string working_directory, user;
    std::vector<std::pair<std::string, std::string>> environment;
    std::vector<std::string> environment_files;  // arn:aws:s3:::bucket/key.env
    std::vector<ContainerSecret> secrets;
    std::vector<PortMapping> ports;
    std::vector<Dependency> depends_on;
    std::optional<HealthCheck> health_check;
    std::optional<RestartPolicy> restart_policy;
    base::seconds start_timeout{180}, stop_timeout{30};
    int cpu = 0;
    int memory_mib = 0;                                    // hard limit, 0 = the task's
    uint64_t open_files = 65535, most_open_files = 65535;  // nofile: soft, hard
    bool read_only_root = false;
    bool keeps_digest = true;  // versionConsistency: a deployment's tasks run one digest of a tag
    bool init_process = false;
    std::vector<std::string> add_capabilities, drop_capabilities;
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> log_options;  // awslogs-group …; empty = no awslogs driver
    std::string log_driver;
    struct Mount {
        std::string volume, path;
        bool read_only = false;
    };
    std::vector<Mount> mounts;
};

struct TaskDefinition {
    enum class Status : uint8_t { Active, Inactive, DeleteInProgress };

    std::string family;
    int revision = 0;
    Status status = Status::Active;
    Time registered_at;
    std::optional<Time> deregistered_at;
    std::string registered_by;
    Node document;  // normalised, as Describe prints it
    Node tags;

    std::string cpu, memory, network_mode, execution_role, task_role;
    std::vector<ContainerDefinition> containers;

    std::string name() const { return family + ":" + std::to_string(revision); }
    const ContainerDefinition* container(std::string_view name) const;
};

struct ServiceLoadBalancer {
    std::string target_group;  // ARN
    std::string container;
    int port = 0;
    bool operator==(const ServiceLoadBalancer&) const = default;
};

enum class DeploymentStatus : uint8_t { Primary, Active, Draining, Inactive };
enum class RolloutState : uint8_t { InProgress, Completed, Failed };

struct Deployment {
    std::string id;        // ecs-svc/<19 digits>
    std::string revision;  // of the service: digits; a rollback deploys a former one
    DeploymentStatus status = DeploymentStatus::Primary;
    std::string task_definition;  // family:revision
    int desired_count = 0;
    int failed_tasks = 0;
    Time created_at, updated_at;
    std::optional<Time> finished_at;
    RolloutState rollout = RolloutState::InProgress;
    std::string rollout_reason;
    std::string rolled_back_from;  // id of the failed deployment this one replaces
    std::string rolled_back_to;    // id of the deployment that replaced this failed one
    std::string replaced;          // id of the PRIMARY before this one, "" if none
    Node network_configuration;
    std::vector<ServiceLoadBalancer> load_balancers;
    // The first task's tags resolved to digests, by container; later tasks of the deployment use
    // them.
    std::map<std::string, std::string> digests;
    int failures_in_a_row = 0;  // back-off, beside failed_tasks which a healthy task resets
    bool ever_running = false;
    Time next_start_at;
    Time last_start_at;

    // For reports; not kept over a restart. What each of the service's tasks had answered when the
    // deployment began and when it ended, and what the edge had answered without any.
    std::map<std::string, base::RequestCounts> requests_before, requests_after;
    uint64_t edge_hits_before = 0, edge_hits_after = 0;
    int failed_in_all = 0;  // beside failed_tasks, which a healthy task resets
    int threshold = 0;      // of failed tasks; 0 = no circuit breaker

    std::string number() const { return id.substr(id.find('/') + 1); }
};

struct ServiceEvent {
    std::string id;
    Time at;
    std::string message;
};

struct Service {
    enum class Status : uint8_t { Active, Draining, Inactive };

    std::string cluster, name;
    Status status = Status::Active;
    int desired_count = 0;
    std::string task_definition;  // family:revision, of the PRIMARY
    std::vector<ServiceLoadBalancer> load_balancers;
    Node network_configuration, service_registries, capacity_provider_strategy, tags, volumes;
    Node service_connect;  // kept; nothing resolves its names
    int minimum_percent = 100, maximum_percent = 200;
    CircuitBreaker breaker;
    Node alarms;  // of the deployment configuration, kept; GAP: not acted on
    bool breaker_threshold_given = false;
    base::seconds grace{0};
    // As ecs/capacity chose: FARGATE beside a strategy, too.
    std::string launch_type = "FARGATE", platform_version = "LATEST",
                scheduling_strategy = "REPLICA";
    std::string propagate_tags = "NONE", zone_rebalancing = "ENABLED";
    bool execute_command = false, managed_tags = false;
    Time created_at;
    std::string created_by;
    std::vector<Deployment> deployments;  // newest first; PRIMARY is the front
    std::vector<Deployment> history;      // ended ones, oldest first, at most kMaxDeploymentHistory
    std::deque<ServiceEvent> events;      // newest first, at most kMaxEvents
    std::string last_completed;           // deployment id that is the way back
    bool steady = false;                  // the steady-state event was said for this state
    Time steady_since;

    Deployment* primary() { return deployments.empty() ? nullptr : &deployments.front(); }
    const Deployment* primary() const {
        return deployments.empty() ? nullptr : &deployments.front();
    }
    Deployment* deployment(std::string_view id);
};

enum class TaskStatus : uint8_t {
    Provisioning,
    Pending,
    Activating,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped
};
enum class ContainerStatus : uint8_t { Pending, Running, Stopped };
enum class HealthStatus : uint8_t { Unknown, Healthy, Unhealthy };

struct HealthProbe {
    Time at;
    int exit_code = 0;
    std::string output;
};

struct Container {
    std::string name, image, digest, runtime_id, arn_id;
    ContainerStatus status = ContainerStatus::Pending;
    HealthStatus health = HealthStatus::Unknown;
    std::optional<int> exit_code;
    std::string reason;
    std::optional<Time> started_at, finished_at;
    bool created = false;      // known to the runtime
    bool signalled = false;    // told to stop
    bool restart_due = false;  // it has exited, and starts again in the next round
    int restarts = 0;
    // Container health checks: what the verdict is built from.
    int failed_probes = 0;
    bool ever_healthy = false;
    std::optional<Time> next_probe_at;
    bool probing = false;
    std::vector<HealthProbe> probes;       // the last few
    std::vector<std::string> last_output;  // the last lines, oldest first
};

struct TaskTarget {
    std::string target_group;
    std::string container;
    int port = 0;
    bool registered = false;
    std::string health = "unused";  // the balancer's word
    std::string reason;             // why it is unhealthy
    std::string detail;             // the same in plain words; stays when the task has left
    std::shared_ptr<const base::TargetRecord> requests;  // from its registration to STOPPED
    std::vector<base::ProbeRecord> probes;               // the last ones, oldest first
    uint64_t probes_made = 0;                            // when they were last read
};

struct Task {
    std::string id, cluster, task_definition;  // family:revision
    std::string service, deployment;           // "" for standalone tasks
    std::string group, started_by, platform_version = "1.4.0", launch_type = "FARGATE", zone,
                                   subnet;
    std::string provider;  // of a capacity provider strategy, "" = a launch type's
    TaskStatus status = TaskStatus::Provisioning;
    bool stop_wanted = false;  // desiredStatus STOPPED
    std::string stop_code, stopped_reason;
    Time created_at;
    std::optional<Time> connectivity_at, pull_started_at, pull_stopped_at, started_at, stopping_at,
        execution_stopped_at, stopped_at;
    int version = 1;
    std::string address, mac, interface_id, attachment_id;
    std::vector<Container> containers;
    std::vector<TaskTarget> targets;
    Node overrides, tags;
    bool execute_command = false;
    std::string credentials_id;  // last part of the credentials address, "" without a task role
    std::string metadata_id;

    // What the scheduler remembers.
    bool preparing = false, prepared = false, removing = false;  // blocking work under way or done
    bool was_healthy = false, outcome_counted = false;
    bool failed_health_check = false, stopped_by_scheduler_or_user = false;
    // For reports: when the deployment counted it as healthy, when its connections were drained.
    std::optional<Time> healthy_at, drained_at;
    base::RequestCounts requests;  // as last read; final once it is STOPPED
    bool unhealthy_told = false;

    bool is_leaving() const { return stop_wanted || status >= TaskStatus::Deactivating; }
    Container* container(std::string_view name);
    const Container* container(std::string_view name) const;
};

std::string_view name_of(TaskStatus status);
std::string_view name_of(ContainerStatus status);
std::string_view name_of(HealthStatus status);
std::string_view name_of(DeploymentStatus status);
std::string_view name_of(RolloutState state);
std::string_view name_of(Service::Status status);
std::string_view name_of(TaskDefinition::Status status);

// What its targets have answered up to now, those included that it has left.
base::RequestCounts requests_now(const Task& task);

// UNHEALTHY if any essential container with a check is; HEALTHY if all are; UNKNOWN otherwise.
HealthStatus health_of(const Task& task, const TaskDefinition& definition);

}  // namespace ecs
