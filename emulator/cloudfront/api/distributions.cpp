// Distributions: create, get, update, delete, list, aliases. API reference, "CreateDistribution"
// and friends.
#include <fmt/format.h>

#include <algorithm>

#include "aws/error.h"
#include "base/date.h"
#include "base/text.h"
#include "cloudfront/api/operations.h"
#include "cloudfront/rules.h"
#include "cloudfront/shapes.h"

namespace cloudfront {

using base::Node;

namespace {

Resource find(ControlPlane& control, const aws::Call& call) {
    auto found = control.store().find(kDistributionKind, call.path.find("Id")->second);
    if (!found)
        throw aws::Error(404, "NoSuchDistribution", "The specified distribution does not exist.");
    return *found;
}

std::string status_of(const ControlPlane& control, const Resource& resource) {
    return control.settled(resource.modified) ? "Deployed" : "InProgress";
}

// {Enabled, Quantity, Items: [{KeyGroupId, KeyPairIds}]}: who may sign at present.
Node active_key_groups(const ControlPlane& control, const Node& config) {
    std::vector<std::string> groups;
    auto collect = [&](const Node& behavior) {
        if (!behavior["TrustedKeyGroups"]["Enabled"].as_bool()) return;
        for (const Node& group : behavior["TrustedKeyGroups"]["Items"].items())
            if (std::ranges::find(groups, group.as_string()) == groups.end())
                groups.push_back(group.as_string());
    };
    collect(config["DefaultCacheBehavior"]);
    for (const Node& behavior : config["CacheBehaviors"]["Items"].items())
        collect(behavior);
    Node node = Node::object(
        {{"Enabled", !groups.empty()}, {"Quantity", static_cast<int64_t>(groups.size())}});
    if (groups.empty()) return node;
    Node items = Node::array();
    for (const std::string& id : groups) {
        std::vector<std::string> keys;
        if (auto group = control.lookup(kKeyGroupKind, id))
            for (const Node& key : group->config["Items"].items())
                keys.push_back(key.as_string());
        items.push_back(Node::object({{"KeyGroupId", id}, {"KeyPairIds", items_node(keys)}}));
    }
    node.set("Items", items);
    return node;
}

Node alias_records(const Node& config) {
    Node records = Node::array();
    for (const Node& alias : config["Aliases"]["Items"].items())
        records.push_back(Node::object({{"CNAME", alias}, {"ICPRecordalStatus", "APPROVED"}}));
    return records;
}

Node to_distribution(const ControlPlane& control, const Resource& resource) {
    Node node = Node::object({
        {"Id", resource.id},
        {"ARN", control.arn(kDistributionKind, resource.id)},
        {"Status", status_of(control, resource)},
        {"LastModifiedTime", base::iso_date_millis(resource.modified)},
        {"InProgressInvalidationBatches",
         static_cast<int64_t>(control.invalidations_in_progress(resource.id))},
        {"DomainName", resource.name},
        {"ActiveTrustedSigners", Node::object({{"Enabled", false}, {"Quantity", 0}})},
        {"ActiveTrustedKeyGroups", active_key_groups(control, resource.config)},
        {"DistributionConfig", resource.config},
    });
    if (Node records = alias_records(resource.config); records.size() > 0)
        node.set("AliasICPRecordals", records);
    return node;
}

Node to_summary(const ControlPlane& control, const Resource& resource) {
    Node node = Node::object({
        {"Id", resource.id},
        {"ARN", control.arn(kDistributionKind, resource.id)},
        {"ETag", resource.etag()},
        {"Status", status_of(control, resource)},
        {"LastModifiedTime", base::iso_date_millis(resource.modified)},
        {"DomainName", resource.name},
    });
    for (std::string_view name :
         {"Aliases", "Origins", "OriginGroups", "DefaultCacheBehavior", "CacheBehaviors",
          "CustomErrorResponses", "Comment", "PriceClass", "Enabled", "ViewerCertificate",
          "Restrictions", "WebACLId", "HttpVersion", "IsIPV6Enabled"})
        node.set(std::string(name), resource.config[name]);
    if (Node records = alias_records(resource.config); records.size() > 0)
        node.set("AliasICPRecordals", records);
    node.set("Staging", resource.config["Staging"]);
    return node;
}

void check_aliases_free(ControlPlane& control, const Node& config, std::string_view own_id) {
    const auto& aliases = config["Aliases"]["Items"].items();
    if (aliases.empty()) return;
    for (const Resource& other : control.store().list(kDistributionKind)) {
        if (other.id == own_id) continue;
        for (const Node& taken : other.config["Aliases"]["Items"].items())
            for (const Node& alias : aliases)
                if (base::equals_ignoring_case(taken.as_string(), alias.as_string()))
                    throw aws::Error(409, "CNAMEAlreadyExists",
                                     "One or more of the CNAMEs you provided are already "
                                     "associated with a different resource.");
    }
}

Node read_config(ControlPlane& control, const Node& input) {
    Node config = normalize(kDistributionConfigShape, input);
    complete_distribution(config);
    check_distribution(config, control.lookup_function());
    return config;
}

Resource create(ControlPlane& control, const Node& input) {
    Resource resource;
    resource.kind = kDistributionKind;
    resource.caller_reference = input["CallerReference"].as_string();
    auto taken =
        control.store().find_by_caller_reference(kDistributionKind, resource.caller_reference);
    if (taken && !resource.caller_reference.empty())
        throw aws::Error(409, "DistributionAlreadyExists",
                         fmt::format("The caller reference that you are using to create a "
                                     "distribution is associated with "
                                     "another distribution. Already exists: {}",
                                     taken->id));
    resource.config = read_config(control, input);
    check_aliases_free(control, resource.config, "");
    const base::Ids& ids = control.ids();
    resource.id = ids.pinned("distribution", resource.caller_reference, "id");
    if (resource.id.empty())
        resource.id = "E" + ids.derive("distribution", resource.caller_reference, "id", 13,
                                       base::Ids::kUpperAlnum);
    resource.name = ids.pinned("distribution", resource.caller_reference, "domain");
    if (resource.name.empty())
        resource.name = "d" +
                        ids.derive("distribution", resource.caller_reference, "domain", 13,
                                   base::Ids::kLowerAlnum) +
                        ".cloudfront.net";
    resource.created = resource.modified = control.now();
    control.store().insert(resource);
    control.distribution_changed(resource.id);
    return resource;
}

aws::Reply create_distribution(ControlPlane& control, const aws::Call& call) {
    Resource resource = create(control, body_of(call));
    return created("Distribution", to_distribution(control, resource), resource, "distribution");
}

aws::Reply create_distribution_with_tags(ControlPlane& control, const aws::Call& call) {
    const Node& body = body_of(call);
    Resource resource = create(control, body["DistributionConfig"]);
    set_tags(control, control.arn(kDistributionKind, resource.id), body["Tags"]);
    return created("Distribution", to_distribution(control, resource), resource, "distribution");
}

aws::Reply get_distribution(ControlPlane& control, const aws::Call& call) {
    Resource resource = find(control, call);
    return with_etag("Distribution", to_distribution(control, resource), resource);
}

aws::Reply get_distribution_config(ControlPlane& control, const aws::Call& call) {
    Resource resource = find(control, call);
    return with_etag("DistributionConfig", resource.config, resource);
}

aws::Reply update_distribution(ControlPlane& control, const aws::Call& call) {
    Resource resource = find(control, call);
    check_if_match(call, resource);
    Node config = read_config(control, body_of(call));
    if (config["CallerReference"].as_string() != resource.caller_reference)
        throw aws::Error(400, "IllegalUpdate",
                         "The update contains modifications that are not allowed.");
    check_aliases_free(control, config, resource.id);
    resource.config = std::move(config);
    ++resource.revision;
    resource.modified = control.now();
    control.store().update(resource);
    control.distribution_changed(resource.id);
    return with_etag("Distribution", to_distribution(control, resource), resource);
}

aws::Reply delete_distribution(ControlPlane& control, const aws::Call& call) {
    Resource resource = find(control, call);
    check_if_match(call, resource);
    if (resource.config["Enabled"].as_bool() || !control.settled(resource.modified))
        throw aws::Error(409, "DistributionNotDisabled",
                         "The distribution you are trying to delete has not been disabled.");
    control.store().remove(kDistributionKind, resource.id);
    control.store().remove_invalidations(resource.id);
    control.store().remove_tags(control.arn(kDistributionKind, resource.id));
    control.distribution_changed(resource.id);
    control.cache().forget(resource.id);
    return no_content();
}

aws::Reply list_distributions(ControlPlane& control, const aws::Call& call) {
    std::vector<std::pair<std::string, Node>> all;
    for (const Resource& resource : control.store().list(kDistributionKind))
        all.emplace_back(resource.id, to_summary(control, resource));
    return reply(200, "DistributionList", list_node(paginate(call, all)));
}

// "null" asks for the distributions without a web ACL, which all are: AWS WAF is not built.
aws::Reply list_by_web_acl(ControlPlane& control, const aws::Call& call) {
    if (call.path.find("Id")->second == "null") return list_distributions(control, call);
    return reply(200, "DistributionList", list_node(paginate(call, {})));
}

aws::Reply associate_alias(ControlPlane& control, const aws::Call& call) {
    Resource target = find(control, call);
    std::string alias(call.query_value("Alias"));
    if (alias.empty()) throw aws::Error(400, "InvalidArgument", "The parameter Alias is required.");
    // "The target distribution must have a valid certificate." GUESS: the text.
    if (target.config["ViewerCertificate"]["CloudFrontDefaultCertificate"].as_bool() ||
        target.config["ViewerCertificate"]["CloudFrontDefaultCertificate"].as_string() == "true")
        throw aws::Error(400, "IllegalUpdate",
                         "The target distribution has no certificate that covers the alias.");
    for (Resource& other : control.store().list(kDistributionKind)) {
        std::vector<std::string> kept;
        bool had = false;
        for (const Node& taken : other.config["Aliases"]["Items"].items()) {
            if (base::equals_ignoring_case(taken.as_string(), alias))
                had = true;
            else
                kept.push_back(taken.as_string());
        }
        bool is_target = other.id == target.id;
        if (!had && !is_target) continue;
        if (is_target) kept.push_back(alias);
        other.config.set("Aliases", items_node(kept));
        ++other.revision;
        other.modified = control.now();
        control.store().update(other);
        control.distribution_changed(other.id);
    }
    return no_content(200);
}

constexpr Operation kOperations[] = {
    {"CreateDistribution", create_distribution, "POST", "/2020-05-31/distribution"},
    {"CreateDistributionWithTags", create_distribution_with_tags, "POST",
     "/2020-05-31/distribution", "WithTags"},
    {"GetDistribution", get_distribution, "GET", "/2020-05-31/distribution/{Id}"},
    {"GetDistributionConfig", get_distribution_config, "GET",
     "/2020-05-31/distribution/{Id}/config"},
    {"UpdateDistribution", update_distribution, "PUT", "/2020-05-31/distribution/{Id}/config"},
    {"DeleteDistribution", delete_distribution, "DELETE", "/2020-05-31/distribution/{Id}"},
    {"ListDistributions", list_distributions, "GET", "/2020-05-31/distribution"},
    {"ListDistributionsByWebACLId", list_by_web_acl, "GET",
     "/2020-05-31/distributionsByWebACLId/{Id}"},
    {"AssociateAlias", associate_alias, "PUT", "/2020-05-31/distribution/{Id}/associate-alias"},
};

}  // namespace

const std::span<const Operation> distribution_operations = kOperations;

}  // namespace cloudfront
