// See control_plane.h.
#include "s3/control_plane.h"

#include "base/text.h"
#include "s3/address.h"
#include "s3/errors.h"
#include "s3/xml.h"

namespace s3 {
namespace {

PublicAccessBlock read_block(std::string_view document) {
    PublicAccessBlock block;
    auto element = parse_xml(document);
    if (!element) return block;
    auto is_true = [&](std::string_view name) {
        return base::equals_ignoring_case(element->child_text(name), "true");
    };
    block.block_public_acls = is_true("BlockPublicAcls");
    block.ignore_public_acls = is_true("IgnorePublicAcls");
    block.block_public_policy = is_true("BlockPublicPolicy");
    block.restrict_public_buckets = is_true("RestrictPublicBuckets");
    return block;
}

int specificity(const Operation& row) {
    return (row.selector.empty() ? 0 : 2) + (row.header.empty() ? 0 : 1);
}

}  // namespace

std::string Request::object_url() const {
    return scheme + "://" + host + "/" + bucket_name + "/" + encode_key(key);
}

Reply Reply::xml(std::string document) {
    Reply reply;
    reply.headers.add("Content-Type", "application/xml");
    reply.body = std::move(document);
    return reply;
}

ControlPlane::ControlPlane(state::Database& database, base::Clock& clock, const base::Ids& ids,
                           Blobs& blobs)
    : database_(database), store_(database), clock_(clock), ids_(ids), blobs_(blobs) {
    for (auto table : {bucket_operations, configuration_operations, policy_operations,
                       object_operations, copy_operations, listing_operations, multipart_operations,
                       tagging_operations, acl_operations, form_operations})
        operations_.insert(operations_.end(), table.begin(), table.end());
    blobs_.sweep([this](const std::string& blob) { return store_.references(blob); });
}

const Operation* ControlPlane::find(std::string_view method, std::string_view uri,
                                    std::string_view selector,
                                    const http::HeaderList& headers) const {
    const Operation* best = nullptr;
    for (const Operation& row : operations_) {
        if (row.method != method || row.uri != uri || row.selector != selector) continue;
        if (!row.header.empty() && !headers.has(row.header)) continue;
        if (!best || specificity(row) > specificity(*best)) best = &row;
    }
    return best;
}

bool ControlPlane::is_bucket(std::string_view name) {
    return state_of(name) != nullptr;
}

std::vector<BucketStatus> ControlPlane::statuses() {
    std::vector<BucketStatus> all;
    for (const Bucket& bucket : store_.buckets())
        if (auto state = state_of(bucket.name))
            all.push_back({bucket.name, bucket.region, state->website.has_value(),
                           state->policy && state->policy->is_public() &&
                               !state->block.restrict_public_buckets});
    return all;
}

std::shared_ptr<const BucketState> ControlPlane::load(std::string_view name) {
    auto bucket = store_.bucket(name);
    if (!bucket) return nullptr;
    auto state = std::make_shared<BucketState>();
    state->bucket = *bucket;
    state->owner_id = canonical_id(bucket->owner);
    if (auto policy = store_.document(name, "policy")) {
        state->policy_text = *policy;
        state->policy = BucketPolicy::parse(*policy, name);
    }
    if (auto block = store_.document(name, "publicAccessBlock")) {
        state->has_block = true;
        state->block = read_block(*block);
    }
    if (auto cors = store_.document(name, "cors"))
        if (auto document = parse_xml(*cors)) state->cors = parse_cors(*document);
    if (auto website = store_.document(name, "website"))
        if (auto document = parse_xml(*website)) state->website = parse_website(*document);
    state->acl = store_.document(name, "acl").value_or("");
    return state;
}

// Misses are not kept: names are chosen by whoever asks.
std::shared_ptr<const BucketState> ControlPlane::state_of(std::string_view name) {
    uint64_t generation;
    {
        std::lock_guard lock(mutex_);
        if (auto found = states_.find(name); found != states_.end()) return found->second;
        generation = generation_;
    }
    auto state = load(name);
    std::lock_guard lock(mutex_);
    // A change that was committed while we read makes what we read possibly old: use it, do not
    // keep it.
    if (state && generation == generation_) states_.insert_or_assign(std::string(name), state);
    return state;
}

std::shared_ptr<const BucketState> ControlPlane::required(std::string_view name) {
    auto state = state_of(name);
    if (!state) throw no_such_bucket(name);
    return state;
}

void ControlPlane::changed(std::string_view bucket) {
    std::lock_guard lock(mutex_);
    ++generation_;
    if (auto found = states_.find(bucket); found != states_.end()) states_.erase(found);
}

void ControlPlane::create(const Bucket& bucket, std::string_view public_access_block,
                          std::string_view acl, std::string_view tagging) {
    {
        state::Transaction change(database_);
        if (store_.bucket(bucket.name))
            throw aws::Error(409, "BucketAlreadyOwnedByYou",
                             "Your previous request to create the named bucket succeeded and you "
                             "already own it.")
                .with("BucketName", bucket.name);
        store_.insert(bucket);
        store_.set_document(bucket.name, "publicAccessBlock", {}, public_access_block);
        if (!acl.empty()) store_.set_document(bucket.name, "acl", {}, acl);
        if (!tagging.empty()) store_.set_document(bucket.name, "tagging", {}, tagging);
        change.commit();
    }
    changed(bucket.name);
}

void ControlPlane::remove_bucket(std::string_view bucket, std::string_view not_empty) {
    BlobIds dropped;
    {
        std::lock_guard lock(database_.mutex());
        if (store_.has_versions(bucket))
            throw aws::Error(409, "BucketNotEmpty", std::string(not_empty))
                .with("BucketName", std::string(bucket));
        dropped = store_.remove_bucket(bucket);
    }
    changed(bucket);
    drop(dropped);
}

Access ControlPlane::access(const Request& request, std::string_view action,
                            const BucketState& bucket, std::string_view key) {
    bool tags_matter = bucket.policy_text.find("xistingObjectTag") != std::string::npos;
    std::string object_acl;
    ConditionValues with_tags;
    if (!key.empty() && (tags_matter || bucket.acls_enabled())) {
        std::string_view version = request.value("versionId");
        auto object = version.empty() ? store_.latest(bucket.bucket.name, key)
                                      : store_.version(bucket.bucket.name, key, version);
        if (object) {
            object_acl = object->properties.acl;
            with_tags = request.conditions;
            for (const auto& [name, value] : object->properties.tags)
                with_tags["s3:existingobjecttag/" + base::lower(name)] = value;
        }
    }
    return decide({request.caller, action, bucket, key, object_acl,
                   with_tags.empty() ? request.conditions : with_tags});
}

void ControlPlane::authorize(Request& request, std::string_view action, const BucketState& bucket,
                             std::string_view key) {
    Access answer = access(request, action, bucket, key);
    request.span.decide(answer.allowed ? "allowed" : "denied", answer.reason);
    if (!answer.allowed) throw access_denied(answer.message);
}

aws::Error ControlPlane::missing_key(Request& request, const BucketState& bucket,
                                     std::string_view key) {
    if (access(request, "s3:ListBucket", bucket, {}).allowed) {
        request.span.decide("object", "there is no object \"" + std::string(key) + "\"");
        return no_such_key(key);
    }
    request.span.decide(
        "denied", "there is no object \"" + std::string(key) + "\"; " + request.caller.to_string() +
                      " may not s3:ListBucket, and without it a missing key answers 403, not 404");
    return access_denied();
}

void ControlPlane::drop(const BlobIds& blobs) {
    for (const std::string& blob : blobs)
        blobs_.remove(blob);
}

}  // namespace s3
