// Traces: the decisions of one request, each with its reason. A Span is written by one thread at
// one hop (edge, balancer, s3, api, task …) and kept in a ring with a byte budget, rendered when
// read. Hops of one viewer request meet by join keys: X-Amz-Cf-Id, X-Amzn-Trace-Id,
// x-amz-request-id.
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

// One decision: a short key ("behavior", "cache", "dropped", "rule", "target" …) and a sentence
// that says why.
struct Decision {
    std::string key;
    std::string text;
    microseconds at{0};  // since the span's start
};

struct Span {
    uint64_t sequence = 0;  // given by the ring, 1 and up
    std::string hop;        // "edge", "alb", "s3", "aws", "db", "redis"
    std::string resource;   // distribution id, load balancer name, bucket …
    std::string id;         // this hop's own request id
    std::string parent;     // the id the previous hop sent along, "" at the first
    std::string peer;       // IP:PORT of the client side socket
    std::string method, host, target;
    int status = 0;
    uint64_t sent_bytes = 0;
    Time started;  // stack time
    microseconds took{0};
    std::vector<Decision> decisions;

    void decide(std::string_view key, std::string text) {
        decisions.push_back({std::string(key), std::move(text), {}});
    }
    size_t size_bytes() const;
};

// A circular buffer of bytes: add() packs a span into it, so that its strings are freed by the
// thread that made them and adding costs one copy; readers unpack. The buffer's pages are used as
// they are written. Texts above kMaxTraceText are cut.
inline constexpr size_t kMaxTraceText = 4096;
inline constexpr size_t kMaxTraceDecisions = 256;

class TraceRing {
  public:
    explicit TraceRing(size_t budget_bytes = 16 << 20) : budget_bytes_(budget_bytes) {}

    uint64_t add(Span span);  // returns its sequence
    // Newest first.
    std::vector<Span> latest(size_t count) const;
    // Every hop that carries the id (as its own or as its parent), oldest first. A prefix of at
    // least 6 characters will do.
    std::vector<Span> by_id(std::string_view id) const;
    std::vector<Span> by_peer(std::string_view peer, size_t count) const;  // newest first
    std::vector<Span> since(uint64_t sequence,
                            size_t count) const;  // the first `count` after it, oldest first
    uint64_t last_sequence() const;

  private:
    size_t make_room(size_t size_bytes);

    mutable std::mutex mutex_;
    size_t budget_bytes_;
    std::unique_ptr<char[]> bytes_;
    std::deque<size_t> offsets_;  // of the spans held, oldest first; sequences are consecutive
    size_t end_ = 0;              // where the newest one ends
    uint64_t next_ = 1;
};

Node to_node(const Span& span);

}  // namespace base
