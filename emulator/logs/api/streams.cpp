// Log streams: create, describe, delete.
#include <fmt/format.h>

#include <algorithm>

#include "logs/control_plane.h"

namespace logs {
namespace {

Group group_of(ControlPlane& logs, const aws::Call& call) {
    const std::string& identifier = call.input["logGroupIdentifier"].as_string();
    if (!identifier.empty() && !call.input["logGroupName"].as_string().empty())
        invalid("LogGroup name and LogGroup identifier are mutually exclusive parameters.");
    return logs.group_named(identifier.empty() ? required(call, "logGroupName") : identifier);
}

base::Node to_node(const ControlPlane& logs, const Group& group, const Stream& stream) {
    base::Node node =
        base::Node::object({{"logStreamName", stream.name}, {"creationTime", stream.created_ms}});
    if (stream.first_ms) node.set("firstEventTimestamp", *stream.first_ms);
    if (stream.last_ms) node.set("lastEventTimestamp", *stream.last_ms);
    if (stream.ingested_ms) node.set("lastIngestionTime", *stream.ingested_ms);
    node.set("uploadSequenceToken", fmt::format("{:056}", stream.id));
    node.set("arn", logs.arn(group) + ":log-stream:" + stream.name);
    node.set("storedBytes", 0);  // AWS stopped reporting it per stream
    return node;
}

aws::Reply create_log_stream(ControlPlane& logs, const aws::Call& call) {
    Group group = logs.group_named(required(call, "logGroupName"));
    const std::string& name = required(call, "logStreamName");
    if (name.size() > 512 || name.find_first_of(":*") != std::string::npos)
        invalid(fmt::format(
            "1 validation error detected: Value '{}' at 'logStreamName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [^:*]*",
            name));
    if (logs.store().stream(group.id, name))
        throw aws::Error{400, "ResourceAlreadyExistsException",
                         "The specified log stream already exists"};
    logs.store().add_stream(group.id, name);
    return {};
}

aws::Reply delete_log_stream(ControlPlane& logs, const aws::Call& call) {
    Group group = logs.group_named(required(call, "logGroupName"));
    logs.store().remove_stream(logs.stream_named(group, required(call, "logStreamName")));
    return {};
}

// By name, or by the time of the last event. The token is a count of streams already given.
aws::Reply describe_log_streams(ControlPlane& logs, const aws::Call& call) {
    Group group = group_of(logs, call);
    size_t limit = limit_of(call, 50, 50);
    const std::string& prefix = call.input["logStreamNamePrefix"].as_string();
    bool by_time = call.input["orderBy"].as_string() == "LastEventTime";
    if (by_time && !prefix.empty())
        invalid("Cannot order by LastEventTime with a logStreamNamePrefix.");
    std::vector<Stream> streams = logs.store().streams(group.id, prefix);
    if (by_time)
        std::stable_sort(streams.begin(), streams.end(), [](const Stream& a, const Stream& b) {
            return a.last_ms.value_or(0) < b.last_ms.value_or(0);
        });
    if (call.input["descending"].as_bool()) std::reverse(streams.begin(), streams.end());

    size_t from = 0;
    if (const std::string& token = call.input["nextToken"].as_string(); !token.empty()) {
        if (token.size() > 9 || token.find_first_not_of("0123456789") != std::string::npos)
            invalid("The specified nextToken is invalid.");
        from = std::stoul(token);
    }
    base::Node found = base::Node::array();
    aws::Reply reply;
    for (size_t i = from; i < streams.size() && found.size() < limit; ++i)
        found.push_back(to_node(logs, group, streams[i]));
    if (from + limit < streams.size()) reply.output.set("nextToken", std::to_string(from + limit));
    reply.output.set("logStreams", std::move(found));
    return reply;
}

constexpr Operation kOperations[] = {
    {"CreateLogStream", create_log_stream},
    {"DeleteLogStream", delete_log_stream},
    {"DescribeLogStreams", describe_log_streams},
};

}  // namespace

const std::span<const Operation> stream_operations = kOperations;

}  // namespace logs
