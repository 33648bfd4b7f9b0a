#include "scenarios/workflow/runner.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"
#include "base/thread.h"
#include "scenarios/workflow/actions.h"
#include "scenarios/workflow/expression.h"
#include "scenarios/workflow/files.h"
#include "scenarios/workflow/filters.h"
#include "scenarios/workflow/matrix.h"
#include "scenarios/workflow/schedule.h"

namespace workflow {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;
using Texts = std::map<std::string, std::string>;

constexpr double kJobMinutes = 360;  // GitHub's default
constexpr size_t kMaxCallDepth = 4;  // of reusable workflows
constexpr size_t kMaxActionDepth = 10;
constexpr size_t kShortestMask = 6;

double seconds_since(Steady::time_point begun) {
    return std::chrono::duration<double>(Steady::now() - begun).count();
}

std::string read_all(const std::string& path, size_t at_most = kMaxFileBytes) {
    std::ifstream in(path, std::ios::binary);
    std::string text;
    char bytes[16 * 1024];
    while (text.size() < at_most && (in.read(bytes, sizeof bytes), in.gcount() > 0))
        text.append(bytes, static_cast<size_t>(in.gcount()));
    if (text.size() > at_most) text.resize(at_most);
    return text;
}

bool write_all(const std::string& path, std::string_view text) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.flush();
    return out.good();
}

std::string owner_of(const std::string& repository) {
    return std::string(base::cut(repository, '/').first);
}

std::string ref_name(const std::string& ref) {
    for (std::string_view prefix : {"refs/heads/", "refs/tags/", "refs/pull/"})
        if (ref.starts_with(prefix)) return ref.substr(prefix.size());
    return ref;
}

// A run stops with a sentence: an expression that cannot be evaluated, a file that cannot be read.
struct Trouble {
    std::string message;
    Position position;
};

template <class T>
using Outcome = std::expected<T, Trouble>;

// What a workflow file's expressions are evaluated in, and where its nodes stand.
struct FileScope {
    const std::string& file;
    const std::string& text;
};

Outcome<Value> expand_node(const YamlNode& node, const Scope& scope, const FileScope& file,
                           Keep keep) {
    if (node.is_scalar()) {
        if (node.text.find("${{") == std::string::npos)
            return keep == Keep::Text ? Value(node.text) : value_of(node);
        auto value = expand(node.text, scope, keep);
        if (!value)
            return std::unexpected(
                Trouble{value.error().message, node.position_of(value.error().offset, file.text)});
        return *value;
    }
    if (node.is_sequence()) {
        std::vector<Value> items;
        for (const YamlNode& item : node.items)
            items.push_back(TRY(expand_node(item, scope, file, Keep::Kind)));
        return Value::array(std::move(items));
    }
    Value out = Value::object();
    for (const YamlMember& member : node.members)
        out.set(member.key, TRY(expand_node(member.value, scope, file, Keep::Kind)));
    return out;
}

Outcome<std::string> expand_text(const YamlNode* node, const Scope& scope, const FileScope& file,
                                 const std::string& fallback = {}) {
    if (!node) return fallback;
    return TRY(expand_node(*node, scope, file, Keep::Text)).to_text();
}

Outcome<Texts> expand_texts(const YamlNode* node, const Scope& scope, const FileScope& file) {
    Texts out;
    if (!node) return out;
    const Value value = TRY(expand_node(*node, scope, file, Keep::Kind));
    // As they are written, so that 1.10 stays 1.10.
    if (node->is_mapping()) {
        for (const YamlMember& member : node->members)
            out[member.key] = TRY(expand_text(&member.value, scope, file));
        return out;
    }
    for (const auto& [name, member] : value.members())
        out[name] = member.to_text();
    return out;
}

Outcome<bool> decide(const YamlNode* node, const Scope& scope, const FileScope& file) {
    auto parsed = parse_condition(node ? node->text : "");
    auto at = [&](const ExpressionError& error) {
        return std::unexpected(
            Trouble{error.message, node ? node->position_of(error.offset, file.text) : Position{}});
    };
    if (!parsed) return at(parsed.error());
    auto value = evaluate(*parsed, scope);
    if (!value) return at(value.error());
    return value->truthy();
}

Value object_of(const Texts& texts) {
    std::vector<Value::Member> members;
    for (const auto& [name, value] : texts)
        members.emplace_back(name, Value(value));
    return Value::object(std::move(members));
}

// ---- one run

class Run;

class OneAtATime final : public Progress {
  public:
    explicit OneAtATime(Progress& told) : told_(told) {}
    void job_begins(const JobResult& job) override { tell(&Progress::job_begins, job); }
    void step_begins(const JobResult& job, const StepResult& step) override {
        tell(&Progress::step_begins, job, step);
    }
    void line(const JobResult& job, std::string_view text) override {
        tell(&Progress::line, job, text);
    }
    void group_begins(const JobResult& job, std::string_view title) override {
        tell(&Progress::group_begins, job, title);
    }
    void group_ends(const JobResult& job) override { tell(&Progress::group_ends, job); }
    void annotation(const JobResult& job, const Annotation& each) override {
        tell(&Progress::annotation, job, each);
    }
    void step_ends(const JobResult& job, const StepResult& step) override {
        tell(&Progress::step_ends, job, step);
    }
    void job_ends(const JobResult& job) override { tell(&Progress::job_ends, job); }

  private:
    template <class Member, class... Things>
    void tell(Member member, const Things&... things) {
        std::lock_guard lock(mutex_);
        (told_.*member)(things...);
    }
    std::mutex mutex_;
    Progress& told_;
};

struct JobContext {
    const Workflow& workflow;
    const Job& job;
    Value inputs, needs, matrix, strategy;
    Texts secrets;
    std::string prefix;               // "call / "
    const std::atomic<bool>* cancel;  // this job
    const std::atomic<bool>* stop;    // the whole run
};

class JobRun {
  public:
    JobRun(Run& run, JobContext context, JobResult& result)
        : run_(run), context_(std::move(context)), result_(result) {}
    void execute();

  private:
    // The steps of the job, or those of a composite action.
    struct Level {
        FileScope file;
        Value inputs;
        Value steps = Value::object();
        std::string action_path, action_repository;
        const YamlNode* defaults[2] = {nullptr, nullptr};  // job's, workflow's
        bool failed = false;
        size_t depth = 0;
    };
    struct Post {
        std::string name;
        Position position;
        std::string file;
        std::string condition;
        std::function<void(StepResult&)> run;
    };

    Scope scope_of(const Level& level, const Texts& environment);
    Texts steps_environment(const Texts& environment, const Level& level,
                            const std::string& action);
    Outcome<void> prepare();
    void run_level(const std::vector<Step>& steps, Level& level);
    void run_step(const Step& step, Level& level);
    Outcome<bool> act(const Step& step, Level& level, Texts environment, StepResult& result,
                      Assignments& outputs);
    Outcome<bool> run_script(const Step& step, Level& level, const Texts& environment,
                             const Scope& scope, milliseconds limit, StepResult& result,
                             Assignments& outputs);
    Outcome<bool> use_action(const Step& step, Level& level, const Texts& environment,
                             const Scope& scope, milliseconds limit, StepResult& result,
                             Assignments& outputs);
    bool use_built_in(const BuiltInAction& action, const Texts& inputs, const Texts& environment,
                      const Level& level, milliseconds limit, StepResult& result,
                      Assignments& outputs);
    Outcome<bool> use_file(const ActionFile& action, const Texts& inputs, const Texts& environment,
                           const Level& level, milliseconds limit, StepResult& result,
                           Assignments& outputs);
    bool run_program(const std::vector<std::string>& command, Texts environment,
                     const std::string& directory, milliseconds limit, StepResult& result,
                     Assignments& outputs, Assignments* saved);
    void run_posts();
    void say(std::string_view line, StepResult& result, Assignments& outputs, Assignments* saved);
    void annotate(StepResult& result, Annotation annotation);
    void fail(StepResult& result, std::string message, Position at = {});
    bool read_back(StepResult& result, Assignments& outputs, Assignments* saved);
    void set_environment(StepResult& result, const std::string& name, const std::string& value);
    std::string mask(std::string_view text) const;
    void hide(const std::string& value);
    milliseconds left() const;
    std::string search_path() const;
    // What ends a program: of a job that is cancelled, the one that runs; those of always() run.
    const std::atomic<bool>* stop() const { return cancelled_ ? context_.stop : context_.cancel; }

