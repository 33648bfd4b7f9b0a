// dodam workflow run|lint: the repository's own GitHub workflow, unchanged, against the running
// stack.
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <sstream>

#include "base/clock.h"
#include "base/ids.h"
#include "base/process.h"
#include "base/result.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/docker.h"
#include "commands/images.h"
#include "commands/interruption.h"
#include "containers/closed_space.h"
#include "containers/docker_engine.h"
#include "scenarios/workflow/lint.h"
#include "scenarios/workflow/runner.h"
#include "stack/stack_file.h"
#include "state/instance.h"

namespace commands {
namespace {

namespace fs = std::filesystem;
using base::Node;
using Texts = std::map<std::string, std::string>;

constexpr auto kGitWait = std::chrono::seconds(30);
constexpr size_t kLinesOfFailure = 40;  // shown of a step that failed
constexpr std::string_view kSystemPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string own_variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

// ---- what the files and the repository say

struct Repository {
    std::string directory;  // its top, or where .github is
    std::string file;       // the workflow, relative to it
    bool has_git = false;
    std::string sha, branch, name = "local/app", message;
    std::vector<std::string> changed;
    std::vector<std::string> stores;  // where git keeps what it reads, outside of the directory
};

std::string git(base::Spawner& spawner, const std::string& directory,
                std::vector<std::string> words) {
    base::ProcessOptions options;
    options.command = {"git", "-c", "safe.directory=*", "-C", directory};
    options.command.insert(options.command.end(), words.begin(), words.end());
    auto done = base::run(spawner, std::move(options), kGitWait);
    return done && done->exit_code == 0 ? std::string(base::trim(done->output)) : "";
}

// "owner/name" of git@github.com:owner/name.git and https://github.com/owner/name.
std::string github_name(std::string_view url) {
    if (url.find('@') == url.npos && (url.find("://") == url.npos || url.starts_with("file:")))
        return "";
    if (url.ends_with(".git")) url.remove_suffix(4);
    const size_t slash = url.rfind('/');
    if (slash == url.npos || slash == 0) return "";
    const size_t before = url.find_last_of("/:", slash - 1);
    if (before == url.npos) return "";
    const std::string name(url.substr(before + 1));
    return name.starts_with("/") || name.find("..") != std::string::npos ? "" : name;
}

std::expected<Repository, std::string> look_around(base::Spawner& spawner, const std::string& file,
                                                   const std::string& commit) {
    Repository out;
    const fs::path path = fs::weakly_canonical(file);
    const std::string top =
        git(spawner, path.parent_path().string(), {"rev-parse", "--show-toplevel"});
    // .github/workflows/x.yml: two above; with git it is the repository's top, unless the app is a
    // part of one.
    fs::path root = path.parent_path();
    if (root.filename() == "workflows" && root.parent_path().filename() == ".github")
        root = root.parent_path().parent_path();
    out.directory = root.string();
    out.file = fs::relative(path, root).generic_string();
    out.has_git = !top.empty() && fs::weakly_canonical(top) == root;
    if (!out.has_git) {
        out.sha = base::random_hex(40);
        out.branch = "main";
        return out;
    }
    out.sha = git(spawner, out.directory,
                  {"rev-parse", "--verify", (commit.empty() ? "HEAD" : commit) + "^{commit}"});
    if (out.sha.empty())
        return std::unexpected(fmt::format(
            "\"{}\" is no commit of {}; commit first, or run the files as they are with "
            "--tree working",
            commit.empty() ? "HEAD" : commit, out.directory));
    out.branch = git(spawner, out.directory, {"symbolic-ref", "--short", "-q", "HEAD"});
    // A clone of a clone (the gate's) is the same repository.
    std::string origin = git(spawner, out.directory, {"remote", "get-url", "origin"});
    if (origin.starts_with('/')) origin = git(spawner, origin, {"remote", "get-url", "origin"});
    if (const std::string name = github_name(origin); !name.empty()) out.name = name;
    const std::string common =
        git(spawner, out.directory, {"rev-parse", "--path-format=absolute", "--git-common-dir"});
    if (!common.empty()) out.stores.push_back(common);
    const std::string alternates =
        state::read_file(common + "/objects/info/alternates").value_or("");
    for (std::string_view line : base::split(alternates, '\n'))
        if (line.starts_with('/')) out.stores.emplace_back(line);
    out.message = git(spawner, out.directory, {"log", "-1", "--format=%B", out.sha});
    const std::string names =
        git(spawner, out.directory, {"diff", "--name-only", out.sha + "^", out.sha});
    for (std::string_view each : base::split(names, '\n'))
        if (!each.empty()) out.changed.emplace_back(each);
    return out;
}

// secrets and vars of dodam.json; values where an instance's secrets are known.
struct Settings {
    std::optional<std::set<std::string>> secret_names, variable_names;
    Texts secrets, vars;
    std::string event;
    std::string account, region = "us-east-1";
};

std::optional<Settings> settings_of(const std::string& stack_file,
                                    const std::string& secrets_file) {
    Settings out;
    if (stack_file.empty()) return out;
    state::Secrets values(secrets_file);
    auto value_of = [&](const std::string& name) -> std::expected<std::string, std::string> {
        if (secrets_file.empty()) return std::string("not-known-here");
        return values.value(name);
    };
    auto stack = stack::read_stack(stack_file, value_of);
    if (!stack) {
        const std::string text = state::read_file(stack_file).value_or("");
        for (const auto& problem : stack.error())
            fmt::print(stderr, "{}", stack::show(stack_file, text, problem));
        return {};
    }
    out.account = stack->account;
    out.region = stack->region;
    const Node& section = stack->root["workflow"];
    out.event = section["event"].as_string();
    out.secret_names.emplace();
    out.variable_names.emplace();
    for (const Node& name : section["secrets"].items()) {
        out.secret_names->insert(name.as_string());
        if (auto value = value_of(name.as_string())) out.secrets[name.as_string()] = *value;
    }
    for (const auto& [name, value] : section["vars"].members()) {
        out.variable_names->insert(name);
        out.vars[name] = value.is_string() ? value.as_string() : base::to_json(value);
    }
    return out;
}

// The stack file that goes with a workflow: -f, else dodam.json at the repository's top or here.
std::string stack_file_for(const Arguments& arguments, const std::string& workflow_file) {
    if (arguments.has("file")) return arguments.get("file");
    fs::path root = fs::weakly_canonical(workflow_file).parent_path();
    if (root.filename() == "workflows") root = root.parent_path().parent_path();
    if (fs::exists(root / "dodam.json")) return (root / "dodam.json").string();
    return fs::exists("dodam.json") ? "dodam.json" : "";
}

// NAME=VALUE lines of a flag that may be repeated.
std::expected<Texts, std::string> pairs(const Arguments& arguments, const char* flag) {
    Texts out;
    const std::string lines = arguments.get(flag);
    for (std::string_view pair : base::split(lines, '\n')) {
        if (pair.empty()) continue;
        const auto [name, value] = base::cut(pair, '=');
        if (name.empty() || pair.find('=') == pair.npos)
            return std::unexpected(fmt::format("--{} takes NAME=VALUE, not \"{}\"", flag, pair));
        out.emplace(name, value);
    }
    return out;
}

// ---- lint

// Files named, or all of .github/workflows.
std::vector<std::string> workflow_files(const std::vector<std::string>& given) {
    std::vector<std::string> out = given;
    std::error_code ignored;
    if (out.empty())
        for (const auto& entry : fs::directory_iterator(".github/workflows", ignored))
            if (entry.path().extension() == ".yml" || entry.path().extension() == ".yaml")
                out.push_back(entry.path().string());
    std::ranges::sort(out);
    return out;
}

std::string repository_of(const std::string& file) {
    fs::path root = fs::weakly_canonical(file).parent_path();
    if (root.filename() == "workflows" && root.parent_path().filename() == ".github")
        root = root.parent_path().parent_path();
    return root.string();
}

int lint(const Arguments& arguments) {
    const auto files = workflow_files(arguments.positional);
    if (files.empty())
        return fail(kNothingRan, "there are no workflows in .github/workflows; name the files");
    size_t errors = 0, warnings = 0;
    Node list = Node::array();
    for (const std::string& file : files) {
        auto text = state::read_file(file);
        if (!text) return fail(kWrongInput, fmt::format("cannot read {}: {}", file, text.error()));
        auto settings = settings_of(stack_file_for(arguments, file), "");
        if (!settings) return kWrongInput;
        workflow::Surroundings around{repository_of(file), settings->secret_names,
                                      settings->variable_names};
        const std::string shown =
            fs::relative(fs::weakly_canonical(file), around.repository).generic_string();
        for (const auto& finding : workflow::lint(shown, *text, around)) {
            const bool is_error = finding.severity == workflow::Finding::Severity::Error;
            ++(is_error ? errors : warnings);
            if (arguments.has("json"))
                list.push_back(
                    Node::object({{"severity", is_error ? "error" : "warning"},
                                  {"id", finding.id},
                                  {"file", finding.file},
                                  {"line", static_cast<int64_t>(finding.position.line)},
                                  {"column", static_cast<int64_t>(finding.position.column)},
                                  {"message", finding.message},
                                  {"hint", finding.hint}}));
            else
                fmt::print("{}\n", workflow::show(finding, *text));
        }
    }
    if (arguments.has("json"))
        fmt::print("{}\n", base::to_json(Node::object({{"version", 1}, {"findings", list}}), 2));
    else
        fmt::print("{} file{}, {} error{}, {} warning{}\n", files.size(),
                   files.size() == 1 ? "" : "s", errors, errors == 1 ? "" : "s", warnings,
                   warnings == 1 ? "" : "s");
    return errors ? kWrongInput : kOk;
}

// ---- what the watcher sees

// Of one job a step is shown as it runs. Where jobs run side by side each line begins with its
// job's name, and a step is shown whole, once it has ended (with --verbose line by line).
class Terminal final : public workflow::Progress {
  public:
    Terminal(bool verbose, bool colour, bool live, bool side_by_side)
        : verbose_(verbose),
          colour_(colour),
          live_(live && !verbose),
          side_by_side_(side_by_side) {}

