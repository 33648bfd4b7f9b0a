// RequestRecords: what reports about a deploy need to know of requests: counts and probes of each
// target, and the requests that failed. Counting is two relaxed additions; only a failure, or a
// probe, takes a lock.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace base {

inline constexpr size_t kProbesKept = 8;       // of one target, the newest
inline constexpr size_t kFailuresKept = 2048;  // of the whole stack, the newest
inline constexpr size_t kMaxFailureText = 240;

// What one target has answered so far. A request fails when its answer is neither 2xx nor 3xx
// (101 included), or breaks off.
struct RequestCounts {
    uint64_t requests = 0;
    uint64_t through_edge = 0;  // those that came with an X-Amz-Cf-Id
    uint64_t failed = 0;

    RequestCounts operator-(const RequestCounts& earlier) const {
        return {requests - earlier.requests, through_edge - earlier.through_edge,
                failed - earlier.failed};
    }
    RequestCounts& operator+=(const RequestCounts& other) {
        requests += other.requests;
        through_edge += other.through_edge;
        failed += other.failed;
        return *this;
    }
};

// A health check of a target: what was asked, what came.
struct ProbeRecord {
    Time at;
    bool passed = false;
    std::string text;
};

// Kept by whoever needs it longer than the target is registered.
class TargetRecord {
  public:
    enum class From : uint8_t { Edge, Elsewhere };
    enum class End : uint8_t { Answered, Failed };

    void count(From from, End end) {
        requests_.fetch_add(1, std::memory_order_relaxed);
        if (from == From::Edge) through_edge_.fetch_add(1, std::memory_order_relaxed);
        if (end == End::Failed) failed_.fetch_add(1, std::memory_order_relaxed);
    }
    RequestCounts counts() const {
        return {requests_.load(std::memory_order_relaxed),
                through_edge_.load(std::memory_order_relaxed),
                failed_.load(std::memory_order_relaxed)};
    }
    void add_probe(ProbeRecord probe);
    uint64_t probes_made() const { return probes_made_.load(std::memory_order_relaxed); }
    std::vector<ProbeRecord> probes() const;  // oldest first, at most kProbesKept

  private:
    std::atomic<uint64_t> requests_{0}, through_edge_{0}, failed_{0}, probes_made_{0};
    mutable std::mutex mutex_;
    std::deque<ProbeRecord> probes_;
};

// Who gave the answer that was neither 2xx nor 3xx: the edge or the balancer by itself, the
// connection to the target, or the app.
enum class Layer : uint8_t { Edge, Balancer, Target, App };
std::string_view name_of(Layer layer);

struct RequestFailure {
    Time at;
    Layer layer = Layer::App;
    int status = 0;        // what the viewer got; 0: the connection broke off
    std::string resource;  // the distribution's id, or the load balancer's name
    std::string group;     // ARN of the target group, "" where none was chosen
    std::string target;    // "10.0.1.5:3000"
    std::string method, path;
    std::string id;  // as `dodam trace` takes it
    std::string cause;
};

// The newest failures, oldest first; texts above kMaxFailureText are cut.
class RequestFailures {
  public:
    void add(RequestFailure failure);
    std::vector<RequestFailure> between(Time from, Time to) const;
    // Failures before this were let go; Time{}: none was.
    Time complete_since() const;

  private:
    mutable std::mutex mutex_;
    std::deque<RequestFailure> failures_;
    Time complete_since_{};
};

}  // namespace base
