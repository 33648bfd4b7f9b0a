// CopyObject and UploadPartCopy. S3 API reference, pages of these; s3.md §3.8, §3.11.
// The copy shares its bytes with the source: blobs are never changed, only referenced.
#include <algorithm>

#include "base/date.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/text.h"
#include "s3/address.h"
#include "s3/api/common.h"
#include "s3/errors.h"
#include "s3/properties.h"
#include "s3/read_conditions.h"

namespace s3 {
namespace {

constexpr size_t kReadBytes = 128 * 1024;
constexpr std::string_view kSourceHeader = "x-amz-copy-source";

struct Source {
    std::shared_ptr<const BucketState> bucket;
    ObjectVersion object;
    std::vector<Part> parts;
    bool names_version = false;
};

// [/]bucket/key[?versionId=v], the key percent-encoded.
Source find_source(ControlPlane& s3, Request& request) {
    std::string header = request.headers.joined(kSourceHeader);
    std::string_view text = header;
    std::string version;
    if (size_t mark = text.find("?versionId="); mark != std::string_view::npos) {
        version = base::percent_decode(text.substr(mark + std::string_view("?versionId=").size()));
        text = text.substr(0, mark);
    }
    std::string decoded = base::percent_decode(text, base::Plus::IsSpace);
    if (!base::is_valid_utf8(decoded))
        throw invalid_argument("Invalid copy source encoding", kSourceHeader, header);
    std::string_view path = decoded;
    if (path.starts_with('/')) path.remove_prefix(1);
    auto [bucket, key] = base::cut(path, '/');
    if (key.empty())
        throw invalid_argument("Invalid copy source object key", kSourceHeader, header);
    if (!is_valid_bucket_name(bucket))
        throw invalid_argument("Invalid copy source bucket name", kSourceHeader, header);
    Source source;
    source.bucket = s3.required(bucket);
    source.names_version = !version.empty();
    s3.authorize(request, version.empty() ? "s3:GetObject" : "s3:GetObjectVersion", *source.bucket,
                 key);
    try {
        source.object = find_object(s3, request, *source.bucket, key, version);
    } catch (const aws::Error& error) {
        if (error.status != 405) throw;
        throw invalid_request(
            "The source of a copy request may not specifically refer to a delete marker by version "
            "id.");
    }
    source.parts = s3.store().parts(source.object.row);
    // Replaced between the two reads: its parts went with it.
    if (size_of(source.parts) != source.object.size_bytes)
        throw aws::Error(503, "SlowDown", "Please reduce your request rate.");
    ReadCondition condition = check_copy_source(request.headers, source.object.etag,
                                                source.object.modified, s3.clock().now());
    if (condition.outcome != ReadCondition::Outcome::Proceed)
        throw precondition_failed(condition.condition);
    return source;
}

std::string directive(const Request& request, std::string_view header, std::string_view error) {
    std::string_view value = request.headers.get(header);
    if (value.empty() || value == "COPY") return "COPY";
    if (value == "REPLACE") return "REPLACE";
    throw invalid_argument(error, header, value);
}

// What the copy has of the source and what of the request.
ObjectProperties copied_properties(const Request& request, const ObjectVersion& source) {
    bool replace =
        directive(request, "x-amz-metadata-directive", "Unknown metadata directive.") == "REPLACE";
    bool replace_tags =
        directive(request, "x-amz-tagging-directive", "Unknown tagging directive.") == "REPLACE";
    ObjectProperties asked = read_properties(request.headers);
    ObjectProperties properties;
    properties.headers = replace ? asked.headers : source.properties.headers;
    properties.tags = replace_tags ? asked.tags : source.properties.tags;
    properties.redirect = asked.redirect;
    properties.storage_class = asked.storage_class;
    return properties;
}

void check_self_copy(const Request& request, const Source& source) {
    bool same = source.object.bucket == request.bucket_name && source.object.key == request.key;
    if (!same || (source.names_version && !source.object.is_latest)) return;
    bool changes =
        request.headers.get("x-amz-metadata-directive") == "REPLACE" ||
        request.headers.has("x-amz-website-redirect-location") ||
        request.headers.has("x-amz-server-side-encryption") ||
        (request.headers.has("x-amz-storage-class") &&
         request.headers.get("x-amz-storage-class") != source.object.properties.storage_class);
    if (!changes)
        throw invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without "
            "changing the object's metadata, "
            "storage class, website redirect location or encryption attributes.");
}

// Reads all bytes of the parts once: MD5 and a checksum of the whole.
struct Hashes {
    std::string md5_hex, checksum;
};
Hashes hash_parts(ControlPlane& s3, const std::vector<Part>& parts, ChecksumAlgorithm algorithm) {
    base::Digest md5(base::DigestKind::Md5);
    ChecksumStream checksum(algorithm);
    std::string buffer(kReadBytes, '\0');
    for (const Part& part : parts) {
        auto blob = s3.blobs().open(part.blob);
        if (!blob) throw aws::Error(503, "SlowDown", "Please reduce your request rate.");
        uint64_t offset = 0;
        while (size_t count = blob->read_at(offset, buffer)) {
            md5.update({buffer.data(), count});
            checksum.update({buffer.data(), count});
            offset += count;
        }
    }
    return {base::to_hex(md5.finish()), checksum.finish()};
}

std::optional<ChecksumAlgorithm> asked_algorithm(const Request& request) {
    const std::string* name = request.headers.find("x-amz-checksum-algorithm");
    if (!name) return std::nullopt;
    auto algorithm = parse_checksum_algorithm(*name);
    if (!algorithm)
        throw invalid_request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid "
            "types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
    return algorithm;
}

void add_source_version(Reply& reply, const Source& source) {
    if (source.bucket->bucket.versioning != Versioning::Never)
        reply.headers.add("x-amz-copy-source-version-id", source.object.version);
}

Reply copy_object(ControlPlane& s3, Request& request) {
    check_key(request.key);
    if (request.caller.is_anonymous())
        throw access_denied("Anonymous users cannot copy objects. Please authenticate.");
    Source source = find_source(s3, request);
    if (source.object.size_bytes > kMaxPutBytes)
        throw invalid_request(
            "The specified copy source is larger than the maximum allowable size for a copy "
            "source: 5368709120");
    ObjectVersion object;
    object.bucket = request.bucket_name;
    object.key = request.key;
    object.properties = copied_properties(request, source.object);
    object.properties.acl = checked_acl(request);
    check_self_copy(request, source);
    object.size_bytes = source.object.size_bytes;
    object.modified = request.now;

    // One whole-object blob with the wanted checksum is known already; anything else is read
    // through once.
    ChecksumAlgorithm algorithm = asked_algorithm(request).value_or(
        source.object.checksum ? source.object.checksum->algorithm : ChecksumAlgorithm::Crc64Nvme);
    bool known = source.object.part_count == 0 && source.object.checksum &&
                 source.object.checksum->algorithm == algorithm &&
                 source.object.checksum->type == ChecksumType::FullObject;
    if (known) {
        object.etag = source.object.etag;
        object.checksum = source.object.checksum;
    } else {
        Hashes hashes = hash_parts(s3, source.parts, algorithm);
        object.etag = hashes.md5_hex;
        object.checksum = Checksum{algorithm, ChecksumType::FullObject, hashes.checksum};
    }
    BlobIds dropped;
    if (!s3.store().put_copy(object, source.parts, source.object.row, write_guard(request),
                             dropped))
        throw s3.missing_key(request, *source.bucket, source.object.key);
    s3.drop(dropped);

    XmlWriter xml("CopyObjectResult");
    xml.add("ETag", quoted(object.etag))
        .add("LastModified", base::iso_date_millis(object.modified));
    xml.add(row_of(algorithm).element, object.checksum->value)
        .add("ChecksumType", name_of(object.checksum->type));
    Reply reply = Reply::xml(xml.finish());
    reply.headers.add("x-amz-server-side-encryption", "AES256");
    add_version_header(reply.headers, request.state(), object, VersionOf::Write);
    add_source_version(reply, source);
    return reply;
}

struct Window {
    uint64_t first = 0, size_bytes = 0;
};

Window copy_window(const Request& request, uint64_t source_size) {
    const std::string* header = request.headers.find("x-amz-copy-source-range");
    if (!header) return {0, source_size};
    constexpr std::string_view kUnit = "bytes=";
    std::string_view text = *header;
    auto [first_text, last_text] =
        base::cut(text.starts_with(kUnit) ? text.substr(kUnit.size()) : std::string_view(), '-');
    auto first = base::parse_unsigned(first_text), last = base::parse_unsigned(last_text);
    if (!first || !last || *last < *first)
        throw invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first "
            "and last are the zero-based offsets of "
            "the first and last bytes to copy",
            "x-amz-copy-source-range", *header);
    if (*first >= source_size)
        throw invalid_request("The specified copy range is invalid for the source object size");
    if (*last >= source_size)
        throw invalid_argument("Range specified is not valid for source object of size: " +
                                   std::to_string(source_size),
                               "x-amz-copy-source-range", *header);
    return {*first, *last - *first + 1};
}