    Run& run_;
    JobContext context_;
    JobResult& result_;
    Texts environment_;               // env: of workflow and job, then GITHUB_ENV
    std::vector<std::string> paths_;  // GITHUB_PATH, the newest first
    std::vector<Post> posts_;
    std::vector<std::unique_ptr<ActionFile>> actions_;
    std::string workspace_, temporary_, home_, files_;
    std::string stop_token_;
    bool cancelled_ = false;
    Steady::time_point begun_ = Steady::now();
    double limit_minutes_ = kJobMinutes;
    size_t counter_ = 0;
    std::vector<std::string> masks_;
    std::string current_action_;
    std::unique_ptr<Host> host_;
};

// What the jobs of a run have in common; nothing of it changes while they run.
class Run {
  public:
    Run(const Setup& setup, Progress& progress) : setup(setup), progress(progress) {
        id = std::to_string(1'000'000'000 + base::crc32(0, setup.sha) % 1'000'000'000);
    }

    const Setup& setup;
    OneAtATime progress;
    std::string id;
    std::string workflow_name, workflow_file;

    Value github(const std::string& job, const std::string& workspace) const {
        const Event& event = setup.event;
        Value out = Value::object();
        const bool tag = event.ref.starts_with("refs/tags/");
        const std::pair<const char*, std::string> rows[] = {
            {"action", ""},
            {"actor", setup.actor},
            {"actor_id", "1"},
            {"api_url", "https://api.github.com"},
            {"base_ref", ""},
            {"event_name", event.name},
            {"event_path", setup.scratch + "/event.json"},
            {"graphql_url", "https://api.github.com/graphql"},
            {"head_ref", ""},
            {"job", job},
            {"ref", event.ref},
            {"ref_name", ref_name(event.ref)},
            {"ref_type", tag ? "tag" : "branch"},
            {"repository", setup.repository_name},
            {"repository_id", "1"},
            {"repository_owner", owner_of(setup.repository_name)},
            {"repository_owner_id", "1"},
            {"repositoryUrl", "git://github.com/" + setup.repository_name + ".git"},
            {"retention_days", "90"},
            {"run_attempt", "1"},
            {"run_id", id},
            {"run_number", "1"},
            {"secret_source", "Actions"},
            {"server_url", "https://github.com"},
            {"sha", setup.sha},
            {"token", kDummyToken},
            {"triggering_actor", setup.actor},
            {"workflow", workflow_name},
            {"workflow_ref", setup.repository_name + "/" + workflow_file + "@" + event.ref},
            {"workflow_sha", setup.sha},
            {"workspace", workspace},
        };
        for (const auto& [name, value] : rows)
            out.set(name, value);
        out.set("ref_protected", false);
        out.set("event", setup.event_payload);
        return out;
    }

    static constexpr const char* kDummyToken = "ghs_dodam_dummy_token";
};

Value runner_context(const std::string& temporary, const std::string& tool_cache) {
    Value out = Value::object();
    out.set("name", "dodam");
    out.set("os", "Linux");
#ifdef __aarch64__
    out.set("arch", "ARM64");
#else
    out.set("arch", "X64");
#endif
    out.set("temp", temporary);
    out.set("tool_cache", tool_cache);
    out.set("environment", "self-hosted");
    out.set("debug", "");
    return out;
}

std::expected<std::string, std::string> hash_files(const std::string& workspace,
                                                   const std::vector<std::string>& patterns) {
    std::vector<std::string> lines, paths;
    for (const std::string& pattern : patterns)
        for (const std::string& line : lines_of(pattern))
            lines.push_back(line.starts_with(workspace + "/") ? line.substr(workspace.size() + 1)
                                                              : line);
    std::error_code problem;
    for (fs::recursive_directory_iterator walk(workspace, problem), end; walk != end;
         walk.increment(problem)) {
        if (problem) break;
        if (walk->is_directory() && walk->path().filename() == ".git") {
            walk.disable_recursion_pending();
            continue;
        }
        if (!walk->is_regular_file()) continue;
        const std::string path = fs::relative(walk->path(), workspace).generic_string();
        if (globs_match(lines, path)) paths.push_back(path);
    }
    if (paths.empty()) return std::string();
    std::ranges::sort(paths);
    base::Digest all(base::DigestKind::Sha256);
    for (const std::string& path : paths) {
        std::ifstream in(workspace + "/" + path, std::ios::binary);
        if (!in) return std::unexpected(path + " cannot be read");
        base::Digest one(base::DigestKind::Sha256);
        std::vector<char> bytes(1 << 16);
        while (in.read(bytes.data(), static_cast<std::streamsize>(bytes.size())) || in.gcount() > 0)
            one.update({bytes.data(), static_cast<size_t>(in.gcount())});
        all.update(one.finish());
    }
    return base::to_hex(all.finish());
}

bool grants_identity(const YamlNode* permissions) {
    if (!permissions) return false;
    if (permissions->is_scalar()) return permissions->text == "write-all";
    const YamlNode* scope = permissions->find("id-token");
    return scope && scope->text == "write";
}

// ---- a job

