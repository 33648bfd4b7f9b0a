// dodam.json: parse, check against one table, resolve references.
#include "stack/stack_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include "base/text.h"
#include "net/ip_range.h"
#include "stack/attributes.h"
#include "state/instance.h"

namespace stack {
namespace {

using base::Node;

enum class Type { Any, Text, Number, Bool, Object, Array, Map };

// One allowed key. `within` is the path of its object: "" = top level, "buckets.*" = an entry.
struct Key {
    std::string_view within, name;
    Type type;
    bool required;
    std::string_view help;
};

constexpr Key kKeys[] = {
    {"", "$schema", Type::Text, false, "The schema, for editors."},
    {"", "version", Type::Number, true, "Version of this file's format: 1."},
    {"", "account", Type::Text, false, "Twelve digits."},
    {"", "region", Type::Text, false, "Region of everything but CloudFront."},
    {"", "buckets", Type::Map, false, "S3 buckets."},
    {"", "originAccessControls", Type::Map, false, "CloudFront origin access controls."},
    {"", "originAccessIdentities", Type::Map, false, "CloudFront origin access identities."},
    {"", "cachePolicies", Type::Map, false, "CloudFront cache policies."},
    {"", "originRequestPolicies", Type::Map, false, "CloudFront origin request policies."},
    {"", "responseHeadersPolicies", Type::Map, false, "CloudFront response headers policies."},
    {"", "publicKeys", Type::Map, false, "CloudFront public keys, for signed URLs and cookies."},
    {"", "keyGroups", Type::Map, false, "CloudFront key groups."},
    {"", "distributions", Type::Map, false, "CloudFront distributions."},
    {"", "countries", Type::Object, false,
     "Where viewers are: address range to country code (\"127.0.7.0/24\": \"DE\")."},
    {"", "loadBalancers", Type::Map, false,
     "Application Load Balancers with their listeners and rules."},
    {"", "targetGroups", Type::Map, false, "Target groups."},
    {"", "repositories", Type::Map, false, "ECR repositories."},
    {"", "clusters", Type::Map, false, "ECS clusters."},
    {"", "services", Type::Map, false, "ECS services."},
    {"", "logGroups", Type::Map, false, "CloudWatch log groups."},
    {"", "secrets", Type::Map, false, "Secrets Manager secrets: names only."},
    {"", "parameters", Type::Map, false, "SSM parameters."},
    {"", "database", Type::Object, false, "The MariaDB that tasks reach."},
    {"", "cache", Type::Object, false, "The Redis that tasks reach, as ElastiCache shows itself."},
    {"", "workflow", Type::Object, false, "What GitHub would know when it runs the workflow."},
    {"", "egress", Type::Array, false, "Hosts outside the stack that tasks may reach."},
    {"", "clock", Type::Object, false, "How fast control loops run."},
    {"", "ignore", Type::Array, false,
     "Checks that do not count here: id and reason (dodam explain)."},

    {"buckets.*", "config", Type::Object, true, "s3api create-bucket."},
    {"buckets.*", "publicAccessBlock", Type::Object, false, "PublicAccessBlockConfiguration."},
    {"buckets.*", "policy", Type::Object, false, "The bucket policy document."},
    {"buckets.*", "website", Type::Object, false, "WebsiteConfiguration."},
    {"originAccessControls.*", "config", Type::Object, true, "OriginAccessControlConfig."},
    {"originAccessControls.*", "id", Type::Text, false, "Pin."},
    {"originAccessIdentities.*", "config", Type::Object, true,
     "CloudFrontOriginAccessIdentityConfig."},
    {"originAccessIdentities.*", "id", Type::Text, false, "Pin."},
    {"cachePolicies.*", "config", Type::Object, true, "CachePolicyConfig."},
    {"cachePolicies.*", "id", Type::Text, false, "Pin."},
    {"originRequestPolicies.*", "config", Type::Object, true, "OriginRequestPolicyConfig."},
    {"originRequestPolicies.*", "id", Type::Text, false, "Pin."},
    {"responseHeadersPolicies.*", "config", Type::Object, true, "ResponseHeadersPolicyConfig."},
    {"responseHeadersPolicies.*", "id", Type::Text, false, "Pin."},
    {"publicKeys.*", "config", Type::Object, true, "PublicKeyConfig."},
    {"publicKeys.*", "id", Type::Text, false, "Pin."},
    {"keyGroups.*", "config", Type::Object, true, "KeyGroupConfig."},
    {"keyGroups.*", "id", Type::Text, false, "Pin."},
    {"distributions.*", "config", Type::Object, true, "DistributionConfig."},
    {"distributions.*", "id", Type::Text, false, "Pin."},
    {"distributions.*", "domain", Type::Text, false, "Pin."},
    {"loadBalancers.*", "config", Type::Object, true, "elbv2 create-load-balancer."},
    {"loadBalancers.*", "arn", Type::Text, false, "Pin."},
    {"loadBalancers.*", "dnsName", Type::Text, false, "Pin."},
    {"loadBalancers.*", "attributes", Type::Array, false,
     "modify-load-balancer-attributes: Attributes."},
    {"loadBalancers.*", "listeners", Type::Array, false, "Listeners: config and rules."},
    {"loadBalancers.*.listeners.*", "config", Type::Object, true,
     "elbv2 create-listener, without LoadBalancerArn."},
    {"loadBalancers.*.listeners.*", "rules", Type::Array, false,
     "elbv2 create-rule each, without ListenerArn."},
    {"targetGroups.*", "config", Type::Object, true, "elbv2 create-target-group."},
    {"targetGroups.*", "arn", Type::Text, false, "Pin."},
    {"targetGroups.*", "attributes", Type::Array, false,
     "modify-target-group-attributes: Attributes."},
    {"targetGroups.*", "targets", Type::Array, false,
     "register-targets: Targets; for a backend started by hand."},
    {"repositories.*", "config", Type::Object, true, "ecr create-repository."},
    {"clusters.*", "config", Type::Object, true, "ecs create-cluster."},
    {"services.*", "config", Type::Object, true, "ecs create-service, without taskDefinition."},
    {"services.*", "taskDefinition", Type::Any, false,
     "register-task-definition: an object, or the file that holds it."},
    {"services.*", "environment", Type::Object, false,
     "Given to every container; the task definition's own values win."},
    {"services.*", "secrets", Type::Object, false, "Environment name to valueFrom."},
    {"logGroups.*", "config", Type::Object, true, "logs create-log-group."},
    {"logGroups.*", "retentionInDays", Type::Number, false, "put-retention-policy."},
    {"secrets.*", "config", Type::Object, true, "secretsmanager create-secret, without the value."},
    {"secrets.*", "arn", Type::Text, false, "Pin."},
    {"parameters.*", "config", Type::Object, true, "ssm put-parameter."},
    {"database", "engine", Type::Text, false, "mariadb."},
    {"database", "version", Type::Text, false, "10.11."},
    {"database", "host", Type::Text, true, "As tasks name it."},
    {"database", "port", Type::Number, false, "As tasks name it: 3306."},
    {"database", "schema", Type::Text, true, "Created empty."},
    {"database", "init", Type::Text, false, "SQL file, loaded while the database is fresh."},
    {"database", "user", Type::Text, true, "May do everything in the schema, nothing outside it."},
    {"database", "password", Type::Text, true, "A reference to a secret's value."},
    {"cache", "engine", Type::Text, false, "redis."},
    {"cache", "version", Type::Text, false, "7."},
    {"cache", "host", Type::Text, true, "As tasks name it."},
    {"cache", "port", Type::Number, false, "As tasks name it: 6379."},
    {"cache", "tls", Type::Bool, false, "true: the only way in."},
    {"cache", "clusterMode", Type::Bool, false,
     "As ElastiCache Serverless: one endpoint that owns every slot."},
    {"cache", "defaultUser", Type::Bool, false, "false: whoever sends no user name is refused."},
    {"cache", "user", Type::Text, false, "The RBAC user."},
    {"cache", "password", Type::Text, false, "A reference to a secret's value."},
    {"cache", "accessString", Type::Text, false, "elasticache create-user: AccessString."},
    {"workflow", "file", Type::Text, false, "The workflow file."},
    {"workflow", "secrets", Type::Array, false, "Names of the repository's secrets."},
    {"workflow", "vars", Type::Object, false, "The repository's variables."},
    {"workflow", "event", Type::Text, false, "The event that starts it: push."},
    {"clock", "speed", Type::Number, false, "1 and up; the flag --speed wins."},
};

constexpr size_t kMaxProblems = 20;
constexpr size_t kMaxFileBytes = 4 << 20;

std::string_view name_of(Type type) {
    switch (type) {
        case Type::Text: return "a text";
        case Type::Number: return "a number";
        case Type::Bool: return "true or false";
        case Type::Array: return "a list";
        case Type::Object:
        case Type::Map: return "an object";
        case Type::Any: break;
    }
    return "anything";
}

bool fits(Type type, const Node& node) {
    switch (type) {
        case Type::Any: return true;
        case Type::Text: return node.is_string();
        case Type::Number: return node.is_number();
        case Type::Bool: return node.is_bool();
        case Type::Array: return node.is_array();
        case Type::Object:
        case Type::Map: return node.is_object();
    }
    return false;
}

class Reader {
  public:
    Reader(Stack& stack, const SecretValue& secret)
        : stack_(stack), ids_(stack.account, stack.region), secret_(secret) {}

