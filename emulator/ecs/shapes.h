// Shapes: nouns as the API prints them, and the ARNs that name them.
#pragma once
#include <string>
#include <string_view>

#include "base/ids.h"
#include "ecs/store.h"

namespace ecs {

class Namer {
  public:
    explicit Namer(const base::Ids& ids) : ids_(ids) {}
    const std::string& region() const { return ids_.region(); }
    std::string cluster(std::string_view name) const { return make("cluster/", name); }
    std::string task_definition(std::string_view family_and_revision) const {
        return make("task-definition/", family_and_revision);
    }
    std::string service(const Service& service) const {
        return make("service/", service.cluster + "/" + service.name);
    }
    std::string task(const Task& task) const { return make("task/", task.cluster + "/" + task.id); }
    std::string container(const Task& task, const Container& container) const {
        return make("container/", task.cluster + "/" + task.id + "/" + container.arn_id);
    }
    std::string service_deployment(const Service& service, const Deployment& deployment) const {
        return make("service-deployment/",
                    service.cluster + "/" + service.name + "/" + deployment.number());
    }
    std::string service_revision(const Service& service, const Deployment& deployment) const {
        return make("service-revision/",
                    service.cluster + "/" + service.name + "/" + deployment.revision);
    }
    std::string user(std::string_view fallback) const;

  private:
    std::string make(std::string_view kind, std::string_view rest) const;
    const base::Ids& ids_;
};

struct TaskCounts {
    int running = 0, pending = 0;
};
TaskCounts count_tasks(const State& state, const Service& service,
                       std::string_view deployment = {});

Node to_node(const Namer& arns, const State& state, const Cluster& cluster, const Node& include);
Node to_node(const Namer& arns, const TaskDefinition& definition);
enum class Tags : uint8_t { Leave, Include };
Node to_node(const Namer& arns, const State& state, const Service& service, Tags tags);
Node to_node(const Namer& arns, const State& state, const Task& task, Tags tags);
enum class Detail : uint8_t { Brief, Full };
// `deployment` is one that was asked for: its rollback is told with it.
Node service_deployment_node(const Namer& arns, const State& state, const Service& service,
                             const Deployment& deployment, Detail detail);
Node service_revision_node(const Namer& arns, const State& state, const Service& service,
                           const Deployment& deployment);

const TaskDefinition* find_definition(const State& state, std::string_view family_and_revision);

}  // namespace ecs
