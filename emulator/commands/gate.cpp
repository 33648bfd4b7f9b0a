// dodam gate: judges a commit before it is pushed. Its own throwaway world: the stack, a fresh
// database and cache, the app built and deployed by its own workflow, then the scenarios. One
// verdict, which is remembered for its inputs when it is a GO.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "base/date.h"
#include "base/ids.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/gate/deploy.h"
#include "commands/gate/deployed.h"
#include "commands/gate/memory.h"
#include "commands/gate/stages.h"
#include "commands/gate/subject.h"
#include "commands/gate/verdict.h"
#include "commands/git.h"
#include "commands/interruption.h"
#include "commands/recording.h"
#include "commands/worlds.h"
#include "scenarios/checks/checks.h"
#include "scenarios/checks/explanation.h"
#include "scenarios/runner/schedule.h"

namespace commands {
namespace {

namespace fs = std::filesystem;
using base::Node;

constexpr auto kUpWait = std::chrono::minutes(5);
constexpr auto kRunWait = std::chrono::minutes(30);
constexpr const char* kOrphaned = "30m";  // a world whose gate was killed ends by itself
constexpr auto kAfterBudget = std::chrono::seconds(15);  // for a run to end by itself

constexpr Profile kProfiles[] = {{"", ""}, {"pre-push", "60s", true}, {"ci", "", false, true}};

int start_world(Gate& gate) {
    auto up = world_command(gate.self, gate.world + "/state", gate.arguments.get("speed"),
                            gate.arguments.get("runtime"));
    up.insert(up.end(), {"--until-idle", kOrphaned, "--backing", gate.arguments.get("backing"),
                         "-f", gate.app + "/" + gate.stack_name()});
    return gate.logged("up", std::move(up), gate.within_budget(kUpWait));
}

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

// What is wrong can often be read: nothing is started for it. The errors first.
std::vector<checks::Finding> look_first(const Gate& gate, const checks::Repository& repository) {
    auto findings = checks::look_at(repository, repository.at_home(gate.stack_name()));
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
