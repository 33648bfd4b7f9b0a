// Faults: what is broken on purpose, until when. Set through the control API with a lease of real
// time, so that a fault never outlives whoever asked for it. Which faults there are is the table of
// base/fault_kinds.
#pragma once
#include <atomic>
#include <cstdint>
#include <expected>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fault_kinds.h"
#include "base/json.h"

namespace faults {

using Kind = base::FaultKind;

struct Fault : base::FaultSpec {
    uint64_t id = 0;
    // What hops look it up by: the target, or what a name stood for ("target:10.0.1.5").
    std::vector<std::string> keys;
    base::Time ends;  // the lease; real time

    // The latency with its jitter, drawn anew each time.
    base::milliseconds delay() const;
};

class Faults {
  public:
    explicit Faults(base::Clock& clock) : clock_(clock) {}

    // {"target": "db", "kind": "latency", "latency": "250ms", "jitter": "50ms", "lease": "2m"}, or
    // {"target": "db", "fault": {"latency": "250ms"}}; an error is one sentence. `keys`: what the
    // target's name stands for, the target itself when empty.
    std::expected<Fault, std::string> set(const base::Node& input,
                                          std::vector<std::string> keys = {});
    // The lease starts anew; false: there is no such fault (any more).
    std::expected<Fault, std::string> renew(uint64_t id, const base::Node& input);
    bool clear(uint64_t id);
    void clear_all();
    std::vector<Fault> list() const;

    // The newest under this key whose lease has not ended. One relaxed read while there is none at
    // all.
    std::optional<Fault> active(std::string_view key) const {
        return any_.load(std::memory_order_relaxed) ? find(key, {}) : std::nullopt;
    }
    // Under a key of two parts: ("origin:", id).
    std::optional<Fault> active(std::string_view prefix, std::string_view name) const {
        return any_.load(std::memory_order_relaxed) ? find(prefix, name) : std::nullopt;
    }

    // A hop's wait, in real time, as of a socket; false: the fault was over before.
    bool hold(const Fault& fault, base::milliseconds time) const;

  private:
    std::optional<Fault> find(std::string_view prefix, std::string_view name) const;

    base::Clock& clock_;
    std::atomic<bool> any_{false};
    mutable std::mutex mutex_;
    std::vector<Fault> faults_;
    uint64_t next_ = 1;
};

// What is wrong with a request for a fault, before anything is looked up; the target's fault.
std::expected<base::FaultSpec, std::string> read_fault(const base::Node& input);

base::Node to_node(const Fault& fault);

}  // namespace faults
