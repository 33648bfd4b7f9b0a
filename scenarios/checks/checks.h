// Checks: the table of what is looked for before anything runs. A check is a row here and a
// function in one of the files of its layer; it reads the repository and nothing else. Silenced
// where it stands, with a reason: a comment "dodam-ignore ID: reason" in the file (the whole file),
// or { "id", "reason" } in dodam.json's "ignore".
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/checks/finding.h"
#include "scenarios/checks/repository.h"
#include "scenarios/workflow/model.h"

namespace checks {

// What checks share, read once.
struct Project {
    const Repository& repository;
    std::string stack_file;  // "" = none
    base::Node stack;        // as written, references and all
    std::vector<std::pair<std::string, base::Node>> task_definitions;  // path, document
    std::vector<workflow::Workflow> workflows;                         // those that GitHub reads
};
Project open_project(const Repository& repository, const std::string& stack_file);

// What a check says; its id, severity and layer come from its row.
class Report {
  public:
    Finding& add(std::string file, base::Position position, std::string message,
                 std::string next = {}) {
        return found_.emplace_back(Finding{.file = std::move(file),
                                           .position = position,
                                           .message = std::move(message),
                                           .next = std::move(next)});
    }
    std::vector<Finding>& found() { return found_; }

  private:
    std::vector<Finding> found_;
};

struct Check {
    std::string_view id;  // "DN001"
    Severity severity;
    std::string_view layer;
    std::string_view title;                 // one line
    std::string_view why;                   // cause and consequence
    std::string_view next;                  // what to do
    void (*look)(const Project&, Report&);  // nullptr: found in the gate, by what is served
    // Words of a failed step's message that this explains, "|" between; "" = none.
    std::string_view explains = {};
    std::string_view confirms = {};  // the id that says the same of what was read
};
std::span<const Check> all_checks();
const Check* find_check(std::string_view id);  // letters' case does not matter

// Every finding, sorted by place; silenced ones carry their reason. Workflow files are linted as
// well.
std::vector<Finding> look_at(const Repository& repository, const std::string& stack_file);
// Marks those that the repository silences.
void silence(const Project& project, std::vector<Finding>& findings);

// "error DN001: message", the place, the line with a caret, the next step.
std::string show(const Repository& repository, const Finding& finding);

// The rows' functions, by layer.
void workflow_place(const Project&, Report&);
void workflow_paths(const Project&, Report&);
void sync_without_invalidation(const Project&, Report&);
void page_kept_long(const Project&, Report&);
void container_names(const Project&, Report&);
void execution_role(const Project&, Report&);
void launch_type(const Project&, Report&);
void log_configuration(const Project&, Report&);
void plain_redis(const Project&, Report&);
void dockerfile_name(const Project&, Report&);
void first_process(const Project&, Report&);
void undeclared_packages(const Project&, Report&);
void tracked_env(const Project&, Report&);
void origin_slash(const Project&, Report&);
void wide_error_page(const Project&, Report&);
void not_forwarded(const Project&, Report&);
void cached_api(const Project&, Report&);
void deep_links(const Project&, Report&);
void local_address(const Project&, Report&);

}  // namespace checks
