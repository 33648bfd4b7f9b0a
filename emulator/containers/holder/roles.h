// The roles of the one static binary, chosen by its first argument.
#pragma once
#include <string>

namespace holder {

// One task: namespaces, sockets, containers. `identities` is "range" or "one".
int run_task(const std::string& address, const std::string& identities);
// The pause container of a task under an engine, which gave it the task's namespace: sockets only,
// no containers.
int run_pause(const std::string& address, const std::string& socket_path);
// The program of the placeholder image; `words` are its command.
int run_placeholder(char** words, int count);

}  // namespace holder
