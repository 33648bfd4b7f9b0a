// RunTerminal: what a run shows while it goes: on a terminal a live line, on a pipe a heartbeat and
// no control codes. Nothing scrolls over a failure once it is told.
#pragma once
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/thread.h"
#include "scenarios/runner/report.h"
#include "scenarios/runner/session.h"

namespace commands {

class RunTerminal {
  public:
    enum class Kind { Live, Plain, Silent };
    RunTerminal(Kind kind, scenarios::ReportOptions options, size_t scenarios, base::Clock& clock);
    ~RunTerminal();

    void begins(const scenarios::Scenario& scenario);
    void progress(const scenarios::Scenario& scenario, const std::string& line);
    void ended(const scenarios::ScenarioResult& result, const scenarios::World& world);
    void say(const std::string& text);

  private:
    void beat();
    std::string running() const;
    void draw();
    void wipe();

    const Kind kind_;
    const scenarios::ReportOptions options_;
    const size_t scenarios_;
    base::Clock& clock_;
    std::mutex mutex_;
    std::condition_variable wake_;
    struct Running {
        base::Time since;
        std::string line;
    };
    std::map<std::string, Running> running_;
    std::string last_;  // whose line came last
    size_t ended_ = 0;
    base::Time spoken_;  // when something was last written
    bool done_ = false;
    base::Thread beats_;
};

}  // namespace commands
