// Emulator: the composition root. Builds every part, wires them, owns start and stop. Nothing else
// sees everyone.
#pragma once
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "state/instance.h"

struct EmulatorOptions {
    std::string stack_file;  // "" = an empty stack
    std::string state_directory;
    std::string runtime = "auto";                                   // auto, docker, process
    std::string backing = "auto";                                   // auto, compose, given
    std::string database_url, cache_url;                            // given
    double speed = 0;                                               // 0 = the stack file's
    uint16_t aws_port = 4566, http_port = 8080, https_port = 8443;  // 0 = any free port
    std::string bind = "127.0.0.1";
    bool durable = false;
    // Asked while a start waits for others: true ends it.
    std::function<bool()> interrupted = [] { return false; };
};

class Emulator {
  public:
    // One line per thing that happens on the way up.
    using Progress = std::function<void(const std::string&)>;

    // Returns once the ports answer and the stack file is applied. A problem ends it with nothing
    // left behind.
    static std::expected<std::unique_ptr<Emulator>, state::Problem> start(
        const EmulatorOptions& options, const Progress& progress);
    ~Emulator();  // stops everything: tasks, servers, database

    const state::InstanceInfo& info() const;
    base::Node status() const;
    // Grows with every request that was served.
    uint64_t requests_seen() const;
    // Called once when somebody asks the emulator to stop (control API).
    void on_stop_request(std::function<void()> callback);

  private:
    struct Inside;
    explicit Emulator(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};
