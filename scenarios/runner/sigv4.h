// SigV4, the client's side, from texts alone. Source: "Signing AWS API requests" (IAM user guide).
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace scenarios {

struct SigningKey {
    std::string access_key, secret_key, region, service;
};

// Headers to add: X-Amz-Date, X-Amz-Content-Sha256, Authorization. `path` is as it is sent,
// percent-encoded once, without its query; S3 signs it so, the others encode it once more.
// `headers` are signed with the request and include host.
std::vector<std::pair<std::string, std::string>> sign(
    const SigningKey& key, std::string_view method, std::string_view path, std::string_view query,
    const std::vector<std::pair<std::string, std::string>>& headers, std::string_view body,
    base::Time now);

}  // namespace scenarios
