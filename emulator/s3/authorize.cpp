// See authorize.h.
#include "s3/authorize.h"

#include "base/digest.h"
#include "base/text.h"

namespace s3 {
namespace {

constexpr std::string_view kDenied = "Access Denied";

// The ACL permission that covers an action, "" = no ACL can. On the bucket or on the object.
struct AclRight {
    std::string_view permission;
    bool on_object = false;
};
AclRight acl_right(std::string_view action) {
    if (action == "s3:GetObject" || action == "s3:GetObjectVersion") return {"READ", true};
    if (action == "s3:GetObjectAcl" || action == "s3:GetObjectVersionAcl")
        return {"READ_ACP", true};
    if (action == "s3:PutObjectAcl" || action == "s3:PutObjectVersionAcl")
        return {"WRITE_ACP", true};
    if (action == "s3:ListBucket" || action == "s3:ListBucketVersions" ||
        action == "s3:ListBucketMultipartUploads")
        return {"READ"};
    if (action == "s3:PutObject" || action == "s3:DeleteObject") return {"WRITE"};
    if (action == "s3:GetBucketAcl") return {"READ_ACP"};
    if (action == "s3:PutBucketAcl") return {"WRITE_ACP"};
    return {""};
}

// The account's root may always repair a policy that locked everyone out.
bool repairs_policy(const Principal& caller, std::string_view action) {
    return caller.is_account_root() &&
           (action == "s3:GetBucketPolicy" || action == "s3:PutBucketPolicy" ||
            action == "s3:DeleteBucketPolicy");
}

// What an anonymous caller may be let in to by policy or ACL; everything else wants an identity
// first.
bool anonymous_may_ask(std::string_view action) {
    std::string name = base::lower(action);
    return name.find("object") != std::string::npos || name.starts_with("s3:listbucket") ||
           name.find("multipart") != std::string::npos;
}

std::string explain_denial(const AccessQuestion& question, const PolicyVerdict& verdict) {
    std::string text = "no statement allows " + std::string(question.action) + " for " +
                       question.caller.to_string() + " on " +
                       resource_arn(question.bucket.bucket.name, question.key);
    if (!question.bucket.policy) return text + " (the bucket has no policy)";
    for (const std::string& miss : verdict.near_misses)
        text += "; " + miss;
    return text;
}

Access deny(std::string reason, std::string_view message = kDenied) {
    return {false, std::move(reason), std::string(message)};
}

}  // namespace

std::string resource_arn(std::string_view bucket, std::string_view key) {
    std::string arn = "arn:aws:s3:::" + std::string(bucket);
    if (!key.empty()) (arn += '/') += key;
    return arn;
}

std::string canonical_id(std::string_view account) {
    return base::sha256_hex("canonical user of " + std::string(account));
}

Access decide(const AccessQuestion& question) {
    const BucketState& bucket = question.bucket;
    const Principal& caller = question.caller;
    std::string arn = resource_arn(bucket.bucket.name, question.key);
    PolicyVerdict verdict;
    if (bucket.policy)
        verdict = bucket.policy->evaluate({caller, question.action, arn, question.values});

    // 1. An explicit Deny ends it, for the owner too.
    if (verdict.effect == PolicyVerdict::Effect::Deny && !repairs_policy(caller, question.action)) {
        std::string message(kDenied);
        if (caller.kind == Principal::Kind::Account)
            message = "User: " + caller.arn +
                      " is not authorized to perform: " + std::string(question.action) +
                      " on resource: \"" + arn +
                      "\" with an explicit deny in a resource-based policy";
        return deny("policy statement " + verdict.statement + " denies " +
                        std::string(question.action) + " to " + caller.to_string(),
                    message);
    }
    // 2. The owner's account. GAP: identity policies are not emulated; its users may do everything.
    if (caller.kind == Principal::Kind::Account && caller.account == bucket.bucket.owner)
        return {true, caller.to_string() + " belongs to the account that owns the bucket", {}};

    // 3. The bucket policy, unless it is public and the bucket restricts public policies to the
    // owner and services.
    if (verdict.effect == PolicyVerdict::Effect::Allow) {
        bool restricted = bucket.block.restrict_public_buckets && bucket.policy->is_public() &&
                          caller.kind != Principal::Kind::Service;
        if (restricted)
            return deny("policy statement " + verdict.statement +
                        " allows it, but the policy is public and block public access "
                        "(RestrictPublicBuckets) is on");
        return {true,
                "policy statement " + verdict.statement + " allows " +
                    std::string(question.action) + " to " + caller.to_string(),
                {}};
    }
    // 4. ACLs, where ownership controls still have them and public grants are not ignored.
    if (bucket.acls_enabled() && !bucket.block.ignore_public_acls) {
        AclRight right = acl_right(question.action);
        std::string_view stored =
            right.on_object ? question.object_acl : std::string_view(bucket.acl);
        if (!right.permission.empty() &&
            grants(read_acl(stored, bucket.owner_id), right.permission, !caller.is_anonymous()))
            return {true,
                    std::string(right.on_object ? "the object's" : "the bucket's") +
                        " ACL grants " + std::string(right.permission) + " to a group",
                    {}};
    }
    std::string_view message = caller.is_anonymous() && !anonymous_may_ask(question.action)
                                   ? "Anonymous users cannot invoke this API. Please authenticate."
                                   : kDenied;
    return deny(explain_denial(question, verdict), message);
}

}  // namespace s3
