// Lint: what is wrong with a workflow, said before anything runs. Errors are what would fail or
// silently do nothing on GitHub (an undefined secret is an empty text); warnings are what
// surprises. Every id has a paragraph in scenarios/workflow/README.md.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "scenarios/workflow/model.h"

namespace workflow {

// What the repository's settings define; nothing = not known, and not judged.
struct Surroundings {
    std::string repository;  // directory that holds .github, "" = local actions are not read
    std::optional<std::set<std::string>> secrets, vars;
};

// `file` relative to the repository, as problems show it.
std::vector<Finding> lint(const std::string& file, const std::string& text,
                          const Surroundings& surroundings);
std::vector<Finding> lint(const Workflow& workflow, const Surroundings& surroundings);

bool has_errors(const std::vector<Finding>& findings);

// "error[undefined-secret]: …", the place, the line with a caret, the hint.
std::string show(const Finding& finding, const std::string& text);

// All ids, for a test that the page names each.
std::vector<std::string_view> lint_ids();

}  // namespace workflow
