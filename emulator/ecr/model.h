// Nouns of ECR: repositories, images (manifests), tags, layers.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "oci/digest.h"

namespace ecr {

struct Repository {
    std::string name;
    base::Time created_at;
    std::string tag_mutability = "MUTABLE";
    base::Node mutability_exclusions;  // [{filterType, filter}]
    bool scan_on_push = false;
    base::Node encryption, tags;
    std::string lifecycle_policy, policy;
    std::optional<base::Time> lifecycle_evaluated_at;
};

// A manifest or an index as it was pushed: the bytes are the identity.
struct Image {
    std::string repository;
    oci::Digest digest;
    std::string media_type, artifact_type;
    uint64_t size_bytes = 0;  // configuration + layers
    base::Time pushed_at;
    std::optional<base::Time> pulled_at;
    oci::Digest subject;  // what an artifact is about
    std::vector<std::string> tags;
};

}  // namespace ecr
