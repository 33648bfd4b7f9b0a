// Bucket policy, its status, and block public access.
// S3 API reference, GetBucketPolicy … PutPublicAccessBlock; s3.md §2.7, §2.8, §3.2.
#include "base/text.h"
#include "s3/api/common.h"
#include "s3/errors.h"

namespace s3 {
namespace {

constexpr size_t kMaxBody = 64 * 1024;

aws::Error no_policy(const Request& request) {
    return not_set("NoSuchBucketPolicy", "The bucket policy does not exist", request.bucket_name);
}

Reply get_policy(ControlPlane&, Request& request) {
    if (!request.state().policy) throw no_policy(request);
    Reply reply;
    reply.headers.add("Content-Type", "application/json");
    reply.body = request.state().policy_text;
    return reply;
}

Reply put_policy(ControlPlane& s3, Request& request) {
    std::string text = read_text(request, kMaxBody);
    if (text.empty()) throw missing_body();
    BucketPolicy policy = BucketPolicy::parse(text, request.bucket_name);
    if (request.state().block.block_public_policy && policy.is_public()) {
        request.span.decide(
            "denied", "the policy is public, and block public access (BlockPublicPolicy) is on");
        throw access_denied("User: " + request.caller.arn +
                            " is not authorized to perform: s3:PutBucketPolicy on resource: \"" +
                            resource_arn(request.bucket_name, {}) +
                            "\" because public policies are prevented by the BlockPublicPolicy "
                            "setting in S3 Block Public Access.");
    }
    s3.store().set_document(request.bucket_name, "policy", {}, text);
    s3.changed(request.bucket_name);
    return Reply::empty(204);
}

Reply delete_policy(ControlPlane& s3, Request& request) {
    s3.store().remove_document(request.bucket_name, "policy");
    s3.changed(request.bucket_name);
    return Reply::empty(204);
}

Reply get_policy_status(ControlPlane&, Request& request) {
    if (!request.state().policy) throw no_policy(request);
    return Reply::xml(
        XmlWriter("PolicyStatus").flag("IsPublic", request.state().policy->is_public()).finish());
}

Reply get_block(ControlPlane&, Request& request) {
    if (!request.state().has_block)
        throw not_set("NoSuchPublicAccessBlockConfiguration",
                      "The public access block configuration was not found", request.bucket_name);
    const PublicAccessBlock& block = request.state().block;
    XmlWriter xml("PublicAccessBlockConfiguration");
    xml.flag("BlockPublicAcls", block.block_public_acls)
        .flag("IgnorePublicAcls", block.ignore_public_acls);
    xml.flag("BlockPublicPolicy", block.block_public_policy)
        .flag("RestrictPublicBuckets", block.restrict_public_buckets);
    return Reply::xml(xml.finish());
}

Reply put_block(ControlPlane& s3, Request& request) {
    Element document = read_document(request, kMaxBody);
    if (document.name != "PublicAccessBlockConfiguration") throw malformed_xml();
    XmlWriter xml(document.name);
    for (const Element& setting : document.children) {
        bool is_bool = base::equals_ignoring_case(setting.text, "true") ||
                       base::equals_ignoring_case(setting.text, "false");
        bool known = setting.name == "BlockPublicAcls" || setting.name == "IgnorePublicAcls" ||
                     setting.name == "BlockPublicPolicy" || setting.name == "RestrictPublicBuckets";
        if (!is_bool || !known) throw malformed_xml();
        xml.copy(setting);
    }
    s3.store().set_document(request.bucket_name, "publicAccessBlock", {}, xml.finish());
    s3.changed(request.bucket_name);
    return Reply::empty(200);
}

Reply delete_block(ControlPlane& s3, Request& request) {
    s3.store().remove_document(request.bucket_name, "publicAccessBlock");
    s3.changed(request.bucket_name);
    return Reply::empty(204);
}

constexpr Operation kOperations[] = {
    {"GetBucketPolicy", get_policy, "GET", "/{Bucket}", "policy", "s3:GetBucketPolicy"},
    {"PutBucketPolicy", put_policy, "PUT", "/{Bucket}", "policy", "s3:PutBucketPolicy"},
    {"DeleteBucketPolicy", delete_policy, "DELETE", "/{Bucket}", "policy", "s3:DeleteBucketPolicy"},
    {"GetBucketPolicyStatus", get_policy_status, "GET", "/{Bucket}", "policyStatus",
     "s3:GetBucketPolicyStatus"},
    {"GetPublicAccessBlock", get_block, "GET", "/{Bucket}", "publicAccessBlock",
     "s3:GetBucketPublicAccessBlock"},
    {"PutPublicAccessBlock", put_block, "PUT", "/{Bucket}", "publicAccessBlock",
     "s3:PutBucketPublicAccessBlock"},
    {"DeletePublicAccessBlock", delete_block, "DELETE", "/{Bucket}", "publicAccessBlock",
     "s3:PutBucketPublicAccessBlock"},
};

}  // namespace

const std::span<const Operation> policy_operations = kOperations;

}  // namespace s3
