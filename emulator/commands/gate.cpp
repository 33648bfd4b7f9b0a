// dodam gate: judges a commit before it is pushed. Its own throwaway world: the stack, a fresh
// database and cache, the app built and deployed by its own workflow, then the scenarios. One
// verdict, which is remembered for its inputs when it is a GO.
#include <fcntl.h>
#include <fmt/format.h>
#include <httplib.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>

#include "base/clock.h"
#include "base/date.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/process.h"
#include "base/result.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/docker.h"
#include "commands/gate_inputs.h"
#include "commands/git.h"
#include "commands/interruption.h"
#include "commands/recording.h"
#include "commands/worlds.h"
#include "containers/docker_engine.h"
#include "scenarios/checks/checks.h"
#include "scenarios/checks/explanation.h"
#include "scenarios/checks/observed.h"
#include "scenarios/checks/repository.h"
#include "scenarios/checks/served.h"
#include "scenarios/checks/verdict.h"
#include "scenarios/push/selection.h"
#include "scenarios/push/verdicts.h"
#include "scenarios/runner/scenario.h"
#include "scenarios/runner/schedule.h"

namespace commands {
namespace {

namespace fs = std::filesystem;
using base::Node;

constexpr auto kUpWait = std::chrono::minutes(5);
constexpr auto kDeployWait = std::chrono::minutes(15);
constexpr auto kRunWait = std::chrono::minutes(30);
constexpr auto kAskWait = std::chrono::seconds(10);
constexpr auto kRollbackWait = std::chrono::seconds(15);
constexpr size_t kLinesShown = 60;  // of a stage's output
constexpr int kMostPages = 200, kSpansOfPage = 500;
constexpr size_t kLinesShownBriefly = 12;
constexpr const char* kOrphaned = "30m";  // a world whose gate was killed ends by itself
constexpr auto kLookAgain = std::chrono::milliseconds(200);
constexpr auto kHeartbeat = std::chrono::seconds(60);    // of a stage, where no terminal shows it
constexpr auto kUndo = std::chrono::seconds(15);         // of a stage that was interrupted
constexpr auto kAfterBudget = std::chrono::seconds(15);  // for a run to end by itself
constexpr int kNotDone = 124;                            // a stage's code: its time is over

// For whom a commit is judged.
struct Profile {
    std::string_view name, budget;
    bool brief = false;  // the verdict in ten lines
    bool fresh = false;  // whatever is remembered
};
constexpr Profile kProfiles[] = {{"", ""}, {"pre-push", "60s", true}, {"ci", "", false, true}};

struct Gate {
    const Arguments& arguments;
    const Profile& profile;
    const std::atomic<bool>& interrupted;
    base::Spawner spawner;
    base::SystemClock clock;
    base::Time begun = clock.now();
    std::string self = fs::read_symlink("/proc/self/exe").string();
    std::string stack_file, app;  // the stack file; the commit under test, checked out
    std::string world;            // everything of this run
    std::string commit = "working tree";
    std::string top;    // of the work tree; "" = git knows none
    std::string state;  // the state directory beside the stack file: recordings, verdicts
    std::string run;    // the recording of the scenarios
    std::optional<base::Time> deadline;
    std::vector<std::string> selected;  // scenario files; empty = all
    std::string registry;               // 127.0.0.1:PORT once an engine builds and pushes
    std::string output;                 // of the stage that ran last
    std::string deployer;  // the workflow or script that deploys, beside the stack file

    Gate(const Arguments& given, const Profile& for_whom, const std::atomic<bool>& stop)
        : arguments(given), profile(for_whom), interrupted(stop) {}
    ~Gate() {
        if (world.empty()) return;
        (void)quiet({self, "down", "--state", world + "/state"}, kUpWait);
        if (!registry.empty()) remove_pushed();  // no task runs them any more
        std::error_code ignored;
        if (!arguments.has("keep-world")) fs::remove_all(world, ignored);
    }

    void say(std::string_view step, std::string_view text) const {
        if (profile.brief && step != "select") return;
        fmt::print("{:>6.1f}s  {:<9} {}\n", seconds(), step, text);
        std::fflush(stdout);
    }

    std::expected<base::Finished, std::string> quiet(std::vector<std::string> command,
                                                     std::chrono::milliseconds at_most,
                                                     std::string directory = {}) {
        base::ProcessOptions options;
        options.command = std::move(command);
        options.directory = std::move(directory);
        return base::run(spawner, std::move(options), at_most);
    }

    // The names under which the engine pushed to this world. Layers stay: they are its build cache.
    void remove_pushed() {
        containers::DockerEngine engine;
        base::Node filter =
            Node::object({{"reference", Node::array({registry + "/*", registry + "/*/*"})}});
        auto list = engine.call(
            "GET", "/images/json?filters=" + base::percent_encode(base::to_json(filter)));
        if (!list || !list->ok()) return;
        const Node found = list->json();
        for (const Node& image : found.items())
            for (const Node& tag : image["RepoTags"].items())
                if (tag.as_string().starts_with(registry + "/"))
                    (void)engine.call("DELETE", "/images/" + tag.as_string() + "?noprune=true");
    }

