// See operations.h. CloudFront API reference, "Using ETag and If-Match", "Pagination".
#include "cloudfront/api/operations.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/error.h"
#include "base/text.h"

namespace cloudfront {

using base::Node;

const Node& body_of(const aws::Call& call) {
    if (call.input.is_null() ||
        (call.input.is_string() && base::trim(call.input.as_string()).empty()))
        throw aws::Error(400, "MissingBody",
                         "This operation requires a body. Ensure that the body is present and the "
                         "Content-Type header is set.");
    return call.input;
}

aws::Reply reply(int status, std::string root, Node output) {
    aws::Reply reply;
    reply.status = status;
    reply.root = std::move(root);
    reply.output = std::move(output);
    return reply;
}

aws::Reply with_etag(std::string root, Node output, const Resource& resource) {
    aws::Reply answer = reply(200, std::move(root), std::move(output));
    answer.headers.add("ETag", resource.etag());
    return answer;
}

aws::Reply created(std::string root, Node output, const Resource& resource, std::string_view path) {
    aws::Reply answer = with_etag(std::move(root), std::move(output), resource);
    answer.status = 201;
    answer.headers.add("Location", fmt::format("https://cloudfront.amazonaws.com/2020-05-31/{}/{}",
                                               path, resource.id));
    return answer;
}

aws::Reply no_content(int status) {
    aws::Reply answer;
    answer.status = status;
    return answer;
}

void check_if_match(const aws::Call& call, const Resource& resource) {
    std::string_view sent = call.headers().get("If-Match");
    if (!looks_like_etag(sent))
        throw aws::Error(400, "InvalidIfMatchVersion",
                         "The If-Match version is missing or not valid for the resource.");
    if (sent != resource.etag())
        throw aws::Error(412, "PreconditionFailed",
                         "The request failed because it didn't meet the preconditions in one or "
                         "more request-header fields.");
}

Page paginate(const aws::Call& call, const std::vector<std::pair<std::string, Node>>& all) {
    Page page;
    page.marker = call.query_value("Marker");
    if (std::string_view text = call.query_value("MaxItems"); !text.empty()) {
        auto number = base::parse_unsigned(text);
        if (!number || *number == 0)
            throw aws::Error(400, "InvalidArgument", "The parameter MaxItems is invalid.");
        page.max_items = static_cast<int64_t>(std::min<uint64_t>(*number, 1000));
    }
    auto at = all.begin();
    if (!page.marker.empty()) {
        at = std::ranges::find(all, page.marker, &std::pair<std::string, Node>::first);
        if (at != all.end()) ++at;
    }
    for (; at != all.end(); ++at) {
        if (static_cast<int64_t>(page.items.size()) == page.max_items) {
            page.truncated = true;
            page.next_marker = std::prev(at)->first;
            break;
        }
        page.items.push_back(at->second);
    }
    return page;
}

Node list_node(const Page& page) {
    Node node = Node::object({{"Marker", page.marker}});
    if (page.truncated) node.set("NextMarker", page.next_marker);
    node.set("MaxItems", page.max_items);
    node.set("IsTruncated", page.truncated);
    node.set("Quantity", static_cast<int64_t>(page.items.size()));
    if (page.items.size() > 0) node.set("Items", page.items);
    return node;
}

Node short_list_node(const Page& page) {
    Node node = Node::object();
    if (page.truncated) node.set("NextMarker", page.next_marker);
    node.set("MaxItems", page.max_items);
    node.set("Quantity", static_cast<int64_t>(page.items.size()));
    if (page.items.size() > 0) node.set("Items", page.items);
    return node;
}

Node items_node(const std::vector<std::string>& items) {
    Node node = Node::object({{"Quantity", static_cast<int64_t>(items.size())}});
    if (items.empty()) return node;
    Node list = Node::array();
    for (const std::string& item : items)
        list.push_back(item);
    node.set("Items", list);
    return node;
}

std::string random_id(char prefix, size_t digits) {
    std::string id(1, prefix);
    while (id.size() <= digits)
        id += base::Ids::kUpperAlnum[base::random_below(base::Ids::kUpperAlnum.size())];
    return id;
}

}  // namespace cloudfront
