// Observed: what the scenarios' own requests show about the stack, and what a few requests after
// them do. The run's record has each request, what the client sent with it, and what every hop
// decided.
#pragma once
#include <string>
#include <vector>

#include "scenarios/checks/served.h"

namespace checks {

// Pure. `status`: of GET /status. `record`: of the run (scenarios/runner/record.h). `spans`: the
// stack's own memory of its requests, for those that no step tells (a browser's).
std::vector<Finding> look_at_traffic(const Project& project, const base::Node& status,
                                     const base::Node& record,
                                     const std::vector<base::Node>& spans);

// Asks again, as somebody else, for what signed-in users got.
std::vector<Finding> look_at_kept(const Project& project, const base::Node& status,
                                  const base::Node& record, const Ask& ask);

// Asks the health paths while the database is away: the caller has seen to that.
std::vector<Finding> look_at_health_without_database(const Project& project,
                                                     const base::Node& status, const Ask& ask);

// What a CloudFront path pattern means: * any text, ? one character.
bool pattern_matches(std::string_view pattern, std::string_view path);

}  // namespace checks