// A part is one blob, so its bytes are copied.
Part copy_window_to_blob(ControlPlane& s3, const Source& source, Window window,
                         ChecksumStream& checksum) {
    Blobs::Writer writer = s3.blobs().create();
    base::Digest md5(base::DigestKind::Md5);
    std::string buffer(kReadBytes, '\0');
    uint64_t position = 0, end = window.first + window.size_bytes;
    for (const Part& part : source.parts) {
        uint64_t from = std::max(position, window.first),
                 to = std::min(position + part.size_bytes, end);
        if (from < to) {
            auto blob = s3.blobs().open(part.blob);
            if (!blob) throw aws::Error(503, "SlowDown", "Please reduce your request rate.");
            while (from < to) {
                size_t count = blob->read_at(
                    from - position,
                    std::span(buffer.data(), std::min<uint64_t>(buffer.size(), to - from)));
                if (count == 0)
                    throw aws::Error(500, "InternalError",
                                     "We encountered an internal error. Please try again.");
                md5.update({buffer.data(), count});
                checksum.update({buffer.data(), count});
                writer.write({buffer.data(), count});
                from += count;
            }
        }
        position += part.size_bytes;
    }
    Part copy;
    copy.size_bytes = window.size_bytes;
    copy.etag = base::to_hex(md5.finish());
    copy.checksum = checksum.finish();
    copy.blob = writer.keep();
    return copy;
}

