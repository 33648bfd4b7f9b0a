// Origin access controls and origin access identities.
#include "aws/error.h"
#include "cloudfront/api/resources.h"
#include "cloudfront/rules.h"

namespace cloudfront {

using base::Node;

namespace {

Node control_view(const Resource& r) {
    return Node::object({{"Id", r.id}, {"OriginAccessControlConfig", r.config}});
}
Node control_summary(const Resource& r) {
    Node node = Node::object({{"Id", r.id}});
    for (std::string_view name : {"Description", "Name", "SigningProtocol", "SigningBehavior",
                                  "OriginAccessControlOriginType"})
        node.set(std::string(name), r.config[name]);
    return node;
}

std::string canonical_user(const Resource& r) {
    return canonical_user_of_identity(r.id);
}
Node identity_view(const Resource& r) {
    return Node::object({{"Id", r.id},
                         {"S3CanonicalUserId", canonical_user(r)},
                         {"CloudFrontOriginAccessIdentityConfig", r.config}});
}
Node identity_summary(const Resource& r) {
    return Node::object(
        {{"Id", r.id}, {"S3CanonicalUserId", canonical_user(r)}, {"Comment", r.config["Comment"]}});
}

void check_control(ControlPlane&, Node& config, const Resource*) {
    check_origin_access_control(config);
}
void check_identity(ControlPlane&, Node& config, const Resource* present) {
    if (config["CallerReference"].as_string().empty())
        throw aws::Error(400, "InvalidArgument", "The parameter CallerReference is required.");
    if (present != nullptr && present->caller_reference != config["CallerReference"].as_string())
        throw aws::Error(400, "IllegalUpdate",
                         "The update contains modifications that are not allowed.");
}

std::string control_id(ControlPlane& control, const Node& config) {
    const std::string& name = config["Name"].as_string();
    std::string pinned = control.ids().pinned("originAccessControl", name, "id");
    return !pinned.empty() ? pinned
                           : "E" + control.ids().derive("originAccessControl", name, "id", 13,
                                                        base::Ids::kUpperAlnum);
}
std::string identity_id(ControlPlane& control, const Node& config) {
    const std::string& reference = config["CallerReference"].as_string();
    std::string pinned = control.ids().pinned("originAccessIdentity", reference, "id");
    return !pinned.empty() ? pinned
                           : "E" + control.ids().derive("originAccessIdentity", reference, "id", 13,
                                                        base::Ids::kUpperAlnum);
}

template <class Predicate>
bool any_origin(ControlPlane& control, Predicate predicate) {
    for (const Resource& distribution : control.store().list(kDistributionKind))
        for (const Node& origin : distribution.config["Origins"]["Items"].items())
            if (predicate(origin)) return true;
    return false;
}

bool control_in_use(ControlPlane& control, const Resource& r) {
    return any_origin(control, [&](const Node& origin) {
        return origin["OriginAccessControlId"].as_string() == r.id;
    });
}
bool identity_in_use(ControlPlane& control, const Resource& r) {
    return any_origin(control, [&](const Node& origin) {
        return origin["S3OriginConfig"]["OriginAccessIdentity"].as_string() ==
               "origin-access-identity/cloudfront/" + r.id;
    });
}

constexpr ResourceKind kControl{
    .kind = kOriginAccessControlKind,
    .uri = "origin-access-control",
    .shape = &kOriginAccessControlConfigShape,
    .root = "OriginAccessControl",
    .config_root = "OriginAccessControlConfig",
    .list_root = "OriginAccessControlList",
    .missing_code = "NoSuchOriginAccessControl",
    .missing_text = "The specified origin access control does not exist.",
    .exists_code = "OriginAccessControlAlreadyExists",
    .exists_text = "An origin access control with the same name already exists.",
    .in_use_code = "OriginAccessControlInUse",
    .in_use_text =
        "Cannot delete the origin access control because it's in use by one or more distributions.",
    .list_style = ListStyle::WithMarker,
    .check = check_control,
    .make_id = control_id,
    .view = control_view,
    .summary = control_summary,
    .in_use = control_in_use};

constexpr ResourceKind kIdentity{
    .kind = kOriginAccessIdentityKind,
    .uri = "origin-access-identity/cloudfront",
    .shape = &kOriginAccessIdentityConfigShape,
    .root = "CloudFrontOriginAccessIdentity",
    .config_root = "CloudFrontOriginAccessIdentityConfig",
    .list_root = "CloudFrontOriginAccessIdentityList",
    .missing_code = "NoSuchCloudFrontOriginAccessIdentity",
    .missing_text = "The specified origin access identity does not exist.",
    .exists_code = "CloudFrontOriginAccessIdentityAlreadyExists",
    .exists_text = "The CallerReference is already in use with different content.",
    .in_use_code = "CloudFrontOriginAccessIdentityInUse",
    .in_use_text = "The CloudFront origin access identity is still being used.",
    .list_style = ListStyle::WithMarker,
    .check = check_identity,
    .make_id = identity_id,
    .view = identity_view,
    .summary = identity_summary,
    .in_use = identity_in_use,
    .same_reference_returns_it = true};

constexpr Operation kOperations[] = {
    {"CreateOriginAccessControl", create<kControl>, "POST", "/2020-05-31/origin-access-control"},
    {"GetOriginAccessControl", get<kControl>, "GET", "/2020-05-31/origin-access-control/{Id}"},
    {"GetOriginAccessControlConfig", get_config<kControl>, "GET",
     "/2020-05-31/origin-access-control/{Id}/config"},
    {"UpdateOriginAccessControl", update<kControl>, "PUT",
     "/2020-05-31/origin-access-control/{Id}/config"},
    {"DeleteOriginAccessControl", remove<kControl>, "DELETE",
     "/2020-05-31/origin-access-control/{Id}"},
    {"ListOriginAccessControls", list<kControl>, "GET", "/2020-05-31/origin-access-control"},
    {"CreateCloudFrontOriginAccessIdentity", create<kIdentity>, "POST",
     "/2020-05-31/origin-access-identity/cloudfront"},
    {"GetCloudFrontOriginAccessIdentity", get<kIdentity>, "GET",
     "/2020-05-31/origin-access-identity/cloudfront/{Id}"},
    {"GetCloudFrontOriginAccessIdentityConfig", get_config<kIdentity>, "GET",
     "/2020-05-31/origin-access-identity/cloudfront/{Id}/config"},
    {"UpdateCloudFrontOriginAccessIdentity", update<kIdentity>, "PUT",
     "/2020-05-31/origin-access-identity/cloudfront/{Id}/config"},
    {"DeleteCloudFrontOriginAccessIdentity", remove<kIdentity>, "DELETE",
     "/2020-05-31/origin-access-identity/cloudfront/{Id}"},
    {"ListCloudFrontOriginAccessIdentities", list<kIdentity>, "GET",
     "/2020-05-31/origin-access-identity/cloudfront"},
};

}  // namespace

const std::span<const Operation> origin_access_operations = kOperations;

}  // namespace cloudfront
