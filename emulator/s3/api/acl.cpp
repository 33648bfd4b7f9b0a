// ACLs of buckets and objects. S3 API reference, Get/PutBucketAcl, Get/PutObjectAcl; s3.md §2.7,
// §3.14.
#include "s3/api/common.h"
#include "s3/errors.h"
#include "s3/properties.h"

namespace s3 {
namespace {

constexpr size_t kMaxBody = 64 * 1024;

// From the headers, else from the body; checked against ownership controls and block public access.
std::string asked_acl(Request& request) {
    std::string from_headers = acl_from_headers(request.headers);
    std::string body = read_text(request, kMaxBody);
    if (!from_headers.empty()) {
        if (!body.empty())
            throw aws::Error(400, "UnexpectedContent", "This request does not support content");
        return checked_acl(request, request.state(), from_headers);
    }
    if (body.empty())
        throw aws::Error(400, "MissingSecurityHeader", "Your request was missing a required header")
            .with("MissingHeaderName", "x-amz-acl");
    auto document = parse_xml(body);
    if (!document) throw aws::Error(400, "MalformedACLError", malformed_xml().message);
    Acl acl = parse_acl(*document);
    // The owner's full control is what an Enforced bucket says anyway.
    bool only_owner = acl.size() == 1 && !acl[0].is_group &&
                      acl[0].grantee == request.state().owner_id &&
                      acl[0].permission == "FULL_CONTROL";
    if (!request.state().acls_enabled() && only_owner) return {};
    return checked_acl(request, request.state(), write_acl(acl));
}

Reply get_bucket_acl(ControlPlane&, Request& request) {
    const BucketState& bucket = request.state();
    std::string_view stored =
        bucket.acls_enabled() ? std::string_view(bucket.acl) : std::string_view();
    return Reply::xml(acl_document(read_acl(stored, bucket.owner_id), bucket.owner_id));
}

Reply put_bucket_acl(ControlPlane& s3, Request& request) {
    s3.store().set_document(request.bucket_name, "acl", {}, asked_acl(request));
    s3.changed(request.bucket_name);
    return Reply::empty(200);
}

Reply get_object_acl(ControlPlane& s3, Request& request) {
    ObjectVersion object =
        find_object(s3, request, request.state(), request.key, request.value("versionId"));
    const BucketState& bucket = request.state();
    std::string_view stored =
        bucket.acls_enabled() ? std::string_view(object.properties.acl) : std::string_view();
    Reply reply = Reply::xml(acl_document(read_acl(stored, bucket.owner_id), bucket.owner_id));
    add_version_header(reply.headers, bucket, object, VersionOf::Read);
    return reply;
}

Reply put_object_acl(ControlPlane& s3, Request& request) {
    ObjectVersion object =
        find_object(s3, request, request.state(), request.key, request.value("versionId"));
    s3.store().set_acl(object.row, asked_acl(request));
    Reply reply = Reply::empty(200);
    add_version_header(reply.headers, request.state(), object, VersionOf::Read);
    return reply;
}

constexpr Operation kOperations[] = {
    {"GetBucketAcl", get_bucket_acl, "GET", "/{Bucket}", "acl", "s3:GetBucketAcl"},
    {"PutBucketAcl", put_bucket_acl, "PUT", "/{Bucket}", "acl", "s3:PutBucketAcl"},
    {"GetObjectAcl", get_object_acl, "GET", "/{Bucket}/{Key+}", "acl", "s3:GetObjectAcl"},
    {"PutObjectAcl", put_object_acl, "PUT", "/{Bucket}/{Key+}", "acl", "s3:PutObjectAcl"},
};

}  // namespace

const std::span<const Operation> acl_operations = kOperations;

}  // namespace s3
