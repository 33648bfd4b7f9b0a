// Schedule: which of the selected scenarios run here, in what order, and which may run at the same
// time. Pure but for the queue's mutex. Source: harness.md §4.1.
#pragma once
#include <cstddef>
#include <expected>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace scenarios {

// One of `count` parts; a scenario's part depends on its id alone, so that parts stay the same when
// scenarios come and go.
struct Shard {
    size_t index = 1, count = 1;
    bool holds(std::string_view id) const;
};
std::expected<Shard, std::string> parse_shard(std::string_view text);  // "2/3"

// 0 … count-1 in an order that the seed decides.
std::vector<size_t> shuffled(size_t count, std::string_view seed);

// What waits to be run. Workers take from it; a lock is held from take() to done().
class Queue {
  public:
    struct Entry {
        std::vector<std::string> locks;
        std::string kind;  // scenarios of one kind can follow each other in one world
    };
    // In the order given.
    explicit Queue(std::vector<Entry> entries);

    // The first whose locks are free, one of `kind` before others. Nothing: none can run now; wait
    // for a done() unless empty().
    std::optional<size_t> take(std::string_view kind);
    void done(size_t entry);
    bool empty() const;  // nothing waits
    size_t left() const;

  private:
    bool free(const Entry& entry) const;
    mutable std::mutex mutex_;
    std::vector<Entry> entries_;
    std::vector<size_t> waiting_;
    std::set<std::string> held_;
};

}  // namespace scenarios
