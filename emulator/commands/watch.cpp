// Watch: over inotify.
#include "commands/watch.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace commands {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kEvents =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR;
constexpr int kLook = 100;   // ms between looks at `stop`
constexpr int kQuiet = 100;  // ms: an editor writes several files at once
constexpr int kMaxDepth = 16;
constexpr size_t kMaxDirectories = 4096;

bool is_left_out(const std::string& name) {
    return name.starts_with('.') || name == "node_modules";
}

// What editors leave beside the file that is meant.
bool is_noise(std::string_view name) {
    return name.starts_with('.') || name.ends_with('~') || name.ends_with(".swp") ||
           name.ends_with(".tmp") || name == "4913";
}

}  // namespace

std::expected<std::unique_ptr<Watch>, std::string> Watch::open(
    const std::vector<std::string>& directories) {
    std::unique_ptr<Watch> watch(new Watch);
    watch->descriptor_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->descriptor_ < 0)
        return std::unexpected(fmt::format("files cannot be watched: {}", std::strerror(errno)));
    for (const std::string& directory : directories)
        watch->add(directory, 0);
    if (watch->directories_.empty()) return std::unexpected("there is no directory to watch");
    return watch;
}

Watch::~Watch() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void Watch::add(const std::string& directory, int depth) {
    if (depth > kMaxDepth || directories_.size() >= kMaxDirectories) return;
    const int id = ::inotify_add_watch(descriptor_, directory.c_str(), kEvents);
    if (id < 0) return;
    directories_[id] = directory;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(directory, ignored))
        if (entry.is_directory(ignored) && !entry.is_symlink(ignored) &&
            !is_left_out(entry.path().filename().string()))
            add(entry.path().string(), depth + 1);
}

void Watch::read(std::set<std::string>& changed) {
    alignas(inotify_event) char buffer[16384];
    ssize_t size;
    while ((size = ::read(descriptor_, buffer, sizeof buffer)) > 0) {
        for (ssize_t at = 0; at < size;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
            at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
            const auto found = directories_.find(event->wd);
            if (event->len == 0 || found == directories_.end()) continue;
            const std::string name = event->name, path = found->second + "/" + name;
            if (event->mask & IN_ISDIR) {
                if ((event->mask & (IN_CREATE | IN_MOVED_TO)) && !is_left_out(name)) add(path, 1);
            } else if (!(event->mask & IN_CREATE) && !is_noise(name)) {
                changed.insert(fs::path(path).lexically_normal().string());
            }
        }
    }
}

std::set<std::string> Watch::wait(const std::atomic<bool>& stop) {
    std::set<std::string> changed;
    while (!stop) {
        pollfd ready{descriptor_, POLLIN, 0};
        const int count = ::poll(&ready, 1, changed.empty() ? kLook : kQuiet);
        if (count > 0) {
            read(changed);
            continue;
        }
        if (!changed.empty()) return changed;
    }
    return {};
}

}  // namespace commands
