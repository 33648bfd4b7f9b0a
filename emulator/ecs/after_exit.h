// What follows when a container has exited: pure. API reference, "ContainerRestartPolicy"; ECS
// guide, "Restart individual containers in Amazon ECS tasks with container restart policies".
#pragma once
#include <optional>
#include <string>

#include "base/clock.h"
#include "ecs/model.h"

namespace ecs {

struct ContainerExit {
    std::optional<int> code;
    base::microseconds ran{0};             // since its last start
    base::microseconds attempt_period{0};  // the policy's, as long as it is at the clock's speed
    bool task_is_leaving = false;
};

struct AfterExit {
    enum class What : uint8_t { Restart, Leave, StopTask };
    What what = What::Leave;
    std::string why;  // of a container with a policy: a clause; "" when nobody asks
};

AfterExit after_exit(const ContainerDefinition& defined, const ContainerExit& exit);

}  // namespace ecs