    void job_begins(const workflow::JobResult& job) override {
        if (!side_by_side_) print(fmt::format("{}\n", bold(job.name)));
    }
    void step_begins(const workflow::JobResult& job, const workflow::StepResult& step) override {
        jobs_[&job] = {.step = step.name, .depth = 0, .kept = {}};
        if (verbose_) print(fmt::format("{} ▸ {}\n", whose(job), step.name));
        if (live_) print("");
    }
    void line(const workflow::JobResult& job, std::string_view text) override {
        State& state = jobs_[&job];
        std::string shown = whose(job) + std::string(5 + 2 * state.depth, ' ') + std::string(text);
        if (verbose_) return print(shown + "\n");
        state.kept.push_back(std::move(shown));
        if (state.kept.size() > kLinesOfFailure) state.kept.erase(state.kept.begin());
    }
    void group_begins(const workflow::JobResult& job, std::string_view title) override {
        line(job, fmt::format("▾ {}", title));
        ++jobs_[&job].depth;
    }
    void group_ends(const workflow::JobResult& job) override {
        size_t& depth = jobs_[&job].depth;
        depth = depth ? depth - 1 : 0;
    }
    void annotation(const workflow::JobResult& job, const workflow::Annotation& each) override {
        std::string place = each.file;
        if (!place.empty() && each.line) place += fmt::format(":{}", each.line);
        if (!place.empty() && each.line && each.column) place += fmt::format(":{}", each.column);
        line(job, fmt::format("{}: {}{}{}", each.level, each.title.empty() ? "" : each.title + ": ",
                              each.message, place.empty() ? "" : "  (" + place + ")"));
    }
    void step_ends(const workflow::JobResult& job, const workflow::StepResult& step) override {
        const State state = std::exchange(jobs_[&job], {});
        const bool failed = step.outcome == "failure" || step.outcome == "cancelled";
        const char* mark = step.outcome == "skipped" ? "–" : failed ? "✗" : "✓";
        std::string name = step.name;
        if (name.size() < 36) name += std::string(36 - name.size(), ' ');
        std::string text = fmt::format(
            "{} {} {} {:>6}   {}\n", whose(job), colour(mark, failed, step.outcome == "skipped"),
            name, step.outcome == "skipped" ? "" : fmt::format("{:.1f}s", step.seconds),
            step.outcome == "skipped"                ? "skipped: " + step.detail
            : failed && step.conclusion == "success" ? step.detail + " (continue-on-error)"
                                                     : step.detail);
        if (failed && !verbose_)
            for (const std::string& each : state.kept)
                text += each + "\n";
        else if (!verbose_)
            for (const auto& each : step.annotations)
                if (each.level != "notice")
                    text += fmt::format("{}     {}: {}\n", whose(job), each.level, each.message);
        print(text);
    }
    void job_ends(const workflow::JobResult& job) override {
        jobs_.erase(&job);
        std::string text;
        if (side_by_side_)
            text += fmt::format("{} {}{}\n", whose(job), bold(job.result),
                                job.steps.empty() ? "" : fmt::format(" in {:.1f}s", job.seconds));
        else if (job.steps.empty() && job.result == "skipped")
            text += " – skipped\n";
        for (const auto& each : job.annotations)
            text += fmt::format(
                "{}   {}: {}{}\n", whose(job), each.level, each.message,
                each.line ? fmt::format("  ({}:{}:{})", each.file, each.line, each.column) : "");
        print(side_by_side_ ? text : text + "\n");
    }

