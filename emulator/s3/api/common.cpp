// See api/common.h.
#include "s3/api/common.h"

#include <algorithm>

#include "base/date.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/text.h"
#include "s3/errors.h"
#include "s3/properties.h"
#include "s3/read_conditions.h"

namespace s3 {
namespace {

constexpr size_t kCopyBytes = 128 * 1024;
constexpr size_t kMd5Bytes = 16;
constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";

bool is_checksum_setting(std::string_view name) {
    return name == "x-amz-checksum-mode" || name == "x-amz-checksum-algorithm" ||
           name == "x-amz-checksum-type";
}

// Content-MD5 as raw bytes, "" when none was sent.
std::string expected_md5(const Request& request) {
    const std::string* header = request.headers.find("Content-MD5");
    if (!header) return {};
    auto bytes = base::from_base64(*header);
    if (!bytes || bytes->size() != kMd5Bytes)
        throw aws::Error(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
            .with("Content-MD5", *header);
    return *bytes;
}

void check_md5(const std::string& expected, const std::string& actual, DigestForm form) {
    if (expected.empty() || expected == actual) return;
    throw aws::Error(400, "BadDigest",
                     "The Content-MD5 you specified did not match what we received.")
        .with("ExpectedDigest",
              form == DigestForm::Hex ? base::to_hex(expected) : base::to_base64(expected))
        .with("CalculatedDigest", base::to_base64(actual));
}

// After the body: the value in a header, or in a trailer by now.
void check_checksum(const Request& request, ChecksumAlgorithm algorithm,
                    const std::string& computed) {
    const ChecksumRow& row = row_of(algorithm);
    const std::string* sent = request.headers.find(row.header);
    bool trailing = !sent;
    if (!sent) sent = request.payload.trailers().find(row.header);
    if (!sent) return;
    if (!is_checksum_value(algorithm, *sent))
        throw invalid_request("Value for " + std::string(row.header) +
                              (trailing ? " trailing" : "") + " header is invalid.");
    if (*sent != computed)
        throw aws::Error(400, "BadDigest",
                         "The " + std::string(row.name) +
                             " you specified did not match the calculated checksum.");
}

}  // namespace

void check_key(std::string_view key) {
    if (key.size() > kMaxKeyBytes)
        throw aws::Error(400, "KeyTooLongError", "Your key is too long")
            .with("Size", std::to_string(key.size()))
            .with("MaxSizeAllowed", std::to_string(kMaxKeyBytes));
}

int parse_part_number(std::string_view text) {
    auto number = base::parse_unsigned(text);
    if (!number || *number < 1 || *number > kMaxParts)
        throw invalid_argument("Part number must be an integer between 1 and 10000, inclusive",
                               "partNumber", text);
    return static_cast<int>(*number);
}

void check_version_id(const BucketState& bucket, std::string_view version, bool given) {
    if (!given) return;
    if (version.empty())
        throw invalid_argument("Version id cannot be the empty string", "versionId", "");
    if (bucket.bucket.versioning == Versioning::Never && version != "null")
        throw invalid_argument("Invalid version id specified", "versionId", version);
}

ObjectVersion find_object(ControlPlane& s3, Request& request, const BucketState& bucket,
                          std::string_view key, std::string_view version) {
    check_version_id(bucket, version, !version.empty());
    auto object = version.empty() ? s3.store().latest(bucket.bucket.name, key)
                                  : s3.store().version(bucket.bucket.name, key, version);
    if (!object && version.empty()) throw s3.missing_key(request, bucket, key);
    if (!object) {
        if (version == "null" || s3.access(request, "s3:ListBucketVersions", bucket, {}).allowed)
            throw no_such_version(key, version);
        throw s3.missing_key(request, bucket, key);
    }
    if (!object->is_delete_marker) return *object;
    // Headers of the answer travel in the error's fields and are taken out by the endpoint.
    aws::Error error = version.empty() ? s3.missing_key(request, bucket, key)
                                       : method_not_allowed(request.method, "DeleteMarker");
    if (version.empty() && error.status == 403) throw error;
    error.with("@x-amz-delete-marker", "true").with("@x-amz-version-id", object->version);
    if (!version.empty())
        error.with("@Allow", "DELETE").with("@Last-Modified", base::http_date(object->modified));
    throw error;
}

std::string checked_acl(const Request& request) {
    return checked_acl(request, request.state(), acl_from_headers(request.headers));
}

std::string checked_acl(const Request&, const BucketState& bucket, std::string_view asked) {
    if (asked.empty()) return {};
    if (!bucket.acls_enabled()) {
        if (asked != "bucket-owner-full-control")
            throw aws::Error(400, "AccessControlListNotSupported",
                             "The bucket does not allow ACLs");
        return {};
    }
    if (bucket.block.block_public_acls && is_public(read_acl(asked, bucket.owner_id)))
        throw access_denied();
    return std::string(asked);
}

WriteGuard write_guard(const Request& request) {
    const std::string* match = request.headers.find("If-Match");
    const std::string* none_match = request.headers.find("If-None-Match");
    if (!match && !none_match) return {};
    if (match && none_match)
        throw not_implemented_header("If-Match,If-None-Match",
                                     "Multiple conditional request headers present in the request");
    if (none_match) {
        if (base::trim(*none_match) != "*")
            throw not_implemented_header(
                "If-None-Match",
                "We don't accept the provided value of If-None-Match header for this API");
        return [](const ObjectVersion* current) {
            if (current) throw precondition_failed("If-None-Match");
        };
    }
    if (base::trim(*match) == "*")
        throw not_implemented_header(
            "If-Match", "We don't accept the provided value of If-Match header for this API");
    return [condition = *match, key = request.key](const ObjectVersion* current) {
        if (!current) throw no_such_key(key);
        if (!etag_matches(condition, current->etag)) throw precondition_failed("If-Match");
    };
}

std::optional<ChecksumAlgorithm> named_checksum(const Request& request) {
    std::optional<ChecksumAlgorithm> found;
    auto take = [&](std::string_view name) {
        if (found)
            throw invalid_request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not "
                "allowed.");
        found = parse_checksum_algorithm(name);
        if (!found)
            throw invalid_request(
                "Checksum algorithm provided is unsupported. Please try again with any of the "
                "valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
    };
    for (const http::Header& header : request.headers) {
        std::string name = base::lower(header.name);
        if (!name.starts_with(kChecksumPrefix) || is_checksum_setting(name)) continue;
        take(std::string_view(name).substr(kChecksumPrefix.size()));
        if (!is_checksum_value(*found, header.value))
            throw invalid_request("Value for " + name + " header is invalid.");
    }
    for (const ChecksumRow& row : checksum_rows())
        if (request.payload.announces_trailer(row.header)) take(row.name);
    const std::string* announced = request.headers.find("x-amz-sdk-checksum-algorithm");
    if (announced && !parse_checksum_algorithm(*announced)) take(*announced);
    if (announced && !found && request.method != "GET" && !request.has("uploads"))
        throw invalid_request(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
            "x-amz-trailer headers were found.");
    return found;
}

StoredBody store_body(ControlPlane& s3, Request& request, uint64_t max_bytes, DigestForm form,
                      std::optional<ChecksumAlgorithm> kept) {
    std::string md5_promised = expected_md5(request);
    auto named = named_checksum(request);
    auto too_large = [&](uint64_t size) {
        return aws::Error(400, "EntityTooLarge",
                          "Your proposed upload exceeds the maximum allowed size")
            .with("ProposedSize", std::to_string(size))
            .with("MaxSizeAllowed", std::to_string(max_bytes));
    };
    bool framed = request.headers.has("Content-Length") || request.headers.has("Transfer-Encoding");
    if (!framed || (request.payload.is_chunked() && !request.payload.declared_size()))
        throw aws::Error(411, "MissingContentLength",
                         "You must provide the Content-Length HTTP header.");
    if (auto size = request.payload.declared_size(); size && *size > max_bytes)
        throw too_large(*size);

    ChecksumStream checksum(named.value_or(kept.value_or(ChecksumAlgorithm::Crc64Nvme)));
    std::optional<ChecksumStream> beside;
    if (kept && *kept != checksum.algorithm()) beside.emplace(*kept);
    base::Digest md5(base::DigestKind::Md5);
    Blobs::Writer blob = s3.blobs().create();
    StoredBody stored;
    std::string buffer(kCopyBytes, '\0');
    while (size_t count = request.payload.read(buffer.data(), buffer.size())) {
        std::string_view bytes(buffer.data(), count);
        stored.part.size_bytes += count;
        if (stored.part.size_bytes > max_bytes) throw too_large(stored.part.size_bytes);
        md5.update(bytes);
        checksum.update(bytes);
        if (beside) beside->update(bytes);
        blob.write(bytes);
    }
    std::string md5_bytes = md5.finish();
    check_md5(md5_promised, md5_bytes, form);
    stored.checksum = {checksum.algorithm(), ChecksumType::FullObject, checksum.finish()};
    check_checksum(request, stored.checksum.algorithm, stored.checksum.value);
    stored.part.etag = base::to_hex(md5_bytes);
    stored.part.checksum = beside ? beside->finish() : stored.checksum.value;
    stored.part.modified = request.now;
    stored.part.blob = blob.keep();
    return stored;
}

BlobIds keep_or_drop(ControlPlane& s3, const std::string& blob,
                     const std::function<BlobIds()>& commit) {
    try {
        return commit();
    } catch (...) {
        s3.blobs().remove(blob);
        throw;
    }
}

std::string read_text(Request& request, size_t limit_bytes, BodyDigest digest) {
    std::string md5_promised = expected_md5(request);
    auto named = named_checksum(request);
    if (digest == BodyDigest::Required && md5_promised.empty() && !named)
        throw invalid_request(
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
    std::string text = request.payload.read_all(limit_bytes);
    check_md5(md5_promised, base::md5(text), DigestForm::Base64);
    if (named) {
        ChecksumStream checksum(*named);
        checksum.update(text);
        check_checksum(request, *named, checksum.finish());
    }
    return text;
}

Element read_document(Request& request, size_t limit_bytes, BodyDigest digest) {
    std::string text = read_text(request, limit_bytes, digest);
    if (text.empty()) throw missing_body();
    auto document = parse_xml(text);
    if (!document) throw malformed_xml();
    return std::move(*document);
}

void add_version_header(http::HeaderList& to, const BucketState& bucket,
                        const ObjectVersion& object, VersionOf version) {
    if (bucket.bucket.versioning == Versioning::Never) return;
    // A write to a suspended bucket makes the null version and does not say so.
    if (version == VersionOf::Write && object.version == "null") return;
    to.add("x-amz-version-id", object.version);
}

}  // namespace s3
