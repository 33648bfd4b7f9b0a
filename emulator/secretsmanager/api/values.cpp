// Secret values and their versions: get, put, list, move stages.
#include "base/date.h"
#include "base/encoding.h"
#include "secretsmanager/control_plane.h"

namespace secretsmanager {
namespace {

using base::Node;

Node stages_of(const Version& version) {
    Node stages = Node::array();
    for (const std::string& stage : version.stages)
        stages.push_back(stage);
    return stages;
}

Node value_of(const Secret& secret, const Version& version) {
    Node node =
        Node::object({{"ARN", secret.arn}, {"Name", secret.name}, {"VersionId", version.id}});
    if (version.text) node.set("SecretString", *version.text);
    if (version.binary) node.set("SecretBinary", base::to_base64(*version.binary));
    node.set("VersionStages", stages_of(version));
    node.set("CreatedDate", base::epoch_seconds(version.created_at));
    return node;
}

aws::Reply get_secret_value(ControlPlane& manager, const aws::Call& call) {
    Secret secret = manager.find_active(required(call, "SecretId"));
    aws::Reply reply;
    reply.output = value_of(secret, manager.choose(secret, call.input["VersionStage"].as_string(),
                                                   call.input["VersionId"].as_string()));
    secret.accessed_at = call.now;
    manager.store().save(secret);
    return reply;
}

aws::Reply batch_get_secret_value(ControlPlane& manager, const aws::Call& call) {
    Node values = Node::array(), errors = Node::array();
    for (const Node& id : call.input["SecretIdList"].items()) {
        try {
            Secret secret = manager.find_active(id.as_string());
            values.push_back(value_of(secret, manager.choose(secret, "", "")));
        } catch (const aws::Error& error) {
            errors.push_back(Node::object(
                {{"SecretId", id}, {"ErrorCode", error.code}, {"Message", error.message}}));
        }
    }
    aws::Reply reply;
    reply.output =
        Node::object({{"SecretValues", std::move(values)}, {"Errors", std::move(errors)}});
    return reply;
}

aws::Reply put_secret_value(ControlPlane& manager, const aws::Call& call) {
    Secret secret = manager.find_active(required(call, "SecretId"));
    std::vector<std::string> stages;
    for (const Node& stage : call.input["VersionStages"].items())
        stages.push_back(stage.as_string());
    if (stages.empty()) stages.emplace_back(kCurrent);
    Version* version = add_version(secret, call, std::move(stages));
    if (!version)
        throw aws::Error{400, "InvalidParameterException",
                         "You must provide either SecretString or SecretBinary."};
    aws::Reply reply;
    reply.output = Node::object({{"ARN", secret.arn},
                                 {"Name", secret.name},
                                 {"VersionId", version->id},
                                 {"VersionStages", stages_of(*version)}});
    manager.store().save(secret);
    return reply;
}

aws::Reply list_version_ids(ControlPlane& manager, const aws::Call& call) {
    Secret secret = manager.find(required(call, "SecretId"));
    Node list = Node::array();
    for (const Version& version : secret.versions)
        list.push_back(Node::object({{"VersionId", version.id},
                                     {"VersionStages", stages_of(version)},
                                     {"CreatedDate", base::epoch_seconds(version.created_at)}}));
    aws::Reply reply;
    reply.output =
        Node::object({{"Versions", std::move(list)}, {"ARN", secret.arn}, {"Name", secret.name}});
    return reply;
}

// The version a stage leaves must be named when it has one; AWSCURRENT leaves AWSPREVIOUS behind.
aws::Reply update_version_stage(ControlPlane& manager, const aws::Call& call) {
    Secret secret = manager.find_active(required(call, "SecretId"));
    const std::string& stage = required(call, "VersionStage");
    const std::string& from = call.input["RemoveFromVersionId"].as_string();
    const std::string& to = call.input["MoveToVersionId"].as_string();
    Version* former = secret.version_of_stage(stage);
    if (former && !to.empty() && former->id != from)
        throw aws::Error{
            400, "InvalidParameterException",
            "The parameter RemoveFromVersionId can't be empty. Staging label " + stage +
                " is currently attached to version " + former->id +
                ", so you must explicitly reference that version in RemoveFromVersionId."};
    if (!to.empty() && !secret.version(to))
        throw aws::Error{
            400, "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret value for VersionId: " + to};
    if (former) {
        std::erase(former->stages, stage);
        if (stage == kCurrent) {
            if (Version* previous = secret.version_of_stage(kPrevious))
                std::erase(previous->stages, kPrevious);
            former->stages.emplace_back(kPrevious);
        }
    }
    if (!to.empty()) secret.version(to)->stages.push_back(stage);
    manager.store().save(secret);
    aws::Reply reply;
    reply.output = Node::object({{"ARN", secret.arn}, {"Name", secret.name}});
    return reply;
}

constexpr Operation kOperations[] = {
    {"BatchGetSecretValue", batch_get_secret_value},    {"GetSecretValue", get_secret_value},
    {"ListSecretVersionIds", list_version_ids},         {"PutSecretValue", put_secret_value},
    {"UpdateSecretVersionStage", update_version_stage},
};

}  // namespace

const std::span<const Operation> value_operations = kOperations;

}  // namespace secretsmanager
