// Report: what a run says: lines on a terminal or a pipe, JUnit XML, JSON. A passed scenario is one
// line; a failed one says everything: place, difference, hops, log lines, a curl line, and what to
// do next. Every text goes through the scenario's mask. Source: harness.md §4.2, §4.5.
#pragma once
#include <string>
#include <vector>

#include "scenarios/runner/runner.h"

namespace scenarios {

struct ReportOptions {
    bool colour = false;   // control codes only on a terminal
    bool verbose = false;  // every step, passed ones too
    std::string again;     // command that runs one scenario again, "{}" stands for its file
};

// "PASS  name  12 steps  3.4s", and for failures the whole story below it.
std::string show_result(const ScenarioResult& result, const World& world,
                        const ReportOptions& options);
std::string show_summary(const std::vector<ScenarioResult>& results, base::microseconds took);

std::string junit_xml(const std::vector<ScenarioResult>& results);
base::Node json_report(const std::vector<ScenarioResult>& results, const std::string& seed);

// A line that repeats the request when pasted into a shell.
std::string curl_line(const Exchange& exchange, const World& world);
// The request's way through the stack, hop by hop.
std::string show_hops(const Exchange& exchange);

// 0 passed, 1 failed, 3 a part of the stack died, 4 nothing ran.
int exit_code(const std::vector<ScenarioResult>& results);

}  // namespace scenarios