    // Its output goes to a file of the world and into `output`; with --verbose it is ours.
    int logged(const std::string& stage, std::vector<std::string> command,
               std::chrono::milliseconds at_most, const std::string& directory = {},
               std::map<std::string, std::string> additions = {}) {
        const bool verbose = arguments.has("verbose");
        const std::string log = world + "/" + stage + ".log";
        output.clear();
        const int file =
            ::open(log.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC | O_APPEND, 0600);
        if (file < 0) return fail(kNotStarted, fmt::format("cannot write {}", log));
        base::ProcessOptions options;
        options.command = std::move(command);
        options.directory = directory;
        options.standard_output = verbose ? 1 : file;
        options.standard_error = verbose ? 2 : file;
        std::map<std::string, std::string> environment;
        for (char** entry = environ; *entry; ++entry) {
            auto [name, value] = base::cut(*entry, '=');
            environment.emplace(name, value);
        }
        for (auto& [name, value] : additions)
            environment[name] = value;
        options.environment = std::move(environment);
        options.new_session = true;  // Ctrl-C reaches us, and we undo
        auto process = spawner.spawn(std::move(options));
        ::close(file);
        if (!process) return fail(kBug, process.error());
        const base::Time until = clock.now() + at_most;
        told_stage = stage;
        base::Time told = clock.now();
        std::optional<int> code;
        while (!code && clock.now() < until && !interrupted) {
            code = (*process)->wait(kLookAgain);
            if (!code && !verbose) told = tell_progress(stage, log, told);
        }
        if (isatty(1) && !verbose) fmt::print("\r\x1b[2K");
        output = state::read_file(log).value_or("");
        if (code) return *code;
        // A stack that starts is let come up: then it can be ended.
        code = stage == "up" ? (*process)->wait(kUndo) : stopped(**process);
        if (!code) (*process)->signal(SIGKILL);
        if (interrupted) return scenarios::kInterrupted;
        output += fmt::format("\nerror: not done after {} s\n",
                              std::chrono::duration_cast<std::chrono::seconds>(at_most).count());
        return kNotDone;
    }

    bool is_late() const { return deadline && clock.now() >= *deadline; }
    // A stage's own patience, within the budget.
    std::chrono::milliseconds within_budget(std::chrono::milliseconds at_most) const {
        if (!deadline) return at_most;
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - clock.now());
        return std::clamp(left, std::chrono::milliseconds(0), at_most);
    }

    // A stage undoes what it did when it is asked to stop.
    static std::optional<int> stopped(base::Process& process) {
        process.signal(SIGINT);
        return process.wait(kUndo);
    }

