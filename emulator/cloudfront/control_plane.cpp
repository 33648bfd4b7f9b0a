// See control_plane.h: the table of operations, one line per file of api/, and the snapshot.
#include "cloudfront/control_plane.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/date.h"
#include "cloudfront/api/operations.h"
#include "cloudfront/limits.h"
#include "cloudfront/managed_policies.h"
#include "cloudfront/shapes.h"
#include "state/names.h"

namespace cloudfront {

using base::Node;

namespace {

const aws::OperationTable<ControlPlane>& operations() {
    static const aws::OperationTable<ControlPlane> table = {
        distribution_operations,  invalidation_operations, policy_operations,
        origin_access_operations, key_operations,          tag_operations,
        listing_operations,
    };
    return table;
}

}  // namespace

ControlPlane::ControlPlane(state::Database& database, base::Clock& clock, base::Ids& ids,
                           Cache& cache)
    : store_(database), clock_(clock), ids_(ids), cache_(cache) {
    reload();
}

const aws::ServiceInfo& ControlPlane::info() const {
    static const aws::ServiceInfo info{
        .name = "cloudfront",
        .signing_name = "cloudfront",
        .target_prefix = "",
        .version = "/2020-05-31/",
        .protocol = aws::Protocol::RestXml,
        .xml_namespace = "http://cloudfront.amazonaws.com/doc/2020-05-31/",
        .known_operations = known_operations,
        .list_names = kListNames,
    };
    return info;
}

std::optional<aws::Reply> ControlPlane::serve(aws::Call& call) {
    const http::RequestHead& head = call.exchange->request();
    const Operation* row = operations().find_rest(call, head.method, head.path());
    if (row == nullptr) return std::nullopt;
    call.operation = row->name;
    std::lock_guard lock(mutex_);
    state::Transaction transaction(store_.database());
    aws::Reply reply = row->run(*this, call);
    transaction.commit();
    return reply;
}

std::optional<Resource> ControlPlane::lookup(std::string_view kind, std::string_view id) const {
    if (id.empty()) return std::nullopt;
    if (const Resource* managed = find_managed_policy(kind, id)) return *managed;
    return store_.find(kind, id);
}

ResourceLookup ControlPlane::lookup_function() const {
    return [this](std::string_view kind, std::string_view id) { return lookup(kind, id); };
}

std::string ControlPlane::arn(std::string_view kind, std::string_view id) const {
    return fmt::format("arn:aws:cloudfront::{}:{}/{}", ids_.account(), kind, id);
}

bool ControlPlane::settled(base::Time changed) const {
    return clock_.now() >= changed + clock_.scaled(kPropagationDelay);
}

std::shared_ptr<const Distribution> ControlPlane::compile(const Resource& resource) const {
    // The stack's name for it; without one the caller reference names it.
    state::Names names(const_cast<Store&>(store_).database());
    std::string name = names.name_of("distributions", resource.id);
    if (name.empty()) name = names.name_of("distribution", resource.id);
    if (name.empty()) name = resource.caller_reference;
    return std::make_shared<const Distribution>(compile_distribution(
        resource, arn(kDistributionKind, resource.id), resource.name, name, lookup_function()));
}

void ControlPlane::publish() {
    auto snapshot = std::make_shared<EdgeSnapshot>();
    for (const auto& [id, distribution] : compiled_)
        snapshot->hosts.add(distribution);
    snapshot->by_id = compiled_;
    snapshot_.set(std::move(snapshot));
}

void ControlPlane::reload() {
    compiled_.clear();
    for (const Resource& resource : store_.list(kDistributionKind))
        compiled_[resource.id] = compile(resource);
    publish();
}

void ControlPlane::distribution_changed(const std::string& id) {
    if (auto resource = store_.find(kDistributionKind, id))
        compiled_[id] = compile(*resource);
    else
        compiled_.erase(id);
    publish();
}

void ControlPlane::policies_changed() {
    reload();
}

size_t ControlPlane::invalidations_in_progress(std::string_view distribution_id) const {
    size_t open = 0;
    for (const StoredInvalidation& invalidation : store_.invalidations(distribution_id)) {
        if (settled(invalidation.created)) break;  // newest first
        ++open;
    }
    return open;
}

Node ControlPlane::status() const {
    Node all = Node::array();
    auto snapshot = snapshot_.get();
    for (const auto& [id, distribution] : snapshot->by_id) {
        Node aliases = Node::array(), origins = Node::array();
        for (const std::string& alias : distribution->aliases)
            aliases.push_back(alias);
        for (const Origin& origin : distribution->origins)
            origins.push_back(
                Node::object({{"id", origin.id},
                              {"domain", origin.domain_name},
                              {"kind", origin.kind == Origin::Kind::S3 ? "s3" : "custom"}}));
        Node routes = Node::array();
        for (const CacheBehavior& behavior : distribution->behaviors)
            routes.push_back(
                Node::object({{"path", behavior.pattern}, {"target", behavior.target_id}}));
        all.push_back(
            Node::object({{"id", id},
                          {"name", distribution->name},
                          {"domain", distribution->domain_name},
                          {"aliases", aliases},
                          {"enabled", distribution->enabled},
                          {"comment", distribution->comment},
                          {"behaviors", static_cast<int64_t>(distribution->behaviors.size())},
                          {"routes", routes},
                          {"origins", origins}}));
    }
    return all;
}

Node ControlPlane::invalidations(std::string_view distribution_id, size_t limit) const {
    std::vector<StoredInvalidation> found;
    for (const auto& [id, distribution] : snapshot_.get()->by_id) {
        if (!distribution_id.empty() && id != distribution_id) continue;
        for (StoredInvalidation& one : store_.invalidations(id))
            found.push_back(std::move(one));
    }
    std::ranges::stable_sort(found, std::greater(), &StoredInvalidation::created);
    if (found.size() > limit) found.resize(limit);
    Node all = Node::array();
    for (const StoredInvalidation& one : found)
        all.push_back(Node::object({{"id", one.id},
                                    {"distribution", one.distribution_id},
                                    {"status", settled(one.created) ? "Completed" : "InProgress"},
                                    {"created", base::iso_date_millis(one.created)},
                                    {"paths", one.report}}));
    return all;
}

}  // namespace cloudfront
