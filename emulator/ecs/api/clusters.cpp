// Clusters: create, describe, list, update, delete; capacity providers.
#include <fmt/format.h>

#include "ecs/capacity.h"
#include "ecs/control_plane.h"

namespace ecs {
namespace {

aws::Reply reply_with(const ControlPlane& ecs, const State& state, const Cluster& cluster) {
    Node everything = Node::array({"TAGS", "SETTINGS", "CONFIGURATIONS"});
    aws::Reply reply;
    reply.output.set("cluster", to_node(ecs.arns(), state, cluster, everything));
    return reply;
}

void take(const aws::Call& call, const char* member, Node& into) {
    if (const Node* given = call.input.find(member); given && !given->is_null()) into = *given;
}

void take_settings(const aws::Call& call, Cluster& cluster) {
    take(call, "settings", cluster.settings);
    take(call, "configuration", cluster.configuration);
    take(call, "serviceConnectDefaults", cluster.service_connect);
    take(call, "capacityProviders", cluster.capacity_providers);
    take(call, "defaultCapacityProviderStrategy", cluster.default_strategy);
    take(call, "tags", cluster.tags);
    check_providers(cluster);
}

// Idempotent on the name; an INACTIVE one comes back as new.
aws::Reply create_cluster(ControlPlane& ecs, const aws::Call& call) {
    std::string name = ecs.cluster_name(call.input["clusterName"].as_string());
    if (name.size() > 255 ||
        name.find_first_not_of(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") !=
            std::string::npos)
        invalid(
            "Identifier was empty, too long, or contained invalid characters. Valid identifier "
            "pattern: [a-zA-Z0-9\\-_]{1,255}");
    auto found = ecs.state().clusters.find(name);
    if (found == ecs.state().clusters.end() || !found->second.active) {
        Cluster cluster;
        cluster.name = name;
        cluster.created_at = call.now;
        take_settings(call, cluster);
        found = ecs.state().clusters.insert_or_assign(name, std::move(cluster)).first;
        ecs.changed(found->second);
    }
    return reply_with(ecs, ecs.state(), found->second);
}

aws::Reply describe_clusters(ControlPlane& ecs, const aws::Call& call) {
    std::vector<Node> wanted = call.input["clusters"].items();
    if (wanted.empty()) wanted.push_back("default");
    Node clusters = Node::array(), failures = Node::array();
    for (const Node& item : wanted) {
        std::string name = ecs.cluster_name(item.as_string());
        auto found = ecs.state().clusters.find(name);
        if (found == ecs.state().clusters.end())
            failures.push_back(failure(ecs.arns().cluster(name)));
        else
            clusters.push_back(
                to_node(ecs.arns(), ecs.state(), found->second, call.input["include"]));
    }
    aws::Reply reply;
    reply.output =
        Node::object({{"clusters", std::move(clusters)}, {"failures", std::move(failures)}});
    return reply;
}

aws::Reply list_clusters(ControlPlane& ecs, const aws::Call& call) {
    std::vector<std::string> arns;
    for (const auto& [name, cluster] : ecs.state().clusters)
        if (cluster.active) arns.push_back(ecs.arns().cluster(name));
    return page_of(call, "clusterArns", arns);
}

aws::Reply delete_cluster(ControlPlane& ecs, const aws::Call& call) {
    required(call, "cluster");
    Cluster& cluster = ecs.cluster_of(call);
    for (const auto& [key, service] : ecs.state().services)
        if (key.first == cluster.name && service.status == Service::Status::Active)
            throw aws::Error{400, "ClusterContainsServicesException",
                             "The Cluster cannot be deleted while Services are active."};
    for (const auto& [id, task] : ecs.state().tasks)
        if (task.cluster == cluster.name && task.status != TaskStatus::Stopped)
            throw aws::Error{400, "ClusterContainsTasksException",
                             "The Cluster cannot be deleted while Tasks are active."};
    cluster.active = false;
    ecs.changed(cluster);
    return reply_with(ecs, ecs.state(), cluster);
}

aws::Reply update_cluster(ControlPlane& ecs, const aws::Call& call) {
    Cluster& cluster = ecs.cluster_of(call);
    Cluster wanted = cluster;
    take_settings(call, wanted);
    cluster = std::move(wanted);
    ecs.changed(cluster);
    return reply_with(ecs, ecs.state(), cluster);
}

// GAP: Fargate's own two providers are all there are.
aws::Reply describe_capacity_providers(ControlPlane& ecs, const aws::Call&) {
    Node list = Node::array();
    for (const char* name : {"FARGATE", "FARGATE_SPOT"})
        list.push_back(Node::object(
            {{"capacityProviderArn", fmt::format("arn:aws:ecs:{}:{}", ecs.arns().region(), name)},
             {"name", name},
             {"status", "ACTIVE"}}));
    aws::Reply reply;
    reply.output.set("capacityProviders", std::move(list));
    return reply;
}

constexpr Operation kOperations[] = {
    {"CreateCluster", create_cluster},
    {"DeleteCluster", delete_cluster},
    {"DescribeCapacityProviders", describe_capacity_providers},
    {"DescribeClusters", describe_clusters},
    {"ListClusters", list_clusters},
    {"PutClusterCapacityProviders", update_cluster},
    {"UpdateCluster", update_cluster},
    {"UpdateClusterSettings", update_cluster},
};

}  // namespace

const std::span<const Operation> cluster_operations = kOperations;

}  // namespace ecs
