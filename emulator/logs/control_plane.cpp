// CloudWatch Logs (see control_plane.h): the operation table, names to rows, and the way in for
// tasks' output.
#include "logs/control_plane.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/arn.h"
#include "base/text.h"
#include "logs/filter_pattern.h"
#include "logs/known_operations.h"

namespace logs {
namespace {

const aws::OperationTable<ControlPlane>& operations() {
    static const aws::OperationTable<ControlPlane> table{group_operations, stream_operations,
                                                         event_operations};
    return table;
}

}  // namespace

void invalid(std::string message) {
    throw aws::Error{400, "InvalidParameterException", std::move(message)};
}

const std::string& required(const aws::Call& call, std::string_view member) {
    const std::string& value = call.input[member].as_string();
    if (value.empty())
        invalid(
            fmt::format("1 validation error detected: Value null at '{}' failed to satisfy "
                        "constraint: Member must not be null",
                        member));
    return value;
}

size_t limit_of(const aws::Call& call, size_t fallback, size_t most) {
    const base::Node& limit = call.input["limit"];
    if (limit.is_null()) return fallback;
    if (limit.as_int() < 1 || limit.as_int() > static_cast<int64_t>(most))
        invalid(
            fmt::format("1 validation error detected: Value '{}' at 'limit' failed to satisfy "
                        "constraint: Member must have value {} or equal to {}",
                        limit.as_int(), limit.as_int() < 1 ? "greater than" : "less than",
                        limit.as_int() < 1 ? 1 : most));
    return static_cast<size_t>(limit.as_int());
}

const aws::ServiceInfo& ControlPlane::info() const {
    static const aws::ServiceInfo info{.name = "logs",
                                       .signing_name = "logs",
                                       .target_prefix = "Logs_20140328",
                                       .version = "2014-03-28",
                                       .protocol = aws::Protocol::Json11,
                                       .xml_namespace = "",
                                       .known_operations = kKnownOperations};
    return info;
}

std::optional<aws::Reply> ControlPlane::serve(aws::Call& call) {
    const Operation* operation = operations().find(call.operation);
    if (!operation) return std::nullopt;
    return operation->run(*this, call);
}

int64_t ControlPlane::now_ms() const {
    return std::chrono::floor<base::milliseconds>(clock_.now()).time_since_epoch().count();
}

std::string ControlPlane::arn(const Group& group) const {
    return aws::make_arn("logs", ids_.region(), ids_.account(), "log-group:" + group.name);
}

Group ControlPlane::group_named(std::string_view name_or_arn) {
    std::string_view name = name_or_arn;
    if (size_t at = name.find(":log-group:");
        name.starts_with("arn:") && at != std::string_view::npos)
        name.remove_prefix(at + 11);
    if (name.ends_with(":*")) name.remove_suffix(2);
    auto group = store_.group(name);
    if (!group)
        throw aws::Error{400, "ResourceNotFoundException",
                         "The specified log group does not exist."};
    return *group;
}

Stream ControlPlane::stream_named(const Group& group, std::string_view name) {
    auto stream = store_.stream(group.id, name);
    if (!stream)
        throw aws::Error{400, "ResourceNotFoundException",
                         "The specified log stream does not exist."};
    return *stream;
}

std::expected<void, std::string> ControlPlane::open_stream(std::string_view group_name,
                                                           std::string_view stream_name,
                                                           MissingGroup missing) {
    std::lock_guard lock(mutex_);
    auto group = store_.group(group_name);
    if (!group) {
        if (missing == MissingGroup::Refuse)
            return std::unexpected(
                "ResourceNotFoundException: The specified log group does not exist.");
        Group made;
        made.name = group_name;
        made.created_ms = now_ms();
        made.id = store_.add_group(made);
        group = made;
    }
    auto stream = store_.stream(group->id, stream_name);
    int64_t stream_id = stream ? stream->id : store_.add_stream(group->id, stream_name);
    open_[{std::string(group_name), std::string(stream_name)}] = {group->id, stream_id};
    return {};
}

void ControlPlane::append(std::string_view group, std::string_view stream, base::Time at,
                          std::string_view line) {
    std::pair<int64_t, int64_t> ids;
    {
        std::lock_guard lock(mutex_);
        auto found = open_.find({std::string(group), std::string(stream)});
        if (found == open_.end()) return;
        ids = found->second;
    }
    store_.add_later(
        ids.first, ids.second,
        {std::chrono::floor<base::milliseconds>(at).time_since_epoch().count(), std::string(line)});
}

std::vector<Event> ControlPlane::find(std::string_view group_name, std::string_view stream_prefix,
                                      base::Time from, std::string_view pattern_text,
                                      size_t limit) {
    auto pattern = FilterPattern::parse(pattern_text);
    auto group = store_.group(group_name);
    if (!group || !pattern) return {};
    Range range;
    range.group = group->id;
    range.from_ms = std::chrono::floor<base::milliseconds>(from).time_since_epoch().count();
    range.direction = Direction::Backward;
    if (!stream_prefix.empty()) {
        for (const Stream& stream : store_.streams(group->id, stream_prefix))
            range.streams.push_back(stream.id);
        if (range.streams.empty()) return {};
    }
    std::vector<Event> found;
    while (found.size() < limit) {
        std::vector<Event> page = store_.read(range);
        for (auto event = page.rbegin(); event != page.rend() && found.size() < limit; ++event)
            if (pattern->matches(event->message)) found.push_back(*event);
        if (page.size() < range.limit) break;
        range.after = page.front().position;
    }
    std::reverse(found.begin(), found.end());
    return found;
}

}  // namespace logs
