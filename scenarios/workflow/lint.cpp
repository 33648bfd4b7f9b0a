#include "scenarios/workflow/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/text.h"
#include "scenarios/runner/source.h"
#include "scenarios/workflow/actions.h"
#include "scenarios/workflow/expression.h"
#include "scenarios/workflow/matrix.h"
#include "scenarios/workflow/version.h"

namespace workflow {
namespace {

namespace fs = std::filesystem;
using Severity = Finding::Severity;
using Names = std::vector<std::string>;

constexpr std::string_view kIds[] = {"always-true",      "bad-id",
                                     "context-not-here", "expression",
                                     "filters",          "invalidate-before-upload",
                                     "matrix",           "missing-input",
                                     "missing-key",      "needs-cycle",
                                     "no-id-token",      "pipefail",
                                     "rollback-unseen",  "script-injection",
                                     "step-kind",        "undefined-env",
                                     "undefined-input",  "undefined-matrix",
                                     "undefined-needs",  "undefined-output",
                                     "undefined-secret", "undefined-step",
                                     "undefined-var",    "unknown-action",
                                     "unknown-event",    "unknown-input",
                                     "unknown-job",      "unknown-key",
                                     "unknown-property", "unsupported",
                                     "workflow-place",   "wrong-case",
                                     "wrong-type",       "yaml"};

// GitHub docs, "Contexts reference › Context availability".
struct Place {
    std::string_view contexts;   // "" = no expression
    std::string_view functions;  // beside those that are always there
};
constexpr std::string_view kInStep =
    "github needs strategy matrix job runner env vars secrets steps inputs";
constexpr Place kRunName{"github inputs vars", ""}, kWorkflowEnv{"github secrets inputs vars", ""},
    kJobEnv{"github needs strategy matrix vars secrets inputs", ""},
    kJobIf{"github needs vars inputs", "always cancelled success failure"},
    kJobOther{"github needs strategy matrix vars inputs", ""}, kJobOutputs{kInStep, ""},
    kStrategy{"github needs vars inputs", ""},
    kJobDefaults{"github needs strategy matrix env vars inputs", ""},
    kJobWith{"github needs strategy matrix inputs vars", ""},
    kJobSecrets{"github needs strategy matrix secrets inputs vars", ""},
    kStepIf{"github needs strategy matrix job runner env vars steps inputs",
            "always cancelled success failure hashFiles"},
    kStep{kInStep, "hashFiles"},
    kEnvironmentUrl{"github needs strategy matrix job runner env vars steps inputs", ""},
    kConcurrency{"github needs strategy matrix inputs vars", ""};

bool has_word(std::string_view words, std::string_view word) {
    for (std::string_view each : base::split(words, ' '))
        if (base::equals_ignoring_case(each, word)) return true;
    return false;
}

const std::map<std::string_view, std::string_view> kProperties = {
    {"github",
     "action action_path action_ref action_repository action_status actor actor_id api_url "
     "artifact_cache_size_limit "
     "base_ref env event event_name event_path graphql_url head_ref job job_workflow_sha path ref "
     "ref_name "
     "ref_protected ref_type repository repository_id repository_owner repository_owner_id "
     "repositoryUrl "
     "retention_days run_attempt run_id run_number secret_source server_url sha state step_summary "
     "output token "
     "triggering_actor workflow workflow_ref workflow_sha workspace"},
    {"runner", "name os arch temp tool_cache debug environment"},
    {"job", "status container services check_run_id"},
    {"strategy", "fail-fast job-index job-total max-parallel"}};

// What a step's id offers.
struct StepFacts {
    std::optional<Names> outputs;  // nothing: not known
};

class Linter {
  public:
    Linter(const Workflow& workflow, const Surroundings& surroundings,
           std::vector<Finding>& findings)
        : workflow_(workflow), surroundings_(surroundings), findings_(findings) {}

    void run();

  private:
    void add(Severity severity, std::string id, Position at, std::string message,
             std::string hint = {}) {
        // The first finding at a place says enough.
        for (const Finding& each : findings_)
            if (each.position == at && each.id == id) return;
        findings_.push_back(
            {severity, std::move(id), workflow_.file, at, std::move(message), std::move(hint)});
    }
    void error(std::string id, Position at, std::string message, std::string hint = {}) {
        add(Severity::Error, std::move(id), at, std::move(message), std::move(hint));
    }
    void warning(std::string id, Position at, std::string message, std::string hint = {}) {
        add(Severity::Warning, std::move(id), at, std::move(message), std::move(hint));
    }
    static std::string near(std::string_view word, const Names& names) {
        const std::string found = base::closest(word, names);
        return found.empty() ? "" : fmt::format("did you mean '{}'?", found);
    }

