// dodam gate: judges a commit before it is pushed. Its own throwaway world: the stack, a fresh
// database and cache, the app built and deployed by its own workflow, then the scenarios. One
// verdict.
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
#include "base/encoding.h"
#include "base/ids.h"
#include "base/process.h"
#include "base/result.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/worlds.h"
#include "containers/docker_engine.h"
#include "scenarios/checks/checks.h"
#include "scenarios/checks/explanation.h"
#include "scenarios/checks/observed.h"
#include "scenarios/checks/repository.h"
#include "scenarios/checks/served.h"
#include "scenarios/checks/verdict.h"

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
constexpr auto kLookAgain = std::chrono::milliseconds(200);
constexpr auto kHeartbeat = std::chrono::seconds(60);  // of a stage, where no terminal shows it
constexpr auto kGitWait = std::chrono::seconds(30);

struct Gate {
    const Arguments& arguments;
    base::Spawner spawner;
    base::SystemClock clock;
    base::Time begun = clock.now();
    std::string self = fs::read_symlink("/proc/self/exe").string();
    std::string stack_file, app;  // the stack file; the commit under test, checked out
    std::string world;            // everything of this run
    std::string commit = "working tree";
    std::string registry;  // 127.0.0.1:PORT once an engine builds and pushes
    std::string output;    // of the stage that ran last
    std::string deployer;  // the workflow or script that deploys, beside the stack file

    explicit Gate(const Arguments& given) : arguments(given) {}
    ~Gate() {
        if (world.empty()) return;
        (void)quiet({self, "down", "--state", world + "/state"}, kUpWait);
        if (!registry.empty()) remove_pushed();  // no task runs them any more
        std::error_code ignored;
        if (!arguments.has("keep-world")) fs::remove_all(world, ignored);
    }

