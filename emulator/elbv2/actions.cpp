// See actions.h. alb.md §8.
#include "elbv2/actions.h"

#include "base/text.h"

namespace elbv2 {
namespace {

std::string expand(std::string_view text, const RedirectFacts& facts) {
    if (text.find("#{") == std::string_view::npos) return std::string(text);
    std::string_view path = facts.path.starts_with('/') ? facts.path.substr(1) : facts.path;
    std::string out = base::replace_all(text, "#{protocol}", name_of(facts.protocol));
    out = base::replace_all(out, "#{port}", std::to_string(facts.port));
    out = base::replace_all(out, "#{host}", facts.host);
    // The client's own text comes last, so that what it contains is not expanded again.
    std::string result;
    for (std::string_view rest = out;;) {
        size_t at = rest.find("#{");
        result.append(rest.substr(0, at));
        if (at == std::string_view::npos) return result;
        rest.remove_prefix(at);
        if (rest.starts_with("#{path}"))
            result.append(path), rest.remove_prefix(7);
        else if (rest.starts_with("#{query}"))
            result.append(facts.query), rest.remove_prefix(8);
        else
            result.append("#{"), rest.remove_prefix(2);
    }
}

}  // namespace

std::string redirect_location(const RedirectAction& action, const RedirectFacts& facts) {
    std::string location = base::lower(expand(action.protocol, facts));
    location.append("://").append(expand(action.host, facts));
    location.append(":").append(expand(action.port, facts));
    location.append(expand(action.path, facts));
    std::string query = expand(action.query, facts);
    if (!query.empty()) location.append("?").append(query);
    return location;
}

GroupChoice choose_group(const RoutedRule& rule, std::string_view pinned_group, uint64_t roll) {
    const auto& forwards = rule.forwards;
    if (!pinned_group.empty()) {
        for (const RoutedForward& forward : forwards)
            if (forward.group && forward.group->group.arn == pinned_group)
                return {&forward, "named by the AWSALBTG cookie"};
    }
    if (forwards.size() == 1) {
        if (forwards[0].weight == 0) return {nullptr, "its weight is 0"};
        return {&forwards[0], {}};
    }
    uint64_t total = 0;
    for (const RoutedForward& forward : forwards)
        total += static_cast<uint64_t>(forward.weight);
    if (total == 0) return {nullptr, "every group has weight 0"};
    // No failover: the group that the weights pick answers, empty or not.
    uint64_t at = roll % total;
    for (const RoutedForward& forward : forwards) {
        uint64_t weight = static_cast<uint64_t>(forward.weight);
        if (at < weight)
            return {&forward, "weight " + std::to_string(weight) + " of " + std::to_string(total)};
        at -= weight;
    }
    return {nullptr, {}};
}

}  // namespace elbv2