  private:
    struct State {
        std::string step;
        size_t depth = 0;
        std::vector<std::string> kept;
    };
    // Whole lines; on a terminal the steps that run stay below them.
    void print(const std::string& text) {
        if (live_) fmt::print("\r\x1b[2K");
        fmt::print("{}", text);
        if (live_) {
            std::string now;
            for (const auto& [job, state] : jobs_)
                if (!state.step.empty())
                    now +=
                        fmt::format(" ▸ {}{}", side_by_side_ ? job->name + ": " : "", state.step);
            fmt::print("{:.78}", now);
        }
        std::fflush(stdout);
    }
    std::string whose(const workflow::JobResult& job) const {
        return side_by_side_ ? job.name + " │" : "";
    }
    std::string bold(const std::string& text) const {
        return colour_ ? "\x1b[1m" + text + "\x1b[0m" : text;
    }
    std::string colour(const char* text, bool bad, bool dim) const {
        if (!colour_) return text;
        return fmt::format("\x1b[{}m{}\x1b[0m", dim ? "2" : bad ? "31" : "32", text);
    }
    bool verbose_, colour_, live_, side_by_side_;
    std::map<const workflow::JobResult*, State> jobs_;
};

Node to_node(const workflow::Annotation& each) {
    Node out = Node::object({{"level", each.level}, {"message", each.message}});
    if (!each.title.empty()) out.set("title", each.title);
    if (!each.file.empty()) out.set("file", each.file);
    if (each.line) out.set("line", static_cast<int64_t>(each.line));
    if (each.column) out.set("column", static_cast<int64_t>(each.column));
    return out;
}

// For --json: the last lines of the steps that failed, by job and the step's place in it.
class Keeper final : public workflow::Progress {
  public:
    void step_begins(const workflow::JobResult& job, const workflow::StepResult&) override {
        jobs_[job.name].now.clear();
    }
    void line(const workflow::JobResult& job, std::string_view text) override {
        Lines& lines = jobs_[job.name].now;
        lines.emplace_back(text);
        if (lines.size() > kLinesOfFailure) lines.erase(lines.begin());
    }
    void step_ends(const workflow::JobResult& job, const workflow::StepResult& step) override {
        Kept& kept = jobs_[job.name];
        if (step.outcome == "skipped" || step.outcome == "success") kept.now.clear();
        kept.steps.push_back(std::exchange(kept.now, {}));
    }
    Node output(const std::string& job, size_t step) const {
        Node out = Node::array();
        const auto found = jobs_.find(job);
        if (found == jobs_.end() || step >= found->second.steps.size()) return out;
        for (const std::string& each : found->second.steps[step])
            out.push_back(each);
        return out;
    }

