// What somebody reads at the end: GO, NO GO with its first cause, LATE or STOPPED.
#pragma once
#include <optional>
#include <string_view>

#include "base/json.h"
#include "commands/gate/stages.h"
#include "scenarios/checks/repository.h"
#include "scenarios/checks/verdict.h"

namespace commands {

// The record of the scenarios; an empty object when they did not run.
base::Node record_of(const Gate& gate);
int go(const Gate& gate);
// What somebody reads first: whose fault, the first cause, where, and what to do. Then all of it.
int no_go(const Gate& gate, int code, const checks::Verdict& verdict);
// Ctrl-C and the end of the budget are no verdicts; nothing when neither came.
std::optional<int> cut_short(const Gate& gate, int code);
// The end of what the stage wrote, below the verdict; briefly, what a failed scenario says of
// itself.
void show_output(const Gate& gate, std::string_view title);

}  // namespace commands
