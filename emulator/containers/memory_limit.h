// Memory limits: a cgroup where one can be written (v1 or v2), else the resident memory of the
// container's processes is looked at every 100 ms and the whole container killed. `facility()` says
// which (decision 29). The cgroup also counts what its container uses.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "containers/container_stats.h"

namespace containers {

enum class LimitKind : uint8_t { CgroupV1, CgroupV2, Sampled };

class MemoryLimits {
  public:
    // `instance` names our cgroups, so that a later start finds what a killed emulator left.
    explicit MemoryLimits(const std::string& instance);
    ~MemoryLimits();

    LimitKind kind() const { return kind_; }
    std::string facility() const;

    // cgroup.procs files, opened for the container's first process to enter; the caller closes
    // them. None when sampled or without a limit.
    std::vector<int> make(const std::string& task, uint64_t task_bytes,
                          const std::string& container, uint64_t bytes, uint64_t cpu_shares);
    // The same files again, for a program that is started in the container.
    std::vector<int> enter(const std::string& task, const std::string& container);
    bool out_of_memory(const std::string& task, const std::string& container) const;
    // Sets what the container's cgroup counts, and leaves the rest as it is.
    void count(const std::string& task, const std::string& container, ContainerStats& stats) const;
    void remove(const std::string& task);

  private:
    LimitKind kind_ = LimitKind::Sampled;
    // Our own cgroups: of v2 one, in base_; of v1 one of each controller that is there.
    std::string base_, cpu_base_, account_base_;
    std::vector<std::string> bases_;
};

}  // namespace containers