  private:
    using Lines = std::vector<std::string>;
    struct Kept {
        std::vector<Lines> steps;
        Lines now;
    };
    std::map<std::string, Kept> jobs_;
};

Node to_node(const workflow::RunResult& result, const std::string& file, const Keeper& kept,
             bool closed) {
    Node jobs = Node::array();
    for (const auto& job : result.jobs) {
        Node steps = Node::array();
        for (const auto& step : job.steps) {
            Node annotations = Node::array();
            for (const auto& each : step.annotations)
                annotations.push_back(to_node(each));
            const Node output = kept.output(job.name, steps.items().size());
            steps.push_back(Node::object({{"name", step.name},
                                          {"id", step.id},
                                          {"outcome", step.outcome},
                                          {"conclusion", step.conclusion},
                                          {"seconds", step.seconds},
                                          {"detail", step.detail},
                                          {"line", static_cast<int64_t>(step.position.line)},
                                          {"annotations", annotations},
                                          {"output", output}}));
        }
        Node outputs = Node::object();
        for (const auto& [name, value] : job.outputs)
            outputs.set(name, value);
        Node annotations = Node::array();
        for (const auto& each : job.annotations)
            annotations.push_back(to_node(each));
        jobs.push_back(Node::object({{"id", job.id},
                                     {"name", job.name},
                                     {"result", job.result},
                                     {"seconds", job.seconds},
                                     {"outputs", outputs},
                                     {"steps", steps},
                                     {"annotations", annotations},
                                     {"summary", job.summary}}));
    }
    Node refused = Node::array();
    for (const auto& host : result.refused_hosts)
        refused.push_back(host);
    return Node::object({{"version", 1},
                         {"file", file},
                         {"conclusion", result.conclusion},
                         {"seconds", result.seconds},
                         {"closed", closed},
                         {"refusedHosts", refused},
                         {"jobs", jobs}});
}

// ---- the closed machine

void add_names(std::vector<std::string>& to, const std::vector<std::string>& names) {
    for (const std::string& name : names)
        if (std::ranges::find(to, name) == to.end()) to.push_back(name);
}

// The programs of a job in a closed space of its own.
class ClosedHost final : public workflow::Host {
  public:
    ClosedHost(std::unique_ptr<containers::ClosedSpace> space,
               std::function<void(const std::vector<std::string>&)> over)
        : space_(std::move(space)), over_(std::move(over)) {}
    ~ClosedHost() override { over_(space_->refused_names()); }

    std::expected<std::unique_ptr<workflow::Running>, std::string> start(
        const workflow::Launch& launch) override {
        auto program = TRY(space_->start(launch.command, launch.environment, launch.directory));
        return std::make_unique<Inside>(*space_, std::move(program));
    }

  private:
    class Inside final : public workflow::Running {
      public:
        Inside(containers::ClosedSpace& space, containers::ClosedSpace::Program program)
            : space_(space), program_(std::move(program)) {
            outputs = program_.outputs;
        }
        ~Inside() override { ::close(program_.pidfd); }
        std::optional<int> wait(std::chrono::milliseconds at_most) override {
            return space_.wait(program_.name, at_most);
        }
        void signal(int number) override { space_.signal(program_, number); }

      private:
        containers::ClosedSpace& space_;
        containers::ClosedSpace::Program program_;
    };
    std::unique_ptr<containers::ClosedSpace> space_;
    std::function<void(const std::vector<std::string>&)> over_;
};

class ClosedMachine final : public workflow::Machine {
  public:
    ClosedMachine(base::Spawner& spawner, containers::ClosedSpaceOptions options)
        : spawner_(spawner), options_(std::move(options)) {}

    // Makes the first space, so that a machine that refuses them is told so before anything runs.
    std::expected<void, std::string> open() {
        first_ = TRY(containers::ClosedSpace::open(spawner_, options_));
        return {};
    }
    std::expected<std::unique_ptr<workflow::Host>, std::string> host() override {
        std::unique_ptr<containers::ClosedSpace> space;
        {
            std::lock_guard lock(mutex_);
            space = std::move(first_);
        }
        if (!space) space = TRY(containers::ClosedSpace::open(spawner_, options_));
        return std::make_unique<ClosedHost>(std::move(space), [this](const auto& refused) {
            std::lock_guard lock(mutex_);
            add_names(refused_, refused);
        });
    }
    std::vector<std::string> refused_hosts() const override {
        std::lock_guard lock(mutex_);
        return refused_;
    }

