// The six operations that policies, keys and access controls have in common, written once; a kind
// is a row of facts. What differs beyond facts is a function of the kind.
#pragma once
#include <string_view>

#include "cloudfront/api/operations.h"
#include "cloudfront/shapes.h"

namespace cloudfront {

enum class ListStyle : uint8_t { WithMarker, Short };

struct ResourceKind {
    std::string_view kind;  // in the store, and the URI's last word
    std::string_view uri;   // "cache-policy", "origin-access-identity/cloudfront"
    const Shape* shape;
    std::string_view root, config_root,
        list_root;  // "CachePolicy", "CachePolicyConfig", "CachePolicyList"
    std::string_view missing_code, missing_text;
    std::string_view exists_code, exists_text;
    std::string_view in_use_code, in_use_text;
    ListStyle list_style;
    void (*check)(ControlPlane&, base::Node& config, const Resource* present);
    std::string (*make_id)(ControlPlane&, const base::Node& config);
    base::Node (*view)(const Resource&);     // of get, create, update
    base::Node (*summary)(const Resource&);  // in lists
    bool (*in_use)(ControlPlane&, const Resource&);
    bool same_reference_returns_it =
        false;  // creating again with equal content gives the present one
};

Resource find_resource(ControlPlane& control, const aws::Call& call, const ResourceKind& kind);
aws::Reply create_resource(ControlPlane& control, const aws::Call& call, const ResourceKind& kind);
aws::Reply update_resource(ControlPlane& control, const aws::Call& call, const ResourceKind& kind);
aws::Reply delete_resource(ControlPlane& control, const aws::Call& call, const ResourceKind& kind);
aws::Reply list_resources(ControlPlane& control, const aws::Call& call, const ResourceKind& kind);

template <const ResourceKind& kKind>
aws::Reply create(ControlPlane& control, const aws::Call& call) {
    return create_resource(control, call, kKind);
}

template <const ResourceKind& kKind>
aws::Reply get(ControlPlane& control, const aws::Call& call) {
    Resource resource = find_resource(control, call, kKind);
    return with_etag(std::string(kKind.root), kKind.view(resource), resource);
}

template <const ResourceKind& kKind>
aws::Reply get_config(ControlPlane& control, const aws::Call& call) {
    Resource resource = find_resource(control, call, kKind);
    return with_etag(std::string(kKind.config_root), resource.config, resource);
}

template <const ResourceKind& kKind>
aws::Reply update(ControlPlane& control, const aws::Call& call) {
    return update_resource(control, call, kKind);
}

template <const ResourceKind& kKind>
aws::Reply remove(ControlPlane& control, const aws::Call& call) {
    return delete_resource(control, call, kKind);
}

template <const ResourceKind& kKind>
aws::Reply list(ControlPlane& control, const aws::Call& call) {
    return list_resources(control, call, kKind);
}

// Whether any distribution's behaviours name `id` under `member` (CachePolicyId …).
bool behaviors_name(ControlPlane& control, std::string_view member, std::string_view id);
template <class Visit>
void for_each_behavior(const base::Node& config, Visit visit) {
    visit(config["DefaultCacheBehavior"]);
    for (const base::Node& behavior : config["CacheBehaviors"]["Items"].items())
        visit(behavior);
}

}  // namespace cloudfront
