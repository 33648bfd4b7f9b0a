// Copies of an instance's state directory: for a world that starts where the instance is, for the
// baseline that a world goes back to, and for named snapshots. Sockets, MariaDB's and Redis' own
// files are not part of it (backing copies those).
#pragma once
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "state/database.h"

namespace snapshots {

// What the rows of state.db are about: "buckets", "cloudfront", "elbv2", "ecr", "ecs", "settings".
std::span<const std::string_view> parts();

// SHA-256 over what clients and deploys decided in a part: nothing that changes by itself (health,
// tasks, events, log lines). Empty tables have a digest, too.
std::string digest(state::Database& database, std::string_view part);
// All parts of a state directory that may be in use; "" when there is none.
std::string digest_of(const std::string& directory);

// Copies a state directory, in use or not: state.db as of one moment; files that never change are
// linked. `to` must not exist or be empty. With its keys: for a directory of the same user.
std::expected<void, std::string> copy_directory(const std::string& from, const std::string& to);

// What restore_buckets() needs: state.db and the objects' bytes.
std::expected<void, std::string> save_buckets(state::Database& database,
                                              const std::string& directory, const std::string& to);
// The buckets become those that were saved; the rest of the database stays.
std::expected<void, std::string> restore_buckets(state::Database& database,
                                                 const std::string& directory,
                                                 const std::string& from);

// The directories whose files never change and are linked into a copy.
std::span<const std::string_view> linked_parts();

// Hard links where possible, copies where not; directories are made. What is there already stays.
std::expected<void, std::string> link_tree(const std::string& from, const std::string& to);

}  // namespace snapshots
