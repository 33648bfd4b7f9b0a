// Distributions of the stack file: what a behaviour forwards, keeps, and answers for.
#include <fmt/format.h>

#include "scenarios/checks/rules/common.h"

namespace checks {
namespace {

using base::Node;

constexpr std::string_view kCachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
constexpr std::string_view kCachingOptimized = "658327ea-f89d-4fab-a63d-7e88639e58f6";
constexpr std::string_view kOptimizedUncompressed = "b2884449-e4de-46a7-ac36-70bc7f1ddd6d";

bool takes_writes(const Node& behaviour) {
    for (const Node& method : behaviour["AllowedMethods"]["Items"].items())
        if (method.as_string() == "POST") return true;
    return false;
}

}  // namespace

void wide_error_page(const Project& project, Report& report) {
    for (const Behaviour& one : behaviours_of(project.stack)) {
        if (one.bucket || !takes_writes(*one.node)) continue;
        for (const Node& page : (*one.config)["CustomErrorResponses"]["Items"].items())
            if (page["ErrorCode"].as_int() >= 400 && page["ResponseCode"].as_string() == "200") {
                report
                    .add(project.stack_file, page.position(),
                         fmt::format("distributions.{}: the API's {} becomes 200 with {}",
                                     one.distribution, page["ErrorCode"].as_int(),
                                     page["ResponsePagePath"].as_string()))
                    .about = one.distribution;
                break;
            }
    }
}

void not_forwarded(const Project& project, Report& report) {
    for (const Behaviour& one : behaviours_of(project.stack)) {
        if (one.bucket || !takes_writes(*one.node) || one.node->find("OriginRequestPolicyId") ||
            one.node->find("ForwardedValues"))
            continue;
        const std::string& policy = (*one.node)["CachePolicyId"].as_string();
        if (policy != kCachingDisabled && policy != kCachingOptimized &&
            policy != kOptimizedUncompressed)
            continue;
        report
            .add(project.stack_file, one.node->position(),
                 fmt::format("distributions.{}, behaviour {}: Authorization, cookies, the query "
                             "and CORS headers "
                             "do not reach the origin",
                             one.distribution, one.path))
            .about = one.distribution;
    }
}

void cached_api(const Project& project, Report& report) {
    for (const Behaviour& one : behaviours_of(project.stack)) {
        if (one.bucket || !takes_writes(*one.node)) continue;
        const Node& policy = (*one.node)["CachePolicyId"];
        if (policy.as_string() == kCachingOptimized || policy.as_string() == kOptimizedUncompressed)
            report
                .add(project.stack_file, policy.position(),
                     fmt::format("distributions.{}, behaviour {}: the API's answers are kept "
                                 "under a key without "
                                 "the user",
                                 one.distribution, one.path))
                .about = one.distribution;
    }
}

void deep_links(const Project& project, Report& report) {
    for (const Behaviour& one : behaviours_of(project.stack)) {
        if (!one.bucket || one.path != "*" ||
            (*one.config)["DefaultRootObject"].as_string().empty())
            continue;
        if ((*one.config)["CustomErrorResponses"]["Items"].size() ||
            (*one.node)["FunctionAssociations"]["Items"].size())
            continue;
        const Node& pages = (*one.config)["CustomErrorResponses"];
        report
            .add(project.stack_file,
                 pages.position().line ? pages.position() : one.node->position(),
                 fmt::format("distributions.{}: a deep link gets the bucket's AccessDenied XML "
                             "instead of {}",
                             one.distribution, (*one.config)["DefaultRootObject"].as_string()))
            .about = one.distribution;
    }
}

}  // namespace checks
