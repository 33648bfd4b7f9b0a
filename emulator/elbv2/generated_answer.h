// Answers the balancer makes itself: error pages, redirects, fixed responses, byte for byte. Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/clock.h"
#include "elbv2/model.h"
#include "http/message.h"

namespace elbv2 {

struct GeneratedAnswer {
    http::ResponseHead head;
    std::string body;
};

// "502 Bad Gateway"; the code alone for those without a phrase (463, 464, 561).
std::string_view phrase_of(int status);

// The page of a status: with padding for browsers that would show their own page for small ones.
GeneratedAnswer error_answer(int status, std::string_view user_agent, base::Time now);
GeneratedAnswer redirect_answer(int status, std::string_view location, base::Time now);
GeneratedAnswer fixed_answer(const FixedResponseAction& action, base::Time now);

}  // namespace elbv2
