// Host: where the programs of a job's steps run, and the machine that has one for each job. Closed
// (a network of their own, in which nothing but the stack and the allowed registries answer) or
// open; the runner does not see the difference.
#pragma once
#include <atomic>
#include <chrono>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.h"

namespace workflow {

struct Launch {
    std::vector<std::string> command;  // [0] absolute, or looked up in the environment's PATH
    std::map<std::string, std::string> environment;
    std::string directory;
};

// A program and the read ends of its outputs.
class Running {
  public:
    virtual ~Running() = default;
    std::vector<int> outputs;  // closed by whoever follows them
    virtual std::optional<int> wait(std::chrono::milliseconds at_most) = 0;
    virtual void signal(int number) = 0;  // to the program and what it started
};

// Of one job: what its steps left running ends with it.
class Host {
  public:
    virtual ~Host() = default;
    virtual std::expected<std::unique_ptr<Running>, std::string> start(const Launch& launch) = 0;
};

// Asked by the jobs' threads.
class Machine {
  public:
    virtual ~Machine() = default;
    virtual std::expected<std::unique_ptr<Host>, std::string> host() = 0;
    // Of the jobs that are over.
    virtual std::vector<std::string> refused_hosts() const { return {}; }
};

class OpenHost final : public Host {
  public:
    explicit OpenHost(base::Spawner& spawner) : spawner_(spawner) {}
    ~OpenHost() override;
    std::expected<std::unique_ptr<Running>, std::string> start(const Launch& launch) override;

  private:
    base::Spawner& spawner_;
    std::vector<pid_t> groups_;
};

class OpenMachine final : public Machine {
  public:
    explicit OpenMachine(base::Spawner& spawner) : spawner_(spawner) {}
    std::expected<std::unique_ptr<Host>, std::string> host() override {
        return std::make_unique<OpenHost>(spawner_);
    }

  private:
    base::Spawner& spawner_;
};

struct Ended {
    int exit_code = 0;
    bool timed_out = false, interrupted = false;
};

// Starts the program and hands its output on line by line, to its end. At the limit, or when `stop`
// is set, it gets SIGINT, then SIGTERM, then SIGKILL.
std::expected<Ended, std::string> run_to_end(Host& host, const Launch& launch,
                                             std::chrono::milliseconds at_most,
                                             const std::atomic<bool>* stop,
                                             const std::function<void(std::string_view)>& line);

}  // namespace workflow
