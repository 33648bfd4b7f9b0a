// What several files of api/ share: finding an object, storing a body, reading a document, guards.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "s3/control_plane.h"
#include "s3/xml.h"

namespace s3 {

void check_key(std::string_view key);          // KeyTooLongError
int parse_part_number(std::string_view text);  // 1 to 10000
// A versionId on a bucket that was never versioned may only be "null".
void check_version_id(const BucketState& bucket, std::string_view version, bool given);

// The version that a read is about: throws 404, 403 (see missing_key), 405 for a delete marker by
// id.
ObjectVersion find_object(ControlPlane& s3, Request& request, const BucketState& bucket,
                          std::string_view key, std::string_view version);

// GetObject and HeadObject (by request.method), without asking for permission; the website reads
// through it too.
Reply read_object(ControlPlane& s3, Request& request);

// x-amz-acl and grants, refused where ownership controls or block public access forbid them; as
// stored.
std::string checked_acl(const Request& request);
std::string checked_acl(const Request& request, const BucketState& bucket, std::string_view asked);

// If-Match and If-None-Match of a write (s3.md §3.6); empty when none is asked for.
WriteGuard write_guard(const Request& request);

enum class DigestForm : uint8_t {
    Hex,
    Base64
};  // of ExpectedDigest in BadDigest: S3 differs by operation
struct StoredBody {
    Part part;          // number 1
    Checksum checksum;  // named by the client, else CRC64NVME
};
// Streams the payload into a blob, hashing meanwhile; throws, leaving nothing, when a promise is
// broken. What the client names is checked; `kept` is what the part keeps, beside it when it is
// another one.
StoredBody store_body(ControlPlane& s3, Request& request, uint64_t max_bytes, DigestForm form,
                      std::optional<ChecksumAlgorithm> kept = std::nullopt);
// The algorithm that the request's checksum headers or trailers name. Throws for several and for
// unknown ones.
std::optional<ChecksumAlgorithm> named_checksum(const Request& request);
// Runs `commit`; when it throws, the blob goes.
BlobIds keep_or_drop(ControlPlane& s3, const std::string& blob,
                     const std::function<BlobIds()>& commit);

enum class BodyDigest : uint8_t { Optional, Required };
// The body as text, Content-MD5 and checksums verified. Empty: MissingRequestBodyError.
std::string read_text(Request& request, size_t limit_bytes,
                      BodyDigest digest = BodyDigest::Optional);
Element read_document(Request& request, size_t limit_bytes,
                      BodyDigest digest = BodyDigest::Optional);

enum class VersionOf : uint8_t { Read, Write };
void add_version_header(http::HeaderList& to, const BucketState& bucket,
                        const ObjectVersion& object, VersionOf version);

}  // namespace s3
