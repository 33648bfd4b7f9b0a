// Tags on every resource. API reference: AddTags, RemoveTags, DescribeTags.
#include "elbv2/api/input.h"
#include "elbv2/api/lookup.h"
#include "elbv2/api/operations.h"
#include "elbv2/shapes.h"

namespace elbv2 {
namespace {

using base::Node;

constexpr size_t kMaxResources = 20;
constexpr size_t kMaxTags = 50;

std::vector<std::string> resources(const Node& input) {
    auto arns = names(input, "ResourceArns");
    if (arns.empty()) invalid("A list of resource ARNs must be specified");
    if (arns.size() > kMaxResources) invalid("At most 20 resources may be named in one call");
    return arns;
}

template <class Noun, class Change>
void change(ControlPlane& elb, Noun noun, Change& change_tags) {
    change_tags(noun.tags);
    if (noun.tags.size() > kMaxTags) fail("TooManyTags", "A resource can have at most 50 tags");
    elb.store().put(noun);
}

// `visit` sees (and may edit) the tags of whatever the ARN names.
template <class Visit>
void with_tags(ControlPlane& elb, const std::string& arn, Visit visit) {
    if (arn.find(":loadbalancer/") != std::string::npos)
        return change(elb, need_load_balancer(elb, arn), visit);
    if (arn.find(":targetgroup/") != std::string::npos)
        return change(elb, need_target_group(elb, arn), visit);
    if (arn.find(":listener/") != std::string::npos)
        return change(elb, need_listener(elb, arn), visit);
    if (arn.find(":listener-rule/") != std::string::npos)
        return change(elb, need_rule(elb, arn), visit);
    invalid("'" + arn + "' is not a valid resource ARN");
}

Tags tags_of(ControlPlane& elb, const std::string& arn) {
    if (arn.find(":loadbalancer/") != std::string::npos) return need_load_balancer(elb, arn).tags;
    if (arn.find(":targetgroup/") != std::string::npos) return need_target_group(elb, arn).tags;
    if (arn.find(":listener/") != std::string::npos) return need_listener(elb, arn).tags;
    if (arn.find(":listener-rule/") != std::string::npos) return need_rule(elb, arn).tags;
    invalid("'" + arn + "' is not a valid resource ARN");
}

aws::Reply add_tags(ControlPlane& elb, const aws::Call& call) {
    Tags added = tags_from(call.input["Tags"]);
    for (const std::string& arn : resources(call.input))
        with_tags(elb, arn, [&](Tags& tags) {
            for (const auto& [key, value] : added)
                tags[key] = value;
        });
    return reply();
}

aws::Reply remove_tags(ControlPlane& elb, const aws::Call& call) {
    auto keys = names(call.input, "TagKeys");
    for (const std::string& arn : resources(call.input))
        with_tags(elb, arn, [&](Tags& tags) {
            for (const std::string& key : keys)
                tags.erase(key);
        });
    return reply();
}

aws::Reply describe_tags(ControlPlane& elb, const aws::Call& call) {
    Node list = Node::array();
    for (const std::string& arn : resources(call.input))
        list.push_back(Node::object({{"ResourceArn", arn}, {"Tags", to_node(tags_of(elb, arn))}}));
    return reply(Node::object({{"TagDescriptions", list}}));
}

constexpr Operation kOperations[] = {
    {"AddTags", add_tags},
    {"RemoveTags", remove_tags},
    {"DescribeTags", describe_tags},
};

}  // namespace

const std::span<const Operation> tag_operations = kOperations;

}  // namespace elbv2
