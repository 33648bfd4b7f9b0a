// ECS: what operations and the reconciler act on: the state under one lock, and the steps that both
// take (launching a task, beginning a deployment, saying an event).
#pragma once
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "aws/operation.h"
#include "aws/service.h"
#include "base/clock.h"
#include "base/ids.h"
#include "ecs/live_task.h"
#include "ecs/ports.h"
#include "ecs/shapes.h"
#include "ecs/store.h"

namespace ecs {

// For status, console and reports: what a service is, in one value.
struct ServiceStatus {
    std::string cluster, name, status, task_definition;
    int desired = 0, running = 0, pending = 0;
    bool steady = false;  // one deployment, completed, as many running as wanted
    struct Rollout {
        std::string id, status, state, reason, task_definition;
        int desired = 0, running = 0, pending = 0, failed_tasks = 0, threshold = 0;
    };
    std::vector<Rollout> deployments;
    struct RunningContainer {
        std::string name, image, digest, status, health;
    };
    struct RunningTask {
        std::string id, task_definition, deployment, status, address, health, target_health;
        base::Time created_at;
        std::vector<RunningContainer> containers;
    };
    std::vector<RunningTask> tasks;   // newest first, the recently stopped ones last
    std::vector<std::string> events;  // newest first, at most ten
    Node failures;                    // tasks that failed by themselves (see deploy_report.h)
};

// Where a new task comes from and goes to.
struct Launch {
    std::string cluster, task_definition, service, deployment, group, started_by, platform_version;
    std::vector<ServiceLoadBalancer> targets;
    Node network_configuration, overrides, tags;
    bool execute_command = false;
    Node strategy = {};  // of capacity providers; null = the launch type FARGATE
};

// ECS guide, "Tagging Amazon ECS resources": what enableECSManagedTags adds to a task's tags.
// `service` is empty for a task of its own.
void add_managed_tags(Node& tags, const std::string& cluster, const std::string& service);

class ControlPlane final : public aws::Service {
  public:
    using Service = ecs::Service;  // not the base's own name

    // Tasks of a former run are over: they are marked stopped, and services get new ones.
    ControlPlane(state::Database& database, base::Clock& clock, const base::Ids& ids, Ports ports);

    const aws::ServiceInfo& info() const override;
    std::optional<aws::Reply> serve(aws::Call& call) override;
    std::vector<ServiceStatus> status();
    // Where the output of a service's tasks goes, or of one task (by its id, the first characters
    // of it, or its ARN), as log groups and the beginnings of stream names. Empty: neither is
    // known.
    std::vector<LogPlace> log_places(std::string_view service_or_task);
    // The digests of the images that tasks run, or are about to.
    std::set<std::string> running_digests();
    // A container that runs, for `dodam exec`. `target`: a service's name or a task (id, the
    // beginning of one, ARN); "" = the only service. Of a service the newest running task.
    // `container` "" = the task's only one. An error is one sentence.
    struct RunningPlace {
        std::string task, container;
    };
    std::expected<RunningPlace, std::string> find_running(const std::string& target,
                                                          const std::string& container);
    // What is known of a deployment (see deploy_report.h); "" = the last one that was asked for.
    // Null where the service or the deployment is not known.
    Node deploy_record(const std::string& cluster, const std::string& service,
                       const std::string& deployment);
    // After the rows were replaced (a world's reset): reads everything again.
    void reload();

    // --- with the lock held (operations are run so; the reconciler takes it) ---
    std::mutex& mutex() { return mutex_; }
    State& state() { return state_; }
    Ports& ports() { return ports_; }
    base::Clock& clock() { return clock_; }
    const Namer& arns() const { return arns_; }

    Cluster& cluster_of(const aws::Call& call);  // member "cluster", else "default"; throws
    std::string cluster_name(const std::string& name_or_arn) const;
    Service* find_service(const std::string& cluster, const std::string& name_or_arn);
    Service& service_of(const std::string& cluster,
                        const std::string& name_or_arn);  // throws ServiceNotFound
    Task* find_task(const std::string& cluster, const std::string& id_or_arn);
    // Family (latest ACTIVE), family:revision or ARN; nullptr if unknown.
    TaskDefinition* find_task_definition(const std::string& reference);
    TaskDefinition& active_task_definition(const std::string& reference, const char* inactive_code);

    TaskDefinition& register_definition(const Node& input, const std::string& by, const Node& tags);
    Deployment& begin_deployment(Service& service, const std::string& rolled_back_from = {});
    // To what completed last, with the very images that ran then; nothing if there is no such.
    Deployment* roll_back(Service& service);
    void end_deployment(Service& service, const std::string& id);  // to the history
    // What every task, and the edge, have answered at this moment: the deployment has ended.
    void close_books(const Service& service, Deployment& deployment);
    Task& launch(const Launch& launch);
    // desiredStatus STOPPED; the first reason stays.
    void want_stop(Task& task, std::string code, std::string reason);
    void say(Service& service, std::string message);

    void changed(const Cluster& cluster) { store_.save(cluster); }
    void changed(const TaskDefinition& definition) { store_.save(definition); }
    void changed(const Service& service) {
        changed_services_.insert({service.cluster, service.name});
    }
    void changed(Task& task) { changed_tasks_.insert(task.id); }
    void forget_task(const std::string& id);
    void put_setting(const std::string& name, const std::string& value);
    void remove_definition(const TaskDefinition& definition);
    void flush();  // writes what changed, in one transaction

  private:
    using Books = std::map<std::string, base::RequestCounts>;
    Books books_of(const Service& service) const;
    void end_leftovers();
    std::string free_address(const std::string& zone);
    std::string provider_for(const Launch& launch) const;

    base::Clock& clock_;
    const base::Ids& ids_;
    Namer arns_;
    Ports ports_;
    Store store_;
    std::mutex mutex_;
    State state_;
    std::set<ServiceKey> changed_services_;
    std::set<std::string> changed_tasks_;
    uint32_t next_host_ = 0;
};

using Operation = aws::Operation<ControlPlane>;
extern const std::span<const Operation> cluster_operations;
extern const std::span<const Operation> task_definition_operations;
extern const std::span<const Operation> service_operations;
extern const std::span<const Operation> deployment_operations;
extern const std::span<const Operation> task_operations;
extern const std::span<const Operation> account_operations;

// Input readers that every operation uses.
[[noreturn]] void invalid(std::string message);  // InvalidParameterException
[[noreturn]] void refused(std::string message);  // ClientException
const std::string& required(const aws::Call& call, std::string_view member);
bool includes(const aws::Call& call, std::string_view what);
// `items` from the token on, at most maxResults (100), and the next token.
aws::Reply page_of(const aws::Call& call, const char* member, const std::vector<std::string>& items,
                   size_t fallback = 100);
Node failure(const std::string& arn, const char* reason = "MISSING");

}  // namespace ecs