    // Where a long stage stands: a live line on a terminal, a line now and then elsewhere.
    base::Time tell_progress(const std::string& stage, const std::string& log,
                             base::Time told) const {
        const bool live = isatty(1);
        if (!live && clock.now() - told < kHeartbeat) return told;
        const std::string text = state::read_file(log).value_or("");
        std::string at;
        for (std::string_view line : base::split(text, '\n'))
            if (line.starts_with("==> ") || line.starts_with("PASS") || line.starts_with("FAIL"))
                at = line.starts_with("==> ") ? line.substr(4) : line;
        if (live) {
            fmt::print("\r\x1b[2K{:>6.1f}s  {:<9} {:.60}", seconds(), stage, at.empty() ? "…" : at);
            std::fflush(stdout);
        } else {
            say(stage, at.empty() ? "goes on" : "at: " + at);
        }
        return clock.now();
    }
    double seconds() const { return static_cast<double>((clock.now() - begun).count()) / 1e6; }
    std::string told_stage = "start";  // where a run was cut short
};

// What is judged: a commit, or the files as they are (without git, or with --tree working).
int find_commit(Gate& gate) {
    const std::string source = fs::path(gate.stack_file).parent_path().string();
    gate.app = source;
    gate.top = Git(gate.spawner, source).line({"rev-parse", "--show-toplevel"});
    if (gate.top.empty() || gate.arguments.get("tree") == "working") return kOk;
    const std::string wanted = gate.arguments.get("commit");
    gate.commit = Git(gate.spawner, gate.top).line({"rev-parse", "--verify", wanted + "^{commit}"});
    if (gate.commit.empty())
        return fail(kWrongInput, fmt::format("\"{}\" is no commit of {}; commit first, or judge "
                                             "the files as they are with --tree working",
                                             wanted, gate.top));
    return kOk;
}

bool judges_commit(const Gate& gate) {
    return gate.commit != "working tree";
}

// The commit under test alone: uncommitted edits and untracked files are not part of a push.
int check_out(Gate& gate) {
    if (!judges_commit(gate)) return kOk;
    const std::string source = gate.app;
    gate.app = gate.world + "/app";
    const Git git(gate.spawner, gate.top);
    if (auto cloned = git.ask({"clone", "-q", "--no-checkout", "--shared", gate.top, gate.app});
        !cloned)
        return fail(kNotStarted, "git could not clone the repository: " + cloned.error());
    if (auto done = Git(gate.spawner, gate.app).ask({"checkout", "-q", gate.commit}); !done)
        return fail(kNotStarted, "git could not check the commit out: " + done.error());
    if (!git.line({"status", "--porcelain"}).empty())
        gate.say("note",
                 "uncommitted changes are not part of this test (--tree working includes them)");
    // A stack file below the repository's root keeps its place.
    gate.app = (fs::path(gate.app) / fs::relative(source, gate.top)).lexically_normal().string();
    if (gate.app.ends_with('/')) gate.app.pop_back();
    if (!fs::exists(gate.app + "/" + fs::path(gate.stack_file).filename().string()))
        return fail(kWrongInput, fmt::format("the commit {} has no {}", gate.commit.substr(0, 12),
                                             fs::relative(gate.stack_file, gate.top).string()));
    return kOk;
}

// What the changes since --changed are about, from their paths below the stack file's directory.
std::expected<push::Areas, std::string> changed_areas(Gate& gate) {
    if (gate.top.empty()) return std::unexpected("--changed needs a git repository");
    const Git git(gate.spawner, gate.top);
    std::vector<std::string> command{"diff", "--name-only", "-z", "--no-renames",
                                     gate.arguments.get("changed")};
    if (judges_commit(gate)) command.push_back(gate.commit);
    command.emplace_back("--");
    auto paths = TRY(git.list(std::move(command)));
    if (!judges_commit(gate))
        for (std::string& path : TRY(git.list({"ls-files", "-o", "--exclude-standard", "-z"})))
            paths.push_back(std::move(path));
    const fs::path home = fs::relative(fs::path(gate.stack_file).parent_path(), gate.top);
    for (std::string& path : paths)
        path = fs::path(path).lexically_relative(home == "." ? fs::path() : home).string();
    return push::areas_of(paths);
}

// The scenarios of the checkout that the areas are about; the others are told.
void select_by(Gate& gate, const push::Areas& areas) {
    std::vector<push::Candidate> all;
    for (const std::string& file : scenarios::find_scenario_files({gate.app + "/scenarios"}))
        all.push_back({fs::path(file).lexically_relative(gate.app).string(),
                       scenarios::load_scenario(file, {}).scenario.tags});
    const push::Selection selection = push::select(areas, all);
    gate.selected = selection.files;
    std::string left_out;
    for (const std::string& file : selection.left_out) {
        const std::string name = fs::path(file).filename().string();
        left_out +=
            (left_out.empty() ? "; not checked: " : ", ") + std::string(base::cut(name, '.').first);
    }
    gate.say("select",
             fmt::format("{} of {} scenarios, for what changed ({}){}", selection.files.size(),
                         all.size(), areas.to_string(), left_out));
}

int start_world(Gate& gate) {
    auto up = world_command(gate.self, gate.world + "/state", gate.arguments.get("speed"),
                            gate.arguments.get("runtime"));
    up.insert(up.end(),
              {"--until-idle", kOrphaned, "--backing", gate.arguments.get("backing"), "-f",
               (fs::path(gate.app) / fs::path(gate.stack_file).filename()).string()});
    return gate.logged("up", std::move(up), gate.within_budget(kUpWait));
}

// The user's settings for docker but for where logins are kept: a world's registry and its password
// end with it.
std::expected<std::string, std::string> docker_settings(const Gate& gate) {
    const char* given = std::getenv("DOCKER_CONFIG");
    const char* home = std::getenv("HOME");
    const std::string users =
        given && *given ? given : std::string(home ? home : "/root") + "/.docker";
    auto settings = base::parse_json(state::read_file(users + "/config.json").value_or("{}"));
    Node kept = Node::object();
    if (settings)
        for (const auto& [name, value] : settings->members())
            if (name != "credsStore" && name != "currentContext") kept.set(name, value);
    const std::string directory = gate.world + "/docker";
    std::error_code error;
    fs::create_directories(directory, error);
    if (error)
        return std::unexpected(fmt::format("cannot make {}: {}", directory, error.message()));
    TRY(state::write_file(directory + "/config.json", base::to_json(kept), 0600));
    return directory;
}

// A Docker engine runs the tasks, and its client is here: then they build and push, too.
bool builds_with_engine(const Client& client) {
    auto status = client.get("/status");
    return status && (*status)["runtime"].as_string().starts_with("docker") &&
           !base::find_program("docker").empty();
}

// The workflow that deploys: workflow.file of the stack file, else the only one of
// .github/workflows that deploys to ECS. "" when there is none.
std::string deploy_workflow(const Gate& gate) {
    const std::string stack = gate.app + "/" + fs::path(gate.stack_file).filename().string();
    auto parsed =
        base::parse_json(state::read_file(stack).value_or("{}"), base::JsonDialect::WithComments);
    if (parsed && !(*parsed)["workflow"]["file"].as_string().empty())
        return (fs::path(gate.app) / (*parsed)["workflow"]["file"].as_string()).string();
    std::vector<std::string> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(gate.app + "/.github/workflows", ignored)) {
        const std::string extension = entry.path().extension().string();
        if ((extension == ".yml" || extension == ".yaml") &&
            state::read_file(entry.path().string())
                    .value_or("")
                    .find("amazon-ecs-deploy-task-definition") != std::string::npos)
            found.push_back(entry.path().string());
    }
    return found.size() == 1 ? found.front() : "";
}

int run_workflow(Gate& gate, const Client& client, const std::string& file) {
    if (builds_with_engine(client))
        gate.registry = client.info().aws_endpoint.substr(std::string_view("http://").size());
    gate.deployer = fs::relative(file, gate.app).string();
    std::vector<std::string> command = {
        gate.self,
        "workflow",
        "run",
        file,
        "--always",
        "--state",
        gate.world + "/state",
        "-f",
        gate.app + "/" + fs::path(gate.stack_file).filename().string()};
    if (!judges_commit(gate)) command.insert(command.end(), {"--tree", "working"});
    return gate.logged("deploy", std::move(command), gate.within_budget(kDeployWait), gate.app);
}

