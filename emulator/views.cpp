// The whole stack as JSON.
#include "views.h"

#include <fmt/format.h>

#include "base/date.h"
#include "base/text.h"
#include "cloudfront/cache.h"
#include "cloudfront/control_plane.h"
#include "ecr/control_plane.h"
#include "ecs/control_plane.h"
#include "elbv2/control_plane.h"
#include "faults/faults.h"
#include "logs/control_plane.h"
#include "oci/reference.h"
#include "s3/control_plane.h"

using base::Node;
using console::Answer;

namespace {

constexpr size_t kMaxCacheLines = 1000;

std::string port_of(const std::string& endpoint) { return endpoint.substr(endpoint.rfind(':') + 1); }

}  // namespace

std::string Views::name_or(std::string_view kind, const std::string& id, const std::string& fallback) const {
    std::string name = names.name_of(kind, id);
    return name.empty() ? fallback : name;
}

Node Views::distributions() const {
    Node all = Node::object();
    const Node list = cloudfront.status();
    for (const Node& distribution : list.items()) {
        Node one = distribution;
        const std::string name = name_or("distributions", distribution["id"].as_string(), distribution["id"].as_string());
        one.set("url", fmt::format("http://{}.localhost:{}/", base::lower(name), port_of(info.viewer_endpoint)));
        all.set(name, std::move(one));
    }
    return all;
}

Node Views::load_balancers() const {
    Node all = Node::object();
    for (const auto& lb : elbv2.status()) {
        const std::string name = name_or("loadBalancers", lb.arn, lb.name);
        Node groups = Node::array(), ports = Node::array();
        for (const auto& group : lb.groups) groups.push_back(name_or("targetGroups", group.arn, group.name));
        for (const auto& listener : lb.listeners) ports.push_back(static_cast<int>(listener.port));
        all.set(name, Node::object({{"arn", lb.arn},
                                    {"name", lb.name},
                                    {"dns_name", lb.dns_name},
                                    {"url", fmt::format("http://{}.localhost:{}/", base::lower(lb.name), port_of(info.viewer_endpoint))},
                                    {"ports", ports},
                                    {"target_groups", groups}}));
    }
    return all;
}

Node Views::target_groups() const {
    Node all = Node::object();
    for (const auto& lb : elbv2.status()) {
        for (const auto& group : lb.groups) {
            Node targets = Node::array();
            for (const auto& target : group.targets)
                targets.push_back(Node::object({{"address", fmt::format("{}:{}", target.id, target.port)},
                                                {"state", elbv2::name_of(target.health.state)},
                                                {"reason", target.health.description}}));
            all.set(name_or("targetGroups", group.arn, group.name), Node::object({{"arn", group.arn}, {"targets", targets}}));
        }
    }
    return all;
}

Node Views::buckets() const {
    Node all = Node::object();
    for (const auto& bucket : s3.statuses())
        all.set(name_or("buckets", bucket.name, bucket.name),
                Node::object({{"name", bucket.name}, {"region", bucket.region}, {"objects", s3.store().count_objects(bucket.name)},
                              {"website", bucket.has_website}, {"public", bucket.is_public}}));
    return all;
}

