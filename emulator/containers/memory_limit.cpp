#include "containers/memory_limit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace containers {
namespace {

namespace fs = std::filesystem;

bool write_value(const std::string& path, const std::string& value) {
    int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    bool done = file >= 0 &&
                ::write(file, value.data(), value.size()) == static_cast<ssize_t>(value.size());
    if (file >= 0) ::close(file);
    return done;
}

bool make_directory(const std::string& path) {
    return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

// cgroup directories hold files that cannot be removed: only rmdir, deepest first.
void remove_cgroups(const std::string& path) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path, ignored))
        if (entry.is_directory(ignored)) remove_cgroups(entry.path());
    ::rmdir(path.c_str());
}

// The kernel killed something of this cgroup.
bool counted_kill(const std::string& path) {
    return std::ranges::any_of(read_counters(path), [](const auto& counter) {
        return counter.first == "oom_kill" && counter.second > 0;
    });
}

std::string own_name(const std::string& instance) {
    return "dodam-" + instance;
}

std::string below(const std::string& base, const std::string& task,
                  const std::string& container = "") {
    return base + "/" + task + (container.empty() ? "" : "/" + container);
}

}  // namespace

MemoryLimits::MemoryLimits(const std::string& instance) {
    constexpr const char* kRoot = "/sys/fs/cgroup";
    bool unified = ::access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0;
    std::string at = std::string(kRoot) + (unified ? "/" : "/memory/") + own_name(instance);
    remove_cgroups(at);
    if (unified) {
        write_value(std::string(kRoot) + "/cgroup.subtree_control", "+memory");
        write_value(std::string(kRoot) + "/cgroup.subtree_control", "+cpu");
        bool usable = make_directory(at) && write_value(at + "/cgroup.subtree_control", "+memory");
        write_value(at + "/cgroup.subtree_control", "+cpu");
        if (usable) kind_ = LimitKind::CgroupV2;
    } else if (::access("/sys/fs/cgroup/memory/memory.limit_in_bytes", R_OK) == 0 &&
               make_directory(at)) {
        write_value(at + "/memory.use_hierarchy", "1");
        kind_ = LimitKind::CgroupV1;
        auto other = [&](const std::string& controller, const char* file) -> std::string {
            const std::string root = std::string(kRoot) + "/" + controller;
            const std::string own = root + "/" + own_name(instance);
            remove_cgroups(own);
            return ::access((root + file).c_str(), R_OK) == 0 && make_directory(own) ? own : "";
        };
        cpu_base_ = other("cpu", "/cpu.shares");
        account_base_ = other("cpuacct", "/cpuacct.usage");
    }
    if (kind_ != LimitKind::Sampled) base_ = at;
    for (const std::string& base : {base_, cpu_base_, account_base_})
        if (!base.empty()) bases_.push_back(base);
}

MemoryLimits::~MemoryLimits() {
    for (const std::string& base : bases_)
        remove_cgroups(base);
}

std::string MemoryLimits::facility() const {
    switch (kind_) {
        case LimitKind::CgroupV1: return "cgroup v1";
        case LimitKind::CgroupV2: return "cgroup v2";
        case LimitKind::Sampled: break;
    }
    return "sampled every 100 ms";
}

std::vector<int> MemoryLimits::make(const std::string& task, uint64_t task_bytes,
                                    const std::string& container, uint64_t bytes,
                                    uint64_t cpu_shares) {
    if (kind_ == LimitKind::Sampled || (!task_bytes && !bytes && !cpu_shares)) return {};
    bool unified = kind_ == LimitKind::CgroupV2;
    const char* limit = unified ? "/memory.max" : "/memory.limit_in_bytes";
    const char* swap = unified ? "/memory.swap.max" : "/memory.memsw.limit_in_bytes";
    auto set = [&](const std::string& at, uint64_t value) {
        if (!value) return;
        write_value(at + limit, std::to_string(value));
        write_value(at + swap, unified ? "0" : std::to_string(value));
    };
    const std::string task_at = below(base_, task), at = below(base_, task, container);
    for (const std::string& base : bases_)
        make_directory(below(base, task));
    if (unified)
        write_value(task_at + "/cgroup.subtree_control", "+memory +cpu");
    else
        write_value(task_at + "/memory.use_hierarchy", "1");
    for (const std::string& base : bases_) {
        // Of the container's former life: what it counted goes.
        ::rmdir(below(base, task, container).c_str());
        make_directory(below(base, task, container));
    }
    set(task_at, task_bytes);
    set(at, bytes);
    if (cpu_shares && unified) {
        // The kernel's documented conversion of 2…262144 shares to a weight of 1…10000.
        write_value(at + "/cpu.weight",
                    std::to_string(1 + ((std::max<uint64_t>(cpu_shares, 2) - 2) * 9999) / 262142));
    } else if (cpu_shares && !cpu_base_.empty()) {
        write_value(below(cpu_base_, task, container) + "/cpu.shares",
                    std::to_string(std::max<uint64_t>(cpu_shares, 2)));
    }
    return enter(task, container);
}

std::vector<int> MemoryLimits::enter(const std::string& task, const std::string& container) {
    std::vector<int> out;
    for (const std::string& base : bases_)
        if (int file = ::open((below(base, task, container) + "/cgroup.procs").c_str(),
                              O_WRONLY | O_CLOEXEC);
            file >= 0)
            out.push_back(file);
    return out;
}

bool MemoryLimits::out_of_memory(const std::string& task, const std::string& container) const {
    if (kind_ == LimitKind::Sampled) return false;
    return counted_kill(below(base_, task, container) +
                        (kind_ == LimitKind::CgroupV2 ? "/memory.events" : "/memory.oom_control"));
}

void MemoryLimits::count(const std::string& task, const std::string& container,
                         ContainerStats& stats) const {
    if (kind_ == LimitKind::Sampled) return;
    const std::string at = below(base_, task, container);
    const bool unified = kind_ == LimitKind::CgroupV2;
    read_cgroup({unified, at,
                 unified                 ? at
                 : account_base_.empty() ? ""
                                         : below(account_base_, task, container)},
                stats);
}

void MemoryLimits::remove(const std::string& task) {
    for (const std::string& base : bases_)
        remove_cgroups(below(base, task));
}

}  // namespace containers