    void say(std::string_view step, std::string_view text) const {
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
        auto process = spawner.spawn(std::move(options));
        ::close(file);
        if (!process) return fail(kBug, process.error());
        const base::Time until = clock.now() + at_most;
        base::Time told = clock.now();
        std::optional<int> code;
        while (!code && clock.now() < until) {
            code = (*process)->wait(kLookAgain);
            if (!code && !verbose) told = tell_progress(stage, log, told);
        }
        if (isatty(1) && !verbose) fmt::print("\r\x1b[2K");
        output = state::read_file(log).value_or("");
        if (code) return *code;
        (*process)->signal(SIGKILL);
        output += fmt::format("\nerror: not done after {} minutes\n",
                              std::chrono::duration_cast<std::chrono::minutes>(at_most).count());
        return 124;
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
};

// The commit under test alone: uncommitted edits and untracked files are not part of a push.
int check_out(Gate& gate) {
    const std::string source = fs::path(gate.stack_file).parent_path().string();
    gate.app = source;
    auto root =
        gate.quiet({"/usr/bin/git", "-C", source, "rev-parse", "--show-toplevel"}, kGitWait);
    if (!root || root->exit_code != 0 || gate.arguments.get("tree") == "working") return kOk;
    const std::string top = std::string(base::trim(root->output));
    auto head = gate.quiet({"/usr/bin/git", "-C", top, "rev-parse", "--verify",
                            gate.arguments.get("commit") + "^{commit}"},
                           kGitWait);
    if (!head || head->exit_code != 0)
        return fail(kWrongInput, fmt::format("\"{}\" is no commit of {}; commit first, or judge "
                                             "the files as they are with --tree working",
                                             gate.arguments.get("commit"), top));
    gate.commit = std::string(base::trim(head->output));
    gate.app = gate.world + "/app";
    auto cloned = gate.quiet(
        {"/usr/bin/git", "clone", "-q", "--no-checkout", "--shared", top, gate.app}, kGitWait);
    if (!cloned || cloned->exit_code != 0)
        return fail(kNotStarted, "git could not clone the repository: " +
                                     (cloned ? cloned->error : cloned.error()));
    auto checked_out =
        gate.quiet({"/usr/bin/git", "-C", gate.app, "checkout", "-q", gate.commit}, kGitWait);
    if (!checked_out || checked_out->exit_code != 0)
        return fail(kNotStarted, "git could not check the commit out: " +
                                     (checked_out ? checked_out->error : checked_out.error()));

    auto dirty = gate.quiet({"/usr/bin/git", "-C", top, "status", "--porcelain"}, kGitWait);
    if (dirty && !base::trim(dirty->output).empty())
        gate.say("note",
                 "uncommitted changes are not part of this test (--tree working includes them)");
    // A stack file below the repository's root keeps its place.
    gate.app = (fs::path(gate.app) / fs::relative(source, top)).lexically_normal().string();
    if (gate.app.ends_with('/')) gate.app.pop_back();
    return kOk;
}

int start_world(Gate& gate) {
    auto up = world_command(gate.self, gate.world + "/state", gate.arguments.get("speed"),
                            gate.arguments.get("runtime"));
    up.insert(up.end(), {"--backing", gate.arguments.get("backing"), "-f",
                         (fs::path(gate.app) / fs::path(gate.stack_file).filename()).string()});
    return gate.logged("up", std::move(up), kUpWait);
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

bool has_docker_client() {
    const char* path = std::getenv("PATH");
    for (auto directory : base::split(path ? path : "", ':'))
        if (::access((std::string(directory) + "/docker").c_str(), X_OK) == 0) return true;
    return false;
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
    auto status = client.get("/status");
    if (status && (*status)["runtime"].as_string().starts_with("docker") && has_docker_client())
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
    if (gate.commit == "working tree") command.insert(command.end(), {"--tree", "working"});
    return gate.logged("deploy", std::move(command), kDeployWait, gate.app);
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
        {"IMAGE_TAG", gate.commit == "working tree" ? base::random_hex(40) : gate.commit}};
    // Where tasks run in an engine, it also builds and pushes, as the workflow does; otherwise our
    // own builder does.
    auto status = client.get("/status");
    if (status && (*status)["runtime"].as_string().starts_with("docker") && has_docker_client()) {
        auto settings = docker_settings(gate);
        if (!settings) return fail(kNotStarted, settings.error());
        gate.registry = client.info().aws_endpoint.substr(std::string_view("http://").size());
        environment["DOCKER_CONFIG"] = *settings;
        environment["DOCKER_HOST"] = "unix://" + containers::DockerEngine().socket_path();
        environment["DODAM"] = "";
        gate.say("deploy", "the Docker engine builds and pushes the image");
    } else {
        environment["DODAM"] = gate.self;
    }
    return gate.logged("deploy", {"/bin/bash", script}, kDeployWait, gate.app,
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

int run_scenarios(Gate& gate) {
    std::vector<std::string> run = {gate.self, "run", "--here", "--state", gate.world + "/state"};
    if (gate.arguments.has("tags")) run.insert(run.end(), {"-t", gate.arguments.get("tags")});
    std::string reports = "json=" + gate.world + "/record.json";
    if (gate.arguments.has("report")) reports += "," + gate.arguments.get("report");
    run.insert(run.end(), {"--report", reports});
    for (const auto& path : gate.arguments.positional)
        run.push_back(path);
    if (gate.arguments.positional.empty()) run.push_back("scenarios");
    return gate.logged("scenarios", std::move(run), kRunWait, gate.app);
}

int go(const Gate& gate) {
    fmt::print("\nGO     {} holds ({:.1f} s)\n", gate.commit.substr(0, 12), gate.seconds());
    return kOk;
}

// What somebody reads first: whose fault, the first cause, where, and what to do. Then all of it.
int no_go(const Gate& gate, int code, const checks::Verdict& verdict) {
    fmt::print("NO GO  {} (exit {}, {:.1f} s)\n{}", gate.commit.substr(0, 12), code, gate.seconds(),
               verdict.to_string());
    if (gate.arguments.has("keep-world"))
        fmt::print("look   dodam status --state {}/state\n", gate.world);
    std::fflush(stdout);
    return code;
}

// The end of what the stage wrote, below the verdict.
void show_output(const Gate& gate, std::string_view title) {
    if (gate.output.empty() || gate.arguments.has("verbose")) return;
    const auto lines = checks::lines_of(gate.output);
    const size_t from = lines.size() > kLinesShown ? lines.size() - kLinesShown : 0;
    fmt::print("\n{}{}\n", title, from ? fmt::format(" (its last {} lines)", kLinesShown) : "");
    for (size_t i = from; i < lines.size(); ++i)
        fmt::print("  {}\n", lines[i]);
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

void show_findings(const checks::Repository& repository,
                   const std::vector<checks::Finding>& findings) {
    for (const auto& finding : findings)
        if (finding.silenced.empty()) fmt::print("\n{}", checks::show(repository, finding));
    std::fflush(stdout);
}

int gate(const Arguments& arguments) {
    Gate gate(arguments);
    gate.stack_file =
        fs::absolute(arguments.has("file") ? arguments.get("file") : "dodam.json").string();
    if (!fs::exists(gate.stack_file))
        return fail(kWrongInput,
                    fmt::format("there is no {}; run this where dodam.json is, or name it with -f",
                                gate.stack_file));
    gate.world = (fs::temp_directory_path() / ("dodam-world-" + base::random_hex(8))).string();
    fs::create_directories(gate.world);

    if (int code = check_out(gate); code != kOk) return code;
    gate.say("gate", fmt::format("{} of {}", gate.commit.substr(0, 12), gate.stack_file));
    auto repository = checks::Repository::read(gate.app);
    if (!repository) return fail(kNotStarted, repository.error());

    auto findings = look_first(gate, *repository);
    const auto counts = [&](const checks::Finding& finding) {
        return finding.silenced.empty() &&
               (finding.severity == checks::Severity::Error || arguments.has("strict"));
    };
    if (auto found = std::ranges::find_if(findings, counts); found != findings.end()) {
        no_go(gate, kWrongInput, checks::of_finding(*repository, *found));
        show_findings(*repository, findings);
        return kWrongInput;
    }

    if (int code = start_world(gate); code != kOk) {
        no_go(gate, code, checks::of_start(*repository, gate.output));
        show_output(gate, "dodam up");
        return code;
    }
    gate.say("up", "the stack answers");

    Arguments at_world = arguments;
    at_world.values["state"] = gate.world + "/state";
    auto client = Client::find(at_world);
    if (!client) return client.error();
    if (deploy(gate, *client) != kOk) {
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
        show_findings(*repository, findings);
        return kFailed;
    }
    int code = run_scenarios(gate);
    auto record = base::parse_json(state::read_file(gate.world + "/record.json").value_or("{}"));
    if (record) checks::confirm(findings, deployed.observed(*record));
    if (code != kOk) {
        no_go(gate, code,
              code == kFailed && record
                  ? checks::of_scenarios(*repository, *record, findings, deployed.status())
                  : checks::Verdict{
                        "scenarios", "they could not be run", "", "dodam check says why", {}});
    } else {
        checks::confirm(findings, deployed.without_database());
        if (ends_it()) code = kFailed;
    }
    show_output(gate, "the scenarios");
    show_findings(*repository, findings);
    return code == kOk ? go(gate) : code;
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
    "  dodam gate --tree working -t smoke\n",
    gate};

}  // namespace commands
