// JobRun: a job's steps.
#include "scenarios/workflow/job.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/process.h"
#include "base/result.h"
#include "base/text.h"
#include "scenarios/workflow/expression.h"
#include "scenarios/workflow/filters.h"

namespace workflow {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr size_t kMaxActionDepth = 10;
constexpr size_t kShortestMask = 6;

std::string owner_of(const std::string& repository) {
    return std::string(base::cut(repository, '/').first);
}

std::string ref_name(const std::string& ref) {
    for (std::string_view prefix : {"refs/heads/", "refs/tags/", "refs/pull/"})
        if (ref.starts_with(prefix)) return ref.substr(prefix.size());
    return ref;
}
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

}  // namespace

double seconds_since(Steady::time_point begun) {
    return std::chrono::duration<double>(Steady::now() - begun).count();
}

std::string read_all(const std::string& path, size_t at_most) {
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

Annotation annotation_of(const Trouble& trouble, const std::string& file) {
    return {.level = "error",
            .message = trouble.message,
            .title = "",
            .file = file,
            .line = trouble.position.line,
            .column = trouble.position.column};
}

Run::Run(const Setup& setup, Progress& progress) : setup(setup), progress(progress) {
    id = std::to_string(1'000'000'000 + base::crc32(0, setup.sha) % 1'000'000'000);
}

Value Run::github(const std::string& job, const std::string& workspace) const {
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
        launch.command[0] = base::find_program(command[0], launch.environment["PATH"]);
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
        return base::find_program("bash", path).empty()
                   ? std::vector<std::string>{"sh", "-e", script}
                   : std::vector<std::string>{"bash", "-e", script};
    if (shell == "bash")
        return std::vector<std::string>{"bash", "--noprofile", "--norc", "-eo", "pipefail", script};
    if (shell == "sh") return std::vector<std::string>{"sh", "-e", script};
    if (shell == "python")
        return std::vector<std::string>{
            base::find_program("python", path).empty() ? "python3" : "python", script};
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
        // Held by the call: a share of it in here would keep it for ever.
        call->run = [this, call = call.get()](
                        std::vector<std::string> command,
                        Texts additions) -> std::expected<Ended, std::string> {
            Launch launch{std::move(command), call->environment, call->workspace};
            for (auto& [name, value] : additions)
                launch.environment[name] = std::move(value);
            if (std::error_code none; !fs::is_directory(launch.directory, none))
                launch.directory = temporary_;
            if (launch.command[0].find('/') == std::string::npos) {
                const std::string found =
                    base::find_program(launch.command[0], launch.environment["PATH"]);
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
        Annotation annotation =
            annotation_of({mask(what.message), what.position}, context_.workflow.file);
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

}  // namespace workflow
