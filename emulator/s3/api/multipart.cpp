// Multipart uploads: create, upload part, complete, abort, list parts, list uploads.
// S3 API reference, pages of these; S3 guide, "Uploading and copying objects using multipart
// upload"; s3.md §3.11, §3.12.
#include <algorithm>

#include "base/date.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/text.h"
#include "s3/api/common.h"
#include "s3/api/listing.h"
#include "s3/errors.h"
#include "s3/properties.h"

namespace s3 {
namespace {

constexpr size_t kUploadIdCharacters = 64;
constexpr size_t kMaxCompleteBody = 4 << 20;

MultipartUpload find_upload(ControlPlane& s3, const Request& request) {
    auto upload = s3.store().upload(request.value("uploadId"));
    if (!upload || upload->bucket != request.bucket_name || upload->key != request.key)
        throw no_such_upload(request.value("uploadId"));
    return *upload;
}

ChecksumType default_type(ChecksumAlgorithm algorithm) {
    return algorithm == ChecksumAlgorithm::Crc64Nvme ? ChecksumType::FullObject
                                                     : ChecksumType::Composite;
}

void read_checksum_choice(const Request& request, MultipartUpload& upload) {
    const std::string* algorithm = request.headers.find("x-amz-checksum-algorithm");
    const std::string* type = request.headers.find("x-amz-checksum-type");
    if (!algorithm) {
        if (type)
            throw invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm "
                "header.");
        return;
    }
    upload.algorithm = parse_checksum_algorithm(*algorithm);
    if (!upload.algorithm)
        throw invalid_request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid "
            "types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
    upload.type = default_type(*upload.algorithm);
    if (!type) return;
    std::string name = base::lower(row_of(*upload.algorithm).name);
    if (*type == "FULL_OBJECT")
        upload.type = ChecksumType::FullObject;
    else if (*type == "COMPOSITE")
        upload.type = ChecksumType::Composite;
    else
        throw invalid_request("Value for x-amz-checksum-type header is invalid.");
    bool is_sha = *upload.algorithm == ChecksumAlgorithm::Sha1 ||
                  *upload.algorithm == ChecksumAlgorithm::Sha256;
    if ((upload.type == ChecksumType::FullObject && is_sha) ||
        (upload.type == ChecksumType::Composite &&
         *upload.algorithm == ChecksumAlgorithm::Crc64Nvme))
        throw invalid_request("The " + *type + " checksum type cannot be used with the " + name +
                              " checksum algorithm.");
}

Reply create_multipart_upload(ControlPlane& s3, Request& request) {
    check_key(request.key);
    if (request.caller.is_anonymous())
        throw access_denied(
            "Anonymous users cannot initiate multipart uploads. Please authenticate.");
    MultipartUpload upload;
    upload.id = base::random_base64url(kUploadIdCharacters);
    upload.bucket = request.bucket_name;
    upload.key = request.key;
    upload.initiated = request.now;
    upload.initiator = request.caller.arn;
    upload.properties = read_properties(request.headers);
    upload.properties.acl = checked_acl(request);
    read_checksum_choice(request, upload);
    s3.store().insert(upload);
    XmlWriter xml("InitiateMultipartUploadResult");
    xml.add("Bucket", upload.bucket).add("Key", upload.key).add("UploadId", upload.id);
    Reply reply = Reply::xml(xml.finish());
    reply.headers.add("x-amz-server-side-encryption", "AES256");
    if (upload.algorithm) {
        reply.headers.add("x-amz-checksum-algorithm", row_of(*upload.algorithm).name);
        reply.headers.add("x-amz-checksum-type", name_of(upload.type));
    }
    return reply;
}

Reply upload_part(ControlPlane& s3, Request& request) {
    int number = parse_part_number(request.value("partNumber"));
    MultipartUpload upload = find_upload(s3, request);
    auto named = named_checksum(request);
    if (named && upload.algorithm && *named != *upload.algorithm)
        throw invalid_request("Checksum Type mismatch occurred, expected checksum Type: " +
                              base::lower(row_of(*upload.algorithm).name) +
                              ", actual checksum Type: " + base::lower(row_of(*named).name));
    // Without an algorithm at creation the object gets CRC64NVME: a part's own checksum is only
    // verified.
    ChecksumAlgorithm kept = upload.algorithm.value_or(ChecksumAlgorithm::Crc64Nvme);
    StoredBody stored = store_body(s3, request, kMaxPutBytes, DigestForm::Base64, kept);
    stored.part.number = number;
    s3.drop(keep_or_drop(s3, stored.part.blob,
                         [&] { return s3.store().put_part(upload.id, stored.part); }));
    Reply reply = Reply::empty(200);
    reply.headers.add("x-amz-server-side-encryption", "AES256");
    reply.headers.add("ETag", quoted(stored.part.etag));
    if (named || upload.algorithm)
        reply.headers.add(row_of(stored.checksum.algorithm).header, stored.checksum.value);
    return reply;
}

struct ListedPart {
    int number;
    std::string etag;
    const Element* element;
};

std::vector<ListedPart> read_part_list(const Request& request, const Element& document) {
    if (document.name != "CompleteMultipartUpload") throw malformed_xml();
    std::vector<ListedPart> listed;
    for (const Element* element : document.all("Part")) {
        if (!element->child("ETag")) throw malformed_xml();
        auto number = base::parse_unsigned(base::trim(element->child_text("PartNumber")));
        if (!number) throw malformed_xml();
        if (*number < 1 || *number > kMaxParts)
            throw invalid_argument("Part number must be an integer between 1 and 10000, inclusive",
                                   "partNumber", element->child_text("PartNumber"));
        std::string etag(base::trim(element->child_text("ETag")));
        if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
            etag = etag.substr(1, etag.size() - 2);
        if (!listed.empty() && static_cast<int>(*number) <= listed.back().number)
            throw aws::Error(400, "InvalidPartOrder",
                             "The list of parts was not in ascending order. Parts must be ordered "
                             "by part number.")
                .with("UploadId", std::string(request.value("uploadId")));
        listed.push_back({static_cast<int>(*number), std::move(etag), element});
    }
    if (listed.empty()) throw invalid_request("You must specify at least one part");
    return listed;
}

aws::Error invalid_part(const MultipartUpload& upload, const ListedPart& part) {
    return aws::Error(400, "InvalidPart",
                      "One or more of the specified parts could not be found.  The part may not "
                      "have been uploaded, or the specified entity tag may not "
                      "match the part's entity tag.")
        .with("ETag", part.etag)
        .with("PartNumber", std::to_string(part.number))
        .with("UploadId", upload.id);
}

std::vector<Part> choose_parts(ControlPlane& s3, const MultipartUpload& upload,
                               const std::vector<ListedPart>& listed) {
    std::vector<Part> uploaded = s3.store().upload_parts(upload.id, 0, kMaxParts);
    std::vector<Part> chosen;
    for (const ListedPart& wanted : listed) {
        auto found = std::ranges::find(uploaded, wanted.number, &Part::number);
        if (found == uploaded.end() || found->etag != wanted.etag)
            throw invalid_part(upload, wanted);
        if (upload.algorithm) {
            const ChecksumRow& row = row_of(*upload.algorithm);
            const Element* checksum = wanted.element->child(row.element);
            if (!checksum && upload.type == ChecksumType::Composite)
                throw invalid_request("The upload was created using a " + base::lower(row.name) +
                                      " checksum. The complete request must include the checksum "
                                      "for each part. It was missing for part " +
                                      std::to_string(wanted.number) + " in the request.");
            if (checksum && checksum->text != found->checksum) throw invalid_part(upload, wanted);
        }
        if (wanted.number != listed.back().number && found->size_bytes < kMinPartBytes)
            throw aws::Error(400, "EntityTooSmall",
                             "Your proposed upload is smaller than the minimum allowed size")
                .with("ETag", wanted.etag)
                .with("MinSizeAllowed", std::to_string(kMinPartBytes))
                .with("PartNumber", std::to_string(wanted.number))
                .with("ProposedSize", std::to_string(found->size_bytes));
        chosen.push_back(*found);
    }
    return chosen;
}

Checksum whole_checksum(const Request& request, const MultipartUpload& upload,
                        const std::vector<Part>& parts) {
    std::vector<PartChecksum> values;
    for (const Part& part : parts)
        values.push_back({part.checksum, part.size_bytes});
    Checksum checksum;
    checksum.algorithm = upload.algorithm.value_or(ChecksumAlgorithm::Crc64Nvme);
    checksum.type = upload.type;
    checksum.value = checksum.type == ChecksumType::Composite
                         ? composite_checksum(checksum.algorithm, values)
                         : full_object_checksum(checksum.algorithm, values);
    const std::string* type = request.headers.find("x-amz-checksum-type");
    if (type && *type != name_of(checksum.type))
        throw invalid_request(
            "The upload was created using the " +
            std::string(upload.algorithm ? name_of(checksum.type) : "null") +
            " checksum mode. The complete request must use the same checksum mode.");
    const ChecksumRow& row = row_of(checksum.algorithm);
    if (const std::string* promised = request.headers.find(row.header);
        promised && checksum.type == ChecksumType::FullObject && *promised != checksum.value)
        throw aws::Error(400, "BadDigest",
                         "The " + base::lower(row.name) +
                             " you specified did not match the calculated checksum.");
    return checksum;
}

std::string multipart_etag(const std::vector<Part>& parts) {
    std::string digests;
    for (const Part& part : parts)
        digests += base::from_hex(part.etag).value_or("");
    return base::to_hex(base::md5(digests)) + "-" + std::to_string(parts.size());
}

Reply complete_multipart_upload(ControlPlane& s3, Request& request) {
    MultipartUpload upload = find_upload(s3, request);
    std::string body = request.payload.read_all(kMaxCompleteBody);
    auto document = body.empty() ? std::nullopt : parse_xml(body);
    if (!document)
        throw body.empty() ? invalid_request("You must specify at least one part")
                           : malformed_xml();
    std::vector<ListedPart> listed = read_part_list(request, *document);
    std::vector<Part> parts = choose_parts(s3, upload, listed);

    ObjectVersion object;
    object.bucket = upload.bucket;
    object.key = upload.key;
    object.properties = upload.properties;
    // GUESS: Last-Modified is the time of completion.
    object.modified = request.now;
    for (const Part& part : parts)
        object.size_bytes += part.size_bytes;
    if (const std::string* size = request.headers.find("x-amz-mp-object-size");
        size && *size != std::to_string(object.size_bytes))
        throw invalid_request(
            "The provided 'x-amz-mp-object-size' header value " + *size +
            " does not match what was computed: " + std::to_string(object.size_bytes));
    object.etag = multipart_etag(parts);
    object.checksum = whole_checksum(request, upload, parts);
    object.part_count = static_cast<int>(parts.size());
    // A version's parts are numbered from 1 whatever gaps the upload had: partNumber reads count
    // them.
    for (size_t i = 0; i < parts.size(); ++i)
        parts[i].number = static_cast<int>(i) + 1;

    WriteGuard guard = write_guard(request);
    std::string condition = request.headers.has("If-Match") ? "If-Match" : "If-None-Match";
    s3.drop(
        s3.store().complete(upload, object, parts, [&](const ObjectVersion* current, bool changed) {
            if (!guard) return;
            guard(current);
            if (changed)
                throw aws::Error(409, "ConditionalRequestConflict",
                                 "The conditional request cannot succeed due to a conflicting "
                                 "operation against this resource.")
                    .with("Condition", condition)
                    .with("Key", upload.key);
        }));

    XmlWriter xml("CompleteMultipartUploadResult");
    xml.add("Location", request.object_url())
        .add("Bucket", object.bucket)
        .add("Key", object.key)
        .add("ETag", quoted(object.etag));
    xml.add(row_of(object.checksum->algorithm).element, object.checksum->value)
        .add("ChecksumType", name_of(object.checksum->type));
    Reply reply = Reply::xml(xml.finish());
    reply.headers.add("x-amz-server-side-encryption", "AES256");
    add_version_header(reply.headers, request.state(), object, VersionOf::Write);
    request.span.decide("object", "stored " + std::to_string(object.size_bytes) + " bytes in " +
                                      std::to_string(parts.size()) + " parts, ETag " + object.etag);
    return reply;
}

Reply abort_multipart_upload(ControlPlane& s3, Request& request) {
    MultipartUpload upload = find_upload(s3, request);
    s3.drop(s3.store().remove_upload(upload.id));
    return Reply::empty(204);
}

void write_who(XmlWriter& xml, const BucketState& bucket, const MultipartUpload& upload) {
    xml.open("Initiator")
        .add("ID", upload.initiator)
        .add("DisplayName", upload.initiator.substr(upload.initiator.rfind('/') + 1))
        .close();
    xml.open("Owner").add("ID", bucket.owner_id).close();
    xml.add("StorageClass", upload.properties.storage_class);
}

Reply list_parts(ControlPlane& s3, Request& request) {
    MultipartUpload upload = find_upload(s3, request);
    size_t max = parse_max(request, "max-parts",
                           "Argument max-parts must be an integer between 0 and 2147483647");
    int marker = 0;
    if (!request.value("part-number-marker").empty()) {
        auto number = base::parse_unsigned(request.value("part-number-marker"));
        if (!number || *number > INT32_MAX)
            throw invalid_argument(
                "Argument part-number-marker must be an integer between 0 and 2147483647",
                "part-number-marker", request.value("part-number-marker"));
        marker = static_cast<int>(*number);
    }
    std::vector<Part> parts = s3.store().upload_parts(upload.id, marker, static_cast<int>(max) + 1);
    bool truncated = max > 0 && parts.size() > max;
    if (parts.size() > max) parts.resize(max);
    XmlWriter xml("ListPartsResult");
    xml.add("Bucket", upload.bucket).add("Key", upload.key).add("UploadId", upload.id);
    write_who(xml, request.state(), upload);
    xml.add("PartNumberMarker", marker)
        .add("NextPartNumberMarker", parts.empty() ? 0 : parts.back().number);
    xml.add("MaxParts", static_cast<int64_t>(max)).flag("IsTruncated", truncated);
    if (upload.algorithm)
        xml.add("ChecksumAlgorithm", row_of(*upload.algorithm).name)
            .add("ChecksumType", name_of(upload.type));
    for (const Part& part : parts) {
        xml.open("Part")
            .add("PartNumber", part.number)
            .add("LastModified", base::iso_date_millis(part.modified));
        xml.add("ETag", quoted(part.etag)).add("Size", static_cast<int64_t>(part.size_bytes));
        if (upload.algorithm) xml.add(row_of(*upload.algorithm).element, part.checksum);
        xml.close();
    }
    return Reply::xml(xml.finish());
}

Reply list_multipart_uploads(ControlPlane& s3, Request& request) {
    Encoding encoding = parse_encoding(request);
    ListQuery query{std::string(request.value("prefix")), std::string(request.value("delimiter")),
                    std::string(request.value("key-marker")),
                    parse_max(request, "max-uploads",
                              "Argument max-uploads must be an integer between 0 and 2147483647")};
    // Without a key marker the upload marker means nothing.
    std::string_view upload_marker =
        query.after.empty() ? std::string_view() : request.value("upload-id-marker");
    if (!upload_marker.empty()) {
        auto marked = s3.store().upload(upload_marker);
        if (!marked || marked->key != query.after)
            throw invalid_argument("Invalid uploadId marker", "upload-id-marker", upload_marker);
    }
    ListPage<UploadLine> page = s3.store().list_uploads(request.bucket_name, query, upload_marker);
    XmlWriter xml("ListMultipartUploadsResult");
    xml.add("Bucket", request.bucket_name)
        .add("KeyMarker", encoding(query.after))
        .add("UploadIdMarker", upload_marker);
    bool has_last = !page.lines.empty();
    xml.add("NextKeyMarker", has_last ? encoding(page.lines.back().name()) : "");
    xml.add("NextUploadIdMarker",
            has_last && page.lines.back().item ? page.lines.back().item->upload.id : "");
    if (!query.delimiter.empty()) xml.add("Delimiter", encoding(query.delimiter));
    if (!query.prefix.empty()) xml.add("Prefix", encoding(query.prefix));
    if (encoding.url) xml.add("EncodingType", "url");
    xml.add("MaxUploads", static_cast<int64_t>(query.max)).flag("IsTruncated", page.is_truncated);
    std::vector<std::string> prefixes;
    for (const auto& line : page.lines) {
        if (!line.item) {
            prefixes.push_back(line.common_prefix);
            continue;
        }
        const MultipartUpload& upload = line.item->upload;
        xml.open("Upload").add("Key", encoding(upload.key)).add("UploadId", upload.id);
        write_who(xml, request.state(), upload);
        xml.add("Initiated", base::iso_date_millis(upload.initiated));
        if (upload.algorithm)
            xml.add("ChecksumAlgorithm", row_of(*upload.algorithm).name)
                .add("ChecksumType", name_of(upload.type));
        xml.close();
    }
    write_common_prefixes(xml, prefixes, encoding);
    return Reply::xml(xml.finish());
}

constexpr Operation kOperations[] = {
    {"CreateMultipartUpload", create_multipart_upload, "POST", "/{Bucket}/{Key+}", "uploads",
     "s3:PutObject"},
    {"UploadPart", upload_part, "PUT", "/{Bucket}/{Key+}", "uploadId", "s3:PutObject"},
    {"CompleteMultipartUpload", complete_multipart_upload, "POST", "/{Bucket}/{Key+}", "uploadId",
     "s3:PutObject"},
    {"AbortMultipartUpload", abort_multipart_upload, "DELETE", "/{Bucket}/{Key+}", "uploadId",
     "s3:AbortMultipartUpload"},
    {"ListParts", list_parts, "GET", "/{Bucket}/{Key+}", "uploadId", "s3:ListMultipartUploadParts"},
    {"ListMultipartUploads", list_multipart_uploads, "GET", "/{Bucket}", "uploads",
     "s3:ListBucketMultipartUploads"},
};

}  // namespace

const std::span<const Operation> multipart_operations = kOperations;

}  // namespace s3
