#include "commands/engine_bases.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "oci/reference.h"
#include "scenarios/checks/unreached_base.h"
#include "state/instance.h"

namespace commands {
namespace {

// TCP tries after 0, 1 and 3 s. A gate names a missing base image within ten seconds, of which a
// stack on an engine takes up to five to start and to end.
constexpr auto kRegistryPatience = std::chrono::seconds(4);

bool is_there(containers::DockerEngine& engine, const std::string& image) {
    const auto answer = engine.call("GET", "/images/" + image + "/json");
    return !answer || answer->status != 404;
}

// Asked by the engine (Engine API, "Get image information from the registry"): its mirrors, proxies
// and name servers count. A registry that refuses has answered.
bool registry_answers(containers::DockerEngine& engine, const std::string& image) {
    const auto answer =
        engine.call("GET", "/distribution/" + image + "/json", {}, kRegistryPatience);
    return answer && (answer->status < 500 || !checks::tells_of_no_answer(answer->message()));
}

}  // namespace

std::optional<scenarios::BuildError> unreached_base_image(
    containers::DockerEngine& engine, const std::string& dockerfile,
    const scenarios::BaseImageOptions& options) {
    const auto text = state::read_file(dockerfile);
    if (!text) return {};
    for (const auto& [image, line] : scenarios::base_images(*text, options)) {
        if (!oci::Reference::parse(image) || is_there(engine, image) ||
            registry_answers(engine, image))
            continue;
        return scenarios::BuildError{std::filesystem::path(dockerfile).filename().string(), line,
                                     checks::cause_of_unreached_base(image) + "; " +
                                         checks::way_out_of_unreached_base(image)};
    }
    return {};
}

}  // namespace commands
