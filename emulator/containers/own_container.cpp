#include "containers/own_container.h"

#include <fstream>
#include <iterator>

#include "base/result.h"

namespace containers {
namespace {

constexpr size_t kIdLength = 64;

}  // namespace

std::string container_id_in(std::string_view mountinfo) {
    constexpr std::string_view kDirectory = "/containers/", kDigits = "0123456789abcdef";
    for (size_t at = 0; (at = mountinfo.find(kDirectory, at)) != std::string_view::npos;) {
        at += kDirectory.size();
        const std::string_view id = mountinfo.substr(at, kIdLength);
        if (id.size() == kIdLength && id.find_first_not_of(kDigits) == std::string_view::npos &&
            mountinfo.substr(at + kIdLength, 1) == "/")
            return std::string(id);
    }
    return {};
}

std::string OwnContainer::seen_by_engine(std::string_view path) const {
    const std::pair<std::string, std::string>* best = nullptr;
    for (const auto& mount : mounts) {
        const bool holds = path.starts_with(mount.first) &&
                           (path.size() == mount.first.size() || path[mount.first.size()] == '/');
        if (holds && (!best || mount.first.size() > best->first.size())) best = &mount;
    }
    return best ? best->second + std::string(path.substr(best->first.size())) : std::string();
}

std::expected<std::optional<OwnContainer>, std::string> find_own_container(DockerEngine& engine) {
    std::ifstream file("/proc/self/mountinfo");
    OwnContainer own;
    own.id = container_id_in(std::string(std::istreambuf_iterator<char>(file), {}));
    if (own.id.empty()) return std::nullopt;
    auto answer = TRY(engine.call("GET", "/containers/" + own.id + "/json"));
    if (!answer.ok()) return std::nullopt;  // another engine's: this one runs beside us, or within
    const base::Node facts = answer.json();
    own.project = facts["Config"]["Labels"]["com.docker.compose.project"].as_string();
    for (const base::Node& mount : facts["Mounts"].items())
        own.mounts.emplace_back(mount["Destination"].as_string(), mount["Source"].as_string());
    return own;
}

}  // namespace containers
