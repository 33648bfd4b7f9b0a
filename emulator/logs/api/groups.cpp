// Log groups: create, describe, delete, retention, tags.
#include <fmt/format.h>

#include <algorithm>

#include "aws/arn.h"
#include "base/text.h"
#include "logs/control_plane.h"

namespace logs {
namespace {

constexpr int kRetentionDays[] = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                  365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};

bool is_group_name(std::string_view name) {
    return !name.empty() && name.size() <= 512 &&
           std::all_of(name.begin(), name.end(), [](unsigned char c) {
               return std::isalnum(c) || std::string_view(".-_/#").find(static_cast<char>(c)) !=
                                             std::string_view::npos;
           });
}

base::Node to_node(const ControlPlane& logs, const Group& group) {
    base::Node node =
        base::Node::object({{"logGroupName", group.name}, {"creationTime", group.created_ms}});
    if (group.retention_days) node.set("retentionInDays", *group.retention_days);
    node.set("metricFilterCount", 0);
    node.set("arn", logs.arn(group) + ":*");
    node.set("storedBytes", group.stored_bytes);
    node.set("logGroupClass", group.log_class.empty() ? "STANDARD" : group.log_class);
    node.set("logGroupArn", logs.arn(group));
    return node;
}

aws::Reply create_log_group(ControlPlane& logs, const aws::Call& call) {
    Group group;
    group.name = required(call, "logGroupName");
    if (!is_group_name(group.name))
        invalid(fmt::format(
            "1 validation error detected: Value '{}' at 'logGroupName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
            group.name));
    if (logs.store().group(group.name))
        throw aws::Error{400, "ResourceAlreadyExistsException",
                         "The specified log group already exists"};
    group.created_ms = logs.now_ms();
    group.log_class = call.input["logGroupClass"].as_string();
    group.tags = call.input["tags"];
    logs.store().add_group(group);
    return {};
}

aws::Reply delete_log_group(ControlPlane& logs, const aws::Call& call) {
    logs.store().remove_group(logs.group_named(required(call, "logGroupName")));
    return {};
}

// Paged by name: the token is the last name of the page before.
aws::Reply describe_log_groups(ControlPlane& logs, const aws::Call& call) {
    size_t limit = limit_of(call, 50, 50);
    const std::string& pattern = call.input["logGroupNamePattern"].as_string();
    const std::string& prefix = call.input["logGroupNamePrefix"].as_string();
    if (!pattern.empty() && !prefix.empty())
        invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
    const std::string& token = call.input["nextToken"].as_string();
    base::Node found = base::Node::array();
    aws::Reply reply;
    for (const Group& group : logs.store().groups(prefix)) {
        if (!token.empty() && group.name <= token) continue;
        if (!pattern.empty() &&
            base::lower(group.name).find(base::lower(pattern)) == std::string::npos)
            continue;
        if (found.size() == limit) {
            reply.output.set("nextToken", found.items().back()["logGroupName"]);
            break;
        }
        found.push_back(to_node(logs, group));
    }
    reply.output.set("logGroups", std::move(found));
    return reply;
}

aws::Reply put_retention_policy(ControlPlane& logs, const aws::Call& call) {
    Group group = logs.group_named(required(call, "logGroupName"));
    int64_t days = call.input["retentionInDays"].as_int();
    if (std::find(std::begin(kRetentionDays), std::end(kRetentionDays), days) ==
        std::end(kRetentionDays))
        invalid(
            fmt::format("1 validation error detected: Value '{}' at 'retentionInDays' failed to "
                        "satisfy constraint: Member must satisfy enum value set",
                        days));
    group.retention_days = static_cast<int>(days);
    logs.store().save_group(group);
    logs.expire();
    return {};
}

aws::Reply delete_retention_policy(ControlPlane& logs, const aws::Call& call) {
    Group group = logs.group_named(required(call, "logGroupName"));
    group.retention_days.reset();
    logs.store().save_group(group);
    return {};
}

// Both generations: by name (…LogGroup) and by ARN (…Resource); tags are a map.
Group tagged_group(ControlPlane& logs, const aws::Call& call) {
    const std::string& arn = call.input["resourceArn"].as_string();
    return logs.group_named(arn.empty() ? required(call, "logGroupName") : arn);
}

aws::Reply tag(ControlPlane& logs, const aws::Call& call) {
    Group group = tagged_group(logs, call);
    if (!group.tags.is_object()) group.tags = base::Node::object();
    for (const auto& [key, value] : call.input["tags"].members())
        group.tags.set(key, value);
    logs.store().save_group(group);
    return {};
}

aws::Reply untag(ControlPlane& logs, const aws::Call& call) {
    Group group = tagged_group(logs, call);
    for (const char* list : {"tagKeys", "tags"})
        for (const base::Node& key : call.input[list].items())
            group.tags.erase(key.as_string());
    logs.store().save_group(group);
    return {};
}

aws::Reply list_tags(ControlPlane& logs, const aws::Call& call) {
    aws::Reply reply;
    Group group = tagged_group(logs, call);
    reply.output.set("tags", group.tags.is_object() ? group.tags : base::Node::object());
    return reply;
}

constexpr Operation kOperations[] = {
    {"CreateLogGroup", create_log_group},
    {"DeleteLogGroup", delete_log_group},
    {"DeleteRetentionPolicy", delete_retention_policy},
    {"DescribeLogGroups", describe_log_groups},
    {"ListTagsForResource", list_tags},
    {"ListTagsLogGroup", list_tags},
    {"PutRetentionPolicy", put_retention_policy},
    {"TagLogGroup", tag},
    {"TagResource", tag},
    {"UntagLogGroup", untag},
    {"UntagResource", untag},
};

}  // namespace

const std::span<const Operation> group_operations = kOperations;

}  // namespace logs
