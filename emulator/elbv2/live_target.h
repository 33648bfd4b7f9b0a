// LiveTarget: what one registered target is doing right now: its health, its requests in flight.
// Shared by every snapshot that lists the target, so publishing a new snapshot never loses a count.
#pragma once
#include <atomic>
#include <compare>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/request_records.h"
#include "elbv2/model.h"
#include "http/upstream.h"

namespace elbv2 {

// Counters and dates of one target's health; pure transitions on it are in health_state.h.
struct HealthRecord {
    TargetHealth shown;
    std::string detail;               // the last failed probe in plain words
    int successes = 0, failures = 0;  // consecutive
    base::Time next_probe{};
    bool probing = false;
    base::Time slow_start_since{};  // when it became healthy beside others, with slow start on
};

class LiveTarget {
  public:
    HealthState state() const { return state_.load(std::memory_order_relaxed); }
    HealthRecord record() const {
        std::lock_guard lock(mutex_);
        return record_;
    }
    // `change` edits the record under the lock.
    template <class Change>
    void update(Change change) {
        std::lock_guard lock(mutex_);
        change(record_);
        state_.store(record_.shown.state, std::memory_order_relaxed);
        slow_start_since_.store(record_.slow_start_since, std::memory_order_relaxed);
    }
    base::Time slow_start_since() const {
        return slow_start_since_.load(std::memory_order_relaxed);
    }

    // Requests and probes, for reports; may be kept longer than the target is registered.
    base::TargetRecord& requests() { return requests_; }

    int in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

    // One request's claim on the target: counted while it lives, and cut when the target is.
    class Claim {
      public:
        explicit Claim(LiveTarget& target);
        ~Claim();
        Claim(const Claim&) = delete;
        Claim& operator=(const Claim&) = delete;

        http::Cancellation& cancellation() { return cancellation_; }

      private:
        friend class LiveTarget;
        LiveTarget& target_;
        http::Cancellation cancellation_;
        std::list<Claim*>::iterator place_;
    };

    // The deregistration delay is over: requests that are still under way end with 502.
    void cut();

  private:
    std::atomic<HealthState> state_{HealthState::Initial};
    std::atomic<base::Time> slow_start_since_{base::Time{}};
    std::atomic<int> in_flight_{0};
    base::TargetRecord requests_;
    std::mutex claims_mutex_;
    std::list<Claim*> claims_;
    mutable std::mutex mutex_;
    HealthRecord record_;
};

// The round-robin cursor of one target group.
struct LiveGroup {
    std::atomic<uint64_t> cursor{0};
};

// All of them by name; entries live as long as the store knows the target.
class LiveTargets {
  public:
    std::shared_ptr<LiveTarget> target(const std::string& group_arn, const std::string& id,
                                       uint16_t port);
    std::shared_ptr<LiveGroup> group(const std::string& group_arn);
    void forget(const std::string& group_arn, const std::string& id, uint16_t port);
    void forget_group(const std::string& group_arn);

  private:
    struct Key {
        std::string group_arn, id;
        uint16_t port;
        auto operator<=>(const Key&) const = default;
    };
    std::mutex mutex_;
    std::map<Key, std::shared_ptr<LiveTarget>> targets_;
    std::map<std::string, std::shared_ptr<LiveGroup>> groups_;
};

}  // namespace elbv2
