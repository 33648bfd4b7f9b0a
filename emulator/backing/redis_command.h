// One command to Redis on a connection of its own, for what an instance does itself. Over hiredis,
// whose header stays in redis_command.cpp.
#pragma once
#include <expected>
#include <string>
#include <vector>

#include "backing/door.h"

namespace backing {

// The reply's text ("" when it has none), or one sentence. A door without a user sends its password
// alone; without either it does not log in.
std::expected<std::string, std::string> redis_command(const Door& door,
                                                      const std::vector<std::string>& words);
// Where a cluster of one node tells its clients to connect, as "host:port"; the host is "" when it
// means the address they used already.
std::expected<std::string, std::string> redis_announced(const Door& door);

// Every key as Redis dumps it, with its lifetime, into a file; and back into an empty server.
std::expected<void, std::string> redis_save(const Door& door, const std::string& file);
std::expected<void, std::string> redis_load(const Door& door, const std::string& file);

struct CacheSpec;
// The ACL rules of the stack's user, its password included.
std::vector<std::string> redis_user_rules(const CacheSpec& spec);

}  // namespace backing
