// Lifecycle policies: which images a policy's rules expire. Pure.
// ECR guide, "Lifecycle policy properties" and "How lifecycle policies work".
#pragma once
#include <expected>
#include <string>
#include <vector>

#include "ecr/model.h"

namespace ecr {

struct LifecycleRule {
    int priority = 0;
    std::string tag_status;  // tagged, untagged, any
    std::vector<std::string> prefixes, patterns;
    bool by_age = false;  // sinceImagePushed, else imageCountMoreThan
    int number = 0;       // days or images
};
std::expected<std::vector<LifecycleRule>, std::string> parse_lifecycle_policy(
    std::string_view text);

struct Expiry {
    size_t image;  // index into `images`
    int priority;
};
// Rules by ascending priority; an image that a rule selects is not looked at by later ones. Images
// that an index lists (`referenced`) are left alone.
std::vector<Expiry> expired_images(const std::vector<LifecycleRule>& rules,
                                   const std::vector<Image>& images,
                                   const std::vector<oci::Digest>& referenced, base::Time now);

}  // namespace ecr
