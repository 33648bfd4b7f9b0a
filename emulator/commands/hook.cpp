// dodam hook: the gate before a push. install and remove put a line into the repository's pre-push
// hook and take it out again; run is what that line calls; ci prints the same gate as a job.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "base/clock.h"
#include "base/date.h"
#include "base/result.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/git.h"
#include "scenarios/push/hook_text.h"
#include "scenarios/push/updates.h"

extern "C" const char gate_workflow_begin[], gate_workflow_end[];

namespace commands {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultBranches[] = {"main", "master"};

// Where a repository's pre-push hook is, and whose it is.
struct Place {
    std::string file;
    std::string top;         // of the work tree
    bool shared = false;     // committed with the repository: others' machines run it, too
    bool executed = true;    // by git itself: it must be executable
    std::string told_where;  // "" = ours to write; else who owns it and what to add
};

bool is_below(const fs::path& path, const fs::path& directory) {
    const fs::path relative = path.lexically_relative(directory);
    return !relative.empty() && *relative.begin() != "..";
}

std::string text_of(const std::string& file) {
    return state::read_file(file).value_or("");
}

// The command as the hook has it. A hook that others share finds dodam by its name.
std::string command_of(const Arguments& arguments, const Place& place) {
    std::string command =
        place.shared ? "dodam" : push::quoted(fs::read_symlink("/proc/self/exe").string());
    command += " hook run";
    for (const char* flag : {"file", "runtime", "budget", "late"})
        if (arguments.has(flag)) {
            std::string value = arguments.get(flag);
            // The hook runs at the top of the work tree.
            if (flag == std::string_view("file"))
                value = fs::absolute(value).lexically_normal().lexically_relative(place.top);
            command += fmt::format(" --{} {}", flag, push::quoted(value));
        }
    return command + " \"$@\"";  // the remote's name and URL
}

std::expected<Place, std::string> find_place(base::Spawner& spawner) {
    const Git here(spawner, ".");
    Place place;
    place.top = here.line({"rev-parse", "--show-toplevel"});
    if (place.top.empty())
        return std::unexpected("this is no git work tree; run it in the repository that you push");
    const Git git(spawner, place.top);
    const auto absolute = [&](const std::string& path) {
        return (fs::path(place.top) / path).lexically_normal();
    };
    const fs::path common = absolute(git.line({"rev-parse", "--git-common-dir"}));
    fs::path hooks = absolute(git.line({"rev-parse", "--git-path", "hooks"}));
    if (!hooks.has_filename()) hooks = hooks.parent_path();

    for (const char* name : {"lefthook.yml", ".lefthook.yml", "lefthook.yaml", ".lefthook.yaml"})
        if (fs::exists(absolute(name))) {
            place.file = absolute(name);
            place.shared = true;
            place.told_where =
                "lefthook writes the hooks of this repository; add to its pre-push commands:\n"
                "  pre-push:\n    commands:\n      dodam:\n        use_stdin: true\n        run: ";
            return place;
        }
    // husky's own folder calls the file of the same name beside it.
    if (hooks.filename() == "_" && hooks.parent_path().filename() == ".husky") {
        hooks = hooks.parent_path();
        place.executed = false;
    }
    place.file = (hooks / "pre-push").string();
    place.shared = is_below(hooks, place.top) && !is_below(hooks, common);
    if (!place.shared && !is_below(hooks, common)) {
        place.shared = true;
        place.told_where = fmt::format(
            "core.hooksPath is {}, which other repositories use, too; to have it there, add to {}:"
            "\n  ",
            hooks.string(), place.file);
    }
    return place;
}

int install(const Arguments& arguments) {
    base::Spawner spawner;
    auto place = find_place(spawner);
    if (!place) return fail(kWrongInput, place.error());
    const std::string command = command_of(arguments, *place);
    if (!place->told_where.empty()) {
        if (text_of(place->file).find("dodam hook run") != std::string::npos) {
            fmt::print("{} has it already\n", place->file);
            return kOk;
        }
        return fail(kWrongInput, place->told_where + command);
    }
    const std::string stack =
        arguments.has("file") ? arguments.get("file") : place->top + "/dodam.json";
    if (!fs::exists(stack))
        return fail(kWrongInput, fmt::format("there is no {}; name the stack file with -f", stack));

    struct stat found{};
    const bool there = ::stat(place->file.c_str(), &found) == 0;
    const std::string before = text_of(place->file);
    auto after =
        push::with_command(there ? std::optional<std::string_view>(before) : std::nullopt, command);
    const std::string by_hand =
        fmt::format("; have it run, with git's lines on its standard input:\n  {}", command);
    if (!after)
        return fail(kWrongInput, place->file + " is left alone: " + after.error() + by_hand);
    if (there && place->executed && !(found.st_mode & S_IXUSR))
        return fail(kWrongInput, fmt::format("{} is left alone: it is not executable, so git does "
                                             "not run it; chmod +x it first, or remove it",
                                             place->file));
    if (there && *after == before) {
        fmt::print("{} has it already\n", place->file);
        return kOk;
    }
    std::error_code error;
    fs::create_directories(fs::path(place->file).parent_path(), error);
    const unsigned mode = there ? found.st_mode & 07777 : place->executed ? 0755 : 0644;
    // Behind a link it is the file that changes.
    const std::string file = there ? fs::canonical(place->file, error).string() : place->file;
    if (auto written = state::write_file(file, *after, mode); !written)
        return fail(kNotStarted, written.error());
    ::chmod(file.c_str(), mode);
    fmt::print("{} {}\n", place->file,
               !there                      ? "is new: a push is judged first"
               : push::has_command(before) ? "has the new command"
                                           : "runs the gate before what it did before");
    fmt::print("  dodam hook remove takes it out; git push --no-verify goes without it\n");
    return kOk;
}

int remove(const Arguments&) {
    base::Spawner spawner;
    auto place = find_place(spawner);
    if (!place) return fail(kWrongInput, place.error());
    const std::string before = text_of(place->file);
    if (!place->told_where.empty()) {
        if (before.find("dodam hook run") == std::string::npos) {
            fmt::print("{} does not run the gate\n", place->file);
            return kOk;
        }
        return fail(kWrongInput,
                    fmt::format("{} is not ours: take the line with `dodam hook run` out by hand",
                                place->file));
    }
    if (!push::has_command(before)) {
        fmt::print("{} does not run the gate\n", place->file);
        return kOk;
    }
    std::error_code error;
    if (const auto after = push::without_command(before)) {
        const std::string file = fs::canonical(place->file, error).string();
        struct stat found{};
        ::stat(file.c_str(), &found);
        if (auto written = state::write_file(file, *after, found.st_mode & 07777); !written)
            return fail(kNotStarted, written.error());
        ::chmod(file.c_str(), found.st_mode & 07777);
        fmt::print("{} is as it was\n", place->file);
    } else {
        fs::remove(place->file, error);
        if (error) return fail(kNotStarted, place->file + ": " + error.message());
        fmt::print("{} is gone\n", place->file);
    }
    return kOk;
}

// Where a new branch left the default branch of the remote; "" = nobody knows.
std::string base_of_new(const Git& git, const std::string& remote, const std::string& commit) {
    std::vector<std::string> candidates;
    if (!remote.empty()) {
        if (auto head = git.line({"symbolic-ref", "-q", "refs/remotes/" + remote + "/HEAD"});
            !head.empty())
            candidates.push_back(head);
        for (const char* name : kDefaultBranches)
            candidates.push_back("refs/remotes/" + remote + "/" + name);
    }
    for (const char* name : kDefaultBranches)
        candidates.push_back(std::string("refs/heads/") + name);
    for (const std::string& candidate : candidates) {
        if (git.line({"rev-parse", "-q", "--verify", candidate + "^{commit}"}).empty()) continue;
        const std::string base = git.line({"merge-base", candidate, commit});
        // The default branch itself, before its first push, has no base in itself.
        if (!base.empty() && (base != commit || candidate.starts_with("refs/remotes/")))
            return base;
    }
    return "";
}

// What the remote has of it already; "" = all of it is new, or nobody knows.
std::string base_of(const Git& git, const std::string& remote, const push::Pushed& pushed) {
    const push::Update& update = pushed.update;
    if (!update.is_new_branch())
        if (auto known =
                git.line({"rev-parse", "-q", "--verify", update.remote_object + "^{commit}"});
            !known.empty())
            return known;
    return base_of_new(git, remote, pushed.commit);
}

// The gate's own arguments, as its command line would make them.
Arguments gate_arguments(const Arguments& given, const push::Pushed& pushed,
                         const std::string& base, base::microseconds left) {
    Arguments arguments;
    for (const Flag& flag : kGate.flags)
        if (!flag.fallback.empty())
            arguments.values[std::string(flag.name.substr(flag.name.rfind("--") + 2))] =
                flag.fallback;
    for (const char* flag : {"file", "runtime", "fresh"})
        if (given.has(flag)) arguments.values[flag] = given.get(flag);
    arguments.values["profile"] = "pre-push";
    arguments.values["commit"] = pushed.commit;
    arguments.values["budget"] =
        fmt::format("{}ms", std::chrono::duration_cast<base::milliseconds>(left).count());
    if (!base.empty()) arguments.values["changed"] = base;
    return arguments;
}

int run(const Arguments& arguments) {
    const auto budget = base::parse_duration(arguments.get("budget"));
    if (!budget || budget->count() <= 0)
        return fail(kWrongInput, fmt::format("--budget takes a duration such as 90s, not \"{}\"",
                                             arguments.get("budget")));
    const std::string late = arguments.get("late");
    if (late != "warn" && late != "refuse")
        return fail(kWrongInput, fmt::format("--late takes warn or refuse, not \"{}\"", late));
    const std::string lines{std::istreambuf_iterator<char>(std::cin), {}};
    auto updates = push::parse_updates(lines);
    if (!updates) return fail(kWrongInput, updates.error());

    base::SystemClock clock;
    const base::Time end = clock.now() + *budget;
    std::vector<push::Pushed> all;
    std::vector<std::string> bases;
    std::vector<bool> holds;  // the stack file
    const std::string stack = arguments.has("file") ? arguments.get("file") : "dodam.json";
    const std::string remote = arguments.positional.empty() ? "" : arguments.positional[0];
    {
        // git's threads end before the gate's signals are set up.
        forget_callers_repository();
        base::Spawner spawner;
        const Git git(spawner, ".");
        for (push::Update& update : *updates) {
            push::Pushed pushed{.update = std::move(update)};
            if (!pushed.update.is_deletion()) {
                const std::string& object = pushed.update.local_object;
                pushed.commit = git.line({"rev-parse", "-q", "--verify", object + "^{commit}"});
                pushed.tree = git.line({"rev-parse", "-q", "--verify", object + "^{tree}"});
            }
            bases.push_back(pushed.commit.empty() ? "" : base_of(git, remote, pushed));
            holds.push_back(git.ask({"cat-file", "-e", pushed.commit + ":./" + stack}).has_value());
            all.push_back(std::move(pushed));
        }
    }

    std::vector<std::string> unchecked;
    for (const push::Choice& choice : push::choose(all)) {
        const push::Pushed& pushed = *choice.pushed;
        const std::string name = push::short_name(pushed.update.remote_ref);
        using enum push::Why;
        if (choice.why == Deletion) continue;
        if (choice.why == NoCommit) {
            unchecked.push_back(name + " (it is no commit)");
            continue;
        }
        if (choice.why == SameFiles) {
            fmt::print("dodam: {} has the same files as {}\n", name,
                       push::short_name(choice.same_as->update.remote_ref));
            continue;
        }
        if (!holds[static_cast<size_t>(&pushed - all.data())]) {
            unchecked.push_back(fmt::format("{} (it has no {})", name, stack));
            continue;
        }
        const base::microseconds left = end - clock.now();
        if (left.count() <= 0) {
            unchecked.push_back(
                fmt::format("{} (the budget of {} is over)", name, arguments.get("budget")));
            continue;
        }
        fmt::print("dodam: judging {} for {}, {} at most\n", pushed.commit.substr(0, 12), name,
                   base::show_duration(left));
        std::fflush(stdout);
        const std::string& base = bases[static_cast<size_t>(&pushed - all.data())];
        const int code = kGate.run(gate_arguments(arguments, pushed, base, left));
        if (code == kOutOfTime && late == "warn") {
            unchecked.push_back(name + " (all of it)");
            continue;
        }
        if (code != kOk) return code;
    }
    if (unchecked.empty()) return kOk;
    fmt::print("dodam: not checked: {}\n", base::join(unchecked, ", "));
    return kOk;
}

// The workflow file is in the binary as it stands in scenarios/push; these are its own examples.
constexpr const char* kExampleSource = "https://example.com/dodam.git";
constexpr const char* kExampleShards = "[1/2, 2/2]";
constexpr uint64_t kMostShards = 64;

int ci(const Arguments& arguments) {
    if (!arguments.has("source"))
        return fail(kWrongInput,
                    "where does CI get dodam? Name the repository: dodam hook ci --source URL");
    const auto shards = base::parse_unsigned(arguments.get("shards"));
    if (!shards || *shards < 1 || *shards > kMostShards)
        return fail(kWrongInput, fmt::format("--shards takes a number from 1 to {}, not \"{}\"",
                                             kMostShards, arguments.get("shards")));
    std::vector<std::string> each;
    for (uint64_t i = 1; i <= *shards; ++i)
        each.push_back(fmt::format("{}/{}", i, *shards));
    std::string text(gate_workflow_begin, gate_workflow_end);
    text = base::replace_all(text, kExampleSource, arguments.get("source"));
    text = base::replace_all(text, kExampleShards, "[" + base::join(each, ", ") + "]");
    fmt::print("{}", text);
    return kOk;
}

constexpr Flag kStackFlag{"-f,--file", "FILE", "the stack file (default: dodam.json at the top)"};
constexpr Flag kRuntimeFlag{"--runtime", "auto|docker|process", "what runs tasks"};
constexpr Flag kInstallFlags[] = {
    kStackFlag,
    kRuntimeFlag,
    {"--budget", "DURATION", "of a push; what does not fit is told"},
    {"--late", "warn|refuse", "what the end of the budget means for the push"}};
constexpr Flag kRunFlags[] = {
    kStackFlag,
    kRuntimeFlag,
    {"--budget", "DURATION", "of the push; what does not fit is told", "60s"},
    {"--late", "warn|refuse", "what the end of the budget means for the push", "warn"},
    {"--fresh", "", "judge again what was a GO today on the same inputs"}};
constexpr Flag kCiFlags[] = {{"--source", "URL", "the repository that CI clones dodam from"},
                             {"--shards", "N", "so many jobs share the scenarios", "2"}};

}  // namespace

const Command kHookInstall{"hook install",
                           "Have a push judged first, by a line in git's pre-push hook",
                           "",
                           kInstallFlags,
                           "  dodam hook install\n"
                           "  dodam hook install --budget 90s --late refuse\n",
                           install};
const Command kHookRemove{
    "hook remove", "Take that line out again", "", {}, "  dodam hook remove\n", remove};
const Command kHookRun{"hook run",
                       "What the hook calls: judges the commits that git names on standard input",
                       "[REMOTE] [URL]",
                       kRunFlags,
                       "  dodam hook run origin URL       git's lines on standard input\n",
                       run};
const Command kHookCi{"hook ci",
                      "Print the gate as a GitHub Actions workflow: shards, and one report of all",
                      "",
                      kCiFlags,
                      "  dodam hook ci --source https://git.example/dodam.git --shards 3 \\\n"
                      "      >.github/workflows/gate.yml\n",
                      ci};

}  // namespace commands
