// What ${kind.name.attribute} stands for. Formats as AWS prints them; each derived part comes from
// base::Ids under the same kind, name and attribute that the create operation asks for.
#include "stack/attributes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace stack {
namespace {

using base::Ids;
using base::Node;

std::string or_pin(const Node& thing, std::string_view key, std::string derived) {
    const std::string& pin = thing[key].as_string();
    return pin.empty() ? std::move(derived) : pin;
}

// What was pinned before is whole; only what is derived gets its prefix.
std::string known_or(const Ids& ids, std::string_view kind, const std::string& name,
                     std::string_view attribute, auto derived) {
    std::string known = ids.pinned(kind, name, attribute);
    return known.empty() ? derived() : known;
}

std::string arn(const Ids& ids, std::string_view service, std::string_view resource) {
    return fmt::format("arn:aws:{}:{}:{}:{}", service, ids.region(), ids.account(), resource);
}

const std::string& config(const Node& thing, std::string_view key) {
    return thing["config"][key].as_string();
}

Attributes bucket(const Ids& ids, const std::string&, const Node& thing) {
    const std::string& name = config(thing, "Bucket");
    return {{"name", name},
            {"arn", "arn:aws:s3:::" + name},
            {"domain", fmt::format("{}.s3.{}.amazonaws.com", name, ids.region())},
            {"websiteDomain", fmt::format("{}.s3-website.{}.amazonaws.com", name, ids.region())}};
}

Attributes origin_access_control(const Ids& ids, const std::string&, const Node& thing) {
    const std::string& name = config(thing, "Name");
    return {{"id", or_pin(thing, "id", known_or(ids, "originAccessControl", name, "id", [&] {
                              return "E" + ids.derive("originAccessControl", name, "id", 13,
                                                      Ids::kUpperAlnum);
                          }))}};
}

Attributes origin_access_identity(const Ids& ids, const std::string&, const Node& thing) {
    const std::string& reference = config(thing, "CallerReference");
    std::string id = or_pin(
        thing, "id", known_or(ids, "originAccessIdentity", reference, "id", [&] {
            return "E" + ids.derive("originAccessIdentity", reference, "id", 13, Ids::kUpperAlnum);
        }));
    return {{"id", id},
            {"path", "origin-access-identity/cloudfront/" + id},
            {"arn", "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity " + id}};
}

// "cachePolicy", "keyGroup" …: an id derived from the name, as the create operation derives it.
template <const char* kKind>
Attributes uuid_named(const Ids& ids, const std::string&, const Node& thing) {
    return {{"id", or_pin(thing, "id", ids.derive_uuid(kKind, config(thing, "Name"), "id"))}};
}

Attributes public_key(const Ids& ids, const std::string&, const Node& thing) {
    const std::string& name = config(thing, "Name");
    return {{"id", or_pin(thing, "id", known_or(ids, "publicKey", name, "id", [&] {
                              return "K" +
                                     ids.derive("publicKey", name, "id", 13, Ids::kUpperAlnum);
                          }))}};
}

Attributes distribution(const Ids& ids, const std::string&, const Node& thing) {
    const std::string& reference = config(thing, "CallerReference");
    std::string id =
        or_pin(thing, "id", known_or(ids, "distribution", reference, "id", [&] {
                   return "E" + ids.derive("distribution", reference, "id", 13, Ids::kUpperAlnum);
               }));
    std::string domain = or_pin(
        thing, "domain", known_or(ids, "distribution", reference, "domain", [&] {
            return "d" + ids.derive("distribution", reference, "domain", 13, Ids::kLowerAlnum) +
                   ".cloudfront.net";
        }));
    return {{"id", id},
            {"domain", domain},
            {"arn", fmt::format("arn:aws:cloudfront::{}:distribution/{}", ids.account(), id)}};
}

Attributes load_balancer(const Ids& ids, const std::string&, const Node& thing) {
    const std::string& name = config(thing, "Name");
    std::string dns =
        or_pin(thing, "dnsName", known_or(ids, "loadBalancer", name, "dnsName", [&] {
                   return fmt::format("{}-{}.{}.elb.amazonaws.com", name,
                                      ids.derive("loadBalancer", name, "dnsName", 10, "0123456789"),
                                      ids.region());
               }));
    return {
        {"name", name},
        {"dnsName", dns},
        {"arn", or_pin(thing, "arn",
                       arn(ids, "elasticloadbalancing",
                           fmt::format("loadbalancer/app/{}/{}", name,
                                       ids.derive("loadBalancer", name, "id", 16, Ids::kHex))))}};
}

Attributes target_group(const Ids& ids, const std::string&, const Node& thing) {
    const std::string& name = config(thing, "Name");
    return {
        {"name", name},
        {"arn", or_pin(thing, "arn",
                       arn(ids, "elasticloadbalancing",
                           fmt::format("targetgroup/{}/{}", name,
                                       ids.derive("targetGroup", name, "id", 16, Ids::kHex))))}};
}

Attributes repository(const Ids& ids, const std::string&, const Node& thing) {
    const std::string& name = config(thing, "repositoryName");
    return {
        {"name", name},
        {"arn", arn(ids, "ecr", "repository/" + name)},
        {"uri", fmt::format("{}.dkr.ecr.{}.amazonaws.com/{}", ids.account(), ids.region(), name)}};
}

Attributes cluster(const Ids& ids, const std::string&, const Node& thing) {
    const std::string& name = config(thing, "clusterName");
    return {{"name", name}, {"arn", arn(ids, "ecs", "cluster/" + name)}};
}

Attributes service(const Ids& ids, const std::string&, const Node& thing) {
    const std::string& name = config(thing, "serviceName");
    return {{"name", name},
            {"arn", arn(ids, "ecs", fmt::format("service/{}/{}", config(thing, "cluster"), name))}};
}

Attributes log_group(const Ids& ids, const std::string&, const Node& thing) {
    const std::string& name = config(thing, "logGroupName");
    return {{"name", name}, {"arn", arn(ids, "logs", fmt::format("log-group:{}:*", name))}};
}

Attributes secret(const Ids& ids, const std::string&, const Node& thing) {
    const std::string& name = config(thing, "Name");
    constexpr std::string_view kMixed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    return {{"name", name},
            {"arn", or_pin(thing, "arn",
                           arn(ids, "secretsmanager",
                               fmt::format("secret:{}-{}", name,
                                           ids.derive("secret", name, "suffix", 6, kMixed))))}};
}

Attributes parameter(const Ids& ids, const std::string&, const Node& thing) {
    const std::string& name = config(thing, "Name");
    return {{"name", name},
            {"arn", arn(ids, "ssm",
                        fmt::format("parameter{}{}", name.starts_with('/') ? "" : "/", name))}};
}

// Parts without a name: their own members are the attributes.
Attributes members(const Node& thing, std::initializer_list<std::string_view> keys) {
    Attributes attributes;
    for (std::string_view key : keys) {
        const Node& value = thing[key];
        attributes[std::string(key)] = value.is_number() ? value.number_text() : value.as_string();
    }
    return attributes;
}

Attributes database(const Ids&, const std::string&, const Node& thing) {
    return members(thing, {"host", "port", "schema", "user", "password"});
}
Attributes cache(const Ids&, const std::string&, const Node& thing) {
    return members(thing, {"host", "port", "user", "password"});
}

constexpr char kCachePolicy[] = "cachePolicy", kOriginRequestPolicy[] = "originRequestPolicy",
               kResponseHeadersPolicy[] = "responseHeadersPolicy", kKeyGroup[] = "keyGroup";

struct Kind {
    std::string_view name;
    Attributes (*attributes)(const Ids&, const std::string&, const Node&);
    std::initializer_list<std::string_view> names;
};

// "value" of secrets and parameters is resolved beside this table: it is no pure function.
const Kind kKinds[] = {
    {"buckets", bucket, {"name", "arn", "domain", "websiteDomain"}},
    {"originAccessControls", origin_access_control, {"id"}},
    {"originAccessIdentities", origin_access_identity, {"id", "path", "arn"}},
    {"cachePolicies", uuid_named<kCachePolicy>, {"id"}},
    {"originRequestPolicies", uuid_named<kOriginRequestPolicy>, {"id"}},
    {"responseHeadersPolicies", uuid_named<kResponseHeadersPolicy>, {"id"}},
    {"publicKeys", public_key, {"id"}},
    {"keyGroups", uuid_named<kKeyGroup>, {"id"}},
    {"distributions", distribution, {"id", "domain", "arn"}},
    {"loadBalancers", load_balancer, {"name", "dnsName", "arn"}},
    {"targetGroups", target_group, {"name", "arn"}},
    {"repositories", repository, {"name", "arn", "uri"}},
    {"clusters", cluster, {"name", "arn"}},
    {"services", service, {"name", "arn"}},
    {"logGroups", log_group, {"name", "arn"}},
    {"secrets", secret, {"name", "arn", "value"}},
    {"parameters", parameter, {"name", "arn", "value"}},
    {"database", database, {"host", "port", "schema", "user", "password"}},
    {"cache", cache, {"host", "port", "user", "password"}},
};

const Kind* find_kind(std::string_view kind) {
    auto found = std::find_if(std::begin(kKinds), std::end(kKinds),
                              [&](const Kind& row) { return row.name == kind; });
    return found == std::end(kKinds) ? nullptr : found;
}

}  // namespace

