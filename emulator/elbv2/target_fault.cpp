// See target_fault.h.
#include "elbv2/target_fault.h"

#include <algorithm>

namespace elbv2 {

Attempt broken_attempt(const faults::Faults* faults, std::string_view group_arn,
                       std::string_view address, base::milliseconds patience,
                       const std::function<Attempt()>& attempt) {
    if (faults == nullptr) return attempt();
    auto fault = faults->active("target:", address);
    if (!fault) fault = faults->active("target:", group_arn);
    if (!fault) return attempt();
    const http::Error timeout{http::Error::Kind::ReadTimeout, http::Error::Source::Origin,
                              http::Error::Retry::Never, "held back by a fault"};
    if (fault->kind == faults::Kind::Hang) {
        if (!faults->hold(*fault, patience)) return attempt();
        return std::unexpected(timeout);
    }
    if (fault->kind != faults::Kind::Latency) return attempt();
    const base::milliseconds late = fault->delay();
    Attempt answer = attempt();
    if (!faults->hold(*fault, std::min(late, patience)) || late < patience) return answer;
    return std::unexpected(timeout);
}

}  // namespace elbv2
