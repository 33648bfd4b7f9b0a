// Views: what the control API shows of the whole stack, gathered from the services. Reads only.
#pragma once
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "console/console.h"
#include "ecs/control_plane.h"
#include "faults/faults.h"
#include "state/instance.h"
#include "state/names.h"

namespace cloudfront {
class ControlPlane;
class Edge;
}  // namespace cloudfront
namespace elbv2 {
class ControlPlane;
}
namespace s3 {
class ControlPlane;
}
namespace ecr {
class ControlPlane;
}
namespace logs {
class ControlPlane;
}
namespace base {
class RequestFailures;
}

struct Views {
    base::Clock& clock;
    const state::InstanceInfo& info;
    state::Names names;
    cloudfront::ControlPlane& cloudfront;
    cloudfront::Edge& edge;
    elbv2::ControlPlane& elbv2;
    ecs::ControlPlane& ecs;
    ecr::ControlPlane& ecr;
    logs::ControlPlane& logs;
    s3::ControlPlane& s3;
    faults::Faults& faults;
    base::RequestFailures& failures;
    // A signal to one container of a running task.
    std::function<void(const std::string& task, const std::string& container, int signal)> kill;

    base::Node distributions() const;
    base::Node load_balancers() const;
    base::Node target_groups() const;
    base::Node buckets() const;
    base::Node services() const;

    // The services, each with the report of its last deploy, or of the one asked for:
    // {"service", "deployment"}.
    console::Answer deployments(const base::Node& input) const;
    console::Answer find_logs(const base::Node& input) const;
    console::Answer cache_view(const base::Node& input) const;
    console::Answer fault_view(const base::Node& input) const;

  private:
    base::Node deploy_report(const std::string& cluster, const std::string& service,
                             const std::string& deployment) const;
    std::string pushed_digest(const std::string& image) const;
    std::expected<std::vector<ecs::ServiceStatus::RunningTask>, std::string> tasks_named(
        const std::string& text) const;
    std::expected<std::vector<std::string>, std::string> fault_keys(
        const std::string& target) const;
    console::Answer kill_tasks(const base::FaultSpec& fault) const;
    std::string distribution_id(const std::string& name) const;
    std::string url_of(const std::string& url) const;
    console::Answer cache_list(const base::Node& input) const;
    console::Answer cache_show(const base::Node& input) const;
    console::Answer cache_why(const base::Node& input) const;
    console::Answer invalidations(const base::Node& input) const;
    std::string name_or(std::string_view kind, const std::string& id,
                        const std::string& fallback) const;
};