int deploy(Gate& gate, const Client& client) {
    if (!gate.arguments.has("deploy"))
        if (const std::string file = deploy_workflow(gate); !file.empty())
            return run_workflow(gate, client, file);
    const std::string script =
        (fs::path(gate.app) /
         (gate.arguments.has("deploy") ? gate.arguments.get("deploy") : "deploy.sh"))
            .string();
    gate.deployer = fs::relative(script, gate.app).string();
    if (!fs::exists(script))
        return fail(
            kWrongInput,
            fmt::format("there is no {}, and no workflow that deploys in .github/workflows; name "
                        "the script that "
                        "deploys with --deploy, or the workflow at workflow.file in dodam.json",
                        script));
    std::map<std::string, std::string> environment = {
        {"AWS_ENDPOINT_URL", client.info().aws_endpoint},
        {"AWS_CLI", "/usr/bin/aws"},
        {"AWS_ACCESS_KEY_ID", "test"},
        {"AWS_SECRET_ACCESS_KEY", "test"},
        {"AWS_EC2_METADATA_DISABLED", "true"},
        {"AWS_CONFIG_FILE", "/dev/null"},
        {"AWS_SHARED_CREDENTIALS_FILE", "/dev/null"},
        {"DODAM_STATE", gate.world + "/state"},
        {"IMAGE_TAG", judges_commit(gate) ? gate.commit : base::random_hex(40)}};
    // Where tasks run in an engine, it also builds and pushes, as the workflow does; otherwise our
    // own builder does.
    if (builds_with_engine(client)) {
        auto settings = docker_settings(gate);
        if (!settings) return fail(kNotStarted, settings.error());
        gate.registry = client.info().aws_endpoint.substr(std::string_view("http://").size());
        environment["DOCKER_CONFIG"] = *settings;
        environment["DOCKER_HOST"] = "unix://" + containers::DockerEngine().socket_path();
        environment["DODAM"] = "";
        const std::string shims = gate.world + "/bin";
        if (!write_docker_shim(shims, base::find_program("docker")))
            return fail(kNotStarted, "cannot write " + shims);
        const char* path = std::getenv("PATH");
        environment["PATH"] = shims + (path ? ":" + std::string(path) : "");
        gate.say("deploy", "the Docker engine builds and pushes the image");
    } else {
        environment["DODAM"] = gate.self;
    }
    return gate.logged("deploy", {"/bin/bash", script}, gate.within_budget(kDeployWait), gate.app,
                       std::move(environment));
}

// A path that a behaviour's pattern matches.
std::string path_of(const std::string& pattern) {
    const std::string path = base::replace_all(base::replace_all(pattern, "*", ""), "?", "x");
    return path.starts_with('/') ? path : "/" + path;
}

// One request through CloudFront by each way to a load balancer: the report says which digest
// answered.
void ask_through_cloudfront(const Client& client) {
    auto status = client.get("/status");
    if (!status) return;
    httplib::Client viewer((*status)["viewer_endpoint"].as_string());
    viewer.set_connection_timeout(kAskWait);
    viewer.set_read_timeout(kAskWait);
    for (const auto& [name, distribution] : (*status)["distributions"].members()) {
        std::set<std::string> customs;
        for (const Node& origin : distribution["origins"].items())
            if (origin["kind"].as_string() == "custom") customs.insert(origin["id"].as_string());
        for (const Node& route : distribution["routes"].items())
            if (customs.contains(route["target"].as_string()))
                (void)viewer.Get(
                    path_of(route["path"].as_string()) + "?dodam-proof=" + base::random_hex(8),
                    {{"Host", distribution["domain"].as_string()}});
    }
}

// "stable" on the old image is the lie to catch: every task must run the digest that was pushed,
// and that digest must answer.
int prove(Gate& gate, const Client& client) {
    ask_through_cloudfront(client);
    auto answer = client.get("/deployments");
    if (!answer) return fail(answer.error());
    int code = kOk;
    for (const auto& [name, service] : (*answer)["services"].members()) {
        const Node& report = service["report"];
        const Node& digests = report["digests"];
        if (digests["pushed"].as_string().empty()) {
            gate.say("deploy", fmt::format("{}: no image was pushed", name));
        } else if (report["arrived"].as_bool()) {
            gate.say(
                "proof",
                fmt::format("{}: the digest pushed is the digest that runs in {} task{}{}: {}",
                            name, service["tasks"].size(), service["tasks"].size() == 1 ? "" : "s",
                            digests["answered"].size() ? " and answers through CloudFront" : "",
                            digests["pushed"].as_string().substr(0, 19)));
        } else {
            fmt::print(stderr, "dodam: the deploy of {} did not arrive\n", name);
            print_report(report, stderr);
            code = kFailed;
        }
    }
    return code;
}

