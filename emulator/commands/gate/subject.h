// What a gate judges: a commit alone, or the files as they are; and which scenarios its changes are
// about.
#pragma once
#include <expected>
#include <string>

#include "commands/gate/stages.h"
#include "scenarios/push/selection.h"

namespace commands {

// What is judged: a commit, or the files as they are (without git, or with --tree working).
int find_commit(Gate& gate);
// The commit under test alone: uncommitted edits and untracked files are not part of a push.
int check_out(Gate& gate);
// What the changes since --changed are about, from their paths below the stack file's directory.
std::expected<push::Areas, std::string> changed_areas(Gate& gate);
// The scenarios of the checkout that the areas are about; the others are told.
void select_by(Gate& gate, const push::Areas& areas);

}  // namespace commands
