// Rules: what CloudFront refuses in a configuration, with its codes and, where known, its texts.
// API reference, "Errors" of CreateDistribution and the policies' create operations. All throw
// aws::Error.
#pragma once
#include "base/json.h"
#include "cloudfront/snapshot.h"

namespace cloudfront {

[[noreturn]] void invalid(std::string code, std::string message);  // 400
[[noreturn]] void invalid_argument(std::string message);
// No value of a header has them.
bool has_control_characters(std::string_view text);

void check_distribution(const base::Node& config, const ResourceLookup& lookup);

// Fill in the policies' TTL defaults (raised to the TTL below) before the checks.
void complete_cache_policy(base::Node& config);
// The parts whose defaults depend on others: methods, certificate, legacy TTLs.
void complete_distribution(base::Node& config);

void check_cache_policy(const base::Node& config);
void check_origin_request_policy(const base::Node& config);
void check_response_headers_policy(const base::Node& config);
void check_origin_access_control(const base::Node& config);
void check_public_key(const base::Node& config);
void check_key_group(const base::Node& config, const ResourceLookup& lookup);
void check_invalidation_paths(const std::vector<std::string>& paths);

}  // namespace cloudfront
