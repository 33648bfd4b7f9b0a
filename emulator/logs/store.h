// Log groups, streams and events in SQLite. Lines from tasks are gathered in memory and written in
// one transaction (when a batch is full, before every read, and by flush()).
#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "state/database.h"

namespace logs {

inline constexpr size_t kMaxPendingLines = 512;

struct Group {
    int64_t id = 0;
    std::string name;
    int64_t created_ms = 0;
    std::optional<int> retention_days;
    int64_t stored_bytes = 0;
    std::string log_class;
    base::Node tags;
};

struct Stream {
    int64_t id = 0, group = 0;
    std::string name;
    int64_t created_ms = 0;
    std::optional<int64_t> first_ms, last_ms, ingested_ms;
    int64_t stored_bytes = 0;
};

// Events are ordered by (time, number): the order of reading, and what tokens and event ids say.
struct Position {
    int64_t at_ms = 0, number = 0;
    auto operator<=>(const Position&) const = default;
};
struct Event {
    Position position;
    std::string stream;
    int64_t ingested_ms = 0;
    std::string message;
};
// 56 digits, sortable as text; and back.
std::string event_id(Position position);
std::optional<Position> parse_event_id(std::string_view text);

struct Line {
    int64_t at_ms;
    std::string message;
};

enum class Direction : uint8_t { Forward, Backward };

// Which events to read: of one group, from `from_ms` up to and without `to_ms`, beyond `after` in
// the direction.
struct Range {
    int64_t group = 0;
    std::vector<int64_t> streams;  // empty = all
    int64_t from_ms = 0, to_ms = INT64_MAX;
    std::optional<Position> after;
    Direction direction = Direction::Forward;
    size_t limit = 10'000;
};

class Store {
  public:
    Store(state::Database& database, base::Clock& clock) : database_(database), clock_(clock) {}

    std::optional<Group> group(std::string_view name);
    std::vector<Group> groups(std::string_view prefix);  // by name
    int64_t add_group(const Group& group);
    void save_group(const Group& group);
    void remove_group(const Group& group);

    std::optional<Stream> stream(int64_t group, std::string_view name);
    std::vector<Stream> streams(int64_t group, std::string_view prefix);  // by name
    int64_t add_stream(int64_t group, std::string_view name);
    void remove_stream(const Stream& stream);

    // Returns after the rows are written.
    void add(const Stream& stream, const std::vector<Line>& lines);
    // Returns at once; see the file's head.
    void add_later(int64_t group, int64_t stream, Line line);
    void flush();

    std::vector<Event> read(const Range& range);
    // Events older than their group's retention go.
    void expire();

  private:
    struct Pending {
        int64_t group, stream;
        Line line;
    };
    void write(const std::vector<Pending>& lines);
    state::Database& database_;
    base::Clock& clock_;
    std::mutex mutex_;
    std::vector<Pending> pending_;
};

}  // namespace logs