Reply upload_part_copy(ControlPlane& s3, Request& request) {
    int number = parse_part_number(request.value("partNumber"));
    auto upload = s3.store().upload(request.value("uploadId"));
    if (!upload || upload->bucket != request.bucket_name || upload->key != request.key)
        throw no_such_upload(request.value("uploadId"));
    Source source = find_source(s3, request);
    ChecksumStream checksum(upload->algorithm.value_or(ChecksumAlgorithm::Crc64Nvme));
    Part part =
        copy_window_to_blob(s3, source, copy_window(request, source.object.size_bytes), checksum);
    part.number = number;
    part.modified = request.now;
    s3.drop(keep_or_drop(s3, part.blob, [&] { return s3.store().put_part(upload->id, part); }));
    XmlWriter xml("CopyPartResult");
    xml.add("ETag", quoted(part.etag)).add("LastModified", base::iso_date_millis(part.modified));
    if (upload->algorithm) xml.add(row_of(*upload->algorithm).element, part.checksum);
    Reply reply = Reply::xml(xml.finish());
    reply.headers.add("x-amz-server-side-encryption", "AES256");
    add_source_version(reply, source);
    return reply;
}

constexpr Operation kOperations[] = {
    {"CopyObject", copy_object, "PUT", "/{Bucket}/{Key+}", "", "s3:PutObject", "x-amz-copy-source"},
    {"UploadPartCopy", upload_part_copy, "PUT", "/{Bucket}/{Key+}", "uploadId", "s3:PutObject",
     "x-amz-copy-source"},
};

}  // namespace

const std::span<const Operation> copy_operations = kOperations;

}  // namespace s3
