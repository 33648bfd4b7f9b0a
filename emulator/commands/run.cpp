// dodam run: carries scenarios out, and says what held.
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <system_error>

#include "base/clock.h"
#include "base/date.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"
#include "base/thread.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/interruption.h"
#include "commands/recording.h"
#include "commands/run_output.h"
#include "commands/run_terminal.h"
#include "commands/scenarios.h"
#include "commands/watch.h"
#include "commands/worlds.h"
#include "scenarios/runner/record.h"
#include "scenarios/runner/report.h"
#include "scenarios/runner/scripted_origin.h"
#include "scenarios/runner/session.h"

namespace commands {
namespace {

namespace fs = std::filesystem;
using base::Node;
using scenarios::Scenario;

constexpr size_t kMostWorkers = 64;
constexpr size_t kWidestName = 48;

// The command line, read.
struct Settings {
    const Arguments& arguments;
    std::map<std::string, std::string> variables;
    std::vector<std::pair<std::string, std::string>> reports;
    Format format = Format::Pretty;
    scenarios::SessionOptions session;
    scenarios::Shard shard;
    std::string seed;
    bool shuffle = false;
};

// "login=secret" of --var; the flag may hold several, separated by commas.
std::expected<std::map<std::string, std::string>, std::string> variables(const std::string& text) {
    std::map<std::string, std::string> out;
    if (text.empty()) return out;
    for (std::string_view line : base::split(text, '\n'))
        for (std::string_view part : base::split(line, ',')) {
            const auto [name, value] = base::cut(part, '=');
            if (name.empty() || part.find('=') == std::string_view::npos)
                return std::unexpected("--var takes NAME=VALUE");
            out.emplace(name, value);
        }
    return out;
}

std::expected<size_t, std::string> whole(const Arguments& arguments, const std::string& flag,
                                         size_t least, size_t most) {
    const auto number = base::parse_unsigned(arguments.get(flag));
    if (!number || *number < least || *number > most)
        return std::unexpected(fmt::format("--{} takes a number from {} to {}, not \"{}\"", flag,
                                           least, most, arguments.get(flag)));
    return *number;
}

std::expected<base::microseconds, std::string> duration(const Arguments& arguments,
                                                        const std::string& flag) {
    if (!arguments.has(flag)) return base::microseconds(0);
    const auto parsed = base::parse_duration(arguments.get(flag));
    if (!parsed || parsed->count() <= 0)
        return std::unexpected(fmt::format("--{} takes a duration such as 90s or 5m, not \"{}\"",
                                           flag, arguments.get(flag)));
    return *parsed;
}

std::expected<Settings, std::string> read_settings(const Arguments& arguments) {
    Settings settings{.arguments = arguments};
    settings.variables = TRY(variables(arguments.get("var")));
    settings.reports = TRY(wanted_reports(arguments.get("report")));
    settings.format = TRY(parse_format(arguments.get("format")));
    scenarios::SessionOptions& session = settings.session;
    session.workers = TRY(whole(arguments, "jobs", 1, kMostWorkers));
    session.retries = static_cast<int>(TRY(whole(arguments, "retries", 0, 5)));
    session.budget = TRY(duration(arguments, "budget"));
    session.run.timeout = TRY(duration(arguments, "timeout"));
    session.run.trace_all = true;
    session.keep_failed = arguments.has("keep");
    if (const auto speed = base::parse_double(arguments.get("speed")); !speed || *speed < 1)
        return std::unexpected("--speed takes a number of at least 1");
    if (arguments.has("here") && session.workers > 1)
        return std::unexpected("-j needs worlds: the instance itself (--here) is one");
    if (arguments.has("shard"))
        settings.shard = TRY(scenarios::parse_shard(arguments.get("shard")));

    const std::string flaky = arguments.get("flaky");
    if (flaky != "fail" && flaky != "pass")
        return std::unexpected(fmt::format("--flaky takes fail or pass, not \"{}\"", flaky));
    session.flaky = flaky == "pass" ? scenarios::FlakyPolicy::Pass : scenarios::FlakyPolicy::Fail;

    const std::string max_fail = arguments.has("fail-fast") ? "1" : arguments.get("max-fail");
    const auto [count, how] = base::cut(max_fail, ':');
    const auto number = base::parse_unsigned(count);
    if (!number || (max_fail.find(':') != std::string::npos && how != "wait" && how != "immediate"))
        return std::unexpected(
            "--max-fail takes a number, and what happens to scenarios that run: 3:wait or "
            "3:immediate; 0 never stops");
    session.max_fail = *number;
    if (how == "immediate") session.on_max_fail = scenarios::SessionOptions::OnMaxFail::Immediate;

    // --shuffle=SEED is a seed for values, too: one number repeats everything.
    settings.shuffle = arguments.has("shuffle");
    settings.seed = arguments.has("seed") ? arguments.get("seed") : base::random_hex(6);
    return settings;
}

// Whether a step tells the scripted origin what to answer.
bool scripts_origin(const std::vector<scenarios::Step>& steps) {
    return std::any_of(steps.begin(), steps.end(), [](const scenarios::Step& step) {
        return step.verb->key.name == "origin" || scripts_origin(step.children);
    });
}

bool plays_origin(const Scenario& scenario) {
    return scripts_origin(scenario.before) || scripts_origin(scenario.steps) ||
           scripts_origin(scenario.after);
}

// The origin that such scenarios play, where the stack expects it; nullptr when none does.
std::expected<std::shared_ptr<scenarios::ScriptedOrigin>, std::string> open_origin(
    const std::vector<const Scenario*>& selected, const std::string& port, base::Clock& clock) {
    const bool wanted = std::any_of(selected.begin(), selected.end(), [](const Scenario* scenario) {
        return plays_origin(*scenario);
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

// This shard's share, in the order in which it runs.
std::vector<const Scenario*> in_order(const std::vector<Scenario>& selected,
                                      const Settings& settings) {
    std::vector<const Scenario*> share;
    for (const Scenario& scenario : selected)
        if (settings.shard.holds(scenario.id)) share.push_back(&scenario);
    if (!settings.shuffle) return share;
    std::vector<const Scenario*> out;
    for (size_t each : scenarios::shuffled(share.size(), settings.seed))
        out.push_back(share[each]);
    return out;
}

scenarios::ReportOptions report_options(const Settings& settings,
                                        const std::vector<const Scenario*>& chosen) {
    const Arguments& arguments = settings.arguments;
    scenarios::ReportOptions shown;
    shown.colour = isatty(STDOUT_FILENO) != 0 && settings.format == Format::Pretty &&
                   !arguments.has("no-color") && std::getenv("NO_COLOR") == nullptr;
    shown.verbose = arguments.has("verbose");
    shown.name_width = 12;
    for (const Scenario* scenario : chosen)
        shown.name_width = std::max(shown.name_width, scenario->id.size());
    shown.name_width = std::min(shown.name_width, kWidestName);
    shown.again = fmt::format(
        "dodam run {}{}{}--seed {}", "{} ", arguments.has("here") ? "--here " : "",
        arguments.has("state") ? "--state " + arguments.get("state") + " " : "", settings.seed);
    return shown;
}

std::string head_line(const Settings& settings, const std::vector<const Scenario*>& chosen,
                      const std::string& where) {
    std::string line = fmt::format("dodam run · seed {}{} · {} scenario{}", settings.seed,
                                   settings.shuffle ? " (shuffled)" : "", chosen.size(),
                                   chosen.size() == 1 ? "" : "s");
    if (settings.shard.count > 1)
        line += fmt::format(" of shard {}/{}", settings.shard.index, settings.shard.count);
    return line + " · " + where + "\n\n";
}

// What scenarios run on: the instance itself, or worlds beside it.
struct Ground {
    std::string directory, stack_file;
    Node attributes = Node::object();  // of the stack, for checking names
    std::optional<scenarios::WorldSource::Place> here;
};

std::expected<Ground, int> find_ground(const Arguments& arguments) {
    Ground ground;
    ground.directory = fs::absolute(state_directory(arguments)).lexically_normal().string();
    const auto info = state::StateDirectory::running(ground.directory);
    ground.stack_file = info ? info->stack_file : stack_file_of(arguments);
    if (!ground.stack_file.empty()) ground.stack_file = fs::absolute(ground.stack_file).string();
    if (arguments.has("here") || (info && ground.stack_file.empty())) {
        auto client = Client::find(arguments);
        if (!client) return std::unexpected(client.error());
        auto place = place_of(client->info(), client->directory());
        if (!place) return std::unexpected(place.error());
        ground.attributes = place->world.stack;
        // What was made by hand is known to the instance alone; worlds need a file to start from.
        ground.here = std::move(*place);
        return ground;
    }
    if (ground.stack_file.empty())
        return std::unexpected(
            fail(kNotStarted,
                 fmt::format("no emulator is running for {}, and there is no dodam.json here to "
                             "start a world from; name it with -f",
                             ground.directory)));
    auto known = know_stack(ground.stack_file, "");
    if (!known) return std::unexpected(static_cast<int>(kWrongInput));
    ground.attributes = std::move(known->attributes);
    return ground;
}

// One run of the files; `files`: those that are meant, all of them checked.
int run_files(const Settings& settings, const std::vector<std::string>& files,
              const std::atomic<bool>& interrupted) {
    const Arguments& arguments = settings.arguments;
    auto ground = find_ground(arguments);
    if (!ground) return ground.error();
    scenarios::Surroundings surroundings{&ground->attributes, {}};
    for (const auto& variable : settings.variables)
        surroundings.variables.push_back(variable.first);
    auto all = load_scenarios(files, surroundings);
    if (!all) return kWrongInput;
    auto selected = select_scenarios(std::move(*all), arguments.get("tags"));
    if (!selected) return kWrongInput;
    for (Scenario& scenario : *selected)  // one port: they take turns
        if (plays_origin(scenario)) scenario.lock.emplace_back("the scripted origin");
    const std::vector<const Scenario*> chosen = in_order(*selected, settings);
    if (selected->empty())
        return fail(kNothingRan,
                    fmt::format("no scenario is selected by '{}'; `dodam list` shows their tags",
                                arguments.get("tags")));
    // The other shards have them: this one is done, and its reports say so.
    if (chosen.empty()) {
        fmt::print("none of the {} scenarios selected belongs to shard {}/{}\n", selected->size(),
                   settings.shard.index, settings.shard.count);
        Node run = scenarios::record_of(scenarios::SessionResult{}, settings.seed);
        run.set("exit", static_cast<int>(kOk));
        return write_reports(settings.reports, scenarios::whole_record(std::move(run), {}));
    }
    for (const Scenario* scenario : chosen) {
        if (!scenario->given.is_null())
            return fail(kWrongInput,
                        fmt::format("{} is a case about the emulator itself (\"given\"); \"stack\" "
                                    "is what changes dodam.json for one scenario",
                                    scenario->source.file));
        if (ground->here && !scenario->overlay.is_null())
            return fail(
                kWrongInput,
                fmt::format("{} asks for a stack of its own (\"stack\"), which --here has not",
                            scenario->source.file));
    }

    base::SystemClock clock;
    auto origin = open_origin(chosen, arguments.get("origin"), clock);
    if (!origin) return fail(kWrongInput, origin.error());
    std::string notes;  // told once the terminal is there
    std::mutex notes_mutex;
    std::function<void(const std::string&)> say = [&](const std::string& text) { notes += text; };
    std::unique_ptr<scenarios::WorldSource> worlds;
    std::string where = "worlds of " + ground->directory;
    if (ground->here) {
        where = ground->here->world.viewer_endpoint;
        worlds = std::make_unique<HereSource>(std::move(*ground->here), *origin);
    } else {
        worlds = std::make_unique<Worlds>(
            WorldOptions{ground->directory, ground->stack_file, arguments.get("runtime"),
                         *base::parse_double(arguments.get("speed")), *origin,
                         [&](const std::string& text) {
                             std::lock_guard lock(notes_mutex);
                             say(text);
                         }},
            clock);
    }

    scenarios::SessionOptions session = settings.session;
    session.run.seed = settings.seed;
    session.run.allow_commands = settings.arguments.has("allow-run");
    session.run.program = fs::read_symlink("/proc/self/exe").string();
    if (settings.arguments.has("update-snapshots"))
        session.run.snapshots = scenarios::SnapshotMode::Update;
    session.run.variables = settings.variables;
    session.interrupted = &interrupted;
    scenarios::ReportOptions shown = report_options(settings, chosen);
    const std::string runs = ground->directory + "/runs";
    auto recording = Recording::begin(runs, clock.real_now());
    if (recording)
        shown.run = (*recording)->id().substr((*recording)->id().rfind('-') + 1);
    else
        say(fmt::format("note: this run is not recorded: {}\n", recording.error()));
    const bool people = settings.format != Format::Tap && settings.format != Format::Json;
    const bool live = isatty(STDOUT_FILENO) != 0 && settings.format == Format::Pretty;
    std::map<std::pair<const Scenario*, std::string>, Node> records;
    scenarios::SessionResult result;
    {
        RunTerminal terminal(live     ? RunTerminal::Kind::Live
                             : people ? RunTerminal::Kind::Plain
                                      : RunTerminal::Kind::Silent,
                             shown, chosen.size(), clock);
        terminal.say(head_line(settings, chosen, where));
        say = [&](const std::string& text) { terminal.say(text); };
        session.begins = [&](const Scenario& scenario) { terminal.begins(scenario); };
        if (live)
            session.progress = [&](const Scenario& scenario, const std::string& line) {
                terminal.progress(scenario, line);
            };
        session.ended = [&](const scenarios::ScenarioResult& each, const scenarios::World& world) {
            Node& kept = records[{each.scenario, each.row}];
            kept = scenarios::record_of(each, world);
            if (recording) (*recording)->add(kept);
            terminal.ended(each, world);
        };
        result = scenarios::run_session(chosen, *worlds, clock, session);
    }
    if (people) {
        fmt::print("{}", scenarios::show_summary(result, shown));
        if (const auto* own = dynamic_cast<const Worlds*>(worlds.get()))
            for (const auto& [directory, id] : own->kept())
                fmt::print(" kept     {} as {} left it: dodam status --state {}\n", directory, id,
                           directory);
    }
    std::fflush(stdout);

    std::vector<Node> in_their_order;
    for (const scenarios::ScenarioResult& each : result.results)
        in_their_order.push_back(std::move(records[{each.scenario, each.row}]));
    Node run = scenarios::record_of(result, settings.seed);
    if (recording) {
        run.set("environment", Node::object({{"run", (*recording)->id()}}));
        (*recording)->finish(run);
        if (const Pruned pruned = prune_runs(runs, kKeptRuns, kKeptRunBytes);
            pruned.count > 0 && people)
            fmt::print(" pruned   {} old recording{}, {} bytes\n", pruned.count,
                       pruned.count == 1 ? "" : "s", pruned.bytes);
    }
    const Node record = scenarios::whole_record(std::move(run), std::move(in_their_order));
    const int formatted = print_formatted(settings.format, record);
    const int written = write_reports(settings.reports, record);
    const int code = result.exit_code();
    return code != kOk ? code : formatted != kOk ? formatted : written;
}

// Files that a change is about: a scenario itself; those that name the file, or are in a directory
// that they name; all of them when the stack changed.
std::vector<std::string> touched(const std::vector<std::string>& files,
                                 const std::set<std::string>& changed,
                                 const std::string& stack_file) {
    std::vector<std::string> out;
    for (const std::string& file : files) {
        const fs::path home = fs::absolute(file).parent_path();
        const std::string text = state::read_file(file).value_or("");
        const bool meant = std::ranges::any_of(changed, [&](const std::string& each) {
            const fs::path path = fs::absolute(each).lexically_normal();
            if (path == fs::absolute(file).lexically_normal()) return true;
            if (!stack_file.empty() && path == fs::absolute(stack_file).lexically_normal())
                return true;
            if (each.ends_with(".scenario.json")) return false;
            // The file, or a directory that it is below: "fixtures/dist-v2".
            for (fs::path part = path.lexically_relative(home);
                 !part.empty() && part.has_parent_path(); part = part.parent_path())
                if (text.find("\"" + part.string()) != std::string::npos) return true;
            return false;
        });
        if (meant) out.push_back(file);
    }
    return out;
}

int watch(const Settings& settings, const std::string& stack_file,
          const std::atomic<bool>& interrupted) {
    std::set<std::string> homes;
    auto files = scenario_files(settings.arguments, stack_file);
    if (!files) return kWrongInput;
    for (const std::string& file : *files)
        homes.insert(fs::absolute(file).parent_path().string());
    if (!stack_file.empty()) homes.insert(fs::absolute(stack_file).parent_path().string());
    auto watch = Watch::open({homes.begin(), homes.end()});
    if (!watch) return fail(kNotStarted, watch.error());
    std::vector<std::string> now = *files;
    while (true) {
        (void)run_files(settings, now, interrupted);
        if (interrupted) return scenarios::kInterrupted;
        do {
            fmt::print("\nwatching {} file{}; Ctrl-C ends it\n", files->size(),
                       files->size() == 1 ? "" : "s");
            std::fflush(stdout);
            const auto changed = (*watch)->wait(interrupted);
            if (interrupted) return scenarios::kInterrupted;
            files = scenario_files(settings.arguments, stack_file);  // new ones, too
            if (!files) return kWrongInput;
            now = touched(*files, changed, stack_file);
            if (now.empty())
                fmt::print("{} changed, which no scenario names\n",
                           fs::path(*changed.begin()).filename().string());
        } while (now.empty());
    }
}

int run(const Arguments& arguments) {
    auto settings = read_settings(arguments);
    if (!settings) return fail(kWrongInput, settings.error());
    // What is wrong with the files is told before a stack is asked for.
    const std::string stack_file = stack_file_of(arguments);
    auto files = scenario_files(arguments, stack_file);
    if (!files) return kWrongInput;
    if (files->empty())
        return fail(kNothingRan,
                    "there are no scenarios; they are *.scenario.json and *.scenario.yaml below "
                    "./scenarios");
    Interruption interruption;
    if (arguments.has("watch")) return watch(*settings, stack_file, interruption.asked());
    return run_files(*settings, *files, interruption.asked());
}

// What of a recording is to be run again: all but what passed.
int rerun(const Arguments& arguments) {
    auto file = find_run(state_directory(arguments) + "/runs",
                         arguments.positional.empty() ? "" : arguments.positional[0]);
    if (!file) return fail(kWrongInput, file.error());
    auto record = read_run(*file);
    if (!record) return fail(kWrongInput, record.error());
    std::set<std::string> files;
    std::vector<std::string> gone;
    auto want = [&](const Node& scenario) {
        const std::string& name = scenario["file"].as_string();
        if (fs::exists(name))
            files.insert(name);
        else
            gone.push_back(name);
    };
    for (const Node& scenario : (*record)["scenarios"].items())
        if (scenario["outcome"].as_string() != "passed" &&
            scenario["outcome"].as_string() != "known")
            want(scenario);
    for (const Node& scenario : (*record)["not_run"].items())
        want(scenario);
    for (const std::string& name : gone)
        fmt::print(stderr, "dodam: {} is not here any more\n", name);
    if (files.empty() && gone.empty()) {
        fmt::print("everything of that run passed\n");
        return kOk;
    }
    if (files.empty()) return fail(kOutstanding, "what failed then cannot be run again from here");
    Arguments again = arguments;
    again.positional.assign(files.begin(), files.end());
    if (!again.has("seed")) again.values["seed"] = (*record)["seed"].as_string();
    const int code = run(again);
    return code == kOk && !gone.empty()
               ? fail(kOutstanding,
                      fmt::format("{} of what failed then could not be run again", gone.size()))
               : code;
}

constexpr Flag kFlags[] = {
    {"-f,--file", "FILE", "the stack file whose instance is meant"},
    kStateFlag,
    {"-t,--tags", "EXPR", "which scenarios: 'smoke and not slow', '(a or b) and c'"},
    {"-j,--jobs", "N", "so many at the same time, each in a world of its own", "1"},
    {"--here", "", "on the running instance itself, as it is; nothing is reset"},
    {"--keep", "", "leave the world of a failed scenario as it is, for a look"},
    {"--speed", "N", "of worlds: control loops run N times faster; TTLs do not", "20"},
    {"--runtime", "auto|docker|process", "of worlds: what runs tasks", "auto"},
    {"--shard", "I/N", "one of N parts; a scenario's part depends on its id alone"},
    {"--shuffle", "", "in another order, which the seed decides"},
    {"--retries", "N", "run a failed scenario again; one that passes then is flaky", "0"},
    {"--flaky", "fail|pass", "what flaky scenarios mean for the exit code (5 or 0)", "fail"},
    {"--fail-fast", "", "stop after the first failed scenario: --max-fail 1"},
    {"--max-fail", "N[:immediate]",
     "stop after so many; what runs is let finish, or ended at once. 0 never stops", "0"},
    {"--timeout", "DURATION", "of scenarios that name none (5m)"},
    {"--budget", "DURATION", "of the whole run; what does not fit is told, exit 7"},
    {"--watch", "", "stay, and run again what a saved file is about"},
    {"--report", "KIND=FILE", "junit, json, tap, html, markdown; more with commas"},
    {"--format", "FORMAT", "pretty, plain, github, tap, json (default: what fits the place)"},
    {"--origin", "PORT", "where scenarios with origin steps play the stack's origin or target",
     "18999"},
    {"--var", "NAME=VALUE", "a variable of the scenarios; more with commas"},
    {"--seed", "TEXT", "of made-up values and --shuffle: the same seed, the same run"},
    {"--allow-run", "", "let \"run\" steps start programs of this machine"},
    {"--update-snapshots", "", "take snapshots anew instead of comparing with them"},
    {"-v,--verbose", "", "every step, passed ones too; every attempt"},
    {"--no-color", "", "no colours (NO_COLOR does the same)"},
};

}  // namespace

const Command kRun{"run",
                   "Run scenarios",
                   "[FILE or DIRECTORY or ID…]",
                   kFlags,
                   "  dodam run                       worlds of their own, beside the instance\n  "
                   "dodam run --here                on the instance itself\n  dodam run -j 2 -t "
                   "smoke --report junit=out/junit.xml,html=out/run.html"
                   "\n  dodam run scenarios/login.scenario.json -v --watch\n"
                   "  dodam run --shard 2/3 --budget 5m --retries 1\n",
                   run};
const Command kRerun{"rerun",
                     "Run again what did not pass in a recorded run, with its seed",
                     "[RUN]",
                     kFlags,
                     "  dodam rerun                     the newest\n"
                     "  dodam rerun run.dodamrun --keep  of CI, from a file\n",
                     rerun};

}  // namespace commands
