// A container's statistics as a task reads them: Docker's object (Engine API, "Get container stats
// based on resource usage") and what AWS adds to it (ECS guide, "Task metadata endpoint version 4":
// network_rate_stats, in bytes per second).
#pragma once
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "containers/container_stats.h"

namespace ecs {

using base::Node;

// Which of a container's earlier samples a new one is compared with: precpu_stats, and the start of
// the rates. One that is kStatsApart older, else the container's start, when it had used nothing.
class StatsHistory {
  public:
    containers::ContainerStats before(const containers::ContainerStats& now);

  private:
    std::optional<containers::ContainerStats> last_, previous_;
};

struct StatsOf {
    std::string name, id;  // DockerName and DockerId
    base::Time read_at;
};
Node docker_stats(const StatsOf& of, const containers::ContainerStats& now,
                  const containers::ContainerStats& before);
Node network_rate_stats(const containers::ContainerStats& now,
                        const containers::ContainerStats& before);

}  // namespace ecs
