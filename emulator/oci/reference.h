// Reference: the name by which a person or a task definition means an image:
// [REGISTRY/]REPOSITORY[:TAG][@DIGEST] (distribution-spec and the Docker reference grammar). The
// text as written is kept, because APIs echo it.
#pragma once
#include <expected>
#include <string>
#include <string_view>

#include "oci/digest.h"

namespace oci {

struct Reference {
    std::string registry;    // host[:port], "" when none was written
    std::string repository;  // "library/" is never added
    std::string tag;         // "latest" when neither tag nor digest was written
    Digest digest;           // empty when none was written
    std::string written;

    // An error is one sentence that names the offending part.
    static std::expected<Reference, std::string> parse(std::string_view text);

    // Our own registry: 127.0.0.1[:PORT], localhost[:PORT] or ACCOUNT.dkr.ecr.REGION.amazonaws.com.
    // All three are the same place to every consumer, and count as ECR where Fargate's rules ask.
    bool is_ecr() const;
    // repository:tag or repository@digest, without registry.
    std::string short_name() const;
    // What the manifest is asked by: the digest when one was written, else the tag.
    std::string tag_or_digest() const { return digest.empty() ? tag : digest.to_string(); }
};

// Lower-case path components of letters, digits and single separators, at most 256 characters.
bool is_repository_name(std::string_view text);
bool is_tag(std::string_view text);

}  // namespace oci
