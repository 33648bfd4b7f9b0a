// Recorder: what viewers ask of the edge and are answered, kept for whoever asked for it. A
// recording is a lease of real time that each look at it renews: when nobody looks any more it is
// dropped, and while there is none a request costs one relaxed read.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "http/message.h"

namespace recorder {

// Of a request or an answer; of a longer one the head is recorded, and that its body is cut.
inline constexpr size_t kMaxBodyBytes = 256 << 10;
// Not yet looked at; what comes beyond it is counted, not kept.
inline constexpr size_t kMaxHeldBytes = 32 << 20;
inline constexpr size_t kMaxRecordings = 8;
inline constexpr base::seconds kLease{10};

struct Body {
    std::string bytes;
    bool is_cut = false;
    void add(std::string_view more);
};

struct Passed {
    uint64_t number = 0;  // in the order in which requests came
    base::Time started;   // real time
    base::microseconds took{0};
    bool tls = false;
    http::RequestHead request;
    Body request_body;
    http::ResponseHead response;
    Body response_body;  // its content coding undone where that is known
};

class Recorder {
  public:
    explicit Recorder(base::Clock& clock) : clock_(clock) {}

    bool is_active() const { return active_.load(std::memory_order_relaxed); }
    uint64_t next_number() { return ++numbers_; }
    void add(Passed passed);

    // {} begins one: {"id", "leaseMs"}. {"id"} gives what came since the last look, as entries of a
    // HAR file in the order of their answers, and renews the lease; {"id", "end": true} ends it,
    // too. "missed": requests for which there was no room.
    std::expected<base::Node, std::string> ask(const base::Node& input);
    // Drops recordings that nobody looks at any more.
    void step();
    size_t recordings() const;

  private:
    struct Recording {
        std::string id;
        base::Time ends;
        std::deque<std::shared_ptr<const Passed>> held;
        size_t held_bytes = 0;
        uint64_t missed = 0;
    };
    void drop_ended_locked();

    base::Clock& clock_;
    std::atomic<bool> active_{false};
    std::atomic<uint64_t> numbers_{0};
    mutable std::mutex mutex_;
    std::vector<Recording> recordings_;
};

// An entry of a HAR file (version 1.2); a body that is no text is base64, and "_encoding" says so
// of a request's. "_number" and "_cut" are ours.
base::Node to_har(const Passed& passed);

}  // namespace recorder
