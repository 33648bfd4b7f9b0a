// After an exit (see after_exit.h).
#include "ecs/after_exit.h"

#include <fmt/format.h>

#include <algorithm>

namespace ecs {
namespace {

std::string seconds_of(base::microseconds duration) {
    return fmt::format("{:.1f} s", static_cast<double>(duration.count()) / 1e6);
}

}  // namespace

AfterExit after_exit(const ContainerDefinition& defined, const ContainerExit& exit) {
    using What = AfterExit::What;
    const What stays = defined.essential ? What::StopTask : What::Leave;
    // What is told to stop exits, too.
    if (!defined.restart_policy || exit.task_is_leaving) return {stays, ""};
    const RestartPolicy& policy = *defined.restart_policy;
    const std::string code =
        exit.code ? fmt::format("exit code {}", *exit.code) : "an unknown exit code";
    // "Exit codes that Amazon ECS will ignore and not attempt a restart on."
    if (exit.code && std::ranges::count(policy.ignored_exit_codes, *exit.code))
        return {stays, code + " is among ignoredExitCodes"};
    // "If a container isn't able to run for this time period and exits early, it will not be
    // restarted."
    const std::string ran = fmt::format("{} after {}", code, seconds_of(exit.ran));
    if (exit.ran < exit.attempt_period)
        return {stays, fmt::format("{}, before restartAttemptPeriod ({}) was over", ran,
                                   seconds_of(exit.attempt_period))};
    return {What::Restart, ran};
}

}  // namespace ecs
