// ARNs. IAM guide, "Identify AWS resources with ARNs": six parts, the last one with colons of its
// own.
#include "aws/arn.h"

#include <array>

#include "base/text.h"

namespace aws {

std::string Arn::to_string() const {
    return "arn:" + partition + ":" + service + ":" + region + ":" + account + ":" + resource;
}

std::optional<Arn> parse_arn(std::string_view text) {
    std::array<std::string_view, 5> parts;
    for (auto& part : parts) {
        size_t colon = text.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        part = text.substr(0, colon);
        text.remove_prefix(colon + 1);
    }
    if (parts[0] != "arn" || parts[1].empty() || parts[2].empty() || text.empty())
        return std::nullopt;
    return Arn{std::string(parts[1]), std::string(parts[2]), std::string(parts[3]),
               std::string(parts[4]), std::string(text)};
}

std::string make_arn(std::string_view service, std::string_view region, std::string_view account,
                     std::string_view resource) {
    return Arn{"aws", std::string(service), std::string(region), std::string(account),
               std::string(resource)}
        .to_string();
}

}  // namespace aws
