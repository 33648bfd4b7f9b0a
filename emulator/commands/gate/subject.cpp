// See subject.h.
#include "commands/gate/subject.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/result.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/git.h"
#include "scenarios/runner/scenario.h"
#include "scenarios/runner/schedule.h"

namespace commands {

namespace {

namespace fs = std::filesystem;

}  // namespace

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
    if (!fs::exists(gate.app + "/" + gate.stack_name()))
        return fail(kWrongInput, fmt::format("the commit {} has no {}", gate.commit.substr(0, 12),
                                             fs::relative(gate.stack_file, gate.top).string()));
    return kOk;
}

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

}  // namespace commands
