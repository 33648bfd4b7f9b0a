// ListBuckets, CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation.
// S3 API reference, pages of these operations; s3.md §1.5, §3.1.
#include <algorithm>

#include "base/date.h"
#include "base/encoding.h"
#include "base/text.h"
#include "s3/address.h"
#include "s3/api/common.h"
#include "s3/errors.h"

namespace s3 {
namespace {

constexpr size_t kMaxCreateBody = 64 * 1024;
constexpr uint64_t kMaxBuckets = 10000;
constexpr std::string_view kDefaultRegion = "us-east-1";
constexpr std::string_view kOwnerships[] = {"BucketOwnerEnforced", "BucketOwnerPreferred",
                                            "ObjectWriter"};

// New buckets block public access in all four ways (since April 2023).
constexpr std::string_view kBlockAll =
    "<PublicAccessBlockConfiguration "
    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><BlockPublicAcls>true</BlockPublicAcls>"
    "<IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy>"
    "<RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";

std::string arn_of(std::string_view bucket) {
    return resource_arn(bucket, {});
}

Reply list_buckets(ControlPlane& s3, Request& request) {
    if (request.caller.is_anonymous())
        throw access_denied("Anonymous users cannot invoke this API. Please authenticate.");
    bool paged = request.has("max-buckets") || request.has("continuation-token") ||
                 request.has("prefix") || request.has("bucket-region");
    uint64_t max = kMaxBuckets;
    if (request.has("max-buckets")) {
        max = base::parse_unsigned(request.value("max-buckets")).value_or(0);
        if (max < 1 || max > kMaxBuckets)
            throw invalid_argument("Argument max-buckets must be an integer between 1 and 10000",
                                   "max-buckets", request.value("max-buckets"));
    }
    std::string_view region = request.value("bucket-region"), prefix = request.value("prefix");
    if (request.has("bucket-region") && !is_region_name(region))
        throw invalid_argument(
            "Argument value " + std::string(region) + " is not a valid AWS Region", "bucket-region",
            region);
    std::string after;
    if (request.has("continuation-token")) {
        auto token = read_token(request.value("continuation-token"));
        if (!token)
            throw invalid_argument("The continuation token provided is incorrect",
                                   "continuation-token", request.value("continuation-token"));
        after = *token;
    }
    XmlWriter xml("ListAllMyBucketsResult");
    xml.open("Owner").add("ID", canonical_id(s3.account())).close().open("Buckets");
    std::string last, token;
    uint64_t count = 0;
    for (const Bucket& bucket : s3.store().buckets()) {
        if (bucket.owner != request.caller.account || bucket.name <= after ||
            !bucket.name.starts_with(prefix))
            continue;
        if (!region.empty() && bucket.region != region) continue;
        if (count == max) {
            token = make_token(last);
            break;
        }
        xml.open("Bucket")
            .add("Name", bucket.name)
            .add("CreationDate", base::iso_date_millis(bucket.created));
        if (paged) xml.add("BucketRegion", bucket.region).add("BucketArn", arn_of(bucket.name));
        xml.close();
        last = bucket.name;
        ++count;
    }
    xml.close();
    if (!token.empty()) xml.add("ContinuationToken", token);
    if (request.has("prefix")) xml.add("Prefix", prefix);
    return Reply::xml(xml.finish());
}

struct Placement {
    std::string region, location;
};

// The endpoint's region against the LocationConstraint (the table of s3.md §1.5).
Placement place(ControlPlane& s3, const Request& request, std::string_view constraint) {
    std::string endpoint = request.region.empty() ? s3.region() : request.region;
    auto illegal = [](std::string_view which) {
        return aws::Error(400, "IllegalLocationConstraintException",
                          "The " + std::string(which) +
                              " location constraint is incompatible for the region specific "
                              "endpoint this request was sent to.");
    };
    auto invalid = [&] {
        return aws::Error(400, "InvalidLocationConstraint",
                          "The specified location-constraint is not valid")
            .with("LocationConstraint", std::string(constraint));
    };
    if (endpoint == kDefaultRegion) {
        if (constraint.empty()) return {endpoint, ""};
        if (constraint == kDefaultRegion) throw invalid();
        if (constraint == "EU") return {"eu-west-1", "EU"};
        if (!is_region_name(constraint)) throw invalid();
        return {std::string(constraint), std::string(constraint)};
    }
    if (constraint.empty()) throw illegal("unspecified");
    if (constraint == "EU" && endpoint == "eu-west-1") return {endpoint, "EU"};
    if (constraint != endpoint) throw illegal(constraint);
    return {endpoint, endpoint};
}

Reply create_bucket(ControlPlane& s3, Request& request) {
    if (request.caller.is_anonymous())
        throw access_denied("Anonymous users cannot invoke this API. Please authenticate.");
    if (request.caller.kind != Principal::Kind::Account) throw access_denied();
    if (!is_valid_bucket_name(request.bucket_name)) throw invalid_bucket_name(request.bucket_name);
    std::string constraint;
    bool has_tags = false;
    std::string tags;
    if (std::string body = read_text(request, kMaxCreateBody); !body.empty()) {
        auto document = parse_xml(body);
        if (!document || document->name != "CreateBucketConfiguration") throw malformed_xml();
        constraint = document->child_text("LocationConstraint");
        if (const Element* set = document->child("Tags"); set && !set->children.empty()) {
            has_tags = true;
            XmlWriter xml("Tagging");
            xml.open("TagSet");
            for (const Element* tag : set->all("Tag"))
                xml.copy(*tag);
            tags = xml.finish();
        }
    }
    std::string ownership = "BucketOwnerEnforced";
    if (const std::string* asked = request.headers.find("x-amz-object-ownership")) {
        if (std::ranges::find(kOwnerships, *asked) == std::end(kOwnerships))
            throw aws::Error(400, "InvalidArgument",
                             "Invalid x-amz-object-ownership header: " + *asked)
                .with("ArgumentName", "x-amz-object-ownership");
        ownership = *asked;
    }
    std::string acl = acl_from_headers(request.headers);
    if (!acl.empty() && acl != "private" && ownership == "BucketOwnerEnforced")
        throw aws::Error(
            400, "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
    if (auto existing = s3.state_of(request.bucket_name)) {
        if (existing->bucket.owner != request.caller.account)
            throw aws::Error(409, "BucketAlreadyExists",
                             "The requested bucket name is not available. The bucket namespace is "
                             "shared by all users of the system. Please select a "
                             "different name and try again.")
                .with("BucketName", request.bucket_name);
        // Only us-east-1 still forgives (and only without tags).
        bool forgiven = existing->bucket.region == kDefaultRegion &&
                        (request.region.empty() || request.region == kDefaultRegion) &&
                        constraint.empty() && !has_tags;
        if (!forgiven)
            throw aws::Error(409, "BucketAlreadyOwnedByYou",
                             "Your previous request to create the named bucket succeeded and you "
                             "already own it.")
                .with("BucketName", request.bucket_name);
    } else {
        auto [region, location] = place(s3, request, constraint);
        Bucket bucket{request.bucket_name, region, location,   request.caller.account, ownership,
                      Versioning::Never,   false,  request.now};
        if (base::equals_ignoring_case(request.headers.get("x-amz-bucket-object-lock-enabled"),
                                       "true")) {
            bucket.object_lock = true;
            bucket.versioning = Versioning::Enabled;
        }
        s3.create(bucket, kBlockAll, acl, tags);
    }
    auto state = s3.required(request.bucket_name);
    Reply reply = Reply::empty(200);
    reply.headers.add("Location", state->bucket.region == kDefaultRegion
                                      ? "/" + request.bucket_name
                                      : "http://" + request.bucket_name + ".s3.amazonaws.com/");
    reply.headers.add("x-amz-bucket-arn", arn_of(request.bucket_name));
    return reply;
}

Reply head_bucket(ControlPlane&, Request& request) {
    Reply reply = Reply::empty(200);
    reply.headers.add("x-amz-bucket-region", request.state().bucket.region);
    reply.headers.add("x-amz-access-point-alias", "false");
    reply.headers.add("x-amz-bucket-arn", arn_of(request.bucket_name));
    reply.headers.add("Content-Type", "application/xml");
    return reply;
}

Reply delete_bucket(ControlPlane& s3, Request& request) {
    bool versioned = request.state().bucket.versioning != Versioning::Never;
    s3.remove_bucket(request.bucket_name, versioned
                                              ? "The bucket you tried to delete is not empty. You "
                                                "must delete all versions in the bucket."
                                              : "The bucket you tried to delete is not empty");
    return Reply::empty(204);
}

Reply get_bucket_location(ControlPlane&, Request& request) {
    // The only result whose root is a text element.
    std::string document =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint xmlns=\"" +
        std::string(kXmlNamespace) + "\"";
    const std::string& location = request.state().bucket.location;
    document += location.empty() ? "/>" : ">" + escape_xml(location) + "</LocationConstraint>";
    return Reply::xml(std::move(document));
}

constexpr Operation kOperations[] = {
    {"ListBuckets", list_buckets, "GET", "/", "", ""},
    {"CreateBucket", create_bucket, "PUT", "/{Bucket}", "", ""},
    {"HeadBucket", head_bucket, "HEAD", "/{Bucket}", "", "s3:ListBucket"},
    {"DeleteBucket", delete_bucket, "DELETE", "/{Bucket}", "", "s3:DeleteBucket"},
    {"GetBucketLocation", get_bucket_location, "GET", "/{Bucket}", "location",
     "s3:GetBucketLocation"},
};

}  // namespace

const std::span<const Operation> bucket_operations = kOperations;

}  // namespace s3
