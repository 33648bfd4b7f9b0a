// dodam check: reads scenarios, the stack file, workflows, task definitions, Dockerfiles and
// sources, and says everything that is wrong with them; runs nothing. dodam explain: what a check
// is about.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/scenarios.h"
#include "scenarios/checks/checks.h"

namespace commands {
namespace {

namespace fs = std::filesystem;
using base::Node;
using checks::Finding;
using checks::Severity;

Node as_json(const checks::Repository& repository, const Finding& finding) {
    return Node::object({{"id", finding.id},
                         {"severity", finding.severity == Severity::Error ? "error" : "warning"},
                         {"layer", finding.layer},
                         {"file", repository.shown(finding.file)},
                         {"line", static_cast<int64_t>(finding.position.line)},
                         {"column", static_cast<int64_t>(finding.position.column)},
                         {"message", finding.message},
                         {"next", finding.next},
                         {"silenced", finding.silenced}});
}

// The repository around the stack file; "" where there is none. Prints; kWrongInput when something
// is wrong.
int check_repository(const Arguments& arguments, const std::string& directory,
                     const std::string& stack_file, std::string_view layer) {
    auto repository = checks::Repository::read(directory);
    if (!repository) return fail(kWrongInput, repository.error());
    const auto findings = checks::look_at(
        *repository,
        stack_file.empty() ? "" : repository->at_home(fs::path(stack_file).filename().string()));
    size_t errors = 0, warnings = 0, silenced = 0;
    Node list = Node::array();
    for (const Finding& finding : findings) {
        if (!layer.empty() && finding.layer != layer && finding.layer != "edge") continue;
        ++(!finding.silenced.empty()             ? silenced
           : finding.severity == Severity::Error ? errors
                                                 : warnings);
        if (arguments.has("json"))
            list.push_back(as_json(*repository, finding));
        else if (finding.silenced.empty())
            fmt::print(stderr, "{}\n", checks::show(*repository, finding));
    }
    if (arguments.has("json"))
        fmt::print("{}\n", base::to_json(list, 2));
    else
        fmt::print("{} error{}, {} warning{}{} in the repository{}\n", errors,
                   errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s",
                   silenced ? fmt::format(", {} silenced with a reason", silenced) : "",
                   errors + warnings ? "; dodam explain ID says why" : "");
    return errors > 0 || (warnings > 0 && arguments.has("strict")) ? kWrongInput : kOk;
}

std::string directory_around(const std::string& stack_file) {
    const std::string directory = fs::path(stack_file).parent_path().string();
    return directory.empty() ? "." : directory;
}

int check(const Arguments& arguments) {
    const std::string stack_file = stack_file_of(arguments);
    const auto known = know_stack(stack_file, "");
    if (!stack_file.empty() && !known) return kWrongInput;
    // Words name scenarios; without any, everything is meant.
    auto files = scenario_files(arguments, stack_file);
    if (!files) return kWrongInput;
    const bool whole = arguments.positional.empty();
    if (files->empty() && (!whole || stack_file.empty()))
        return fail(kNothingRan,
                    "there are no scenarios to check; they are *.scenario.json and *.scenario.yaml "
                    "below ./scenarios");
    const auto all = load_scenarios(*files, {known ? &known->attributes : nullptr, {}});
    int code = all ? kOk : kWrongInput;
    if (all && !arguments.has("json"))
        fmt::print("{} scenario{} without a problem{}\n", all->size(), all->size() == 1 ? "" : "s",
                   known ? "" : " (no dodam.json here: names of the stack were not checked)");
    if (whole)
        if (const int found =
                check_repository(arguments, directory_around(stack_file), stack_file, "");
            found != kOk)
            code = found;
    return code;
}

int stack_lint(const Arguments& arguments) {
    const std::string stack_file = stack_file_of(arguments);
    if (stack_file.empty())
        return fail(kWrongInput, "there is no dodam.json here; name it with -f");
    if (!know_stack(stack_file, "")) return kWrongInput;
    return check_repository(arguments, directory_around(stack_file), stack_file, "stack");
}

int explain(const Arguments& arguments) {
    if (arguments.positional.empty()) {
        for (const auto& check : checks::all_checks())
            fmt::print("{}  {:<8} {:<16} {}\n", check.id,
                       check.severity == Severity::Error ? "error" : "warning", check.layer,
                       check.title);
        return kOk;
    }
    const checks::Check* check = checks::find_check(arguments.positional[0]);
    if (!check)
        return fail(kWrongInput,
                    fmt::format("there is no check \"{}\"; dodam explain lists them, and "
                                "scenarios/workflow/README.md those of dodam workflow lint",
                                arguments.positional[0]));
    fmt::print(
        "{}  {}  ({}, {})\n\nwhy     {}\nnext    {}\nsilence # dodam-ignore {}: reason   in the "
        "file, or "
        "{{ \"id\": \"{}\", \"reason\": \"…\" }} in dodam.json's \"ignore\"\n",
        check->id, check->title, check->severity == Severity::Error ? "error" : "warning",
        check->layer, check->why, check->next, check->id, check->id);
    return kOk;
}

constexpr Flag kStackFile{"-f,--file", "FILE",
                          "the stack file whose names are meant (default: ./dodam.json)"};
constexpr Flag kStrict{"--strict", "", "warnings fail as errors do"};
constexpr Flag kFlags[] = {kStackFile, kStrict, kJsonFlag};

}  // namespace

const Command kCheck{
    "check",
    "Say what is wrong with scenarios, stack, workflows and sources; run nothing",
    "[FILE or DIRECTORY or ID…]",
    kFlags,
    "  dodam check                        the whole repository around ./dodam.json\n"
    "  dodam check scenarios/login.scenario.json\n",
    check};

const Command kStackLint{"stack lint",
                         "Say what is wrong with the stack file and what surprises in it",
                         "",
                         kFlags,
                         "  dodam stack lint\n",
                         stack_lint};

const Command kExplain{"explain",
                       "Say what a check is about: cause, next step, how to silence it",
                       "[ID]",
                       std::span<const Flag>(),
                       "  dodam explain DN001\n  dodam explain\n",
                       explain};

}  // namespace commands
