// Rule actions: where a redirect goes, and which group a weighted forward picks. Pure.
#pragma once
#include <string>
#include <string_view>

#include "elbv2/model.h"
#include "elbv2/snapshot.h"

namespace elbv2 {

struct RedirectFacts {
    Protocol protocol = Protocol::Http;
    std::string_view host;  // without port
    uint16_t port = 80;     // the listener's declared port
    std::string_view path, query;
};

// Always with an explicit port; the `?` only before a query that is not empty.
std::string redirect_location(const RedirectAction& action, const RedirectFacts& facts);

struct GroupChoice {
    const RoutedForward* forward = nullptr;  // null: every weight is 0
    std::string why;
};
// `pinned_group` is the ARN a valid AWSALBTG cookie names, "" if none; `roll` is any random number.
GroupChoice choose_group(const RoutedRule& rule, std::string_view pinned_group, uint64_t roll);

}  // namespace elbv2
