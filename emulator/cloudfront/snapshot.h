// Snapshot: what the request path reads: every distribution compiled from its document, found by
// host. A request takes one snapshot and keeps it to the end.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/published.h"
#include "cloudfront/distribution_match.h"
#include "cloudfront/model.h"
#include "cloudfront/store.h"

namespace cloudfront {

struct EdgeSnapshot {
    HostTable hosts;
    std::map<std::string, std::shared_ptr<const Distribution>, std::less<>> by_id;
};

// Finds a resource (managed ones included) while compiling.
using ResourceLookup =
    std::function<std::optional<Resource>(std::string_view kind, std::string_view id)>;

// `config` is a normalized DistributionConfig that passed the checks.
Distribution compile_distribution(const Resource& resource, std::string_view arn,
                                  std::string_view domain_name, std::string_view name,
                                  const ResourceLookup& lookup);

CachePolicy compile_cache_policy(const Resource& resource);
OriginRequestPolicy compile_origin_request_policy(const Resource& resource);
ResponseHeadersPolicy compile_response_headers_policy(const Resource& resource);

// The members of a {Quantity, Items} list.
std::vector<std::string> texts(const base::Node& list);

// "bucket.s3.eu-west-1.amazonaws.com" and the other REST spellings: the region, "" for the global
// name; nothing for any other host.
std::optional<std::string> s3_host_region(std::string_view domain_name);

}  // namespace cloudfront