// The report of every deploy that did not arrive; that of a rollback once it is over, if it is
// soon.
void tell_failures(Gate& gate, const Client& client) {
    if (gate.profile.brief) return;
    auto answer = client.get("/deployments");
    const base::Time until = gate.clock.now() + kRollbackWait;
    while (answer && !deploys_are_over((*answer)["services"]) && gate.clock.now() < until) {
        (void)gate.clock.wait_until(gate.clock.now() + kLookAgain);
        answer = client.get("/deployments");
    }
    if (!answer) return;
    for (const auto& [name, service] : (*answer)["services"].members()) {
        const Node& report = service["report"];
        if (report["arrived"].as_bool()) continue;
        fmt::print(stderr, "\n");
        print_report(report, stderr);
        fmt::print(stderr,
                   "look     dodam gate --keep-world leaves all of it: dodam logs, status, "
                   "trace\n");
    }
}

// The deployed stack, as checks ask it.
class Deployed {
  public:
    Deployed(const Gate& gate, const checks::Repository& repository, const Client& client)
        : client_(client),
          project_(checks::open_project(
              repository, repository.at_home(fs::path(gate.stack_file).filename().string()))) {
        if (auto status = client.get("/status")) status_ = std::move(*status);
        if (auto traces = client.get("/traces?n=1")) before_ = (*traces)["last"].as_int();
    }

    const Node& status() const { return status_; }

    // What a browser would find out about what was built.
    std::vector<checks::Finding> served() const {
        return checks::look_at_served(project_, status_, ask());
    }

    // What the run's own requests show.
    std::vector<checks::Finding> observed(const Node& record) {
        // Targets may have changed meanwhile.
        if (auto status = client_.get("/status")) status_ = std::move(*status);
        auto found = checks::look_at_traffic(project_, status_, record, spans());
        auto kept = checks::look_at_kept(project_, status_, record, ask());
        found.insert(found.end(), kept.begin(), kept.end());
        return found;
    }

    // The last thing that is done to the world: afterwards tasks may be unhealthy.
    std::vector<checks::Finding> without_database() const {
        if (status_["database"]["state"].as_string() != "ready") return {};
        auto fault = client_.post("/faults",
                                  Node::object({{"target", "db"},
                                                {"fault", Node("down")},
                                                {"lease", fmt::format("{}s", kAskWait.count())}}));
        if (!fault) return {};
        auto found = checks::look_at_health_without_database(project_, status_, ask());
        (void)client_.post("/faults", Node::object({{"clear", (*fault)["id"]}}));
        return found;
    }

  private:
    checks::Ask ask() const {
        auto viewer = std::make_shared<httplib::Client>(status_["viewer_endpoint"].as_string());
        viewer->set_connection_timeout(kAskWait);
        viewer->set_read_timeout(kAskWait);
        return [viewer](const std::string& domain, const std::string& path,
                        const std::map<std::string, std::string>& headers) {
            httplib::Headers sent{{"Host", domain}};
            sent.insert(headers.begin(), headers.end());
            std::optional<checks::Answer> answer;
            if (auto result = viewer->Get(path, sent)) {
                answer.emplace();
                answer->status = result->status;
                answer->body = std::move(result->body);
                for (const auto& [name, value] : result->headers)
                    answer->headers.insert_or_assign(base::lower(name), value);
            }
            return answer;
        };
    }

    // What the stack remembers since the deploy, page by page.
    std::vector<Node> spans() const {
        std::vector<Node> all;
        int64_t since = before_;
        for (int page = 0; page < kMostPages; ++page) {
            auto answer = client_.get(fmt::format("/traces?since={}&n={}", since, kSpansOfPage));
            if (!answer || (*answer)["spans"].items().empty()) break;
            const auto& items = (*answer)["spans"].items();
            since = items.back()["sequence"].as_int();
            for (const Node& span : items)
                if (span["hop"].as_string() == "edge") all.push_back(span);
        }
        return all;
    }

    const Client& client_;
    checks::Project project_;
    Node status_;
    int64_t before_ = 0;
};

// The recording outlives the world: `dodam show`, and `dodam report` of several shards.
void keep_recording(Gate& gate) {
    const auto made = list_runs(gate.world + "/state/runs");
    const std::string runs = gate.state + "/runs";
    if (made.empty() || !state::keep_out_of_git(gate.state)) return;
    std::error_code error;
    fs::create_directories(runs, error);
    fs::copy_file(made.front().file, runs + "/" + made.front().id + ".dodamrun", error);
    if (error) return gate.say("note", "the run is not recorded: " + error.message());
    gate.run = made.front().id.substr(made.front().id.rfind('-') + 1);
    prune_runs(runs, kKeptRuns, kKeptRunBytes);
}

int run_scenarios(Gate& gate) {
    std::vector<std::string> run = {gate.self, "run", "--here", "--state", gate.world + "/state"};
    if (gate.arguments.has("tags")) run.insert(run.end(), {"-t", gate.arguments.get("tags")});
    if (gate.arguments.has("shard"))
        run.insert(run.end(), {"--shard", gate.arguments.get("shard")});
    std::string reports = "json=" + gate.world + "/record.json";
    if (gate.arguments.has("report")) reports += "," + gate.arguments.get("report");
    run.insert(run.end(), {"--report", reports});
    auto at_most = std::chrono::milliseconds(kRunWait);
    if (gate.deadline) {
        const auto left = std::max(gate.within_budget(kRunWait), std::chrono::milliseconds(1));
        run.insert(run.end(), {"--budget", fmt::format("{}ms", left.count())});
        at_most = left + kAfterBudget;
    }
    const auto& files = gate.selected.empty() ? gate.arguments.positional : gate.selected;
    run.insert(run.end(), files.begin(), files.end());
    if (files.empty()) run.push_back("scenarios");
    const int code = gate.logged("scenarios", std::move(run), at_most, gate.app);
    keep_recording(gate);
    return code;
}

