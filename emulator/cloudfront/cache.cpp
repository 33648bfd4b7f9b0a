// See cache.h.
#include "cloudfront/cache.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/date.h"
#include "base/encoding.h"
#include "cloudfront/guesses.h"
#include "cloudfront/limits.h"
#include "net/loop.h"

namespace cloudfront {

using base::Node;

namespace {

// Entry, list node, two index nodes, and what the allocator adds to a dozen texts: as measured with
// 100,000 objects of 1 KiB, so that the process stays within the budget and not only the sum of the
// sizes.
constexpr size_t kBookkeepingBytes = 1800;
constexpr size_t kRememberedPurges = 4096;

// Parts of one object live beside it, under its key and their range.
std::string slot_key(const CacheEntry& entry) {
    return entry.range.empty() ? entry.key.text : entry.key.text + "r:" + entry.range;
}

}  // namespace

CacheEntry::CacheEntry(const CacheEntry& other, std::shared_ptr<const PreparedHead> prepared)
    : key(other.key),
      pattern(other.pattern),
      range(other.range),
      status(other.status),
      headers(other.headers),
      body(other.body),
      fetched(other.fetched),
      fresh_until(other.fresh_until),
      stale_while_revalidate_until(other.stale_while_revalidate_until),
      stale_if_error_until(other.stale_if_error_until),
      usable_until(other.usable_until),
      etag(other.etag),
      last_modified(other.last_modified),
      why(other.why),
      origin(other.origin),
      prepared(std::move(prepared)),
      hits(other.hits.load()) {}

size_t CacheEntry::size_bytes() const {
    size_t bytes = kBookkeepingBytes + 3 * key.text.size() + headers.wire_bytes() * 2 + why.size();
    if (prepared) bytes += prepared->text.size();
    if (body && !body->on_disk()) bytes += body->size_bytes();
    return bytes;
}

void Fill::stream(EntryPtr entry) {
    std::lock_guard lock(mutex_);
    seen_ = {State::Streaming, std::move(entry)};
    changed_.notify_all();
}

void Fill::decline() {
    std::lock_guard lock(mutex_);
    if (seen_.state == State::Waiting) seen_ = {State::Individual, nullptr};
    changed_.notify_all();
}

Fill::Seen Fill::wait(net::Deadline deadline) {
    net::leave_loop();
    std::unique_lock lock(mutex_);
    while (seen_.state == State::Waiting) {
        if (deadline.expired()) return {State::Individual, nullptr};
        changed_.wait_for(lock,
                          std::chrono::milliseconds(std::max(1, deadline.poll_milliseconds())));
    }
    return seen_;
}

EntryPtr Cache::find(std::string_view key) const {
    std::shared_lock lock(mutex_);
    auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : *found->second;
}

std::vector<EntryPtr> Cache::parts(std::string_view key) const {
    std::vector<EntryPtr> parts;
    size_t first = key.find('\n'), second = key.find('\n', first + 1);
    std::shared_lock lock(mutex_);
    auto distribution = by_path_.find(key.substr(0, first));
    if (distribution == by_path_.end()) return parts;
    auto [from, to] = distribution->second.equal_range(key.substr(first + 1, second - first - 1));
    for (auto at = from; at != to; ++at)
        if (const EntryPtr& entry = *at->second; !entry->range.empty() && entry->key.text == key)
            parts.push_back(entry);
    return parts;
}

Cache::Joined Cache::join(const CacheKey& key) {
    std::unique_lock lock(mutex_);
    auto& fill = fills_[key.text];
    if (fill) {
        ++fill->waiters_;
        return {fill, false};
    }
    fill = std::make_shared<Fill>(key, epoch_);
    return {fill, true};
}

void Cache::finish(const std::shared_ptr<Fill>& fill) {
    {
        std::unique_lock lock(mutex_);
        auto found = fills_.find(fill->key().text);
        if (found != fills_.end() && found->second == fill) fills_.erase(found);
    }
    fill->decline();  // nobody is left waiting for an answer that never came
}

bool Cache::abandon(const std::shared_ptr<Fill>& fill) {
    std::unique_lock lock(mutex_);
    if (fill->waiters_ > 0) return false;
    auto found = fills_.find(fill->key().text);
    if (found != fills_.end() && found->second == fill) fills_.erase(found);
    return true;
}

uint64_t Cache::epoch() const {
    std::shared_lock lock(mutex_);
    return epoch_;
}

bool Cache::purged_since_locked(const CacheKey& key, uint64_t epoch) const {
    if (epoch < forgotten_epoch_) return true;
    return std::ranges::any_of(purges_, [&](const Purge& purge) {
        return purge.epoch > epoch && purge.distribution_id == key.distribution() &&
               invalidation_matches(purge.path, key.path());
    });
}

bool Cache::store(const EntryPtr& entry, uint64_t epoch) {
    std::unique_lock lock(mutex_);
    if (purged_since_locked(entry->key, epoch)) return false;
    std::string key = slot_key(*entry);
    if (auto found = by_key_.find(key); found != by_key_.end()) erase_locked(found->second);
    insert_locked(entry);
    evict_locked();
    return true;
}

void Cache::insert_locked(const EntryPtr& entry) {
    Slot slot = entries_.insert(entries_.end(), entry);
    by_key_.emplace(slot_key(*entry), slot);
    by_path_[std::string(entry->key.distribution())].emplace(std::string(entry->key.path()), slot);
    memory_bytes_ += entry->size_bytes();
    if (entry->body && entry->body->on_disk()) disk_bytes_ += entry->body->size_bytes();
}

void Cache::erase_locked(Slot slot) {
    const EntryPtr& entry = *slot;
    memory_bytes_ -= entry->size_bytes();
    if (entry->body && entry->body->on_disk()) disk_bytes_ -= entry->body->size_bytes();
    by_key_.erase(slot_key(*entry));
    auto distribution = by_path_.find(entry->key.distribution());
    auto [from, to] = distribution->second.equal_range(entry->key.path());
    for (auto at = from; at != to; ++at) {
        if (at->second != slot) continue;
        distribution->second.erase(at);
        break;
    }
    if (distribution->second.empty()) by_path_.erase(distribution);
    entries_.erase(slot);
}

// The second-chance hand: what was used since it last came by goes to the end of the line once.
void Cache::evict_locked() {
    size_t chances = entries_.size();
    while (!entries_.empty() &&
           (memory_bytes_ > budget_.memory_bytes || disk_bytes_ > budget_.disk_bytes ||
            entries_.size() > kMaxCacheEntries)) {
        EntryPtr& oldest = entries_.front();
        if (chances > 0 && oldest->used.exchange(false)) {
            --chances;
            entries_.splice(entries_.end(), entries_, entries_.begin());
            continue;
        }
        erase_locked(entries_.begin());
        ++evicted_;
    }
}

void Cache::remove(const EntryPtr& entry) {
    std::unique_lock lock(mutex_);
    auto found = by_key_.find(slot_key(*entry));
    if (found != by_key_.end() && *found->second == entry) erase_locked(found->second);
}

std::vector<PathReport> Cache::invalidate(std::string_view distribution_id,
                                          const std::vector<std::string>& paths) {
    std::unique_lock lock(mutex_);
    ++epoch_;
    std::vector<PathReport> reports;
    for (const std::string& path : paths) {
        reports.push_back(purge_path_locked(distribution_id, path));
        purges_.push_back({epoch_, std::string(distribution_id), path});
    }
    while (purges_.size() > kRememberedPurges) {
        forgotten_epoch_ = purges_.front().epoch;
        purges_.pop_front();
    }
    return reports;
}

PathReport Cache::purge_path_locked(std::string_view distribution_id, const std::string& path) {
    PathReport report{path, 0, 0, {}};
    auto distribution = by_path_.find(distribution_id);
    std::vector<Slot> slots;
    if (distribution != by_path_.end())
        for (const auto& [keyed, slot] : distribution->second)
            if (invalidation_matches(path, keyed)) slots.push_back(slot);
    for (Slot slot : slots)
        erase_locked(slot);
    report.objects = slots.size();
    // Requests from now on start a fetch of their own.
    report.filling = std::erase_if(fills_, [&](const auto& item) {
        const CacheKey& key = item.second->key();
        return key.distribution() == distribution_id && invalidation_matches(path, key.path());
    });
    if (report.objects == 0 && report.filling == 0)
        report.warning = warning_locked(distribution_id, path);
    return report;
}

// What people mean when a path removes nothing.
std::string Cache::warning_locked(std::string_view distribution_id, const std::string& path) const {
    auto distribution = by_path_.find(distribution_id);
    if (distribution == by_path_.end()) return "nothing of this distribution is held";
    const PathIndex& held = distribution->second;
    size_t star = path.find('*');
    if (star != std::string::npos && star + 1 < path.size())
        return "a * that is not the last character stands for itself";
    auto holds = [&](auto predicate) {
        return std::ranges::any_of(
            held, [&](const auto& item) { return predicate(std::string_view(item.first)); });
    };
    if (path == "/" && holds([](std::string_view keyed) { return keyed == "/index.html"; }))
        return "the default root object is held as /index.html";
    if (holds([&](std::string_view keyed) { return keyed.starts_with(path + "?"); }))
        return "held with a query string in its key: name it, or end the path with *";
    if (holds([&](std::string_view keyed) { return base::equals_ignoring_case(keyed, path); }))
        return "held in another letter case: paths are case-sensitive";
    if (!path.ends_with('/') && !path.ends_with('*') &&
        holds([&](std::string_view keyed) { return keyed.starts_with(path + "/"); }))
        return "something below it is held: /dir/* is not /dir";
    return "nothing under this path is held";
}

void Cache::forget(std::string_view distribution_id) {
    invalidate(distribution_id, {"/*"});
}

void Cache::clear() {
    std::unique_lock lock(mutex_);
    clear_locked();
}

void Cache::clear_locked() {
    ++epoch_;
    forgotten_epoch_ = epoch_;
    entries_.clear();
    by_key_.clear();
    by_path_.clear();
    fills_.clear();
    memory_bytes_ = 0;
    disk_bytes_ = 0;
}

std::vector<EntryPtr> Cache::held() const {
    std::shared_lock lock(mutex_);
    return {entries_.begin(), entries_.end()};
}

// A hit may have exchanged it for the same one with other bytes prepared.
bool Cache::holds(const CacheEntry& entry) const {
    const EntryPtr now = find(slot_key(entry));
    return now && now->body == entry.body && now->fetched == entry.fetched;
}

void Cache::replace_with(Cache& other) {
    std::scoped_lock lock(mutex_, other.mutex_);
    clear_locked();
    entries_.swap(other.entries_);  // list iterators stay what they are
    by_key_.swap(other.by_key_);
    by_path_.swap(other.by_path_);
    memory_bytes_ = other.memory_bytes_.exchange(0);
    disk_bytes_ = other.disk_bytes_.exchange(0);
}

size_t Cache::entries() const {
    std::shared_lock lock(mutex_);
    return entries_.size();
}

std::vector<EntryPtr> Cache::list(std::string_view distribution_id, size_t limit) const {
    std::vector<EntryPtr> found;
    std::shared_lock lock(mutex_);
    for (const auto& [id, index] : by_path_) {
        if (!distribution_id.empty() && id != distribution_id) continue;
        for (const auto& [path, slot] : index) {
            if (found.size() >= limit) return found;
            found.push_back(*slot);
        }
    }
    return found;
}

bool invalidation_matches(std::string_view pattern, std::string_view keyed_path) {
    auto matches = [](std::string_view wanted, std::string_view path) {
        if (wanted.ends_with('*')) return path.starts_with(wanted.substr(0, wanted.size() - 1));
        return path == wanted;
    };
    if (matches(pattern, keyed_path)) return true;
    if (!guesses::kInvalidationDecodesPaths) return false;
    if (pattern.find('%') == std::string_view::npos &&
        keyed_path.find('%') == std::string_view::npos)
        return false;
    return matches(base::percent_decode(pattern), base::percent_decode(keyed_path));
}

Node to_node(const CacheEntry& entry, Time now) {
    auto seconds_left = std::chrono::floor<seconds>(entry.fresh_until - now).count();
    Node variant = Node::array();
    for (std::string_view part :
         base::split(std::string_view(entry.key.text).substr(entry.key.path_end), '\n'))
        if (!part.empty()) variant.push_back(part);
    Node node = Node::object({
        {"distribution", Node(entry.key.distribution())},
        {"path", Node(entry.key.path())},
        {"variant", variant},
        {"behavior", entry.pattern},
        {"status", entry.status},
        {"bytes", entry.body ? entry.body->size_bytes() : 0},
        {"where", entry.body && entry.body->on_disk() ? "disk" : "memory"},
        {"hits", entry.hits.load()},
        {"fetched", base::iso_date(entry.fetched)},
        {"freshFor", static_cast<int64_t>(seconds_left)},
        {"why", entry.why},
        {"origin", entry.origin},
    });
    if (!entry.range.empty()) node.set("part", entry.range);
    Node headers = Node::object();
    for (const http::Header& header : entry.headers)
        headers.set(header.name, entry.headers.joined(header.name));
    node.set("headers", std::move(headers));
    return node;
}

}  // namespace cloudfront
