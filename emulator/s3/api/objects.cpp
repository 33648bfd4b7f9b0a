// PutObject, GetObject, HeadObject, DeleteObject, DeleteObjects, GetObjectAttributes.
// S3 API reference, pages of these operations; s3.md §3.3 to §3.7, §3.14.
#include <algorithm>

#include "base/date.h"
#include "base/encoding.h"
#include "base/text.h"
#include "s3/api/common.h"
#include "s3/control_plane.h"
#include "s3/errors.h"
#include "s3/properties.h"
#include "s3/read_conditions.h"
#include "s3/xml.h"

namespace s3 {
namespace {

constexpr size_t kMaxDeleteBody = 8 << 20;
constexpr size_t kMaxDeleteKeys = 1000;

Reply put_object(ControlPlane& s3, Request& request) {
    if (request.has("partNumber"))
        throw invalid_argument("This operation does not accept partNumber without uploadId",
                               "partNumber", request.value("partNumber"));
    check_key(request.key);
    ObjectVersion object;
    object.bucket = request.bucket_name;
    object.key = request.key;
    object.properties = read_properties(request.headers);
    object.properties.acl = checked_acl(request);
    object.modified = request.now;
    WriteGuard guard = write_guard(request);
    // Told before the body is read, so that a client that waits for 100 Continue keeps its bytes.
    if (guard) {
        auto current = s3.store().latest(object.bucket, object.key);
        guard(current && !current->is_delete_marker ? &*current : nullptr);
    }
    StoredBody stored = store_body(s3, request, kMaxPutBytes, DigestForm::Hex);
    object.size_bytes = stored.part.size_bytes;
    object.etag = stored.part.etag;
    object.checksum = stored.checksum;
    s3.drop(keep_or_drop(s3, stored.part.blob,
                         [&] { return s3.store().put(object, {stored.part}, guard); }));

    Reply reply = Reply::empty(200);
    reply.headers.add("x-amz-server-side-encryption", "AES256");
    reply.headers.add("ETag", quoted(object.etag));
    add_checksum_headers(reply.headers, *object.checksum);
    add_version_header(reply.headers, request.state(), object, VersionOf::Write);
    request.span.decide(
        "object", "stored " + std::to_string(object.size_bytes) + " bytes, ETag " + object.etag);
    return reply;
}

// response-content-type and friends: only for callers who signed (s3.md §1.10).
void apply_overrides(const Request& request, http::HeaderList& headers) {
    constexpr std::string_view kPrefix = "response-";
    constexpr std::string_view kKnown[] = {
        "content-type",  "content-language",    "expires",
        "cache-control", "content-disposition", "content-encoding"};
    for (const auto& [name, value] : request.query) {
        if (!name.starts_with(kPrefix)) continue;
        std::string_view header = std::string_view(name).substr(kPrefix.size());
        auto known = std::ranges::find(kKnown, header);
        if (known == std::end(kKnown))
            throw invalid_argument(name + " is not in the set of overridable response headers",
                                   name, value);
        if (request.caller.is_anonymous())
            throw invalid_request(
                "Request specific response headers cannot be used for anonymous GET requests.");
        for (size_t i = 0; i < value.size(); ++i) {
            auto byte = static_cast<unsigned char>(value[i]);
            // Two-byte UTF-8 up to U+00FF is Latin-1; line ends would forge headers.
            if (byte < 0x20 || byte > 0xC3)
                throw invalid_argument("Header value cannot be represented using ISO-8859-1.", name,
                                       value);
        }
        headers.set(header, value);
    }
}

struct Slice {
    uint64_t first = 0, size_bytes = 0;
    bool partial = false;
    bool is_part = false;
};

Slice part_slice(const Request& request, const ObjectVersion& object,
                 const std::vector<Part>& parts) {
    if (request.headers.has("Range"))
        throw invalid_request("Cannot specify both Range header and partNumber query parameter");
    int number = parse_part_number(request.value("partNumber"));
    if (object.part_count == 0) {
        if (number == 1) return {0, object.size_bytes, true, true};
    } else if (number <= object.part_count) {
        uint64_t offset = 0;
        for (int i = 0; i + 1 < number; ++i)
            offset += parts[static_cast<size_t>(i)].size_bytes;
        return {offset, parts[static_cast<size_t>(number - 1)].size_bytes, true, true};
    }
    throw aws::Error(416, "InvalidPartNumber", "The requested partnumber is not satisfiable")
        .with("ActualPartCount", std::to_string(std::max(1, object.part_count)))
        .with("PartNumberRequested", std::to_string(number));
}

Slice range_slice(Request& request, const ObjectVersion& object) {
    const std::string* header = request.headers.find("Range");
    if (!header) return {0, object.size_bytes};
    const std::string* if_range = request.headers.find("If-Range");
    if (if_range) {
        auto date = base::parse_http_date(*if_range);
        bool holds = date ? *date >= object.modified : etag_matches(*if_range, object.etag);
        if (!holds) {
            request.span.decide("range", "If-Range does not match, the whole object is sent");
            return {0, object.size_bytes};
        }
    }
    ByteRange range = parse_range(*header, object.size_bytes);
    if (range.kind == ByteRange::Kind::Unsatisfiable)
        throw aws::Error(416, "InvalidRange", "The requested range is not satisfiable")
            .with("RangeRequested", *header)
            .with("ActualObjectSize", std::to_string(object.size_bytes));
    if (range.kind == ByteRange::Kind::Whole) {
        request.span.decide(
            "range", "\"" + *header + "\" is not one range of bytes, the whole object is sent");
        return {0, object.size_bytes};
    }
    request.span.decide("range", "bytes " + std::to_string(range.first) + "-" +
                                     std::to_string(range.last) + " of " +
                                     std::to_string(object.size_bytes));
    return {range.first, range.last - range.first + 1, true, false};
}

// Opens the runs of blobs that hold the slice; nothing when one of them went away (replaced
// meanwhile).
std::optional<ObjectBody> open_body(ControlPlane& s3, const std::vector<Part>& parts,
                                    const Slice& slice) {
    ObjectBody body;
    body.size_bytes = slice.size_bytes;
    uint64_t position = 0, end = slice.first + slice.size_bytes;
    for (const Part& part : parts) {
        uint64_t from = std::max(position, slice.first),
                 to = std::min(position + part.size_bytes, end);
        if (from < to) {
            auto blob = s3.blobs().open(part.blob);
            if (!blob) return std::nullopt;
            body.runs.push_back({std::move(*blob), from - position, to - from});
        }
        position += part.size_bytes;
    }
    return body;
}

}  // namespace

Reply read_object(ControlPlane& s3, Request& request) {
    check_key(request.key);
    constexpr int kAttempts = 8;  // each lost to a writer that replaced the object in between
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        ObjectVersion object =
            find_object(s3, request, request.state(), request.key, request.value("versionId"));
        Reply reply;
        ReadCondition condition =
            check_read(request.headers, object.etag, object.modified, s3.clock().now());
        if (condition.outcome == ReadCondition::Outcome::Failed)
            throw precondition_failed(condition.condition);
        if (condition.outcome == ReadCondition::Outcome::NotModified) {
            request.span.decide("condition", condition.condition + " holds: not modified");
            reply.status = 304;
            reply.headers.add("Last-Modified", base::http_date(object.modified));
            reply.headers.add("ETag", quoted(object.etag));
            if (const std::string* cache = object.properties.headers.find("Cache-Control"))
                reply.headers.add("Cache-Control", *cache);
            add_version_header(reply.headers, request.state(), object, VersionOf::Read);
            return reply;
        }
        std::vector<Part> parts = s3.store().parts(object.row);
        // Replaced between the two reads: the row's parts went with it.
        if (size_of(parts) != object.size_bytes) continue;
        Slice slice = request.has("partNumber") ? part_slice(request, object, parts)
                                                : range_slice(request, object);
        add_version_header(reply.headers, request.state(), object, VersionOf::Read);
        add_object_headers(reply.headers, object);
        apply_overrides(request, reply.headers);
        bool wants_checksum =
            base::equals_ignoring_case(request.headers.get("x-amz-checksum-mode"), "ENABLED");
        if (wants_checksum && object.checksum &&
            (!slice.partial || (slice.is_part && object.part_count == 0)))
            add_checksum_headers(reply.headers, *object.checksum);
        if (slice.is_part && object.part_count > 0)
            reply.headers.add("x-amz-mp-parts-count", std::to_string(object.part_count));
        if (slice.partial) {
            reply.status = 206;
            uint64_t last =
                slice.size_bytes == 0 ? slice.first : slice.first + slice.size_bytes - 1;
            reply.headers.add("Content-Range", "bytes " + std::to_string(slice.first) + "-" +
                                                   std::to_string(last) + "/" +
                                                   std::to_string(object.size_bytes));
        }
        reply.headers.add("Content-Length", std::to_string(slice.size_bytes));
        request.span.decide("object", "version " + object.version + ", " +
                                          std::to_string(object.size_bytes) + " bytes, ETag " +
                                          object.etag);
        if (request.method == "HEAD") return reply;
        if (auto body = open_body(s3, parts, slice)) {
            reply.object = std::move(*body);
            return reply;
        }
        if (attempt > 0 && s3.store()
                                   .version(object.bucket, object.key, object.version)
                                   .value_or(ObjectVersion{})
                                   .row == object.row)
            throw aws::Error(
                500, "InternalError",
                "The bytes of this object are missing from " + s3.blobs().directory() + ".");
    }
    throw aws::Error(503, "SlowDown", "Please reduce your request rate.");
}

