// MySQL's client/server protocol as a tap sees it. Source: "MariaDB client/server protocol"
// (connection, result sets, prepared statements).
#pragma once
#include <deque>
#include <map>
#include <memory>

#include "taps/protocol.h"

namespace taps {

std::unique_ptr<Protocol> mysql_protocol();

}  // namespace taps
