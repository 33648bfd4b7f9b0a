// Traces: the decisions of one request, each with its reason. A Span is written by one thread at one
// hop (edge, balancer, s3, api, task …) and kept in a ring with a byte budget, rendered when read.
// Hops of one viewer request meet by join keys: X-Amz-Cf-Id, X-Amzn-Trace-Id, x-amz-request-id.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace base {

// One decision: a short key ("behavior", "cache", "dropped", "rule", "target" …) and a sentence that says why.
struct Decision {
    std::string key;
    std::string text;
    microseconds at{0};  // since the span's start
};

struct Span {
    uint64_t sequence = 0;     // given by the ring, 1 and up
    std::string hop;           // "edge", "alb", "s3", "aws", "db", "redis"
    std::string resource;      // distribution id, load balancer name, bucket …
    std::string id;            // this hop's own request id
    std::string parent;        // the id the previous hop sent along, "" at the first
    std::string peer;          // IP:PORT of the client side socket
    std::string method, host, target;
    int status = 0;
    uint64_t sent_bytes = 0;
    Time started;              // stack time
    microseconds took{0};
    std::vector<Decision> decisions;

    void decide(std::string_view key, std::string text) { decisions.push_back({std::string(key), std::move(text), {}}); }
    size_t size_bytes() const;
};

class TraceRing {
  public:
    explicit TraceRing(size_t budget_bytes = 16 << 20) : budget_bytes_(budget_bytes) {}

    uint64_t add(Span span);                       // returns its sequence
    // Newest first. `id` matches a span's id or parent, or a prefix of at least 6 characters.
    std::vector<Span> latest(size_t count) const;
    std::vector<Span> by_id(std::string_view id) const;      // every hop that carries the id, oldest first
    std::vector<Span> by_peer(std::string_view peer, size_t count) const;
    std::vector<Span> since(uint64_t sequence, size_t count) const;
    uint64_t last_sequence() const;

  private:
    mutable std::mutex mutex_;
    size_t budget_bytes_;
    size_t used_bytes_ = 0;
    uint64_t next_ = 1;
    std::deque<Span> spans_;
};

Node to_node(const Span& span);

}  // namespace base
