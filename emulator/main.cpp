// dodam: the table of its commands.
#include "commands/commands.h"

int main(int argument_count, char** arguments) {
    using namespace commands;
    const Command table[] = {
        kUp,           kDown,           kGate,        kRun,          kCheck,
        kList,         kStatus,         kReset,       kTrace,        kLogs,
        kClock,        kCache,          kFault,       kFmt,          kSchema,
        kImageBuild,   kImagePush,      kWorkflowRun, kWorkflowLint, kDocker,
        kExec,         kDeployReport,   kRuns,        kShow,         kReport,
        kRerun,        kResend,         kOpen,        kSnapshotSave, kSnapshotLoad,
        kSnapshotList, kSnapshotRemove, kImport,      kRecord,       kStackLint,
        kExplain,      kHookInstall,    kHookRemove,  kHookRun,      kHookCi,
        kDoctor};
    return run_command_line(table, argument_count, arguments);
}
