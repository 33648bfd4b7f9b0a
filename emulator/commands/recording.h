// Recordings: every run is one portable SQLite file below `<state>/runs`, all of it masked. The
// newest are kept, within a budget. Source: harness.md §4.1; DECISIONS 13.
#pragma once
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "state/database.h"

namespace commands {

inline constexpr size_t kKeptRuns = 50;
inline constexpr uint64_t kKeptRunBytes = 256ull << 20;

class Recording {
  public:
    // A new file: `<runs>/<id>.dodamrun`. An error is one sentence.
    static std::expected<std::unique_ptr<Recording>, std::string> begin(const std::string& runs,
                                                                        base::Time now);
    const std::string& id() const { return id_; }
    const std::string& file() const { return file_; }

    // A scenario as it ends: what was recorded stays when the run is killed.
    void add(const base::Node& scenario);
    void finish(const base::Node& run);

  private:
    Recording() = default;
    std::string id_, file_;
    std::unique_ptr<state::Database> database_;
};

struct RunLine {
    std::string id, file;
    uint64_t bytes = 0;
    base::Node run;  // without its scenarios; Null = it never ended
    size_t scenarios = 0, failed = 0;
};
// Newest first.
std::vector<RunLine> list_runs(const std::string& runs);

// "" = the newest; a file; or the beginning of an id. An error is one sentence.
std::expected<std::string, std::string> find_run(const std::string& runs, const std::string& word);
// The whole record; of a run that never ended, what there is.
std::expected<base::Node, std::string> read_run(const std::string& file);

// Removes the oldest beyond the limits; what was removed.
struct Pruned {
    size_t count = 0;
    uint64_t bytes = 0;
};
Pruned prune_runs(const std::string& runs, size_t most, uint64_t most_bytes);

}  // namespace commands
