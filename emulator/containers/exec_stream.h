// Carries a session (runtime.h) over a connection: `dodam exec` is at its other end.
#pragma once
#include <string>

#include "containers/runtime.h"
#include "net/socket.h"

namespace containers {

// Returns when the program has ended, and its exit code was sent, or when the peer is gone, which
// ends the program. `early`: bytes of the peer that were read already. Closing is the caller's.
void carry_session(Session& session, net::Socket& peer, std::string early);

}  // namespace containers
