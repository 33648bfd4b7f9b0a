// Policies of a repository: lifecycle (kept, previewed, applied by step()) and permissions (kept).
#include <fmt/format.h>

#include "base/date.h"
#include "ecr/control_plane.h"
#include "ecr/lifecycle.h"

namespace ecr {
namespace {

using base::Node;

Node about(const ControlPlane& ecr, const Repository& repository) {
    return Node::object({{"registryId", ecr.registry_id()}, {"repositoryName", repository.name}});
}

Repository with_lifecycle_policy(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = ecr.repository(required(call, "repositoryName"));
    if (repository.lifecycle_policy.empty())
        throw aws::Error{400, "LifecyclePolicyNotFoundException",
                         fmt::format("Lifecycle policy does not exist for the repository with name "
                                     "'{}' in the registry with id '{}'",
                                     repository.name, ecr.registry_id())};
    return repository;
}

aws::Reply put_lifecycle_policy(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = ecr.repository(required(call, "repositoryName"));
    const std::string& text = required(call, "lifecyclePolicyText");
    auto rules = parse_lifecycle_policy(text);
    if (!rules) invalid(rules.error());
    repository.lifecycle_policy = text;
    repository.lifecycle_evaluated_at = call.now;  // its first day begins
    ecr.store().save(repository);
    aws::Reply reply;
    reply.output = about(ecr, repository);
    reply.output.set("lifecyclePolicyText", text);
    return reply;
}

aws::Reply get_lifecycle_policy(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = with_lifecycle_policy(ecr, call);
    aws::Reply reply;
    reply.output = about(ecr, repository);
    reply.output.set("lifecyclePolicyText", repository.lifecycle_policy);
    reply.output.set(
        "lastEvaluatedAt",
        base::epoch_seconds(repository.lifecycle_evaluated_at.value_or(repository.created_at)));
    return reply;
}

aws::Reply delete_lifecycle_policy(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = with_lifecycle_policy(ecr, call);
    aws::Reply reply;
    reply.output = about(ecr, repository);
    reply.output.set("lifecyclePolicyText", repository.lifecycle_policy);
    repository.lifecycle_policy.clear();
    ecr.store().save(repository);
    return reply;
}

aws::Reply preview(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = ecr.repository(required(call, "repositoryName"));
    std::string text = call.input["lifecyclePolicyText"].as_string();
    if (text.empty()) text = with_lifecycle_policy(ecr, call).lifecycle_policy;
    auto rules = parse_lifecycle_policy(text);
    if (!rules) invalid(rules.error());
    aws::Reply reply;
    reply.output = about(ecr, repository);
    reply.output.set("lifecyclePolicyText", text);
    reply.output.set("status", "COMPLETE");
    if (call.operation == "StartLifecyclePolicyPreview") return reply;
    std::vector<Image> images = ecr.store().images(repository.name);
    Node results = Node::array();
    for (const Expiry& expiry :
         expired_images(*rules, images, ecr.listed_by_indexes(images), call.now)) {
        const Image& image = images[expiry.image];
        Node tags = Node::array();
        for (const std::string& tag : image.tags)
            tags.push_back(tag);
        results.push_back(Node::object({{"imageTags", std::move(tags)},
                                        {"imageDigest", image.digest.to_string()},
                                        {"imagePushedAt", base::epoch_seconds(image.pushed_at)},
                                        {"action", Node::object({{"type", "EXPIRE"}})},
                                        {"appliedRulePriority", expiry.priority}}));
    }
    reply.output.set(
        "summary",
        Node::object({{"expiringImageTotalCount", static_cast<int64_t>(results.size())}}));
    reply.output.set("previewResults", std::move(results));
    return reply;
}

Repository with_policy(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = ecr.repository(required(call, "repositoryName"));
    if (repository.policy.empty())
        throw aws::Error{400, "RepositoryPolicyNotFoundException",
                         fmt::format("Repository policy does not exist for the repository with "
                                     "name '{}' in the registry with id '{}'",
                                     repository.name, ecr.registry_id())};
    return repository;
}

aws::Reply policy_reply(const ControlPlane& ecr, const Repository& repository) {
    aws::Reply reply;
    reply.output = about(ecr, repository);
    reply.output.set("policyText", repository.policy);
    return reply;
}

// GAP: kept, not enforced: every valid token may push and pull.
aws::Reply set_repository_policy(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = ecr.repository(required(call, "repositoryName"));
    repository.policy = required(call, "policyText");
    if (!base::parse_json(repository.policy))
        invalid(
            "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository "
            "policy provided'");
    ecr.store().save(repository);
    return policy_reply(ecr, repository);
}

aws::Reply get_repository_policy(ControlPlane& ecr, const aws::Call& call) {
    return policy_reply(ecr, with_policy(ecr, call));
}

aws::Reply delete_repository_policy(ControlPlane& ecr, const aws::Call& call) {
    Repository repository = with_policy(ecr, call);
    aws::Reply reply = policy_reply(ecr, repository);
    repository.policy.clear();
    ecr.store().save(repository);
    return reply;
}

constexpr Operation kOperations[] = {
    {"DeleteLifecyclePolicy", delete_lifecycle_policy},
    {"DeleteRepositoryPolicy", delete_repository_policy},
    {"GetLifecyclePolicy", get_lifecycle_policy},
    {"GetLifecyclePolicyPreview", preview},
    {"GetRepositoryPolicy", get_repository_policy},
    {"PutLifecyclePolicy", put_lifecycle_policy},
    {"SetRepositoryPolicy", set_repository_policy},
    {"StartLifecyclePolicyPreview", preview},
};

}  // namespace

const std::span<const Operation> policy_operations = kOperations;

}  // namespace ecr
