// The nouns of S3: buckets, object versions, multipart uploads and parts, as the store keeps them.
// Names as in the S3 API reference (API version 2006-03-01).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "http/message.h"
#include "s3/checksum.h"

namespace s3 {

// Never is not Suspended: a bucket that was never versioned knows no version ids at all.
enum class Versioning : uint8_t { Never, Enabled, Suspended };

struct Bucket {
    std::string name;
    std::string region;     // never empty
    std::string location;   // LocationConstraint as it was sent ("EU"), "" for us-east-1
    std::string owner;      // account id
    std::string ownership;  // BucketOwnerEnforced …, "" after DeleteBucketOwnershipControls
    Versioning versioning = Versioning::Never;
    bool object_lock = false;
    base::Time created;
};

using Tags = std::vector<std::pair<std::string, std::string>>;

// What a writer chooses for an object besides its bytes (s3.md §1.10).
struct ObjectProperties {
    http::HeaderList headers;  // Content-Type … as sent, then x-amz-meta-* in lower case
    std::string redirect;      // x-amz-website-redirect-location
    std::string storage_class = "STANDARD";
    std::string acl;  // canned name, or an AccessControlPolicy document
    Tags tags;
};

// A run of bytes of an object: the whole of it, or one part of a multipart upload.
struct Part {
    int number = 1;
    std::string blob;
    uint64_t size_bytes = 0;
    std::string etag;      // hex MD5
    std::string checksum;  // base64, of the object's algorithm
    base::Time modified;
};

inline uint64_t size_of(const std::vector<Part>& parts) {
    uint64_t total = 0;
    for (const Part& part : parts)
        total += part.size_bytes;
    return total;
}

struct ObjectVersion {
    int64_t row = 0;
    std::string bucket, key;
    std::string version = "null";
    bool is_delete_marker = false;
    bool is_latest = true;
    uint64_t size_bytes = 0;
    std::string etag;     // without quotes
    base::Time modified;  // whole seconds
    ObjectProperties properties;
    std::optional<Checksum> checksum;
    int part_count = 0;  // 0: not a multipart object
};

struct MultipartUpload {
    std::string id;
    std::string bucket, key;
    base::Time initiated;
    std::string initiator;  // ARN of who created it
    ObjectProperties properties;
    std::optional<ChecksumAlgorithm> algorithm;  // as asked for at creation
    ChecksumType type = ChecksumType::FullObject;
};

inline constexpr uint64_t kMaxPutBytes = 5ull << 30;
inline constexpr uint64_t kMaxObjectBytes = 5ull << 40;
inline constexpr uint64_t kMinPartBytes = 5ull << 20;
inline constexpr size_t kMaxKeyBytes = 1024;
inline constexpr size_t kMaxMetadataBytes = 2048;
inline constexpr int kMaxParts = 10000;
inline constexpr int kMaxPage = 1000;

}  // namespace s3
