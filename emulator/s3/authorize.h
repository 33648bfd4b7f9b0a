// Authorize: may this caller do this to that bucket or key, and why. Bucket policy, block public
// access, ACLs and the owner's account together. Pure. S3 guide, "How Amazon S3 authorizes a
// request", "Blocking public access"; s3.md §2.7 to §2.10.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/acl.h"
#include "s3/bucket_policy.h"
#include "s3/cors.h"
#include "s3/model.h"
#include "s3/principal.h"
#include "s3/website.h"

namespace s3 {

struct PublicAccessBlock {
    bool block_public_acls = false, ignore_public_acls = false, block_public_policy = false,
         restrict_public_buckets = false;
};

// A bucket with its sub-resources parsed: an immutable snapshot that a request keeps to its end.
struct BucketState {
    Bucket bucket;
    std::string owner_id;  // canonical user id of the owner
    std::optional<BucketPolicy> policy;
    std::string policy_text;
    PublicAccessBlock block;
    bool has_block = false;
    std::vector<CorsRule> cors;
    std::optional<Website> website;
    std::string acl;  // as stored

    bool acls_enabled() const {
        return bucket.ownership == "BucketOwnerPreferred" || bucket.ownership == "ObjectWriter" ||
               bucket.ownership.empty();
    }
};

struct AccessQuestion {
    const Principal& caller;
    std::string_view action;  // "s3:GetObject"
    const BucketState& bucket;
    std::string_view key;         // "" = the bucket itself
    std::string_view object_acl;  // as stored, "" = none or unknown
    const ConditionValues& values;
};

struct Access {
    bool allowed = false;
    std::string reason;   // a sentence for the trace
    std::string message;  // of the AccessDenied error
};
Access decide(const AccessQuestion& question);

std::string resource_arn(std::string_view bucket, std::string_view key);
// The canonical user id that stands for an account: 64 hex digits, made from its number.
std::string canonical_id(std::string_view account);

}  // namespace s3
