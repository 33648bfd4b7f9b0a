// Service deployments and revisions: the history of rollouts, as infrastructure tools follow it.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "ecs/control_plane.h"

namespace ecs {
namespace {

// Newest first, those that were asked for: a rollback belongs to the one that it undoes (ECS guide,
// "View service history using Amazon ECS service deployments").
std::vector<const Deployment*> deployments_of(const Service& service) {
    std::vector<const Deployment*> result;
    for (const Deployment& deployment : service.deployments)
        if (deployment.rolled_back_from.empty()) result.push_back(&deployment);
    for (auto old = service.history.rbegin(); old != service.history.rend(); ++old)
        if (old->rolled_back_from.empty()) result.push_back(&*old);
    // A failed one leaves before the older one that still serves.
    std::ranges::stable_sort(result, std::greater(), &Deployment::created_at);
    return result;
}

aws::Reply list_service_deployments(ControlPlane& ecs, const aws::Call& call) {
    Cluster& cluster = ecs.cluster_of(call);
    const Service& service = ecs.service_of(cluster.name, required(call, "service"));
    const auto& statuses = call.input["status"].items();
    const Node &after = call.input["createdAt"]["after"],
               &before = call.input["createdAt"]["before"];
    Node list = Node::array();
    for (const Deployment* deployment : deployments_of(service)) {
        Node node =
            service_deployment_node(ecs.arns(), ecs.state(), service, *deployment, Detail::Brief);
        double created = node["createdAt"].as_double();
        bool wanted_status = statuses.empty() ||
                             std::any_of(statuses.begin(), statuses.end(), [&](const Node& status) {
                                 return status == node["status"];
                             });
        if (!wanted_status || (after.is_number() && created <= after.as_double()) ||
            (before.is_number() && created >= before.as_double()))
            continue;
        list.push_back(std::move(node));
    }
    aws::Reply reply;
    reply.output.set("serviceDeployments", std::move(list));
    return reply;
}

// One ARN's service and deployment: arn:…:KIND/CLUSTER/SERVICE/NUMBER.
using Visit = std::function<void(Service&, const Deployment&)>;
bool find_by_arn(ControlPlane& ecs, const std::string& arn, const Visit& visit) {
    size_t at = arn.rfind('/');
    if (at == std::string::npos) return false;
    for (auto& [key, service] : ecs.state().services)
        for (const Deployment* deployment : deployments_of(service))
            if (deployment->number() == arn.substr(at + 1)) {
                visit(service, *deployment);
                return true;
            }
    return false;
}

aws::Reply describe_service_deployments(ControlPlane& ecs, const aws::Call& call) {
    Node found = Node::array(), failures = Node::array();
    for (const Node& arn : call.input["serviceDeploymentArns"].items()) {
        bool known =
            find_by_arn(ecs, arn.as_string(), [&](Service& service, const Deployment& deployment) {
                found.push_back(service_deployment_node(ecs.arns(), ecs.state(), service,
                                                        deployment, Detail::Full));
            });
        if (!known) failures.push_back(failure(arn.as_string()));
    }
    aws::Reply reply;
    reply.output =
        Node::object({{"serviceDeployments", std::move(found)}, {"failures", std::move(failures)}});
    return reply;
}

aws::Reply describe_service_revisions(ControlPlane& ecs, const aws::Call& call) {
    Node found = Node::array(), failures = Node::array();
    for (const Node& arn : call.input["serviceRevisionArns"].items()) {
        bool known =
            find_by_arn(ecs, arn.as_string(), [&](Service& service, const Deployment& deployment) {
                found.push_back(
                    service_revision_node(ecs.arns(), ecs.state(), service, deployment));
            });
        if (!known) failures.push_back(failure(arn.as_string()));
    }
    aws::Reply reply;
    reply.output =
        Node::object({{"serviceRevisions", std::move(found)}, {"failures", std::move(failures)}});
    return reply;
}

// ROLLBACK goes back to the last completed revision, ABORT leaves everything as it is.
aws::Reply stop_service_deployment(ControlPlane& ecs, const aws::Call& call) {
    const std::string& arn = required(call, "serviceDeploymentArn");
    bool roll_back = call.input["stopType"].as_string() != "ABORT";
    bool known = find_by_arn(ecs, arn, [&](Service& service, const Deployment& wanted) {
        Deployment* primary = service.primary();
        if (!primary || primary->id != wanted.id || primary->rollout != RolloutState::InProgress)
            throw aws::Error{400, "ConflictException",
                             "The service deployment is not in progress."};  // GUESS: the words
        primary->rollout = RolloutState::Failed;
        // GUESS: the words of both reasons.
        primary->rollout_reason =
            roll_back ? "ECS deployment stopped: rolling back." : "ECS deployment stopped.";
        primary->finished_at = call.now;
        ecs.close_books(service, *primary);
        if (Deployment* back = roll_back ? ecs.roll_back(service) : nullptr)
            back->rollout_reason =
                fmt::format("ECS deployment stopped: rolling back to deploymentId {}.", back->id);
        ecs.changed(service);
    });
    if (!known)
        throw aws::Error{400, "ServiceDeploymentNotFoundException",
                         "Service deployment not found."};
    aws::Reply reply;
    reply.output.set("serviceDeploymentArn", arn);
    return reply;
}

constexpr Operation kOperations[] = {
    {"DescribeServiceDeployments", describe_service_deployments},
    {"DescribeServiceRevisions", describe_service_revisions},
    {"ListServiceDeployments", list_service_deployments},
    {"StopServiceDeployment", stop_service_deployment},
};

}  // namespace

const std::span<const Operation> deployment_operations = kOperations;

}  // namespace ecs