Node record_of(const Gate& gate) {
    return base::parse_json(state::read_file(gate.world + "/record.json").value_or("{}"))
        .value_or(Node::object());
}

int go(const Gate& gate) {
    fmt::print("{}GO     {} holds ({:.1f} s)\n", gate.profile.brief ? "" : "\n",
               gate.commit.substr(0, 12), gate.seconds());
    std::fflush(stdout);
    return kOk;
}

// As somebody types it to have the same judged again.
std::string again(const Gate& gate) {
    std::string text = "dodam gate";
    if (gate.arguments.has("file")) text += " -f " + gate.arguments.get("file");
    return text +
           (judges_commit(gate) ? " --commit " + gate.commit.substr(0, 12) : " --tree working");
}

// What somebody reads first: whose fault, the first cause, where, and what to do. Then all of it.
int no_go(const Gate& gate, int code, const checks::Verdict& verdict) {
    fmt::print("NO GO  {} (exit {}, {:.1f} s)\n{}", gate.commit.substr(0, 12), code, gate.seconds(),
               verdict.to_string());
    if (gate.arguments.has("keep-world"))
        fmt::print("look   dodam status --state {}/state\n", gate.world);
    if (gate.profile.brief) {
        fmt::print("look   {}\nagain  {}\nanyway git push --no-verify\n",
                   gate.run.empty() ? again(gate) + " -v" : "dodam show " + gate.run, again(gate));
    }
    std::fflush(stdout);
    return code;
}

// Ctrl-C and the end of the budget are no verdicts; nothing when neither came.
std::optional<int> cut_short(const Gate& gate, int code) {
    if (gate.interrupted) {
        fmt::print("STOPPED {} during {}; nothing of it is left\n", gate.commit.substr(0, 12),
                   gate.told_stage);
        std::fflush(stdout);
        return scenarios::kInterrupted;
    }
    if (code == kOk || (code != kOutOfTime && !(gate.is_late() && code == kNotDone)))
        return std::nullopt;
    std::string not_run;
    for (const Node& each : record_of(gate)["not_run"].items())
        not_run += (not_run.empty() ? "" : ", ") + each["id"].as_string();
    fmt::print(
        "LATE   {}: the budget ended during {} (exit {}, {:.1f} s)\n"
        "not checked: {}\n"
        "next   {} judges all of it; --budget gives more time\n",
        gate.commit.substr(0, 12), gate.told_stage, static_cast<int>(kOutOfTime), gate.seconds(),
        not_run.empty() ? "every scenario" : not_run, again(gate));
    std::fflush(stdout);
    return kOutOfTime;
}

// The end of what the stage wrote, below the verdict; briefly, what a failed scenario says of
// itself.
void show_output(const Gate& gate, std::string_view title) {
    if (gate.output.empty() || gate.arguments.has("verbose")) return;
    std::string text = gate.output;
    const size_t most = gate.profile.brief ? kLinesShownBriefly : kLinesShown;
    bool from_its_begin = false;
    if (gate.profile.brief && !gate.run.empty())
        for (const Node& scenario : record_of(gate)["scenarios"].items())
            if (!from_its_begin && scenario["outcome"].as_string() == "failed") {
                text = scenario["story"].as_string();
                from_its_begin = true;
            }
    auto lines = checks::lines_of(text);
    const size_t left = lines.size() > most ? lines.size() - most : 0;
    if (left && from_its_begin) lines.resize(most);
    if (left && !from_its_begin)
        lines.erase(lines.begin(), lines.begin() + static_cast<ptrdiff_t>(left));
    fmt::print(
        "\n{}{}\n", title,
        left ? fmt::format(" (its {} {} lines)", from_its_begin ? "first" : "last", most) : "");
    for (std::string_view line : lines)
        fmt::print("  {}\n", line);
    std::fflush(stdout);
}

// What is wrong can often be read: nothing is started for it. The errors first.
std::vector<checks::Finding> look_first(const Gate& gate, const checks::Repository& repository) {
    auto findings = checks::look_at(
        repository, repository.at_home(fs::path(gate.stack_file).filename().string()));
    std::ranges::stable_sort(findings, {}, [](const checks::Finding& finding) {
        return finding.severity != checks::Severity::Error;
    });
    const auto counted = [&](checks::Severity severity) {
        return std::ranges::count_if(findings, [&](const checks::Finding& finding) {
            return finding.severity == severity && finding.silenced.empty();
        });
    };
    gate.say("check", fmt::format("{} errors, {} warnings", counted(checks::Severity::Error),
                                  counted(checks::Severity::Warning)));
    return findings;
}

void show_findings(const Gate& gate, const checks::Repository& repository,
                   const std::vector<checks::Finding>& findings) {
    if (gate.profile.brief) return;
    for (const auto& finding : findings)
        if (finding.silenced.empty()) fmt::print("\n{}", checks::show(repository, finding));
    std::fflush(stdout);
}

int64_t milliseconds_of(base::Time time) {
    return std::chrono::duration_cast<base::milliseconds>(time.time_since_epoch()).count();
}

// A verdict's file, beside the recordings.
std::string verdicts_file(const Gate& gate) {
    return gate.state + "/verdicts.json";
}

