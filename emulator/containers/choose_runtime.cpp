// The choice of a runtime.
#include "containers/choose_runtime.h"

#include <chrono>

#include "base/log.h"
#include "base/result.h"
#include "containers/docker_engine.h"

namespace containers {
namespace {

// A start must not wait for an engine that hangs: what does not answer by then is not there.
constexpr std::chrono::milliseconds kProbe{300};

}  // namespace

std::expected<ChosenRuntime, std::string> choose_runtime(std::string_view wanted,
                                                         base::Spawner& spawner,
                                                         const DockerRuntimeOptions& docker,
                                                         const ProcessRuntimeOptions& process) {
    if (wanted == "docker") return ChosenRuntime{TRY(make_docker_runtime(docker)), "as asked for"};
    std::string reason = "as asked for";
    if (wanted == "auto") {
        auto engine = DockerEngine::ask(docker.socket_path, kProbe);
        if (engine) {
            auto made = make_docker_runtime(docker);
            if (made)
                return ChosenRuntime{
                    std::move(*made),
                    "a Docker engine answers at " + DockerEngine(docker.socket_path).socket_path()};
            reason = "the Docker engine cannot run tasks: " + made.error();
            base::log_warning("containers", reason);
        } else {
            reason = engine.error();
        }
    }
    remove_docker_leftovers(docker);
    return ChosenRuntime{TRY(make_process_runtime(spawner, process)), reason};
}

}  // namespace containers
