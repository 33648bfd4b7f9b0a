// Verdict: what a red gate says first: whose fault it is (the layer), the first cause, where to
// look and what to do next. Pure: from what the gate's stages left behind.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "scenarios/checks/finding.h"
#include "scenarios/checks/repository.h"

namespace checks {

struct Verdict {
    std::string layer;  // "task (service backend)", "edge (distribution front)", "scenario" …
    std::string cause;  // one line
    std::string place;  // "file:12:3" from the stack file's directory
    std::string next;   // a command, or what to change
    std::vector<std::string> also;  // what else the failed request showed

    // The lines, each with its word in front.
    std::string to_string() const;
};

// `services`: of GET /deployments. `output`: what the deploy's script wrote.
Verdict of_deploy(const Repository& repository, const base::Node& services,
                  const std::string& output, const std::string& script);
// `record`: of the run (scenarios/runner/record.h). A finding that explains the failed step is the
// cause (explanation.h). `status`: of GET /status.
Verdict of_scenarios(const Repository& repository, const base::Node& record,
                     const std::vector<Finding>& findings, const base::Node& status);
Verdict of_finding(const Repository& repository, const Finding& finding);
// The stack did not come up: what `dodam up` wrote.
Verdict of_start(const Repository& repository, const std::string& output);

// The first "path:12" or "path:12:3" in the text whose path ends as a file of the repository does;
// "" when there is none. "/app/src/server.js:3" is backend/src/server.js when that is the only file
// that ends so.
std::string place_in(const Repository& repository, std::string_view text);

}  // namespace checks
