// Store: CloudFront's resources in the database. One table holds every versioned kind as a document
// with a revision number, from which its ETag follows.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "state/database.h"

namespace cloudfront {

inline constexpr std::string_view kDistributionKind = "distribution";
inline constexpr std::string_view kCachePolicyKind = "cache-policy";
inline constexpr std::string_view kOriginRequestPolicyKind = "origin-request-policy";
inline constexpr std::string_view kResponseHeadersPolicyKind = "response-headers-policy";
inline constexpr std::string_view kOriginAccessControlKind = "origin-access-control";
inline constexpr std::string_view kOriginAccessIdentityKind = "origin-access-identity";
inline constexpr std::string_view kPublicKeyKind = "public-key";
inline constexpr std::string_view kKeyGroupKind = "key-group";
inline constexpr std::string_view kMonitoringKind = "monitoring-subscription";

struct Resource {
    std::string kind, id, name, caller_reference;
    int64_t revision = 1;
    base::Time created, modified;
    base::Node config;
    bool managed = false;

    std::string etag() const;
};

// S3's canonical user of an origin access identity: 96 hex digits that follow from its id.
std::string canonical_user_of_identity(std::string_view id);

// The same sequence for every resource and account: a revision number in disguise.
std::string etag_of_revision(int64_t revision);
bool looks_like_etag(std::string_view text);

struct StoredInvalidation {
    std::string distribution_id, id, caller_reference;
    base::Time created;
    std::vector<std::string> paths;
    base::Node report;  // what it removed, path by path
};

class Store {
  public:
    explicit Store(state::Database& database) : database_(database) {}

    void insert(const Resource& resource);
    void update(const Resource& resource);
    void remove(std::string_view kind, std::string_view id);
    std::optional<Resource> find(std::string_view kind, std::string_view id) const;
    std::optional<Resource> find_by_name(std::string_view kind, std::string_view name) const;
    std::optional<Resource> find_by_caller_reference(std::string_view kind,
                                                     std::string_view reference) const;
    std::vector<Resource> list(std::string_view kind) const;  // oldest first

    std::vector<std::pair<std::string, std::string>> tags(std::string_view arn) const;
    void set_tag(std::string_view arn, std::string_view key, std::string_view value);
    void remove_tag(std::string_view arn, std::string_view key);
    void remove_tags(std::string_view arn);

    void insert(const StoredInvalidation& invalidation);
    std::vector<StoredInvalidation> invalidations(
        std::string_view distribution_id) const;  // newest first
    void remove_invalidations(std::string_view distribution_id);

    state::Database& database() { return database_; }

  private:
    std::optional<Resource> find_where(std::string_view column, std::string_view kind,
                                       std::string_view value) const;
    state::Database& database_;
};

}  // namespace cloudfront
