// Cache: what the edge holds, under one byte budget; the fills under way, which concurrent requests
// join; and invalidation, which also reaches the answers that are still being received.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cloudfront/cache_key.h"
#include "cloudfront/cache_storage.h"
#include "http/message.h"

namespace cloudfront {

// Head and tail of a hit's answer as bytes: everything but X-Amz-Cf-Id's and Age's values.
struct PreparedHead {
    const CacheBehavior* behavior = nullptr;           // whose policies it follows
    std::shared_ptr<const Distribution> distribution;  // keeps `behavior` alive
    std::string text;                                  // up to "X-Amz-Cf-Id: "
};

// One object (or error) held. Immutable after it is shared, but for the marked members.
struct CacheEntry {
    CacheEntry() = default;
    // The same object under other policies.
    CacheEntry(const CacheEntry& other, std::shared_ptr<const PreparedHead> prepared);

    CacheKey key;
    std::string pattern;  // of the behaviour that stored it
    std::string range;    // of a part: "bytes 0-99/1000", "" = the whole object
    int status = 200;
    http::HeaderList headers;  // as the viewer gets them, before what is the response's own
    std::shared_ptr<StoredBody> body;
    Time fetched;  // when the origin's answer, or its last 304, arrived, less the Age it came with
    Time fresh_until;
    Time stale_while_revalidate_until, stale_if_error_until;
    Time usable_until;  // beyond MaxTTL an old copy is of no use
    std::string etag, last_modified;
    std::string why;     // the TTL's arithmetic, in words
    std::string origin;  // who answered; of a remembered failure (no body): its page's sentence
    std::shared_ptr<const PreparedHead> prepared;

    std::atomic<int64_t> retry_after{0};  // stack time in µs: a stale copy is served until then
    std::atomic<bool> refreshing{false};  // a background refresh is on its way
    std::atomic<uint64_t> hits{0};
    std::atomic<bool> used{true};  // since the evicting hand last came by

    bool fresh(Time now) const { return now < fresh_until; }
    size_t size_bytes() const;  // in memory, bookkeeping included
};
using EntryPtr = std::shared_ptr<CacheEntry>;

// A response being fetched for everybody who asks for the same key.
class Fill {
  public:
    enum class State : uint8_t {
        Waiting,     // the origin has not answered
        Streaming,   // `entry` has the head; its body grows
        Individual,  // the answer cannot be shared: ask for yourself
    };
    struct Seen {
        State state = State::Waiting;
        EntryPtr entry;
    };

    Fill(CacheKey key, uint64_t epoch) : key_(std::move(key)), epoch_(epoch) {}
    const CacheKey& key() const { return key_; }
    uint64_t epoch() const { return epoch_; }

    void stream(EntryPtr entry);
    void decline();
    Seen wait(net::Deadline deadline);

  private:
    friend class Cache;
    CacheKey key_;
    uint64_t epoch_;
    std::mutex mutex_;
    std::condition_variable changed_;
    Seen seen_;
    std::atomic<size_t> waiters_{0};
};

struct PathReport {
    std::string path;
    size_t objects = 0;   // entries removed
    size_t filling = 0;   // answers on their way that will not be kept
    std::string warning;  // why a path that removed nothing may be wrong
};

struct CacheBudget {
    size_t memory_bytes;
    uint64_t disk_bytes;
    std::string directory;  // for bodies that do not belong in memory, "" = none
};

class Cache {
  public:
    explicit Cache(CacheBudget budget) : budget_(std::move(budget)) {}

    EntryPtr find(std::string_view key) const;
    // Parts of the object under the key (206 answers that were stored).
    std::vector<EntryPtr> parts(std::string_view key) const;

    // The fill under way for the key, or a new one that the caller must end with finish().
    struct Joined {
        std::shared_ptr<Fill> fill;
        bool first = false;
    };
    Joined join(const CacheKey& key);
    void finish(const std::shared_ptr<Fill>& fill);
    // Whoever fills wants to give up: true when nobody waits for it, and from then on nobody joins
    // it.
    bool abandon(const std::shared_ptr<Fill>& fill);
    // A point in time for store(): answers asked for before an invalidation are not kept after it.
    uint64_t epoch() const;

    // False when an invalidation since `epoch` covers it.
    bool store(const EntryPtr& entry, uint64_t epoch);
    void remove(const EntryPtr& entry);

    std::vector<PathReport> invalidate(std::string_view distribution_id,
                                       const std::vector<std::string>& paths);
    void forget(std::string_view distribution_id);
    void clear();

    size_t entries() const;
    size_t memory_bytes() const { return memory_bytes_.load(); }
    uint64_t disk_bytes() const { return disk_bytes_.load(); }
    uint64_t evicted() const { return evicted_.load(); }
    const CacheBudget& budget() const { return budget_; }
    // All of them, in the order in which they would be evicted; and whether one is still there.
    std::vector<EntryPtr> held() const;
    bool holds(const CacheEntry& entry) const;
    // What `other` holds instead of everything here; `other` is empty then. Fills under way are not
    // kept, as after clear().
    void replace_with(Cache& other);
    // At most `limit` entries of a distribution ("" = all), by path.
    std::vector<EntryPtr> list(std::string_view distribution_id, size_t limit) const;

  private:
    using Slot = std::list<EntryPtr>::iterator;
    using PathIndex = std::multimap<std::string, Slot, std::less<>>;
    struct Purge {
        uint64_t epoch;
        std::string distribution_id, path;
    };

    void clear_locked();
    void insert_locked(const EntryPtr& entry);
    void erase_locked(Slot slot);
    void evict_locked();
    bool purged_since_locked(const CacheKey& key, uint64_t epoch) const;
    PathReport purge_path_locked(std::string_view distribution_id, const std::string& path);
    std::string warning_locked(std::string_view distribution_id, const std::string& path) const;

    CacheBudget budget_;
    mutable std::shared_mutex mutex_;
    std::list<EntryPtr> entries_;  // the evicting hand walks it
    std::unordered_map<std::string, Slot, base::TransparentHash, std::equal_to<>> by_key_;
    std::map<std::string, PathIndex, std::less<>> by_path_;  // per distribution
    std::unordered_map<std::string, std::shared_ptr<Fill>> fills_;
    std::deque<Purge> purges_;
    uint64_t epoch_ = 1;
    uint64_t forgotten_epoch_ = 0;  // purges up to here are no longer in the list
    std::atomic<size_t> memory_bytes_{0};
    std::atomic<uint64_t> disk_bytes_{0}, evicted_{0};
};

// Invalidation path against "path?query" as keyed: a * at the end is a prefix, anywhere else a
// letter.
bool invalidation_matches(std::string_view pattern, std::string_view keyed_path);

base::Node to_node(const CacheEntry& entry, Time now);

}  // namespace cloudfront
