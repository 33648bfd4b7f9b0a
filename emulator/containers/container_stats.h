// ContainerStats: what a running container has used since its start, as Docker counts it (Engine
// API, "Get container stats based on resource usage"), and the places on this machine where it is
// read.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace containers {

struct TrafficCount {
    uint64_t bytes = 0, packets = 0, errors = 0, dropped = 0;
};
struct InterfaceStats {
    std::string name;
    TrafficCount received, sent;
};

struct BlockDeviceCount {
    uint64_t major = 0, minor = 0;
    std::string operation;  // "Read", "Write", … as the engine spells it
    uint64_t value = 0;
};

struct ContainerStats {
    std::chrono::nanoseconds running_for{};  // real time since its start, the last one

    std::chrono::nanoseconds cpu{}, kernel_cpu{}, user_cpu{};  // over all its processes
    std::vector<std::chrono::nanoseconds> cpu_of_each;         // by processor; cgroup v1 only
    uint64_t periods = 0, throttled_periods = 0;
    std::chrono::nanoseconds throttled{};
    // What all processors of the machine did since it started, idling included.
    std::chrono::nanoseconds machine_cpu{};
    int online_cpus = 0;

    uint64_t memory_bytes = 0;        // with the cache of files, as the cgroup counts it
    uint64_t memory_limit_bytes = 0;  // the container's, else its task's, else all of the machine
    std::optional<uint64_t> memory_peak_bytes;
    std::vector<std::pair<std::string, uint64_t>> memory_details;  // the cgroup's memory.stat

    uint64_t processes = 0;  // threads too
    std::vector<BlockDeviceCount> block_bytes, block_operations;
    std::vector<InterfaceStats> interfaces;  // of its task
};

// A process and its descendants, by proc(5).
struct ProcessTree {
    uint64_t resident_bytes = 0, threads = 0;
    std::chrono::nanoseconds kernel_cpu{}, user_cpu{};  // with children that were waited for
};
ProcessTree read_process_tree(pid_t pid);

// What proc(5) tells of a container by its first process: the machine's processors, and memory,
// processor time and threads of the tree. A cgroup that counts it knows better.
void read_proc(pid_t pid, ContainerStats& stats);

// Where the kernel counts a container: directories of one cgroup, by controller.
struct CgroupPlace {
    bool unified = false;         // version 2
    std::string memory, account;  // the same directory in version 2; "" = none
};
// Of a process that another made, if its cgroup is named after `id`.
std::optional<CgroupPlace> cgroup_of(pid_t pid, const std::string& id);
// Sets what the cgroup counts, and leaves the rest as it is.
void read_cgroup(const CgroupPlace& place, ContainerStats& stats);

struct MachineCpu {
    std::chrono::nanoseconds total{};
    int online = 0;
};
MachineCpu read_machine_cpu();
uint64_t machine_memory_bytes();

// Of the kernel's clock ticks, in which it tells what processors did.
std::chrono::nanoseconds cpu_ticks(uint64_t ticks);

// Text of /proc/net/dev, loopback left out.
std::vector<InterfaceStats> parse_interfaces(std::string_view text);

// "name value" on each line, as files of cgroups have it.
std::vector<std::pair<std::string, uint64_t>> parse_counters(std::string_view text);
// Of such a file; none when it is not there.
std::vector<std::pair<std::string, uint64_t>> read_counters(const std::string& path);

}  // namespace containers
