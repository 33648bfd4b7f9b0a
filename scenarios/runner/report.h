// Report: what a run says on a terminal or a pipe. A passed scenario is one line; a failed one says
// everything: place, difference, hops, log lines, a curl line, and what to do next. Every text goes
// through the scenario's mask. Source: harness.md §4.2, §4.5.
#pragma once
#include <string>
#include <vector>

#include "scenarios/runner/session.h"

namespace scenarios {

// harness.md §4.3
enum Exit {
    kPassed = 0,
    kFailed = 1,
    kStackDied = 3,
    kNothingRan = 4,
    kFlaky = 5,
    kOutOfTime = 7,
    kInterrupted = 130
};

struct ReportOptions {
    bool colour = false;     // control codes only on a terminal
    bool verbose = false;    // every step, passed ones too; every attempt
    std::string again;       // command that runs one scenario again, "{}" stands for its file
    size_t name_width = 32;  // of the longest id
    std::string run;         // the recording's name, "" = none is kept
};

// "PASS  name  12 steps  3.4s", and for failures the whole story below it.
std::string show_result(const ScenarioResult& result, const World& world,
                        const ReportOptions& options);
std::string show_summary(const SessionResult& session, const ReportOptions& options);

// One thing that did not hold: its place in the file, the hint, the differences. Not masked yet.
std::string show_failure(const Failure& failure, const Source& source);
// A line that repeats the request when pasted into a shell.
std::string curl_line(const Exchange& exchange, const World& world);
// The request's way through the stack, hop by hop.
std::string show_hops(const Exchange& exchange);
// "passed", "failed", "known", "skipped", "flaky"
std::string_view name_of(Outcome outcome);

// 0 passed, 1 failed, 3 a part of the stack died, 4 nothing ran or nothing was measured, 5 flaky.
int exit_code(const std::vector<ScenarioResult>& results, FlakyPolicy flaky = FlakyPolicy::Fail);

}  // namespace scenarios
