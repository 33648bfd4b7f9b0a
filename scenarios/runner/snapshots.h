// Snapshots: what an answer was when somebody looked at it, kept in files beside the scenario
// (snapshots/ID/NAME.json, .txt for texts). A missing one is written, and the step is red once, so
// that nobody takes the unseen for checked.
#pragma once
#include <expected>
#include <string>

#include "base/json.h"

namespace scenarios {

enum class SnapshotMode : uint8_t { Compare, Update };

struct SnapshotFile {
    std::string path;
    base::Node value;
    bool written = false;  // just now
};

// Of `value`; `name` has letters, digits, '.', '_' and '-' only. An error is one sentence.
std::expected<SnapshotFile, std::string> take_snapshot(const std::string& directory,
                                                       const std::string& scenario,
                                                       const std::string& name,
                                                       const base::Node& value, SnapshotMode mode);

}  // namespace scenarios
