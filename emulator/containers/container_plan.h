// From a container's options and its image to what is executed: pure rules, shared by both
// runtimes.
#pragma once
#include <expected>
#include <string>
#include <vector>

#include "containers/runtime.h"

namespace containers {

struct ContainerPlan {
    std::vector<std::string> arguments;
    std::vector<std::string> environment;  // NAME=value, the image's order first
    std::string working_directory, user;
    int stop_signal = 15;
    std::vector<std::string> capabilities;  // kept ones, without CAP_
};

Result<ContainerPlan> plan_container(const ContainerOptions& options);
// "SIGTERM", "TERM", "15"; 0 when it is none.
int signal_number(std::string_view text);
// The host name that a task without one gets: ip-10-0-1-23.ec2.internal.
std::string default_hostname(const std::string& address);
// What a container may use: its own limit, else its task's, else all that the machine has.
uint64_t memory_limit_bytes(const TaskOptions& task, const ContainerOptions& container);
std::string hosts_file(const TaskOptions& task);
std::string resolv_conf(const TaskOptions& task);
bool is_container_name(std::string_view name);

}  // namespace containers
