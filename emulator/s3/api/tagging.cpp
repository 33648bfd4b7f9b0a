// Tags of buckets and of object versions.
// S3 API reference, Get/Put/DeleteBucketTagging, Get/Put/DeleteObjectTagging; s3.md §3.14.
#include <algorithm>

#include "base/text.h"
#include "s3/api/common.h"
#include "s3/errors.h"
#include "s3/properties.h"

namespace s3 {
namespace {

constexpr size_t kMaxBody = 256 * 1024;
constexpr size_t kMaxObjectTags = 10, kMaxBucketTags = 50;

struct Rules {
    size_t max;
    std::string_view too_many, reserved;
};
constexpr Rules kObjectRules = {kMaxObjectTags, "Object tags cannot be greater than 10",
                                "Your TagKey cannot be prefixed with aws:"};
constexpr Rules kBucketRules = {kMaxBucketTags, "Bucket tag count cannot be greater than 50",
                                "System tags cannot be added/updated by requester"};

Tags read_tagging(Request& request, const Rules& rules) {
    Element document = read_document(request, kMaxBody);
    const Element* set = document.child("TagSet");
    if (document.name != "Tagging" || !set) throw malformed_xml();
    Tags tags;
    for (const Element* tag : set->all("Tag")) {
        if (!tag->child("Key") || !tag->child("Value")) throw malformed_xml();
        std::string name(tag->child_text("Key")), value(tag->child_text("Value"));
        check_tag(name, value);
        if (base::lower(name).starts_with("aws:"))
            throw aws::Error(400, "InvalidTag", std::string(rules.reserved));
        if (std::ranges::any_of(tags, [&](const auto& other) { return other.first == name; }))
            throw aws::Error(400, "InvalidTag", "Cannot provide multiple Tags with the same key")
                .with("TagKey", name);
        tags.emplace_back(std::move(name), std::move(value));
    }
    if (tags.size() > rules.max) throw aws::Error(400, "BadRequest", std::string(rules.too_many));
    return tags;
}

std::string tagging_document(const Tags& tags) {
    XmlWriter xml("Tagging");
    xml.open("TagSet");
    for (const auto& [name, value] : tags)
        xml.open("Tag").add("Key", name).add("Value", value).close();
    return xml.finish();
}

Reply get_bucket_tagging(ControlPlane& s3, Request& request) {
    auto document = s3.store().document(request.bucket_name, "tagging");
    if (!document) throw not_set("NoSuchTagSet", "The TagSet does not exist", request.bucket_name);
    return Reply::xml(*document);
}

Reply put_bucket_tagging(ControlPlane& s3, Request& request) {
    Tags tags = read_tagging(request, kBucketRules);
    if (tags.empty())
        s3.store().remove_document(request.bucket_name, "tagging");
    else
        s3.store().set_document(request.bucket_name, "tagging", {}, tagging_document(tags));
    return Reply::empty(204);
}

Reply delete_bucket_tagging(ControlPlane& s3, Request& request) {
    s3.store().remove_document(request.bucket_name, "tagging");
    return Reply::empty(204);
}

ObjectVersion object_of(ControlPlane& s3, Request& request) {
    return find_object(s3, request, request.state(), request.key, request.value("versionId"));
}

Reply get_object_tagging(ControlPlane& s3, Request& request) {
    ObjectVersion object = object_of(s3, request);
    Reply reply = Reply::xml(tagging_document(object.properties.tags));
    add_version_header(reply.headers, request.state(), object, VersionOf::Read);
    return reply;
}

Reply put_object_tagging(ControlPlane& s3, Request& request) {
    ObjectVersion object = object_of(s3, request);
    s3.store().set_tags(object.row, read_tagging(request, kObjectRules));
    Reply reply = Reply::empty(200);
    add_version_header(reply.headers, request.state(), object, VersionOf::Read);
    return reply;
}

Reply delete_object_tagging(ControlPlane& s3, Request& request) {
    ObjectVersion object = object_of(s3, request);
    s3.store().set_tags(object.row, {});
    Reply reply = Reply::empty(204);
    add_version_header(reply.headers, request.state(), object, VersionOf::Read);
    return reply;
}

constexpr Operation kOperations[] = {
    {"GetBucketTagging", get_bucket_tagging, "GET", "/{Bucket}", "tagging", "s3:GetBucketTagging"},
    {"PutBucketTagging", put_bucket_tagging, "PUT", "/{Bucket}", "tagging", "s3:PutBucketTagging"},
    {"DeleteBucketTagging", delete_bucket_tagging, "DELETE", "/{Bucket}", "tagging",
     "s3:PutBucketTagging"},
    {"GetObjectTagging", get_object_tagging, "GET", "/{Bucket}/{Key+}", "tagging",
     "s3:GetObjectTagging"},
    {"PutObjectTagging", put_object_tagging, "PUT", "/{Bucket}/{Key+}", "tagging",
     "s3:PutObjectTagging"},
    {"DeleteObjectTagging", delete_object_tagging, "DELETE", "/{Bucket}/{Key+}", "tagging",
     "s3:DeleteObjectTagging"},
};

}  // namespace

const std::span<const Operation> tagging_operations = kOperations;

}  // namespace s3
