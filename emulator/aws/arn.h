// ARNs.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace aws {

struct Arn {
    std::string partition, service, region, account, resource;
    std::string to_string() const;
};
std::optional<Arn> parse_arn(std::string_view text);
std::string make_arn(std::string_view service, std::string_view region, std::string_view account,
                     std::string_view resource);

}  // namespace aws
