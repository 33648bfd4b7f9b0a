// What a task reads about itself: metadata (v4, v3) and the task role's credentials, at
// 169.254.170.2. ECS guide, "Amazon ECS task metadata endpoint version 4 for tasks on Fargate".
#pragma once
#include <memory>
#include <string>

#include "ecs/control_plane.h"
#include "http/server.h"

namespace ecs {

class TaskMetadata final : public http::Handler {
  public:
    TaskMetadata(ControlPlane& ecs, std::string task) : ecs_(ecs), task_(std::move(task)) {}
    void handle(http::Exchange& exchange) override;

  private:
    std::optional<std::string> answer(std::string_view path);
    ControlPlane& ecs_;
    std::string task_;
};

Node container_metadata(const Namer& arns, const Task& task, const TaskDefinition& definition,
                        const Container& container);
Node task_metadata(const Namer& arns, const Task& task, const TaskDefinition& definition);

}  // namespace ecs
