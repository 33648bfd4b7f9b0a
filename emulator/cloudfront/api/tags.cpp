// Tags of distributions. API reference, "TagResource", "UntagResource", "ListTagsForResource".
#include <algorithm>

#include "aws/error.h"
#include "cloudfront/api/operations.h"
#include "cloudfront/shapes.h"

namespace cloudfront {

using base::Node;

namespace {

std::string resource_arn(ControlPlane& control, const aws::Call& call) {
    std::string arn(call.query_value("Resource"));
    size_t slash = arn.rfind('/');
    std::string id = slash == std::string::npos ? "" : arn.substr(slash + 1);
    if (id.empty() || arn != control.arn(kDistributionKind, id) ||
        !control.store().find(kDistributionKind, id))
        throw aws::Error(404, "NoSuchResource", "The specified resource does not exist.");
    return arn;
}

aws::Reply list_tags(ControlPlane& control, const aws::Call& call) {
    Node items = Node::array();
    for (const auto& [key, value] : control.store().tags(resource_arn(control, call)))
        items.push_back(Node::object({{"Key", key}, {"Value", value}}));
    return reply(200, "Tags", Node::object({{"Items", items}}));
}

aws::Reply tag_resource(ControlPlane& control, const aws::Call& call) {
    set_tags(control, resource_arn(control, call), body_of(call));
    return no_content();
}

aws::Reply untag_resource(ControlPlane& control, const aws::Call& call) {
    std::string arn = resource_arn(control, call);
    Node keys = normalize(kTagKeysShape, body_of(call));
    for (const Node& key : keys["Items"].items())
        control.store().remove_tag(arn, key.as_string());
    return no_content();
}

constexpr Operation kOperations[] = {
    {"ListTagsForResource", list_tags, "GET", "/2020-05-31/tagging"},
    {"TagResource", tag_resource, "POST", "/2020-05-31/tagging", "Operation=Tag"},
    {"UntagResource", untag_resource, "POST", "/2020-05-31/tagging", "Operation=Untag"},
};

}  // namespace

void set_tags(ControlPlane& control, std::string_view arn, const Node& input) {
    Node tags = normalize(kTagsShape, input);
    if (tags["Items"].size() > 50)
        throw aws::Error(400, "InvalidTagging", "The tagging specified is not valid.");
    for (const Node& tag : tags["Items"].items()) {
        const std::string& key = tag["Key"].as_string();
        if (key.empty() || key.size() > 128 || key.starts_with("aws:") ||
            tag["Value"].as_string().size() > 256)
            throw aws::Error(400, "InvalidTagging", "The tagging specified is not valid.");
        control.store().set_tag(arn, key, tag["Value"].as_string());
    }
}

const std::span<const Operation> tag_operations = kOperations;

}  // namespace cloudfront
