// Applying the stack file: a row per kind, in order.
#include "stack/apply.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "base/encoding.h"
#include "oci/reference.h"
#include "stack/attributes.h"
#include "state/instance.h"

namespace stack {
namespace {

using base::Node;

struct Context {
    const Stack& stack;
    ApiClient& api;
    const SecretValue& secret;
    base::Ids ids;

    Attributes attributes(std::string_view kind, const std::string& name) const {
        return attributes_of(ids, kind, name, stack.section(kind)[name]);
    }
};

// `exists` decides between create and update; both get the entry. Errors are thrown as aws::Error.
struct Kind {
    std::string_view name;
    bool (*exists)(Context&, const std::string& name, const Node& entry);
    void (*create)(Context&, const std::string& name, const Node& entry);
    void (*update)(Context&, const std::string& name,
                   const Node& entry);  // nullptr: nothing can be updated
};

Node object(std::initializer_list<Node::Member> members) {
    return Node::object(members);
}

// True unless the call fails with one of AWS's "there is no such thing" answers.
template <class Call>
bool found(Call call) {
    try {
        call();
        return true;
    } catch (const aws::Error& error) {
        if (error.status == 404 || error.code.find("NotFound") != std::string::npos ||
            error.code.starts_with("NoSuch"))
            return false;
        throw;
    }
}

const Node& config(const Node& entry) {
    return entry["config"];
}
std::string config_text(const Node& entry, std::string_view key) {
    return config(entry)[key].as_string();
}

// ---- Logs, secrets, parameters, repositories ----

bool log_group_exists(Context& c, const std::string&, const Node& entry) {
    const std::string name = config_text(entry, "logGroupName");
    Node answer = c.api.call("logs", "DescribeLogGroups", object({{"logGroupNamePrefix", name}}));
    for (const Node& group : answer["logGroups"].items())
        if (group["logGroupName"].as_string() == name) return true;
    return false;
}
void log_group_retention(Context& c, const std::string&, const Node& entry) {
    if (const Node* days = entry.find("retentionInDays"))
        c.api.call("logs", "PutRetentionPolicy",
                   object({{"logGroupName", config_text(entry, "logGroupName")},
                           {"retentionInDays", *days}}));
}
void log_group_create(Context& c, const std::string& name, const Node& entry) {
    c.api.call("logs", "CreateLogGroup", config(entry));
    log_group_retention(c, name, entry);
}

std::string value_of(Context& c, const std::string& name) {
    auto value = c.secret(name);
    if (!value) throw aws::Error(400, "InvalidSecret", value.error());
    return *value;
}
bool secret_exists(Context& c, const std::string&, const Node& entry) {
    return found([&] {
        c.api.call("secretsmanager", "DescribeSecret",
                   object({{"SecretId", config_text(entry, "Name")}}));
    });
}
void secret_create(Context& c, const std::string& name, const Node& entry) {
    Node input = config(entry);
    input.set("SecretString", value_of(c, name));
    c.api.call("secretsmanager", "CreateSecret", input);
}

bool parameter_exists(Context& c, const std::string&, const Node& entry) {
    return found(
        [&] { c.api.call("ssm", "GetParameter", object({{"Name", config_text(entry, "Name")}})); });
}
void parameter_put(Context& c, const std::string& name, const Node& entry) {
    Node input = config(entry);
    if (!input.find("Value")) input.set("Value", value_of(c, name));
    input.set("Overwrite", true);
    c.api.call("ssm", "PutParameter", input);
}

bool repository_exists(Context& c, const std::string&, const Node& entry) {
    return found([&] {
        c.api.call(
            "ecr", "DescribeRepositories",
            object({{"repositoryNames", Node::array({config_text(entry, "repositoryName")})}}));
    });
}
void repository_create(Context& c, const std::string&, const Node& entry) {
    c.api.call("ecr", "CreateRepository", config(entry));
}

// ---- S3 ----

std::string bucket_target(const Node& entry) {
    return "/" + base::percent_encode(config_text(entry, "Bucket"));
}
bool bucket_exists(Context& c, const std::string&, const Node& entry) {
    return found([&] { c.api.rest("s3", "HEAD", bucket_target(entry)); });
}
void bucket_settings(Context& c, const std::string&, const Node& entry) {
    const std::string target = bucket_target(entry);
    if (const Node* block = entry.find("publicAccessBlock"))
        c.api.rest("s3", "PUT", target + "?publicAccessBlock",
                   c.api.xml("s3", "PublicAccessBlockConfiguration", *block));
    if (const Node* website = entry.find("website"))
        c.api.rest("s3", "PUT", target + "?website",
                   c.api.xml("s3", "WebsiteConfiguration", *website));
    if (const Node* policy = entry.find("policy"))
        c.api.rest("s3", "PUT", target + "?policy", base::to_json(*policy),
                   {{"Content-Type", "application/json"}});
}
void bucket_create(Context& c, const std::string& name, const Node& entry) {
    const Node* location = config(entry).find("CreateBucketConfiguration");
    c.api.rest("s3", "PUT", bucket_target(entry),
               location ? c.api.xml("s3", "CreateBucketConfiguration", *location) : "");
    bucket_settings(c, name, entry);
}

// ---- CloudFront ----

constexpr std::string_view kCloudFront = "/2020-05-31/";

std::string etag(const ApiClient::RestAnswer& answer) {
    return std::string(answer.headers.get("etag"));
}

std::string cloudfront_target(std::string_view collection, const std::string& id) {
    return fmt::format("{}{}/{}", kCloudFront, collection, base::percent_encode(id));
}

// Policies, keys and access controls differ by where they live and what their document is called.
struct Versioned {
    std::string_view kind, collection, root, update_suffix;
};
constexpr Versioned kAccessControls{"originAccessControls", "origin-access-control",
                                    "OriginAccessControlConfig", "/config"};
constexpr Versioned kAccessIdentities{"originAccessIdentities", "origin-access-identity/cloudfront",
                                      "CloudFrontOriginAccessIdentityConfig", "/config"};
constexpr Versioned kCachePolicies{"cachePolicies", "cache-policy", "CachePolicyConfig", ""};
constexpr Versioned kOriginRequestPolicies{"originRequestPolicies", "origin-request-policy",
                                           "OriginRequestPolicyConfig", ""};
constexpr Versioned kResponseHeadersPolicies{"responseHeadersPolicies", "response-headers-policy",
                                             "ResponseHeadersPolicyConfig", ""};
constexpr Versioned kPublicKeys{"publicKeys", "public-key", "PublicKeyConfig", "/config"};
constexpr Versioned kKeyGroups{"keyGroups", "key-group", "KeyGroupConfig", ""};

template <const Versioned& kRow>
bool versioned_exists(Context& c, const std::string& name, const Node&) {
    return found([&] {
        c.api.rest("cloudfront", "GET",
                   cloudfront_target(kRow.collection, c.attributes(kRow.kind, name)["id"]));
    });
}
template <const Versioned& kRow>
void versioned_create(Context& c, const std::string&, const Node& entry) {
    c.api.rest("cloudfront", "POST", fmt::format("{}{}", kCloudFront, kRow.collection),
               c.api.xml("cloudfront", kRow.root, config(entry)));
}
template <const Versioned& kRow>
void versioned_update(Context& c, const std::string& name, const Node& entry) {
    const std::string target =
        cloudfront_target(kRow.collection, c.attributes(kRow.kind, name)["id"]);
    auto current = c.api.rest("cloudfront", "GET", target);
    c.api.rest("cloudfront", "PUT", fmt::format("{}{}", target, kRow.update_suffix),
               c.api.xml("cloudfront", kRow.root, config(entry)), {{"If-Match", etag(current)}});
}
template <const Versioned& kRow>
constexpr Kind versioned() {
    return {kRow.kind, versioned_exists<kRow>, versioned_create<kRow>, versioned_update<kRow>};
}

bool distribution_exists(Context& c, const std::string& name, const Node&) {
    return found([&] {
        c.api.rest("cloudfront", "GET",
                   cloudfront_target("distribution", c.attributes("distributions", name)["id"]));
    });
}
void distribution_create(Context& c, const std::string&, const Node& entry) {
    c.api.rest("cloudfront", "POST", fmt::format("{}distribution", kCloudFront),
               c.api.xml("cloudfront", "DistributionConfig", config(entry)));
}
void distribution_update(Context& c, const std::string& name, const Node& entry) {
    const std::string target =
        cloudfront_target("distribution", c.attributes("distributions", name)["id"]) + "/config";
    auto current = c.api.rest("cloudfront", "GET", target);
    c.api.rest("cloudfront", "PUT", target,
               c.api.xml("cloudfront", "DistributionConfig", config(entry)),
               {{"If-Match", etag(current)}});
}

// ---- Load balancing ----

bool target_group_exists(Context& c, const std::string&, const Node& entry) {
    return found([&] {
        c.api.call("elbv2", "DescribeTargetGroups",
                   object({{"Names", Node::array({config_text(entry, "Name")})}}));
    });
}
void target_group_settings(Context& c, const std::string& name, const Node& entry) {
    const std::string arn = c.attributes("targetGroups", name)["arn"];
    if (const Node* attributes = entry.find("attributes"))
        c.api.call("elbv2", "ModifyTargetGroupAttributes",
                   object({{"TargetGroupArn", arn}, {"Attributes", *attributes}}));
    if (const Node* targets = entry.find("targets"))
        c.api.call("elbv2", "RegisterTargets",
                   object({{"TargetGroupArn", arn}, {"Targets", *targets}}));
}
void target_group_create(Context& c, const std::string& name, const Node& entry) {
    c.api.call("elbv2", "CreateTargetGroup", config(entry));
    target_group_settings(c, name, entry);
}
void target_group_update(Context& c, const std::string& name, const Node& entry) {
    Node input = object({{"TargetGroupArn", c.attributes("targetGroups", name)["arn"]}});
    for (const auto& [key, value] : config(entry).members())
        if (key.starts_with("Health") || key.starts_with("Unhealthy") || key == "Matcher")
            input.set(key, value);
    c.api.call("elbv2", "ModifyTargetGroup", input);
    target_group_settings(c, name, entry);
}

bool load_balancer_exists(Context& c, const std::string&, const Node& entry) {
    return found([&] {
        c.api.call("elbv2", "DescribeLoadBalancers",
                   object({{"Names", Node::array({config_text(entry, "Name")})}}));
    });
}
void load_balancer_settings(Context& c, const std::string& name, const Node& entry) {
    if (const Node* attributes = entry.find("attributes"))
        c.api.call("elbv2", "ModifyLoadBalancerAttributes",
                   object({{"LoadBalancerArn", c.attributes("loadBalancers", name)["arn"]},
                           {"Attributes", *attributes}}));
}
void create_listeners(Context& c, const std::string& name, const Node& entry) {
    for (const Node& listener : entry["listeners"].items()) {
        Node input = config(listener);
        input.set("LoadBalancerArn", c.attributes("loadBalancers", name)["arn"]);
        Node answer = c.api.call("elbv2", "CreateListener", input);
        const std::string arn = answer["Listeners"].items().empty()
                                    ? ""
                                    : answer["Listeners"].items()[0]["ListenerArn"].as_string();
        for (const Node& rule : listener["rules"].items()) {
            Node rule_input = rule.find("config") ? rule["config"] : rule;
            rule_input.set("ListenerArn", arn);
            c.api.call("elbv2", "CreateRule", rule_input);
        }
    }
}
void load_balancer_create(Context& c, const std::string& name, const Node& entry) {
    c.api.call("elbv2", "CreateLoadBalancer", config(entry));
    load_balancer_settings(c, name, entry);
    create_listeners(c, name, entry);
}
// Listeners have no names to compare by: they are made anew.
void load_balancer_update(Context& c, const std::string& name, const Node& entry) {
    load_balancer_settings(c, name, entry);
    Node current =
        c.api.call("elbv2", "DescribeListeners",
                   object({{"LoadBalancerArn", c.attributes("loadBalancers", name)["arn"]}}));
    for (const Node& listener : current["Listeners"].items())
        c.api.call("elbv2", "DeleteListener", object({{"ListenerArn", listener["ListenerArn"]}}));
    create_listeners(c, name, entry);
}

// ---- ECS ----

bool cluster_exists(Context& c, const std::string&, const Node& entry) {
    Node answer =
        c.api.call("ecs", "DescribeClusters",
                   object({{"clusters", Node::array({config_text(entry, "clusterName")})}}));
    return !answer["clusters"].items().empty() &&
           answer["clusters"].items()[0]["status"].as_string() == "ACTIVE";
}
void cluster_create(Context& c, const std::string&, const Node& entry) {
    c.api.call("ecs", "CreateCluster", config(entry));
}

bool service_exists(Context& c, const std::string&, const Node& entry) {
    Node answer =
        c.api.call("ecs", "DescribeServices",
                   object({{"cluster", config_text(entry, "cluster")},
                           {"services", Node::array({config_text(entry, "serviceName")})}}));
    return !answer["services"].items().empty() &&
           answer["services"].items()[0]["status"].as_string() == "ACTIVE";
}
Node task_definition(Context& c, const Node& entry) {
    const Node& definition = entry["taskDefinition"];
    if (!definition.is_string()) return definition;
    const std::string path = c.stack.path(definition.as_string());
    auto text = state::read_file(path);
    if (!text) throw aws::Error(400, "InvalidFile", text.error());
    auto node = base::parse_json(*text);
    if (!node)
        throw aws::Error(400, "InvalidFile",
                         fmt::format("{}:{}:{}: {}", path, node.error().position.line,
                                     node.error().position.column, node.error().message));
    return std::move(*node);
}
// Whether every image that the definition names in our registry was pushed.
bool images_are_there(Context& c, const Node& definition) {
    for (const Node& container : definition["containerDefinitions"].items()) {
        auto reference = oci::Reference::parse(container["image"].as_string());
        if (!reference || !reference->is_ecr()) continue;
        const Node id = reference->digest.empty()
                            ? object({{"imageTag", reference->tag}})
                            : object({{"imageDigest", reference->digest.to_string()}});
        if (!found([&] {
                c.api.call("ecr", "DescribeImages",
                           object({{"repositoryName", reference->repository},
                                   {"imageIds", Node::array({id})}}));
            }))
            return false;
    }
    return true;
}
// Without an image the service starts on the built-in placeholder; the first deploy brings the
// definition.
void service_create(Context& c, const std::string&, const Node& entry) {
    Node input = config(entry);
    const Node definition = entry.find("taskDefinition") ? task_definition(c, entry) : Node();
    if (!definition.is_null() && images_are_there(c, definition)) {
        Node answer = c.api.call("ecs", "RegisterTaskDefinition", definition);
        input.set("taskDefinition", answer["taskDefinition"]["taskDefinitionArn"]);
    }
    c.api.call("ecs", "CreateService", input);
}
void service_update(Context& c, const std::string&, const Node& entry) {
    Node input =
        object({{"cluster", config(entry)["cluster"]}, {"service", config(entry)["serviceName"]}});
    for (std::string_view key :
         {"desiredCount", "deploymentConfiguration", "healthCheckGracePeriodSeconds",
          "networkConfiguration", "loadBalancers"})
        if (const Node* value = config(entry).find(key)) input.set(std::string(key), *value);
    c.api.call("ecs", "UpdateService", input);
}

// Each kind after those it refers to; a bucket's policy may name a distribution by ARN before it
// exists.
constexpr Kind kKinds[] = {
    {"logGroups", log_group_exists, log_group_create, log_group_retention},
    {"secrets", secret_exists, secret_create, nullptr},
    {"parameters", parameter_exists, parameter_put, nullptr},
    {"repositories", repository_exists, repository_create, nullptr},
    {"buckets", bucket_exists, bucket_create, bucket_settings},
    versioned<kAccessControls>(),
    versioned<kAccessIdentities>(),
    versioned<kCachePolicies>(),
    versioned<kOriginRequestPolicies>(),
    versioned<kResponseHeadersPolicies>(),
    versioned<kPublicKeys>(),
    versioned<kKeyGroups>(),
    {"targetGroups", target_group_exists, target_group_create, target_group_update},
    {"loadBalancers", load_balancer_exists, load_balancer_create, load_balancer_update},
    {"distributions", distribution_exists, distribution_create, distribution_update},
    {"clusters", cluster_exists, cluster_create, nullptr},
    {"services", service_exists, service_create, service_update},
};

Outcome apply_one(Context& context, const Kind& kind, const std::string& name, const Node& entry,
                  AppliedDigests& digests) {
    const std::string thing = fmt::format("{}.{}", kind.name, name);
    if (!kind.exists(context, name, entry)) {
        kind.create(context, name, entry);
        digests.remember(thing, entry);
        return Outcome::Created;
    }
    if (digests.is_same(thing, entry) || !kind.update) return Outcome::Unchanged;
    kind.update(context, name, entry);
    digests.remember(thing, entry);
    return Outcome::Updated;
}

}  // namespace

AppliedDigests::AppliedDigests(std::string file) : file_(std::move(file)) {
    auto text = state::read_file(file_);
    if (!text) return;
    auto node = base::parse_json(*text);
    if (node && node->is_object()) digests_ = std::move(*node);
}

bool AppliedDigests::is_same(const std::string& thing, const Node& entry) const {
    return digests_[thing].as_string() == base::sha256_hex(base::to_json(entry));
}

void AppliedDigests::remember(const std::string& thing, const Node& entry) {
    digests_.set(thing, base::sha256_hex(base::to_json(entry)));
}

void AppliedDigests::save() const {
    (void)state::write_file(file_, base::to_json(digests_, 2) + "\n", 0600);
}

std::expected<void, Problem> apply(const Stack& stack, ApiClient& api, AppliedDigests& digests,
                                   const SecretValue& secret, const Progress& progress) {
    Context context{stack, api, secret, base::Ids(stack.account, stack.region)};
    for (const Kind& kind : kKinds) {
        for (const auto& [name, entry] : stack.section(kind.name).members()) {
            try {
                progress(
                    {std::string(kind.name), name, apply_one(context, kind, name, entry, digests)});
            } catch (const aws::Error& error) {
                digests.save();
                return std::unexpected(Problem{
                    entry.position(),
                    fmt::format("{}.{}: {}: {}", kind.name, name, error.code, error.message),
                    "the stack is as far as this; correct the entry and run `dodam up` again"});
            }
        }
    }
    digests.save();
    return {};
}

}  // namespace stack
