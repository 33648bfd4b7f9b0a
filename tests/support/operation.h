// One operation of a service's control plane, called without a wire.
#pragma once
#include <string>
#include <utility>

#include "aws/call.h"
#include "aws/error.h"
#include "base/clock.h"
#include "base/json.h"

namespace support {

// Throws aws::Error as the operation does; `input` is JSON.
template <typename ControlPlane>
base::Node call(ControlPlane& service, base::Time now, std::string operation,
                const std::string& input) {
    aws::Call call;
    call.operation = std::move(operation);
    call.now = now;
    call.input = base::parse_json(input).value();
    return service.serve(call)->output;
}

struct Refusal {
    std::string code = "none", message;
    std::string to_string() const { return message.empty() ? code : code + ": " + message; }
};

// With what it refuses; "none" when it does not.
template <typename Called>
Refusal refusal_of(Called&& called) {
    try {
        called();
    } catch (const aws::Error& error) {
        return {error.code, error.message};
    }
    return {};
}

}  // namespace support
