// Where dodam itself runs in a container of the engine it uses (docker-compose.yml): which one it
// is, and how the engine sees its directories, because what a task's container mounts is named by
// the engine's paths.
#pragma once
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "containers/docker_engine.h"

namespace containers {

struct OwnContainer {
    std::string id, project;                                  // project: Compose's, "" = none
    std::vector<std::pair<std::string, std::string>> mounts;  // path here → path for the engine

    // "" when the path is in no mount: the engine cannot see it.
    std::string seen_by_engine(std::string_view path) const;
};

// Nothing when we are in no container. An error is one sentence.
std::expected<std::optional<OwnContainer>, std::string> find_own_container(DockerEngine& engine);

// The id in /proc/self/mountinfo: the engine mounts /etc/hostname and others from a directory named
// by it.
std::string container_id_in(std::string_view mountinfo);

}  // namespace containers
