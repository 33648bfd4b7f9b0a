// DockerRuntime: the same contract by a Docker engine. A task is a pause container on `--network
// none`, our holder's file alone in an image, which makes the task's sockets and passes them out
// over a socket in a shared directory; the app's containers join its network. Nothing is published.
// Needs an engine on this kernel (decision 19). GAP: a remote engine, or one in a virtual machine,
// cannot pass sockets.
#pragma once
#include <memory>
#include <string>

#include "containers/runtime.h"

namespace containers {

struct DockerRuntimeOptions {
    std::string
        instance;  // label on everything that is made; leftovers with it are removed at start
    std::string run_directory;  // short path for the holders' sockets and mounted files, e.g.
                                // /run/dodam/1a2b3c4d
    std::string socket_path;    // the engine's; "" = DOCKER_HOST, else /var/run/docker.sock
    std::string holder;         // path of dodam-holder; "" = find_holder()
    std::string
        mark;  // a file that exists while the engine may hold something of the instance; "" = none
};

// An error is one sentence.
std::expected<std::unique_ptr<Runtime>, std::string> make_docker_runtime(
    const DockerRuntimeOptions& options);

// What a killed predecessor left in the engine, for a start that does not use it. Nothing happens
// without the mark.
void remove_docker_leftovers(const DockerRuntimeOptions& options);

// The engine's version when one answers on that socket, else "".
std::string docker_engine_version(const std::string& socket_path = "");

}  // namespace containers
