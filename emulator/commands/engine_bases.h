// What a build in a Docker engine begins with: looked up before the build, because docker itself
// waits half a minute for a registry that does not answer, and then does not say for which image.
#pragma once
#include <optional>

#include "containers/docker_engine.h"
#include "scenarios/workflow/image_builder_dockerfile.h"

namespace commands {

// The first base image that the engine neither has nor can soon ask its registry for; the error
// names it, its line and the way out. Nothing when the build may begin, also where no Dockerfile
// can be read: docker has its own words for that.
std::optional<scenarios::BuildError> unreached_base_image(
    containers::DockerEngine& engine, const std::string& dockerfile,
    const scenarios::BaseImageOptions& options);

}  // namespace commands
