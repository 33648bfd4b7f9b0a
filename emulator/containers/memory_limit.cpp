#include "containers/memory_limit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

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

std::string read_value(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
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

// "… oom_kill 1": the kernel killed something of this cgroup.
bool counted_kill(const std::string& text) {
    size_t at = text.find("oom_kill ");
    while (at != std::string::npos && at > 0 && text[at - 1] != '\n')
        at = text.find("oom_kill ", at + 1);
    return at != std::string::npos && std::atoll(text.c_str() + at + 9) > 0;
}

std::string own_name(const std::string& instance) {
    return "dodam-" + instance;
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
        std::string cpu = std::string(kRoot) + "/cpu/" + own_name(instance);
        remove_cgroups(cpu);
        if (::access("/sys/fs/cgroup/cpu/cpu.shares", R_OK) == 0 && make_directory(cpu))
            cpu_base_ = cpu;
    }
    if (kind_ != LimitKind::Sampled) base_ = at;
}

MemoryLimits::~MemoryLimits() {
    if (!base_.empty()) remove_cgroups(base_);
    if (!cpu_base_.empty()) remove_cgroups(cpu_base_);
}

std::string MemoryLimits::facility() const {
    switch (kind_) {
        case LimitKind::CgroupV1: return "cgroup v1";
        case LimitKind::CgroupV2: return "cgroup v2";
        case LimitKind::Sampled: break;
    }
    return "sampled every 100 ms";
}

std::string MemoryLimits::directory(const std::string& task, const std::string& container) const {
    return base_ + "/" + task + (container.empty() ? "" : "/" + container);
}

std::string MemoryLimits::cpu_directory(const std::string& task,
                                        const std::string& container) const {
    return cpu_base_ + "/" + task + (container.empty() ? "" : "/" + container);
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
    std::string task_at = directory(task), at = directory(task, container);
    make_directory(task_at);
    if (unified)
        write_value(task_at + "/cgroup.subtree_control", "+memory +cpu");
    else
        write_value(task_at + "/memory.use_hierarchy", "1");
    ::rmdir(at.c_str());  // of the container's former life: its count of kills goes
    make_directory(at);
    set(task_at, task_bytes);
    set(at, bytes);
    if (cpu_shares && unified) {
        // The kernel's documented conversion of 2…262144 shares to a weight of 1…10000.
        write_value(at + "/cpu.weight",
                    std::to_string(1 + ((std::max<uint64_t>(cpu_shares, 2) - 2) * 9999) / 262142));
    } else if (cpu_shares && !cpu_base_.empty()) {
        make_directory(cpu_directory(task));
        make_directory(cpu_directory(task, container));
        write_value(cpu_directory(task, container) + "/cpu.shares",
                    std::to_string(std::max<uint64_t>(cpu_shares, 2)));
    }
    return enter(task, container);
}

std::vector<int> MemoryLimits::enter(const std::string& task, const std::string& container) {
    std::vector<int> out;
    if (kind_ == LimitKind::Sampled) return out;
    std::vector<std::string> paths = {directory(task, container)};
    if (!cpu_base_.empty()) paths.push_back(cpu_directory(task, container));
    for (const std::string& path : paths)
        if (int file = ::open((path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC); file >= 0)
            out.push_back(file);
    return out;
}

bool MemoryLimits::out_of_memory(const std::string& task, const std::string& container) const {
    if (kind_ == LimitKind::Sampled) return false;
    return counted_kill(
        read_value(directory(task, container) +
                   (kind_ == LimitKind::CgroupV2 ? "/memory.events" : "/memory.oom_control")));
}

void MemoryLimits::remove(const std::string& task) {
    if (!base_.empty()) remove_cgroups(directory(task));
    if (!cpu_base_.empty()) remove_cgroups(cpu_directory(task));
}

uint64_t MemoryLimits::resident_bytes(pid_t pid) {
    std::string at = "/proc/" + std::to_string(pid);
    uint64_t total_pages = 0, resident_pages = 0;
    std::ifstream(at + "/statm") >> total_pages >> resident_pages;
    uint64_t sum = resident_pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    // Every thread may have children of its own.
    std::error_code ignored;
    for (const auto& thread : fs::directory_iterator(at + "/task", ignored)) {
        std::ifstream children(thread.path() / "children");
        for (pid_t child; children >> child;)
            sum += resident_bytes(child);
    }
    return sum;
}

}  // namespace containers
