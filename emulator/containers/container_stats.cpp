#include "containers/container_stats.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace containers {
using std::chrono::nanoseconds;

nanoseconds cpu_ticks(uint64_t ticks) {
    static const auto kPerSecond = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
    return nanoseconds(ticks * (1'000'000'000 / kPerSecond));
}

namespace {

std::optional<uint64_t> read_number(const std::string& path) {
    uint64_t value = 0;
    if (std::ifstream in(path); in >> value) return value;
    return std::nullopt;
}

}  // namespace

void read_proc(pid_t pid, ContainerStats& stats) {
    const MachineCpu machine = read_machine_cpu();
    stats.machine_cpu = machine.total;
    stats.online_cpus = machine.online;
    const ProcessTree processes = read_process_tree(pid);
    stats.processes = processes.threads;
    stats.memory_bytes = processes.resident_bytes;
    stats.user_cpu = processes.user_cpu;
    stats.kernel_cpu = processes.kernel_cpu;
    stats.cpu = stats.user_cpu + stats.kernel_cpu;
}

// cgroups(7): a line is "hierarchy:controllers:path", of version 2 "0::path".
std::optional<CgroupPlace> cgroup_of(pid_t pid, const std::string& id) {
    CgroupPlace place;
    std::string unified;
    std::ifstream lines("/proc/" + std::to_string(pid) + "/cgroup");
    for (std::string line; std::getline(lines, line);) {
        const size_t first = line.find(':'), second = line.find(':', first + 1);
        if (second == std::string::npos || line.find(id, second) == std::string::npos) continue;
        const std::string path = line.substr(second + 1);
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        if (controllers.find(",memory,") != std::string::npos)
            place.memory = "/sys/fs/cgroup/memory" + path;
        if (controllers.find(",cpuacct,") != std::string::npos)
            place.account = "/sys/fs/cgroup/cpuacct" + path;
        if (controllers == ",,") unified = "/sys/fs/cgroup" + path;
    }
    // Both versions may be there: then the controllers are the old one's.
    if (place.memory.empty()) place = {true, unified, unified};
    if (place.account.empty() ||
        !read_number(place.memory + (place.unified ? "/memory.current" : "/memory.usage_in_bytes")))
        return std::nullopt;
    return place;
}

void read_cgroup(const CgroupPlace& place, ContainerStats& stats) {
    using std::chrono::microseconds;
    const std::string &at = place.memory, &account = place.account;
    auto used = read_number(at + (place.unified ? "/memory.current" : "/memory.usage_in_bytes"));
    if (!used) return;  // without a limit there is no cgroup
    stats.memory_bytes = *used;
    stats.memory_peak_bytes =
        read_number(at + (place.unified ? "/memory.peak" : "/memory.max_usage_in_bytes"));
    stats.memory_details = read_counters(at + "/memory.stat");
    if (place.unified) {
        for (const auto& [name, value] : read_counters(account + "/cpu.stat")) {
            if (name == "usage_usec") stats.cpu = microseconds(value);
            if (name == "user_usec") stats.user_cpu = microseconds(value);
            if (name == "system_usec") stats.kernel_cpu = microseconds(value);
            if (name == "nr_periods") stats.periods = value;
            if (name == "nr_throttled") stats.throttled_periods = value;
            if (name == "throttled_usec") stats.throttled = microseconds(value);
        }
        return;
    }
    if (account.empty()) return;
    if (auto cpu = read_number(account + "/cpuacct.usage")) stats.cpu = nanoseconds(*cpu);
    std::ifstream each(account + "/cpuacct.usage_percpu");
    for (uint64_t value; each >> value;)
        stats.cpu_of_each.emplace_back(value);
    for (const auto& [name, ticks] : read_counters(account + "/cpuacct.stat"))
        (name == "user" ? stats.user_cpu : stats.kernel_cpu) = cpu_ticks(ticks);
}

ProcessTree read_process_tree(pid_t pid) {
    const std::string at = "/proc/" + std::to_string(pid);
    std::ifstream file(at + "/stat");
    std::string line;
    std::getline(file, line);
    ProcessTree tree;
    const size_t name_end = line.rfind(')');  // the name may hold anything
    if (name_end == std::string::npos) return tree;
    // proc(5): fields 14 to 17 are utime, stime, cutime, cstime; 20 num_threads, 24 rss.
    constexpr size_t kUser = 14, kKernel = 15, kWaitedUser = 16, kWaitedKernel = 17, kThreads = 20,
                     kResident = 24;
    std::istringstream fields(line.substr(name_end + 1));
    std::string field;
    for (size_t number = 3; number <= kResident && fields >> field; ++number) {
        const uint64_t value = ::strtoull(field.c_str(), nullptr, 10);
        if (number == kUser || number == kWaitedUser) tree.user_cpu += cpu_ticks(value);
        if (number == kKernel || number == kWaitedKernel) tree.kernel_cpu += cpu_ticks(value);
        if (number == kThreads) tree.threads = value;
        if (number == kResident)
            tree.resident_bytes = value * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    }
    // Every thread may have children of its own.
    std::error_code ignored;
    for (const auto& thread : std::filesystem::directory_iterator(at + "/task", ignored)) {
        std::ifstream children(thread.path() / "children");
        for (pid_t child; children >> child;) {
            const ProcessTree below = read_process_tree(child);
            tree.resident_bytes += below.resident_bytes;
            tree.threads += below.threads;
            tree.user_cpu += below.user_cpu;
            tree.kernel_cpu += below.kernel_cpu;
        }
    }
    return tree;
}

MachineCpu read_machine_cpu() {
    MachineCpu out;
    std::ifstream file("/proc/stat");
    for (std::string line; std::getline(file, line) && line.starts_with("cpu");) {
        std::istringstream fields(line);
        std::string name;
        fields >> name;
        if (name != "cpu") {
            ++out.online;
            continue;
        }
        // user, nice, system, idle, iowait, irq, softirq, steal; guests are in user already.
        uint64_t ticks = 0, field = 0;
        for (int i = 0; i < 8 && fields >> field; ++i)
            ticks += field;
        out.total = cpu_ticks(ticks);
    }
    return out;
}

uint64_t machine_memory_bytes() {
    return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
           static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::vector<InterfaceStats> parse_interfaces(std::string_view text) {
    std::vector<InterfaceStats> out;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        const size_t colon = line.find(':');
        if (colon == std::string::npos) continue;  // the two lines of the head
        InterfaceStats one;
        std::istringstream(line.substr(0, colon)) >> one.name;
        if (one.name == "lo") continue;
        std::istringstream fields(line.substr(colon + 1));
        uint64_t fifo = 0, frame = 0, compressed = 0, multicast = 0;
        fields >> one.received.bytes >> one.received.packets >> one.received.errors >>
            one.received.dropped >> fifo >> frame >> compressed >> multicast >> one.sent.bytes >>
            one.sent.packets >> one.sent.errors >> one.sent.dropped;
        out.push_back(std::move(one));
    }
    return out;
}

std::vector<std::pair<std::string, uint64_t>> parse_counters(std::string_view text) {
    std::vector<std::pair<std::string, uint64_t>> out;
    std::istringstream words{std::string(text)};
    std::string name;
    for (uint64_t value = 0; words >> name >> value;)
        out.emplace_back(name, value);
    return out;
}

std::vector<std::pair<std::string, uint64_t>> read_counters(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return parse_counters(text.str());
}

}  // namespace containers
