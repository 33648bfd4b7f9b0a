// Scenario: a file read and checked as a whole before anything runs: unknown keys, verbs and names
// (with "did you mean"), names used before they are defined, queries, patterns, durations, files
// and targets. All problems of all files come at once. Source: harness.md §3.4, §3.6.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "scenarios/runner/answer.h"
#include "scenarios/runner/format.h"
#include "scenarios/runner/source.h"

namespace scenarios {

struct Poll {
    base::microseconds within{0};
    base::microseconds every{0};  // 0: 100, 250, 500, 1000 ms, and so on
};

struct Known {
    std::string issue, until, why;  // until: 2026-12-31, "" = no end
};

struct Expectation {
    Query query;
    base::Node matcher;
    base::Position position;  // of the key
    uint32_t length = 0;
};

struct Save {
    std::string name;
    Query query;
    base::Position position;
};

// Another file whose steps are used. Its "before" and "steps" are the step's children.
struct Used {
    Source source;
    std::string directory;
    base::Node vars;
    std::vector<std::string> secrets;
};

struct Step {
    const Verb* verb = nullptr;
    base::Node node;        // the verb and its own keys, references not replaced
    std::string name;       // given, or derived: "POST api:/auth/login"
    std::string condition;  // "if"
    std::vector<Expectation> expect;
    std::vector<Save> save;
    std::optional<Poll> eventually, hold;
    std::optional<base::microseconds> timeout;
    std::optional<Known> known;
    std::vector<base::Node> each;
    std::vector<Step> children;  // of a verb that holds steps
    std::shared_ptr<const Used> used;
    std::vector<Step> cleanup;                               // "after" of the used file
    std::vector<std::pair<std::string, std::string>> taken;  // our name → name in the used file
    base::Position position;                                 // of the verb
    uint32_t length = 0;
};

struct Scenario {
    std::string id;  // the path without its suffix
    Source source;
    std::string directory;  // files are relative to it
    std::string title;
    std::vector<std::string> tags, secrets, covers;
    base::Node vars, given, overlay;  // overlay: "stack"
    std::string world = "clean";      // clean, keep, snapshot:NAME
    std::vector<std::string> lock;    // no two scenarios hold the same name at the same time
    std::string owner;                // whom to ask
    int retries = 0;                  // further tries after a failure; passing then is flaky
    std::vector<base::Node> each;
    std::optional<base::microseconds> timeout;
    std::optional<Known> known;
    std::vector<Step> before, steps, after;
};

inline constexpr int kMaxRetries = 5;

// What the checker knows beside the file.
struct Surroundings {
    // The stack's attributes by the paths of dodam.json: {"distributions": {"front": {"id", "arn",
    // "domain"}}}. nullptr: no stack is known, so that names of it are not checked.
    const base::Node* stack = nullptr;
    std::vector<std::string> variables;  // given by --var
};

struct Loaded {
    Scenario scenario;              // complete only when there are no problems
    std::vector<Problem> problems;  // sorted by place, at most kMaxProblemsPerFile
};

Loaded load_scenario(const std::string& file, const Surroundings& surroundings);
// The same from text; `file` names it.
Loaded read_scenario(const std::string& file, std::string text, const Surroundings& surroundings);

// Files below the paths (a file, or a directory that is searched), sorted; "*.scenario.json",
// ".yaml", ".yml".
std::vector<std::string> find_scenario_files(const std::vector<std::string>& paths);

}  // namespace scenarios
