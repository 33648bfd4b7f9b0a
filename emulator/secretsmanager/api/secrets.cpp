// Secrets: create, describe, list, update, delete and restore, tags, resource policy.
#include <fmt/format.h>

#include <algorithm>

#include "base/date.h"
#include "base/text.h"
#include "secretsmanager/control_plane.h"

namespace secretsmanager {
namespace {

using base::Node;

bool is_secret_name(std::string_view name) {
    return name.size() <= 512 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
               return std::isalnum(c) || std::string_view("/_+=.@-").find(static_cast<char>(c)) !=
                                             std::string_view::npos;
           });
}

Node stages_of(const Secret& secret) {
    Node versions = Node::object();
    for (const Version& version : secret.versions) {
        Node stages = Node::array();
        for (const std::string& stage : version.stages)
            stages.push_back(stage);
        versions.set(version.id, std::move(stages));
    }
    return versions;
}

Node description(const Secret& secret, const char* versions_member) {
    Node node = Node::object({{"ARN", secret.arn},
                              {"Name", secret.name},
                              {"LastChangedDate", base::epoch_seconds(secret.changed_at)},
                              {"Tags", secret.tags.is_array() ? secret.tags : Node::array()},
                              {versions_member, stages_of(secret)},
                              {"CreatedDate", base::epoch_seconds(secret.created_at)}});
    if (!secret.description.empty()) node.set("Description", secret.description);
    if (!secret.key_id.empty()) node.set("KmsKeyId", secret.key_id);
    if (secret.deletes_at) node.set("DeletedDate", base::epoch_seconds(*secret.deletes_at));
    if (secret.accessed_at) node.set("LastAccessedDate", base::epoch_seconds(*secret.accessed_at));
    return node;
}

aws::Reply named(const Secret& secret, const Version* version = nullptr) {
    aws::Reply reply;
    reply.output = Node::object({{"ARN", secret.arn}, {"Name", secret.name}});
    if (version) reply.output.set("VersionId", version->id);
    return reply;
}

aws::Reply create_secret(ControlPlane& manager, const aws::Call& call) {
    const std::string& name = required(call, "Name");
    if (!is_secret_name(name))
        throw aws::Error{400, "ValidationException",
                         "Invalid name. Must be a valid name containing alphanumeric characters, "
                         "or any of the following: -/_+=.@!"};
    if (auto existing = manager.store().find(name); existing && existing->name == name) {
        if (existing->deletes_at)
            throw aws::Error{400, "InvalidRequestException",
                             "You can't create this secret because a secret with this name is "
                             "already scheduled for deletion."};
        throw aws::Error{
            400, "ResourceExistsException",
            fmt::format("The operation failed because the secret {} already exists.", name)};
    }
    Secret secret;
    secret.name = name;
    secret.arn = manager.arn_for(name);
    secret.description = call.input["Description"].as_string();
    secret.key_id = call.input["KmsKeyId"].as_string();
    secret.tags = call.input["Tags"];
    secret.created_at = secret.changed_at = call.now;
    Version* version = add_version(secret, call, {std::string(kCurrent)});
    manager.store().save(secret);
    return named(secret, version);
}

aws::Reply describe_secret(ControlPlane& manager, const aws::Call& call) {
    aws::Reply reply;
    reply.output = description(manager.find(required(call, "SecretId")), "VersionIdsToStages");
    return reply;
}

bool passes(const Secret& secret, const Node& filter) {
    const std::string& key = filter["Key"].as_string();
    const auto& values = filter["Values"].items();
    auto any_tag = [&](const char* member, const std::string& text) {
        const auto& tags = secret.tags.items();
        return std::any_of(tags.begin(), tags.end(), [&](const Node& tag) {
            return tag[member].as_string().starts_with(text);
        });
    };
    return std::any_of(values.begin(), values.end(), [&](const Node& value) {
        const std::string& text = value.as_string();
        if (key == "name") return secret.name.starts_with(text);
        if (key == "description") return secret.description.find(text) != std::string::npos;
        if (key == "tag-key") return any_tag("Key", text);
        if (key == "tag-value") return any_tag("Value", text);
        return secret.name.find(text) != std::string::npos ||
               secret.description.find(text) != std::string::npos;
    });
}

aws::Reply list_secrets(ControlPlane& manager, const aws::Call& call) {
    size_t limit =
        static_cast<size_t>(std::clamp<int64_t>(call.input["MaxResults"].as_int(100), 1, 100));
    const std::string& token = call.input["NextToken"].as_string();
    bool with_deleted = call.input["IncludePlannedDeletion"].as_bool();
    const auto& filters = call.input["Filters"].items();
    Node list = Node::array();
    aws::Reply reply;
    for (const Secret& secret : manager.store().all()) {
        if ((!token.empty() && secret.name <= token) || (secret.deletes_at && !with_deleted))
            continue;
        if (!std::all_of(filters.begin(), filters.end(),
                         [&](const Node& filter) { return passes(secret, filter); }))
            continue;
        if (list.size() == limit) {
            reply.output.set("NextToken", list.items().back()["Name"]);
            break;
        }
        list.push_back(description(secret, "SecretVersionsToStages"));
    }
    reply.output.set("SecretList", std::move(list));
    return reply;
}

