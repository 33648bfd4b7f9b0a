// wait, clock, group. "wait" is real time; "clock" moves the stack's, which decides TTLs, ages,
// expiries and schedules. Tasks, MariaDB and Redis keep real time.
#include <fmt/format.h>

#include "base/date.h"
#include "base/result.h"
#include "scenarios/runner/context.h"
#include "scenarios/runner/steps/steps.h"

namespace scenarios {
namespace {

using base::Node;

std::expected<Answer, StepError> wait(Context& context, const Node& step) {
    auto duration = base::parse_duration(step["wait"].as_string());
    if (!duration)
        return std::unexpected(
            StepError{fmt::format("\"{}\" is no duration", step["wait"].as_string()), ""});
    if (*duration > context.left())
        return std::unexpected(
            StepError{"the wait is longer than the step may take", "give the step a \"timeout\""});
    context.sleep(*duration);
    return Answer();
}

std::expected<Answer, StepError> move_clock(Context& context, const Node& step) {
    Node input = Node::object();
    input.set("advance", step["clock"]);
    TRY(context.control.post("/clock", input));
    return Answer();
}

constexpr Verb kVerbs[] = {
    {{"wait", Shape::Duration, "Real time, with a \"why\"."}, {}, {}, false, wait},
    {{"clock", Shape::Jump,
      "Moves the stack's time forward; tasks, MariaDB and Redis keep real time."},
     {},
     {},
     false,
     move_clock},
};

}  // namespace

const std::span<const Verb> time_verbs = kVerbs;

}  // namespace scenarios
