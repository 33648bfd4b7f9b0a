// Log groups, streams and events in SQLite (see store.h).
#include "logs/store.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace logs {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kBytesPerEvent = 26;  // counted beside the message, as PutLogEvents does

int64_t milliseconds_of(base::Time time) {
    return std::chrono::floor<base::milliseconds>(time).time_since_epoch().count();
}

// The least text that no name with the prefix reaches. Names are ASCII.
std::string end_of_prefix(std::string_view prefix) {
    return std::string(prefix) + "\x7f";
}

constexpr std::string_view kGroupColumns =
    "SELECT id, name, created_ms, retention_days, log_class, tags FROM log_groups ";
constexpr std::string_view kStreamColumns =
    "SELECT id, log_group, name, created_ms, first_ms, last_ms, ingested_ms, stored_bytes FROM "
    "log_streams ";

std::string query(std::string_view columns, std::string_view rest) {
    return std::string(columns).append(rest);
}

Group read_group(state::Statement& row) {
    Group group;
    group.id = row.integer(0);
    group.name = row.text(1);
    group.created_ms = row.integer(2);
    if (!row.is_null(3)) group.retention_days = static_cast<int>(row.integer(3));
    group.log_class = row.text(4);
    if (auto tags = base::parse_json(row.text(5))) group.tags = std::move(*tags);
    return group;
}

Stream read_stream(state::Statement& row) {
    Stream stream;
    stream.id = row.integer(0);
    stream.group = row.integer(1);
    stream.name = row.text(2);
    stream.created_ms = row.integer(3);
    if (!row.is_null(4)) stream.first_ms = row.integer(4);
    if (!row.is_null(5)) stream.last_ms = row.integer(5);
    if (!row.is_null(6)) stream.ingested_ms = row.integer(6);
    stream.stored_bytes = row.integer(7);
    return stream;
}

}  // namespace

std::string event_id(Position position) {
    return fmt::format("3{:019}{:036}", position.at_ms, position.number);
}

std::optional<Position> parse_event_id(std::string_view text) {
    if (text.size() != 56 || text[0] != '3') return std::nullopt;
    auto at = base::parse_unsigned(text.substr(1, 19));
    auto number = base::parse_unsigned(text.substr(20));
    if (!at || !number || *at > INT64_MAX || *number > INT64_MAX) return std::nullopt;
    return Position{static_cast<int64_t>(*at), static_cast<int64_t>(*number)};
}

std::optional<Group> Store::group(std::string_view name) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(query(kGroupColumns, "WHERE name = ?1"));
    row.bind(1, name);
    if (!row.step()) return std::nullopt;
    return read_group(row);
}

std::vector<Group> Store::groups(std::string_view prefix) {
    flush();
    std::lock_guard lock(database_.mutex());
    std::vector<Group> result;
    auto row =
        database_.prepare(query(kGroupColumns, "WHERE name >= ?1 AND name < ?2 ORDER BY name"));
    row.bind_all(prefix, std::string_view(end_of_prefix(prefix)));
    while (row.step())
        result.push_back(read_group(row));
    for (Group& group : result) {
        auto sum = database_.prepare(
            "SELECT coalesce(sum(stored_bytes), 0) FROM log_streams WHERE log_group = ?1");
        sum.bind(1, group.id);
        if (sum.step()) group.stored_bytes = sum.integer(0);
    }
    return result;
}

int64_t Store::add_group(const Group& group) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(
        "INSERT INTO log_groups(name, created_ms, log_class, tags) VALUES(?1, ?2, ?3, ?4)");
    row.bind_all(std::string_view(group.name), group.created_ms, std::string_view(group.log_class),
                 std::string_view(base::to_json(group.tags)));
    row.run();
    return database_.last_row_id();
}

void Store::save_group(const Group& group) {
    std::lock_guard lock(database_.mutex());
    auto row =
        database_.prepare("UPDATE log_groups SET retention_days = ?2, tags = ?3 WHERE id = ?1");
    row.bind(1, group.id);
    if (group.retention_days)
        row.bind(2, *group.retention_days);
    else
        row.bind(2, nullptr);
    row.bind(3, std::string_view(base::to_json(group.tags)));
    row.run();
}

void Store::remove_group(const Group& group) {
    flush();
    state::Transaction transaction(database_);
    for (const char* sql :
         {"DELETE FROM log_events WHERE log_group = ?1",
          "DELETE FROM log_streams WHERE log_group = ?1", "DELETE FROM log_groups WHERE id = ?1"}) {
        auto row = database_.prepare(sql);
        row.bind(1, group.id);
        row.run();
    }
    transaction.commit();
}

std::optional<Stream> Store::stream(int64_t group, std::string_view name) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(query(kStreamColumns, "WHERE log_group = ?1 AND name = ?2"));
    row.bind_all(group, name);
    if (!row.step()) return std::nullopt;
    return read_stream(row);
}

