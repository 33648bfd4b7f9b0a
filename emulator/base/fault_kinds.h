// Which faults there are: what can be broken, how, and with which parameters. The one table behind
// the emulator, the scenarios' checks and schema, the command line and the console. Pure.
#pragma once
#include <chrono>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace base {

enum class FaultKind : uint8_t {
    Down,
    Latency,
    Reset,
    Hang,
    Error,
    ReadOnly,
    Deny,
    Slow,
    Full,
    Cold,
    Kill,
    Missing
};

enum class FaultParameter : uint8_t { None, Duration, Status, Rate, Signal };

struct FaultKindRow {
    FaultKind kind;
    std::string_view name;
    FaultParameter parameter;  // of `"KIND": VALUE`
    std::string_view help;
};

struct FaultTargetRow {
    std::string_view name;  // "db"; one that ends in ':' is followed by the name of a thing
    std::string_view help;
    std::span<const FaultKind> kinds;
    bool takes(FaultKind kind) const;
};

std::span<const FaultKindRow> fault_kinds();
std::span<const FaultTargetRow> fault_targets();
const FaultKindRow& row_of(FaultKind kind);
const FaultKindRow* find_fault_kind(std::string_view name);
// "origin:api" finds "origin:"; nullptr when nothing of that name can be broken.
const FaultTargetRow* find_fault_target(std::string_view target);

struct FaultSpec {
    std::string target;
    FaultKind kind = FaultKind::Down;
    std::chrono::milliseconds latency{0}, jitter{0};
    int status = 503;                  // of Error
    uint64_t bytes_per_second = 1024;  // of Slow
    std::string signal = "KILL";       // of Kill: KILL or TERM
};

// What `how` does to a target: "down", or an object of one kind with its value and, for latency,
// "jitter": {"latency": "700ms", "jitter": "50ms"}, {"error": 503}, {"slow": "64KiB"}. An error is
// one sentence.
std::expected<FaultSpec, std::string> parse_fault(std::string_view target, const Node& how);
// The same as "latency 700ms" would be typed: the kind and its value as words.
std::expected<FaultSpec, std::string> parse_fault(std::string_view target,
                                                  const std::vector<std::string>& words);
// The object form.
Node fault_node(const FaultSpec& spec);
// "db latency 700ms ± 50ms"
std::string show_fault(const FaultSpec& spec);

// "64KiB", "1MB", "500": bytes; nothing for anything else or 0.
std::expected<uint64_t, std::string> parse_rate(std::string_view text);

}  // namespace base