Attributes attributes_of(const Ids& ids, std::string_view kind, const std::string& name,
                         const Node& thing) {
    const Kind* row = find_kind(kind);
    return row ? row->attributes(ids, name, thing) : Attributes{};
}

std::vector<std::string> attribute_names(std::string_view kind) {
    const Kind* row = find_kind(kind);
    if (!row) return {};
    return {row->names.begin(), row->names.end()};
}

void pin_all(Ids& ids, const Node& root) {
    auto last_segment = [](const std::string& arn) { return arn.substr(arn.rfind('/') + 1); };
    struct Named {
        std::string_view section, kind;
    };
    for (const Named& named : {Named{"originAccessControls", "originAccessControl"},
                               Named{"cachePolicies", kCachePolicy},
                               Named{"originRequestPolicies", kOriginRequestPolicy},
                               Named{"responseHeadersPolicies", kResponseHeadersPolicy},
                               Named{"publicKeys", "publicKey"}, Named{"keyGroups", kKeyGroup}})
        for (const auto& [name, thing] : root[named.section].members())
            ids.pin(named.kind, config(thing, "Name"), "id",
                    attributes_of(ids, named.section, name, thing)["id"]);
    for (const auto& [name, thing] : root["originAccessIdentities"].members())
        ids.pin("originAccessIdentity", config(thing, "CallerReference"), "id",
                attributes_of(ids, "originAccessIdentities", name, thing)["id"]);
    for (const auto& [name, thing] : root["distributions"].members()) {
        auto attributes = attributes_of(ids, "distributions", name, thing);
        ids.pin("distribution", config(thing, "CallerReference"), "id", attributes["id"]);
        ids.pin("distribution", config(thing, "CallerReference"), "domain", attributes["domain"]);
    }
    for (const auto& [name, thing] : root["loadBalancers"].members()) {
        auto attributes = attributes_of(ids, "loadBalancers", name, thing);
        ids.pin("loadBalancer", config(thing, "Name"), "id", last_segment(attributes["arn"]));
        ids.pin("loadBalancer", config(thing, "Name"), "arn", attributes["arn"]);
        ids.pin("loadBalancer", config(thing, "Name"), "dnsName", attributes["dnsName"]);
    }
    for (const auto& [name, thing] : root["targetGroups"].members()) {
        auto attributes = attributes_of(ids, "targetGroups", name, thing);
        ids.pin("targetGroup", config(thing, "Name"), "id", last_segment(attributes["arn"]));
        ids.pin("targetGroup", config(thing, "Name"), "arn", attributes["arn"]);
    }
    for (const auto& [name, thing] : root["secrets"].members())
        ids.pin("secret", config(thing, "Name"), "arn",
                attributes_of(ids, "secrets", name, thing)["arn"]);
}

}  // namespace stack
