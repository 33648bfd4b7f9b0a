// See properties.h.
#include "s3/properties.h"

#include <algorithm>

#include "base/date.h"
#include "base/encoding.h"
#include "base/text.h"
#include "http/query.h"
#include "s3/errors.h"

namespace s3 {
namespace {

constexpr std::string_view kSystemHeaders[] = {"Cache-Control", "Content-Disposition",
                                               "Content-Language", "Expires"};
constexpr std::string_view kStorageClasses[] = {
    "STANDARD",       "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
    "GLACIER",        "DEEP_ARCHIVE",       "GLACIER_IR",  "OUTPOSTS",   "SNOW",
    "EXPRESS_ONEZONE"};
constexpr size_t kMaxTags = 10, kMaxTagName = 128, kMaxTagValue = 256;
constexpr size_t kMaxRedirect = 2048;
constexpr std::string_view kMetaPrefix = "x-amz-meta-";

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// aws-chunked describes the transfer, not the object.
std::string without_aws_chunked(std::string_view encodings) {
    std::string kept;
    for (std::string_view one : base::split(encodings, ',')) {
        std::string_view name = base::trim(one);
        if (name.empty() || base::equals_ignoring_case(name, "aws-chunked")) continue;
        if (!kept.empty()) kept += ",";
        kept += name;
    }
    return kept;
}

bool is_tag_character(char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalnum(byte) ||
           std::string_view(" +-=._:/@").find(c) != std::string_view::npos;
}

}  // namespace

ObjectProperties read_properties(const http::HeaderList& headers) {
    ObjectProperties properties;
    std::string_view type = headers.get("Content-Type");
    properties.headers.add("Content-Type", type.empty() ? "binary/octet-stream" : type);
    for (std::string_view name : kSystemHeaders)
        if (const std::string* value = headers.find(name)) properties.headers.add(name, *value);
    if (headers.has("Content-Encoding")) {
        std::string encoding = without_aws_chunked(headers.joined("Content-Encoding"));
        if (!encoding.empty()) properties.headers.add("Content-Encoding", encoding);
    }
    size_t metadata_bytes = 0;
    for (const http::Header& header : headers) {
        std::string name = base::lower(header.name);
        if (!name.starts_with(kMetaPrefix)) continue;
        metadata_bytes += name.size() - kMetaPrefix.size() + header.value.size();
        if (const std::string* earlier = properties.headers.find(name))
            properties.headers.set(name, *earlier + "," + header.value);
        else
            properties.headers.add(name, header.value);
    }
    if (metadata_bytes > kMaxMetadataBytes)
        throw aws::Error(400, "MetadataTooLarge",
                         "Your metadata headers exceed the maximum allowed metadata size")
            .with("Size", std::to_string(metadata_bytes))
            .with("MaxSizeAllowed", std::to_string(kMaxMetadataBytes));
    if (const std::string* location = headers.find("x-amz-website-redirect-location")) {
        check_redirect(*location);
        properties.redirect = *location;
    }
    if (const std::string* storage_class = headers.find("x-amz-storage-class"))
        properties.storage_class = checked_storage_class(*storage_class);
    if (const std::string* tags = headers.find("x-amz-tagging"))
        properties.tags = parse_tagging_header(*tags);
    check_encryption(headers);
    return properties;
}

void check_redirect(std::string_view location) {
    bool known = location.starts_with('/') || location.starts_with("http://") ||
                 location.starts_with("https://");
    if (!known || location.size() > kMaxRedirect)
        throw aws::Error(
            400, "InvalidRedirectLocation",
            "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.");
}

std::string checked_storage_class(std::string_view name) {
    if (std::ranges::find(kStorageClasses, name) == std::end(kStorageClasses))
        throw aws::Error(400, "InvalidStorageClass", "The storage class you specified is not valid")
            .with("StorageClassRequested", std::string(name));
    return std::string(name);
}

void check_encryption(const http::HeaderList& headers) {
    const std::string* algorithm = headers.find("x-amz-server-side-encryption");
    if (algorithm && *algorithm != "AES256" && *algorithm != "aws:kms" &&
        *algorithm != "aws:kms:dsse")
        throw aws::Error(
            400, "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.");
    // GAP: SSE-KMS is accepted and answered as SSE-S3; customer keys are refused, because bytes are
    // kept in clear.
    if (headers.has("x-amz-server-side-encryption-customer-algorithm"))
        throw not_implemented_header("x-amz-server-side-encryption-customer-algorithm");
}

void check_tag(std::string_view name, std::string_view value) {
    if (name.empty() || name.size() > kMaxTagName || !std::ranges::all_of(name, is_tag_character))
        throw aws::Error(400, "InvalidTag", "The TagKey you have provided is invalid")
            .with("TagKey", std::string(name));
    if (value.size() > kMaxTagValue || !std::ranges::all_of(value, is_tag_character))
        throw aws::Error(400, "InvalidTag", "The TagValue you have provided is invalid")
            .with("TagKey", std::string(name))
            .with("TagValue", std::string(value));
}

Tags parse_tagging_header(std::string_view value) {
    Tags tags;
    for (http::FormField& field : http::parse_form(value)) {
        if (std::ranges::any_of(tags, [&](const auto& tag) { return tag.first == field.name; }))
            throw invalid_argument(
                "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
                "parameters without tag name duplicates.",
                "x-amz-tagging", value);
        check_tag(field.name, field.value);
        if (base::lower(field.name).starts_with("aws:"))
            throw aws::Error(400, "InvalidTag", "Your TagKey cannot be prefixed with aws:");
        tags.emplace_back(std::move(field.name), std::move(field.value));
    }
    if (tags.size() > kMaxTags)
        throw aws::Error(400, "BadRequest", "Object tags cannot be greater than 10");
    return tags;
}

std::string quoted(std::string_view etag) {
    return "\"" + std::string(etag) + "\"";
}

void add_object_headers(http::HeaderList& to, const ObjectVersion& object) {
    const ObjectProperties& properties = object.properties;
    to.add("Last-Modified", base::http_date(object.modified));
    to.add("ETag", quoted(object.etag));
    to.add("x-amz-server-side-encryption", "AES256");
    for (const http::Header& header : properties.headers) {
        // User metadata beyond ASCII comes back as an RFC 2047 word.
        if (header.name.starts_with(kMetaPrefix) && !is_ascii(header.value))
            to.add(header.name, "=?UTF-8?B?" + base::to_base64(header.value) + "?=");
        else
            to.add(header.name, header.value);
    }
    if (!properties.tags.empty())
        to.add("x-amz-tagging-count", std::to_string(properties.tags.size()));
    if (properties.storage_class != "STANDARD")
        to.add("x-amz-storage-class", properties.storage_class);
    if (!properties.redirect.empty())
        to.add("x-amz-website-redirect-location", properties.redirect);
    to.add("Accept-Ranges", "bytes");
}

void add_checksum_headers(http::HeaderList& to, const Checksum& checksum) {
    to.add(row_of(checksum.algorithm).header, checksum.value);
    to.add("x-amz-checksum-type", name_of(checksum.type));
}

}  // namespace s3
