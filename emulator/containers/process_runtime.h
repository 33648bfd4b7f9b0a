// ProcessRuntime: containers without an engine. A holder per task (decision 19), an overlay of the
// image's layers per container, limits by memory_limit. One thread, "containers", serves every
// task: what holders say, what programs print, grace periods and sampled memory.
#pragma once
#include <memory>
#include <string>

#include "base/process.h"
#include "containers/runtime.h"

namespace containers {

struct ProcessRuntimeOptions {
    std::string directory;  // an oci::LayerStore; may be shared by instances
    std::string
        instance;  // [A-Za-z0-9-]+: what a killed predecessor of this name left is removed at start
    std::string holder;  // path of dodam-holder; "" = find_holder()
};

// An error is one sentence: what is missing. Whether namespaces are refused shows when the first
// task starts; who wants to know before asks why_no_sandbox().
std::expected<std::unique_ptr<Runtime>, std::string> make_process_runtime(
    base::Spawner& spawner, const ProcessRuntimeOptions& options);

// Tries the real thing in the real sandbox, some 10 ms. "" or the sentence with the setting (exit
// code 3).
std::string why_no_sandbox(base::Spawner& spawner, const std::string& holder = "");

}  // namespace containers
