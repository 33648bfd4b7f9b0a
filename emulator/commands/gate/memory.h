// A GO is remembered for its inputs: the same again is answered at once.
#pragma once
#include <optional>

#include "commands/gate/stages.h"
#include "scenarios/push/selection.h"
#include "scenarios/push/verdicts.h"

namespace commands {

// Nothing when git cannot tell what the files are: then nothing is remembered either.
std::optional<push::Inputs> inputs_of(Gate& gate, const std::optional<push::Areas>& areas);
// A GO on the same inputs stands for this run. Who wants more than the verdict gets a run.
bool is_remembered(const Gate& gate, const push::Inputs& inputs);
void remember(Gate& gate, const std::optional<push::Inputs>& before,
              const std::optional<push::Areas>& areas);

}  // namespace commands
