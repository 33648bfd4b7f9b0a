// Workflow files and action files as they are written, with positions. Texts with expressions stay
// as they are until their turn comes. Source: GitHub docs, "Workflow syntax for GitHub Actions" and
// "Metadata syntax".
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/workflow/yaml.h"

namespace workflow {

// A static problem, or a remark. `id` names its paragraph in scenarios/workflow/README.md.
struct Finding {
    enum class Severity { Error, Warning } severity = Severity::Error;
    std::string id, file;
    Position position;
    std::string message, hint;
};

struct Step {
    const YamlNode* node = nullptr;
    std::string id;
    const YamlNode *name = nullptr, *condition = nullptr, *uses = nullptr, *run = nullptr,
                   *shell = nullptr, *working_directory = nullptr, *with = nullptr, *env = nullptr,
                   *continue_on_error = nullptr, *timeout = nullptr;
};

struct Job {
    std::string id;
    Position position;  // of its key
    const YamlNode* node = nullptr;
    std::vector<std::pair<std::string, Position>> needs;
    std::vector<Step> steps;
    const YamlNode *name = nullptr, *condition = nullptr, *env = nullptr, *outputs = nullptr,
                   *strategy = nullptr, *defaults = nullptr, *permissions = nullptr,
                   *uses = nullptr, *with = nullptr, *secrets = nullptr, *timeout = nullptr,
                   *continue_on_error = nullptr, *runs_on = nullptr, *environment = nullptr,
                   *container = nullptr, *services = nullptr, *concurrency = nullptr;
};

struct Workflow {
    std::string file, text;
    std::shared_ptr<const YamlNode> root;
    std::string name;  // as written, or the file
    std::vector<std::pair<std::string, const YamlNode*>>
        events;  // "push", its filters (may be null)
    const YamlNode *env = nullptr, *defaults = nullptr, *permissions = nullptr;
    std::vector<Job> jobs;

    const Job* job(std::string_view id) const;
    const YamlNode* event(std::string_view name) const;  // its filters; nullptr: not started by it
};

// All problems of the structure go to `findings`; the workflow is what could be read. Nothing when
// it is no YAML.
std::optional<Workflow> parse_workflow(const std::string& file, std::string text,
                                       std::vector<Finding>& findings);

struct ActionInput {
    std::string name, fallback;
    bool required = false;
    std::string deprecation;
};

// action.yml of a local or vendored action.
struct ActionFile {
    std::string file, text, directory;
    std::shared_ptr<const YamlNode> root;
    std::string name;
    std::vector<ActionInput> inputs;
    const YamlNode* outputs = nullptr;
    std::string uses;  // "composite", "node20" …
    std::string main, pre, post, pre_if, post_if;
    std::vector<Step> steps;
};
std::optional<ActionFile> parse_action(const std::string& file, std::string text,
                                       std::vector<Finding>& findings);

// Whether the event as it happened starts the workflow. The reason when it does not.
struct Event {
    std::string name = "push", ref = "refs/heads/main";
    std::vector<std::string> changed_files;  // of the push; empty = not known, path filters match
};
std::optional<std::string> why_not_started(const Workflow& workflow, const Event& event);

// The jobs in an order in which each comes after what it needs; a cycle or an unknown name is a
// finding.
std::vector<const Job*> in_order(const Workflow& workflow, std::vector<Finding>& findings);

// "owner/name@ref", "owner/name/path@ref", "./path", "docker://…".
struct Uses {
    enum class Kind { Repository, Local, Docker } kind = Kind::Repository;
    std::string name;  // owner/name, or the path
    std::string path;  // below the repository
    std::string ref;
};
std::optional<Uses> parse_uses(std::string_view text);

}  // namespace workflow
