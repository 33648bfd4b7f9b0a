// Repositories: create, describe, delete, settings, tags; authorization tokens; the registry
// itself.
#include <fmt/format.h>

#include <algorithm>

#include "base/date.h"
#include "base/encoding.h"
#include "ecr/control_plane.h"
#include "oci/reference.h"

namespace ecr {
namespace {

using base::Node;

aws::Reply reply_with(const char* member, Node value) {
    aws::Reply reply;
    reply.output.set(member, std::move(value));
    return reply;
}

aws::Reply get_authorization_token(ControlPlane& ecr, const aws::Call&) {
    ControlPlane::Token token = ecr.make_token();
    return reply_with(
        "authorizationData",
        Node::array({Node::object({{"authorizationToken", base::to_base64("AWS:" + token.password)},
                                   {"expiresAt", base::epoch_seconds(token.expires_at)},
                                   {"proxyEndpoint", "http://" + ecr.endpoint()}})}));
}

void check_mutability(const std::string& value) {
    for (const char* known :
         {"MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"})
        if (value == known) return;
    invalid(
        "Invalid parameter at 'imageTagMutability' failed to satisfy constraint: 'Member must "
        "satisfy enum value set: [IMMUTABLE, MUTABLE, IMMUTABLE_WITH_EXCLUSION, "
        "MUTABLE_WITH_EXCLUSION]'");
}

aws::Reply create_repository(ControlPlane& ecr, const aws::Call& call) {
    Repository repository;
    repository.name = required(call, "repositoryName");
    if (repository.name.size() < 2 || !oci::is_repository_name(repository.name))
        invalid(
            "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy "
            "regular expression '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*''");
    if (ecr.store().repository(repository.name))
        throw aws::Error{
            400, "RepositoryAlreadyExistsException",
            fmt::format("The repository with name '{}' already exists in the registry with id '{}'",
                        repository.name, ecr.registry_id())};
    if (const std::string& mutability = call.input["imageTagMutability"].as_string();
        !mutability.empty()) {
        check_mutability(mutability);
        repository.tag_mutability = mutability;
    }
    repository.created_at = call.now;
    repository.mutability_exclusions = call.input["imageTagMutabilityExclusionFilters"];
    repository.scan_on_push = call.input["imageScanningConfiguration"]["scanOnPush"].as_bool();
    repository.encryption = call.input["encryptionConfiguration"];
    repository.tags = call.input["tags"];
    ecr.store().save(repository);
    return reply_with("repository", to_node(ecr, repository));
}

aws::Reply describe_repositories(ControlPlane& ecr, const aws::Call& call) {
    std::vector<Repository> found;
    if (const auto& names = call.input["repositoryNames"].items(); !names.empty())
        for (const Node& name : names)
            found.push_back(ecr.repository(name.as_string()));
    else
        found = ecr.store().repositories();
    Page page = page_of(call, found.size(), 100);
    Node list = Node::array();
    for (size_t i = page.from; i < page.to; ++i)
        list.push_back(to_node(ecr, found[i]));
    aws::Reply reply = reply_with("repositories", std::move(list));
    if (!page.next.empty()) reply.output.set("nextToken", page.next);
    return reply;
}

aws::Reply delete_repository(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = ecr.repository(required(call, "repositoryName"));
    if (!call.input["force"].as_bool() && !ecr.store().images(repository.name).empty())
        throw aws::Error{400, "RepositoryNotEmptyException",
                         fmt::format("The repository with name '{}' in registry with id '{}' "
                                     "cannot be deleted because it still contains images",
                                     repository.name, ecr.registry_id())};
    ecr.delete_repository(repository.name);
    return reply_with("repository", to_node(ecr, repository));
}

Node about(const ControlPlane& ecr, const Repository& repository) {
    return Node::object({{"registryId", ecr.registry_id()}, {"repositoryName", repository.name}});
}

aws::Reply put_image_tag_mutability(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = ecr.repository(required(call, "repositoryName"));
    check_mutability(required(call, "imageTagMutability"));
    repository.tag_mutability = call.input["imageTagMutability"].as_string();
    repository.mutability_exclusions = call.input["imageTagMutabilityExclusionFilters"];
    ecr.store().save(repository);
    aws::Reply reply;
    reply.output = about(ecr, repository);
    reply.output.set("imageTagMutability", repository.tag_mutability);
    if (repository.mutability_exclusions.size() > 0)
        reply.output.set("imageTagMutabilityExclusionFilters", repository.mutability_exclusions);
    return reply;
}

aws::Reply put_image_scanning_configuration(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = ecr.repository(required(call, "repositoryName"));
    repository.scan_on_push = call.input["imageScanningConfiguration"]["scanOnPush"].as_bool();
    ecr.store().save(repository);
    aws::Reply reply;
    reply.output = about(ecr, repository);
    reply.output.set("imageScanningConfiguration",
                     Node::object({{"scanOnPush", repository.scan_on_push}}));
    return reply;
}

Repository tagged(ControlPlane& ecr, const aws::Call& call) {
    const std::string& arn = required(call, "resourceArn");
    size_t at = arn.find(":repository/");
    if (at == std::string::npos)
        invalid("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'");
    return ecr.repository(std::string_view(arn).substr(at + 12));
}

void erase_tag(Node& tags, const std::string& key) {
    std::erase_if(tags.items(), [&](const Node& tag) { return tag["Key"].as_string() == key; });
}

aws::Reply tag_resource(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = tagged(ecr, call);
    if (!repository.tags.is_array()) repository.tags = Node::array();
    for (const Node& tag : call.input["tags"].items()) {
        erase_tag(repository.tags, tag["Key"].as_string());
        repository.tags.push_back(tag);
    }
    ecr.store().save(repository);
    return {};
}

aws::Reply untag_resource(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = tagged(ecr, call);
    for (const Node& key : call.input["tagKeys"].items())
        erase_tag(repository.tags, key.as_string());
    ecr.store().save(repository);
    return {};
}

aws::Reply list_tags(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = tagged(ecr, call);
    return reply_with("tags", repository.tags.is_array() ? repository.tags : Node::array());
}

aws::Reply describe_registry(ControlPlane& ecr, const aws::Call&) {
    aws::Reply reply;
    reply.output =
        Node::object({{"registryId", ecr.registry_id()},
                      {"replicationConfiguration", Node::object({{"rules", Node::array()}})}});
    return reply;
}

constexpr Operation kOperations[] = {
    {"CreateRepository", create_repository},
    {"DeleteRepository", delete_repository},
    {"DescribeRegistry", describe_registry},
    {"DescribeRepositories", describe_repositories},
    {"GetAuthorizationToken", get_authorization_token},
    {"ListTagsForResource", list_tags},
    {"PutImageScanningConfiguration", put_image_scanning_configuration},
    {"PutImageTagMutability", put_image_tag_mutability},
    {"TagResource", tag_resource},
    {"UntagResource", untag_resource},
};

}  // namespace

const std::span<const Operation> repository_operations = kOperations;

}  // namespace ecr
