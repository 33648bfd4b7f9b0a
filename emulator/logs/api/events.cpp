// Log events: put, get (one stream, two ways) and filter (a group).
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "logs/control_plane.h"
#include "logs/filter_pattern.h"

namespace logs {
namespace {

constexpr size_t kMaxBatchEvents = 10'000;
constexpr size_t kMaxBatchBytes = 1'048'576;
constexpr size_t kBytesPerEvent = 26;
constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kTooNewMs = 2 * 3'600'000;
constexpr int64_t kTooOldMs = 14 * kDayMs;
constexpr size_t kScanEvents = 10'000;  // rows looked at for one page of FilterLogEvents

Group group_of(ControlPlane& logs, const aws::Call& call) {
    const std::string& identifier = call.input["logGroupIdentifier"].as_string();
    if (!identifier.empty() && !call.input["logGroupName"].as_string().empty())
        invalid("LogGroup name and LogGroup identifier are mutually exclusive parameters.");
    return logs.group_named(identifier.empty() ? required(call, "logGroupName") : identifier);
}

void check_batch(const std::vector<base::Node>& events) {
    if (events.empty() || events.size() > kMaxBatchEvents)
        invalid(fmt::format(
            "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: "
            "Member must have length {} or equal to {}",
            events.empty() ? "greater than" : "less than", events.empty() ? 1 : kMaxBatchEvents));
    size_t bytes = 0;
    int64_t previous = 0;
    for (const base::Node& event : events) {
        bytes += event["message"].as_string().size() + kBytesPerEvent;
        int64_t at = event["timestamp"].as_int();
        if (at < previous)
            invalid("Log events in a single PutLogEvents request must be in chronological order.");
        previous = at;
    }
    if (bytes > kMaxBatchBytes)
        invalid(
            fmt::format("Upload too large: {} bytes exceeds limit of {}", bytes, kMaxBatchBytes));
    if (previous - events.front()["timestamp"].as_int() > kDayMs)
        invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 "
            "hours.");
}

// Events outside the accepted window are left out and told, the call succeeds.
aws::Reply put_log_events(ControlPlane& logs, const aws::Call& call) {
    Group group = logs.group_named(required(call, "logGroupName"));
    Stream stream = logs.stream_named(group, required(call, "logStreamName"));
    const auto& events = call.input["logEvents"].items();
    check_batch(events);

    int64_t now = logs.now_ms();
    int64_t oldest_kept = group.retention_days ? now - *group.retention_days * kDayMs : INT64_MIN;
    base::Node rejected;
    std::vector<Line> lines;
    for (size_t i = 0; i < events.size(); ++i) {
        int64_t at = events[i]["timestamp"].as_int();
        if (at > now + kTooNewMs) {
            if (!rejected.find("tooNewLogEventStartIndex"))
                rejected.set("tooNewLogEventStartIndex", static_cast<int64_t>(i));
        } else if (at < oldest_kept) {
            rejected.set("expiredLogEventEndIndex", static_cast<int64_t>(i + 1));
        } else if (at < now - kTooOldMs) {
            rejected.set("tooOldLogEventEndIndex", static_cast<int64_t>(i + 1));
        } else {
            lines.push_back({at, events[i]["message"].as_string()});
        }
    }
    logs.store().add(stream, lines);
    aws::Reply reply;
    reply.output.set("nextSequenceToken", fmt::format("{:056}", stream.id));
    if (!rejected.is_null()) reply.output.set("rejectedLogEventsInfo", std::move(rejected));
    return reply;
}

base::Node to_node(const Event& event) {
    return base::Node::object({{"timestamp", event.position.at_ms},
                               {"message", event.message},
                               {"ingestionTime", event.ingested_ms}});
}

void set_times(const aws::Call& call, Range& range) {
    if (const base::Node& start = call.input["startTime"]; start.is_number())
        range.from_ms = start.as_int();
    if (const base::Node& end = call.input["endTime"]; end.is_number()) range.to_ms = end.as_int();
}

std::optional<Position> token_position(std::string_view token) {
    if (token.empty()) return std::nullopt;
    if (token.starts_with("f/") || token.starts_with("b/"))
        if (auto position = parse_event_id(token.substr(2))) return position;
    invalid("The specified nextToken is invalid.");
}

// Both tokens are always there; the one asked with comes back at the end of the stream. Without a
// token: the newest events, or the oldest with startFromHead.
aws::Reply get_log_events(ControlPlane& logs, const aws::Call& call) {
    Group group = group_of(logs, call);
    Stream stream = logs.stream_named(group, required(call, "logStreamName"));
    Range range;
    range.group = group.id;
    range.streams = {stream.id};
    range.limit = limit_of(call, 10'000, 10'000);
    set_times(call, range);
    const std::string& token = call.input["nextToken"].as_string();
    range.after = token_position(token);
    bool forward = token.empty() ? call.input["startFromHead"].as_bool() : token.starts_with('f');
    range.direction = forward ? Direction::Forward : Direction::Backward;

    std::vector<Event> events = logs.store().read(range);
    Position here = range.after.value_or(Position{});
    Position first = events.empty() ? here : events.front().position;
    Position last = events.empty() ? here : events.back().position;
    base::Node list = base::Node::array();
    for (const Event& event : events)
        list.push_back(to_node(event));
    aws::Reply reply;
    reply.output.set("events", std::move(list));
    reply.output.set("nextForwardToken", "f/" + event_id(last));
    reply.output.set("nextBackwardToken", "b/" + event_id(first));
    return reply;
}

std::vector<int64_t> chosen_streams(ControlPlane& logs, const aws::Call& call, const Group& group,
                                    bool& none) {
    const auto& names = call.input["logStreamNames"].items();
    const std::string& prefix = call.input["logStreamNamePrefix"].as_string();
    if (!names.empty() && !prefix.empty())
        invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.");
    std::vector<int64_t> chosen;
    for (const base::Node& name : names)
        chosen.push_back(logs.stream_named(group, name.as_string()).id);
    if (!prefix.empty())
        for (const Stream& stream : logs.store().streams(group.id, prefix))
            chosen.push_back(stream.id);
    none = chosen.empty() && !prefix.empty();
    return chosen;
}

// A page ends with `limit` matches or after kScanEvents rows; it may be empty and still have a
// token.
aws::Reply filter_log_events(ControlPlane& logs, const aws::Call& call) {
    Group group = group_of(logs, call);
    auto pattern = FilterPattern::parse(call.input["filterPattern"].as_string());
    if (!pattern) invalid(pattern.error());
    size_t limit = limit_of(call, 10'000, 10'000);
    bool none = false;
    Range range;
    range.group = group.id;
    range.streams = chosen_streams(logs, call, group, none);
    range.limit = kScanEvents;
    set_times(call, range);
    // endTime is inclusive here, unlike in GetLogEvents.
    if (range.to_ms != INT64_MAX) ++range.to_ms;
    range.after = token_position(call.input["nextToken"].as_string());

    aws::Reply reply;
    base::Node list = base::Node::array();
    std::vector<Event> events = none ? std::vector<Event>{} : logs.store().read(range);
    for (const Event& event : events) {
        if (list.size() == limit) break;
        range.after = event.position;
        if (!pattern->matches(event.message)) continue;
        base::Node node = to_node(event);
        node.set("logStreamName", event.stream);
        node.set("eventId", event_id(event.position));
        list.push_back(std::move(node));
    }
    bool more =
        !events.empty() && (events.size() == kScanEvents || range.after < events.back().position);
    if (more) reply.output.set("nextToken", "f/" + event_id(*range.after));
    reply.output.set("events", std::move(list));
    reply.output.set("searchedLogStreams", base::Node::array());
    return reply;
}

constexpr Operation kOperations[] = {
    {"FilterLogEvents", filter_log_events},
    {"GetLogEvents", get_log_events},
    {"PutLogEvents", put_log_events},
};

}  // namespace

const std::span<const Operation> event_operations = kOperations;

}  // namespace logs
