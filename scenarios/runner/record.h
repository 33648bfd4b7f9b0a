// Record: what a run was, as data. The one form that recordings keep and the reports JSON, TAP,
// GitHub and HTML are made from; masked as a whole, so nothing behind it can leak.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "scenarios/runner/session.h"

namespace scenarios {

inline constexpr int kRecordVersion = 1;
inline constexpr size_t kRecordedBody = 64 << 10;  // bytes of a body that are kept

// A scenario: id, file, outcome, steps with their exchanges, traces and failures, its text, and
// "story": what the terminal showed. Texts are masked.
base::Node record_of(const ScenarioResult& result, const World& world);

// The run as a whole, without its scenarios: seed, exit, took, what was not run.
base::Node record_of(const SessionResult& session, const std::string& seed);

// {"version", …, "scenarios": […]}: what the reports take.
base::Node whole_record(base::Node run, std::vector<base::Node> scenarios);
// The shards of one run, or runs of different scenarios, as one: the worst exit, all scenarios.
base::Node merged(const std::vector<base::Node>& records);

// A suite per scenario, a case per step; Surefire's flakyFailure for attempts that failed.
std::string junit_xml(const base::Node& record);
// The Test Anything Protocol, version 14: a test per scenario, a subtest per step.
std::string tap_report(const base::Node& record);
// Workflow commands: one annotation per failed scenario, at most ten, the worst first.
std::string github_annotations(const base::Node& record);
// Markdown for $GITHUB_STEP_SUMMARY, below its limit.
std::string github_summary(const base::Node& record);
// One file that opens from disk, without a network.
std::string html_report(const base::Node& record);

}  // namespace scenarios