// Which scenarios, as one text: "" = all of them.
std::string selection_of(const Gate& gate, const std::optional<push::Areas>& areas) {
    std::string text = areas ? "changed: " + areas->to_string() : "";
    for (const char* flag : {"tags", "shard"})
        if (gate.arguments.has(flag))
            text += fmt::format("\n{}: {}", flag, gate.arguments.get(flag));
    for (const std::string& word : gate.arguments.positional)
        text += "\n" + word;
    return text;
}

// Nothing when git cannot tell what the files are: then nothing is remembered either.
std::optional<push::Inputs> inputs_of(Gate& gate, const std::optional<push::Areas>& areas) {
    if (gate.top.empty()) return std::nullopt;
    return gate_inputs(gate.spawner, gate.arguments,
                       {.top = gate.top,
                        .commit = judges_commit(gate) ? gate.commit : "",
                        .stack_file = gate.stack_file,
                        .state = gate.state,
                        .selection = selection_of(gate, areas)},
                       gate.clock.real_now());
}

// A GO on the same inputs stands for this run. Who wants more than the verdict gets a run.
bool is_remembered(const Gate& gate, const push::Inputs& inputs) {
    for (const char* wants : {"fresh", "report", "keep-world", "verbose"})
        if (gate.arguments.has(wants)) return false;
    if (gate.profile.fresh) return false;
    const auto verdicts = push::read_verdicts(state::read_file(verdicts_file(gate)).value_or("{}"));
    const push::Verdict* found = push::recall(verdicts, {inputs, inputs.with("selection", "")});
    if (!found) {
        if (const auto changed = push::changed_since(verdicts, inputs); !changed.empty())
            gate.say("note", "not as at the last GO: " + base::join(changed, ", "));
        return false;
    }
    const auto ago = std::chrono::duration_cast<base::seconds>(
        gate.clock.real_now() - base::Time(base::milliseconds(found->at_ms)));
    fmt::print(
        "GO     {} holds: the same inputs were GO {} ago{}; nothing was run ({:.2f} s)\n"
        "       dodam gate --fresh runs it again\n",
        gate.commit.substr(0, 12),
        base::show_duration(std::max<base::seconds>(ago, base::seconds(1))),
        found->run.empty() ? "" : ", run " + found->run, gate.seconds());
    std::fflush(stdout);
    return true;
}

void remember(Gate& gate, const std::optional<push::Inputs>& before,
              const std::optional<push::Areas>& areas) {
    // Files that changed while they were judged are not what was judged.
    const auto now = inputs_of(gate, areas);
    if (!before || !now || before->key() != now->key()) return;
    auto verdicts = push::read_verdicts(state::read_file(verdicts_file(gate)).value_or("{}"));
    push::remember(verdicts, *before, milliseconds_of(gate.clock.real_now()), gate.commit,
                   gate.run);
    auto kept_out = state::keep_out_of_git(gate.state);
    if (kept_out) kept_out = state::write_file(verdicts_file(gate), push::write_verdicts(verdicts));
    if (!kept_out) gate.say("note", "the verdict is not remembered: " + kept_out.error());
}

// Everything from the checkout to the verdict, in the world that is gone afterwards.
int judge(Gate& gate, const std::optional<push::Areas>& areas) {
    const Arguments& arguments = gate.arguments;
    gate.world = (fs::temp_directory_path() / ("dodam-world-" + base::random_hex(8))).string();
    fs::create_directories(gate.world);

    if (int code = check_out(gate); code != kOk) return code;
    gate.say("gate", fmt::format("{} of {}", gate.commit.substr(0, 12), gate.stack_file));
    if (areas) select_by(gate, *areas);
    auto repository = checks::Repository::read(gate.app);
    if (!repository) return fail(kNotStarted, repository.error());

    auto findings = look_first(gate, *repository);
    const auto counts = [&](const checks::Finding& finding) {
        return finding.silenced.empty() &&
               (finding.severity == checks::Severity::Error || arguments.has("strict"));
    };
    if (auto found = std::ranges::find_if(findings, counts); found != findings.end()) {
        no_go(gate, kWrongInput, checks::of_finding(*repository, *found));
        show_findings(gate, *repository, findings);
        return kWrongInput;
    }

    if (int code = start_world(gate); code != kOk) {
        if (auto ended = cut_short(gate, code)) return *ended;
        no_go(gate, code, checks::of_start(*repository, gate.output));
        show_output(gate, "dodam up");
        return code;
    }
    gate.say("up", "the stack answers");

    Arguments at_world = arguments;
    at_world.values["state"] = gate.world + "/state";
    auto client = Client::find(at_world);
    if (!client) return client.error();
    const int code_of_deploy = deploy(gate, *client);
    if (auto ended = cut_short(gate, code_of_deploy)) return *ended;
    if (code_of_deploy != kOk) {
        gate.say("deploy", "failed; in production nothing of it would have been undone");
        auto deployments = client->get("/deployments");
        no_go(gate, kFailed,
              checks::of_deploy(*repository, deployments ? (*deployments)["services"] : Node(),
                                gate.output, gate.deployer));
        tell_failures(gate, *client);
        show_output(gate, "the deploy");
        return kFailed;
    }
    gate.say("deploy", fmt::format("done: {} as it is", gate.deployer));
    if (int code = prove(gate, *client); code != kOk)
        return no_go(gate, code,
                     {"deploy",
                      "the image that was pushed is not what the service's tasks run (above)",
                      "",
                      "dodam gate --keep-world, then dodam status: which revision runs, and why",
                      {}});
    Deployed deployed(gate, *repository, *client);
    const auto ends_it = [&] {
        auto found = std::ranges::find_if(findings, counts);
        if (found == findings.end()) return false;
        no_go(gate, kFailed, checks::of_finding(*repository, *found));
        return true;
    };
    checks::confirm(findings, deployed.served());
    if (ends_it()) {
        show_findings(gate, *repository, findings);
        return kFailed;
    }
    int code = run_scenarios(gate);
    if (auto ended = cut_short(gate, code)) return *ended;
    const Node record = record_of(gate);
    checks::confirm(findings, deployed.observed(record));
    if (code != kOk) {
        no_go(gate, code,
              code == kFailed
                  ? checks::of_scenarios(*repository, record, findings, deployed.status())
                  : checks::Verdict{
                        "scenarios", "they could not be run", "", "dodam check says why", {}});
    } else {
        checks::confirm(findings, deployed.without_database());
        if (ends_it()) code = kFailed;
    }
    if (code != kOk || !gate.profile.brief) show_output(gate, "the scenarios");
    show_findings(gate, *repository, findings);
    return code == kOk ? go(gate) : code;
}

