// ControlPlane: CloudFront's API (REST-XML, 2020-05-31). Stores documents, publishes the snapshot
// that the edge reads, and hands invalidations to the cache.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "aws/operation.h"
#include "aws/service.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/published.h"
#include "cloudfront/cache.h"
#include "cloudfront/snapshot.h"
#include "cloudfront/store.h"

namespace cloudfront {

class ControlPlane;
using Operation = aws::Operation<ControlPlane>;

class ControlPlane final : public aws::Service {
  public:
    ControlPlane(state::Database& database, base::Clock& clock, base::Ids& ids, Cache& cache);

    const aws::ServiceInfo& info() const override;
    std::optional<aws::Reply> serve(aws::Call& call) override;

    const base::Published<EdgeSnapshot>& snapshot() const { return snapshot_; }
    // Whether a Host belongs to a distribution (domain name, alias, <name>.localhost).
    bool owns(std::string_view host) const { return snapshot_.get()->hosts.owns(host); }
    // Compiles everything anew: after names were set, or the store was replaced.
    void reload();
    // One object per distribution: id, name, domain, aliases, status, enabled, origins.
    base::Node status() const;
    // The newest invalidations of a distribution ("" = of all), each with what it removed:
    // [{id, distribution, status, created, paths: [{path, objects, filling, warning}]}].
    base::Node invalidations(std::string_view distribution_id, size_t limit) const;

    // For the operations.
    Store& store() { return store_; }
    const base::Ids& ids() const { return ids_; }
    Cache& cache() { return cache_; }
    base::Time now() const { return clock_.now(); }
    std::optional<Resource> lookup(std::string_view kind, std::string_view id) const;
    ResourceLookup lookup_function() const;
    std::string arn(std::string_view kind, std::string_view id) const;
    // InProgress until the propagation delay is over.
    bool settled(base::Time changed) const;
    void distribution_changed(const std::string& id);  // created, updated or deleted
    void policies_changed();
    size_t invalidations_in_progress(std::string_view distribution_id) const;

  private:
    std::shared_ptr<const Distribution> compile(const Resource& resource) const;
    void publish();

    Store store_;
    base::Clock& clock_;
    base::Ids& ids_;
    Cache& cache_;
    mutable std::mutex mutex_;  // one call changes at a time
    std::map<std::string, std::shared_ptr<const Distribution>, std::less<>> compiled_;
    base::Published<EdgeSnapshot> snapshot_;
};

}  // namespace cloudfront
