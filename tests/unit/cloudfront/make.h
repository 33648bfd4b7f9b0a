// Distributions for tests, compiled from the JSON that production would hold. What a test leaves
// out is the checklist's D: one custom origin, GET and HEAD, CachingOptimized.
#pragma once
#include <stdexcept>
#include <string>

#include "aws/error.h"
#include "base/json.h"
#include "cloudfront/managed_policies.h"
#include "cloudfront/rules.h"
#include "cloudfront/shapes.h"
#include "cloudfront/snapshot.h"

namespace cloudfront::test {

inline base::Node json(std::string_view text) {
    auto node = base::parse_json(text, base::JsonDialect::WithComments);
    if (!node) throw std::runtime_error(node.error().message + ": " + std::string(text));
    return *node;
}

inline constexpr std::string_view kOptimized = "658327ea-f89d-4fab-a63d-7e88639e58f6";
inline constexpr std::string_view kDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
inline constexpr std::string_view kAllViewer = "216adef6-5c7f-47e4-b989-5492eafa07d3";
inline constexpr std::string_view kAllViewerExceptHost = "b689b0a8-53d0-40ab-baf2-68738e2966ac";

// D, with the members of `changes` put in place of its own ("DefaultCacheBehavior": only the given
// ones).
inline base::Node distribution_config(std::string_view changes = "{}") {
    base::Node config = json(R"({
        "CallerReference": "d", "Comment": "", "Enabled": true,
        "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "origin.example.com",
            "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}}]},
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6"}})");
    const base::Node changed = json(changes);
    for (const auto& [name, value] : changed.members()) {
        if (name == "DefaultCacheBehavior")
            for (const auto& [member, inner] : value.members()) {
                if (inner.is_null())
                    config.find(name)->erase(member);
                else
                    config.find(name)->set(member, inner);
            }
        else
            config.set(name, value);
    }
    return config;
}

// Custom policies by id, beside the managed ones.
struct Policies {
    std::vector<Resource> resources;
    void add(std::string_view kind, std::string id, const Shape& shape, std::string_view config) {
        Resource resource;
        resource.kind = kind;
        resource.id = id;
        resource.name = id;
        resource.config = normalize(shape, json(config));
        if (kind == kCachePolicyKind) complete_cache_policy(resource.config);
        resources.push_back(std::move(resource));
    }
    ResourceLookup lookup() const {
        return [this](std::string_view kind, std::string_view id) -> std::optional<Resource> {
            for (const Resource& resource : resources)
                if (resource.kind == kind && resource.id == id) return resource;
            if (const Resource* managed = find_managed_policy(kind, id)) return *managed;
            return std::nullopt;
        };
    }
};

inline Distribution make_distribution(std::string_view changes = "{}",
                                      const Policies& policies = {}) {
    base::Node config = normalize(kDistributionConfigShape, distribution_config(changes));
    complete_distribution(config);
    check_distribution(config, policies.lookup());
    Resource resource;
    resource.kind = kDistributionKind;
    resource.id = "EDIST";
    resource.name = "d111111abcdef8.cloudfront.net";
    resource.config = config;
    return compile_distribution(resource, "arn:aws:cloudfront::000000000000:distribution/EDIST",
                                resource.name, "d", policies.lookup());
}

// "cache policy with these parameters", under the id "p".
inline Policies cache_policy(std::string_view config) {
    Policies policies;
    policies.add(kCachePolicyKind, "p", kCachePolicyConfigShape, config);
    return policies;
}

// A request and what it is to the decisions.
struct Request {
    http::RequestHead head;
    ViewerRequest view;
    explicit Request(std::string method, std::string target, http::HeaderList headers = {}) {
        head.method = std::move(method);
        head.target = std::move(target);
        head.headers = std::move(headers);
        view.head = &head;
        view.method = method_of(head.method);
        view.host = head.headers.get("Host");
        view.path = head.path();
        view.query = head.query();
        view.ip = "192.0.2.7";
        view.port = 50000;
    }
};

// Code of the aws::Error that `run` throws, "" if none.
template <class Run>
std::string error_code(Run run) {
    try {
        run();
    } catch (const aws::Error& error) {
        return error.code;
    }
    return {};
}

}  // namespace cloudfront::test
