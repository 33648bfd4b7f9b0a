// Egress: hosts outside the stack that dodam.json lets tasks reach, under their own names.
// Everything else has no name in a task's network.
#pragma once
#include <chrono>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "taps/task_services.h"

namespace taps {

// How long a relayed connection may stay silent.
inline constexpr std::chrono::minutes kRelayIdle{10};
inline constexpr std::chrono::seconds kRelayConnect{5};
inline constexpr size_t kMaxEgressHosts = 250;

// "HOST" (ports 80 and 443) or "HOST:PORT"; the same host may stand several times. An error is one
// sentence that names the entry.
std::expected<std::vector<Reachable>, std::string> egress(std::span<const std::string> entries);

}  // namespace taps
