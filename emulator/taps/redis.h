// Redis' protocol (RESP2 and RESP3) as a tap sees it.
#pragma once
#include <memory>

#include "taps/protocol.h"

namespace taps {

std::unique_ptr<Protocol> redis_protocol();

}  // namespace taps
