// A gate's deploy: the project's own workflow (or script) is run against the world; afterwards the
// proof that the digest pushed is the digest that runs and answers, or the reports of what failed.
#pragma once
#include "commands/client.h"
#include "commands/gate/stages.h"

namespace commands {

int deploy(Gate& gate, const Client& client);
// "stable" on the old image is the lie to catch: every task must run the digest that was pushed,
// and that digest must answer.
int prove(Gate& gate, const Client& client);
// The report of every deploy that did not arrive; that of a rollback once it is over, if it is
// soon.
void tell_failures(Gate& gate, const Client& client);

}  // namespace commands
