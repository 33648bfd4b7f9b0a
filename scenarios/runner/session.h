// Session: one run of many scenarios: workers that take from the queue, each with a world of its
// own; retries, stopping early, budgets. What happened is told in the order in which it ends.
// Source: harness.md §4.1, §4.3.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "scenarios/runner/runner.h"
#include "scenarios/runner/schedule.h"

namespace scenarios {

// Where scenarios run. One implementation is the running instance itself, another keeps worlds.
class WorldSource {
  public:
    virtual ~WorldSource() = default;

    struct Place {
        World world;
        std::shared_ptr<ScriptedOrigin> origin;
        std::string name;  // "here", "world 2"
        std::map<std::string, std::string> secrets;
    };
    // What scenarios of the same kind have in common: they can use one world.
    virtual std::string kind_of(const Scenario& scenario) const = 0;
    // Why there is no world: the run ends, with 3, or with 2 when the scenario's overlay is wrong.
    struct Problem {
        std::string text;
        int exit_code = 3;
    };
    // The worker's world for the scenario, as new.
    virtual std::expected<Place, Problem> prepare(size_t worker, const Scenario& scenario) = 0;
    // The scenario has ended there. `Keep`: somebody wants to look at the world as it is now.
    enum class After { Reuse, Keep };
    virtual void finished(size_t worker, const ScenarioResult& result, After after) = 0;
};

enum class FlakyPolicy { Fail, Pass };

struct SessionOptions {
    RunOptions run;
    size_t workers = 1;
    int retries = 0;  // for every scenario; its own number wins when it is larger
    FlakyPolicy flaky = FlakyPolicy::Fail;
    size_t max_fail = 0;  // 0 never stops
    enum class OnMaxFail { Wait, Immediate } on_max_fail = OnMaxFail::Wait;
    base::microseconds budget{0};  // of the whole run, 0 = none
    bool keep_failed = false;      // the world of a failed scenario stays as it is
    const std::atomic<bool>* interrupted = nullptr;

    // Told one at a time, from the workers' threads.
    std::function<void(const Scenario&)> begins = [](const Scenario&) {};
    std::function<void(const ScenarioResult&, const World&)> ended = [](const ScenarioResult&,
                                                                        const World&) {};
    std::function<void(const Scenario&, const std::string& line)> progress;
};

struct SessionResult {
    std::vector<ScenarioResult> results;   // in the order of the scenarios given
    std::vector<const Scenario*> not_run;  // for lack of time, or because the run ended early
    WorldSource::Problem problem;          // a world that did not start
    std::string why_stopped;               // "" = everything ran
    bool interrupted = false, out_of_time = false;
    FlakyPolicy flaky = FlakyPolicy::Fail;
    base::microseconds took{0};
    // By cause: 0 1 3 4 5 7 130.
    int exit_code() const;
};

SessionResult run_session(const std::vector<const Scenario*>& scenarios, WorldSource& worlds,
                          base::Clock& clock, const SessionOptions& options);

}  // namespace scenarios