    std::vector<Problem> problems;

    void check() {
        check_object("", stack_.root, "the file");
        check_values();
    }

    void resolve() {
        collect_attributes();
        resolve_node(stack_.root);
        // Attributes that hold references themselves (a service's cluster) are known now; once
        // more.
        if (problems.empty()) collect_attributes();
    }

  private:
    void report(base::Position position, std::string message, std::string hint = "") {
        if (problems.size() < kMaxProblems)
            problems.push_back({position, std::move(message), std::move(hint)});
    }

    void check_object(const std::string& within, const Node& object, const std::string& shown) {
        std::vector<std::string> names;
        for (const Key& key : kKeys)
            if (key.within == within) names.emplace_back(key.name);
        for (const auto& [name, value] : object.members()) {
            auto row = std::find_if(std::begin(kKeys), std::end(kKeys), [&](const Key& key) {
                return key.within == within && key.name == name;
            });
            if (row == std::end(kKeys)) {
                std::string near = base::closest(name, names);
                report(object.key_position(name), fmt::format("{} has no key \"{}\"", shown, name),
                       near.empty() ? "known keys: " + base::join(names, ", ")
                                    : fmt::format("did you mean \"{}\"?", near));
                continue;
            }
            if (!fits(row->type, value)) {
                report(value.position(),
                       fmt::format("\"{}\" must be {}", name, name_of(row->type)));
                continue;
            }
            check_inside(within.empty() ? name : within + "." + name, *row, value, name);
        }
        for (const Key& key : kKeys)
            if (key.within == within && key.required && !object.find(key.name))
                report(object.position(), fmt::format("{} has no \"{}\"", shown, key.name),
                       std::string(key.help));
    }

