// Images that a workflow or a deploy's script built in an engine for a stack: a label says which
// one. They go when the stack ends, or, when it was killed, with the next build of any other. What
// somebody builds without dodam has no such label, and a name that is not of a stack's registry may
// be somebody's own image upon ours: both stay, and so does the engine's build cache.
#pragma once
#include <functional>
#include <string>

#include "containers/docker_engine.h"

namespace containers {

struct BuiltFor {
    std::string instance;  // its id
    std::string host;      // whose file system its state directory is on: an engine has many users
    std::string state;     // absolute
};

// What `docker build --label` takes to mark its image. One label: each is a step of the classic
// builder, and all but the last would stay in its cache.
std::string label_of(const BuiltFor& stack);

// Those that `goes` says so of. What a container still uses stays.
void remove_built_images(DockerEngine& engine, const std::function<bool(const BuiltFor&)>& goes);
// Every name of a throwaway stack's registry (HOST:PORT), whoever gave it.
void remove_names_of(DockerEngine& engine, const std::string& registry);

}  // namespace containers
