// dodam runs, show, report: what was recorded. None of them needs a stack.
#include <fmt/format.h>

#include <cstdio>

#include "base/date.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/recording.h"
#include "commands/run_output.h"
#include "scenarios/runner/record.h"

namespace commands {
namespace {

using base::Node;

std::string runs_of(const Arguments& arguments) {
    return state_directory(arguments) + "/runs";
}

std::string title_of(const Node& scenario) {
    const std::string& row = scenario["row"].as_string();
    return scenario["id"].as_string() + (row.empty() ? "" : " [" + row + "]");
}

int runs(const Arguments& arguments) {
    const std::string home = runs_of(arguments);
    if (arguments.has("keep")) {
        const auto keep = base::parse_unsigned(arguments.get("keep"));
        if (!keep) return fail(kWrongInput, "--keep takes a number");
        const Pruned pruned = prune_runs(home, *keep, kKeptRunBytes);
        fmt::print("{} recording{} removed, {} bytes\n", pruned.count, pruned.count == 1 ? "" : "s",
                   pruned.bytes);
        return kOk;
    }
    const auto list = list_runs(home);
    if (arguments.has("json")) {
        Node out = Node::array();
        for (const RunLine& line : list)
            out.push_back(Node::object({{"id", line.id},
                                        {"file", line.file},
                                        {"bytes", line.bytes},
                                        {"exit", line.run["exit"]},
                                        {"seed", line.run["seed"]},
                                        {"scenarios", static_cast<int64_t>(line.scenarios)},
                                        {"failed", static_cast<int64_t>(line.failed)}}));
        fmt::print("{}\n", base::to_json(out, 2));
        return kOk;
    }
    uint64_t bytes = 0;
    for (const RunLine& line : list) {
        bytes += line.bytes;
        fmt::print("{}  {:>3} scenario{}  {:>3} failed  {}  {:>8}  seed {}  {} KiB\n", line.id,
                   line.scenarios, line.scenarios == 1 ? " " : "s", line.failed,
                   line.run.is_null() ? "never ended"
                                      : fmt::format("exit {:<3}", line.run["exit"].as_int()),
                   base::show_duration(base::microseconds(line.run["took_us"].as_int())),
                   line.run["seed"].as_string(), line.bytes / 1024);
    }
    fmt::print("{} recording{}, {} bytes in {}; the newest {} are kept, {} MiB at most\n",
               list.size(), list.size() == 1 ? "" : "s", bytes, home, kKeptRuns,
               kKeptRunBytes >> 20);
    return kOk;
}

std::expected<Node, int> recorded(const Arguments& arguments, const std::string& word) {
    auto file = find_run(runs_of(arguments), word);
    if (!file) return std::unexpected(fail(kWrongInput, file.error()));
    auto record = read_run(*file);
    if (!record) return std::unexpected(fail(kWrongInput, record.error()));
    return std::move(*record);
}

// A step in full: the request, the answer, the way.
std::string show_step(const Node& step) {
    std::string out = fmt::format("step {}  {}  {}  {} ms\n", step["number"].as_string(),
                                  step["outcome"].as_string(), step["name"].as_string(),
                                  static_cast<double>(step["took_us"].as_int()) / 1000);
    for (const Node& failure : step["failures"].items())
        out += failure["shown"].as_string();
    const Node& exchange = step["exchange"];
    if (exchange.is_null()) return out;
    auto headers = [&](const Node& list) {
        for (const Node& header : list.items())
            if (header.size() == 2)
                out += fmt::format("    {}: {}\n", header.items()[0].as_string(),
                                   header.items()[1].as_string());
    };
    out += fmt::format("  {} {}\n", exchange["method"].as_string(), exchange["url"].as_string());
    headers(exchange["headers"]);
    if (const auto& body = exchange["body"]["text"].as_string(); !body.empty())
        out += "    " + body + "\n";
    out += step["hops"].as_string();
    if (const Node* response = exchange.find("response")) {
        out += fmt::format("  {}\n", (*response)["status"].as_int());
        headers((*response)["headers"]);
        if (const auto& body = (*response)["body"]["text"].as_string(); !body.empty())
            out += "    " + body + "\n";
    }
    for (const Node& line : step["log"].items())
        out += fmt::format("    log  {}\n", line.as_string());
    return out + "  " + exchange["curl"].as_string() + "\n";
}

int show(const Arguments& arguments) {
    const auto& words = arguments.positional;
    auto record = recorded(arguments, words.empty() ? "" : words[0]);
    if (!record) return record.error();
    const std::string scenario = words.size() > 1 ? words[1] : "";
    const std::string step = words.size() > 2 ? words[2] : "";
    if (arguments.has("json") && scenario.empty()) {
        fmt::print("{}\n", base::to_json(*record, 2));
        return kOk;
    }
    size_t shown = 0;
    std::vector<std::string> ids;
    for (const Node& each : (*record)["scenarios"].items()) {
        ids.push_back(each["id"].as_string());
        if (!scenario.empty() && !title_of(each).starts_with(scenario)) continue;
        ++shown;
        if (arguments.has("json")) {
            fmt::print("{}\n", base::to_json(each, 2));
        } else if (step.empty() && scenario.empty()) {
            const std::string& story = each["story"].as_string();
            // Passed ones are a line; `dodam show RUN SCENARIO` has their steps.
            fmt::print("{}", each["outcome"].as_string() == "failed"
                                 ? story
                                 : story.substr(0, story.find('\n') + 1));
        } else if (step.empty()) {
            fmt::print("{}", each["story"].as_string());
        } else {
            bool found = false;
            for (const Node& one : each["steps"].items())
                if (one["number"].as_string() == step) {
                    fmt::print("{}", show_step(one));
                    found = true;
                }
            if (!found)
                return fail(kWrongInput,
                            fmt::format("{} has no step {}", each["id"].as_string(), step));
        }
    }
    if (shown == 0 && !scenario.empty()) {
        const std::string near = base::closest(scenario, ids);
        return fail(kWrongInput,
                    fmt::format("the run has no scenario \"{}\"{}", scenario,
                                near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
    }
    return kOk;
}

// The world that a failed scenario left behind, when it was kept.
int open(const Arguments& arguments) {
    const auto& words = arguments.positional;
    if (words.size() < 2) return fail(kWrongInput, "which one? dodam open RUN SCENARIO");
    auto record = recorded(arguments, words[0]);
    if (!record) return record.error();
    for (const Node& scenario : (*record)["scenarios"].items()) {
        if (!title_of(scenario).starts_with(words[1])) continue;
        // "world 2-base"
        const std::string world(base::cut(scenario["world"].as_string(), ' ').second);
        const std::string directory = state_directory(arguments) + "/worlds/" + world;
        const auto info = state::StateDirectory::running(directory);
        if (world.empty() || !info || !state::read_file(directory + "/KEPT"))
            return fail(kWrongInput,
                        fmt::format("the world of {} was not kept, or has ended; `dodam rerun {} "
                                    "--keep` makes one that is",
                                    title_of(scenario), words[0]));
        fmt::print("viewer    {}   {}\nconsole   {}/_dodam/\n", info->viewer_endpoint,
                   info->viewer_tls_endpoint, info->aws_endpoint);
        fmt::print("commands  dodam status --state {}   (logs, trace, cache, clock, down)\n",
                   directory);
        return kOk;
    }
    return fail(kWrongInput, fmt::format("the run has no scenario \"{}\"", words[1]));
}

int report(const Arguments& arguments) {
    auto wanted = wanted_reports(arguments.get("to"));
    if (!wanted) return fail(kWrongInput, wanted.error());
    std::vector<std::pair<std::string, std::string>> files = std::move(*wanted);
    for (const char* kind : {"html", "junit", "tap", "json", "markdown"})
        if (arguments.has(kind)) files.emplace_back(kind, arguments.get(kind));
    if (files.empty())
        return fail(kWrongInput, "which report? --html FILE, --junit FILE, --tap FILE …");
    std::vector<Node> records;
    const std::vector<std::string> newest{""};
    for (const auto& word : arguments.positional.empty() ? newest : arguments.positional) {
        auto record = recorded(arguments, word);
        if (!record) return record.error();
        records.push_back(std::move(*record));
    }
    const Node all = records.size() == 1 ? records.front() : scenarios::merged(records);
    const int code = write_reports(files, all);
    if (code == kOk)
        for (const auto& [kind, file] : files)
            fmt::print("{:<8} {}\n", kind, file);
    return code;
}

constexpr Flag kFile{"-f,--file", "FILE", "the stack file whose instance is meant"};
constexpr Flag kRunsFlags[] = {
    kFile, kStateFlag, kJsonFlag, {"--keep", "N", "remove all but the newest N"}};
constexpr Flag kShowFlags[] = {kFile, kStateFlag, kJsonFlag};
constexpr Flag kReportFlags[] = {kFile,
                                 kStateFlag,
                                 {"--html", "FILE", "one file that opens from disk"},
                                 {"--junit", "FILE", ""},
                                 {"--tap", "FILE", ""},
                                 {"--json", "FILE", ""},
                                 {"--markdown", "FILE", "as for $GITHUB_STEP_SUMMARY"},
                                 {"--to", "KIND=FILE", "several, as --report of `dodam run`"}};

}  // namespace

const Command kRuns{
    "runs", "List the recordings of runs", "", kRunsFlags, "  dodam runs\n  dodam runs --keep 10\n",
    runs};
const Command kShow{"show",
                    "Show a recorded run, a scenario of it, or a step",
                    "[RUN] [SCENARIO] [STEP]",
                    kShowFlags,
                    "  dodam show                        the newest\n"
                    "  dodam show 7c1f login 7           a step: request, answer, way, curl\n"
                    "  dodam show run.dodamrun           a file from elsewhere\n",
                    show};
const Command kOpen{"open",
                    "Say where the world of a failed scenario is, as it was left",
                    "[RUN] [SCENARIO]",
                    kShowFlags,
                    "  dodam run --keep\n  dodam open 7c1f login\n",
                    open};
const Command kReport{"report",
                      "Write reports of recorded runs; several runs become one report",
                      "[RUN…]",
                      kReportFlags,
                      "  dodam report --html run.html\n"
                      "  dodam report shard-1.dodamrun shard-2.dodamrun --junit all.xml\n",
                      report};

}  // namespace commands
