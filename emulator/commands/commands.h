// The commands, one function each; flags and examples stand beside them.
#pragma once
#include "commands/command.h"

namespace commands {

extern const Command kUp, kDown, kGate, kRun, kCheck, kList, kStatus, kReset, kTrace, kLogs, kClock,
    kCache, kSchema, kImageBuild, kImagePush, kExec, kWorkflowRun, kWorkflowLint, kDocker;

}  // namespace commands
