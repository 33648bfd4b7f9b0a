// Explanation: what findings have to do with each other and with a step that failed. Pure.
#pragma once
#include <string>
#include <vector>

#include "scenarios/checks/finding.h"

namespace checks {

// Adds what was seen to what was read: a finding that says the same of the same distribution is
// confirmed, others come before all that was only read. A silenced one is not confirmed: what was
// seen then stands by itself.
void confirm(std::vector<Finding>& findings, std::vector<Finding> seen);

// A step that failed, as far as it matters here.
struct Failure {
    std::string message;       // of its first failed assertion
    std::string distribution;  // that its request came through; "" = none, or no request
    std::string request;       // "GET /auth/me"
};

// The finding that explains it best; nullptr when none does. One that this very request showed goes
// before one about its distribution, what was seen before what was read, errors before warnings,
// then the order given. One about another distribution explains nothing.
const Finding* best_explanation(const std::vector<Finding>& findings, const Failure& failure);

}  // namespace checks
