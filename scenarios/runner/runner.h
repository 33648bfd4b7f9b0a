// Runner: carries a checked scenario out against a world, and says what happened. "after" always
// runs; a failed step ends "before" and "steps". Source: harness.md §3.1, §4.2.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "scenarios/runner/check.h"
#include "scenarios/runner/context.h"
#include "scenarios/runner/mask.h"
#include "scenarios/runner/scenario.h"
#include "scenarios/runner/snapshots.h"

namespace scenarios {

// Flaky: a scenario that passed when it ran again. Skipped: of a scenario, it was stopped before
// its end.
enum class Outcome { Passed, Failed, KnownFailure, Skipped, Flaky };

// One thing that did not hold, with its place in the file.
struct Failure {
    std::string message;  // "expected 200, got 503"
    std::string hint;
    base::Position position;
    uint32_t length = 1;
    std::string query;  // "status", "" when the step itself failed
    std::vector<Difference> differences;
    size_t equal_parts = 0;
    bool stack_died = false;
    bool measured_nothing = false;
};

struct StepResult {
    Outcome outcome = Outcome::Passed;
    std::string number;  // "7", "3.2" in a group, "a1" after
    std::string name;
    std::string path;  // titles of the groups around it, " › " between
    const Step* step = nullptr;
    const Source* source = nullptr;  // of a used file, nullptr = the scenario's own
    base::microseconds took{0};
    int attempts = 1;
    std::vector<Failure> failures;
    std::vector<std::string> held;     // queries that did hold
    std::string note;                  // why skipped; the known issue
    std::optional<Exchange> exchange;  // of a failed step; else of the request before it
    bool exchange_is_earlier = false;
    std::string earlier_step;  // whose exchange it is then
    std::vector<std::string> log_lines;
};

struct ScenarioResult {
    const Scenario* scenario = nullptr;
    Outcome outcome = Outcome::Passed;
    std::string row;                // of "each"
    std::vector<StepResult> steps;  // those that ran or were skipped
    std::string verdict;            // why it failed when no step did
    base::microseconds took{0};
    size_t requests = 0, known = 0;
    bool stack_died = false;
    bool measured_nothing = false;
    Mask mask;
    base::Time started;                   // real time
    std::string world;                    // where it ran
    std::vector<ScenarioResult> earlier;  // attempts before this one, all of them failed
};

struct RunOptions {
    std::string seed;
    std::map<std::string, std::string> variables;  // --var
    std::map<std::string, std::string> secrets;    // of the stack, masked
    bool allow_commands = false;                   // "run" may start programs of this machine
    std::string program;                           // our own, runs workflows; "" = none does
    SnapshotMode snapshots = SnapshotMode::Compare;
    bool trace_all = false;         // every request's hops, not only those of failed steps
    base::microseconds timeout{0};  // of scenarios without one of their own
    // Why everything is to end now ("interrupted"), "" = go on. Called between steps and probes.
    std::function<std::string()> stopped;
    std::function<void(const std::string& line)> progress;  // "step 3  …", for a live line
};

// The file that the step was read from.
const Source& source_of(const StepResult& step, const ScenarioResult& result);

// Once per row of the scenario's "each".
std::vector<ScenarioResult> run_scenario(const Scenario& scenario, const World& world,
                                         base::Clock& clock, const RunOptions& options,
                                         std::shared_ptr<ScriptedOrigin> origin = nullptr);

// "smoke and not slow", "(a or b) and c". An error is one sentence.
std::expected<bool, std::string> matches_tags(std::string_view expression,
                                              const std::vector<std::string>& tags);

}  // namespace scenarios
