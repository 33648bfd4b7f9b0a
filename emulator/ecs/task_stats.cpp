#include "ecs/task_stats.h"

#include <algorithm>

#include "base/date.h"
#include "ecs/limits.h"

namespace ecs {
namespace {

using Interface = containers::InterfaceStats;
using containers::BlockDeviceCount;
using containers::ContainerStats;

// Nothing used yet; the machine's processors ran since, each of them all the time.
ContainerStats at_start(const ContainerStats& now) {
    ContainerStats start;
    start.online_cpus = now.online_cpus;
    start.cpu_of_each.resize(now.cpu_of_each.size());
    start.machine_cpu = now.machine_cpu - now.running_for * now.online_cpus;
    return start;
}

Node cpu_node(const ContainerStats& stats) {
    Node usage = Node::object({{"total_usage", static_cast<int64_t>(stats.cpu.count())}});
    if (!stats.cpu_of_each.empty()) {
        Node each = Node::array();
        for (std::chrono::nanoseconds one : stats.cpu_of_each)
            each.push_back(static_cast<int64_t>(one.count()));
        usage.set("percpu_usage", std::move(each));
    }
    usage.set("usage_in_kernelmode", static_cast<int64_t>(stats.kernel_cpu.count()));
    usage.set("usage_in_usermode", static_cast<int64_t>(stats.user_cpu.count()));
    return Node::object(
        {{"cpu_usage", std::move(usage)},
         {"system_cpu_usage", static_cast<int64_t>(stats.machine_cpu.count())},
         {"online_cpus", stats.online_cpus},
         {"throttling_data",
          Node::object({{"periods", stats.periods},
                        {"throttled_periods", stats.throttled_periods},
                        {"throttled_time", static_cast<int64_t>(stats.throttled.count())}})}});
}

Node memory_node(const ContainerStats& stats) {
    Node memory = Node::object({{"usage", stats.memory_bytes}});
    if (stats.memory_peak_bytes) memory.set("max_usage", *stats.memory_peak_bytes);
    Node details = Node::object();
    for (const auto& [name, value] : stats.memory_details)
        details.set(name, value);
    memory.set("stats", std::move(details));
    memory.set("limit", stats.memory_limit_bytes);
    return memory;
}

Node block_node(const std::vector<BlockDeviceCount>& counts) {
    Node list = Node::array();
    for (const BlockDeviceCount& one : counts)
        list.push_back(Node::object({{"major", one.major},
                                     {"minor", one.minor},
                                     {"op", one.operation},
                                     {"value", one.value}}));
    return list;
}

Node networks_node(const ContainerStats& stats) {
    Node networks = Node::object();
    for (const Interface& one : stats.interfaces) {
        Node counts = Node::object();
        auto put = [&](const std::string& prefix, const containers::TrafficCount& traffic) {
            counts.set(prefix + "bytes", traffic.bytes);
            counts.set(prefix + "packets", traffic.packets);
            counts.set(prefix + "errors", traffic.errors);
            counts.set(prefix + "dropped", traffic.dropped);
        };
        put("rx_", one.received);
        put("tx_", one.sent);
        networks.set(one.name, std::move(counts));
    }
    return networks;
}

}  // namespace

ContainerStats StatsHistory::before(const ContainerStats& now) {
    // Its first sample, or the first one of another life, which has its task's network still.
    if (!last_ || now.running_for < last_->running_for) {
        ContainerStats start = at_start(now);
        if (last_) start.interfaces = last_->interfaces;
        last_ = previous_ = std::move(start);
    }
    if (now.running_for - last_->running_for >= kStatsApart) {
        previous_ = std::move(last_);
        last_ = now;
    }
    return *previous_;
}

Node docker_stats(const StatsOf& of, const ContainerStats& now, const ContainerStats& before) {
    const auto apart =
        std::chrono::duration_cast<base::microseconds>(now.running_for - before.running_for);
    Node block = Node::object({{"io_service_bytes_recursive", block_node(now.block_bytes)},
                               {"io_serviced_recursive", block_node(now.block_operations)}});
    for (const char* never :
         {"io_queue_recursive", "io_service_time_recursive", "io_wait_time_recursive",
          "io_merged_recursive", "io_time_recursive", "sectors_recursive"})
        block.set(never, Node::array());
    return Node::object({{"read", base::iso_date_micros(of.read_at)},
                         {"preread", base::iso_date_micros(of.read_at - apart)},
                         {"pids_stats", Node::object({{"current", now.processes}})},
                         {"blkio_stats", std::move(block)},
                         {"num_procs", 0},                   // Windows
                         {"storage_stats", Node::object()},  // Windows
                         {"cpu_stats", cpu_node(now)},
                         {"precpu_stats", cpu_node(before)},
                         {"memory_stats", memory_node(now)},
                         {"name", of.name},
                         {"id", of.id},
                         {"networks", networks_node(now)}});
}

Node network_rate_stats(const ContainerStats& now, const ContainerStats& before) {
    const double seconds =
        std::chrono::duration<double>(now.running_for - before.running_for).count();
    auto bytes = [](const ContainerStats& stats, containers::TrafficCount Interface::* side) {
        double sum = 0;
        for (const Interface& one : stats.interfaces)
            sum += static_cast<double>((one.*side).bytes);
        return sum;
    };
    auto rate = [&](containers::TrafficCount Interface::* side) {
        return seconds > 0 ? std::max(0.0, bytes(now, side) - bytes(before, side)) / seconds : 0.0;
    };
    return Node::object({{"rx_bytes_per_sec", rate(&Interface::received)},
                         {"tx_bytes_per_sec", rate(&Interface::sent)}});
}

}  // namespace ecs