namespace {

WriteGuard delete_guard(const Request& request) {
    for (std::string_view name : {"x-amz-if-match-last-modified-time", "x-amz-if-match-size"})
        if (request.headers.has(name)) throw not_implemented_header(name);
    const std::string* match = request.headers.find("If-Match");
    if (!match) return {};
    return [condition = *match](const ObjectVersion* current) {
        if (!current || !etag_matches(condition, current->etag))
            throw precondition_failed("If-Match");
    };
}

Reply delete_object(ControlPlane& s3, Request& request) {
    check_key(request.key);
    std::string_view version = request.value("versionId");
    check_version_id(request.state(), version, request.has("versionId"));
    DeleteResult result = s3.store().remove(request.bucket_name, request.key, version, request.now,
                                            delete_guard(request));
    s3.drop(result.dropped);
    Reply reply = Reply::empty(204);
    if (request.state().bucket.versioning != Versioning::Never) {
        if (result.made_marker || result.removed_marker)
            reply.headers.add("x-amz-delete-marker", "true");
        std::string id = result.version.empty() ? std::string(version) : result.version;
        if (!id.empty()) reply.headers.add("x-amz-version-id", id);
    }
    request.span.decide("object", result.made_marker ? "a delete marker was put on top"
                                  : result.removed   ? "removed"
                                                     : "there was nothing to remove");
    return reply;
}

void delete_one(ControlPlane& s3, Request& request, const Element& entry, bool quiet,
                XmlWriter& xml) {
    std::string key(entry.child_text("Key")), version(entry.child_text("VersionId"));
    auto error = [&](std::string_view code, std::string_view message) {
        xml.open("Error").add("Key", key);
        if (!version.empty()) xml.add("VersionId", version);
        xml.add("Code", code).add("Message", message).close();
    };
    Access access =
        s3.access(request, version.empty() ? "s3:DeleteObject" : "s3:DeleteObjectVersion",
                  request.state(), key);
    if (!access.allowed) {
        request.span.decide("denied", key + ": " + access.reason);
        return error("AccessDenied", access.message);
    }
    try {
        check_key(key);
        check_version_id(request.state(), version, entry.child("VersionId") != nullptr);
        WriteGuard guard;
        if (const Element* etag = entry.child("ETag"))
            guard = [condition = etag->text](const ObjectVersion* current) {
                if (!current || !etag_matches(condition, current->etag))
                    throw precondition_failed("If-Match");
            };
        DeleteResult result =
            s3.store().remove(request.bucket_name, key, version, request.now, guard);
        s3.drop(result.dropped);
        if (quiet) return;
        xml.open("Deleted").add("Key", key);
        if (!version.empty()) xml.add("VersionId", version);
        if (result.made_marker || result.removed_marker)
            xml.flag("DeleteMarker", true).add("DeleteMarkerVersionId", result.version);
        xml.close();
    } catch (const aws::Error& problem) {
        error(problem.code, problem.message);
    }
}

Reply delete_objects(ControlPlane& s3, Request& request) {
    Element document = read_document(request, kMaxDeleteBody, BodyDigest::Required);
    auto entries = document.all("Object");
    if (document.name != "Delete" || entries.empty() || entries.size() > kMaxDeleteKeys)
        throw malformed_xml();
    for (const Element* entry : entries)
        if (!entry->child("Key") || entry->child_text("Key").empty()) throw malformed_xml();
    bool quiet = base::equals_ignoring_case(document.child_text("Quiet"), "true");
    XmlWriter xml("DeleteResult");
    for (const Element* entry : entries)
        delete_one(s3, request, *entry, quiet, xml);
    return Reply::xml(xml.finish());
}

Reply get_object_attributes(ControlPlane& s3, Request& request) {
    check_key(request.key);
    s3.authorize(request, "s3:GetObject", request.state(), request.key);
    std::vector<std::string> wanted;
    for (std::string_view value : request.headers.all("x-amz-object-attributes"))
        for (std::string_view name : base::split(value, ','))
            if (!base::trim(name).empty()) wanted.emplace_back(base::trim(name));
    if (wanted.empty())
        throw invalid_request(
            "The x-amz-object-attributes header specifying the attributes to be retrieved is "
            "either missing or empty");
    for (const std::string& name : wanted)
        if (name != "ETag" && name != "Checksum" && name != "ObjectParts" &&
            name != "StorageClass" && name != "ObjectSize")
            throw invalid_argument("Invalid attribute name specified.", "x-amz-object-attributes",
                                   name);
    auto wants = [&](std::string_view name) {
        return std::ranges::find(wanted, name) != wanted.end();
    };
    ObjectVersion object =
        find_object(s3, request, request.state(), request.key, request.value("versionId"));
    XmlWriter xml("GetObjectAttributesResponse");
    if (wants("ETag")) xml.add("ETag", object.etag);
    if (wants("Checksum") && object.checksum)
        xml.open("Checksum")
            .add(row_of(object.checksum->algorithm).element, object.checksum->value)
            .add("ChecksumType", name_of(object.checksum->type))
            .close();
    if (wants("ObjectParts") && object.part_count > 0) {
        int marker = static_cast<int>(
            base::parse_unsigned(request.headers.get("x-amz-part-number-marker")).value_or(0));
        int max = static_cast<int>(std::min<uint64_t>(
            kMaxPage,
            base::parse_unsigned(request.headers.get("x-amz-max-parts")).value_or(kMaxPage)));
        std::vector<Part> parts = s3.store().parts(object.row);
        std::erase_if(parts, [&](const Part& part) { return part.number <= marker; });
        bool truncated = parts.size() > static_cast<size_t>(max);
        if (truncated) parts.resize(static_cast<size_t>(max));
        xml.open("ObjectParts").add("PartsCount", object.part_count);
        bool with_list = object.checksum && object.checksum->type == ChecksumType::Composite;
        if (with_list) {
            xml.add("PartNumberMarker", marker)
                .add("NextPartNumberMarker", parts.empty() ? 0 : parts.back().number);
            xml.add("MaxParts", max).flag("IsTruncated", truncated);
            for (const Part& part : parts) {
                xml.open("Part");
                if (!part.checksum.empty())
                    xml.add(row_of(object.checksum->algorithm).element, part.checksum);
                xml.add("PartNumber", part.number)
                    .add("Size", static_cast<int64_t>(part.size_bytes))
                    .close();
            }
        }
        xml.close();
    }
    if (wants("StorageClass")) xml.add("StorageClass", object.properties.storage_class);
    if (wants("ObjectSize")) xml.add("ObjectSize", static_cast<int64_t>(object.size_bytes));
    Reply reply = Reply::xml(xml.finish());
    reply.headers.add("Last-Modified", base::http_date(object.modified));
    add_version_header(reply.headers, request.state(), object, VersionOf::Read);
    return reply;
}

constexpr Operation kOperations[] = {
    {"PutObject", put_object, "PUT", "/{Bucket}/{Key+}", "", "s3:PutObject"},
    {"GetObject", read_object, "GET", "/{Bucket}/{Key+}", "", "s3:GetObject"},
    {"HeadObject", read_object, "HEAD", "/{Bucket}/{Key+}", "", "s3:GetObject"},
    {"DeleteObject", delete_object, "DELETE", "/{Bucket}/{Key+}", "", "s3:DeleteObject"},
    {"DeleteObjects", delete_objects, "POST", "/{Bucket}", "delete", ""},
    {"GetObjectAttributes", get_object_attributes, "GET", "/{Bucket}/{Key+}", "attributes",
     "s3:GetObjectAttributes"},
};

}  // namespace

const std::span<const Operation> object_operations = kOperations;

}  // namespace s3
