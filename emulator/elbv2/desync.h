// Desync mitigation: what the head reader noticed → tier and reason → forward, forward and close,
// or 400, by the load balancer's mode. One table. Guide: "Desync mitigation mode"; the reasons are
// those of the access log's classification_reason.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/message.h"

namespace elbv2 {

enum class DesyncMode : uint8_t { Monitor, Defensive, Strictest };
enum class Tier : uint8_t { Compliant, Acceptable, Ambiguous, Severe };
enum class Verdict : uint8_t { Forward, ForwardThenClose, Refuse };

struct Classification {
    Tier tier = Tier::Compliant;
    std::string_view reason;  // of the worst tier, the first found; "" when compliant
};

Classification classify(const http::RequestHead& head);
Verdict verdict(DesyncMode mode, Tier tier);
std::string_view name_of(Tier tier);

// Refusals that no mode forwards: what cannot be a request at all, and limits. The status to
// answer.
struct Refusal {
    int status;
    std::string_view why;
};
std::optional<Refusal> refuse(const http::RequestHead& head);

}  // namespace elbv2
