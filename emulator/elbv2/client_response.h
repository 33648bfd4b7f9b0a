// The response as the client sees it: the target's, in the balancer's order, with what the listener
// and stickiness add. Pure. Captured order: alb.md §6.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "elbv2/snapshot.h"
#include "http/message.h"

namespace elbv2 {

enum class ClientFraming : uint8_t { None, AsDeclared, Chunked };  // None: no body follows

// Why a target's response head is a 502, or nothing.
std::optional<std::string> why_malformed(const http::ResponseHead& head);

http::ResponseHead make_client_response(http::ResponseHead head, const ListenerSettings& settings,
                                        const std::vector<std::string>& cookies,
                                        ClientFraming framing, base::Time now);

}  // namespace elbv2
