#include "scenarios/workflow/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "base/text.h"
#include "scenarios/workflow/filters.h"

namespace workflow {
namespace {

using Words = std::initializer_list<std::string_view>;

const Words kTopKeys = {"name", "run-name", "on",          "permissions",
                        "env",  "defaults", "concurrency", "jobs"};
const Words kJobKeys = {"name",
                        "permissions",
                        "needs",
                        "if",
                        "runs-on",
                        "snapshot",
                        "environment",
                        "concurrency",
                        "outputs",
                        "env",
                        "defaults",
                        "steps",
                        "timeout-minutes",
                        "strategy",
                        "continue-on-error",
                        "container",
                        "services",
                        "uses",
                        "with",
                        "secrets"};
const Words kStepKeys = {"id",
                         "if",
                         "name",
                         "uses",
                         "run",
                         "working-directory",
                         "shell",
                         "with",
                         "env",
                         "continue-on-error",
                         "timeout-minutes"};
const Words kEvents = {"branch_protection_rule",
                       "check_run",
                       "check_suite",
                       "create",
                       "delete",
                       "deployment",
                       "deployment_status",
                       "discussion",
                       "discussion_comment",
                       "fork",
                       "gollum",
                       "issue_comment",
                       "issues",
                       "label",
                       "merge_group",
                       "milestone",
                       "page_build",
                       "public",
                       "pull_request",
                       "pull_request_review",
                       "pull_request_review_comment",
                       "pull_request_target",
                       "push",
                       "registry_package",
                       "release",
                       "repository_dispatch",
                       "schedule",
                       "status",
                       "watch",
                       "workflow_call",
                       "workflow_dispatch",
                       "workflow_run"};
const Words kPushFilters = {"branches",    "branches-ignore", "tags",
                            "tags-ignore", "paths",           "paths-ignore"};
const Words kPullFilters = {"types", "branches", "branches-ignore", "paths", "paths-ignore"};
const Words kScopes = {"actions",         "artifact-metadata",
                       "attestations",    "checks",
                       "contents",        "deployments",
                       "discussions",     "id-token",
                       "issues",          "models",
                       "packages",        "pages",
                       "pull-requests",   "repository-projects",
                       "security-events", "statuses"};

class Check {
  public:
    Check(const std::string& file, std::vector<Finding>& findings)
        : file_(file), findings_(findings) {}

    void error(std::string id, Position at, std::string message, std::string hint = {}) {
        findings_.push_back({Finding::Severity::Error, std::move(id), file_, at, std::move(message),
                             std::move(hint)});
    }
    void warning(std::string id, Position at, std::string message, std::string hint = {}) {
        findings_.push_back({Finding::Severity::Warning, std::move(id), file_, at,
                             std::move(message), std::move(hint)});
    }

    void keys(const YamlNode& node, Words allowed, std::string_view where) {
        const std::vector<std::string> names(allowed.begin(), allowed.end());
        for (const YamlMember& member : node.members) {
            if (std::ranges::find(names, member.key) != names.end()) continue;
            const auto meant = std::ranges::find_if(names, [&](const std::string& each) {
                return base::equals_ignoring_case(each, member.key);
            });
            const std::string near = base::closest(member.key, names);
            if (meant != names.end())
                error("wrong-case", member.key_position,
                      fmt::format("'{}' is written '{}' {}", member.key, *meant, where));
            else
                error("unknown-key", member.key_position,
                      fmt::format("unknown key '{}' {}", member.key, where),
                      near.empty() ? "known: " + base::join(names, ", ")
                                   : fmt::format("did you mean '{}'?", near));
        }
    }

