// Which distributions use what, monitoring subscriptions, and the empty lists of families that are
// not built.
#include "aws/error.h"
#include "cloudfront/api/resources.h"

namespace cloudfront {

using base::Node;

namespace {

template <class Predicate>
aws::Reply distribution_ids(ControlPlane& control, const aws::Call& call, Predicate uses) {
    std::vector<std::pair<std::string, Node>> all;
    for (const Resource& distribution : control.store().list(kDistributionKind)) {
        bool used = false;
        for_each_behavior(distribution.config,
                          [&](const Node& behavior) { used |= uses(behavior); });
        if (used) all.emplace_back(distribution.id, distribution.id);
    }
    return reply(200, "DistributionIdList", list_node(paginate(call, all)));
}

aws::Reply by_member(ControlPlane& control, const aws::Call& call, std::string_view member,
                     std::string_view kind, std::string_view missing) {
    const std::string& id = call.path.find("Id")->second;
    if (!control.lookup(kind, id))
        throw aws::Error(404, std::string(missing), "The specified policy does not exist.");
    return distribution_ids(
        control, call, [&](const Node& behavior) { return behavior[member].as_string() == id; });
}

aws::Reply by_cache_policy(ControlPlane& control, const aws::Call& call) {
    return by_member(control, call, "CachePolicyId", kCachePolicyKind, "NoSuchCachePolicy");
}
aws::Reply by_origin_request_policy(ControlPlane& control, const aws::Call& call) {
    return by_member(control, call, "OriginRequestPolicyId", kOriginRequestPolicyKind,
                     "NoSuchOriginRequestPolicy");
}
aws::Reply by_response_headers_policy(ControlPlane& control, const aws::Call& call) {
    return by_member(control, call, "ResponseHeadersPolicyId", kResponseHeadersPolicyKind,
                     "NoSuchResponseHeadersPolicy");
}
aws::Reply by_key_group(ControlPlane& control, const aws::Call& call) {
    const std::string& id = call.path.find("Id")->second;
    if (!control.lookup(kKeyGroupKind, id))
        throw aws::Error(404, "NoSuchResource", "The specified key group does not exist.");
    return distribution_ids(control, call, [&](const Node& behavior) {
        for (const Node& group : behavior["TrustedKeyGroups"]["Items"].items())
            if (group.as_string() == id) return true;
        return false;
    });
}

std::string distribution_of(ControlPlane& control, const aws::Call& call) {
    const std::string& id = call.path.find("Id")->second;
    if (!control.store().find(kDistributionKind, id))
        throw aws::Error(404, "NoSuchDistribution", "The specified distribution does not exist.");
    return id;
}

aws::Reply create_monitoring(ControlPlane& control, const aws::Call& call) {
    Resource subscription;
    subscription.kind = kMonitoringKind;
    subscription.id = distribution_of(control, call);
    subscription.config = body_of(call);
    subscription.created = subscription.modified = control.now();
    control.store().remove(kMonitoringKind, subscription.id);
    control.store().insert(subscription);
    return reply(200, "MonitoringSubscription", subscription.config);
}

Resource find_monitoring(ControlPlane& control, const aws::Call& call) {
    auto found = control.store().find(kMonitoringKind, distribution_of(control, call));
    if (!found)
        throw aws::Error(
            404, "NoSuchMonitoringSubscription",
            "A monitoring subscription does not exist for the specified distribution.");
    return *found;
}

aws::Reply get_monitoring(ControlPlane& control, const aws::Call& call) {
    return reply(200, "MonitoringSubscription", find_monitoring(control, call).config);
}

aws::Reply delete_monitoring(ControlPlane& control, const aws::Call& call) {
    control.store().remove(kMonitoringKind, find_monitoring(control, call).id);
    return no_content(200);
}

// Families that are not built: whoever looks finds none.
aws::Reply no_functions(ControlPlane&, const aws::Call& call) {
    return reply(200, "FunctionList", short_list_node(paginate(call, {})));
}
aws::Reply no_key_value_stores(ControlPlane&, const aws::Call& call) {
    return reply(200, "KeyValueStoreList", short_list_node(paginate(call, {})));
}
aws::Reply no_continuous_deployment(ControlPlane&, const aws::Call& call) {
    return reply(200, "ContinuousDeploymentPolicyList", short_list_node(paginate(call, {})));
}
aws::Reply no_streaming_distributions(ControlPlane&, const aws::Call& call) {
    return reply(200, "StreamingDistributionList", list_node(paginate(call, {})));
}

constexpr Operation kOperations[] = {
    {"ListDistributionsByCachePolicyId", by_cache_policy, "GET",
     "/2020-05-31/distributionsByCachePolicyId/{Id}"},
    {"ListDistributionsByOriginRequestPolicyId", by_origin_request_policy, "GET",
     "/2020-05-31/distributionsByOriginRequestPolicyId/{Id}"},
    {"ListDistributionsByResponseHeadersPolicyId", by_response_headers_policy, "GET",
     "/2020-05-31/distributionsByResponseHeadersPolicyId/{Id}"},
    {"ListDistributionsByKeyGroup", by_key_group, "GET",
     "/2020-05-31/distributionsByKeyGroupId/{Id}"},
    {"CreateMonitoringSubscription", create_monitoring, "POST",
     "/2020-05-31/distributions/{Id}/monitoring-subscription"},
    {"GetMonitoringSubscription", get_monitoring, "GET",
     "/2020-05-31/distributions/{Id}/monitoring-subscription"},
    {"DeleteMonitoringSubscription", delete_monitoring, "DELETE",
     "/2020-05-31/distributions/{Id}/monitoring-subscription"},
    {"ListFunctions", no_functions, "GET", "/2020-05-31/function"},
    {"ListKeyValueStores", no_key_value_stores, "GET", "/2020-05-31/key-value-store"},
    {"ListContinuousDeploymentPolicies", no_continuous_deployment, "GET",
     "/2020-05-31/continuous-deployment-policy"},
    {"ListStreamingDistributions", no_streaming_distributions, "GET",
     "/2020-05-31/streaming-distribution"},
};

}  // namespace

const std::span<const Operation> listing_operations = kOperations;

}  // namespace cloudfront
