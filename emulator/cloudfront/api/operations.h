// The operations of each file in api/, and small things they share.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cloudfront/control_plane.h"

namespace cloudfront {

extern const std::span<const Operation> distribution_operations;
extern const std::span<const Operation> invalidation_operations;
extern const std::span<const Operation> policy_operations;
extern const std::span<const Operation> origin_access_operations;
extern const std::span<const Operation> key_operations;
extern const std::span<const Operation> tag_operations;
extern const std::span<const Operation> listing_operations;

// Every operation of the service model: "Name METHOD /uri".
extern const std::string_view known_operations;

// The tree a request carries; throws MissingBody when there is none.
const base::Node& body_of(const aws::Call& call);

aws::Reply reply(int status, std::string root, base::Node output);
aws::Reply created(std::string root, base::Node output, const Resource& resource,
                   std::string_view path);
aws::Reply with_etag(std::string root, base::Node output, const Resource& resource);
aws::Reply no_content(int status = 204);

// If-Match against the resource's revision: missing or malformed 400, stale 412.
void check_if_match(const aws::Call& call, const Resource& resource);

// Marker and MaxItems over a list of output nodes with their ids.
struct Page {
    base::Node items = base::Node::array();
    std::string marker, next_marker;
    int64_t max_items = 100;
    bool truncated = false;
};
Page paginate(const aws::Call& call, const std::vector<std::pair<std::string, base::Node>>& all);
base::Node list_node(const Page& page);                        // with Marker, IsTruncated …
base::Node short_list_node(const Page& page);                  // policies, keys: without
base::Node items_node(const std::vector<std::string>& items);  // {Quantity, Items}

std::string random_id(char prefix, size_t digits);  // upper case letters and digits
void set_tags(ControlPlane& control, std::string_view arn, const base::Node& tags);

}  // namespace cloudfront