    bool mapping(const YamlNode* node, std::string_view what) {
        if (!node) return false;
        if (node->is_mapping()) return true;
        error("wrong-type", node->position, fmt::format("{} is a mapping", what));
        return false;
    }
    // A mapping of texts, or one expression that gives it.
    void texts(const YamlNode* node, std::string_view what) {
        if (!node || node->is_null()) return;
        if (node->is_scalar() && node->text.find("${{") != std::string::npos) return;
        if (!mapping(node, what)) return;
        for (const YamlMember& member : node->members)
            if (!member.value.is_scalar())
                error("wrong-type", member.value.position,
                      fmt::format("{}.{} is a text", what, member.key));
    }
    void scalar(const YamlNode* node, std::string_view what) {
        if (node && !node->is_scalar())
            error("wrong-type", node->position, fmt::format("{} is a text", what));
    }
    void number(const YamlNode* node, std::string_view what) {
        if (!node) return;
        scalar(node, what);
        if (node->is_scalar() && node->text.find("${{") == std::string::npos &&
            value_of(*node).kind() != Value::Kind::Number)
            error("wrong-type", node->position, fmt::format("{} is a number", what));
    }
    void boolean(const YamlNode* node, std::string_view what) {
        if (!node) return;
        scalar(node, what);
        if (node->is_scalar() && node->text.find("${{") == std::string::npos &&
            value_of(*node).kind() != Value::Kind::Bool)
            error("wrong-type", node->position, fmt::format("{} is true or false", what),
                  one_of(node->text, {"yes", "no", "on", "off", "Yes", "No"})
                      ? "YAML 1.2, which GitHub reads, knows true and false only"
                      : "");
    }
    static bool one_of(std::string_view text, Words words) {
        return std::ranges::find(words, text) != words.end();
    }

