// See resources.h.
#include "cloudfront/api/resources.h"

#include <fmt/format.h>

#include "aws/error.h"
#include "cloudfront/managed_policies.h"

namespace cloudfront {

using base::Node;

namespace {

void refuse_managed(const Resource& resource, std::string_view code, std::string_view text) {
    if (resource.managed) throw aws::Error(400, std::string(code), std::string(text));
}

std::string name_of(const Node& config) {
    return config["Name"].as_string();
}

}  // namespace

Resource find_resource(ControlPlane& control, const aws::Call& call, const ResourceKind& kind) {
    auto found = control.lookup(kind.kind, call.path.find("Id")->second);
    if (!found)
        throw aws::Error(404, std::string(kind.missing_code), std::string(kind.missing_text));
    return *found;
}

aws::Reply create_resource(ControlPlane& control, const aws::Call& call, const ResourceKind& kind) {
    Resource resource;
    resource.kind = kind.kind;
    resource.config = normalize(*kind.shape, body_of(call));
    kind.check(control, resource.config, nullptr);
    resource.name = name_of(resource.config);
    resource.caller_reference = resource.config["CallerReference"].as_string();
    std::optional<Resource> taken;
    if (!resource.name.empty()) taken = control.store().find_by_name(kind.kind, resource.name);
    if (!taken && !resource.caller_reference.empty())
        taken = control.store().find_by_caller_reference(kind.kind, resource.caller_reference);
    if (taken && kind.same_reference_returns_it && taken->config == resource.config)
        return created(std::string(kind.root), kind.view(*taken), *taken, kind.uri);
    if (taken) throw aws::Error(409, std::string(kind.exists_code), std::string(kind.exists_text));
    resource.id = kind.make_id(control, resource.config);
    resource.created = resource.modified = control.now();
    control.store().insert(resource);
    return created(std::string(kind.root), kind.view(resource), resource, kind.uri);
}

aws::Reply update_resource(ControlPlane& control, const aws::Call& call, const ResourceKind& kind) {
    Resource resource = find_resource(control, call, kind);
    refuse_managed(resource, "IllegalUpdate",
                   "The update contains modifications that are not allowed.");
    check_if_match(call, resource);
    Node config = normalize(*kind.shape, body_of(call));
    kind.check(control, config, &resource);
    if (std::string name = name_of(config); name != resource.name) {
        if (control.store().find_by_name(kind.kind, name))
            throw aws::Error(409, std::string(kind.exists_code), std::string(kind.exists_text));
        resource.name = name;
    }
    resource.config = std::move(config);
    ++resource.revision;
    resource.modified = control.now();
    control.store().update(resource);
    control.policies_changed();
    return with_etag(std::string(kind.root), kind.view(resource), resource);
}

aws::Reply delete_resource(ControlPlane& control, const aws::Call& call, const ResourceKind& kind) {
    Resource resource = find_resource(control, call, kind);
    refuse_managed(resource, "IllegalDelete", "You cannot delete a managed policy.");
    check_if_match(call, resource);
    if (kind.in_use(control, resource))
        throw aws::Error(409, std::string(kind.in_use_code), std::string(kind.in_use_text));
    control.store().remove(kind.kind, resource.id);
    return no_content();
}

aws::Reply list_resources(ControlPlane& control, const aws::Call& call, const ResourceKind& kind) {
    std::vector<std::pair<std::string, Node>> all;
    std::string_view type = call.query_value("Type");
    if (type != "custom")
        for (const Resource& policy : managed_policies())
            if (policy.kind == kind.kind) all.emplace_back(policy.id, kind.summary(policy));
    if (type != "managed")
        for (const Resource& resource : control.store().list(kind.kind))
            all.emplace_back(resource.id, kind.summary(resource));
    Page page = paginate(call, all);
    return reply(
        200, std::string(kind.list_root),
        kind.list_style == ListStyle::WithMarker ? list_node(page) : short_list_node(page));
}

bool behaviors_name(ControlPlane& control, std::string_view member, std::string_view id) {
    bool named = false;
    for (const Resource& distribution : control.store().list(kDistributionKind))
        for_each_behavior(distribution.config, [&](const Node& behavior) {
            named |= behavior[member].as_string() == id;
        });
    return named;
}

}  // namespace cloudfront