    void text(const YamlNode* node, const Place& place);
    void condition(const YamlNode* node, const Place& place);
    void expression(const Expression& expression, const YamlNode& node, size_t base,
                    const Place& place);
    void reference(const Expression& expression, const YamlNode& node, size_t base);
    void job(const Job& job);
    void step(const Step& step, const Job& job);
    void uses(const Step& step, const Job& job, StepFacts& facts);
    void inputs_of(const Step& step, const std::string& name, const Names& known,
                   const Names& required);
    void script(const Step& step, const Job& job);
    void order(const Job& job);
    void called(const Job& job);

    const Workflow& workflow_;
    const Surroundings& surroundings_;
    std::vector<Finding>& findings_;
    const Job* job_ = nullptr;
    const Step* step_ = nullptr;
    std::map<std::string, StepFacts> steps_;  // of the job, those before this one
    Names later_steps_;
    std::optional<Names> matrix_;  // keys; nothing: not known
    std::set<std::string> env_;    // upper case
    bool env_known_ = true;
};

std::string file_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return std::move(out).str();
}

void Linter::text(const YamlNode* node, const Place& place) {
    if (!node) return;
    for (const YamlNode& item : node->items)
        text(&item, place);
    for (const YamlMember& member : node->members)
        text(&member.value, place);
    if (!node->is_scalar() || node->text.find("${{") == std::string::npos) return;
    auto pieces = split_template(node->text);
    if (!pieces) {
        error("expression", node->position_of(pieces.error().offset, workflow_.text),
              pieces.error().message);
        return;
    }
    for (const TemplatePiece& piece : *pieces) {
        if (!piece.is_expression) continue;
        auto parsed = parse_expression(piece.text);
        if (!parsed)
            error("expression",
                  node->position_of(piece.offset + parsed.error().offset, workflow_.text),
                  parsed.error().message);
        else
            expression(*parsed, *node, piece.offset, place);
    }
}

void Linter::condition(const YamlNode* node, const Place& place) {
    if (!node || !node->is_scalar()) return;
    if (node->text.find("${{") != std::string::npos) {
        auto pieces = split_template(node->text);
        if (pieces && pieces->size() > 1 &&
            std::ranges::any_of(*pieces, [](const TemplatePiece& piece) {
                return !piece.is_expression && !base::trim(piece.text).empty();
            }))
            error("always-true", node->position,
                  "this condition is always true: what stands around ${{ }} makes a text of it",
                  "put the whole condition inside ${{ }}, or leave the braces out");
        text(node, place);
        return;
    }
    if (base::trim(node->text).empty()) return;
    auto parsed = parse_expression(node->text);
    if (!parsed)
        error("expression", node->position_of(parsed.error().offset, workflow_.text),
              parsed.error().message);
    else
        expression(*parsed, *node, 0, place);
}

void Linter::expression(const Expression& each, const YamlNode& node, size_t base,
                        const Place& place) {
    const Position at = node.position_of(base + each.offset, workflow_.text);
    if (each.kind == Expression::Kind::Context) {
        constexpr std::string_view kAll =
            "github needs strategy matrix job jobs runner env vars secrets steps inputs";
        if (!has_word(kAll, each.name)) {
            Names names;
            for (std::string_view name : base::split(kAll, ' '))
                names.emplace_back(name);
            error("expression", at, fmt::format("there is no context '{}'", each.name),
                  near(each.name, names));
        } else if (!has_word(place.contexts, each.name)) {
            error("context-not-here", at,
                  fmt::format("the context '{}' is not available here", each.name),
                  fmt::format("available: {}",
                              base::replace_all(std::string(place.contexts), " ", ", ")));
        }
    }
    if (each.kind == Expression::Kind::Call) {
        const bool special = has_word("always cancelled success failure hashFiles", each.name);
        if (special && !has_word(place.functions, each.name))
            error("context-not-here", at,
                  fmt::format("the function {}() is not available here", each.name));
    }
    if (each.kind == Expression::Kind::Property) reference(each, node, base);
    for (const Expression& child : each.children)
        expression(child, node, base, place);
}

// `secrets.X`, `steps.X.outputs.Y` and their like, against what is defined.
void Linter::reference(const Expression& each, const YamlNode& node, size_t base) {
    const Position at = node.position_of(base + each.offset, workflow_.text);
    Names path;
    const Expression* root = &each;
    while (root->kind == Expression::Kind::Property) {
        path.insert(path.begin(), root->name);
        root = &root->children[0];
    }
    if (root->kind != Expression::Kind::Context) return;
    const std::string context = base::lower(root->name);
    const std::string& name = path[0];
    if (const auto known = kProperties.find(context);
        known != kProperties.end() && path.size() == 1) {
        Names names;
        for (std::string_view word : base::split(known->second, ' '))
            names.emplace_back(word);
        if (!has_word(known->second, name))
            warning("unknown-property", at,
                    fmt::format("{} has no property '{}': it is empty", context, name),
                    near(name, names));
    }
    auto listed = [&](const std::optional<std::set<std::string>>& names, const char* id,
                      const char* what, const char* where) {
        if (!names || path.size() != 1) return;
        if (std::ranges::any_of(*names,
                                [&](const auto& n) { return base::equals_ignoring_case(n, name); }))
            return;
        error(id, at, fmt::format("{} '{}' is not defined: it would be an empty text", what, name),
              [&] {
                  const std::string hint = near(name, Names(names->begin(), names->end()));
                  return hint.empty() ? std::string(where) : hint;
              }());
    };
    if (context == "secrets" && !base::equals_ignoring_case(name, "GITHUB_TOKEN")) {
        std::optional<std::set<std::string>> names = surroundings_.secrets;
        if (const YamlNode* interface = workflow_.event("workflow_call")) {
            const YamlNode* declared = interface->find("secrets");
            if (names && declared)
                for (const YamlMember& member : declared->members)
                    names->insert(member.key);
        }
        listed(names, "undefined-secret", "the secret",
               "list its name at workflow.secrets in dodam.json");
    }
    if (context == "vars")
        listed(surroundings_.vars, "undefined-var", "the variable",
               "define it at workflow.vars in dodam.json");
    if (context == "env" && path.size() == 1 && env_known_ && !env_.contains(name) &&
        !(step_ && step_->env && !step_->env->is_mapping())) {
        const bool own = step_ && step_->env && step_->env->find(name);
        if (!own)
            warning("undefined-env", at,
                    fmt::format("env.{} is set nowhere before: it would be an empty text", name),
                    near(name, Names(env_.begin(), env_.end())));
    }
    if (context == "matrix" && path.size() == 1 && job_) {
        if (!job_->strategy || !job_->strategy->find("matrix"))
            error("undefined-matrix", at, fmt::format("job '{}' has no matrix", job_->id));
        else if (matrix_ && std::ranges::find(*matrix_, name) == matrix_->end())
            error("undefined-matrix", at, fmt::format("the matrix has no '{}'", name),
                  near(name, *matrix_));
    }
    if (context == "inputs" && path.size() == 1) {
        Names names;
        for (const char* event : {"workflow_dispatch", "workflow_call"})
            if (const YamlNode* filters = workflow_.event(event))
                if (const YamlNode* inputs = filters->find("inputs"))
                    for (const YamlMember& member : inputs->members)
                        names.push_back(member.key);
        if (std::ranges::none_of(
                names, [&](const auto& n) { return base::equals_ignoring_case(n, name); }))
            error("undefined-input", at, fmt::format("the workflow has no input '{}'", name),
                  near(name, names));
    }
    if (context == "needs" && job_ && path.size() <= 3) {
        Names names;
        for (const auto& each_need : job_->needs)
            names.push_back(each_need.first);
        if (std::ranges::none_of(
                names, [&](const auto& n) { return base::equals_ignoring_case(n, name); })) {
            if (path.size() == 1)
                error("undefined-needs", at,
                      fmt::format("job '{}' does not need '{}'", job_->id, name),
                      workflow_.job(name) ? fmt::format("add it: needs: {}", name)
                                          : near(name, names));
        } else if (const Job* needed = workflow_.job(name);
                   needed && !needed->uses && path.size() == 3 &&
                   base::equals_ignoring_case(path[1], "outputs")) {
            Names outputs;
            if (needed->outputs)
                for (const YamlMember& member : needed->outputs->members)
                    outputs.push_back(member.key);
            if (std::ranges::none_of(
                    outputs, [&](const auto& n) { return base::equals_ignoring_case(n, path[2]); }))
                error("undefined-output", at,
                      fmt::format("job '{}' has no output '{}'", needed->id, path[2]),
                      near(path[2], outputs));
        } else if (path.size() == 2 && !has_word("outputs result", path[1])) {
            error("unknown-property", at,
                  fmt::format("needs.{} has no '{}': outputs and result it has", name, path[1]));
        }
    }
    if (context == "steps") {
        const auto found = std::ranges::find_if(steps_, [&](const auto& entry) {
            return base::equals_ignoring_case(entry.first, name);
        });
        if (found == steps_.end()) {
            if (path.size() != 1) return;
            Names names;
            for (const auto& entry : steps_)
                names.push_back(entry.first);
            const bool later = std::ranges::find(later_steps_, name) != later_steps_.end();
            error("undefined-step", at,
                  later ? fmt::format("step '{}' runs later: nothing is known of it yet", name)
                        : fmt::format("no step of this job has the id '{}'", name),
                  later ? "" : near(name, names));
        } else if (path.size() == 2 && !has_word("outputs outcome conclusion", path[1])) {
            error("unknown-property", at,
                  fmt::format("steps.{} has no '{}': outputs, outcome and conclusion it has", name,
                              path[1]));
        } else if (path.size() == 3 && found->second.outputs &&
                   base::equals_ignoring_case(path[1], "outputs")) {
            const Names& outputs = *found->second.outputs;
            if (std::ranges::none_of(outputs, [&](const std::string& each_output) {
                    return each_output.ends_with('*')
                               ? base::lower(path[2]).starts_with(
                                     each_output.substr(0, each_output.size() - 1))
                               : base::equals_ignoring_case(each_output, path[2]);
                }))
                error("undefined-output", at,
                      fmt::format("step '{}' has no output '{}'", name, path[2]),
                      near(path[2], outputs));
        }
    }
}

void Linter::inputs_of(const Step& step, const std::string& name, const Names& known,
                       const Names& required) {
    Names given;
    if (step.with && step.with->is_mapping())
        for (const YamlMember& member : step.with->members) {
            given.push_back(base::lower(member.key));
            if (std::ranges::none_of(known, [&](const auto& n) {
                    return base::equals_ignoring_case(n, member.key);
                }))
                warning("unknown-input", member.key_position,
                        fmt::format("{} has no input '{}': it would be ignored", name, member.key),
                        near(member.key, known));
        }
    for (const std::string& input : required)
        if (std::ranges::find(given, base::lower(input)) == given.end())
            error("missing-input", step.uses->position,
                  fmt::format("{} needs the input '{}'", name, input));
}

void Linter::uses(const Step& step, const Job& job, StepFacts& facts) {
    const std::string& written = step.uses->text;
    const auto parsed = parse_uses(written);
    if (!parsed) {
        error("unknown-action", step.uses->position,
              fmt::format("'{}' names no action: owner/name@version, ./path", written));
        return;
    }
    if (parsed->kind == Uses::Kind::Docker) {
        error("unsupported", step.uses->position,
              fmt::format("{}: actions in containers cannot run here", written));
        return;
    }
    std::string directory;
    if (parsed->kind == Uses::Kind::Local) {
        directory = (fs::path(surroundings_.repository) / parsed->name).lexically_normal().string();
    } else {
        directory = surroundings_.repository + "/.dodam/actions/" + parsed->name + "@" +
                    parsed->ref + (parsed->path.empty() ? "" : "/" + parsed->path);
    }
    while (directory.ends_with('/'))
        directory.pop_back();
    if (!surroundings_.repository.empty() && fs::exists(directory)) {
        std::string file = directory + "/action.yml";
        if (!fs::exists(file)) file = directory + "/action.yaml";
        std::vector<Finding> problems;
        auto action =
            fs::exists(file) ? parse_action(file, file_text(file), problems) : std::nullopt;
        for (const Finding& problem : problems)
            if (problem.severity == Severity::Error)
                error(problem.id, step.uses->position,
                      fmt::format("{}:{}:{}: {}", file, problem.position.line,
                                  problem.position.column, problem.message));
        if (!action) {
            if (problems.empty())
                error("unknown-action", step.uses->position,
                      fmt::format("there is no action.yml in {}", directory));
            return;
        }
        Names known, required, outputs;
        for (const ActionInput& input : action->inputs) {
            known.push_back(input.name);
            if (input.required && input.fallback.empty()) required.push_back(input.name);
        }
        inputs_of(step, written, known, required);
        if (action->outputs)
            for (const YamlMember& member : action->outputs->members)
                outputs.push_back(member.key);
        facts.outputs = std::move(outputs);
        return;
    }
    if (parsed->kind == Uses::Kind::Local) {
        // An earlier step may make it.
        if (!surroundings_.repository.empty())
            error("unknown-action", step.uses->position,
                  fmt::format("there is no {} in the repository", parsed->name));
        return;
    }
    const BuiltInAction* action = parsed->path.empty() ? built_in_action(parsed->name) : nullptr;
    if (!action) {
        Names names;
        for (const BuiltInAction& each : built_in_actions())
            names.emplace_back(each.name);
        const std::string hint = near(parsed->name, names);
        error("unknown-action", step.uses->position,
              fmt::format("the action {} is neither built in nor vendored", written),
              hint.empty()
                  ? fmt::format("put its files at .dodam/actions/{}@{}", parsed->name, parsed->ref)
                  : hint);
        return;
    }
    Names known, required, outputs;
    for (const BuiltInInput& input : action->inputs) {
        known.emplace_back(input.name);
        if (input.required) required.emplace_back(input.name);
    }
    inputs_of(step, std::string(action->name), known, required);
    for (std::string_view output : action->outputs)
        outputs.emplace_back(output);
    facts.outputs = std::move(outputs);

    auto given = [&](std::string_view input) {
        const YamlNode* found = step.with ? step.with->find(input) : nullptr;
        return found ? found->text : std::string();
    };
    if (action->name == "aws-actions/configure-aws-credentials" &&
        !given("role-to-assume").empty() && given("aws-access-key-id").empty() &&
        given("web-identity-token-file").empty() && given("role-chaining") != "true") {
        const YamlNode* permissions = job.permissions ? job.permissions : workflow_.permissions;
        const bool granted =
            permissions &&
            (permissions->text == "write-all" ||
             (permissions->find("id-token") && permissions->find("id-token")->text == "write"));
        if (!granted)
            error("no-id-token", step.uses->position,
                  "a role is assumed by the job's identity, and the job may not ask for one",
                  "permissions: { id-token: write, contents: read }");
    }
    if (action->name == "aws-actions/amazon-ecs-deploy-task-definition" &&
        given("wait-for-service-stability") == "true") {
        const auto pinned = parse_version(parsed->ref);
        const bool whole = std::ranges::count(parsed->ref, '.') == 2;
        if (pinned && ((*pinned)[0] < 2 || (whole && *pinned < Version{2, 6, 2})))
            warning(
                "rollback-unseen", step.uses->position,
                fmt::format(
                    "{} reports a deployment that was rolled back as success; it is judged here",
                    written),
                "v2.6.2 and later verify the deployment");
    }
}

void Linter::script(const Step& step, const Job& job) {
    std::string shell = step.shell ? step.shell->text : "";
    for (const YamlNode* defaults : {job.defaults, workflow_.defaults})
        if (const YamlNode* run = defaults ? defaults->find("run") : nullptr; run && shell.empty())
            if (const YamlNode* given = run->find("shell")) shell = given->text;
    if (shell == "pwsh" || shell == "powershell" || shell == "cmd")
        error("unsupported", step.shell ? step.shell->position : step.run->position,
              fmt::format("shell: {} cannot run here: steps run on Linux, without PowerShell",
                          shell));
    if (shell.empty() && step.run->text.find("pipefail") == std::string::npos)
        for (std::string_view line : base::split(step.run->text, '\n')) {
            const size_t bar = line.find(" | ");
            if (bar == line.npos || base::trim(line).starts_with('#')) continue;
            warning("pipefail",
                    step.run->position_of(
                        static_cast<size_t>(line.data() - step.run->text.data()) + bar + 1,
                        workflow_.text),
                    "without `shell: bash` a failure before this pipe goes unseen",
                    "shell: bash adds -o pipefail; the default shell does not");
            break;
        }
    auto pieces = split_template(step.run->text);
    if (!pieces) return;
    for (const TemplatePiece& piece : *pieces) {
        const std::string text = base::lower(base::trim(piece.text));
        const bool foreign = text.starts_with("github.event.") || text == "github.head_ref";
        const bool number =
            text.ends_with(".number") || text.ends_with(".id") || text.ends_with(".sha");
        if (piece.is_expression && foreign && !number)
            warning("script-injection", step.run->position_of(piece.offset, workflow_.text),
                    "text that others write becomes part of the script",
                    "hand it over in env:, and use \"$NAME\"");
    }
}

void Linter::step(const Step& step, const Job& job) {
    step_ = &step;
    text(step.name, kStep);
    condition(step.condition, kStepIf);
    text(step.env, kStep);
    text(step.with, kStep);
    text(step.run, kStep);
    text(step.working_directory, kStep);
    text(step.continue_on_error, kStep);
    text(step.timeout, kStep);
    StepFacts facts;
    if (step.run) script(step, job);
    if (step.uses) uses(step, job, facts);
    if (!step.id.empty()) steps_[step.id] = std::move(facts);
    // From here on, names may come from the step's own program.
    if (step.run && step.run->text.find("GITHUB_ENV") != std::string::npos) env_known_ = false;
    if (step.uses) {
        const auto parsed = parse_uses(step.uses->text);
        if (!parsed || !built_in_action(parsed->name)) env_known_ = false;
        if (parsed && base::lower(parsed->name) == "aws-actions/configure-aws-credentials")
            for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID",
                                     "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
                env_.insert(name);
    }
    step_ = nullptr;
}

// What comes before what it must follow.
void Linter::order(const Job& job) {
    const Step* invalidation = nullptr;
    for (const Step& step : job.steps) {
        const std::string script = step.run ? step.run->text : "";
        const size_t upload = std::min(script.find("s3 sync"), script.find("s3 cp"));
        const size_t invalidate = script.find("create-invalidation");
        if (upload != std::string::npos &&
            (invalidation || (invalidate != std::string::npos && invalidate < upload)))
            warning(
                "invalidate-before-upload",
                invalidation ? invalidation->run->position
                             : step.run->position_of(invalidate, workflow_.text),
                "the invalidation runs before the upload: the edge may keep the old files again",
                "upload, then invalidate");
        if (invalidate != std::string::npos) invalidation = &step;
    }
}

void Linter::called(const Job& job) {
    const auto parsed = parse_uses(job.uses->text);
    if (!parsed || parsed->kind != Uses::Kind::Local) {
        error(
            "unsupported", job.uses->position,
            fmt::format("'{}' is a workflow of another repository; those of this one can be called",
                        job.uses->text),
            "uses: ./.github/workflows/NAME.yml");
        return;
    }
    if (surroundings_.repository.empty()) return;
    const std::string path =
        (fs::path(surroundings_.repository) / parsed->name).lexically_normal().string();
    if (!fs::exists(path)) {
        error("unknown-action", job.uses->position, fmt::format("there is no {}", parsed->name));
        return;
    }
    std::vector<Finding> problems;
    auto other = parse_workflow(parsed->name.substr(2), file_text(path), problems);
    const YamlNode* interface = other ? other->event("workflow_call") : nullptr;
    if (!interface) {
        error("unknown-action", job.uses->position,
              fmt::format("{} has no on: workflow_call", parsed->name));
        return;
    }
    Names known;
    if (const YamlNode* inputs = interface->find("inputs"))
        for (const YamlMember& member : inputs->members) {
            known.push_back(member.key);
            const YamlNode* required = member.value.find("required");
            if (required && required->text == "true" && !member.value.find("default") &&
                !(job.with && job.with->find(member.key)))
                error("missing-input", job.uses->position,
                      fmt::format("{} needs the input '{}'", parsed->name, member.key));
        }
    if (job.with)
        for (const YamlMember& member : job.with->members)
            if (std::ranges::find(known, member.key) == known.end())
                error("unknown-input", member.key_position,
                      fmt::format("{} has no input '{}'", parsed->name, member.key),
                      near(member.key, known));
}

void Linter::job(const Job& job) {
    job_ = &job;
    steps_.clear();
    later_steps_.clear();
    env_.clear();
    env_known_ = true;
    for (const YamlNode* env : {workflow_.env, job.env})
        if (env && env->is_mapping())
            for (const YamlMember& member : env->members)
                env_.insert(member.key);
        else if (env && !env->is_null())
            env_known_ = false;
    for (const char* name : {"CI", "PATH", "HOME"})
        env_.insert(name);
    matrix_.reset();
    const YamlNode* matrix = job.strategy ? job.strategy->find("matrix") : nullptr;
    if (matrix && matrix->is_mapping()) {
        Names keys;
        bool known = true, plain = true;
        for (const YamlMember& member : matrix->members) {
            plain = plain && member.value.text.find("${{") == std::string::npos;
            if (member.key != "include" && member.key != "exclude") keys.push_back(member.key);
            if (member.key != "include") continue;
            if (!member.value.is_sequence()) known = false;
            for (const YamlNode& item : member.value.items)
                for (const YamlMember& each : item.members)
                    keys.push_back(each.key);
        }
        if (known) matrix_ = std::move(keys);
        if (plain)
            if (auto expanded = expand_matrix(value_of(*matrix)); !expanded)
                error("matrix", matrix->position, expanded.error());
    }
    condition(job.condition, kJobIf);
    text(job.name, kJobOther);
    text(job.runs_on, kJobOther);
    text(job.timeout, kJobOther);
    text(job.continue_on_error, kJobOther);
    text(job.strategy, kStrategy);
    text(job.env, kJobEnv);
    text(job.defaults, kJobDefaults);
    text(job.concurrency, kConcurrency);
    text(job.with, kJobWith);
    text(job.secrets, kJobSecrets);
    if (job.container)
        error("unsupported", job.container->position,
              "'container' cannot run here: steps run on this machine, closed",
              "leave it out, or install what the steps need");
    if (job.services)
        error("unsupported", job.services->position,
              "'services' cannot run here: the stack is what steps may reach");
    if (job.uses) called(job);
    for (const Step& each : job.steps)
        if (!each.id.empty()) later_steps_.push_back(each.id);
    for (const Step& each : job.steps) {
        step(each, job);
        std::erase(later_steps_, each.id);
    }
    if (job.environment && job.environment->is_mapping()) {
        text(job.environment->find("name"), kJobOther);
        text(job.environment->find("url"), kEnvironmentUrl);
    } else {
        text(job.environment, kJobOther);
    }
    text(job.outputs, kJobOutputs);
    order(job);
    job_ = nullptr;
}

void Linter::run() {
    const fs::path path(workflow_.file);
    if (path.parent_path().generic_string() != ".github/workflows")
        error("workflow-place", {1, 1},
              fmt::format("GitHub does not look at {}: workflows are files of .github/workflows, "
                          "not below it",
                          workflow_.file));
    else if (path.extension() != ".yml" && path.extension() != ".yaml")
        error("workflow-place", {1, 1},
              fmt::format("GitHub reads .yml and .yaml, not {}", path.filename().string()));
    (void)in_order(workflow_, findings_);
    text(workflow_.root->find("run-name"), kRunName);
    env_known_ = false;
    text(workflow_.env, kWorkflowEnv);
    text(workflow_.root->find("concurrency"), kRunName);
    for (const Job& each : workflow_.jobs)
        job(each);
}

}  // namespace

std::vector<Finding> lint(const Workflow& workflow, const Surroundings& surroundings) {
    std::vector<Finding> findings;
    Linter(workflow, surroundings, findings).run();
    return findings;
}

std::vector<Finding> lint(const std::string& file, const std::string& text,
                          const Surroundings& surroundings) {
    std::vector<Finding> findings;
    auto workflow = parse_workflow(file, text, findings);
    if (workflow) Linter(*workflow, surroundings, findings).run();
    std::ranges::stable_sort(findings, {}, &Finding::position);
    return findings;
}

bool has_errors(const std::vector<Finding>& findings) {
    return std::ranges::any_of(
        findings, [](const Finding& each) { return each.severity == Severity::Error; });
}

std::string show(const Finding& finding, const std::string& text) {
    const scenarios::Source source{finding.file, text};
    std::string out =
        fmt::format("{}[{}]: {}\n", finding.severity == Severity::Error ? "error" : "warning",
                    finding.id, finding.message);
    out += scenarios::show_place(source, finding.position, 1, "");
    if (!finding.hint.empty()) out += fmt::format("  = {}\n", finding.hint);
    return out;
}

std::vector<std::string_view> lint_ids() {
    return {std::begin(kIds), std::end(kIds)};
}

}  // namespace workflow
