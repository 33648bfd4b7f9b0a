// Workflow files: where they lie, what their steps' paths are relative to, and what a deploy of a
// site leaves old.
#include <fmt/format.h>

#include "base/text.h"
#include "scenarios/checks/rules/common.h"

namespace checks {
namespace {

constexpr uint64_t kLongSeconds = 600;  // longer than anybody waits for a new page

bool looks_like_workflow(std::string_view text) {
    bool on = false, jobs = false;
    for (std::string_view line : lines_of(text)) {
        on = on || line.starts_with("on:");
        jobs = jobs || line.starts_with("jobs:");
    }
    return on && jobs;
}

// A step's script with its continued lines joined, and the line each begins at.
std::vector<std::pair<uint32_t, std::string>> commands_of(const workflow::Step& step) {
    std::vector<std::pair<uint32_t, std::string>> commands;
    if (!step.run) return commands;
    uint32_t line =
        step.run->position.line + (step.run->style == workflow::YamlNode::Style::Block ? 1 : 0);
    bool goes_on = false;
    for (std::string_view text : base::split(step.run->text, '\n')) {
        if (!goes_on) commands.emplace_back(line, "");
        goes_on = text.ends_with('\\');
        commands.back().second +=
            std::string(text.substr(0, text.size() - (goes_on ? 1 : 0))) + " ";
        ++line;
    }
    return commands;
}

uint64_t max_age_of(std::string_view command) {
    const size_t at = command.find("max-age=");
    if (at == std::string_view::npos) return 0;
    size_t end = at + 8;
    while (end < command.size() && command[end] >= '0' && command[end] <= '9')
        ++end;
    return base::parse_unsigned(command.substr(at + 8, end - at - 8)).value_or(0);
}

bool is_upload(std::string_view command) {
    return command.find("s3 sync") != std::string_view::npos ||
           command.find("s3 cp") != std::string_view::npos;
}

std::string unquoted(std::string_view word) {
    while (!word.empty() && (word.front() == '"' || word.front() == '\''))
        word.remove_prefix(1);
    while (!word.empty() && (word.back() == '"' || word.back() == '\'' || word.back() == '/'))
        word.remove_suffix(1);
    return std::string(word);
}

}  // namespace

void workflow_place(const Project& project, Report& report) {
    const std::string right = project.repository.at_home(".github/workflows");
    for (const std::string& path : project.repository.paths()) {
        const std::string home = project.repository.at_home("");
        if (path.find("node_modules/") != std::string::npos || !path.starts_with(home)) continue;
        if (path.find(".github/") == std::string::npos && path.find(".yml") == std::string::npos &&
            path.find(".yaml") == std::string::npos)
            continue;
        const std::string directory = directory_of(path);
        const bool yaml = path.ends_with(".yml") || path.ends_with(".yaml");
        if ((directory == right && yaml) || directory == ".github/workflows") {
            if (yaml || !looks_like_workflow(project.repository.text(path))) continue;
        } else if (path.find(".github/") == std::string::npos) {
            continue;
        }
        if (path.find("/actions/") != std::string::npos ||
            !looks_like_workflow(project.repository.text(path)))
            continue;
        report.add(path, {},
                   fmt::format("GitHub never runs {}: it reads .github/workflows/*.yml at the "
                               "repository's top alone",
                               project.repository.shown(path)));
    }
}

void workflow_paths(const Project& project, Report& report) {
    const Repository& repository = project.repository;
    for (const auto& workflow : project.workflows)
        for (const auto& job : workflow.jobs)
            for (const auto& step : job.steps) {
                std::string directory = step.working_directory ? step.working_directory->text : "";
                if (directory.find("${{") != std::string::npos) continue;
                directory = normal_path(directory);
                if (step.working_directory && !directory.empty() &&
                    !repository.has_directory(repository.at_home(directory))) {
                    report.add(
                        workflow.file, step.working_directory->position,
                        fmt::format("there is no directory {} in the repository", directory));
                    continue;
                }
                if (step.run && !directory.empty())
                    for (const auto& [line, command] : commands_of(step))
                        for (std::string_view word : base::split(command, ' ')) {
                            const std::string path = normal_path(unquoted(word));
                            if (!path.starts_with(directory + "/") && path != directory) continue;
                            if (repository.has_directory(
                                    repository.at_home(directory + "/" + directory)))
                                continue;
                            report.add(
                                workflow.file, {line, 1},
                                fmt::format(
                                    "the command runs in {0}, so {1} means {0}/{1}, which is not "
                                    "there",
                                    directory, path));
                        }
                if (!step.uses || !step.with || !step.with->is_mapping()) continue;
                for (const auto& member : step.with->members) {
                    if (member.key != "task-definition" && member.key != "cache-dependency-path" &&
                        member.key != "file" && member.key != "context")
                        continue;
                    const std::string path =
                        normal_path(with_env(workflow, job, step, member.value.text));
                    if (path.empty() || path.find_first_of("$*\n") != std::string::npos) continue;
                    const std::string whole = repository.at_home(path);
                    if (repository.has(whole) || repository.has_directory(whole)) continue;
                    // The file that was meant is one that ends so.
                    std::string meant;
                    for (const std::string& file : repository.paths())
                        if (file.ends_with("/" + path) || name_of(file) == name_of(path))
                            meant = repository.shown(file);
                    if (meant.empty()) continue;  // an earlier step may make it
                    report.add(
                        workflow.file, member.value.position,
                        fmt::format(
                            "{} starts at the repository's top, whatever working-directory says, "
                            "and {} is not there",
                            member.key, path),
                        "write " + meant);
                }
            }
}

void sync_without_invalidation(const Project& project, Report& report) {
    for (const auto& workflow : project.workflows)
        for (const auto& job : workflow.jobs) {
            base::Position sync;
            for (const auto& step : job.steps) {
                for (const auto& [line, command] : commands_of(step)) {
                    if (command.find("create-invalidation") != std::string::npos) sync = {};
                    if (command.find("s3 sync") != std::string::npos &&
                        command.find("--delete") != std::string::npos)
                        sync = {line, 1};
                }
                if (step.uses &&
                    base::lower(step.uses->text).find("invalidat") != std::string::npos)
                    sync = {};
            }
            if (sync.line)
                report.add(workflow.file, sync,
                           "sync --delete removes the old scripts while the edge still serves the "
                           "old page");
        }
}

void page_kept_long(const Project& project, Report& report) {
    for (const auto& workflow : project.workflows)
        for (const auto& job : workflow.jobs)
            for (const auto& step : job.steps)
                for (const auto& [line, command] : commands_of(step)) {
                    if (!is_upload(command)) continue;
                    const bool named = command.find("index.html") != std::string::npos;
                    const bool left_out = command.find("--exclude") != std::string::npos &&
                                          (named || command.find("*.html") != std::string::npos);
                    const bool alone = command.find("/assets") != std::string::npos && !named;
                    if (left_out || alone) continue;
                    const uint64_t age = max_age_of(command);
                    if (age <= kLongSeconds && command.find("immutable") == std::string::npos)
                        continue;
                    report.add(workflow.file, {line, 1},
                               fmt::format("index.html goes up with max-age={}: browsers show the "
                                           "old build that long",
                                           age));
                }
}

}  // namespace checks
