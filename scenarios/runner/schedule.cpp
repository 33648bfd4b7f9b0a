// Schedule: hashing, drawing, locks.
#include "scenarios/runner/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/digest.h"
#include "base/text.h"

namespace scenarios {
namespace {

constexpr size_t kMaxShards = 1000;

// The first eight bytes of the text's SHA-256: the same on every machine and in every version.
uint64_t number_of(std::string_view text) {
    uint64_t number = 0;
    for (char digit : base::sha256_hex(text).substr(0, 16))
        number = number * 16 + static_cast<uint64_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    return number;
}

}  // namespace

bool Shard::holds(std::string_view id) const {
    return number_of(id) % count == index - 1;
}

std::expected<Shard, std::string> parse_shard(std::string_view text) {
    const auto [left, right] = base::cut(text, '/');
    const auto index = base::parse_unsigned(left), count = base::parse_unsigned(right);
    if (!index || !count || *index < 1 || *index > *count || *count > kMaxShards)
        return std::unexpected(
            fmt::format("\"{}\" is no shard; write which of how many, such as 2/3", text));
    return Shard{*index, *count};
}

std::vector<size_t> shuffled(size_t count, std::string_view seed) {
    std::vector<size_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::vector<uint64_t> keys;
    for (size_t i = 0; i < count; ++i)
        keys.push_back(number_of(fmt::format("{}/{}", seed, i)));
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return keys[a] < keys[b]; });
    return order;
}

Queue::Queue(std::vector<Entry> entries) : entries_(std::move(entries)), waiting_(entries_.size()) {
    std::iota(waiting_.begin(), waiting_.end(), 0);
}

bool Queue::free(const Entry& entry) const {
    return std::none_of(entry.locks.begin(), entry.locks.end(),
                        [&](const std::string& lock) { return held_.contains(lock); });
}

std::optional<size_t> Queue::take(std::string_view kind) {
    std::lock_guard lock(mutex_);
    auto fits = waiting_.end();
    for (auto each = waiting_.begin(); each != waiting_.end(); ++each) {
        if (!free(entries_[*each])) continue;
        if (entries_[*each].kind == kind) {
            fits = each;
            break;
        }
        if (fits == waiting_.end()) fits = each;
    }
    if (fits == waiting_.end()) return std::nullopt;
    const size_t entry = *fits;
    waiting_.erase(fits);
    held_.insert(entries_[entry].locks.begin(), entries_[entry].locks.end());
    return entry;
}

void Queue::done(size_t entry) {
    std::lock_guard lock(mutex_);
    for (const std::string& each : entries_[entry].locks)
        held_.erase(each);
}

bool Queue::empty() const {
    std::lock_guard lock(mutex_);
    return waiting_.empty();
}

size_t Queue::left() const {
    std::lock_guard lock(mutex_);
    return waiting_.size();
}

}  // namespace scenarios
