// Parameters: put, get, by path, describe, history, delete, labels, tags.
#include <fmt/format.h>

#include <algorithm>

#include "base/date.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/text.h"
#include "ssm/control_plane.h"

namespace ssm {
namespace {

using base::Node;

constexpr size_t kMaxStandardBytes = 4096;
constexpr size_t kMaxAdvancedBytes = 8192;
constexpr size_t kMaxVersions = 100;

[[noreturn]] void invalid(std::string message) {
    throw aws::Error{400, "ValidationException", std::move(message)};
}

const std::string& required(const aws::Call& call, std::string_view member) {
    const std::string& value = call.input[member].as_string();
    if (value.empty())
        invalid(
            fmt::format("1 validation error detected: Value null at '{}' failed to satisfy "
                        "constraint: Member must not be null",
                        base::lower(member.substr(0, 1)) + std::string(member.substr(1))));
    return value;
}

// Without decryption a SecureString shows its ciphertext; ours only has to look like one and be
// stable.
std::string shown_value(const Parameter& parameter, bool decrypt) {
    if (!parameter.is_secure() || decrypt) return parameter.value;
    return base::to_base64("\x01\x02\x02" +
                           base::sha256(parameter.name + ":" + std::to_string(parameter.version)) +
                           base::sha256(parameter.value));
}

Node to_node(const ControlPlane& ssm, const Parameter& parameter, bool decrypt) {
    return Node::object({{"Name", parameter.name},
                         {"Type", parameter.type},
                         {"Value", shown_value(parameter, decrypt)},
                         {"Version", parameter.version},
                         {"LastModifiedDate", base::epoch_seconds(parameter.modified_at)},
                         {"ARN", ssm.arn(parameter.name)},
                         {"DataType", parameter.data_type}});
}

Node metadata(const ControlPlane& ssm, const Parameter& parameter) {
    Node node = Node::object({{"Name", parameter.name},
                              {"ARN", ssm.arn(parameter.name)},
                              {"Type", parameter.type},
                              {"LastModifiedDate", base::epoch_seconds(parameter.modified_at)},
                              {"LastModifiedUser", parameter.modified_by},
                              {"Version", parameter.version},
                              {"Tier", parameter.tier},
                              {"Policies", Node::array()},
                              {"DataType", parameter.data_type}});
    if (!parameter.description.empty()) node.set("Description", parameter.description);
    if (parameter.is_secure())
        node.set("KeyId", parameter.key_id.empty() ? "alias/aws/ssm" : parameter.key_id);
    if (!parameter.allowed_pattern.empty()) node.set("AllowedPattern", parameter.allowed_pattern);
    return node;
}

void check_name(const std::string& name) {
    bool allowed = std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) ||
               std::string_view("_.-/").find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (!allowed)
        invalid(
            "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a "
            "path, it can consist of sub-paths divided by slash symbol; each sub-path can be "
            "formed as a mix of letters, numbers and the following 3 symbols .-_");
    std::string bare = base::lower(name.starts_with('/') ? std::string_view(name).substr(1)
                                                         : std::string_view(name));
    if (bare.starts_with("aws") || bare.starts_with("ssm"))
        throw aws::Error{400, "AccessDeniedException",
                         "No access to reserved parameter name: " + name + "."};
    if (name.find('/') != std::string::npos && !name.starts_with('/'))
        invalid("Parameter name must be a fully qualified name.");
    if (std::count(name.begin(), name.end(), '/') > 15)
        throw aws::Error{400, "HierarchyLevelLimitExceededException",
                         "A hierarchy can have a maximum of 15 levels."};
}

Parameter first_version(const aws::Call& call, const std::string& name) {
    Parameter made;
    made.name = name;
    made.version = 0;
    const std::string& type = call.input["Type"].as_string();
    if (type.empty()) invalid("A parameter type is required when you create a parameter.");
    if (type != "String" && type != "StringList" && type != "SecureString")
        throw aws::Error{400, "UnsupportedParameterType", "The parameter type is not supported."};
    made.type = type;
    return made;
}

aws::Reply put_parameter(ControlPlane& ssm, const aws::Call& call) {
    const std::string& name = required(call, "Name");
    const std::string& value = required(call, "Value");
    check_name(name);
    auto existing = ssm.store().latest(name);
    if (existing && !call.input["Overwrite"].as_bool())
        throw aws::Error{400, "ParameterAlreadyExists",
                         "The parameter already exists. To overwrite this value, set the overwrite "
                         "option in the request to true."};
    Parameter parameter = existing ? *existing : first_version(call, name);
    auto take = [&](const char* member, std::string& into) {
        if (const std::string& given = call.input[member].as_string(); !given.empty()) into = given;
    };
    take("Type", parameter.type);
    take("DataType", parameter.data_type);
    take("Description", parameter.description);
    take("KeyId", parameter.key_id);
    take("AllowedPattern", parameter.allowed_pattern);
    take("Tier", parameter.tier);
    if (parameter.tier == "Intelligent-Tiering")
        parameter.tier = value.size() > kMaxStandardBytes ? "Advanced" : "Standard";
    if (value.size() > (parameter.tier == "Advanced" ? kMaxAdvancedBytes : kMaxStandardBytes))
        invalid(
            fmt::format("Standard tier parameters support a maximum parameter value of {} "
                        "characters. To create a larger parameter value, upgrade the parameter to "
                        "use the advanced-parameter tier.",
                        kMaxStandardBytes));
    parameter.value = value;
    parameter.version += 1;
    parameter.labels.clear();
    parameter.modified_at = call.now;
    parameter.modified_by = call.caller.arn;
    ssm.store().put(parameter);
    if (const Node& tags = call.input["Tags"]; tags.size() > 0) ssm.store().save_tags(name, tags);
    aws::Reply reply;
    reply.output = Node::object({{"Version", parameter.version}, {"Tier", parameter.tier}});
    return reply;
}

aws::Reply get_parameter(ControlPlane& ssm, const aws::Call& call) {
    aws::Reply reply;
    const std::string& name = required(call, "Name");
    reply.output.set("Parameter",
                     to_node(ssm, ssm.find(name), call.input["WithDecryption"].as_bool()));
    return reply;
}

// Unknown names are reported beside the found ones.
aws::Reply get_parameters(ControlPlane& ssm, const aws::Call& call) {
    const auto& names = call.input["Names"].items();
    if (names.empty() || names.size() > 10)
        invalid(
            "1 validation error detected: Value at 'names' failed to satisfy constraint: Member "
            "must have length less than or equal to 10");
    Node found = Node::array(), unknown = Node::array();
    for (const Node& name : names) {
        try {
            found.push_back(
                to_node(ssm, ssm.find(name.as_string()), call.input["WithDecryption"].as_bool()));
        } catch (const aws::Error&) {
            unknown.push_back(name);
        }
    }
    aws::Reply reply;
    reply.output =
        Node::object({{"Parameters", std::move(found)}, {"InvalidParameters", std::move(unknown)}});
    return reply;
}

size_t page_size(const aws::Call& call, size_t most) {
    const Node& given = call.input["MaxResults"];
    if (given.is_null()) return most;
    if (given.as_int() < 1 || given.as_int() > static_cast<int64_t>(most))
        invalid(
            fmt::format("1 validation error detected: Value '{}' at 'maxResults' failed to satisfy "
                        "constraint: Member must have value less than or equal to {}",
                        given.as_int(), most));
    return static_cast<size_t>(given.as_int());
}

// One page of names after the token, which is the last name of the page before.
template <class Keep, class Show>
aws::Reply page_of(ControlPlane& ssm, const aws::Call& call, const char* member, size_t most,
                   const std::string& prefix, Keep keep, Show show) {
    size_t limit = page_size(call, most);
    std::string token = base::from_base64(call.input["NextToken"].as_string()).value_or("");
    Node list = Node::array();
    aws::Reply reply;
    std::string last;
    for (const Parameter& parameter : ssm.store().all(prefix)) {
        if ((!token.empty() && parameter.name <= token) || !keep(parameter)) continue;
        if (list.size() == limit) {
            reply.output.set("NextToken", base::to_base64(last));
            break;
        }
        last = parameter.name;
        list.push_back(show(parameter));
    }
    reply.output.set(member, std::move(list));
    return reply;
}

bool passes(const Parameter& parameter, const Node& filter) {
    const std::string& key = filter["Key"].as_string();
    std::string option = filter["Option"].as_string();
    const std::string& actual = key == "Type"    ? parameter.type
                                : key == "KeyId" ? parameter.key_id
                                : key == "Tier"  ? parameter.tier
                                                 : parameter.name;
    const auto& values = filter["Values"].items();
    return std::any_of(values.begin(), values.end(), [&](const Node& value) {
        const std::string& text = value.as_string();
        if (key == "Path") {
            std::string below = text.ends_with('/') ? text : text + "/";
            return actual.starts_with(below) &&
                   (option == "Recursive" || actual.find('/', below.size()) == std::string::npos);
        }
        if (option == "BeginsWith" || (option.empty() && key == "Name" && filter.find("key")))
            return actual.starts_with(text);
        if (option == "Contains") return actual.find(text) != std::string::npos;
        return actual == text;
    });
}

bool passes_all(const Parameter& parameter, const aws::Call& call) {
    const auto& filters = call.input["ParameterFilters"].items();
    const auto& older = call.input["Filters"].items();
    return std::all_of(filters.begin(), filters.end(),
                       [&](const Node& filter) { return passes(parameter, filter); }) &&
           std::all_of(older.begin(), older.end(), [&](Node filter) {
               if (filter["Key"].as_string() == "Name") filter.set("Option", "BeginsWith");
               return passes(parameter, filter);
           });
}

aws::Reply get_parameters_by_path(ControlPlane& ssm, const aws::Call& call) {
    std::string path = required(call, "Path");
    if (!path.starts_with('/'))
        invalid(
            "The parameter doesn't meet the parameter name requirements. The parameter name must "
            "begin with a forward slash \"/\".");
    if (!path.ends_with('/')) path += '/';
    bool recursive = call.input["Recursive"].as_bool();
    auto below = [&](const Parameter& parameter) {
        return (recursive || parameter.name.find('/', path.size()) == std::string::npos) &&
               passes_all(parameter, call);
    };
    return page_of(ssm, call, "Parameters", 10, path, below, [&](const Parameter& parameter) {
        return to_node(ssm, parameter, call.input["WithDecryption"].as_bool());
    });
}

aws::Reply describe_parameters(ControlPlane& ssm, const aws::Call& call) {
    return page_of(
        ssm, call, "Parameters", 50, "",
        [&](const Parameter& parameter) { return passes_all(parameter, call); },
        [&](const Parameter& parameter) { return metadata(ssm, parameter); });
}

aws::Reply get_parameter_history(ControlPlane& ssm, const aws::Call& call) {
    Parameter latest = ssm.find(required(call, "Name"));
    Node list = Node::array();
    for (const Parameter& version : ssm.store().versions(latest.name)) {
        Node node = metadata(ssm, version);
        node.erase("ARN");
        node.set("Value", shown_value(version, call.input["WithDecryption"].as_bool()));
        Node labels = Node::array();
        for (const std::string& label : version.labels)
            labels.push_back(label);
        node.set("Labels", std::move(labels));
        list.push_back(std::move(node));
    }
    // AWS forgets the oldest beyond 100; here they stay in the table and are not shown.
    if (list.size() > kMaxVersions)
        list.items().erase(list.items().begin(), list.items().end() - kMaxVersions);
    aws::Reply reply;
    reply.output.set("Parameters", std::move(list));
    return reply;
}

aws::Reply delete_parameter(ControlPlane& ssm, const aws::Call& call) {
    if (!ssm.store().remove(required(call, "Name"))) throw aws::Error{400, "ParameterNotFound", ""};
    return {};
}

aws::Reply delete_parameters(ControlPlane& ssm, const aws::Call& call) {
    Node deleted = Node::array(), unknown = Node::array();
    for (const Node& name : call.input["Names"].items())
        (ssm.store().remove(name.as_string()) ? deleted : unknown).push_back(name);
    aws::Reply reply;
    reply.output = Node::object(
        {{"DeletedParameters", std::move(deleted)}, {"InvalidParameters", std::move(unknown)}});
    return reply;
}

aws::Reply label_version(ControlPlane& ssm, const aws::Call& call) {
    std::string name = ssm.find(required(call, "Name")).name;
    int64_t wanted = call.input["ParameterVersion"].as_int(ssm.store().latest(name)->version);
    bool found = false;
    for (Parameter version : ssm.store().versions(name)) {
        bool is_wanted = version.version == wanted;
        found |= is_wanted;
        for (const Node& label : call.input["Labels"].items()) {
            std::erase(version.labels, label.as_string());
            if (is_wanted) version.labels.push_back(label.as_string());
        }
        ssm.store().put(version);
    }
    if (!found)
        throw aws::Error{400, "ParameterVersionNotFound",
                         fmt::format("Systems Manager could not find version {} of {}. Verify the "
                                     "version and try again.",
                                     wanted, name)};
    aws::Reply reply;
    reply.output = Node::object({{"InvalidLabels", Node::array()}, {"ParameterVersion", wanted}});
    return reply;
}

std::string tagged_name(ControlPlane& ssm, const aws::Call& call) {
    if (required(call, "ResourceType") != "Parameter")
        throw aws::Error{400, "InvalidResourceType", "The resource type is not valid."};
    const std::string& name = required(call, "ResourceId");
    if (!ssm.store().latest(name))
        throw aws::Error{400, "InvalidResourceId", "The resource ID is not valid."};
    return name;
}

void erase_tag(Node& tags, std::string_view key) {
    std::erase_if(tags.items(), [&](const Node& tag) { return tag["Key"].as_string() == key; });
}

aws::Reply add_tags(ControlPlane& ssm, const aws::Call& call) {
    std::string name = tagged_name(ssm, call);
    Node tags = ssm.store().tags(name);
    for (const Node& tag : call.input["Tags"].items()) {
        erase_tag(tags, tag["Key"].as_string());
        tags.push_back(tag);
    }
    ssm.store().save_tags(name, tags);
    return {};
}

aws::Reply remove_tags(ControlPlane& ssm, const aws::Call& call) {
    std::string name = tagged_name(ssm, call);
    Node tags = ssm.store().tags(name);
    for (const Node& key : call.input["TagKeys"].items())
        erase_tag(tags, key.as_string());
    ssm.store().save_tags(name, tags);
    return {};
}

aws::Reply list_tags(ControlPlane& ssm, const aws::Call& call) {
    aws::Reply reply;
    reply.output.set("TagList", ssm.store().tags(tagged_name(ssm, call)));
    return reply;
}

constexpr Operation kOperations[] = {
    {"AddTagsToResource", add_tags},          {"DeleteParameter", delete_parameter},
    {"DeleteParameters", delete_parameters},  {"DescribeParameters", describe_parameters},
    {"GetParameter", get_parameter},          {"GetParameterHistory", get_parameter_history},
    {"GetParameters", get_parameters},        {"GetParametersByPath", get_parameters_by_path},
    {"LabelParameterVersion", label_version}, {"ListTagsForResource", list_tags},
    {"PutParameter", put_parameter},          {"RemoveTagsFromResource", remove_tags},
};

}  // namespace

const std::span<const Operation> parameter_operations = kOperations;

}  // namespace ssm
