// Task definitions: register, describe, list, deregister, delete.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "ecs/control_plane.h"

namespace ecs {
namespace {

aws::Reply register_task_definition(ControlPlane& ecs, const aws::Call& call) {
    const TaskDefinition& definition =
        ecs.register_definition(call.input, call.caller.arn, call.input["tags"]);
    aws::Reply reply;
    reply.output.set("taskDefinition", to_node(ecs.arns(), definition));
    if (definition.tags.size() > 0) reply.output.set("tags", definition.tags);
    return reply;
}

TaskDefinition& described(ControlPlane& ecs, const aws::Call& call) {
    TaskDefinition* definition = ecs.find_task_definition(required(call, "taskDefinition"));
    if (!definition) refused("Unable to describe task definition.");
    return *definition;
}

aws::Reply describe_task_definition(ControlPlane& ecs, const aws::Call& call) {
    const TaskDefinition& definition = described(ecs, call);
    aws::Reply reply;
    reply.output.set("taskDefinition", to_node(ecs.arns(), definition));
    if (includes(call, "TAGS"))
        reply.output.set("tags", definition.tags.is_array() ? definition.tags : Node::array());
    return reply;
}

aws::Reply deregister_task_definition(ControlPlane& ecs, const aws::Call& call) {
    const std::string& reference = required(call, "taskDefinition");
    if (reference.find(':', reference.rfind('/') == std::string::npos ? 0 : reference.rfind('/')) ==
        std::string::npos)
        invalid("Revision is required");  // GUESS: the words
    TaskDefinition& definition = described(ecs, call);
    if (definition.status == TaskDefinition::Status::Active) {
        definition.status = TaskDefinition::Status::Inactive;
        definition.deregistered_at = call.now;
        ecs.changed(definition);
    }
    aws::Reply reply;
    reply.output.set("taskDefinition", to_node(ecs.arns(), definition));
    return reply;
}

// Deleted revisions stay known as DELETE_IN_PROGRESS: their numbers are not used again.
aws::Reply delete_task_definitions(ControlPlane& ecs, const aws::Call& call) {
    const auto& wanted = call.input["taskDefinitions"].items();
    if (wanted.empty() || wanted.size() > 10)
        invalid("taskDefinitions must contain 1 to 10 items.");
    Node deleted = Node::array(), failures = Node::array();
    for (const Node& item : wanted) {
        TaskDefinition* definition = ecs.find_task_definition(item.as_string());
        if (!definition || definition->status == TaskDefinition::Status::Active) {
            Node one = failure(item.as_string(),
                               definition ? "The specified task definition is still in ACTIVE "
                                            "status. Please deregister the target and try again."
                                          : "The specified task definition does not exist. Specify "
                                            "a valid account, family, revision and try again.");
            failures.push_back(std::move(one));
            continue;
        }
        definition->status = TaskDefinition::Status::DeleteInProgress;
        ecs.changed(*definition);
        deleted.push_back(to_node(ecs.arns(), *definition));
    }
    aws::Reply reply;
    reply.output =
        Node::object({{"taskDefinitions", std::move(deleted)}, {"failures", std::move(failures)}});
    return reply;
}

TaskDefinition::Status wanted_status(const aws::Call& call) {
    const std::string& status = call.input["status"].as_string();
    if (status == "INACTIVE") return TaskDefinition::Status::Inactive;
    if (status == "DELETE_IN_PROGRESS") return TaskDefinition::Status::DeleteInProgress;
    return TaskDefinition::Status::Active;
}

aws::Reply list_task_definitions(ControlPlane& ecs, const aws::Call& call) {
    const std::string& family = call.input["familyPrefix"].as_string();
    std::vector<std::string> arns;
    for (const auto& [name, revisions] : ecs.state().families) {
        if (!family.empty() && name != family) continue;
        for (const auto& [revision, definition] : revisions)
            if (definition.status == wanted_status(call))
                arns.push_back(ecs.arns().task_definition(definition.name()));
    }
    if (call.input["sort"].as_string() == "DESC") std::reverse(arns.begin(), arns.end());
    return page_of(call, "taskDefinitionArns", arns);
}

aws::Reply list_families(ControlPlane& ecs, const aws::Call& call) {
    const std::string& prefix = call.input["familyPrefix"].as_string();
    const std::string& status = call.input["status"].as_string();
    std::vector<std::string> names;
    for (const auto& [name, revisions] : ecs.state().families) {
        bool active = std::any_of(revisions.begin(), revisions.end(), [](const auto& entry) {
            return entry.second.status == TaskDefinition::Status::Active;
        });
        if (name.starts_with(prefix) &&
            (status.empty() || status == "ALL" || active == (status == "ACTIVE")))
            names.push_back(name);
    }
    return page_of(call, "families", names);
}

constexpr Operation kOperations[] = {
    {"DeleteTaskDefinitions", delete_task_definitions},
    {"DeregisterTaskDefinition", deregister_task_definition},
    {"DescribeTaskDefinition", describe_task_definition},
    {"ListTaskDefinitionFamilies", list_families},
    {"ListTaskDefinitions", list_task_definitions},
    {"RegisterTaskDefinition", register_task_definition},
};

}  // namespace

const std::span<const Operation> task_definition_operations = kOperations;

}  // namespace ecs
