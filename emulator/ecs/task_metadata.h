// What a task reads about itself: metadata and statistics (v4, v3), and the task role's
// credentials, at 169.254.170.2. ECS guide, "Amazon ECS task metadata endpoint version 4 for tasks
// on Fargate".
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "containers/runtime.h"
#include "ecs/control_plane.h"
#include "ecs/task_stats.h"
#include "http/server.h"

namespace ecs {

class TaskMetadata final : public http::Handler {
  public:
    TaskMetadata(ControlPlane& ecs, containers::Runtime& runtime, std::string task)
        : ecs_(ecs), runtime_(runtime), task_(std::move(task)) {}
    void handle(http::Exchange& exchange) override;
    // The body for a path, nothing where there is none.
    std::optional<std::string> answer(std::string_view path);

  private:
    enum class Version { V3, V4 };
    Node container_stats(const Task& task, const TaskDefinition& definition,
                         const Container& container, Version version);
    Node task_stats(const Task& task, const TaskDefinition& definition, Version version);

    ControlPlane& ecs_;
    containers::Runtime& runtime_;
    std::string task_;
    std::mutex mutex_;
    std::map<std::string, StatsHistory> histories_;  // by container
};

Node container_metadata(const Namer& arns, const Task& task, const TaskDefinition& definition,
                        const Container& container);
Node task_metadata(const Namer& arns, const Task& task, const TaskDefinition& definition);

}  // namespace ecs