  private:
    const std::string& file_;
    std::vector<Finding>& findings_;
};

bool is_id(std::string_view id) {
    if (id.empty() || id.size() > 100 || (id[0] >= '0' && id[0] <= '9') || id[0] == '-')
        return false;
    return id.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == id.npos;
}

void check_defaults(Check& check, const YamlNode* defaults) {
    if (!defaults || !check.mapping(defaults, "defaults")) return;
    check.keys(*defaults, {"run"}, "in defaults");
    if (const YamlNode* run = defaults->find("run"); run && check.mapping(run, "defaults.run"))
        check.keys(*run, {"shell", "working-directory"}, "in defaults.run");
}

void check_permissions(Check& check, const YamlNode* permissions) {
    if (!permissions) return;
    if (permissions->is_scalar()) {
        if (!Check::one_of(permissions->text, {"read-all", "write-all"}))
            check.error("wrong-type", permissions->position,
                        "permissions are a mapping, read-all or write-all");
        return;
    }
    if (!check.mapping(permissions, "permissions")) return;
    check.keys(*permissions, kScopes, "in permissions");
    for (const YamlMember& member : permissions->members)
        if (!Check::one_of(member.value.text, {"read", "write", "none"}))
            check.error("wrong-type", member.value.position,
                        fmt::format("permission {} is read, write or none", member.key));
        else if (member.key == "id-token" && member.value.text == "read")
            check.error("wrong-type", member.value.position,
                        "permission id-token is write or none");
}

std::vector<Step> read_steps(Check& check, const YamlNode& list, bool composite) {
    std::vector<Step> out;
    if (!list.is_sequence()) {
        check.error("wrong-type", list.position, "steps are a list");
        return out;
    }
    std::set<std::string> ids;
    for (const YamlNode& node : list.items) {
        if (!check.mapping(&node, "a step")) continue;
        check.keys(node, kStepKeys, "in a step");
        Step step;
        step.node = &node;
        step.name = node.find("name");
        step.condition = node.find("if");
        step.uses = node.find("uses");
        step.run = node.find("run");
        step.shell = node.find("shell");
        step.working_directory = node.find("working-directory");
        step.with = node.find("with");
        step.env = node.find("env");
        step.continue_on_error = node.find("continue-on-error");
        step.timeout = node.find("timeout-minutes");
        for (const char* key : {"name", "if", "uses", "run", "shell", "working-directory"})
            check.scalar(node.find(key), key);
        check.texts(step.env, "env");
        check.texts(step.with, "with");
        check.boolean(step.continue_on_error, "continue-on-error");
        check.number(step.timeout, "timeout-minutes");
        if (step.uses && step.run)
            check.error("step-kind", node.position, "a step has 'run' or 'uses', not both");
        if (!step.uses && !step.run)
            check.error("step-kind", node.position, "a step has 'run' or 'uses'");
        if (step.run && step.with)
            check.error("step-kind", step.with->position,
                        "'with' goes with 'uses', not with 'run'");
        if (step.uses && step.shell)
            check.error("step-kind", step.shell->position,
                        "'shell' goes with 'run', not with 'uses'");
        if (step.uses && step.working_directory)
            check.error("step-kind", step.working_directory->position,
                        "'working-directory' goes with 'run', not with 'uses'");
        if (composite && step.run && !step.shell)
            check.error("step-kind", node.position,
                        "a run step of a composite action needs 'shell'");
        if (const YamlNode* id = node.find("id")) {
            step.id = id->text;
            if (!is_id(step.id))
                check.error(
                    "bad-id", id->position,
                    fmt::format("'{}' is no id: letters, digits, - and _, not a digit first",
                                step.id));
            else if (!ids.insert(base::lower(step.id)).second)
                check.error("bad-id", id->position,
                            fmt::format("the id '{}' is used twice in this job", step.id));
        }
        out.push_back(std::move(step));
    }
    return out;
}

void check_event(Check& check, const std::string& name, Position at, const YamlNode* filters) {
    if (!Check::one_of(name, kEvents)) {
        std::vector<std::string> names(kEvents.begin(), kEvents.end());
        const std::string near = base::closest(name, names);
        check.error("unknown-event", at, fmt::format("there is no event '{}'", name),
                    near.empty() ? "" : fmt::format("did you mean '{}'?", near));
        return;
    }
    if (!filters || filters->is_null()) return;
    if (name == "push" && check.mapping(filters, "on.push"))
        check.keys(*filters, kPushFilters, "in on.push");
    if ((name == "pull_request" || name == "pull_request_target") &&
        check.mapping(filters, "on.pull_request"))
        check.keys(*filters, kPullFilters, "in on.pull_request");
    if (name == "workflow_dispatch" && check.mapping(filters, "on.workflow_dispatch"))
        check.keys(*filters, {"inputs"}, "in on.workflow_dispatch");
    if (name == "workflow_call" && check.mapping(filters, "on.workflow_call"))
        check.keys(*filters, {"inputs", "outputs", "secrets"}, "in on.workflow_call");
    for (const char* kind : {"branches", "tags", "paths"})
        if (filters->find(kind) && filters->find(std::string(kind) + "-ignore"))
            check.error("filters", filters->find(kind)->position,
                        fmt::format("{0} and {0}-ignore cannot both be given for one event", kind));
    if (const YamlNode* inputs = filters->find("inputs"); inputs && inputs->is_mapping())
        for (const YamlMember& input : inputs->members) {
            if (input.value.is_null() || !check.mapping(&input.value, "an input")) continue;
            check.keys(
                input.value,
                {"description", "required", "default", "type", "options", "deprecationMessage"},
                "in an input");
            if (const YamlNode* type = input.value.find("type");
                type && !Check::one_of(type->text,
                                       {"string", "boolean", "number", "choice", "environment"}))
                check.error("wrong-type", type->position,
                            "an input's type is string, boolean, number, choice or environment");
        }
}

Job read_job(Check& check, const YamlMember& member) {
    Job job;
    job.id = member.key;
    job.position = member.key_position;
    job.node = &member.value;
    if (!is_id(job.id))
        check.error(
            "bad-id", member.key_position,
            fmt::format("'{}' is no job id: letters, digits, - and _, not a digit first", job.id));
    if (!check.mapping(job.node, "a job")) return job;
    check.keys(*job.node, kJobKeys, fmt::format("in job '{}'", job.id));
    auto take = [&](std::string_view key) { return job.node->find(key); };
    job.name = take("name");
    job.condition = take("if");
    job.env = take("env");
    job.outputs = take("outputs");
    job.strategy = take("strategy");
    job.defaults = take("defaults");
    job.permissions = take("permissions");
    job.uses = take("uses");
    job.with = take("with");
    job.secrets = take("secrets");
    job.timeout = take("timeout-minutes");
    job.continue_on_error = take("continue-on-error");
    job.runs_on = take("runs-on");
    job.environment = take("environment");
    job.container = take("container");
    job.services = take("services");
    job.concurrency = take("concurrency");
    check.scalar(job.name, "name");
    check.scalar(job.condition, "if");
    check.texts(job.env, "env");
    check.texts(job.outputs, "outputs");
    check.number(job.timeout, "timeout-minutes");
    check.boolean(job.continue_on_error, "continue-on-error");
    check_defaults(check, job.defaults);
    check_permissions(check, job.permissions);
    if (job.strategy && check.mapping(job.strategy, "strategy")) {
        check.keys(*job.strategy, {"matrix", "fail-fast", "max-parallel"}, "in strategy");
        check.boolean(job.strategy->find("fail-fast"), "fail-fast");
        check.number(job.strategy->find("max-parallel"), "max-parallel");
    }
    if (const YamlNode* needs = take("needs")) {
        if (needs->is_scalar()) job.needs.emplace_back(needs->text, needs->position);
        for (const YamlNode& item : needs->items)
            job.needs.emplace_back(item.text, item.position);
    }
    if (job.uses) {
        for (const char* key : {"runs-on", "steps", "env", "container", "services", "outputs",
                                "timeout-minutes", "defaults", "environment"})
            if (const YamlNode* extra = take(key))
                check.error("step-kind", extra->position,
                            fmt::format("a job that calls a workflow ('uses') has no '{}'", key));
        return job;
    }
    if (!job.runs_on)
        check.error("missing-key", job.position, fmt::format("job '{}' has no runs-on", job.id));
    const YamlNode* steps = take("steps");
    if (!steps)
        check.error("missing-key", job.position, fmt::format("job '{}' has no steps", job.id));
    else
        job.steps = read_steps(check, *steps, false);
    return job;
}

std::vector<std::string> list_of(const YamlNode* node) {
    std::vector<std::string> out;
    if (!node) return out;
    if (node->is_scalar()) out.push_back(node->text);
    for (const YamlNode& item : node->items)
        out.push_back(item.text);
    return out;
}

}  // namespace

const Job* Workflow::job(std::string_view id) const {
    for (const Job& each : jobs)
        if (base::equals_ignoring_case(each.id, id)) return &each;
    return nullptr;
}

const YamlNode* Workflow::event(std::string_view wanted) const {
    static const YamlNode none;
    for (const auto& [name, filters] : events)
        if (name == wanted) return filters ? filters : &none;
    return nullptr;
}

// The document and where it came from, of a workflow or an action; false: it is not YAML.
template <class File>
static bool read_document(Check& check, const std::string& file, std::string text, File& into) {
    auto parsed = parse_yaml(text);
    if (!parsed) {
        check.error("yaml", parsed.error().position, parsed.error().message, parsed.error().hint);
        return false;
    }
    into.file = file;
    into.text = std::move(text);
    into.root = std::make_shared<const YamlNode>(std::move(*parsed));
    return true;
}

std::optional<Workflow> parse_workflow(const std::string& file, std::string text,
                                       std::vector<Finding>& findings) {
    Check check(file, findings);
    Workflow workflow;
    if (!read_document(check, file, std::move(text), workflow)) return {};
    const YamlNode& root = *workflow.root;
    if (!check.mapping(&root, "a workflow")) return {};
    check.keys(root, kTopKeys, "in a workflow");
    workflow.name = root.find("name") ? root.find("name")->text : file;
    workflow.env = root.find("env");
    workflow.defaults = root.find("defaults");
    workflow.permissions = root.find("permissions");
    check.texts(workflow.env, "env");
    check_defaults(check, workflow.defaults);
    check_permissions(check, workflow.permissions);

    const YamlNode* on = root.find("on");
    if (!on) {
        check.error("missing-key", {1, 1}, "a workflow says when it runs: 'on' is missing");
    } else if (on->is_mapping()) {
        for (const YamlMember& member : on->members) {
            check_event(check, member.key, member.key_position, &member.value);
            workflow.events.emplace_back(member.key,
                                         member.value.is_null() ? nullptr : &member.value);
        }
    } else {
        const std::vector<YamlNode> single = {*on};
        for (const YamlNode& item : on->is_scalar() ? single : on->items) {
            check_event(check, item.text, item.position, nullptr);
            workflow.events.emplace_back(item.text, nullptr);
        }
    }
    const YamlNode* jobs = root.find("jobs");
    if (!jobs || jobs->members.empty())
        check.error("missing-key", jobs ? jobs->position : Position{1, 1}, "a workflow has jobs");
    else
        for (const YamlMember& member : jobs->members)
            workflow.jobs.push_back(read_job(check, member));
    return workflow;
}

std::optional<ActionFile> parse_action(const std::string& file, std::string text,
                                       std::vector<Finding>& findings) {
    Check check(file, findings);
    ActionFile action;
    if (!read_document(check, file, std::move(text), action)) return {};
    const YamlNode& root = *action.root;
    const YamlNode* runs = root.find("runs");
    if (!runs || !runs->is_mapping()) {
        check.error("missing-key", {1, 1}, "an action says how it runs: 'runs' is missing");
        return {};
    }
    auto word = [&](const YamlNode& of, std::string_view key) {
        const YamlNode* found = of.find(key);
        return found ? found->text : std::string();
    };
    action.name = word(root, "name");
    action.outputs = root.find("outputs");
    if (const YamlNode* inputs = root.find("inputs"))
        for (const YamlMember& member : inputs->members) {
            ActionInput input;
            input.name = member.key;
            input.fallback = word(member.value, "default");
            input.required = word(member.value, "required") == "true";
            input.deprecation = word(member.value, "deprecationMessage");
            action.inputs.push_back(std::move(input));
        }
    action.uses = word(*runs, "using");
    action.main = word(*runs, "main");
    action.pre = word(*runs, "pre");
    action.post = word(*runs, "post");
    action.pre_if = word(*runs, "pre-if");
    action.post_if = word(*runs, "post-if");
    if (base::equals_ignoring_case(action.uses, "composite")) {
        if (const YamlNode* steps = runs->find("steps"))
            action.steps = read_steps(check, *steps, true);
    } else if (!base::lower(action.uses).starts_with("node")) {
        check.error("unknown-action", runs->position,
                    fmt::format("an action that runs with '{}' cannot run here: composite and "
                                "JavaScript actions do",
                                action.uses));
        return {};
    } else if (action.main.empty()) {
        check.error("missing-key", runs->position, "a JavaScript action names its 'main'");
        return {};
    }
    return action;
}

std::optional<std::string> why_not_started(const Workflow& workflow, const Event& event) {
    const YamlNode* filters = workflow.event(event.name);
    if (!filters) {
        std::vector<std::string> names;
        for (const auto& each : workflow.events)
            names.push_back(each.first);
        return fmt::format("the workflow is not started by {}: on: {}", event.name,
                           base::join(names, ", "));
    }
    if (event.name != "push" && event.name != "pull_request") return {};
    const bool tag = event.ref.starts_with("refs/tags/");
    const std::string name =
        event.ref.substr(std::min(event.ref.size(), event.ref.find('/', 5) + 1));
    auto list = [&](const char* key) { return list_of(filters->find(key)); };
    const auto branches = list("branches"), no_branches = list("branches-ignore");
    const auto tags = list("tags"), no_tags = list("tags-ignore");
    const bool branch_rules = !branches.empty() || !no_branches.empty();
    const bool tag_rules = !tags.empty() || !no_tags.empty();
    const auto& wanted = tag ? tags : branches;
    const auto& refused = tag ? no_tags : no_branches;
    const char* kind = tag ? "tag" : "branch";
    // Rules for the other kind alone mean that this kind starts nothing.
    if ((tag ? branch_rules : tag_rules) && !(tag ? tag_rules : branch_rules) &&
        event.name == "push")
        return fmt::format("{} {} starts nothing: on.push names {} only", kind, name,
                           tag ? "branches" : "tags");
    if (!wanted.empty() && !filters_match(wanted, name))
        return fmt::format("{} {} is not among on.{}.{}: {}", kind, name, event.name,
                           tag ? "tags" : "branches", base::join(wanted, ", "));
    if (!refused.empty() && filters_match(refused, name))
        return fmt::format("{} {} is among on.{}.{}-ignore", kind, name, event.name,
                           tag ? "tags" : "branches");
    if (tag || event.changed_files.empty()) return {};
    if (const auto paths = list("paths");
        !paths.empty() && std::ranges::none_of(event.changed_files, [&](const auto& each) {
            return filters_match(paths, each);
        }))
        return fmt::format("none of the {} changed file{} matches on.{}.paths",
                           event.changed_files.size(), event.changed_files.size() == 1 ? "" : "s",
                           event.name);
    if (const auto paths = list("paths-ignore");
        !paths.empty() && std::ranges::all_of(event.changed_files, [&](const auto& each) {
            return filters_match(paths, each);
        }))
        return fmt::format("every changed file matches on.{}.paths-ignore", event.name);
    return {};
}

std::vector<const Job*> in_order(const Workflow& workflow, std::vector<Finding>& findings) {
    Check check(workflow.file, findings);
    std::vector<const Job*> out;
    std::set<const Job*> done, open;
    std::function<void(const Job&)> visit = [&](const Job& job) {
        if (done.contains(&job)) return;
        open.insert(&job);
        for (const auto& [name, position] : job.needs) {
            const Job* needed = workflow.job(name);
            if (!needed) {
                std::vector<std::string> names;
                for (const Job& each : workflow.jobs)
                    names.push_back(each.id);
                const std::string near = base::closest(name, names);
                check.error("unknown-job", position,
                            fmt::format("job '{}' needs '{}', which is no job of this workflow",
                                        job.id, name),
                            near.empty() ? "" : fmt::format("did you mean '{}'?", near));
            } else if (open.contains(needed)) {
                check.error(
                    "needs-cycle", position,
                    fmt::format("job '{}' needs '{}', which waits for it in turn", job.id, name));
            } else {
                visit(*needed);
            }
        }
        open.erase(&job);
        done.insert(&job);
        out.push_back(&job);
    };
    for (const Job& job : workflow.jobs)
        visit(job);
    return out;
}

std::optional<Uses> parse_uses(std::string_view text) {
    text = base::trim(text);
    Uses uses;
    if (text.starts_with("docker://")) {
        uses.kind = Uses::Kind::Docker;
        uses.name = text.substr(9);
        return uses;
    }
    if (text.starts_with("./") || text.starts_with("../")) {
        uses.kind = Uses::Kind::Local;
        uses.name = text;
        return uses;
    }
    const size_t at = text.rfind('@');
    if (at == text.npos || at + 1 == text.size()) return {};
    uses.ref = text.substr(at + 1);
    const auto parts = base::split(text.substr(0, at), '/');
    if (parts.size() < 2 || parts[0].empty() || parts[1].empty()) return {};
    uses.name = std::string(parts[0]) + "/" + std::string(parts[1]);
    for (size_t i = 2; i < parts.size(); ++i)
        uses.path += (i > 2 ? "/" : "") + std::string(parts[i]);
    return uses;
}

}  // namespace workflow
