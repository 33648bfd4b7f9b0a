// Host to distribution: exact domain name, exact alias, then the most specific wildcard alias.
// CloudFront guide, "Using custom URLs by adding alternate domain names".
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "cloudfront/model.h"

namespace cloudfront {

class HostTable {
  public:
    void add(const std::shared_ptr<const Distribution>& distribution);

    // `host` as the viewer sent it: any case, with or without port. nullptr = unknown or disabled.
    const std::shared_ptr<const Distribution>* find(std::string_view host) const;
    // Also true for disabled ones: the name is ours, the answer is the 403 page.
    bool owns(std::string_view host) const;

  private:
    struct Wildcard {
        std::string suffix;  // ".example.com"
        std::shared_ptr<const Distribution> distribution;
    };
    const std::shared_ptr<const Distribution>* find_any(std::string_view host) const;
    std::unordered_map<std::string, std::shared_ptr<const Distribution>, base::TransparentHash,
                       std::equal_to<>>
        exact_;
    std::vector<Wildcard> wildcards_;  // longest suffix first
};

std::string_view host_without_port(std::string_view host);

}  // namespace cloudfront
