// dodam run: carries scenarios out against the running instance, and says what held.
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <system_error>

#include "base/clock.h"
#include "base/ids.h"
#include "base/text.h"
#include "base/thread.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/scenarios.h"
#include "scenarios/runner/report.h"
#include "scenarios/runner/runner.h"
#include "scenarios/runner/scripted_origin.h"

namespace commands {
namespace {

namespace fs = std::filesystem;
using base::Node;

constexpr int kInterrupted = 130;
constexpr timespec kSignalPoll{0, 100'000'000};

// Ctrl-C ends the step that runs; what cleans up still runs. A second one ends everything.
class Interruption {
  public:
    Interruption() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
        thread_ = base::Thread("interruption", [this] {
            while (!done_)
                if (sigtimedwait(&signals_, nullptr, &kSignalPoll) > 0 && asked_.exchange(true))
                    _exit(kInterrupted);
        });
    }
    ~Interruption() {
        done_ = true;
        thread_.join();
    }
    const std::atomic<bool>& asked() const { return asked_; }

  private:
    sigset_t signals_{};
    std::atomic<bool> asked_{false}, done_{false};
    base::Thread thread_;
};

// Names that only the running instance knows: a stack without a file, or things made by hand.
void add_from_status(const Node& status, Node& attributes) {
    auto add = [&](std::string_view from, const std::string& kind,
                   std::initializer_list<std::pair<std::string_view, std::string>> fields) {
        for (const auto& [name, thing] : status[from].members()) {
            if (attributes[kind].find(name)) continue;
            Node entry = Node::object();
            for (const auto& [source, attribute] : fields)
                if (const Node* value = thing.find(source)) entry.set(attribute, *value);
            if (!attributes.find(kind)) attributes.set(kind, Node::object());
            attributes.find(kind)->set(name, std::move(entry));
        }
    };
    add("distributions", "distributions", {{"id", "id"}, {"domain", "domain"}, {"arn", "arn"}});
    add("load_balancers", "loadBalancers",
        {{"name", "name"}, {"dns_name", "dnsName"}, {"arn", "arn"}});
    add("target_groups", "targetGroups", {{"arn", "arn"}});
    add("buckets", "buckets", {{"name", "name"}});
    add("services", "services", {{"name", "name"}, {"arn", "arn"}, {"cluster", "cluster"}});
    for (auto& [name, bucket] : attributes.members())
        if (name == "buckets")
            for (auto& [key, entry] : bucket.members())
                if (!entry.find("domain"))
                    entry.set("domain", entry["name"].as_string() + ".s3.amazonaws.com");
}

struct Chosen {
    scenarios::World world;
    std::map<std::string, std::string> secrets;
};

// The one place where a world is chosen. Today it is the running instance itself.
std::expected<Chosen, int> choose_world(const Arguments& arguments) {
    auto client = Client::find(arguments);
    if (!client) return std::unexpected(client.error());
    auto status = client->get("/status");
    if (!status) return std::unexpected(fail(status.error()));
    Chosen chosen;
    scenarios::World& world = chosen.world;
    world.aws_endpoint = client->info().aws_endpoint;
    world.viewer_endpoint = client->info().viewer_endpoint;
    world.viewer_tls_endpoint = client->info().viewer_tls_endpoint;
    world.token = client->info().token;
    world.ca_file = fs::absolute(client->directory() + "/ca/ca.pem").string();
    const std::string& stack_file = client->info().stack_file;
    if (!stack_file.empty()) {
        auto known = know_stack(stack_file, client->directory() + "/secrets.env");
        if (!known)
            return std::unexpected(
                fail(kWrongInput,
                     "the stack file has changed since the stack came up, and is wrong now"));
        world.stack = std::move(known->attributes);
        world.account = known->account;
        world.region = known->region;
        chosen.secrets = std::move(known->secrets);
    }
    add_from_status(*status, world.stack);
    return chosen;
}

// "login=secret" of --var; the flag may hold several, separated by commas.
std::optional<std::map<std::string, std::string>> variables(const std::string& text) {
    std::map<std::string, std::string> out;
    if (text.empty()) return out;
    for (std::string_view part : base::split(text, ',')) {
        const auto [name, value] = base::cut(part, '=');
        if (name.empty() || part.find('=') == std::string_view::npos) return std::nullopt;
        out.emplace(name, value);
    }
    return out;
}

int write_reports(const std::string& wanted, const std::vector<scenarios::ScenarioResult>& results,
                  const std::string& seed) {
    if (wanted.empty()) return kOk;
    for (std::string_view part : base::split(wanted, ',')) {
        const auto [kind, file] = base::cut(part, '=');
        std::string text;
        if (kind == "junit")
            text = scenarios::junit_xml(results);
        else if (kind == "json")
            text = base::to_json(scenarios::json_report(results, seed), 2) + "\n";
        else
            return fail(kWrongInput,
                        fmt::format("\"{}\" is no report: junit=FILE and json=FILE are", part));
        if (const auto folder = fs::path(file).parent_path(); !folder.empty()) {
            std::error_code ignored;
            fs::create_directories(folder, ignored);
        }
        if (auto written = state::write_file(std::string(file), text); !written)
            return fail(kWrongInput, fmt::format("cannot write {}: {}", file, written.error()));
    }
    return kOk;
}

// Whether a step tells the scripted origin what to answer.
bool scripts_origin(const std::vector<scenarios::Step>& steps) {
    return std::any_of(steps.begin(), steps.end(), [](const scenarios::Step& step) {
        return step.verb->key.name == "origin" || scripts_origin(step.children);
    });
}

// The origin that such scenarios play, where the stack expects it; nullptr when none does.
std::expected<std::shared_ptr<scenarios::ScriptedOrigin>, std::string> open_origin(
    const std::vector<scenarios::Scenario>& selected, const std::string& port, base::Clock& clock) {
    const bool wanted = std::any_of(selected.begin(), selected.end(), [](const auto& scenario) {
        return scripts_origin(scenario.before) || scripts_origin(scenario.steps) ||
               scripts_origin(scenario.after);
    });
    if (!wanted) return nullptr;
    const auto number = base::parse_unsigned(port);
    if (!number || *number > 65535) return std::unexpected("--origin takes a port");
    try {
        return std::make_shared<scenarios::ScriptedOrigin>(clock, static_cast<int>(*number));
    } catch (const std::system_error& error) {
        return std::unexpected(
            fmt::format("port {} for the scripted origin: {}", port, error.code().message()));
    }
}

int worse(int a, int b) {
    return a == kOk ? b : a;
}

int run(const Arguments& arguments) {
    const auto given = variables(arguments.get("var"));
    if (!given) return fail(kWrongInput, "--var takes NAME=VALUE");
    const auto max_fail = base::parse_unsigned(arguments.get("max-fail"));
    if (!max_fail) return fail(kWrongInput, "--max-fail takes a number; 0 never stops");

    // What is wrong with the files is told before a stack is asked for.
    auto files = scenario_files(arguments, stack_file_of(arguments));
    if (!files) return kWrongInput;
    if (files->empty())
        return fail(kNothingRan,
                    "there are no scenarios; they are *.scenario.json below ./scenarios");
    auto chosen = choose_world(arguments);
    if (!chosen) return chosen.error();
    scenarios::Surroundings surroundings{&chosen->world.stack, {}};
    for (const auto& variable : *given)
        surroundings.variables.push_back(variable.first);
    auto all = load_scenarios(*files, surroundings);
    if (!all) return kWrongInput;
    auto selected = select_scenarios(std::move(*all), arguments.get("tags"));
    if (!selected) return kWrongInput;
    if (selected->empty())
        return fail(kNothingRan,
                    fmt::format("no scenario is selected by '{}'; `dodam list` shows their tags",
                                arguments.get("tags")));
    for (const auto& scenario : *selected)
        if (!scenario.overlay.is_null() || !scenario.given.is_null())
            return fail(kWrongInput, fmt::format("{} asks for a stack of its own (\"stack\", "
                                                 "\"given\"), and worlds are not built yet",
                                                 scenario.source.file));

    base::SystemClock clock;
    auto origin = open_origin(*selected, arguments.get("origin"), clock);
    if (!origin) return fail(kWrongInput, origin.error());
    Interruption interruption;
    const bool terminal = isatty(STDOUT_FILENO) != 0;
    const std::string seed = arguments.has("seed") ? arguments.get("seed") : base::random_hex(6);
    scenarios::RunOptions options{seed, *given, chosen->secrets, &interruption.asked(), {}};
    scenarios::ReportOptions shown;
    shown.colour = terminal && !arguments.has("no-color") && std::getenv("NO_COLOR") == nullptr;
    shown.verbose = arguments.has("verbose");
    shown.again =
        fmt::format("dodam run {}{}--seed {}", "{} ",
                    arguments.has("state") ? "--state " + arguments.get("state") + " " : "", seed);
    fmt::print("dodam run · seed {} · {} scenario{} · {}\n\n", seed, selected->size(),
               selected->size() == 1 ? "" : "s", chosen->world.viewer_endpoint);

    const base::Time begun = clock.real_now();
    std::vector<scenarios::ScenarioResult> results;
    size_t failed = 0;
    for (const auto& scenario : *selected) {
        if (*origin) (*origin)->forget();
        // A live line, on a terminal alone.
        if (terminal)
            options.progress = [&](const std::string& line) {
                fmt::print("\r\x1b[2K▸ {}  {}", scenario.id, line.substr(0, line.find('\n')));
                std::fflush(stdout);
            };
        bool died = false;
        for (auto& result :
             scenarios::run_scenario(scenario, chosen->world, clock, options, *origin)) {
            if (terminal) fmt::print("\r\x1b[2K");
            fmt::print("{}", scenarios::show_result(result, chosen->world, shown));
            std::fflush(stdout);
            failed += result.outcome == scenarios::Outcome::Failed ? 1 : 0;
            died = died || result.stack_died;
            results.push_back(std::move(result));
        }
        if (died || interruption.asked() || (*max_fail > 0 && failed >= *max_fail)) break;
    }
    fmt::print("{}", scenarios::show_summary(results, clock.real_now() - begun));
    if (results.size() < selected->size())
        fmt::print(" {} of {} scenarios were not run\n", selected->size() - results.size(),
                   selected->size());
    const int reported = write_reports(arguments.get("report"), results, seed);
    if (interruption.asked()) return kInterrupted;
    return worse(scenarios::exit_code(results), reported);
}

constexpr Flag kFlags[] = {
    {"-f,--file", "FILE", "the stack file whose instance is meant"},
    kStateFlag,
    {"-t,--tags", "EXPR", "which scenarios: 'smoke and not slow'"},
    {"--report", "KIND=FILE", "junit=FILE, json=FILE; both with a comma"},
    {"--max-fail", "N", "stop after so many failed scenarios; 0 never", "0"},
    {"--origin", "PORT", "where scenarios with origin steps play the stack's origin or target",
     "18999"},
    {"--var", "NAME=VALUE", "a variable of the scenarios; more with commas"},
    {"--seed", "TEXT", "of made-up values: the same seed, the same values"},
    {"-v,--verbose", "", "every step, passed ones too"},
    {"--no-color", "", "no control codes"},
};

}  // namespace

const Command kRun{"run",
                   "Run scenarios against the running stack",
                   "[FILE or DIRECTORY or ID…]",
                   kFlags,
                   "  dodam run\n  dodam run -t smoke --report junit=out/junit.xml\n  dodam run "
                   "scenarios/login.scenario.json -v\n",
                   run};

}  // namespace commands
