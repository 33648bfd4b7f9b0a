// The commands, one function each; flags and examples stand beside them.
#pragma once
#include <cstdio>

#include "base/json.h"
#include "commands/command.h"

namespace commands {

extern const Command kUp, kDown, kGate, kRun, kCheck, kList, kStatus, kReset, kTrace, kLogs, kClock,
    kCache, kFault, kFmt, kSchema, kImageBuild, kImagePush, kExec, kWorkflowRun, kWorkflowLint,
    kDocker, kDeployReport, kRuns, kShow, kReport, kRerun, kResend, kOpen, kSnapshotSave,
    kSnapshotLoad, kSnapshotList, kSnapshotRemove, kImport, kRecord, kStackLint, kExplain,
    kHookInstall, kHookRemove, kHookRun, kHookCi, kDoctor;

// Of what /deployments says: no rollout and no rollback is under way.
bool deploys_are_over(const base::Node& services);
// A deploy's report, as text.
void print_report(const base::Node& report, std::FILE* out);

}  // namespace commands
