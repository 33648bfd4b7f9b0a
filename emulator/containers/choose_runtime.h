// Which runtime carries tasks: the one that was asked for, or ("auto") a Docker engine when one
// answers at once, else our own sandbox. The reason is for `status`.
#pragma once
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "containers/docker_runtime.h"
#include "containers/process_runtime.h"

namespace containers {

struct ChosenRuntime {
    std::unique_ptr<Runtime> runtime;
    std::string reason;  // "a Docker engine answers at /var/run/docker.sock"
};

// `wanted`: auto, docker or process. An error is one sentence.
std::expected<ChosenRuntime, std::string> choose_runtime(std::string_view wanted,
                                                         base::Spawner& spawner,
                                                         const DockerRuntimeOptions& docker,
                                                         const ProcessRuntimeOptions& process);

}  // namespace containers
