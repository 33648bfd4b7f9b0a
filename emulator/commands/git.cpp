// Git as a child process.
#include "commands/git.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "base/result.h"
#include "base/text.h"

namespace commands {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr const char* kGit = "/usr/bin/git";

// `git rev-parse --local-env-vars`, and what git sets for its hooks beside them.
constexpr const char* kOfRepository[] = {"GIT_ALTERNATE_OBJECT_DIRECTORIES",
                                         "GIT_CONFIG",
                                         "GIT_CONFIG_PARAMETERS",
                                         "GIT_CONFIG_COUNT",
                                         "GIT_OBJECT_DIRECTORY",
                                         "GIT_DIR",
                                         "GIT_WORK_TREE",
                                         "GIT_IMPLICIT_WORK_TREE",
                                         "GIT_GRAFT_FILE",
                                         "GIT_INDEX_FILE",
                                         "GIT_NO_REPLACE_OBJECTS",
                                         "GIT_REPLACE_REF_BASE",
                                         "GIT_PREFIX",
                                         "GIT_INTERNAL_SUPER_PREFIX",
                                         "GIT_SHALLOW_FILE",
                                         "GIT_COMMON_DIR",
                                         "GIT_QUARANTINE_PATH"};

}  // namespace

void forget_callers_repository() {
    for (const char* name : kOfRepository)
        ::unsetenv(name);
}

std::expected<std::string, std::string> Git::ask(std::vector<std::string> arguments) const {
    std::vector<std::string> command{kGit, "-C", directory_};
    command.insert(command.end(), arguments.begin(), arguments.end());
    auto finished = TRY(base::run(spawner_, {.command = std::move(command)}, kPatience));
    if (finished.exit_code == 0) return std::move(finished.output);
    return std::unexpected(fmt::format(
        "git {}: {}", arguments.empty() ? "" : arguments.front(),
        finished.timed_out ? "no answer within a minute"
                           : base::replace_all(base::trim(finished.error), "\n", "; ")));
}

std::string Git::line(std::vector<std::string> arguments) const {
    const auto output = ask(std::move(arguments)).value_or("");
    return std::string(base::trim(base::cut(output, '\n').first));
}

std::expected<std::vector<std::string>, std::string> Git::list(
    std::vector<std::string> arguments) const {
    const std::string output = TRY(ask(std::move(arguments)));
    std::vector<std::string> out;
    for (std::string_view part : base::split(output, '\0'))
        if (!part.empty()) out.emplace_back(part);
    return out;
}

}  // namespace commands