    void check_inside(const std::string& path, const Key& row, const Node& value,
                      const std::string& shown) {
        const std::string entry = path + ".*";
        if (row.type == Type::Map) {
            for (const auto& [name, thing] : value.members()) {
                if (!is_name(name))
                    report(
                        value.key_position(name),
                        fmt::format("\"{}\" is no name: letters, digits, '-' and '_' only", name));
                if (!thing.is_object())
                    report(thing.position(), fmt::format("{}.{} must be an object", shown, name));
                else
                    check_object(entry, thing, shown + "." + name);
            }
        } else if (row.type == Type::Array && has_keys(entry)) {
            for (const Node& item : value.items()) {
                if (!item.is_object())
                    report(item.position(),
                           fmt::format("an entry of \"{}\" must be an object", shown));
                else
                    check_object(entry, item, "an entry of " + shown);
            }
        } else if (row.type == Type::Object && has_keys(path)) {
            check_object(path, value, shown);
        }
    }

    static bool has_keys(std::string_view within) {
        return std::any_of(std::begin(kKeys), std::end(kKeys),
                           [&](const Key& key) { return key.within == within; });
    }

    static bool is_name(std::string_view name) {
        return !name.empty() && name.size() <= 128 &&
               std::all_of(name.begin(), name.end(),
                           [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
    }

    void check_values() {
        const Node& root = stack_.root;
        if (const Node* version = root.find("version");
            version && version->is_number() && version->as_int() != 1)
            report(version->position(),
                   fmt::format("version {} is not known", version->number_text()),
                   "this dodam reads version 1");
        if (const Node* account = root.find("account"); account && account->is_string()) {
            const std::string& text = account->as_string();
            if (text.size() != 12 || !base::parse_unsigned(text))
                report(account->position(), "an account is twelve digits, in quotes");
        }
        if (const Node* engine = root["database"].find("engine");
            engine && engine->is_string() && engine->as_string() != "mariadb")
            report(engine->position(),
                   fmt::format("the engine \"{}\" is not built", engine->as_string()),
                   "mariadb is");
        if (const Node* init = root["database"].find("init");
            init && init->is_string() && !std::filesystem::exists(stack_.path(init->as_string())))
            report(init->position(),
                   fmt::format("the file {} does not exist", stack_.path(init->as_string())));
        for (const auto& [name, service] : root["services"].members()) {
            const Node& definition = service["taskDefinition"];
            if (definition.is_string() &&
                !std::filesystem::exists(stack_.path(definition.as_string())))
                report(definition.position(), fmt::format("the file {} does not exist",
                                                          stack_.path(definition.as_string())));
        }
        for (const auto& [range, country] : root["countries"].members()) {
            if (!net::IpRange::parse(range))
                report(root["countries"].key_position(range),
                       fmt::format("\"{}\" is no address and no range", range),
                       "127.0.0.9, 127.0.7.0/24 and ::1 are");
            const std::string& code = country.as_string();
            if (code.size() != 2 || !std::isupper(static_cast<unsigned char>(code[0])) ||
                !std::isupper(static_cast<unsigned char>(code[1])))
                report(country.position(), "a country is two capital letters, in quotes",
                       "ISO 3166-1 alpha-2: \"DE\"");
        }
        if (const Node* speed = root["clock"].find("speed");
            speed && speed->is_number() && speed->as_double() < 1)
            report(speed->position(), "a speed is 1 or more");
    }

    void collect_attributes() {
        for (const auto& [kind, section] : stack_.root.members()) {
            if (attribute_names(kind).empty()) continue;
            if (kind == "database" || kind == "cache") {
                known_[kind] = attributes_of(ids_, kind, "", section);
                continue;
            }
            for (const auto& [name, thing] : section.members())
                known_[kind + "." + name] = attributes_of(ids_, kind, name, thing);
        }
    }

    void resolve_node(Node& node) {
        if (node.is_string()) {
            if (node.as_string().find("${") == std::string::npos) return;
            Node resolved(resolve_text(node.as_string(), node.position(), 0));
            resolved.set_position(node.position());
            node = std::move(resolved);
            return;
        }
        for (Node& item : node.items())
            resolve_node(item);
        for (auto& [name, value] : node.members())
            resolve_node(value);
    }

    std::string resolve_text(std::string_view text, base::Position position, int depth) {
        std::string out;
        while (true) {
            auto begin = text.find("${");
            out += text.substr(0, begin);
            if (begin == std::string_view::npos) return out;
            auto end = text.find('}', begin);
            if (end == std::string_view::npos) {
                report(position, "\"${\" without \"}\"");
                return out;
            }
            out += lookup(text.substr(begin + 2, end - begin - 2), position, depth);
            text.remove_prefix(end + 1);
        }
    }

    // An attribute may hold references itself: a cache's password, a service's cluster.
    std::string lookup(std::string_view reference, base::Position position, int depth) {
        if (depth > 8) {
            report(position, fmt::format("${{{}}} refers to itself", reference));
            return {};
        }
        auto dot = reference.rfind('.');
        const std::string owner(reference.substr(0, dot));
        const std::string attribute(dot == std::string_view::npos ? std::string_view()
                                                                  : reference.substr(dot + 1));
        auto found = known_.find(owner);
        if (found == known_.end()) {
            std::vector<std::string> owners;
            for (const auto& [name, attributes] : known_)
                owners.push_back(name);
            std::string near = base::closest(owner, owners);
            report(position, fmt::format("${{{}}} refers to nothing in this file", reference),
                   near.empty() ? "write ${kind.name.attribute}"
                                : fmt::format("did you mean ${{{}.{}}}?", near, attribute));
            return {};
        }
        const std::string kind(base::cut(owner, '.').first);
        if (attribute == "value" && (kind == "secrets" || kind == "parameters"))
            return secret_value(kind, owner.substr(kind.size() + 1), position);
        auto value = found->second.find(attribute);
        if (value == found->second.end()) {
            auto names = attribute_names(kind);
            std::string near = base::closest(attribute, names);
            report(position, fmt::format("{} has no attribute \"{}\"", owner, attribute),
                   near.empty() ? "it has " + base::join(names, ", ")
                                : fmt::format("did you mean \"{}\"?", near));
            return {};
        }
        return resolve_text(value->second, position, depth + 1);
    }

    std::string secret_value(const std::string& kind, const std::string& name,
                             base::Position position) {
        if (kind == "parameters")
            if (const Node* value = stack_.root["parameters"][name]["config"].find("Value"))
                return value->as_string();
        auto value = secret_(name);
        if (value) return *value;
        report(position, value.error());
        return {};
    }

    Stack& stack_;
    base::Ids ids_;
    const SecretValue& secret_;
    std::map<std::string, Attributes> known_;
};

Node type_schema(Type type) {
    Node node = Node::object();
    switch (type) {
        case Type::Text: node.set("type", "string"); break;
        case Type::Number: node.set("type", "number"); break;
        case Type::Bool: node.set("type", "boolean"); break;
        case Type::Array: node.set("type", "array"); break;
        case Type::Object:
        case Type::Map: node.set("type", "object"); break;
        case Type::Any: break;
    }
    return node;
}

Node object_schema(const std::string& within) {
    Node node = Node::object(), properties = Node::object(), required = Node::array();
    for (const Key& key : kKeys) {
        if (key.within != within) continue;
        const std::string path =
            within.empty() ? std::string(key.name) : within + "." + std::string(key.name);
        auto has_keys = [&](std::string_view inside) {
            return std::any_of(std::begin(kKeys), std::end(kKeys),
                               [&](const Key& row) { return row.within == inside; });
        };
        Node property = type_schema(key.type);
        if (key.type == Type::Map)
            property.set("additionalProperties", object_schema(path + ".*"));
        else if (key.type == Type::Array && has_keys(path + ".*"))
            property.set("items", object_schema(path + ".*"));
        else if (key.type == Type::Object && has_keys(path))
            property = object_schema(path);
        property.set("description", std::string(key.help));
        properties.set(std::string(key.name), std::move(property));
        if (key.required) required.push_back(std::string(key.name));
    }
    node.set("type", "object");
    node.set("additionalProperties", false);
    if (required.size()) node.set("required", std::move(required));
    node.set("properties", std::move(properties));
    return node;
}

}  // namespace

std::string Stack::path(std::string_view relative) const {
    return (std::filesystem::path(directory) / std::filesystem::path(relative))
        .lexically_normal()
        .string();
}

std::expected<Stack, std::vector<Problem>> read_stack(const std::string& file,
                                                      const SecretValue& secret) {
    auto text = state::read_file(file);
    if (!text)
        return std::unexpected(
            std::vector{Problem{{}, text.error(), "name the stack file with -f"}});
    if (text->size() > kMaxFileBytes)
        return std::unexpected(std::vector{Problem{{}, file + " is larger than 4 MiB", ""}});
    auto root = base::parse_json(*text, base::JsonDialect::WithComments);
    if (!root)
        return std::unexpected(
            std::vector{Problem{root.error().position, root.error().message, ""}});
    if (!root->is_object())
        return std::unexpected(
            std::vector{Problem{root->position(), "the file must hold an object", ""}});

    Stack stack;
    stack.file = file;
    stack.directory = std::filesystem::absolute(file).parent_path().string();
    stack.root = std::move(*root);
    if (const auto& account = stack.root["account"].as_string(); !account.empty())
        stack.account = account;
    if (const auto& region = stack.root["region"].as_string(); !region.empty())
        stack.region = region;
    stack.speed = stack.root["clock"]["speed"].as_double(1);

    Reader reader(stack, secret);
    reader.check();
    if (reader.problems.empty()) reader.resolve();
    if (!reader.problems.empty()) {
        std::stable_sort(
            reader.problems.begin(), reader.problems.end(),
            [](const Problem& a, const Problem& b) { return a.position < b.position; });
        return std::unexpected(std::move(reader.problems));
    }
    return stack;
}

std::string show(const std::string& file, const std::string& text, const Problem& problem) {
    std::string out = problem.position.line == 0
                          ? fmt::format("{}: error: {}\n", file, problem.message)
                          : fmt::format("{}:{}:{}: error: {}\n", file, problem.position.line,
                                        problem.position.column, problem.message);
    if (problem.position.line > 0) {
        auto lines = base::split(text, '\n');
        if (problem.position.line <= lines.size()) {
            out += fmt::format("{:>5} | {}\n", problem.position.line,
                               base::trim(lines[problem.position.line - 1]));
        }
    }
    if (!problem.hint.empty()) out += fmt::format("      = {}\n", problem.hint);
    return out;
}

Node schema() {
    Node node = Node::object();
    node.set("$schema", "http://json-schema.org/draft-07/schema#");
    node.set("title", "dodam.json");
    Node top = object_schema("");
    for (auto& [name, value] : top.members())
        node.set(name, std::move(value));
    return node;
}

}  // namespace stack
