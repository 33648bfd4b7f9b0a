// See memory.h.
#include "commands/gate/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/date.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/gate/inputs.h"
#include "state/instance.h"

namespace commands {

namespace {

int64_t milliseconds_of(base::Time time) {
    return std::chrono::duration_cast<base::milliseconds>(time.time_since_epoch()).count();
}

// A verdict's file, beside the recordings.
std::string verdicts_file(const Gate& gate) {
    return gate.state + "/verdicts.json";
}

// Which scenarios, as one text: "" = all of them.
std::string selection_of(const Gate& gate, const std::optional<push::Areas>& areas) {
    std::string text = areas ? "changed: " + areas->to_string() : "";
    for (const char* flag : {"tags", "shard"})
        if (gate.arguments.has(flag))
            text += fmt::format("\n{}: {}", flag, gate.arguments.get(flag));
    for (const std::string& word : gate.arguments.positional)
        text += "\n" + word;
    return text;
}

}  // namespace

std::optional<push::Inputs> inputs_of(Gate& gate, const std::optional<push::Areas>& areas) {
    if (gate.top.empty()) return std::nullopt;
    return gate_inputs(gate.spawner, gate.arguments,
                       {.top = gate.top,
                        .commit = judges_commit(gate) ? gate.commit : "",
                        .stack_file = gate.stack_file,
                        .state = gate.state,
                        .selection = selection_of(gate, areas)},
                       gate.clock.real_now());
}

bool is_remembered(const Gate& gate, const push::Inputs& inputs) {
    for (const char* wants : {"fresh", "report", "keep-world", "verbose"})
        if (gate.arguments.has(wants)) return false;
    if (gate.profile.fresh) return false;
    const auto verdicts = push::read_verdicts(state::read_file(verdicts_file(gate)).value_or("{}"));
    const push::Verdict* found = push::recall(verdicts, {inputs, inputs.with("selection", "")});
    if (!found) {
        if (const auto changed = push::changed_since(verdicts, inputs); !changed.empty())
            gate.say("note", "not as at the last GO: " + base::join(changed, ", "));
        return false;
    }
    const auto ago = std::chrono::duration_cast<base::seconds>(
        gate.clock.real_now() - base::Time(base::milliseconds(found->at_ms)));
    fmt::print(
        "GO     {} holds: the same inputs were GO {} ago{}; nothing was run ({:.2f} s)\n"
        "       dodam gate --fresh runs it again\n",
        gate.commit.substr(0, 12),
        base::show_duration(std::max<base::seconds>(ago, base::seconds(1))),
        found->run.empty() ? "" : ", run " + found->run, gate.seconds());
    std::fflush(stdout);
    return true;
}

void remember(Gate& gate, const std::optional<push::Inputs>& before,
              const std::optional<push::Areas>& areas) {
    // Files that changed while they were judged are not what was judged.
    const auto now = inputs_of(gate, areas);
    if (!before || !now || before->key() != now->key()) return;
    auto verdicts = push::read_verdicts(state::read_file(verdicts_file(gate)).value_or("{}"));
    push::remember(verdicts, *before, milliseconds_of(gate.clock.real_now()), gate.commit,
                   gate.run);
    auto kept_out = state::keep_out_of_git(gate.state);
    if (kept_out) kept_out = state::write_file(verdicts_file(gate), push::write_verdicts(verdicts));
    if (!kept_out) gate.say("note", "the verdict is not remembered: " + kept_out.error());
}

}  // namespace commands