  private:
    base::Spawner& spawner_;
    const containers::ClosedSpaceOptions options_;
    mutable std::mutex mutex_;
    std::unique_ptr<containers::ClosedSpace> first_;
    std::vector<std::string> refused_;
};

// "http://127.0.0.1:4566" as address and port.
std::optional<std::pair<std::string, uint16_t>> place_of(std::string_view url) {
    const size_t scheme = url.find("://");
    if (scheme == url.npos) return {};
    const auto [address, port] = base::cut(url.substr(scheme + 3), ':');
    const auto number = base::parse_unsigned(port.substr(0, port.find('/')));
    if (!number || *number > 65535) return {};
    return std::pair{std::string(address), static_cast<uint16_t>(*number)};
}

// The stack where it answers, production's names for it, and the npm registry.
std::vector<containers::Relay> relays_for(const scenarios::World& world, const Node& status) {
    auto relays = containers::relays_of({"registry.npmjs.org"});
    auto same = [&](const std::string& url) {
        if (auto place = place_of(url))
            relays.push_back({"", place->first, place->second, place->first, place->second});
    };
    same(world.aws_endpoint);
    same(world.viewer_endpoint);
    same(world.viewer_tls_endpoint);
    for (const auto& [name, balancer] : status["load_balancers"].members())
        for (const Node& listener : balancer["listeners"].items())
            same(listener["endpoint"].as_string());
    // The AWS port speaks TLS to those who begin it; the viewer's ports are two.
    const auto aws = place_of(world.aws_endpoint), plain = place_of(world.viewer_endpoint),
               tls = place_of(world.viewer_tls_endpoint);
    auto names = [&](const char* pattern, const char* address, uint16_t port,
                     const std::optional<std::pair<std::string, uint16_t>>& to) {
        if (to) relays.push_back({pattern, address, port, to->first, to->second});
    };
    names("*.cloudfront.net", "198.18.1.1", 80, plain);
    names("*.cloudfront.net", "198.18.1.1", 443, tls);
    names("*.elb.amazonaws.com", "198.18.1.1", 80, plain);
    names("*.elb.amazonaws.com", "198.18.1.1", 443, tls);
    names("*.amazonaws.com", "198.18.1.2", 80, aws);
    names("*.amazonaws.com", "198.18.1.2", 443, aws);
    // An address and port once.
    std::vector<containers::Relay> out;
    for (auto& each : relays)
        if (std::ranges::none_of(out, [&](const auto& held) {
                return held.address == each.address && held.port == each.port &&
                       held.name == each.name;
            }))
            out.push_back(std::move(each));
    return out;
}

// ---- run

// Everything of one run on disk.
class Scratch {
  public:
    Scratch() {
        std::string pattern = (fs::temp_directory_path() / "dodam-workflow-XXXXXX").string();
        if (::mkdtemp(pattern.data())) path_ = pattern;
    }
    ~Scratch() {
        std::error_code ignored;
        if (!path_.empty() && !kept_) fs::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }
    void keep() { kept_ = true; }