aws::Reply update_secret(ControlPlane& manager, const aws::Call& call) {
    Secret secret = manager.find_active(required(call, "SecretId"));
    if (const Node& text = call.input["Description"]; text.is_string())
        secret.description = text.as_string();
    if (const Node& key = call.input["KmsKeyId"]; key.is_string()) secret.key_id = key.as_string();
    secret.changed_at = call.now;
    Version* version = add_version(secret, call, {std::string(kCurrent)});
    manager.store().save(secret);
    return named(secret, version);
}

// 30 days unless told otherwise; without recovery it is gone at once.
aws::Reply delete_secret(ControlPlane& manager, const aws::Call& call) {
    Secret secret = manager.find(required(call, "SecretId"));
    const Node& window = call.input["RecoveryWindowInDays"];
    bool force = call.input["ForceDeleteWithoutRecovery"].as_bool();
    if (force && window.is_number())
        throw aws::Error{
            400, "InvalidParameterException",
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."};
    if (window.is_number() && (window.as_int() < 7 || window.as_int() > 30))
        throw aws::Error{
            400, "InvalidParameterException",
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."};
    if (secret.deletes_at && !force)
        throw aws::Error{400, "InvalidRequestException",
                         "You can't perform this operation on the secret because it was already "
                         "scheduled for deletion."};
    base::Time deletes_at =
        force ? call.now : call.now + std::chrono::hours(24) * window.as_int(30);
    if (force) {
        manager.store().remove(secret.name);
    } else {
        secret.deletes_at = deletes_at;
        manager.store().save(secret);
    }
    aws::Reply reply = named(secret);
    reply.output.set("DeletionDate", base::epoch_seconds(deletes_at));
    return reply;
}

aws::Reply restore_secret(ControlPlane& manager, const aws::Call& call) {
    Secret secret = manager.find(required(call, "SecretId"));
    secret.deletes_at.reset();
    manager.store().save(secret);
    return named(secret);
}

void erase_tag(Node& tags, std::string_view key) {
    std::erase_if(tags.items(), [&](const Node& tag) { return tag["Key"].as_string() == key; });
}

aws::Reply tag_resource(ControlPlane& manager, const aws::Call& call) {
    Secret secret = manager.find_active(required(call, "SecretId"));
    if (!secret.tags.is_array()) secret.tags = Node::array();
    for (const Node& tag : call.input["Tags"].items()) {
        erase_tag(secret.tags, tag["Key"].as_string());
        secret.tags.push_back(tag);
    }
    manager.store().save(secret);
    return {};
}

aws::Reply untag_resource(ControlPlane& manager, const aws::Call& call) {
    Secret secret = manager.find_active(required(call, "SecretId"));
    for (const Node& key : call.input["TagKeys"].items())
        erase_tag(secret.tags, key.as_string());
    manager.store().save(secret);
    return {};
}

aws::Reply put_policy(ControlPlane& manager, const aws::Call& call) {
    Secret secret = manager.find_active(required(call, "SecretId"));
    secret.policy = required(call, "ResourcePolicy");
    manager.store().save(secret);
    return named(secret);
}

aws::Reply get_policy(ControlPlane& manager, const aws::Call& call) {
    Secret secret = manager.find(required(call, "SecretId"));
    aws::Reply reply = named(secret);
    if (!secret.policy.empty()) reply.output.set("ResourcePolicy", secret.policy);
    return reply;
}

aws::Reply delete_policy(ControlPlane& manager, const aws::Call& call) {
    Secret secret = manager.find_active(required(call, "SecretId"));
    secret.policy.clear();
    manager.store().save(secret);
    return named(secret);
}

constexpr Operation kOperations[] = {
    {"CreateSecret", create_secret},   {"DeleteResourcePolicy", delete_policy},
    {"DeleteSecret", delete_secret},   {"DescribeSecret", describe_secret},
    {"GetResourcePolicy", get_policy}, {"ListSecrets", list_secrets},
    {"PutResourcePolicy", put_policy}, {"RestoreSecret", restore_secret},
    {"TagResource", tag_resource},     {"UntagResource", untag_resource},
    {"UpdateSecret", update_secret},
};

}  // namespace

const std::span<const Operation> secret_operations = kOperations;

}  // namespace secretsmanager
