// ControlPlane: what S3's operations act on: the table of operations, the store, the blobs, and the
// bucket snapshots that requests are judged by.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "s3/operation.h"
#include "s3/store.h"

namespace s3 {

// For `dodam status`.
struct BucketStatus {
    std::string name, region;
    bool has_website = false;
    bool is_public = false;
};

class ControlPlane {
  public:
    // Reads what the state directory holds; drops blobs that a killed process left unfinished.
    // `database` must be open, `blobs` points below the same state directory. All must outlive
    // this.
    ControlPlane(state::Database& database, base::Clock& clock, const base::Ids& ids, Blobs& blobs);

    bool is_bucket(std::string_view name);
    std::vector<BucketStatus> statuses();

    Store& store() { return store_; }
    Blobs& blobs() { return blobs_; }
    base::Clock& clock() { return clock_; }
    const std::string& account() const { return ids_.account(); }
    const std::string& region() const { return ids_.region(); }

    // The row for a request; nullptr when no operation has this method, level and selector.
    const Operation* find(std::string_view method, std::string_view uri, std::string_view selector,
                          const http::HeaderList& headers) const;
    const std::vector<Operation>& operations() const { return operations_; }

    // The bucket's snapshot, nullptr when there is none. Operations call changed() after each
    // change.
    std::shared_ptr<const BucketState> state_of(std::string_view bucket);
    std::shared_ptr<const BucketState> required(std::string_view bucket);  // throws NoSuchBucket
    void changed(std::string_view bucket);

    // A bucket with what it is born with; a name taken meanwhile is BucketAlreadyOwnedByYou.
    void create(const Bucket& bucket, std::string_view public_access_block, std::string_view acl,
                std::string_view tagging);
    // Throws BucketNotEmpty with `not_empty` as its text.
    void remove_bucket(std::string_view bucket, std::string_view not_empty);

    // Whether the caller of `request` may; the other throws AccessDenied and leaves the decision in
    // the trace.
    Access access(const Request& request, std::string_view action, const BucketState& bucket,
                  std::string_view key);
    void authorize(Request& request, std::string_view action, const BucketState& bucket,
                   std::string_view key);
    // What a missing key answers: 404, or 403 to who may not list (s3.md §2.10).
    aws::Error missing_key(Request& request, const BucketState& bucket, std::string_view key);

    void drop(const BlobIds& blobs);

  private:
    std::shared_ptr<const BucketState> load(std::string_view bucket);

    state::Database& database_;
    Store store_;
    base::Clock& clock_;
    const base::Ids& ids_;
    Blobs& blobs_;
    std::vector<Operation> operations_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const BucketState>, std::less<>> states_;
    uint64_t generation_ = 0;
};

// The tables of api/.
extern const std::span<const Operation> bucket_operations;
extern const std::span<const Operation> configuration_operations;
extern const std::span<const Operation> policy_operations;
extern const std::span<const Operation> object_operations;
extern const std::span<const Operation> copy_operations;
extern const std::span<const Operation> listing_operations;
extern const std::span<const Operation> multipart_operations;
extern const std::span<const Operation> tagging_operations;
extern const std::span<const Operation> acl_operations;
extern const std::span<const Operation> form_operations;

}  // namespace s3