  private:
    std::string path_;
    bool kept_ = false;
};

bool write_script(const std::string& path, const std::string& text) {
    return state::write_file(path, text, 0755).has_value();
}

// Shims that only redirect: the CLI does not read AWS_ENDPOINT_URL in every version, and docker may
// be our builder ("" as the engine's client).
bool write_shims(const std::string& directory, const std::string& engine_client,
                 const Client& stack) {
    std::error_code problem;
    fs::create_directories(directory, problem);
    const std::string aws =
        base::find_program("aws", std::string(kSystemPath) + ":" + own_variable("PATH"));
    bool good = write_script(
        directory + "/aws",
        aws.empty()
            ? "#!/bin/sh\necho 'aws: the AWS CLI is not installed on this machine: apt-get install "
              "awscli' >&2\nexit 127\n"
            : fmt::format("#!/bin/sh\nexec '{}' --endpoint-url \"$AWS_ENDPOINT_URL\" \"$@\"\n",
                          aws));
    return good && (engine_client.empty() ? write_docker_shim(directory)
                                          : write_docker_shim(directory, engine_client, stack));
}

workflow::Value payload_of(const Repository& repository, const workflow::Event& event,
                           const workflow::Value& inputs) {
    using workflow::Value;
    Value owner = Value::object();
    const auto [owner_name, short_name] = base::cut(repository.name, '/');
    owner.set("login", owner_name);
    owner.set("name", owner_name);
    Value about = Value::object();
    about.set("full_name", repository.name);
    about.set("name", short_name);
    about.set("owner", owner);
    about.set("default_branch", "main");
    about.set("html_url", "https://github.com/" + repository.name);
    Value sender = Value::object();
    sender.set("login", "dodam");
    Value out = Value::object();
    out.set("ref", event.ref);
    out.set("repository", about);
    out.set("sender", sender);
    if (event.name == "workflow_dispatch") {
        out.set("inputs", inputs);
        out.set("workflow", repository.file);
        return out;
    }
    Value author = Value::object();
    author.set("name", "dodam");
    author.set("username", "dodam");
    author.set("email", "dodam@localhost");
    Value commit = Value::object();
    commit.set("id", repository.sha);
    commit.set("message", repository.message);
    commit.set("author", author);
    commit.set("committer", author);
    std::vector<Value> changed(repository.changed.begin(), repository.changed.end());
    commit.set("modified", Value::array(std::move(changed)));
    out.set("after", repository.sha);
    out.set("before", std::string(40, '0'));
    out.set("created", false);
    out.set("deleted", false);
    out.set("forced", false);
    out.set("head_commit", commit);
    out.set("commits", Value::array({commit}));
    out.set("pusher", author);
    return out;
}

// workflow_dispatch's inputs with their defaults and types.
std::expected<workflow::Value, std::string> inputs_of(const workflow::Workflow& workflow,
                                                      const Texts& given) {
    using workflow::Value;
    Value out = Value::object();
    const workflow::YamlNode* filters = workflow.event("workflow_dispatch");
    const workflow::YamlNode* declared = filters ? filters->find("inputs") : nullptr;
    std::vector<std::string> names;
    if (declared)
        for (const auto& member : declared->members) {
            names.push_back(member.key);
            auto word = [&](const char* key) {
                const auto* found = member.value.find(key);
                return found ? found->text : std::string();
            };
            const auto passed = given.find(member.key);
            const std::string text = passed == given.end() ? word("default") : passed->second;
            if (text.empty() && word("required") == "true")
                return std::unexpected(fmt::format(
                    "Required input '{}' not provided: --input {}=VALUE", member.key, member.key));
            if (const auto* options = member.value.find("options");
                word("type") == "choice" && options && !text.empty())
                if (std::ranges::none_of(options->items,
                                         [&](const auto& item) { return item.text == text; }))
                    return std::unexpected(
                        fmt::format("input {}: '{}' is not among its options", member.key, text));
            if (word("type") == "boolean")
                out.set(member.key, text == "true");
            else if (word("type") == "number")
                out.set(member.key, Value(text).to_number());
            else
                out.set(member.key, text);
        }
    for (const auto& [name, value] : given)
        if (std::ranges::find(names, name) == names.end()) {
            const std::string near = base::closest(name, names);
            return std::unexpected(
                fmt::format("the workflow has no input '{}'{}", name,
                            near.empty() ? "" : "; did you mean '" + near + "'?"));
        }
    return out;
}

// The ref that starts the workflow: as asked, else the branch we are on. Of a commit without a
// branch, the first that the workflow names.
std::string ref_of(const Arguments& arguments, const Repository& repository,
                   const workflow::Workflow& workflow) {
    std::string ref = arguments.has("ref") ? arguments.get("ref") : repository.branch;
    if (ref.empty()) {
        ref = "main";
        const workflow::YamlNode* push = workflow.event("push");
        const workflow::YamlNode* branches = push ? push->find("branches") : nullptr;
        if (branches)
            for (const auto& each : branches->items)
                if (each.text.find_first_of("*?[!+") == std::string::npos) {
                    ref = each.text;
                    break;
                }
    }
    return ref.starts_with("refs/") ? ref : "refs/heads/" + ref;
}

// One bundle of what this machine trusts and the stack's own CA.
std::string write_bundle(const std::string& path, const std::string& own_ca) {
    std::string text;
    for (const std::string& file :
         {own_variable("SSL_CERT_FILE"), std::string("/etc/ssl/certs/ca-certificates.crt")})
        if (text.empty() && !file.empty()) text = state::read_file(file).value_or("");
    text += state::read_file(own_ca).value_or("");
    return state::write_file(path, text).has_value() ? path : "";
}

int run(const Arguments& arguments) {
    if (arguments.positional.size() != 1)
        return fail(kWrongInput,
                    "name one workflow, as in `dodam workflow run .github/workflows/deploy.yml`");
    const std::string network = arguments.get("network");
    if (network != "closed" && network != "all")
        return fail(kWrongInput, fmt::format("--network is closed or all, not \"{}\"", network));
    const std::string& path = arguments.positional[0];
    auto text = state::read_file(path);
    if (!text) return fail(kWrongInput, fmt::format("cannot read {}: {}", path, text.error()));
    auto given_inputs = pairs(arguments, "input"), given_vars = pairs(arguments, "var"),
         given_secrets = pairs(arguments, "secret");
    for (const auto* each : {&given_inputs, &given_vars, &given_secrets})
        if (!*each) return fail(kWrongInput, each->error());

    Interruption interruption;
    base::Spawner spawner;
    auto repository = look_around(spawner, path, arguments.get("commit"));
    if (!repository) return fail(kWrongInput, repository.error());

    // What is wrong with the file is told before a stack is asked for.
    const std::string stack_file = stack_file_for(arguments, path);
    auto known = settings_of(stack_file, "");
    if (!known) return kWrongInput;
    workflow::Surroundings around{repository->directory, known->secret_names,
                                  known->variable_names};
    for (const auto& [name, value] : *given_secrets)
        if (around.secrets) around.secrets->insert(name);
    for (const auto& [name, value] : *given_vars)
        if (around.vars) around.vars->insert(name);
    const auto findings = workflow::lint(repository->file, *text, around);
    for (const auto& finding : findings)
        if (finding.severity == workflow::Finding::Severity::Error)
            fmt::print(stderr, "{}\n", workflow::show(finding, *text));
    if (workflow::has_errors(findings))
        return fail(kWrongInput, "nothing ran; `dodam workflow lint` shows the warnings, too");
    std::vector<workflow::Finding> none;
    auto parsed = workflow::parse_workflow(repository->file, *text, none);

    workflow::Setup setup;
    setup.repository = repository->directory;
    setup.sha = repository->sha;
    setup.from_commit = repository->has_git && arguments.get("tree") != "working";
    setup.repository_name = repository->name;
    setup.event.name = arguments.has("event")  ? arguments.get("event")
                       : !known->event.empty() ? known->event
                       : parsed->event("push") ? "push"
                                               : "workflow_dispatch";
    setup.event.ref = ref_of(arguments, *repository, *parsed);
    setup.event.changed_files = repository->changed;
    if (auto why = workflow::why_not_started(*parsed, setup.event); why && !arguments.has("always"))
        return fail(
            kNothingRan,
            fmt::format(
                "{}; --event and --ref say what happens instead, --always runs it all the same",
                *why));
    if (setup.event.name == "workflow_dispatch") {
        auto inputs = inputs_of(*parsed, *given_inputs);
        if (!inputs) return fail(kWrongInput, inputs.error());
        setup.inputs = std::move(*inputs);
    } else if (!given_inputs->empty()) {
        return fail(kWrongInput, "--input goes with --event workflow_dispatch");
    }
    setup.event_payload = payload_of(*repository, setup.event, setup.inputs);

    Arguments instance = arguments;
    if (!stack_file.empty()) instance.values["file"] = stack_file;
    if (const char* state = std::getenv("DODAM_STATE"); state && *state && !arguments.has("state"))
        instance.values["state"] = state;
    auto client = Client::find(instance);
    if (!client) return client.error();
    auto status = client->get("/status");
    if (!status) return fail(status.error());
    auto settings = settings_of(stack_file, client->directory() + "/secrets.env");
    if (!settings) return kWrongInput;
    setup.vars = settings->vars;
    setup.secrets = settings->secrets;
    for (const auto& [name, value] : *given_vars)
        setup.vars[name] = value;
    // No workflow gets real keys: what stands for AWS's are the stack's own.
    const auto keys = workflow::key_secrets(*parsed);
    for (const auto& name : keys.access_keys)
        if (setup.secrets.contains(name)) setup.secrets[name] = "test";
    for (const auto& name : keys.secret_keys)
        if (setup.secrets.contains(name)) setup.secrets[name] = "test";
    for (const auto& [name, value] : *given_secrets)
        setup.secrets[name] = value;

    setup.world.aws_endpoint = client->info().aws_endpoint;
    setup.world.viewer_endpoint = client->info().viewer_endpoint;
    setup.world.viewer_tls_endpoint = client->info().viewer_tls_endpoint;
    setup.world.token = client->info().token;
    setup.world.ca_file = fs::absolute(client->directory() + "/ca/ca.pem").string();
    setup.world.account = settings->account;
    setup.world.region = settings->region;

    Scratch scratch;
    if (scratch.path().empty())
        return fail(kNotStarted, "no directory for the run can be made in " +
                                     fs::temp_directory_path().string());
    if (arguments.has("keep")) scratch.keep();
    setup.scratch = scratch.path();
    setup.shims = scratch.path() + "/bin";
    setup.cache = image_cache_directory() + "/workflow";
    std::error_code problem;
    fs::create_directories(setup.cache + "/npm", problem);
    const std::string engine_client = (*status)["runtime"].as_string().starts_with("docker")
                                          ? base::find_program("docker", own_variable("PATH"))
                                          : "";
    const bool engine = !engine_client.empty();
    if (!write_shims(setup.shims, engine_client, *client))
        return fail(kNotStarted, "cannot write " + setup.shims);
    const std::string bundle = write_bundle(scratch.path() + "/ca-bundle.pem", setup.world.ca_file);
    std::string search(kSystemPath);
    for (const char* tool : {"node", "docker", "git"}) {
        const std::string found = base::find_program(tool, own_variable("PATH"));
        if (found.empty() || !base::find_program(tool, search).empty()) continue;
        search += ":" + fs::path(found).parent_path().string();
    }
    setup.environment = {
        {"PATH", search},
        {"LANG", "C.UTF-8"},
        {"USER", "runner"},
        {"AWS_ENDPOINT_URL", setup.world.aws_endpoint},
        {"AWS_EC2_METADATA_DISABLED", "true"},
        {"AWS_CONFIG_FILE", "/dev/null"},
        {"AWS_SHARED_CREDENTIALS_FILE", "/dev/null"},
        {"AWS_PAGER", ""},
        {"DODAM_STATE", fs::absolute(client->directory()).string()},
        {"npm_config_cache", setup.cache + "/npm"},
        {"npm_config_update_notifier", "false"},
        {"npm_config_fund", "false"},
        {"npm_config_audit", "false"},
        {"npm_config_prefer_offline", "true"},
    };
    for (const char* name : {"NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "CURL_CA_BUNDLE",
                             "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "AWS_CA_BUNDLE"})
        if (!bundle.empty()) setup.environment[name] = bundle;
    if (engine)
        setup.environment["DOCKER_HOST"] = "unix://" + containers::DockerEngine().socket_path();

    Texts outside = {{"DODAM_STATE", setup.environment["DODAM_STATE"]},
                     {"HOME", own_variable("HOME")},
                     {"XDG_CACHE_HOME", own_variable("XDG_CACHE_HOME")},
                     {"PATH", own_variable("PATH")}};
    std::erase_if(outside, [](const auto& entry) { return entry.second.empty(); });
    std::unique_ptr<DockerDesk> desk;
    if (!engine) {
        desk = std::make_unique<DockerDesk>(spawner, scratch.path() + "/docker.sock", outside);
        if (!desk->open())
            return fail(kNotStarted, "cannot listen on " + scratch.path() + "/docker.sock");
        setup.environment[kDockerDeskVariable] = scratch.path() + "/docker.sock";
    }

    workflow::OpenMachine open(spawner);
    std::unique_ptr<ClosedMachine> fenced;
    const bool closed = network == "closed";
    setup.machine = &open;
    if (closed) {
        containers::ClosedSpaceOptions options;
        options.writable = {scratch.path(), setup.cache};
        // Ours: the shim for docker is this program, wherever it was built.
        options.readable = {setup.repository,
                            fs::read_symlink("/proc/self/exe").parent_path().string()};
        options.readable.insert(options.readable.end(), repository->stores.begin(),
                                repository->stores.end());
        options.relays = relays_for(setup.world, *status);
        fenced = std::make_unique<ClosedMachine>(spawner, std::move(options));
        if (auto opened = fenced->open(); !opened)
            return fail(kNotStarted, fmt::format("steps cannot run closed: {}; `--network all` "
                                                 "runs them without a fence, and says so",
                                                 opened.error()));
        setup.machine = fenced.get();
    }
    setup.stop = &interruption.asked();
    const bool json = arguments.has("json"), terminal = isatty(STDOUT_FILENO) != 0;
    if (!json) {
        std::vector<std::string> made_up, given;
        for (const auto& [name, value] : setup.secrets)
            (keys.access_keys.contains(name) || keys.secret_keys.contains(name) ? made_up : given)
                .push_back(name);
        fmt::print("{} › {}   {} {} ({})   secrets: {}{}\n\n", repository->file, parsed->name,
                   setup.event.name, setup.sha.substr(0, 12), setup.event.ref,
                   made_up.empty() ? "" : fmt::format("{} of the stack", base::join(made_up, ", ")),
                   given.empty()
                       ? made_up.empty() ? "none" : ""
                       : fmt::format("{}{}", made_up.empty() ? "" : "; ", base::join(given, ", ")));
    }
    Keeper keeper;
    Terminal shown(arguments.has("verbose"),
                   terminal && !arguments.has("no-color") && std::getenv("NO_COLOR") == nullptr,
                   terminal, workflow::runs_side_by_side(*parsed));
    const auto result =
        workflow::run(*parsed, setup, json ? static_cast<workflow::Progress&>(keeper) : shown);
    if (json) {
        fmt::print("{}\n", base::to_json(to_node(result, repository->file, keeper, closed), 2));
    } else {
        for (const auto& job : result.jobs)
            if (!job.summary.empty()) fmt::print("{}: summary\n{}\n", job.name, job.summary);
        for (const auto& host : result.refused_hosts)
            fmt::print("refused: {} (steps reach the stack and the npm registry)\n", host);
        if (!closed) fmt::print("note: the run was not closed: steps could reach any network\n");
        size_t failed = 0;
        for (const auto& job : result.jobs)
            failed += job.result == "failure";
        fmt::print("{} in {:.1f}s: {} job{}{}\n", result.conclusion, result.seconds,
                   result.jobs.size(), result.jobs.size() == 1 ? "" : "s",
                   failed ? fmt::format(", {} failed", failed) : "");
        if (arguments.has("keep")) fmt::print("kept: {}\n", scratch.path());
    }
    if (interruption.asked()) return scenarios::kInterrupted;
    return result.conclusion == "success" ? kOk : kFailed;
}

constexpr Flag kRunFlags[] = {
    kStateFlag,
    {"-f,--file", "FILE", "the stack file (default: dodam.json beside .github, else here)"},
    {"--event", "NAME",
     "what happened: push, workflow_dispatch … (default: workflow.event of dodam.json, else push)"},
    {"--ref", "REF", "the branch or tag of it (default: the branch you are on)"},
    {"--commit", "REV", "the commit that is checked out", "HEAD"},
    {"--tree", "commit|working", "working: the files as they are", "commit"},
    {"--always", "", "run it even if this event would not start it"},
    {"--input", "NAME=VALUE", "an input of workflow_dispatch; may be repeated"},
    {"--secret", "NAME=VALUE", "a secret for this run; may be repeated"},
    {"--var", "NAME=VALUE", "a variable for this run; may be repeated"},
    {"--network", "closed|all", "all: steps may reach any network, and the run says so", "closed"},
    {"-v,--verbose", "", "every line of every step"},
    {"--keep", "", "leave the run's directory for a look"},
    {"--no-color", "", "plain text"},
    kJsonFlag,
};
constexpr Flag kLintFlags[] = {
    {"-f,--file", "FILE",
     "the stack file that names secrets and variables (default: dodam.json beside .github)"},
    kJsonFlag,
};

}  // namespace

const Command kWorkflowRun{
    "workflow run",
    "Run a GitHub workflow, unchanged, against the running stack",
    "FILE",
    kRunFlags,
    "  dodam workflow run .github/workflows/deploy.yml\n"
    "  dodam workflow run .github/workflows/release.yml --event workflow_dispatch --input "
    "stage=blue\n",
    run};
const Command kWorkflowLint{"workflow lint",
                            "Say what is wrong with workflows before anything runs",
                            "[FILE…]",
                            kLintFlags,
                            "  dodam workflow lint\n"
                            "  dodam workflow lint .github/workflows/deploy.yml --json\n",
                            lint};

}  // namespace commands
