// ListObjects (V1), ListObjectsV2, ListObjectVersions.
// S3 API reference, pages of these; s3.md §3.9, §3.10.
#include "s3/api/listing.h"

#include <limits>

#include "base/date.h"
#include "base/text.h"
#include "s3/api/common.h"
#include "s3/errors.h"
#include "s3/properties.h"

namespace s3 {

size_t parse_max(const Request& request, std::string_view parameter,
                 std::string_view negative_text) {
    std::string_view text = request.value(parameter);
    if (text.empty()) return kMaxPage;
    auto number = base::parse_signed(text);
    if (!number || *number > std::numeric_limits<int32_t>::max() ||
        *number < std::numeric_limits<int32_t>::min())
        throw invalid_argument(
            "Provided " + std::string(parameter) + " not an integer or within integer range",
            parameter, text);
    if (*number < 0)
        throw invalid_argument(negative_text, parameter == "max-keys" ? "maxKeys" : parameter,
                               text);
    return static_cast<size_t>(std::min<int64_t>(*number, kMaxPage));
}

Encoding parse_encoding(const Request& request) {
    if (!request.has("encoding-type")) return {};
    if (request.value("encoding-type") != "url")
        throw invalid_argument("Invalid Encoding Method specified in Request", "encoding-type",
                               request.value("encoding-type"));
    return {true};
}

void write_common_prefixes(XmlWriter& xml, const std::vector<std::string>& prefixes,
                           Encoding encoding) {
    for (const std::string& prefix : prefixes)
        xml.open("CommonPrefixes").add("Prefix", encoding(prefix)).close();
}

namespace {

constexpr std::string_view kNegativeMax =
    "Argument maxKeys must be an integer between 0 and 2147483647";

// The common prefixes follow the keys, whatever their order.
template <class Item>
std::vector<std::string> prefixes_of(const ListPage<Item>& page) {
    std::vector<std::string> prefixes;
    for (const auto& line : page.lines)
        if (!line.item) prefixes.push_back(line.common_prefix);
    return prefixes;
}

enum class WithOwner : uint8_t { No, Yes };

void write_contents(XmlWriter& xml, const ListPage<ObjectVersion>& page, Encoding encoding,
                    WithOwner with_owner, const BucketState& bucket) {
    for (const auto& line : page.lines) {
        if (!line.item) continue;
        const ObjectVersion& object = *line.item;
        xml.open("Contents")
            .add("Key", encoding(object.key))
            .add("LastModified", base::iso_date_millis(object.modified));
        xml.add("ETag", quoted(object.etag));
        if (object.checksum)
            xml.add("ChecksumAlgorithm", row_of(object.checksum->algorithm).name)
                .add("ChecksumType", name_of(object.checksum->type));
        xml.add("Size", static_cast<int64_t>(object.size_bytes));
        if (with_owner == WithOwner::Yes) xml.open("Owner").add("ID", bucket.owner_id).close();
        xml.add("StorageClass", object.properties.storage_class).close();
    }
    write_common_prefixes(xml, prefixes_of(page), encoding);
}

Reply list_objects_v1(ControlPlane& s3, Request& request) {
    if (request.has("start-after"))
        throw invalid_argument("startAfter only supported in REST.GET.BUCKET with list-type=2",
                               "start-after", request.value("start-after"));
    Encoding encoding = parse_encoding(request);
    ListQuery query{std::string(request.value("prefix")), std::string(request.value("delimiter")),
                    std::string(request.value("marker")),
                    parse_max(request, "max-keys", kNegativeMax)};
    ListPage<ObjectVersion> page = s3.store().list(request.bucket_name, query);
    XmlWriter xml("ListBucketResult");
    xml.add("Name", request.bucket_name)
        .add("Prefix", encoding(query.prefix))
        .add("Marker", encoding(query.after));
    if (page.is_truncated && !query.delimiter.empty())
        xml.add("NextMarker", encoding(page.lines.back().name()));
    xml.add("MaxKeys", static_cast<int64_t>(query.max));
    if (!query.delimiter.empty()) xml.add("Delimiter", encoding(query.delimiter));
    if (encoding.url) xml.add("EncodingType", "url");
    xml.flag("IsTruncated", page.is_truncated);
    write_contents(xml, page, encoding, WithOwner::Yes, request.state());
    return Reply::xml(xml.finish());
}

Reply list_objects_v2(ControlPlane& s3, Request& request) {
    Encoding encoding = parse_encoding(request);
    ListQuery query{std::string(request.value("prefix")), std::string(request.value("delimiter")),
                    std::string(request.value("start-after")),
                    parse_max(request, "max-keys", kNegativeMax)};
    bool continues = request.has("continuation-token");
    if (continues) {
        auto token = read_token(request.value("continuation-token"));
        if (!token)
            throw invalid_argument("The continuation token provided is incorrect",
                                   "continuation-token", request.value("continuation-token"));
        query.after = *token;
    }
    ListPage<ObjectVersion> page = s3.store().list(request.bucket_name, query);
    XmlWriter xml("ListBucketResult");
    xml.add("Name", request.bucket_name).add("Prefix", encoding(query.prefix));
    if (!continues && request.has("start-after"))
        xml.add("StartAfter", encoding(request.value("start-after")));
    if (continues) xml.add("ContinuationToken", request.value("continuation-token"));
    if (page.is_truncated) xml.add("NextContinuationToken", make_token(page.lines.back().name()));
    xml.add("KeyCount", static_cast<int64_t>(page.lines.size()))
        .add("MaxKeys", static_cast<int64_t>(query.max));
    if (!query.delimiter.empty()) xml.add("Delimiter", encoding(query.delimiter));
    if (encoding.url) xml.add("EncodingType", "url");
    xml.flag("IsTruncated", page.is_truncated);
    bool owner = base::equals_ignoring_case(request.value("fetch-owner"), "true");
    write_contents(xml, page, encoding, owner ? WithOwner::Yes : WithOwner::No, request.state());
    return Reply::xml(xml.finish());
}

// Any list-type but 2 is V1.
Reply list_objects(ControlPlane& s3, Request& request) {
    return request.value("list-type") == "2" ? list_objects_v2(s3, request)
                                             : list_objects_v1(s3, request);
}

void write_version(XmlWriter& xml, const ObjectVersion& object, Encoding encoding,
                   const BucketState& bucket) {
    xml.open(object.is_delete_marker ? "DeleteMarker" : "Version")
        .add("Key", encoding(object.key))
        .add("VersionId", object.version);
    xml.flag("IsLatest", object.is_latest)
        .add("LastModified", base::iso_date_millis(object.modified));
    if (!object.is_delete_marker) {
        xml.add("ETag", quoted(object.etag));
        if (object.checksum)
            xml.add("ChecksumAlgorithm", row_of(object.checksum->algorithm).name)
                .add("ChecksumType", name_of(object.checksum->type));
        xml.add("Size", static_cast<int64_t>(object.size_bytes));
    }
    xml.open("Owner").add("ID", bucket.owner_id).close();
    if (!object.is_delete_marker) xml.add("StorageClass", object.properties.storage_class);
    xml.close();
}

Reply list_object_versions(ControlPlane& s3, Request& request) {
    std::string_view key_marker = request.value("key-marker"),
                     version_marker = request.value("version-id-marker");
    if (request.has("version-id-marker") && key_marker.empty())
        throw invalid_argument("A version-id marker cannot be specified without a key marker.",
                               "version-id-marker", version_marker);
    if (request.has("version-id-marker") && version_marker.empty())
        throw invalid_argument("A version-id marker cannot be empty.", "version-id-marker", "");
    Encoding encoding = parse_encoding(request);
    ListQuery query{std::string(request.value("prefix")), std::string(request.value("delimiter")),
                    std::string(key_marker),
                    parse_max(request, "max-keys", "max-keys cannot be negative")};
    ListPage<ObjectVersion> page =
        s3.store().list_versions(request.bucket_name, query, version_marker);
    XmlWriter xml("ListVersionsResult");
    xml.add("Name", request.bucket_name)
        .add("Prefix", encoding(query.prefix))
        .add("KeyMarker", encoding(key_marker))
        .add("VersionIdMarker", version_marker);
    if (page.is_truncated) {
        const auto& last = page.lines.back();
        xml.add("NextKeyMarker", encoding(last.name()));
        if (last.item) xml.add("NextVersionIdMarker", last.item->version);
    }
    xml.add("MaxKeys", static_cast<int64_t>(query.max));
    if (!query.delimiter.empty()) xml.add("Delimiter", encoding(query.delimiter));
    if (encoding.url) xml.add("EncodingType", "url");
    xml.flag("IsTruncated", page.is_truncated);
    for (const auto& line : page.lines)
        if (line.item) write_version(xml, *line.item, encoding, request.state());
    write_common_prefixes(xml, prefixes_of(page), encoding);
    return Reply::xml(xml.finish());
}

constexpr Operation kOperations[] = {
    {"ListObjects", list_objects, "GET", "/{Bucket}", "", "s3:ListBucket"},
    {"ListObjectVersions", list_object_versions, "GET", "/{Bucket}", "versions",
     "s3:ListBucketVersions"},
};

}  // namespace

const std::span<const Operation> listing_operations = kOperations;

}  // namespace s3