std::vector<Stream> Store::streams(int64_t group, std::string_view prefix) {
    flush();
    std::lock_guard lock(database_.mutex());
    std::vector<Stream> result;
    auto row = database_.prepare(
        query(kStreamColumns, "WHERE log_group = ?1 AND name >= ?2 AND name < ?3 ORDER BY name"));
    row.bind_all(group, prefix, std::string_view(end_of_prefix(prefix)));
    while (row.step())
        result.push_back(read_stream(row));
    return result;
}

int64_t Store::add_stream(int64_t group, std::string_view name) {
    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(
        "INSERT INTO log_streams(log_group, name, created_ms) VALUES(?1, ?2, ?3)");
    row.bind_all(group, name, milliseconds_of(clock_.now()));
    row.run();
    return database_.last_row_id();
}

void Store::remove_stream(const Stream& stream) {
    flush();
    state::Transaction transaction(database_);
    for (const char* sql :
         {"DELETE FROM log_events WHERE stream = ?1", "DELETE FROM log_streams WHERE id = ?1"}) {
        auto row = database_.prepare(sql);
        row.bind(1, stream.id);
        row.run();
    }
    transaction.commit();
}

void Store::add(const Stream& stream, const std::vector<Line>& lines) {
    std::vector<Pending> rows;
    for (const Line& line : lines)
        rows.push_back({stream.group, stream.id, line});
    flush();
    write(rows);
}

void Store::add_later(int64_t group, int64_t stream, Line line) {
    bool full = false;
    {
        std::lock_guard lock(mutex_);
        pending_.push_back({group, stream, std::move(line)});
        full = pending_.size() >= kMaxPendingLines;
    }
    if (full) flush();
}

// The database's mutex first, so that a reader who flushed sees every line that was added before.
void Store::flush() {
    std::lock_guard database_lock(database_.mutex());
    std::vector<Pending> rows;
    {
        std::lock_guard lock(mutex_);
        rows.swap(pending_);
    }
    write(rows);
}

void Store::write(const std::vector<Pending>& lines) {
    if (lines.empty()) return;
    state::Transaction transaction(database_);
    int64_t now_ms = milliseconds_of(clock_.now());
    for (const Pending& pending : lines) {
        auto event = database_.prepare(
            "INSERT INTO log_events(log_group, stream, at_ms, ingested_ms, message) VALUES(?1, ?2, "
            "?3, ?4, ?5)");
        event.bind_all(pending.group, pending.stream, pending.line.at_ms, now_ms,
                       std::string_view(pending.line.message));
        event.run();
        auto stream = database_.prepare(
            "UPDATE log_streams SET first_ms = min(coalesce(first_ms, ?2), ?2), last_ms = "
            "max(coalesce(last_ms, ?2), ?2), "
            "ingested_ms = ?3, stored_bytes = stored_bytes + ?4 WHERE id = ?1");
        stream.bind_all(pending.stream, pending.line.at_ms, now_ms,
                        static_cast<int64_t>(pending.line.message.size()) + kBytesPerEvent);
        stream.run();
    }
    transaction.commit();
}

// One stream reads along its own index; several, or all, along the group's with the others left
// out.
std::vector<Event> Store::read(const Range& range) {
    flush();
    bool forward = range.direction == Direction::Forward;
    bool one_stream = range.streams.size() == 1;
    std::string sql =
        "SELECT e.at_ms, e.id, e.ingested_ms, e.message, s.name FROM log_events e JOIN log_streams "
        "s ON s.id = e.stream WHERE ";
    sql += one_stream ? "e.stream = ?1" : "e.log_group = ?1";
    sql += " AND e.at_ms >= ?2 AND e.at_ms < ?3";
    if (range.after)
        sql += forward ? " AND (e.at_ms, e.id) > (?4, ?5)" : " AND (e.at_ms, e.id) < (?4, ?5)";
    if (range.streams.size() > 1) {
        sql += " AND e.stream IN (";
        for (size_t i = 0; i < range.streams.size(); ++i)
            sql += fmt::format("{}{}", i ? "," : "", range.streams[i]);
        sql += ")";
    }
    sql += forward ? " ORDER BY e.at_ms, e.id LIMIT " : " ORDER BY e.at_ms DESC, e.id DESC LIMIT ";
    sql += std::to_string(range.limit);

    std::lock_guard lock(database_.mutex());
    auto row = database_.prepare(sql);
    row.bind_all(one_stream ? range.streams[0] : range.group, range.from_ms, range.to_ms);
    if (range.after) row.bind(4, range.after->at_ms).bind(5, range.after->number);
    std::vector<Event> events;
    while (row.step())
        events.push_back(
            {{row.integer(0), row.integer(1)}, row.text(4), row.integer(2), row.text(3)});
    if (!forward) std::reverse(events.begin(), events.end());
    return events;
}

void Store::expire() {
    std::lock_guard lock(database_.mutex());
    int64_t now_ms = milliseconds_of(clock_.now());
    for (const Group& group : groups("")) {
        if (!group.retention_days) continue;
        auto row = database_.prepare("DELETE FROM log_events WHERE log_group = ?1 AND at_ms < ?2");
        row.bind_all(group.id, now_ms - *group.retention_days * kDayMs);
        row.run();
    }
}

}  // namespace logs