// What is deployed: rollout, tasks with the digests that run, and the digest that was pushed last to the
// repository that the task definition names.
Node Views::services() const {
    Node all = Node::object();
    for (const auto& service : ecs.status()) {
        Node tasks = Node::array(), events = Node::array();
        std::string pushed;
        for (const auto& task : service.tasks) {
            if (task.status != "RUNNING") continue;
            std::string digest;
            for (const auto& container : task.containers) {
                if (digest.empty()) digest = container.digest;
                auto reference = oci::Reference::parse(container.image);
                if (!reference || !reference->is_ecr() || !pushed.empty()) continue;
                if (auto image = ecr.find_image(reference->repository, reference->tag_or_digest())) pushed = image->digest.to_string();
            }
            tasks.push_back(Node::object({{"id", task.id}, {"address", task.address}, {"status", task.status}, {"health", task.target_health},
                                          {"revision", task.task_definition}, {"digest", digest}}));
        }
        for (const auto& event : service.events) events.push_back(event);
        std::string rollout, reason;
        int failed = 0;
        if (!service.deployments.empty()) {
            rollout = service.deployments[0].state;
            reason = service.deployments[0].reason;
            failed = service.deployments[0].failed_tasks;
        }
        all.set(name_or("services", service.name, service.name),
                Node::object({{"cluster", service.cluster}, {"name", service.name}, {"desired", service.desired}, {"running", service.running},
                              {"pending", service.pending}, {"steady", service.steady}, {"task_definition", service.task_definition},
                              {"rollout", rollout}, {"reason", reason}, {"failed_tasks", failed}, {"pushed_digest", pushed}, {"tasks", tasks},
                              {"events", events}}));
    }
    return all;
}

Answer Views::find_logs(const Node& input) const {
    std::string group = input["group"].as_string();
    // A service or log group by its name in the stack file.
    if (std::string id = names.id_of("logGroups", group); !id.empty()) group = id;
    const int64_t since_ms = input["since_ms"].as_int(0);
    const auto limit = static_cast<size_t>(std::clamp<int64_t>(input["limit"].as_int(200), 1, 10'000));
    Node events = Node::array();
    std::vector<std::string> groups;
    if (group.empty())
        for (const auto& one : logs.store().groups("")) groups.push_back(one.name);
    else groups.push_back(group);
    const std::string& text = input["grep"].as_string();
    for (const auto& name : groups) {
        for (const auto& event : logs.find(name, input["stream"].as_string(), base::Time(base::milliseconds(since_ms)), "", limit)) {
            if (!text.empty() && event.message.find(text) == std::string::npos) continue;
            events.push_back(Node::object({{"time", base::iso_date_millis(base::Time(base::milliseconds(event.position.at_ms)))},
                                           {"group", name},
                                           {"stream", event.stream},
                                           {"message", event.message}}));
        }
    }
    return {200, Node::object({{"events", events}})};
}

Answer Views::cache_view(const Node& input) const {
    const std::string& action = input["action"].as_string();
    if (!action.empty() && action != "ls" && action != "show" && action != "why")
        return Answer::error(400, fmt::format("\"{}\" is no action; ls, show and why are", action));
    Node entries = Node::array(), lines = Node::array();
    const std::string& url = input["url"].as_string();
    for (const auto& entry : cache.list("", kMaxCacheLines)) {
        Node node = to_node(*entry, clock.now());
        const std::string path = node["path"].as_string();
        if (!url.empty() && url.find(path) == std::string::npos) continue;
        lines.push_back(fmt::format("{}  {}  {}", node["status"].as_int(), path, entry->why));
        entries.push_back(std::move(node));
    }
    lines.push_back(fmt::format("{} objects, {} KiB in memory, {} KiB on disk, {} evicted", cache.entries(), cache.memory_bytes() / 1024,
                                cache.disk_bytes() / 1024, cache.evicted()));
    return {200, Node::object({{"entries", entries}, {"lines", lines}})};
}

Answer Views::fault_view(const Node& input) const {
    if (input.find("clear")) {
        if (input["clear"].as_string() == "all") faults.clear_all();
        else if (!faults.clear(static_cast<uint64_t>(input["clear"].as_int()))) return Answer::error(404, "there is no such fault; it may have ended by itself");
    } else if (input.find("target")) {
        auto fault = faults.set(input);
        if (!fault) return Answer::error(400, fault.error());
        return {200, to_node(*fault)};
    }
    Node list = Node::array();
    for (const auto& fault : faults.list()) list.push_back(to_node(fault));
    return {200, Node::object({{"faults", list}})};
}
