// Faults: what is broken on purpose, until when. Set through the control API with a lease, so that
// a fault never outlives the scenario that asked for it. The table of kinds feeds checks, CLI and
// console.
#pragma once
#include <atomic>
#include <cstdint>
#include <expected>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace faults {

enum class Kind : uint8_t { Down, Latency, Reset, Hang, Error, ReadOnly };

struct Fault {
    uint64_t id = 0;
    std::string target;  // "db", "redis"
    Kind kind = Kind::Down;
    base::milliseconds latency{0}, jitter{0};
    base::Time ends;  // the lease
};

struct KindRow {
    Kind kind;
    std::string_view name, help;
};
std::span<const KindRow> kinds();
std::string_view name_of(Kind kind);

class Faults {
  public:
    explicit Faults(base::Clock& clock) : clock_(clock) {}

    // {"target": "db", "kind": "latency", "latency": "250ms", "jitter": "50ms", "lease": "2m"}; an
    // error is one sentence.
    std::expected<Fault, std::string> set(const base::Node& input);
    bool clear(uint64_t id);
    void clear_all();
    std::vector<Fault> list() const;
    // The newest for a target whose lease has not ended. Cheap while there is none at all.
    std::optional<Fault> active(std::string_view target) const;

  private:
    base::Clock& clock_;
    std::atomic<bool> any_{false};
    mutable std::mutex mutex_;
    std::vector<Fault> faults_;
    uint64_t next_ = 1;
};

base::Node to_node(const Fault& fault);

}  // namespace faults
