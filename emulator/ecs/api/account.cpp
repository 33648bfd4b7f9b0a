// Account settings, and tags of every kind of resource.
#include <algorithm>
#include <map>

#include "ecs/control_plane.h"
#include "ecs/limits.h"

namespace ecs {
namespace {

const std::map<std::string, std::string> kDefaults = {{"awsvpcTrunking", "disabled"},
                                                      {"containerInsights", "disabled"},
                                                      {"containerInstanceLongArnFormat", "enabled"},
                                                      {"dualStackIPv6", "enabled"},
                                                      {"fargateFIPSMode", "disabled"},
                                                      {"fargateTaskRetirementWaitPeriod", "7"},
                                                      {"guardDutyActivate", "off"},
                                                      {"serviceLongArnFormat", "enabled"},
                                                      {"tagResourceAuthorization", "off"},
                                                      {"taskLongArnFormat", "enabled"},
                                                      {"defaultLogDriverMode", "non-blocking"}};

Node setting_node(const ControlPlane& ecs, const std::string& name, const std::string& value) {
    return Node::object({{"name", name},
                         {"value", value},
                         {"principalArn", ecs.arns().user("")},
                         {"type", "user"}});
}

aws::Reply list_account_settings(ControlPlane& ecs, const aws::Call& call) {
    const std::string &wanted = call.input["name"].as_string(),
                      &value = call.input["value"].as_string();
    std::map<std::string, std::string> settings = ecs.state().settings;
    if (call.input["effectiveSettings"].as_bool())
        settings.insert(kDefaults.begin(), kDefaults.end());
    Node list = Node::array();
    for (const auto& [name, current] : settings)
        if ((wanted.empty() || wanted == name) && (value.empty() || value == current))
            list.push_back(setting_node(ecs, name, current));
    aws::Reply reply;
    reply.output.set("settings", std::move(list));
    return reply;
}

aws::Reply put_account_setting(ControlPlane& ecs, const aws::Call& call) {
    const std::string& name = required(call, "name");
    if (!kDefaults.contains(name)) invalid("Invalid account setting name.");  // GUESS: the words
    ecs.put_setting(name, required(call, "value"));
    aws::Reply reply;
    reply.output.set("setting", setting_node(ecs, name, call.input["value"].as_string()));
    return reply;
}

// The tags of what an ARN names, and how to keep them.
struct Tagged {
    Node* tags = nullptr;
    Cluster* cluster = nullptr;
    TaskDefinition* definition = nullptr;
    Service* service = nullptr;
    Task* task = nullptr;
};

Tagged tagged(ControlPlane& ecs, const aws::Call& call) {
    const std::string& arn = required(call, "resourceArn");
    size_t kind_at = arn.rfind(':', arn.find('/'));
    std::string resource = kind_at == std::string::npos ? "" : arn.substr(kind_at + 1);
    auto part = [&](size_t wanted) {
        size_t from = 0;
        for (size_t i = 0; i < wanted; ++i)
            from = resource.find('/', from) + 1;
        return resource.substr(from, resource.find('/', from) - from);
    };
    Tagged found;
    std::string kind = part(0);
    if (kind == "cluster") {
        auto it = ecs.state().clusters.find(part(1));
        if (it != ecs.state().clusters.end()) found = {&it->second.tags, &it->second};
    } else if (kind == "task-definition") {
        if ((found.definition = ecs.find_task_definition(arn)))
            found.tags = &found.definition->tags;
    } else if (kind == "service" && std::count(resource.begin(), resource.end(), '/') == 2) {
        if ((found.service = ecs.find_service(part(1), part(2)))) found.tags = &found.service->tags;
    } else if (kind == "task" && std::count(resource.begin(), resource.end(), '/') == 2) {
        if ((found.task = ecs.find_task(part(1), part(2)))) found.tags = &found.task->tags;
    }
    if (!found.tags)
        invalid("The specified resource ARN is invalid or does not exist: " +
                arn);  // GUESS: the words
    return found;
}

void keep(ControlPlane& ecs, const Tagged& found) {
    if (found.cluster) ecs.changed(*found.cluster);
    if (found.definition) ecs.changed(*found.definition);
    if (found.service) ecs.changed(*found.service);
    if (found.task) ecs.changed(*found.task);
}

void erase_tag(Node& tags, const std::string& key) {
    std::erase_if(tags.items(), [&](const Node& tag) { return tag["key"].as_string() == key; });
}

aws::Reply tag_resource(ControlPlane& ecs, const aws::Call& call) {
    Tagged found = tagged(ecs, call);
    if (!found.tags->is_array()) *found.tags = Node::array();
    for (const Node& tag : call.input["tags"].items()) {
        erase_tag(*found.tags, tag["key"].as_string());
        found.tags->push_back(tag);
    }
    if (found.tags->size() > kMaxTags) invalid("The number of tags exceeds the limit of 50.");
    keep(ecs, found);
    return {};
}

aws::Reply untag_resource(ControlPlane& ecs, const aws::Call& call) {
    Tagged found = tagged(ecs, call);
    for (const Node& key : call.input["tagKeys"].items())
        erase_tag(*found.tags, key.as_string());
    keep(ecs, found);
    return {};
}

aws::Reply list_tags(ControlPlane& ecs, const aws::Call& call) {
    Tagged found = tagged(ecs, call);
    aws::Reply reply;
    reply.output.set("tags", found.tags->is_array() ? *found.tags : Node::array());
    return reply;
}

constexpr Operation kOperations[] = {
    {"ListAccountSettings", list_account_settings},
    {"ListTagsForResource", list_tags},
    {"PutAccountSetting", put_account_setting},
    {"PutAccountSettingDefault", put_account_setting},
    {"TagResource", tag_resource},
    {"UntagResource", untag_resource},
};

}  // namespace

const std::span<const Operation> account_operations = kOperations;

}  // namespace ecs
