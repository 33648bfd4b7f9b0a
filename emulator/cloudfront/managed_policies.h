// Managed policies: the ones that every account has, by their published ids. Same documents as
// custom ones.
#pragma once
#include <string_view>
#include <vector>

#include "cloudfront/store.h"

namespace cloudfront {

// Cache, origin request and response headers policies, in the order of their tables.
const std::vector<Resource>& managed_policies();
const Resource* find_managed_policy(std::string_view kind, std::string_view id);

}  // namespace cloudfront
