// Cache, origin request and response headers policies.
#include "base/date.h"
#include "cloudfront/api/resources.h"
#include "cloudfront/rules.h"

namespace cloudfront {

using base::Node;

namespace {

// What the stack's file calls it by, equal in every world.
template <const char* kKind>
std::string id_by_name(ControlPlane& control, const Node& config) {
    return control.ids().derive_uuid(kKind, config["Name"].as_string(), "id");
}
constexpr char kCache[] = "cachePolicy", kOriginRequest[] = "originRequestPolicy",
               kResponseHeaders[] = "responseHeadersPolicy";

Node view(const Resource& resource, std::string_view config_root) {
    return Node::object({{"Id", resource.id},
                         {"LastModifiedTime", base::iso_date_millis(resource.modified)},
                         {std::string(config_root), resource.config}});
}

Node summary(const Resource& resource, std::string_view root, Node view) {
    return Node::object(
        {{"Type", resource.managed ? "managed" : "custom"}, {std::string(root), std::move(view)}});
}

Node cache_policy_view(const Resource& r) {
    return view(r, "CachePolicyConfig");
}
Node cache_policy_summary(const Resource& r) {
    return summary(r, "CachePolicy", cache_policy_view(r));
}
Node origin_request_policy_view(const Resource& r) {
    return view(r, "OriginRequestPolicyConfig");
}
Node origin_request_policy_summary(const Resource& r) {
    return summary(r, "OriginRequestPolicy", origin_request_policy_view(r));
}
Node response_headers_policy_view(const Resource& r) {
    return view(r, "ResponseHeadersPolicyConfig");
}
Node response_headers_policy_summary(const Resource& r) {
    return summary(r, "ResponseHeadersPolicy", response_headers_policy_view(r));
}

void check_cache(ControlPlane&, Node& config, const Resource*) {
    complete_cache_policy(config);
    check_cache_policy(config);
}
void check_origin_request(ControlPlane&, Node& config, const Resource*) {
    check_origin_request_policy(config);
}
void check_response_headers(ControlPlane&, Node& config, const Resource*) {
    check_response_headers_policy(config);
}

bool cache_policy_in_use(ControlPlane& control, const Resource& r) {
    return behaviors_name(control, "CachePolicyId", r.id);
}
bool origin_request_policy_in_use(ControlPlane& control, const Resource& r) {
    return behaviors_name(control, "OriginRequestPolicyId", r.id);
}
bool response_headers_policy_in_use(ControlPlane& control, const Resource& r) {
    return behaviors_name(control, "ResponseHeadersPolicyId", r.id);
}

constexpr ResourceKind kCachePolicy{
    .kind = kCachePolicyKind,
    .uri = "cache-policy",
    .shape = &kCachePolicyConfigShape,
    .root = "CachePolicy",
    .config_root = "CachePolicyConfig",
    .list_root = "CachePolicyList",
    .missing_code = "NoSuchCachePolicy",
    .missing_text = "The specified cache policy does not exist.",
    .exists_code = "CachePolicyAlreadyExists",
    .exists_text = "A cache policy with this name already exists.",
    .in_use_code = "CachePolicyInUse",
    .in_use_text =
        "Cannot delete the cache policy because it is attached to one or more cache behaviors.",
    .list_style = ListStyle::Short,
    .check = check_cache,
    .make_id = id_by_name<kCache>,
    .view = cache_policy_view,
    .summary = cache_policy_summary,
    .in_use = cache_policy_in_use};

constexpr ResourceKind kOriginRequestPolicy{
    .kind = kOriginRequestPolicyKind,
    .uri = "origin-request-policy",
    .shape = &kOriginRequestPolicyConfigShape,
    .root = "OriginRequestPolicy",
    .config_root = "OriginRequestPolicyConfig",
    .list_root = "OriginRequestPolicyList",
    .missing_code = "NoSuchOriginRequestPolicy",
    .missing_text = "The specified origin request policy does not exist.",
    .exists_code = "OriginRequestPolicyAlreadyExists",
    .exists_text = "An origin request policy with this name already exists.",
    .in_use_code = "OriginRequestPolicyInUse",
    .in_use_text =
        "Cannot delete the origin request policy because it is attached to one or more cache "
        "behaviors.",
    .list_style = ListStyle::Short,
    .check = check_origin_request,
    .make_id = id_by_name<kOriginRequest>,
    .view = origin_request_policy_view,
    .summary = origin_request_policy_summary,
    .in_use = origin_request_policy_in_use};

constexpr ResourceKind kResponseHeadersPolicy{
    .kind = kResponseHeadersPolicyKind,
    .uri = "response-headers-policy",
    .shape = &kResponseHeadersPolicyConfigShape,
    .root = "ResponseHeadersPolicy",
    .config_root = "ResponseHeadersPolicyConfig",
    .list_root = "ResponseHeadersPolicyList",
    .missing_code = "NoSuchResponseHeadersPolicy",
    .missing_text = "The specified response headers policy does not exist.",
    .exists_code = "ResponseHeadersPolicyAlreadyExists",
    .exists_text = "A response headers policy with this name already exists.",
    .in_use_code = "ResponseHeadersPolicyInUse",
    .in_use_text =
        "Cannot delete the response headers policy because it is attached to one or more cache "
        "behaviors.",
    .list_style = ListStyle::Short,
    .check = check_response_headers,
    .make_id = id_by_name<kResponseHeaders>,
    .view = response_headers_policy_view,
    .summary = response_headers_policy_summary,
    .in_use = response_headers_policy_in_use};

constexpr Operation kOperations[] = {
    {"CreateCachePolicy", create<kCachePolicy>, "POST", "/2020-05-31/cache-policy"},
    {"GetCachePolicy", get<kCachePolicy>, "GET", "/2020-05-31/cache-policy/{Id}"},
    {"GetCachePolicyConfig", get_config<kCachePolicy>, "GET",
     "/2020-05-31/cache-policy/{Id}/config"},
    {"UpdateCachePolicy", update<kCachePolicy>, "PUT", "/2020-05-31/cache-policy/{Id}"},
    {"DeleteCachePolicy", remove<kCachePolicy>, "DELETE", "/2020-05-31/cache-policy/{Id}"},
    {"ListCachePolicies", list<kCachePolicy>, "GET", "/2020-05-31/cache-policy"},
    {"CreateOriginRequestPolicy", create<kOriginRequestPolicy>, "POST",
     "/2020-05-31/origin-request-policy"},
    {"GetOriginRequestPolicy", get<kOriginRequestPolicy>, "GET",
     "/2020-05-31/origin-request-policy/{Id}"},
    {"GetOriginRequestPolicyConfig", get_config<kOriginRequestPolicy>, "GET",
     "/2020-05-31/origin-request-policy/{Id}/config"},
    {"UpdateOriginRequestPolicy", update<kOriginRequestPolicy>, "PUT",
     "/2020-05-31/origin-request-policy/{Id}"},
    {"DeleteOriginRequestPolicy", remove<kOriginRequestPolicy>, "DELETE",
     "/2020-05-31/origin-request-policy/{Id}"},
    {"ListOriginRequestPolicies", list<kOriginRequestPolicy>, "GET",
     "/2020-05-31/origin-request-policy"},
    {"CreateResponseHeadersPolicy", create<kResponseHeadersPolicy>, "POST",
     "/2020-05-31/response-headers-policy"},
    {"GetResponseHeadersPolicy", get<kResponseHeadersPolicy>, "GET",
     "/2020-05-31/response-headers-policy/{Id}"},
    {"GetResponseHeadersPolicyConfig", get_config<kResponseHeadersPolicy>, "GET",
     "/2020-05-31/response-headers-policy/{Id}/config"},
    {"UpdateResponseHeadersPolicy", update<kResponseHeadersPolicy>, "PUT",
     "/2020-05-31/response-headers-policy/{Id}"},
    {"DeleteResponseHeadersPolicy", remove<kResponseHeadersPolicy>, "DELETE",
     "/2020-05-31/response-headers-policy/{Id}"},
    {"ListResponseHeadersPolicies", list<kResponseHeadersPolicy>, "GET",
     "/2020-05-31/response-headers-policy"},
};

}  // namespace

const std::span<const Operation> policy_operations = kOperations;

}  // namespace cloudfront
