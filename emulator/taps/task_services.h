// TaskServices: what one task finds behind its gateway: a resolver, and a listener for each part of
// the stack under its production name and port. Ends with the task.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/thread.h"
#include "containers/task_network.h"
#include "net/listener.h"
#include "taps/names.h"

namespace taps {

// One thing that tasks reach by name.
struct Reachable {
    std::vector<std::string> names;  // lower case, "*.suffix" allowed
    std::string address;             // of 198.18.0.0/15 or 169.254.0.0/16
    std::vector<uint16_t> ports;
    std::function<void(net::Socket&, uint16_t port, const std::string& task)> serve;
};

inline constexpr std::string_view kResolverAddress = "169.254.169.253";

class TaskServices {
  public:
    // `unknown_name(task, name)` is told once per name. An error is one sentence.
    static std::expected<std::unique_ptr<TaskServices>, std::string> open(
        containers::TaskNetwork& network, const std::string& task,
        const std::vector<Reachable>& parts,
        std::function<void(const std::string& task, std::string_view name)> unknown_name);
    ~TaskServices();

  private:
    TaskServices() = default;
    void resolve();

    std::string task_;
    NameTable names_;
    std::function<void(const std::string&, std::string_view)> unknown_name_;
    std::set<std::string, std::less<>> told_;
    int resolver_ = -1, wake_ = -1;
    base::Thread resolver_thread_;
    std::vector<std::unique_ptr<net::Listener>> listeners_;
};

}  // namespace taps
