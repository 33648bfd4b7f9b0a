// Served: checks of what was built and deployed, asked for as a viewer does, through the viewer
// port.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/checks/checks.h"

namespace checks {

struct Answer {
    int status = 0;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    std::string header(const std::string& name) const {
        auto found = headers.find(name);
        return found == headers.end() ? std::string() : found->second;
    }
};
// GET (or OPTIONS with access-control-request-method) of a path at a distribution; nothing when
// none answers.
using Ask = std::function<std::optional<Answer>(const std::string& domain, const std::string& path,
                                                const std::map<std::string, std::string>& headers)>;

// `status`: of GET /status. Findings carry the row of their id; the stack file is their place.
std::vector<Finding> look_at_served(const Project& project, const base::Node& status,
                                    const Ask& ask);
// A finding of the row, about a distribution ("" = none).
Finding seen(std::string_view id, const std::string& distribution, std::string message,
             std::vector<std::string> requests);

// The health check of a target group, and the load balancer where it can be asked for by its path:
// "" where rules decide which path reaches which group.
struct HealthCheck {
    std::string group, path, host;
    base::Position position;
};
std::vector<HealthCheck> health_checks(const Project& project, const base::Node& status);
Finding about_health(const Project& project, const HealthCheck& check, std::string_view id,
                     std::string message, std::vector<std::string> requests);

// src of the scripts and href of the modules that a page loads, on its own site.
std::vector<std::string> scripts_of(const std::string& page);
// An address of this machine in a script, as it stands there; "" when there is none.
std::string local_address_in(const std::string& script);

}  // namespace checks
