// Gate inputs: everything that a gate's verdict depends on, read in a fraction of the time that a
// verdict takes.
#pragma once
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/process.h"
#include "commands/command.h"
#include "scenarios/push/verdicts.h"

namespace commands {

struct GateQuestion {
    std::string top;         // of the work tree
    std::string commit;      // "" = the files as they are
    std::string stack_file;  // absolute
    std::string state;       // the state directory: no input
    std::string selection;   // which scenarios; "" = all
};

// Nothing: git cannot say what the files are (a changed submodule).
std::optional<push::Inputs> gate_inputs(base::Spawner& spawner, const Arguments& arguments,
                                        const GateQuestion& question, base::Time now);

}  // namespace commands
