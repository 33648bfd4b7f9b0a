// What a named snapshot consists of: a file in it names its format and the SHA-256 of each other
// one, so that a snapshot is loaded as it was saved or not at all.
#pragma once
#include <expected>
#include <string>

namespace snapshots {

// The last thing that saving does.
std::expected<void, std::string> write_manifest(const std::string& directory);

// The first thing that loading does: a sentence when the snapshot is of another format, incomplete,
// changed, or holds anything but files and directories. What state_copy links (images' layers,
// objects' bytes) is named by what it is, and only looked at for its kind.
std::expected<void, std::string> check_manifest(const std::string& directory);

}  // namespace snapshots
