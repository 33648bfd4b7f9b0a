// Public keys and key groups: who may sign URLs and cookies.
#include "aws/error.h"
#include "base/date.h"
#include "cloudfront/api/resources.h"
#include "cloudfront/rules.h"

namespace cloudfront {

using base::Node;

namespace {

Node key_view(const Resource& r) {
    return Node::object({{"Id", r.id},
                         {"CreatedTime", base::iso_date_millis(r.created)},
                         {"PublicKeyConfig", r.config}});
}
Node key_summary(const Resource& r) {
    return Node::object({{"Id", r.id},
                         {"Name", r.config["Name"]},
                         {"CreatedTime", base::iso_date_millis(r.created)},
                         {"EncodedKey", r.config["EncodedKey"]},
                         {"Comment", r.config["Comment"]}});
}
Node group_view(const Resource& r) {
    return Node::object({{"Id", r.id},
                         {"LastModifiedTime", base::iso_date_millis(r.modified)},
                         {"KeyGroupConfig", r.config}});
}
Node group_summary(const Resource& r) {
    return Node::object({{"KeyGroup", group_view(r)}});
}

void check_key(ControlPlane&, Node& config, const Resource* present) {
    check_public_key(config);
    if (present == nullptr) return;
    // Only the comment may change.
    for (std::string_view name : {"CallerReference", "Name", "EncodedKey"})
        if (!(config[name] == present->config[name]))
            throw aws::Error(400, "CannotChangeImmutablePublicKeyFields",
                             "You can't change the value of a public key.");
}
void check_group(ControlPlane& control, Node& config, const Resource*) {
    check_key_group(config, control.lookup_function());
}

std::string key_id(ControlPlane& control, const Node& config) {
    const std::string& name = config["Name"].as_string();
    std::string pinned = control.ids().pinned("publicKey", name, "id");
    return !pinned.empty()
               ? pinned
               : "K" + control.ids().derive("publicKey", name, "id", 13, base::Ids::kUpperAlnum);
}
std::string group_id(ControlPlane& control, const Node& config) {
    return control.ids().derive_uuid("keyGroup", config["Name"].as_string(), "id");
}

bool key_in_use(ControlPlane& control, const Resource& key) {
    for (const Resource& group : control.store().list(kKeyGroupKind))
        for (const Node& member : group.config["Items"].items())
            if (member.as_string() == key.id) return true;
    return false;
}
bool group_in_use(ControlPlane& control, const Resource& group) {
    bool used = false;
    for (const Resource& distribution : control.store().list(kDistributionKind))
        for_each_behavior(distribution.config, [&](const Node& behavior) {
            for (const Node& member : behavior["TrustedKeyGroups"]["Items"].items())
                used |= member.as_string() == group.id;
        });
    return used;
}

constexpr ResourceKind kKey{.kind = kPublicKeyKind,
                            .uri = "public-key",
                            .shape = &kPublicKeyConfigShape,
                            .root = "PublicKey",
                            .config_root = "PublicKeyConfig",
                            .list_root = "PublicKeyList",
                            .missing_code = "NoSuchPublicKey",
                            .missing_text = "The specified public key doesn't exist.",
                            .exists_code = "PublicKeyAlreadyExists",
                            .exists_text = "The specified public key already exists.",
                            .in_use_code = "PublicKeyInUse",
                            .in_use_text = "The specified public key is in use.",
                            .list_style = ListStyle::Short,
                            .check = check_key,
                            .make_id = key_id,
                            .view = key_view,
                            .summary = key_summary,
                            .in_use = key_in_use};

constexpr ResourceKind kGroup{.kind = kKeyGroupKind,
                              .uri = "key-group",
                              .shape = &kKeyGroupConfigShape,
                              .root = "KeyGroup",
                              .config_root = "KeyGroupConfig",
                              .list_root = "KeyGroupList",
                              .missing_code = "NoSuchResource",
                              .missing_text = "The specified key group does not exist.",
                              .exists_code = "KeyGroupAlreadyExists",
                              .exists_text = "A key group with this name already exists.",
                              .in_use_code = "ResourceInUse",
                              .in_use_text = "Cannot delete this resource because it is in use.",
                              .list_style = ListStyle::Short,
                              .check = check_group,
                              .make_id = group_id,
                              .view = group_view,
                              .summary = group_summary,
                              .in_use = group_in_use};

constexpr Operation kOperations[] = {
    {"CreatePublicKey", create<kKey>, "POST", "/2020-05-31/public-key"},
    {"GetPublicKey", get<kKey>, "GET", "/2020-05-31/public-key/{Id}"},
    {"GetPublicKeyConfig", get_config<kKey>, "GET", "/2020-05-31/public-key/{Id}/config"},
    {"UpdatePublicKey", update<kKey>, "PUT", "/2020-05-31/public-key/{Id}/config"},
    {"DeletePublicKey", remove<kKey>, "DELETE", "/2020-05-31/public-key/{Id}"},
    {"ListPublicKeys", list<kKey>, "GET", "/2020-05-31/public-key"},
    {"CreateKeyGroup", create<kGroup>, "POST", "/2020-05-31/key-group"},
    {"GetKeyGroup", get<kGroup>, "GET", "/2020-05-31/key-group/{Id}"},
    {"GetKeyGroupConfig", get_config<kGroup>, "GET", "/2020-05-31/key-group/{Id}/config"},
    {"UpdateKeyGroup", update<kGroup>, "PUT", "/2020-05-31/key-group/{Id}"},
    {"DeleteKeyGroup", remove<kGroup>, "DELETE", "/2020-05-31/key-group/{Id}"},
    {"ListKeyGroups", list<kGroup>, "GET", "/2020-05-31/key-group"},
};

}  // namespace

const std::span<const Operation> key_operations = kOperations;

}  // namespace cloudfront