int gate(const Arguments& arguments) {
    forget_callers_repository();
    const auto profile = std::ranges::find(kProfiles, arguments.get("profile"), &Profile::name);
    if (profile == std::end(kProfiles))
        return fail(kWrongInput, fmt::format("--profile takes pre-push or ci, not \"{}\"",
                                             arguments.get("profile")));
    const std::string budget =
        arguments.has("budget") ? arguments.get("budget") : std::string(profile->budget);
    const auto time = base::parse_duration(budget);
    if (!budget.empty() && (!time || time->count() <= 0))
        return fail(kWrongInput,
                    fmt::format("--budget takes a duration such as 90s or 5m, not \"{}\"", budget));
    if (arguments.has("shard"))
        if (auto shard = scenarios::parse_shard(arguments.get("shard")); !shard)
            return fail(kWrongInput, shard.error());
    if (arguments.has("changed") && !arguments.positional.empty())
        return fail(kWrongInput, "either --changed selects scenarios, or their names do");

    const std::string stack_file =
        fs::absolute(arguments.has("file") ? arguments.get("file") : "dodam.json")
            .lexically_normal()
            .string();
    if (!fs::exists(stack_file))
        return fail(kWrongInput,
                    fmt::format("there is no {}; run this where dodam.json is, or name it with -f",
                                stack_file));
    Interruption interruption;
    Gate gate(arguments, *profile, interruption.asked());
    gate.stack_file = stack_file;
    gate.state = fs::absolute(state_directory(arguments)).lexically_normal().string();
    if (!budget.empty()) gate.deadline = gate.begun + *time;
    if (int code = find_commit(gate); code != kOk) return code;
    std::optional<push::Areas> areas;
    if (arguments.has("changed")) {
        auto found = changed_areas(gate);
        if (!found) return fail(kWrongInput, found.error());
        areas = std::move(*found);
    }
    const auto inputs = inputs_of(gate, areas);
    if (inputs && is_remembered(gate, *inputs)) return kOk;
    const int code = judge(gate, areas);
    if (code == kOk) remember(gate, inputs, areas);
    return code;
}

constexpr Flag kFlags[] = {
    {"-f,--file", "FILE", "the stack file (default: ./dodam.json)"},
    {"--commit", "REV", "what to judge", "HEAD"},
    {"--tree", "commit|working", "working: the files as they are", "commit"},
    {"--deploy", "SCRIPT",
     "deploy with a script beside the stack file, not with the workflow that dodam.json names"},
    {"-t,--tags", "EXPR", "which scenarios: 'smoke and not slow'"},
    {"--report", "KIND=FILE", "junit=F or json=F"},
    {"--speed", "N", "control loops run N times faster", "20"},
    {"--runtime", "auto|docker|process",
     "what runs tasks; with docker the engine also builds and pushes", "auto"},
    {"--backing", "auto|compose", "MariaDB and Redis: child processes, or Docker Compose services",
     "auto"},
    {"--fresh", "", "judge again what was a GO today on the same inputs"},
    {"--profile", "pre-push|ci",
     "pre-push: 60 s, the verdict in ten lines; ci: nothing remembered counts"},
    {"--changed", "REV", "only scenarios that the changes since REV are about"},
    {"--shard", "I/N", "one of N parts of the scenarios; `dodam report` makes one of their runs"},
    {"--budget", "DURATION", "of all of it; what does not fit is told, exit 7"},
    {"--keep-world", "", "leave the world for a look"},
    {"--strict", "", "warnings of the checks fail, too"},
    {"-v,--verbose", "", "show what every stage writes, as it writes it"},
};

}  // namespace

const Command kGate{
    "gate",
    "Judge a commit: stack, deploy, scenarios, verdict",
    "[SCENARIO…]",
    kFlags,
    "  dodam gate                         HEAD of the repository around ./dodam.json\n"
    "  dodam gate --tree working -t smoke\n"
    "  dodam gate --profile ci --shard 1/2\n",
    gate};

}  // namespace commands
