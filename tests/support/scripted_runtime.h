// ScriptedRuntime: a containers::Runtime without containers. What an image does is written down by
// the test; time is the test's clock, so nothing waits.
#pragma once
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "containers/runtime.h"

namespace support {

// How a program behaves, by the repository of its image ("app", "crash").
struct Program {
    std::optional<int> exits_at_once;  // with this code
    bool ignores_stop = false;         // dies of SIGKILL when the grace is over
    int exit_on_stop = 0;              // after the stop signal
    bool cannot_start = false;
    int health_exit = 0;              // of every exec
    std::vector<std::string> output;  // written at start
};

class ScriptedRuntime final : public containers::Runtime {
  public:
    explicit ScriptedRuntime(base::Clock& clock) : clock_(clock) {}

    // --- the script ---
    std::map<std::string, Program> programs;  // by repository
    std::map<std::string, std::string>
        digests;  // "repository:tag" → digest; absent = no such image
    void publish(const std::string& name,
                 char fill);  // name:tag with the digest of 64 times `fill`
    std::map<std::string, containers::ContainerStats> used;  // by container name
    void exit(const std::string& task, const std::string& container, int code,
              bool out_of_memory = false);

    // --- what was done, in order: "create_task ID", "start ID app", "stop ID app", "remove ID" ---
    std::vector<std::string> journal;
    std::map<std::string, std::vector<std::pair<std::string, std::string>>>
        environment;  // by container name, the last started
    std::map<std::string, containers::ContainerOptions>
        started;  // by container name, the last started
    std::set<std::string> tasks() const;
    std::vector<std::string> pulled;  // references as asked

    containers::Facilities facilities() const override { return {"scripted", "none", "none"}; }
    containers::Result<containers::Image> pull(const oci::Reference& reference,
                                               oci::ImageSource& source) override;
    containers::Result<std::shared_ptr<containers::TaskNetwork>> create_task(
        const containers::TaskOptions& options) override;
    containers::Result<void> create(const std::string& task,
                                    containers::ContainerOptions options) override;
    containers::Result<void> start(const std::string& task, const std::string& container) override;
    containers::Result<void> stop(const std::string& task, const std::string& container,
                                  std::chrono::milliseconds grace) override;
    containers::Result<void> kill(const std::string& task, const std::string& container,
                                  int signal) override;
    containers::Result<containers::ContainerState> inspect(const std::string& task,
                                                           const std::string& container) override;
    containers::Result<containers::ContainerStats> stats(const std::string& task,
                                                         const std::string& container) override;
    containers::Result<containers::ExecResult> exec(
        const std::string& task, const std::string& container,
        const containers::ExecOptions& options) override;
    containers::Result<std::unique_ptr<containers::Session>> open_session(
        const std::string& task, const std::string& container,
        const containers::SessionOptions& options) override;
    void remove_task(const std::string& task) override;
    std::vector<containers::Event> take_events(std::chrono::milliseconds at_most) override;

  private:
    struct Running {
        containers::ContainerOptions options;
        containers::ContainerState state;
        std::optional<base::Time> killed_at;
    };
    Running* find(const std::string& task, const std::string& container);
    void end(const std::string& task, const std::string& container, Running& running, int code,
             std::string reason = {}, bool out_of_memory = false);
    const Program& program_of(const Running& running) const;

    base::Clock& clock_;
    std::map<std::string, std::map<std::string, Running>> tasks_;
    std::vector<containers::Event> events_;
};

}  // namespace support
