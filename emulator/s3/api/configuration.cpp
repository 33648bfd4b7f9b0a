// Sub-resources of a bucket that are one document each: website, cors, versioning, ownership
// controls, encryption, lifecycle, logging … Most are kept and given back; website, cors,
// versioning and ownership act. S3 API reference, Get/Put/Delete pages of each; the answers when
// unset are s3.md §3.2.
#include <algorithm>

#include "base/text.h"
#include "s3/api/common.h"
#include "s3/errors.h"

namespace s3 {
namespace {

constexpr size_t kMaxDocument = 256 * 1024;

// One kind of document: its root element, and what GET says when it was never put.
struct Kind {
    std::string_view selector, root;
    std::string_view unset_code, unset_message;  // "" = an empty root element
};

constexpr Kind kWebsite = {"website", "WebsiteConfiguration", "NoSuchWebsiteConfiguration",
                           "The specified bucket does not have a website configuration"};
constexpr Kind kCors = {"cors", "CORSConfiguration", "NoSuchCORSConfiguration",
                        "The CORS configuration does not exist"};
constexpr Kind kLifecycle = {"lifecycle", "LifecycleConfiguration", "NoSuchLifecycleConfiguration",
                             "The lifecycle configuration does not exist"};
constexpr Kind kReplication = {"replication", "ReplicationConfiguration",
                               "ReplicationConfigurationNotFoundError",
                               "The replication configuration was not found"};
constexpr Kind kObjectLock = {"object-lock", "ObjectLockConfiguration",
                              "ObjectLockConfigurationNotFoundError",
                              "Object Lock configuration does not exist for this bucket"};
constexpr Kind kLogging = {"logging", "BucketLoggingStatus", "", ""};
constexpr Kind kNotification = {"notification", "NotificationConfiguration", "", ""};
constexpr Kind kAccelerate = {"accelerate", "AccelerateConfiguration", "", ""};
constexpr Kind kPayment = {"requestPayment", "RequestPaymentConfiguration", "", ""};
constexpr Kind kEncryption = {"encryption", "ServerSideEncryptionConfiguration", "", ""};

std::string normalized(const Element& document) {
    XmlWriter xml(document.name);
    for (const Element& child : document.children)
        xml.copy(child);
    return xml.finish();
}

Reply get(ControlPlane& s3, Request& request, const Kind& kind) {
    if (auto document = s3.store().document(request.bucket_name, kind.selector))
        return Reply::xml(*document);
    if (!kind.unset_code.empty())
        throw not_set(kind.unset_code, kind.unset_message, request.bucket_name);
    return Reply::xml(XmlWriter(kind.root).finish());
}

Element read(Request& request, const Kind& kind) {
    Element document = read_document(request, kMaxDocument);
    if (document.name != kind.root) throw malformed_xml();
    return document;
}

Reply keep(ControlPlane& s3, Request& request, const Kind& kind, const Element& document) {
    s3.store().set_document(request.bucket_name, kind.selector, {}, normalized(document));
    s3.changed(request.bucket_name);
    return Reply::empty(200);
}

Reply remove(ControlPlane& s3, Request& request, const Kind& kind) {
    s3.store().remove_document(request.bucket_name, kind.selector);
    s3.changed(request.bucket_name);
    return Reply::empty(204);
}

template <const Kind& kind>
Reply get_kind(ControlPlane& s3, Request& request) {
    return get(s3, request, kind);
}
template <const Kind& kind>
Reply put_kind(ControlPlane& s3, Request& request) {
    return keep(s3, request, kind, read(request, kind));
}
template <const Kind& kind>
Reply delete_kind(ControlPlane& s3, Request& request) {
    return remove(s3, request, kind);
}

Reply put_website(ControlPlane& s3, Request& request) {
    Element document = read(request, kWebsite);
    parse_website(document);
    return keep(s3, request, kWebsite, document);
}

Reply put_cors(ControlPlane& s3, Request& request) {
    Element document = read(request, kCors);
    parse_cors(document);
    return keep(s3, request, kCors, document);
}

Reply put_lifecycle(ControlPlane& s3, Request& request) {
    Element document = read(request, kLifecycle);
    auto rules = document.all("Rule");
    if (rules.empty()) throw malformed_xml();
    for (const Element* rule : rules) {
        std::string_view status = rule->child_text("Status");
        if (status != "Enabled" && status != "Disabled") throw malformed_xml();
        for (const Element& action : rule->children)
            if (const Element* date = action.child("Date");
                date && date->text.find("T00:00:00") == std::string::npos &&
                date->text.find('T') != std::string::npos)
                throw invalid_argument("'Date' must be at midnight GMT", "Date", date->text);
    }
    // GAP: rules are kept and shown; nothing expires or moves to another storage class.
    Reply reply = keep(s3, request, kLifecycle, document);
    reply.headers.add("x-amz-transition-default-minimum-object-size", "all_storage_classes_128K");
    return reply;
}

Reply get_lifecycle(ControlPlane& s3, Request& request) {
    Reply reply = get(s3, request, kLifecycle);
    reply.headers.add("x-amz-transition-default-minimum-object-size", "all_storage_classes_128K");
    return reply;
}

Reply put_replication(ControlPlane& s3, Request& request) {
    Element document = read(request, kReplication);
    if (request.state().bucket.versioning != Versioning::Enabled)
        throw invalid_request(
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration");
    return keep(s3, request, kReplication, document);
}

Reply put_object_lock(ControlPlane& s3, Request& request) {
    Element document = read(request, kObjectLock);
    if (!request.state().bucket.object_lock &&
        request.state().bucket.versioning != Versioning::Enabled)
        throw aws::Error(409, "InvalidBucketState",
                         "Object Lock configuration cannot be enabled on existing buckets");
    return keep(s3, request, kObjectLock, document);
}

Reply put_logging(ControlPlane& s3, Request& request) {
    Element document = read(request, kLogging);
    if (const Element* enabled = document.child("LoggingEnabled")) {
        auto target = s3.state_of(enabled->child_text("TargetBucket"));
        if (!target)
            throw aws::Error(400, "InvalidTargetBucketForLogging",
                             "The target bucket for logging does not exist")
                .with("TargetBucket", std::string(enabled->child_text("TargetBucket")));
        if (target->bucket.region != request.state().bucket.region)
            throw aws::Error(403, "CrossLocationLoggingProhibitted",
                             "Cross S3 location logging not allowed. ");
    }
    return keep(s3, request, kLogging, document);
}

Reply put_notification(ControlPlane& s3, Request& request) {
    Element document = read(request, kNotification);
    for (const Element& target : document.children) {
        if (target.name == "EventBridgeConfiguration") continue;
        std::string_view arn;
        for (std::string_view name : {"Topic", "Queue", "CloudFunction"})
            if (const Element* found = target.child(name)) arn = found->text;
        if (!arn.starts_with("arn:"))
            throw invalid_argument("The ARN could not be parsed", "arn", arn);
        // There is no SNS, SQS or Lambda here that could be told: refused, as for a target that
        // does not exist.
        throw invalid_argument("Unable to validate the following destination configurations",
                               std::string(arn),
                               "The destination service is not part of this stack");
    }
    return keep(s3, request, kNotification, document);
}

Reply put_accelerate(ControlPlane& s3, Request& request) {
    Element document = read(request, kAccelerate);
    if (request.bucket_name.find('.') != std::string::npos)
        throw invalid_request(
            "S3 Transfer Acceleration is not supported for buckets with periods (.) in their "
            "names");
    std::string_view status = document.child_text("Status");
    if (status != "Enabled" && status != "Suspended") throw malformed_xml();
    return keep(s3, request, kAccelerate, document);
}

Reply put_payment(ControlPlane& s3, Request& request) {
    Element document = read(request, kPayment);
    std::string_view payer = document.child_text("Payer");
    if (payer != "BucketOwner" && payer != "Requester") throw malformed_xml();
    return keep(s3, request, kPayment, document);
}

Reply get_payment(ControlPlane& s3, Request& request) {
    if (auto document = s3.store().document(request.bucket_name, kPayment.selector))
        return Reply::xml(*document);
    return Reply::xml(XmlWriter(kPayment.root).add("Payer", "BucketOwner").finish());
}

Reply put_encryption(ControlPlane& s3, Request& request) {
    Element document = read(request, kEncryption);
    const Element* rule = document.child("Rule");
    if (!rule) throw malformed_xml();
    if (const Element* chosen = rule->child("ApplyServerSideEncryptionByDefault")) {
        std::string_view algorithm = chosen->child_text("SSEAlgorithm");
        if (algorithm != "AES256" && algorithm != "aws:kms" && algorithm != "aws:kms:dsse")
            throw malformed_xml();
    }
    return keep(s3, request, kEncryption, document);
}

Reply get_encryption(ControlPlane& s3, Request& request) {
    if (auto document = s3.store().document(request.bucket_name, kEncryption.selector))
        return Reply::xml(*document);
    XmlWriter xml(kEncryption.root);
    xml.open("Rule")
        .open("ApplyServerSideEncryptionByDefault")
        .add("SSEAlgorithm", "AES256")
        .close()
        .flag("BucketKeyEnabled", false);
    return Reply::xml(xml.finish());
}

Reply get_versioning(ControlPlane&, Request& request) {
    XmlWriter xml("VersioningConfiguration");
    Versioning versioning = request.state().bucket.versioning;
    if (versioning != Versioning::Never)
        xml.add("Status", versioning == Versioning::Enabled ? "Enabled" : "Suspended");
    return Reply::xml(xml.finish());
}

Reply put_versioning(ControlPlane& s3, Request& request) {
    Element document = read_document(request, kMaxDocument);
    if (document.name != "VersioningConfiguration") throw malformed_xml();
    const Element* status = document.child("Status");
    if (!status)
        throw aws::Error(400, "IllegalVersioningConfigurationException",
                         "The Versioning element must be specified");
    Bucket bucket = request.state().bucket;
    if (status->text == "Enabled")
        bucket.versioning = Versioning::Enabled;
    else if (status->text == "Suspended")
        bucket.versioning = Versioning::Suspended;
    else
        throw malformed_xml();
    if (bucket.object_lock && bucket.versioning == Versioning::Suspended)
        throw aws::Error(409, "InvalidBucketState",
                         "An Object Lock configuration is present on this bucket, so the "
                         "versioning state cannot be changed.");
    s3.store().update(bucket);
    s3.changed(bucket.name);
    return Reply::empty(200);
}

Reply get_ownership(ControlPlane&, Request& request) {
    const std::string& ownership = request.state().bucket.ownership;
    if (ownership.empty())
        throw not_set("OwnershipControlsNotFoundError",
                      "The bucket ownership controls were not found", request.bucket_name);
    XmlWriter xml("OwnershipControls");
    xml.open("Rule").add("ObjectOwnership", ownership);
    return Reply::xml(xml.finish());
}

Reply put_ownership(ControlPlane& s3, Request& request) {
    Element document = read_document(request, kMaxDocument);
    auto rules = document.all("Rule");
    if (document.name != "OwnershipControls" || rules.size() != 1) throw malformed_xml();
    Bucket bucket = request.state().bucket;
    bucket.ownership = rules[0]->child_text("ObjectOwnership");
    if (bucket.ownership != "BucketOwnerEnforced" && bucket.ownership != "BucketOwnerPreferred" &&
        bucket.ownership != "ObjectWriter")
        throw malformed_xml();
    if (bucket.ownership == "BucketOwnerEnforced" &&
        is_public(read_acl(request.state().acl, request.state().owner_id)))
        throw aws::Error(
            400, "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
    s3.store().update(bucket);
    s3.changed(bucket.name);
    return Reply::empty(200);
}

Reply delete_ownership(ControlPlane& s3, Request& request) {
    Bucket bucket = request.state().bucket;
    bucket.ownership.clear();
    s3.store().update(bucket);
    s3.changed(bucket.name);
    return Reply::empty(204);
}

// analytics, inventory, metrics, intelligent-tiering: several per bucket, each with an id.
struct ManyKind {
    std::string_view selector, root, list;
};
constexpr ManyKind kAnalytics = {"analytics", "AnalyticsConfiguration",
                                 "ListBucketAnalyticsConfigurationResult"};
constexpr ManyKind kInventory = {"inventory", "InventoryConfiguration",
                                 "ListInventoryConfigurationsResult"};
constexpr ManyKind kMetrics = {"metrics", "MetricsConfiguration",
                               "ListMetricsConfigurationsResult"};
constexpr ManyKind kTiering = {"intelligent-tiering", "IntelligentTieringConfiguration",
                               "ListBucketIntelligentTieringConfigurationsOutput"};

template <const ManyKind& kind>
Reply get_many(ControlPlane& s3, Request& request) {
    if (request.has("id")) {
        if (auto document =
                s3.store().document(request.bucket_name, kind.selector, request.value("id")))
            return Reply::xml(*document);
        throw aws::Error(404, "NoSuchConfiguration", "The specified configuration does not exist.");
    }
    XmlWriter xml(kind.list);
    for (const auto& [id, document] : s3.store().documents(request.bucket_name, kind.selector))
        if (auto element = parse_xml(document)) xml.copy(*element);
    xml.flag("IsTruncated", false);
    return Reply::xml(xml.finish());
}
template <const ManyKind& kind>
Reply put_many(ControlPlane& s3, Request& request) {
    Element document = read_document(request, kMaxDocument);
    if (document.name != kind.root || document.child_text("Id") != request.value("id"))
        throw malformed_xml();
    s3.store().set_document(request.bucket_name, kind.selector, request.value("id"),
                            normalized(document));
    return Reply::empty(200);
}
template <const ManyKind& kind>
Reply delete_many(ControlPlane& s3, Request& request) {
    s3.store().remove_document(request.bucket_name, kind.selector, request.value("id"));
    return Reply::empty(204);
}

constexpr std::string_view kBucket = "/{Bucket}";
constexpr Operation kOperations[] = {
    {"GetBucketWebsite", get_kind<kWebsite>, "GET", kBucket, "website", "s3:GetBucketWebsite"},
    {"PutBucketWebsite", put_website, "PUT", kBucket, "website", "s3:PutBucketWebsite"},
    {"DeleteBucketWebsite", delete_kind<kWebsite>, "DELETE", kBucket, "website",
     "s3:DeleteBucketWebsite"},
    {"GetBucketCors", get_kind<kCors>, "GET", kBucket, "cors", "s3:GetBucketCORS"},
    {"PutBucketCors", put_cors, "PUT", kBucket, "cors", "s3:PutBucketCORS"},
    {"DeleteBucketCors", delete_kind<kCors>, "DELETE", kBucket, "cors", "s3:PutBucketCORS"},
    {"GetBucketVersioning", get_versioning, "GET", kBucket, "versioning", "s3:GetBucketVersioning"},
    {"PutBucketVersioning", put_versioning, "PUT", kBucket, "versioning", "s3:PutBucketVersioning"},
    {"GetBucketOwnershipControls", get_ownership, "GET", kBucket, "ownershipControls",
     "s3:GetBucketOwnershipControls"},
    {"PutBucketOwnershipControls", put_ownership, "PUT", kBucket, "ownershipControls",
     "s3:PutBucketOwnershipControls"},
    {"DeleteBucketOwnershipControls", delete_ownership, "DELETE", kBucket, "ownershipControls",
     "s3:PutBucketOwnershipControls"},
    {"GetBucketEncryption", get_encryption, "GET", kBucket, "encryption",
     "s3:GetEncryptionConfiguration"},
    {"PutBucketEncryption", put_encryption, "PUT", kBucket, "encryption",
     "s3:PutEncryptionConfiguration"},
    {"DeleteBucketEncryption", delete_kind<kEncryption>, "DELETE", kBucket, "encryption",
     "s3:PutEncryptionConfiguration"},
    {"GetBucketLifecycleConfiguration", get_lifecycle, "GET", kBucket, "lifecycle",
     "s3:GetLifecycleConfiguration"},
    {"PutBucketLifecycleConfiguration", put_lifecycle, "PUT", kBucket, "lifecycle",
     "s3:PutLifecycleConfiguration"},
    {"DeleteBucketLifecycle", delete_kind<kLifecycle>, "DELETE", kBucket, "lifecycle",
     "s3:PutLifecycleConfiguration"},
    {"GetBucketReplication", get_kind<kReplication>, "GET", kBucket, "replication",
     "s3:GetReplicationConfiguration"},
    {"PutBucketReplication", put_replication, "PUT", kBucket, "replication",
     "s3:PutReplicationConfiguration"},
    {"DeleteBucketReplication", delete_kind<kReplication>, "DELETE", kBucket, "replication",
     "s3:PutReplicationConfiguration"},
    {"GetObjectLockConfiguration", get_kind<kObjectLock>, "GET", kBucket, "object-lock",
     "s3:GetBucketObjectLockConfiguration"},
    {"PutObjectLockConfiguration", put_object_lock, "PUT", kBucket, "object-lock",
     "s3:PutBucketObjectLockConfiguration"},
    {"GetBucketLogging", get_kind<kLogging>, "GET", kBucket, "logging", "s3:GetBucketLogging"},
    {"PutBucketLogging", put_logging, "PUT", kBucket, "logging", "s3:PutBucketLogging"},
    {"GetBucketNotificationConfiguration", get_kind<kNotification>, "GET", kBucket, "notification",
     "s3:GetBucketNotification"},
    {"PutBucketNotificationConfiguration", put_notification, "PUT", kBucket, "notification",
     "s3:PutBucketNotification"},
    {"GetBucketAccelerateConfiguration", get_kind<kAccelerate>, "GET", kBucket, "accelerate",
     "s3:GetAccelerateConfiguration"},
    {"PutBucketAccelerateConfiguration", put_accelerate, "PUT", kBucket, "accelerate",
     "s3:PutAccelerateConfiguration"},
    {"GetBucketRequestPayment", get_payment, "GET", kBucket, "requestPayment",
     "s3:GetBucketRequestPayment"},
    {"PutBucketRequestPayment", put_payment, "PUT", kBucket, "requestPayment",
     "s3:PutBucketRequestPayment"},
    {"GetBucketAnalyticsConfiguration", get_many<kAnalytics>, "GET", kBucket, "analytics",
     "s3:GetAnalyticsConfiguration"},
    {"PutBucketAnalyticsConfiguration", put_many<kAnalytics>, "PUT", kBucket, "analytics",
     "s3:PutAnalyticsConfiguration"},
    {"DeleteBucketAnalyticsConfiguration", delete_many<kAnalytics>, "DELETE", kBucket, "analytics",
     "s3:PutAnalyticsConfiguration"},
    {"GetBucketInventoryConfiguration", get_many<kInventory>, "GET", kBucket, "inventory",
     "s3:GetInventoryConfiguration"},
    {"PutBucketInventoryConfiguration", put_many<kInventory>, "PUT", kBucket, "inventory",
     "s3:PutInventoryConfiguration"},
    {"DeleteBucketInventoryConfiguration", delete_many<kInventory>, "DELETE", kBucket, "inventory",
     "s3:PutInventoryConfiguration"},
    {"GetBucketMetricsConfiguration", get_many<kMetrics>, "GET", kBucket, "metrics",
     "s3:GetMetricsConfiguration"},
    {"PutBucketMetricsConfiguration", put_many<kMetrics>, "PUT", kBucket, "metrics",
     "s3:PutMetricsConfiguration"},
    {"DeleteBucketMetricsConfiguration", delete_many<kMetrics>, "DELETE", kBucket, "metrics",
     "s3:PutMetricsConfiguration"},
    {"GetBucketIntelligentTieringConfiguration", get_many<kTiering>, "GET", kBucket,
     "intelligent-tiering", "s3:GetIntelligentTieringConfiguration"},
    {"PutBucketIntelligentTieringConfiguration", put_many<kTiering>, "PUT", kBucket,
     "intelligent-tiering", "s3:PutIntelligentTieringConfiguration"},
    {"DeleteBucketIntelligentTieringConfiguration", delete_many<kTiering>, "DELETE", kBucket,
     "intelligent-tiering", "s3:PutIntelligentTieringConfiguration"},
};

}  // namespace

const std::span<const Operation> configuration_operations = kOperations;

}  // namespace s3
