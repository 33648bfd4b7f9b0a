// Traffic to a scenario: a step per request, in their order, repeated ones too.
#pragma once
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "scenarios/traffic/exchange.h"

namespace traffic {

inline constexpr size_t kMaxSteps = 200;

struct Wishes {
    std::string sentence;
    std::string files;  // beginning of the names of files beside the scenario
    std::string world;  // "snapshot:NAME", "" = clean
    base::Node stack;   // the stack's attributes, for its names
};

struct Made {
    base::Node scenario;
    size_t steps = 0, left_out = 0;                          // beyond kMaxSteps
    std::vector<std::pair<std::string, std::string>> files;  // bodies that are no text
    std::vector<std::string> to_be_given;  // variables: credentials from before the recording
    std::vector<std::string> notes;        // what somebody has to look at
};

// `again`: a second recording of the same visit, "empty" = none. An error when it is another visit.
std::expected<Made, std::string> scenario_of(std::vector<Exchange> visit,
                                             std::vector<Exchange> again, const Wishes& wishes);

// As somebody would write it: a step's keys a line each, values on one where they fit.
std::string text_of(const base::Node& scenario);

// The scenario's target for a URL: "front:/a" for the stack's own names.
std::string target_of(const Exchange& exchange, const base::Node& stack);

}  // namespace traffic