void JobRun::hide(const std::string& value) {
    for (std::string_view line : base::split(value, '\n')) {
        line = base::trim(line);
        if (line.size() < kShortestMask) continue;
        for (std::string form : {std::string(line), base::to_base64(line)})
            if (std::ranges::find(masks_, form) == masks_.end()) masks_.push_back(std::move(form));
    }
    std::ranges::stable_sort(masks_,
                             [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::string JobRun::mask(std::string_view text) const {
    std::string out(text);
    for (const std::string& value : masks_)
        if (out.find(value) != std::string::npos) out = base::replace_all(out, value, "***");
    return out;
}

milliseconds JobRun::left() const {
    const double minutes = limit_minutes_ - seconds_since(begun_) / 60;
    return milliseconds(static_cast<int64_t>(std::max(0.0, minutes) * 60'000));
}

// The shims stay in front of what steps add: /usr/bin, say, when it holds the node that was chosen.
std::string JobRun::search_path() const {
    std::string path;
    if (!run_.setup.shims.empty()) path += run_.setup.shims + ":";
    for (const std::string& each : paths_)
        path += each + ":";
    const auto given = run_.setup.environment.find("PATH");
    return path + (given == run_.setup.environment.end()
                       ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
                       : given->second);
}

Scope JobRun::scope_of(const Level& level, const Texts& environment) {
    Scope scope;
    Value github = run_.github(context_.job.id, workspace_);
    github.set("action", current_action_);
    if (!level.action_path.empty()) github.set("action_path", level.action_path);
    if (!level.action_repository.empty()) github.set("action_repository", level.action_repository);
    Value job = Value::object();
    const bool failed = level.failed;
    job.set("status", cancelled_ ? "cancelled" : failed ? "failure" : "success");
    job.set("container", Value::object());
    job.set("services", Value::object());
    scope.contexts.set("github", std::move(github));
    scope.contexts.set("env", object_of(environment));
    scope.contexts.set("vars", object_of(run_.setup.vars));
    Value secrets = object_of(context_.secrets);
    secrets.set("GITHUB_TOKEN", Run::kDummyToken);
    scope.contexts.set("secrets", std::move(secrets));
    scope.contexts.set("inputs", level.inputs);
    scope.contexts.set("needs", context_.needs);
    scope.contexts.set("matrix", context_.matrix);
    scope.contexts.set("strategy", context_.strategy);
    scope.contexts.set("job", std::move(job));
    scope.contexts.set("runner", runner_context(temporary_, run_.setup.scratch + "/tools"));
    scope.contexts.set("steps", level.steps);
    scope.success = !failed && !cancelled_;
    scope.failure = failed && !cancelled_;
    scope.cancelled = cancelled_;
    scope.hash_files = [this](const std::vector<std::string>& patterns) {
        return hash_files(workspace_, patterns);
    };
    return scope;
}

// What a step's program finds in its environment.
Texts JobRun::steps_environment(const Texts& environment, const Level& level,
                                const std::string& action) {
    const Setup& setup = run_.setup;
    Texts out = setup.environment;
    for (const auto& [name, value] : environment)
        out[name] = value;
    out["PATH"] = environment.contains("PATH") ? environment.at("PATH") : search_path();
    if (!out.contains("HOME") || !environment.contains("HOME")) out["HOME"] = home_;
    const Value github = run_.github(context_.job.id, workspace_);
    for (const char* name : {"actor",
                             "actor_id",
                             "api_url",
                             "base_ref",
                             "event_name",
                             "event_path",
                             "graphql_url",
                             "head_ref",
                             "job",
                             "ref",
                             "ref_name",
                             "ref_protected",
                             "ref_type",
                             "repository",
                             "repository_id",
                             "repository_owner",
                             "repository_owner_id",
                             "retention_days",
                             "run_attempt",
                             "run_id",
                             "run_number",
                             "server_url",
                             "sha",
                             "triggering_actor",
                             "workflow",
                             "workflow_ref",
                             "workflow_sha",
                             "workspace"})
        out["GITHUB_" + base::upper(name)] = github.find(name)->to_text();
    out["GITHUB_ACTION"] = action;
    out["GITHUB_ACTIONS"] = "true";
    if (!out.contains("CI")) out["CI"] = "true";
    if (!level.action_path.empty()) out["GITHUB_ACTION_PATH"] = level.action_path;
    for (const char* name : {"OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY"})
        out[std::string("GITHUB_") + name] = files_ + "/" + name;
    out["RUNNER_NAME"] = "dodam";
    out["RUNNER_OS"] = "Linux";
    out["RUNNER_ARCH"] = runner_context("", "").find("arch")->string();
    out["RUNNER_ENVIRONMENT"] = "self-hosted";
    out["RUNNER_TEMP"] = temporary_;
    out["RUNNER_TOOL_CACHE"] = setup.scratch + "/tools";
    out["RUNNER_WORKSPACE"] = fs::path(workspace_).parent_path().string();
    const YamlNode* permissions =
        context_.job.permissions ? context_.job.permissions : context_.workflow.permissions;
    if (grants_identity(permissions)) {
        std::string environment_name;
        if (const YamlNode* given = context_.job.environment)
            environment_name = given->is_scalar()    ? given->text
                               : given->find("name") ? given->find("name")->text
                                                     : "";
        std::string url =
            setup.world.aws_endpoint +
            "/_dodam/v1/oidc/token?repository=" + base::percent_encode(setup.repository_name) +
            "&ref=" + base::percent_encode(setup.event.ref) + "&sha=" + setup.sha +
            "&workflow=" + base::percent_encode(run_.workflow_name) +
            "&actor=" + base::percent_encode(setup.actor) + "&event=" + setup.event.name;
        if (!environment_name.empty())
            url += "&environment=" + base::percent_encode(environment_name);
        out["ACTIONS_ID_TOKEN_REQUEST_URL"] = url;
        out["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = setup.world.token;
    }
    return out;
}

void JobRun::annotate(StepResult& result, Annotation annotation) {
    annotation.message = mask(annotation.message);
    run_.progress.annotation(result_, annotation);
    result.annotations.push_back(std::move(annotation));
}

void JobRun::fail(StepResult& result, std::string message, Position at) {
    annotate(result, {.level = "error",
                      .message = std::move(message),
                      .title = "",
                      .file = result.file,
                      .line = at.line ? at.line : result.position.line,
                      .column = at.line ? at.column : result.position.column});
}

void JobRun::set_environment(StepResult& result, const std::string& name,
                             const std::string& value) {
    // GitHub docs, "Setting an environment variable": these are the runner's own.
    const std::string upper = base::upper(name);
    if (upper == "NODE_OPTIONS") {
        fail(result, "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.");
        return;
    }
    if (upper.starts_with("GITHUB_") || upper.starts_with("RUNNER_")) {
        annotate(result,
                 {.level = "warning",
                  .message = fmt::format("{} is the runner's own and keeps its value", name),
                  .title = "",
                  .file = result.file,
                  .line = result.position.line});
        return;
    }
    environment_[name] = value;
}

// A line of a program: a command for the runner, or text to show.
void JobRun::say(std::string_view line, StepResult& result, Assignments& outputs,
                 Assignments* saved) {
    Progress& progress = run_.progress;
    if (!stop_token_.empty()) {
        if (auto command = parse_log_command(line);
            command && command->name == base::lower(stop_token_))
            stop_token_.clear();
        else
            progress.line(result_, mask(line));
        return;
    }
    auto command = parse_log_command(line);
    if (!command) {
        progress.line(result_, mask(line));
        return;
    }
    const std::string& name = command->name;
    auto property = [&](const char* key) {
        const auto found = command->properties.find(key);
        return found == command->properties.end() ? std::string() : found->second;
    };
    if (name == "error" || name == "warning" || name == "notice") {
        Annotation annotation{
            .level = name,
            .message = command->data,
            .title = property("title"),
            .file = property("file"),
            .line = static_cast<unsigned>(base::parse_unsigned(property("line")).value_or(0)),
            .column = static_cast<unsigned>(base::parse_unsigned(property("col")).value_or(0))};
        annotate(result, std::move(annotation));
    } else if (name == "group") {
        progress.group_begins(result_, mask(command->data));
    } else if (name == "endgroup") {
        progress.group_ends(result_);
    } else if (name == "add-mask") {
        hide(command->data);
    } else if (name == "stop-commands") {
        stop_token_ = command->data;
    } else if (name == "set-output" || name == "save-state") {
        annotate(result, {.level = "warning",
                          .message = fmt::format(
                              "The `{}` command is deprecated and will be disabled soon. Please "
                              "upgrade to using Environment Files.",
                              name),
                          .title = "",
                          .file = result.file,
                          .line = result.position.line});
        if (name == "set-output")
            outputs.emplace_back(property("name"), command->data);
        else if (saved)
            saved->emplace_back(property("name"), command->data);
    } else if (name == "set-env" || name == "add-path") {
        fail(result,
             fmt::format("The `{}` command is disabled. Please upgrade to using Environment Files.",
                         name));
        result.outcome = "failure";
    } else if (name == "debug" || name == "echo" || name == "add-matcher" ||
               name == "remove-matcher") {
        return;
    } else {
        progress.line(result_, mask(line));
    }
}

// The files that the step could write. False when one of them is malformed.
bool JobRun::read_back(StepResult& result, Assignments& outputs, Assignments* saved) {
    bool good = true;
    auto assignments = [&](const char* name) -> Assignments {
        auto parsed = parse_assignments(read_all(files_ + "/" + name));
        if (parsed) return *parsed;
        fail(result,
             fmt::format("Unable to process file command '{}' successfully.", base::lower(name)));
        fail(result, parsed.error());
        good = false;
        return {};
    };
    for (auto& each : assignments("OUTPUT"))
        outputs.push_back(std::move(each));
    for (const auto& [name, value] : assignments("ENV"))
        set_environment(result, name, value);
    for (auto& each : assignments("STATE"))
        if (saved) saved->push_back(std::move(each));
    for (const std::string& path : parse_paths(read_all(files_ + "/PATH")))
        paths_.insert(paths_.begin(), path);
    const std::string summary = read_all(files_ + "/STEP_SUMMARY", kMaxSummaryBytes + 1);
    if (summary.size() > kMaxSummaryBytes)
        annotate(result,
                 {.level = "error",
                  .message =
                      "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k",
                  .title = "",
                  .file = result.file,
                  .line = result.position.line});
    else if (!summary.empty())
        result_.summary += mask(summary) + (summary.ends_with('\n') ? "" : "\n");
    return good;
}

bool JobRun::run_program(const std::vector<std::string>& command, Texts environment,
                         const std::string& directory, milliseconds limit, StepResult& result,
                         Assignments& outputs, Assignments* saved) {
    for (const char* name : {"OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY"})
        if (!write_all(files_ + "/" + name, "")) {
            fail(result, fmt::format("{}/{} cannot be written", files_, name));
            return false;
        }
    Launch launch{command, std::move(environment), directory};
    if (std::error_code none; !fs::is_directory(directory, none)) {
        fail(result, fmt::format("An error occurred trying to start process '{}' with working "
                                 "directory '{}'. No such "
                                 "file or directory",
                                 command[0], directory));
        return false;
    }
    if (command[0].find('/') == std::string::npos) {
        launch.command[0] = find_program(command[0], launch.environment["PATH"]);
        if (launch.command[0].empty()) {
            fail(result, fmt::format("{}: command not found in the steps' PATH", command[0]));
            return false;
        }
    }
    const milliseconds at_most = std::min(limit, left());
    result.outcome = "success";
    auto ended = run_to_end(*host_, launch, at_most, stop(),
                            [&](std::string_view line) { say(line, result, outputs, saved); });
    stop_token_.clear();
    if (!ended) {
        fail(result, ended.error());
        return false;
    }
    const bool files_good = read_back(result, outputs, saved);
    if (ended->interrupted) {
        cancelled_ = true;
        result.outcome = "cancelled";
        return false;
    }
    if (ended->timed_out) {
        const bool jobs = at_most < limit;
        fail(result,
             jobs ? fmt::format("The job running on runner dodam has exceeded the maximum "
                                "execution time of {} "
                                "minutes.",
                                format_number(limit_minutes_))
                  : fmt::format("The action '{}' has timed out after {} minutes.", result.name,
                                format_number(static_cast<double>(limit.count()) / 60'000)));
        if (jobs) cancelled_ = true;
        return false;
    }
    if (ended->exit_code != 0) {
        fail(result, fmt::format("Process completed with exit code {}.", ended->exit_code));
        return false;
    }
    return files_good && result.outcome != "failure";
}

// GitHub docs, "defaults.run.shell": only `shell: bash` has pipefail.
std::expected<std::vector<std::string>, std::string> shell_command(const std::string& shell,
                                                                   const std::string& script,
                                                                   const std::string& path) {
    if (shell.empty())
        return find_program("bash", path).empty() ? std::vector<std::string>{"sh", "-e", script}
                                                  : std::vector<std::string>{"bash", "-e", script};
    if (shell == "bash")
        return std::vector<std::string>{"bash", "--noprofile", "--norc", "-eo", "pipefail", script};
    if (shell == "sh") return std::vector<std::string>{"sh", "-e", script};
    if (shell == "python")
        return std::vector<std::string>{find_program("python", path).empty() ? "python3" : "python",
                                        script};
    if (shell == "pwsh" || shell == "powershell" || shell == "cmd")
        return std::unexpected(fmt::format(
            "shell: {} cannot run here: steps run on Linux, without PowerShell", shell));
    std::vector<std::string> words;
    bool placed = false;
    for (std::string_view word : base::split(shell, ' ')) {
        if (word.empty()) continue;
        placed = placed || word.find("{0}") != word.npos;
        words.push_back(base::replace_all(std::string(word), "{0}", script));
    }
    if (!placed)
        return std::unexpected(
            fmt::format("Invalid shell option. Shell must be a valid built-in (bash, sh, python) "
                        "or a format string "
                        "containing '{{0}}': {}",
                        shell));
    return words;
}

Outcome<bool> JobRun::run_script(const Step& step, Level& level, const Texts& environment,
                                 const Scope& scope, milliseconds limit, StepResult& result,
                                 Assignments& outputs) {
    const std::string text = TRY(expand_text(step.run, scope, level.file));
    std::string shell = TRY(expand_text(step.shell, scope, level.file));
    std::string directory = TRY(expand_text(step.working_directory, scope, level.file));
    for (const YamlNode* defaults : level.defaults) {
        const YamlNode* run = defaults ? defaults->find("run") : nullptr;
        if (!run) continue;
        if (shell.empty()) shell = TRY(expand_text(run->find("shell"), scope, level.file));
        if (directory.empty())
            directory = TRY(expand_text(run->find("working-directory"), scope, level.file));
    }
    const Texts whole = steps_environment(environment, level, current_action_);
    const std::string script =
        fmt::format("{}/{}.{}", temporary_, base::random_hex(16), shell == "python" ? "py" : "sh");
    if (!write_all(script, text + "\n")) {
        fail(result, script + " cannot be written");
        return false;
    }
    auto command = shell_command(shell, script, whole.at("PATH"));
    if (!command) {
        fail(result, command.error());
        return false;
    }
    const std::string where = (fs::path(workspace_) / directory).lexically_normal().string();
    return run_program(*command, whole, where, limit, result, outputs, nullptr);
}

bool JobRun::use_built_in(const BuiltInAction& action, const Texts& given, const Texts& environment,
                          const Level& level, milliseconds limit, StepResult& result,
                          Assignments& outputs) {
    const YamlNode* permissions =
        context_.job.permissions ? context_.job.permissions : context_.workflow.permissions;
    auto call = std::make_shared<ActionCall>(
        ActionCall{.setup = run_.setup,
                   .inputs = {},
                   .environment = steps_environment(environment, level, ""),
                   .state = {},
                   .workspace = workspace_,
                   .temporary = temporary_,
                   .until = Steady::now() + std::min(limit, left()),
                   .stop = stop(),
                   .may_ask_identity = grants_identity(permissions),
                   .say = {},
                   .run = {}});
    for (const BuiltInInput& input : action.inputs)
        call->inputs[std::string(input.name)] = input.fallback;
    for (const auto& [name, value] : given)
        call->inputs[base::lower(name)] = value;
    for (const BuiltInInput& input : action.inputs)
        if (input.required && call->input(std::string(input.name)).empty()) {
            fail(result, fmt::format("Input required and not supplied: {}", input.name));
            return false;
        }
    auto connect = [this, call](StepResult& of, Assignments& to) {
        call->say = [this, &of, &to](std::string_view line) { say(line, of, to, nullptr); };
        call->run = [this, call](std::vector<std::string> command,
                                 Texts additions) -> std::expected<Ended, std::string> {
            Launch launch{std::move(command), call->environment, call->workspace};
            for (auto& [name, value] : additions)
                launch.environment[name] = std::move(value);
            if (std::error_code none; !fs::is_directory(launch.directory, none))
                launch.directory = temporary_;
            if (launch.command[0].find('/') == std::string::npos) {
                const std::string found =
                    find_program(launch.command[0], launch.environment["PATH"]);
                if (found.empty())
                    return std::unexpected(
                        fmt::format("Unable to locate executable file: {}", launch.command[0]));
                launch.command[0] = found;
            }
            const auto rest = std::chrono::duration_cast<milliseconds>(call->until - Steady::now());
            return run_to_end(*host_, launch, std::max(milliseconds(1), rest), call->stop,
                              [call](std::string_view line) { call->say(line); });
        };
    };
    connect(result, outputs);
    auto done = action.main(*call);
    for (const std::string& value : call->masks)
        hide(value);
    for (const auto& [name, value] : call->exported)
        set_environment(result, name, value);
    for (const std::string& path : call->paths)
        paths_.insert(paths_.begin(), path);
    for (auto& each : call->outputs)
        outputs.push_back(std::move(each));
    result.detail = fmt::format("built-in as {}", action.as);
    if (!call->detail.empty()) result.detail += "   " + mask(call->detail);
    if (action.post) {
        for (const auto& [name, value] : call->saved)
            call->state[name] = value;
        posts_.push_back({"Post " + result.name, result.position, result.file, "",
                          [this, call, connect, &action](StepResult& of) {
                              Assignments ignored;
                              connect(of, ignored);
                              call->until = Steady::now() + left();
                              call->stop = stop();
                              call->exported.clear();
                              call->detail.clear();
                              for (const auto& [name, value] : environment_)
                                  call->environment[name] = value;
                              auto after = action.post(*call);
                              for (const auto& [name, value] : call->exported)
                                  set_environment(of, name, value);
                              of.outcome = after ? "success" : "failure";
                              of.detail = "built-in";
                              if (!after) fail(of, after.error());
                          }});
    }
    if (!done && Steady::now() >= call->until)
        fail(result, fmt::format("The action '{}' has timed out after {} minutes.", result.name,
                                 format_number(static_cast<double>(limit.count()) / 60'000)));
    if (!done) fail(result, done.error());
    return done.has_value();
}

Outcome<bool> JobRun::use_file(const ActionFile& action, const Texts& given,
                               const Texts& environment, const Level& level, milliseconds limit,
                               StepResult& result, Assignments& outputs) {
    if (level.depth >= kMaxActionDepth)
        return std::unexpected(
            Trouble{"actions that use actions are nested too deeply", result.position});
    Level inner{.file = {action.file, action.text}, .inputs = Value::object()};
    inner.depth = level.depth + 1;
    inner.action_path = action.directory;
    Texts inputs;
    Scope scope = scope_of(level, environment);
    for (const ActionInput& input : action.inputs) {
        auto value = expand(input.fallback, scope, Keep::Text);
        if (!value) return std::unexpected(Trouble{value.error().message, result.position});
        inputs[base::lower(input.name)] = value->string();
    }
    for (const auto& [name, value] : given)
        inputs[base::lower(name)] = value;
    for (const auto& [name, value] : inputs)
        inner.inputs.set(name, value);

    if (base::equals_ignoring_case(action.uses, "composite")) {
        // The step's own env: holds inside, too, and no longer.
        const Texts outside = environment_;
        for (const auto& [name, value] : environment)
            environment_[name] = value;
        const std::string kept_action = current_action_;
        run_level(action.steps, inner);
        current_action_ = kept_action;
        for (const auto& [name, value] : environment) {
            const auto before = outside.find(name);
            if (environment_[name] != value) continue;  // GITHUB_ENV changed it
            if (before == outside.end())
                environment_.erase(name);
            else
                environment_[name] = before->second;
        }
        Scope after = scope_of(inner, environment_);
        if (action.outputs)
            for (const YamlMember& member : action.outputs->members)
                if (const YamlNode* value = member.value.find("value"))
                    outputs.emplace_back(member.key, TRY(expand_text(value, after, inner.file)));
        return !inner.failed;
    }
    // A JavaScript action: node with INPUT_… and, after the main part, STATE_….
    Texts whole = steps_environment(environment, inner, current_action_);
    for (const auto& [name, value] : inputs)
        whole["INPUT_" + base::upper(base::replace_all(name, " ", "_"))] = value;
    auto part = [this, &action, limit](const std::string& file, const Texts& with, StepResult& of,
                                       Assignments& to, Assignments& saved) {
        return run_program({"node", action.directory + "/" + file}, with, workspace_, limit, of, to,
                           &saved);
    };
    auto saved = std::make_shared<Assignments>();
    auto with_state = [saved](Texts with) {
        for (const auto& [name, value] : *saved)
            with["STATE_" + name] = value;
        return with;
    };
    if (!action.pre.empty() && !part(action.pre, whole, result, outputs, *saved)) return false;
    if (!action.post.empty())
        posts_.push_back({"Post " + result.name, result.position, result.file, action.post_if,
                          [this, part, whole, with_state, saved, &action](StepResult& of) {
                              Texts now = with_state(whole);
                              for (const auto& [name, value] : environment_)
                                  now[name] = value;
                              now["PATH"] = search_path();
                              Assignments ignored;
                              if (!part(action.post, now, of, ignored, *saved))
                                  of.outcome = "failure";
                          }});
    return part(action.main, with_state(whole), result, outputs, *saved);
}

Outcome<bool> JobRun::use_action(const Step& step, Level& level, const Texts& environment,
                                 const Scope& scope, milliseconds limit, StepResult& result,
                                 Assignments& outputs) {
    const Texts given = TRY(expand_texts(step.with, scope, level.file));
    const auto uses = parse_uses(step.uses->text);
    if (!uses || uses->kind == Uses::Kind::Docker)
        return std::unexpected(
            Trouble{fmt::format("'{}' cannot run here", step.uses->text), step.uses->position});
    std::string directory;
    if (uses->kind == Uses::Kind::Local) {
        directory = (fs::path(workspace_) / uses->name).lexically_normal().string();
    } else {
        const std::string vendored = run_.setup.repository + "/.dodam/actions/" + uses->name + "@" +
                                     uses->ref + (uses->path.empty() ? "" : "/" + uses->path);
        if (fs::exists(vendored))
            directory = vendored;
        else if (const BuiltInAction* action =
                     uses->path.empty() ? built_in_action(uses->name) : nullptr)
            return use_built_in(*action, given, environment, level, limit, result, outputs);
        else
            return std::unexpected(Trouble{fmt::format("there is no action {}", step.uses->text),
                                           step.uses->position});
    }
    while (directory.ends_with('/'))
        directory.pop_back();
    std::string file = directory + "/action.yml";
    if (!fs::exists(file)) file = directory + "/action.yaml";
    if (!fs::exists(file))
        return std::unexpected(Trouble{fmt::format("Can't find 'action.yml' or 'action.yaml' under "
                                                   "'{}'. Did you forget to run actions/checkout "
                                                   "before running your local action?",
                                                   directory),
                                       step.uses->position});
    std::vector<Finding> findings;
    auto action = parse_action(file, read_all(file), findings);
    for (const Finding& finding : findings)
        if (finding.severity == Finding::Severity::Error)
            return std::unexpected(Trouble{fmt::format("{}:{}:{}: {}", file, finding.position.line,
                                                       finding.position.column, finding.message),
                                           step.uses->position});
    if (!action) return std::unexpected(Trouble{file + " cannot be read", step.uses->position});
    action->directory = directory;
    result.detail = uses->kind == Uses::Kind::Local ? "local" : "vendored";
    // It lives as long as its post part may need it.
    actions_.push_back(std::make_unique<ActionFile>(std::move(*action)));
    return use_file(*actions_.back(), given, environment, level, limit, result, outputs);
}

Outcome<bool> JobRun::act(const Step& step, Level& level, Texts environment, StepResult& result,
                          Assignments& outputs) {
    const Scope scope = scope_of(level, environment);
    double minutes = kJobMinutes;
    if (step.timeout) {
        minutes = TRY(expand_node(*step.timeout, scope, level.file, Keep::Kind)).to_number();
        if (!(minutes > 0))
            return std::unexpected(
                Trouble{"timeout-minutes is not a number above zero", step.timeout->position});
    }
    const auto limit = milliseconds(static_cast<int64_t>(minutes * 60'000));
    return step.run ? run_script(step, level, environment, scope, limit, result, outputs)
                    : use_action(step, level, environment, scope, limit, result, outputs);
}

void JobRun::run_step(const Step& step, Level& level) {
    StepResult result;
    result.id = step.id;
    result.position = step.uses  ? step.uses->position
                      : step.run ? step.run->position
                                 : step.node->position;
    result.file = level.file.file;
    const auto begun = Steady::now();
    Assignments outputs;
    Texts environment = environment_;
    current_action_ = !step.id.empty() ? step.id : step.run ? "__run" : "__action";

    auto attempt = [&]() -> Outcome<bool> {
        for (const auto& [name, value] :
             TRY(expand_texts(step.env, scope_of(level, environment_), level.file)))
            environment[name] = value;
        const Scope scope = scope_of(level, environment);
        result.name =
            step.name ? TRY(expand_text(step.name, scope, level.file))
            : step.uses
                ? "Run " + step.uses->text
                : "Run " +
                      std::string(base::trim(
                          std::string_view(step.run->text).substr(0, step.run->text.find('\n'))));
        if (!TRY(decide(step.condition, scope, level.file))) {
            result.detail =
                step.condition ? "if: " + step.condition->text : "an earlier step failed";
            return false;
        }
        result.outcome = "success";
        run_.progress.step_begins(result_, result);
        const bool good = TRY(act(step, level, environment, result, outputs));
        if (!good && result.outcome != "cancelled") result.outcome = "failure";
        return good;
    };
    auto done = attempt();
    if (!done) {
        if (result.name.empty()) result.name = step.uses ? step.uses->text : "Run";
        result.outcome = "failure";
        fail(result, done.error().message, done.error().position);
    }
    result.conclusion = result.outcome;
    if (result.outcome == "failure" && step.continue_on_error) {
        auto go_on = expand_node(*step.continue_on_error, scope_of(level, environment), level.file,
                                 Keep::Kind);
        if (go_on && (go_on->truthy() && go_on->to_text() != "false"))
            result.conclusion = "success";
    }
    if (result.conclusion == "failure" || result.conclusion == "cancelled") level.failed = true;
    result.seconds = seconds_since(begun);
    if (!step.id.empty()) {
        Value held = Value::object();
        for (const auto& [name, value] : outputs)
            held.set(name, value);
        Value entry = Value::object();
        entry.set("outputs", std::move(held));
        entry.set("outcome", result.outcome);
        entry.set("conclusion", result.conclusion);
        level.steps.set(step.id, std::move(entry));
    }
    // The steps of a composite action belong to its step.
    if (level.depth == 0) {
        run_.progress.step_ends(result_, result);
        result_.steps.push_back(std::move(result));
    } else if (!result_.steps.empty() || !result.annotations.empty()) {
        for (Annotation& each : result.annotations)
            result_.annotations.push_back(std::move(each));
        if (result.outcome == "failure")
            run_.progress.line(result_, fmt::format("failed: {}", mask(result.name)));
    }
}

void JobRun::run_level(const std::vector<Step>& steps, Level& level) {
    for (const Step& step : steps) {
        if (*context_.cancel) cancelled_ = true;
        run_step(step, level);
    }
}

void JobRun::run_posts() {
    while (!posts_.empty()) {
        Post post = std::move(posts_.back());
        posts_.pop_back();
        StepResult result;
        result.name = post.name;
        result.position = post.position;
        result.file = post.file;
        result.outcome = "success";
        const auto begun = Steady::now();
        Level level{.file = {post.file, post.file}, .inputs = context_.inputs};
        level.failed = std::ranges::any_of(result_.steps,
                                           [](const auto& s) { return s.conclusion == "failure"; });
        if (!post.condition.empty()) {
            auto parsed = parse_condition(post.condition);
            auto value = parsed ? evaluate(*parsed, scope_of(level, environment_))
                                : std::unexpected(parsed.error());
            if (value && !value->truthy()) continue;
        }
        run_.progress.step_begins(result_, result);
        post.run(result);
        result.conclusion = result.outcome;
        result.seconds = seconds_since(begun);
        run_.progress.step_ends(result_, result);
        result_.steps.push_back(std::move(result));
    }
}

Outcome<void> JobRun::prepare() {
    const std::string base_directory =
        fmt::format("{}/jobs/{}", run_.setup.scratch, base::random_hex(4));
    const auto slash = run_.setup.repository_name.rfind('/');
    const std::string short_name =
        run_.setup.repository_name.substr(slash == std::string::npos ? 0 : slash + 1);
    workspace_ = base_directory + "/" + short_name + "/" + short_name;
    temporary_ = base_directory + "/_temp";
    files_ = temporary_ + "/_runner_file_commands";
    home_ = base_directory + "/home";
    std::error_code problem;
    for (const std::string& directory :
         {workspace_, temporary_, files_, home_, run_.setup.scratch + "/tools"}) {
        fs::create_directories(directory, problem);
        if (problem)
            return std::unexpected(
                Trouble{fmt::format("cannot make {}: {}", directory, problem.message()), {}});
    }
    for (const auto& [name, value] : context_.secrets)
        hide(value);
    auto host = run_.setup.machine->host();
    if (!host) return std::unexpected(Trouble{host.error(), {}});
    host_ = std::move(*host);

    Level level{.file = {context_.workflow.file, context_.workflow.text},
                .inputs = context_.inputs};
    for (const YamlNode* node : {context_.workflow.env, context_.job.env})
        for (const auto& [name, value] :
             TRY(expand_texts(node, scope_of(level, environment_), level.file)))
            environment_[name] = value;
    if (context_.job.timeout) {
        limit_minutes_ = TRY(expand_node(*context_.job.timeout, scope_of(level, environment_),
                                         level.file, Keep::Kind))
                             .to_number();
        if (!(limit_minutes_ > 0))
            return std::unexpected(Trouble{"timeout-minutes is not a number above zero",
                                           context_.job.timeout->position});
    }
    return {};
}

void JobRun::execute() {
    run_.progress.job_begins(result_);
    result_.result = "success";
    Level level{.file = {context_.workflow.file, context_.workflow.text},
                .inputs = context_.inputs};
    level.defaults[0] = context_.job.defaults;
    level.defaults[1] = context_.workflow.defaults;
    auto trouble = [&](const Trouble& what) {
        Annotation annotation{.level = "error",
                              .message = mask(what.message),
                              .title = "",
                              .file = context_.workflow.file,
                              .line = what.position.line,
                              .column = what.position.column};
        run_.progress.annotation(result_, annotation);
        result_.annotations.push_back(std::move(annotation));
        level.failed = true;
    };
    if (auto prepared = prepare(); !prepared) {
        trouble(prepared.error());
    } else {
        run_level(context_.job.steps, level);
        run_posts();
        if (context_.job.outputs) {
            const Scope scope = scope_of(level, environment_);
            auto outputs = expand_texts(context_.job.outputs, scope, level.file);
            if (!outputs) trouble(outputs.error());
            size_t bytes = 0;
            for (const auto& [name, value] : outputs.value_or(Texts())) {
                bytes += value.size();
                if (mask(value) != value) {
                    Annotation annotation{
                        .level = "warning",
                        .message =
                            fmt::format("Skip output '{}' since it may contain secret.", name)};
                    run_.progress.annotation(result_, annotation);
                    result_.annotations.push_back(std::move(annotation));
                    continue;
                }
                result_.outputs[name] = value;
            }
            if (bytes > kMaxOutputBytes) trouble({"the job's outputs have more than 1 MiB", {}});
        }
    }
    host_.reset();
    if (level.failed) result_.result = "failure";
    if (cancelled_ && *context_.cancel) result_.result = "cancelled";
    result_.seconds = seconds_since(begun_);
    run_.progress.job_ends(result_);
}

// ---- the jobs of a workflow

constexpr milliseconds kLookAtStop{100};  // a signal sets it and wakes nobody

// A workflow that runs: the given one, or one that a job calls.
struct Call {
    const Workflow& workflow;
    Value inputs;
    Texts secrets;
    std::string prefix;  // "call / "
    size_t depth = 0;
    const std::atomic<bool>* stop = nullptr;
};

// Its jobs, each in a thread of its own once what it needs is over. The caller's thread decides;
// what it shares with the others is under the mutex.
class Jobs {
  public:
    Jobs(Run& run, Call call) : run_(run), call_(std::move(call)) {}

    std::string go();                  // "success", "failure", "cancelled"
    std::vector<JobResult> results();  // in the order of the jobs, not of their ends
    Texts outputs() const;             // of on: workflow_call

  private:
    // One combination of a job, or the job itself.
    struct Instance {
        JobState state;
        JobResult result;
        Scope scope;
        Value combination, strategy;
        std::atomic<bool> cancel{false}, ended{false};
        std::vector<JobResult> inner;    // of the workflow that it calls
        std::optional<Trouble> trouble;  // of calling it
        base::Thread thread;
    };
    struct Entry {
        const Job* job;
        bool open = false;   // its instances are known
        std::string result;  // as needs sees it
        Texts outputs;
        bool failed_before = false;  // it, or what it needs
        bool fail_fast = true;
        std::vector<JobResult> refused;
        std::vector<std::unique_ptr<Instance>> instances;

        bool over() const {
            return open && std::ranges::all_of(instances, [](const auto& one) {
                       return one->state.at == JobState::At::Over;
                   });
        }
    };

    bool stopped() const { return call_.stop && *call_.stop; }
    void worsen(const std::string& what) {
        if (what == "failure" || (what == "cancelled" && conclusion_ == "success"))
            conclusion_ = what;
    }
    const Entry& entry_of(const std::string& name) const;
    bool may_open(const Entry& entry) const;
    void open(Entry& entry);
    void refuse(Entry& entry, const Trouble& trouble);
    Outcome<std::vector<Value>> combinations_of(Entry& entry, const Scope& scope,
                                                Value& most) const;
    Outcome<void> group_of(Entry& entry, Instance& one) const;
    void pass_over(Entry& entry, Instance& one, const std::string& as);
    void begin(Entry& entry, Instance& one);
    void execute(Entry& entry, Instance& one);
    Outcome<void> call(Entry& entry, Instance& one);
    void settle(Entry& entry, Instance& one);
    void move_on();

    Run& run_;
    Call call_;
    std::vector<Entry> entries_;
    std::string conclusion_ = "success";
    std::mutex mutex_;
    std::condition_variable changed_;
};

const Jobs::Entry& Jobs::entry_of(const std::string& name) const {
    const Job* job = call_.workflow.job(name);
    return *std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.job == job; });
}

bool Jobs::may_open(const Entry& entry) const {
    return !entry.open && std::ranges::all_of(entry.job->needs, [&](const auto& needed) {
        return entry_of(needed.first).over();
    });
}

// A job that cannot be planned has failed.
void Jobs::refuse(Entry& entry, const Trouble& trouble) {
    JobResult failed{
        .id = entry.job->id, .name = call_.prefix + entry.job->id, .result = "failure"};
    run_.progress.job_begins(failed);
    Annotation annotation{.level = "error",
                          .message = trouble.message,
                          .title = "",
                          .file = call_.workflow.file,
                          .line = trouble.position.line,
                          .column = trouble.position.column};
    run_.progress.annotation(failed, annotation);
    failed.annotations.push_back(std::move(annotation));
    run_.progress.job_ends(failed);
    entry.refused.push_back(std::move(failed));
    entry.open = true;
    entry.result = "failure";
    entry.failed_before = true;
    worsen("failure");
}

Outcome<std::vector<Value>> Jobs::combinations_of(Entry& entry, const Scope& scope,
                                                  Value& most) const {
    const FileScope file{call_.workflow.file, call_.workflow.text};
    const YamlNode* strategy = entry.job->strategy;
    std::vector<Value> one = {Value::object()};
    if (!strategy) return one;
    if (const YamlNode* node = strategy->find("fail-fast"))
        entry.fail_fast = TRY(expand_node(*node, scope, file, Keep::Kind)).truthy();
    if (const YamlNode* node = strategy->find("max-parallel"))
        most = TRY(expand_node(*node, scope, file, Keep::Kind));
    const YamlNode* matrix = strategy->find("matrix");
    if (!matrix) return one;
    auto expanded = expand_matrix(TRY(expand_node(*matrix, scope, file, Keep::Kind)));
    if (!expanded) return std::unexpected(Trouble{expanded.error(), matrix->position});
    return std::move(*expanded);
}

// concurrency: a group's name, or { group, cancel-in-progress }. Names are compared without case.
Outcome<void> Jobs::group_of(Entry& entry, Instance& one) const {
    const YamlNode* concurrency = entry.job->concurrency;
    if (!concurrency) return {};
    const FileScope file{call_.workflow.file, call_.workflow.text};
    const YamlNode* group = concurrency->is_mapping() ? concurrency->find("group") : concurrency;
    one.state.group = base::lower(TRY(expand_text(group, one.scope, file)));
    if (const YamlNode* cancels =
            concurrency->is_mapping() ? concurrency->find("cancel-in-progress") : nullptr) {
        const Value value = TRY(expand_node(*cancels, one.scope, file, Keep::Kind));
        one.state.cancels_in_progress = value.truthy() && value.to_text() != "false";
    }
    return {};
}

// What it needs is over: whether it runs, and in which combinations.
void Jobs::open(Entry& entry) {
    const Job& job = *entry.job;
    const FileScope file{call_.workflow.file, call_.workflow.text};
    Scope scope;
    Value needs = Value::object();
    bool all_good = true;
    for (const auto& [name, position] : job.needs) {
        const Entry& before = entry_of(name);
        Value each = Value::object();
        each.set("result", before.result);
        each.set("outputs", object_of(before.outputs));
        needs.set(before.job->id, std::move(each));
        all_good = all_good && before.result == "success";
        entry.failed_before = entry.failed_before || before.failed_before;
    }
    scope.contexts.set("github", run_.github(job.id, ""));
    scope.contexts.set("vars", object_of(run_.setup.vars));
    scope.contexts.set("inputs", call_.inputs);
    scope.contexts.set("needs", needs);
    scope.contexts.set("secrets", object_of(call_.secrets));
    scope.contexts.set("matrix", Value::object());
    scope.contexts.set("strategy", Value::object());
    scope.success = all_good && !stopped();
    scope.failure = entry.failed_before;
    scope.cancelled = stopped();

    auto wanted = decide(job.condition, scope, file);
    if (!wanted) return refuse(entry, wanted.error());
    std::vector<Value> combinations = {Value::object()};
    Value most;
    if (*wanted) {
        auto planned = combinations_of(entry, scope, most);
        if (!planned) return refuse(entry, planned.error());
        combinations = std::move(*planned);
    }
    entry.open = true;
    entry.result = *wanted ? "success" : "skipped";
    const double limit = most.is_null() ? 0 : most.to_number();
    for (size_t index = 0; index < combinations.size(); ++index) {
        auto& one = *entry.instances.emplace_back(std::make_unique<Instance>());
        one.combination = combinations[index];
        one.strategy = Value::object();
        one.strategy.set("fail-fast", entry.fail_fast);
        one.strategy.set("job-index", static_cast<double>(index));
        one.strategy.set("job-total", static_cast<double>(combinations.size()));
        one.strategy.set("max-parallel",
                         most.is_null() ? Value(static_cast<double>(combinations.size())) : most);
        one.scope = scope;
        one.scope.contexts.set("matrix", one.combination);
        one.scope.contexts.set("strategy", one.strategy);
        auto name = expand_text(job.name, one.scope, file, job.id);
        one.result = {.id = job.id, .name = call_.prefix + (name ? *name : job.id)};
        if (!job.name || job.name->text.find("matrix") == std::string::npos)
            one.result.name = matrix_name(one.result.name, one.combination);
        one.state.job = static_cast<size_t>(&entry - entries_.data());
        one.state.max_parallel = limit >= 1 ? static_cast<size_t>(limit) : 0;
        if (!*wanted) {
            pass_over(entry, one, "skipped");
        } else if (auto group = group_of(entry, one); !group) {
            entry.instances.pop_back();
            return refuse(entry, group.error());
        }
    }
}

// It never begins.
void Jobs::pass_over(Entry& entry, Instance& one, const std::string& as) {
    one.result.result = as;
    one.state.at = JobState::At::Over;
    if (as == "cancelled") {
        if (entry.result == "success") entry.result = as;
        worsen(as);
    }
    run_.progress.job_begins(one.result);
    run_.progress.job_ends(one.result);
}

void Jobs::begin(Entry& entry, Instance& one) {
    one.state.at = JobState::At::Running;
    one.thread = base::Thread("job", [this, &entry, &one] { execute(entry, one); });
}

void Jobs::execute(Entry& entry, Instance& one) {
    const auto begun = Steady::now();
    if (entry.job->uses) {
        if (auto called = call(entry, one); !called) one.trouble = called.error();
        one.result.seconds = seconds_since(begun);
    } else {
        JobRun(
            run_,
            {call_.workflow, *entry.job, call_.inputs, *one.scope.contexts.find("needs"),
             one.combination, one.strategy, call_.secrets, call_.prefix, &one.cancel, call_.stop},
            one.result)
            .execute();
    }
    std::lock_guard lock(mutex_);
    one.ended = true;
    changed_.notify_one();
}

// A workflow of the same repository.
Outcome<void> Jobs::call(Entry& entry, Instance& one) {
    const Job& job = *entry.job;
    const FileScope file{call_.workflow.file, call_.workflow.text};
    const Scope& scope = one.scope;
    const auto uses = parse_uses(job.uses->text);
    if (!uses || uses->kind != Uses::Kind::Local || call_.depth >= kMaxCallDepth)
        return std::unexpected(
            Trouble{fmt::format("'{}' cannot be called: workflows of this repository can, at most "
                                "{} deep",
                                job.uses->text, kMaxCallDepth),
                    job.uses->position});
    const std::string path =
        (fs::path(run_.setup.repository) / uses->name).lexically_normal().string();
    std::vector<Finding> problems;
    auto called = parse_workflow(uses->name.substr(2), read_all(path), problems);
    for (const Finding& problem : problems)
        if (problem.severity == Finding::Severity::Error)
            return std::unexpected(Trouble{
                fmt::format("{}:{}: {}", uses->name, problem.position.line, problem.message),
                job.uses->position});
    const YamlNode* interface = called ? called->event("workflow_call") : nullptr;
    if (!interface)
        return std::unexpected(
            Trouble{fmt::format("{} is not there, or has no on: workflow_call", uses->name),
                    job.uses->position});
    Value given = Value::object();
    if (const YamlNode* declared = interface->find("inputs"))
        for (const YamlMember& member : declared->members) {
            const YamlNode* fallback = member.value.find("default");
            const YamlNode* type = member.value.find("type");
            Value value = fallback ? TRY(expand_node(*fallback, scope, file, Keep::Kind)) : Value();
            if (value.is_null() && type)
                value = type->text == "boolean"  ? Value(false)
                        : type->text == "number" ? Value(0.0)
                                                 : Value("");
            const YamlNode* passed = job.with ? job.with->find(member.key) : nullptr;
            if (passed) value = TRY(expand_node(*passed, scope, file, Keep::Kind));
            const YamlNode* required = member.value.find("required");
            if (!passed && !fallback && required && required->text == "true")
                return std::unexpected(
                    Trouble{fmt::format("Input {} is required, but not provided while calling.",
                                        member.key),
                            job.uses->position});
            given.set(member.key, std::move(value));
        }
    Texts handed;
    if (job.secrets && job.secrets->is_scalar() && job.secrets->text == "inherit")
        handed = call_.secrets;
    else
        handed = TRY(expand_texts(job.secrets, scope, file));
    Jobs inner(run_, {*called, std::move(given), std::move(handed), one.result.name + " / ",
                      call_.depth + 1, &one.cancel});
    one.result.result = inner.go();
    one.result.outputs = inner.outputs();
    one.inner = inner.results();
    return {};
}

// It is over: what follows for its job, and for the rest of its matrix.
void Jobs::settle(Entry& entry, Instance& one) {
    one.thread.join();
    one.state.at = JobState::At::Over;
    if (one.trouble) {
        one.result.result = "failure";
        refuse(entry, *one.trouble);
    }
    const FileScope file{call_.workflow.file, call_.workflow.text};
    const JobResult& result = one.result;
    bool tolerated = false;
    if (result.result == "failure" && entry.job->continue_on_error)
        if (auto go_on = expand_node(*entry.job->continue_on_error, one.scope, file, Keep::Kind))
            tolerated = go_on->truthy() && go_on->to_text() != "false";
    for (const auto& [key, value] : result.outputs)
        if (!value.empty() || !entry.outputs.contains(key)) entry.outputs[key] = value;
    if (result.result == "success" || tolerated) return;
    if (result.result == "failure" || entry.result == "success") entry.result = result.result;
    entry.failed_before = entry.failed_before || result.result == "failure";
    worsen(result.result);
    if (result.result != "failure" || !entry.fail_fast) return;
    // GitHub docs, strategy.fail-fast: "cancel all in-progress and queued jobs in the matrix".
    for (auto& other : entry.instances) {
        if (other->state.at == JobState::At::Running) other->cancel = true;
        if (other->state.at == JobState::At::Waiting) pass_over(entry, *other, "cancelled");
    }
}

// Opens what may be opened, begins what may begin.
void Jobs::move_on() {
    for (bool more = true; more;) {
        more = false;
        for (Entry& entry : entries_)
            if (may_open(entry)) {
                open(entry);
                more = true;
            }
    }
    std::vector<std::pair<Entry*, Instance*>> all;
    std::vector<JobState> states;
    for (Entry& entry : entries_)
        for (auto& one : entry.instances) {
            if (stopped()) {
                one->cancel = true;
                if (one->state.at == JobState::At::Waiting) pass_over(entry, *one, "cancelled");
            }
            all.emplace_back(&entry, one.get());
            states.push_back(one->state);
        }
    const Moves moves = next_moves(states);
    for (size_t i : moves.stop)
        all[i].second->cancel = true;
    for (size_t i : moves.drop)
        pass_over(*all[i].first, *all[i].second, "cancelled");
    for (size_t i : moves.begin)
        begin(*all[i].first, *all[i].second);
}

std::string Jobs::go() {
    std::vector<Finding> findings;
    for (const Job* job : in_order(call_.workflow, findings))
        entries_.push_back({.job = job});
    const auto over = [this] {
        return std::ranges::all_of(entries_, [](const Entry& entry) { return entry.over(); });
    };
    for (move_on(); !over(); move_on()) {
        std::vector<std::pair<Entry*, Instance*>> ended;
        const auto look = [&] {
            for (Entry& entry : entries_)
                for (auto& one : entry.instances)
                    if (one->state.at == JobState::At::Running && one->ended)
                        ended.emplace_back(&entry, one.get());
            return !ended.empty();
        };
        {
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, kLookAtStop, look);
        }
        for (auto [entry, one] : ended)
            settle(*entry, *one);
    }
    return conclusion_;
}

std::vector<JobResult> Jobs::results() {
    std::vector<JobResult> all;
    const auto add = [&](std::vector<JobResult>& some) {
        std::ranges::move(some, std::back_inserter(all));
    };
    for (Entry& entry : entries_) {
        add(entry.refused);
        for (auto& one : entry.instances) {
            add(one->inner);
            // The jobs of the workflow that it called stand for it.
            if (!entry.job->uses || !one->ended) all.push_back(std::move(one->result));
        }
    }
    return all;
}

Texts Jobs::outputs() const {
    Texts out;
    const YamlNode* interface = call_.workflow.event("workflow_call");
    const YamlNode* declared = interface ? interface->find("outputs") : nullptr;
    if (!declared) return out;
    const FileScope file{call_.workflow.file, call_.workflow.text};
    Scope scope;
    Value jobs = Value::object();
    for (const Entry& entry : entries_) {
        Value each = Value::object();
        each.set("result", entry.result);
        each.set("outputs", object_of(entry.outputs));
        jobs.set(entry.job->id, std::move(each));
    }
    scope.contexts.set("jobs", jobs);
    scope.contexts.set("inputs", call_.inputs);
    scope.contexts.set("github", run_.github("", ""));
    scope.contexts.set("vars", object_of(run_.setup.vars));
    for (const YamlMember& member : declared->members)
        if (const YamlNode* value = member.value.find("value"))
            if (auto text = expand_text(value, scope, file)) out[member.key] = *text;
    return out;
}

// The secret's name in "${{ secrets.NAME }}".
std::string secret_of(const YamlNode* node) {
    if (!node || !node->is_scalar()) return "";
    auto pieces = split_template(base::trim(node->text));
    if (!pieces || pieces->size() != 1 || !pieces->front().is_expression) return "";
    auto parsed = parse_expression(pieces->front().text);
    if (!parsed || parsed->kind != Expression::Kind::Property ||
        parsed->children[0].kind != Expression::Kind::Context ||
        !base::equals_ignoring_case(parsed->children[0].name, "secrets"))
        return "";
    return parsed->name;
}

}  // namespace

KeySecrets key_secrets(const Workflow& workflow) {
    KeySecrets out = {{"AWS_ACCESS_KEY_ID"}, {"AWS_SECRET_ACCESS_KEY"}};
    auto add = [](std::set<std::string>& to, const YamlNode* node) {
        if (std::string name = secret_of(node); !name.empty()) to.insert(std::move(name));
    };
    auto look = [&](const YamlNode* env) {
        if (!env || !env->is_mapping()) return;
        add(out.access_keys, env->find("AWS_ACCESS_KEY_ID"));
        add(out.secret_keys, env->find("AWS_SECRET_ACCESS_KEY"));
    };
    look(workflow.env);
    for (const Job& job : workflow.jobs) {
        look(job.env);
        for (const Step& step : job.steps) {
            look(step.env);
            if (!step.with) continue;
            add(out.access_keys, step.with->find("aws-access-key-id"));
            add(out.secret_keys, step.with->find("aws-secret-access-key"));
        }
    }
    return out;
}

bool runs_side_by_side(const Workflow& workflow) {
    return workflow.jobs.size() > 1 || std::ranges::any_of(workflow.jobs, [](const Job& job) {
               return job.uses || (job.strategy && job.strategy->find("matrix"));
           });
}

RunResult run(const Workflow& workflow, const Setup& setup, Progress& progress) {
    RunResult result;
    const auto begun = Steady::now();
    Run whole(setup, progress);
    whole.workflow_name = workflow.name;
    whole.workflow_file = workflow.file;
    static const std::atomic<bool> kNever{false};
    if (write_all(setup.scratch + "/event.json", to_json_text(setup.event_payload) + "\n")) {
        Jobs jobs(whole, {workflow, setup.inputs, setup.secrets, "", 0,
                          setup.stop ? setup.stop : &kNever});
        result.conclusion = jobs.go();
        result.jobs = jobs.results();
    } else {
        result.conclusion = "failure";
        JobResult failed{.id = "", .name = setup.scratch + "/event.json cannot be written"};
        progress.job_begins(failed);
        progress.job_ends(failed);
    }
    result.refused_hosts = setup.machine->refused_hosts();
    result.seconds = seconds_since(begun);
    return result;
}

}  // namespace workflow
