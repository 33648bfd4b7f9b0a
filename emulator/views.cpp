// The whole stack as JSON.
#include "views.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/date.h"
#include "base/request_records.h"
#include "base/text.h"
#include "cloudfront/control_plane.h"
#include "cloudfront/edge.h"
#include "ecr/control_plane.h"
#include "ecs/control_plane.h"
#include "ecs/deploy_report.h"
#include "elbv2/control_plane.h"
#include "faults/faults.h"
#include "logs/control_plane.h"
#include "oci/reference.h"
#include "s3/control_plane.h"

using base::Node;
using console::Answer;

namespace {

constexpr int64_t kMaxLogEvents = 10'000;
constexpr size_t kMaxCacheLines = 1000;

constexpr size_t kMaxInvalidations = 50;
constexpr size_t kMaxFailureGroups = 20;
constexpr base::milliseconds kDateFraction{1};  // dates in documents are cut to milliseconds

// "200  front:/app.js  fresh for 23h59m  3 hits  1.2 KiB  gzip"
std::string cache_line(const Node& entry, const std::string& name) {
    const int64_t left = entry["freshFor"].as_int();
    std::string line =
        fmt::format("{}  {}:{}  {} {}  {} hit{}  {} bytes", entry["status"].as_int(), name,
                    entry["path"].as_string(), left > 0 ? "fresh for" : "expired",
                    base::show_duration(base::seconds(std::abs(left))), entry["hits"].as_int(),
                    entry["hits"].as_int() == 1 ? "" : "s", entry["bytes"].as_int());
    if (const Node* part = entry.find("part")) line += "  " + part->as_string();
    for (const Node& member : entry["variant"].items())
        line += "  " + member.as_string();
    return line;
}

// Failures that differ in nothing but time, task and path.
struct FailureGroup {
    base::RequestFailure first;
    base::Time last;
    uint64_t count = 0;
};

// Those of the given target groups; those that no target was chosen for, of the given balancers;
// and the edge's own.
std::vector<FailureGroup> group_failures(const std::vector<base::RequestFailure>& failures,
                                         const std::set<std::string>& groups,
                                         const std::set<std::string>& balancers) {
    std::vector<FailureGroup> found;
    for (const base::RequestFailure& failure : failures) {
        const bool is_ours = failure.layer == base::Layer::Edge ||
                             (failure.group.empty() ? balancers.contains(failure.resource)
                                                    : groups.contains(failure.group));
        if (!is_ours) continue;
        auto same = std::ranges::find_if(found, [&](const FailureGroup& group) {
            return group.first.layer == failure.layer && group.first.status == failure.status &&
                   group.first.cause == failure.cause;
        });
        if (same == found.end()) same = found.insert(found.end(), {failure, failure.at, 0});
        same->last = failure.at;
        ++same->count;
    }
    return found;
}

Node node_of(const FailureGroup& group) {
    return Node::object({{"layer", base::name_of(group.first.layer)},
                         {"status", group.first.status},
                         {"cause", group.first.cause},
                         {"count", static_cast<int64_t>(group.count)},
                         {"first", base::iso_date_millis(group.first.at)},
                         {"last", base::iso_date_millis(group.last)},
                         {"resource", group.first.resource},
                         {"target", group.first.target},
                         {"method", group.first.method},
                         {"path", group.first.path},
                         {"id", group.first.id}});
}

std::string port_of(const std::string& endpoint) {
    return endpoint.substr(endpoint.rfind(':') + 1);
}

}  // namespace

std::string Views::name_or(std::string_view kind, const std::string& id,
                           const std::string& fallback) const {
    std::string name = names.name_of(kind, id);
    return name.empty() ? fallback : name;
}

Node Views::distributions() const {
    Node all = Node::object();
    const Node list = cloudfront.status();
    for (const Node& distribution : list.items()) {
        Node one = distribution;
        const std::string name = name_or("distributions", distribution["id"].as_string(),
                                         distribution["id"].as_string());
        one.set("url", fmt::format("http://{}.localhost:{}/", base::lower(name),
                                   port_of(info.viewer_endpoint)));
        all.set(name, std::move(one));
    }
    return all;
}

Node Views::load_balancers() const {
    Node all = Node::object();
    for (const auto& lb : elbv2.status()) {
        const std::string name = name_or("loadBalancers", lb.arn, lb.name);
        Node groups = Node::array(), ports = Node::array();
        for (const auto& group : lb.groups)
            groups.push_back(name_or("targetGroups", group.arn, group.name));
        for (const auto& listener : lb.listeners)
            ports.push_back(static_cast<int>(listener.port));
        all.set(name,
                Node::object({{"arn", lb.arn},
                              {"name", lb.name},
                              {"dns_name", lb.dns_name},
                              {"url", fmt::format("http://{}.localhost:{}/", base::lower(lb.name),
                                                  port_of(info.viewer_endpoint))},
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
                targets.push_back(
                    Node::object({{"address", fmt::format("{}:{}", target.id, target.port)},
                                  {"state", elbv2::name_of(target.health.state)},
                                  {"reason", target.health.description}}));
            all.set(name_or("targetGroups", group.arn, group.name),
                    Node::object({{"arn", group.arn}, {"targets", targets}}));
        }
    }
    return all;
}

Node Views::buckets() const {
    Node all = Node::object();
    for (const auto& bucket : s3.statuses())
        all.set(name_or("buckets", bucket.name, bucket.name),
                Node::object({{"name", bucket.name},
                              {"region", bucket.region},
                              {"objects", s3.store().count_objects(bucket.name)},
                              {"website", bucket.has_website},
                              {"public", bucket.is_public}}));
    return all;
}

// What is deployed: rollout, tasks with the digests that run, and the digest that was pushed last
// to the repository that the task definition names.
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
                if (pushed.empty()) pushed = pushed_digest(container.image);
            }
            tasks.push_back(Node::object({{"id", task.id},
                                          {"address", task.address},
                                          {"status", task.status},
                                          {"health", task.target_health},
                                          {"revision", task.task_definition},
                                          {"digest", digest}}));
        }
        for (const auto& event : service.events)
            events.push_back(event);
        std::string rollout, reason;
        int failed = 0;
        if (!service.deployments.empty()) {
            rollout = service.deployments[0].state;
            reason = service.deployments[0].reason;
            failed = service.deployments[0].failed_tasks;
        }
        all.set(name_or("services", service.name, service.name),
                Node::object({{"cluster", service.cluster},
                              {"name", service.name},
                              {"desired", service.desired},
                              {"running", service.running},
                              {"pending", service.pending},
                              {"steady", service.steady},
                              {"task_definition", service.task_definition},
                              {"rollout", rollout},
                              {"reason", reason},
                              {"failed_tasks", failed},
                              {"pushed_digest", pushed},
                              {"tasks", tasks},
                              {"failures", service.failures},
                              {"events", events}}));
    }
    return all;
}

// What the repository holds under the image's name; "" where that is not ours, or holds nothing.
std::string Views::pushed_digest(const std::string& image) const {
    auto reference = oci::Reference::parse(image);
    if (!reference || !reference->is_ecr()) return {};
    auto found = ecr.find_image(reference->repository, reference->tag_or_digest());
    return found ? found->digest.to_string() : std::string();
}

// What ECS knows, the digest that was pushed, and the requests that failed meanwhile.
Node Views::deploy_report(const std::string& cluster, const std::string& service,
                          const std::string& deployment) const {
    Node report = ecs.deploy_record(cluster, service, deployment);
    if (!report.is_object()) return report;
    Node digests = report["digests"];
    digests.set("pushed", pushed_digest(report["image"].as_string()));
    report.set("digests", std::move(digests));

    const base::Time from = base::parse_iso_date(report["began"].as_string()).value_or(clock.now());
    const base::Time to =
        base::parse_iso_date(report["ended"].as_string()).value_or(clock.now()) + kDateFraction;
    std::set<std::string> groups, balancers;
    for (const Node& group : report["target_groups"].items())
        groups.insert(group.as_string());
    for (const auto& lb : elbv2.status())
        for (const auto& group : lb.groups)
            if (groups.contains(group.arn)) balancers.insert(lb.name);
    Node requests = report["requests"];
    Node told = Node::array();
    uint64_t without_task = 0;
    for (const FailureGroup& one : group_failures(failures.between(from, to), groups, balancers)) {
        if (one.first.layer == base::Layer::Edge || one.first.layer == base::Layer::Balancer)
            without_task += one.count;
        if (told.size() < kMaxFailureGroups) told.push_back(node_of(one));
    }
    requests.set("failed", requests["failed"].as_int() + static_cast<int64_t>(without_task));
    requests.set("without_task", static_cast<int64_t>(without_task));
    requests.set("failures", std::move(told));
    requests.set("complete", failures.complete_since() <= from);
    report.set("requests", std::move(requests));
    report.set("arrived", ecs::has_arrived(report));
    Node lines = Node::array();
    for (std::string& line : ecs::report_lines(report))
        lines.push_back(std::move(line));
    report.set("lines", std::move(lines));
    return report;
}

Answer Views::deployments(const Node& input) const {
    const std::string& wanted = input["service"].as_string();
    const Node& deployment = input["deployment"];
    Node all = Node::object();
    std::string known;
    const Node deployed = services();
    for (const auto& [name, service] : deployed.members()) {
        known += (known.empty() ? "" : ", ") + name;
        if (!wanted.empty() && wanted != name && wanted != service["name"].as_string()) continue;
        Node one = service;
        one.set("report", deploy_report(service["cluster"].as_string(), service["name"].as_string(),
                                        deployment.is_number() ? std::to_string(deployment.as_int())
                                                               : deployment.as_string()));
        all.set(name, std::move(one));
    }
    if (!wanted.empty() && all.size() == 0)
        return Answer::error(
            404, known.empty()
                     ? "there is no service"
                     : fmt::format("there is no service \"{}\"; there are: {}", wanted, known));
    return {200, Node::object({{"services", all}})};
}

Answer Views::find_logs(const Node& input) const {
    std::string group = input["group"].as_string();
    // A service or log group by its name in the stack file.
    if (std::string id = names.id_of("logGroups", group); !id.empty()) group = id;
    const int64_t since_ms = input["since_ms"].as_int(0);
    const auto limit =
        static_cast<size_t>(std::clamp<int64_t>(input["limit"].as_int(200), 1, kMaxLogEvents));
    const std::string& text = input["grep"].as_string();
    Node groups = Node::array();
    std::vector<ecs::LogPlace> places;
    for (const auto& one : logs.store().groups("")) {
        groups.push_back(one.name);
        if (group.empty() || group == one.name)
            places.push_back({one.name, input["stream"].as_string()});
    }
    // No group's name: a service's, or a task's.
    if (places.empty() && !group.empty()) {
        const std::string id = names.id_of("services", group);
        places = ecs.log_places(id.empty() ? group : id);
    }
    const bool known = !places.empty();
    std::vector<std::pair<std::string, logs::Event>> found;
    for (const ecs::LogPlace& place : places) {
        // What is filtered here is counted here.
        const size_t most = text.empty() ? limit : kMaxLogEvents;
        for (auto& event : logs.find(place.group, place.stream_prefix,
                                     base::Time(base::milliseconds(since_ms)), "", most))
            if (text.empty() || event.message.find(text) != std::string::npos)
                found.emplace_back(place.group, std::move(event));
    }
    std::ranges::stable_sort(found, {}, [](const auto& one) { return one.second.position.at_ms; });
    Node events = Node::array();
    for (size_t i = found.size() > limit ? found.size() - limit : 0; i < found.size(); ++i) {
        const auto& [name, event] = found[i];
        events.push_back(Node::object(
            {{"time", base::iso_date_millis(base::Time(base::milliseconds(event.position.at_ms)))},
             {"group", name},
             {"stream", event.stream},
             {"message", event.message}}));
    }
    return {200, Node::object({{"events", events}, {"groups", groups}, {"known", known}})};
}

// A distribution by its name in the stack file, its id, its domain or an alias.
std::string Views::distribution_id(const std::string& name) const {
    if (std::string id = names.id_of("distributions", name); !id.empty()) return id;
    const Node list = cloudfront.status();
    for (const Node& distribution : list.items()) {
        bool is = distribution["id"].as_string() == name ||
                  base::equals_ignoring_case(distribution["domain"].as_string(), name);
        for (const Node& alias : distribution["aliases"].items())
            is = is || base::equals_ignoring_case(alias.as_string(), name);
        if (is) return distribution["id"].as_string();
    }
    return {};
}

// "front:/app.js" is written out; a URL stays as it is.
std::string Views::url_of(const std::string& url) const {
    auto [name, path] = base::cut(url, ':');
    if (path.starts_with("//") || !path.starts_with('/')) return url;
    const std::string id = distribution_id(std::string(name));
    const Node list = cloudfront.status();
    for (const Node& distribution : list.items())
        if (distribution["id"].as_string() == id)
            return fmt::format("https://{}{}", distribution["domain"].as_string(), path);
    return url;
}

Answer Views::cache_view(const Node& input) const {
    const std::string& action = input["action"].as_string();
    if (action.empty() || action == "ls") return cache_list(input);
    if (action == "show") return cache_show(input);
    if (action == "why") return cache_why(input);
    if (action == "invalidations") return invalidations(input);
    return Answer::error(
        400, fmt::format("\"{}\" is no action; ls, show, why and invalidations are", action));
}

Answer Views::cache_list(const Node& input) const {
    const std::string& url = input["url"].as_string();
    const std::string id = url.empty() ? "" : distribution_id(url);
    if (!url.empty() && id.empty())
        return Answer::error(404, fmt::format("there is no distribution \"{}\"", url));
    const Node entries = edge.list_cache(id, kMaxCacheLines), figures = edge.cache_figures();
    Node lines = Node::array();
    for (const Node& entry : entries.items())
        lines.push_back(
            cache_line(entry, name_or("distributions", entry["distribution"].as_string(),
                                      entry["distribution"].as_string())));
    lines.push_back(fmt::format("{} objects, {} of {} KiB in memory, {} KiB on disk, {} evicted",
                                figures["entries"].as_int(), figures["memoryBytes"].as_int() / 1024,
                                figures["memoryBudgetBytes"].as_int() / 1024,
                                figures["diskBytes"].as_int() / 1024, figures["evicted"].as_int()));
    return {200, Node::object({{"entries", entries}, {"figures", figures}, {"lines", lines}})};
}

// Every variant of one URL's path, with what is stored of it.
Answer Views::cache_show(const Node& input) const {
    const std::string url = url_of(input["url"].as_string());
    const size_t scheme = url.find("://");
    if (scheme == std::string::npos)
        return Answer::error(
            400, "show takes a URL: https://d111111front01.cloudfront.net/app.js or front:/app.js");
    const std::string_view rest = std::string_view(url).substr(scheme + 3);
    const size_t slash = std::min(rest.find('/'), rest.size());
    const std::string path(slash == rest.size() ? "/" : base::cut(rest.substr(slash), '?').first);
    const std::string id = distribution_id(std::string(rest.substr(0, slash)));
    if (id.empty())
        return Answer::error(404,
                             fmt::format("no distribution has the name {}", rest.substr(0, slash)));
    Node entries = Node::array(), lines = Node::array();
    const Node held = edge.list_cache(id, 10 * kMaxCacheLines);
    for (const Node& entry : held.items()) {
        if (base::cut(entry["path"].as_string(), '?').first != path) continue;
        lines.push_back(cache_line(entry, name_or("distributions", id, id)));
        lines.push_back(fmt::format("    behavior   {}", entry["behavior"].as_string()));
        lines.push_back(fmt::format("    fetched    {} from {}", entry["fetched"].as_string(),
                                    entry["origin"].as_string()));
        lines.push_back(fmt::format("    kept       {}", entry["why"].as_string()));
        for (const auto& [name, value] : entry["headers"].members())
            lines.push_back(fmt::format("    {}: {}", name, value.as_string()));
        entries.push_back(entry);
    }
    if (entries.size() == 0)
        lines.push_back(fmt::format(
            "nothing of {} is held; dodam cache why {} tells what its next request would do", path,
            url));
    return {200, Node::object({{"entries", entries}, {"lines", lines}})};
}

Answer Views::cache_why(const Node& input) const {
    if (input["url"].as_string().empty())
        return Answer::error(
            400, "why takes a URL: https://d111111front01.cloudfront.net/app.js or front:/app.js");
    http::HeaderList headers;
    for (std::string_view line : base::split(input["headers"].as_string(), '\n')) {
        auto [name, value] = base::cut(line, ':');
        if (!base::trim(name).empty()) headers.add(base::trim(name), base::trim(value));
    }
    Node answer = edge.explain_url(url_of(input["url"].as_string()), headers);
    if (answer.find("error")) return Answer::error(404, answer["error"].as_string());
    Node lines = Node::array();
    lines.push_back(fmt::format("distribution  {}", answer["distribution"].as_string()));
    lines.push_back(fmt::format("behavior      {}", answer["behavior"].as_string()));
    for (const Node& part : answer["key"].items())
        lines.push_back(fmt::format("key           {} = {}   ({})", part["name"].as_string(),
                                    part["value"].as_string(), part["why"].as_string()));
    lines.push_back(fmt::format("cache         {}", answer["cache"].as_string()));
    for (const Node& variant : answer["variants"].items())
        lines.push_back(
            "held          " +
            cache_line(variant, name_or("distributions", variant["distribution"].as_string(), "")));
    answer.set("lines", std::move(lines));
    return {200, std::move(answer)};
}

// What each invalidation removed, newest first.
Answer Views::invalidations(const Node& input) const {
    const std::string& wanted = input["url"].as_string();
    const std::string only = wanted.empty() ? "" : distribution_id(wanted);
    if (!wanted.empty() && only.empty())
        return Answer::error(404, fmt::format("there is no distribution \"{}\"", wanted));
    const Node all = cloudfront.invalidations(only, kMaxInvalidations);
    Node lines = Node::array();
    for (const Node& one : all.items()) {
        const std::string& id = one["distribution"].as_string();
        lines.push_back(fmt::format("{}  {}  {}  {}", one["created"].as_string(),
                                    one["id"].as_string(), one["status"].as_string(),
                                    name_or("distributions", id, id)));
        for (const Node& path : one["paths"].items()) {
            std::string text =
                fmt::format("    {}  {} object{}", path["path"].as_string(),
                            path["objects"].as_int(), path["objects"].as_int() == 1 ? "" : "s");
            if (path["filling"].as_int() > 0)
                text += fmt::format(", {} on the way not kept", path["filling"].as_int());
            if (const Node* warning = path.find("warning"))
                text += fmt::format("   warning: {}", warning->as_string());
            lines.push_back(std::move(text));
        }
    }
    if (all.size() == 0) lines.push_back("no invalidation was made yet");
    return {200, Node::object({{"invalidations", all}, {"lines", lines}})};
}

namespace {

// "backend", "backend[0]": the name and which of its tasks.
struct TaskName {
    std::string name;
    std::optional<size_t> index;
};

TaskName parse_task_name(const std::string& text) {
    const size_t open = text.find('[');
    if (open == std::string::npos || !text.ends_with(']')) return {text, {}};
    const auto index = base::parse_unsigned(text.substr(open + 1, text.size() - open - 2));
    if (!index) return {text, {}};
    return {text.substr(0, open), static_cast<size_t>(*index)};
}

}  // namespace

// Running tasks that "backend", "backend[0]" (the oldest) or a task's id mean.
std::expected<std::vector<ecs::ServiceStatus::RunningTask>, std::string> Views::tasks_named(
    const std::string& text) const {
    const TaskName wanted = parse_task_name(text);
    std::vector<std::string> known;
    for (const auto& service : ecs.status()) {
        std::vector<ecs::ServiceStatus::RunningTask> running;
        for (const auto& task : service.tasks) {
            if (task.id == wanted.name && task.status == "RUNNING") return std::vector{task};
            if (task.status == "RUNNING") running.push_back(task);
        }
        std::string name = names.name_of("services", service.name);
        if (name.empty()) name = service.name;
        known.push_back(name);
        if (wanted.name != name && wanted.name != service.name) continue;
        std::reverse(running.begin(), running.end());  // the oldest first
        if (!wanted.index) return running;
        if (*wanted.index >= running.size())
            return std::unexpected(fmt::format("{} runs {} task{}, so there is no {}", name,
                                               running.size(), running.size() == 1 ? "" : "s",
                                               text));
        return std::vector{running[*wanted.index]};
    }
    const std::string near = base::closest(wanted.name, known);
    return std::unexpected(
        fmt::format("there is neither a service nor a running task \"{}\"{}", wanted.name,
                    near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
}

// What the hops look a fault up by: of a service its target groups, so that tasks that replace
// others are broken too; of one task its address.
std::expected<std::vector<std::string>, std::string> Views::fault_keys(
    const std::string& target) const {
    const auto [kind, name] = base::cut(target, ':');
    std::vector<std::string> keys;
    if (kind == "origin") {
        std::vector<std::string> known;
        for (const auto& [id, distribution] : cloudfront.snapshot().get()->by_id)
            for (const auto& origin : distribution->origins)
                known.push_back(origin.id);
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            const std::string near = base::closest(name, known);
            return std::unexpected(fmt::format(
                "no distribution has an origin \"{}\"{}", name,
                near.empty() ? known.empty() ? "" : "; origins are " + base::join(known, ", ")
                             : fmt::format("; did you mean \"{}\"?", near)));
        }
    } else if (kind == "target") {
        auto tasks = tasks_named(std::string(name));
        if (!tasks) return std::unexpected(tasks.error());
        std::lock_guard lock(ecs.mutex());
        for (const auto& [key, service] : ecs.state().services)
            if (service.name == name || names.name_of("services", service.name) == name)
                for (const auto& balancer : service.load_balancers)
                    keys.push_back("target:" + balancer.target_group);
        if (keys.empty())
            for (const auto& task : *tasks)
                keys.push_back("target:" + task.address);
        if (keys.empty()) return std::unexpected(fmt::format("no task of \"{}\" is running", name));
    }
    return keys;
}

Answer Views::kill_tasks(const base::FaultSpec& fault) const {
    auto tasks = tasks_named(std::string(base::cut(fault.target, ':').second));
    if (!tasks) return Answer::error(400, tasks.error());
    Node killed = Node::array();
    for (const auto& task : *tasks) {
        for (const auto& container : task.containers)
            if (container.status == "RUNNING")
                kill(task.id, container.name, fault.signal == "TERM" ? SIGTERM : SIGKILL);
        killed.push_back(task.id);
    }
    if (killed.items().empty())
        return Answer::error(400, fmt::format("no task of \"{}\" is running", fault.target));
    return {200, Node::object({{"id", 0}, {"target", fault.target}, {"killed", killed}})};
}

Answer Views::fault_view(const Node& input) const {
    if (input.find("clear")) {
        if (input["clear"].as_string() == "all")
            faults.clear_all();
        else if (!faults.clear(static_cast<uint64_t>(input["clear"].as_int())))
            return Answer::error(404, "there is no such fault; it may have ended by itself");
    } else if (input.find("renew")) {
        auto fault = faults.renew(static_cast<uint64_t>(input["renew"].as_int()), input);
        if (!fault) return Answer::error(404, fault.error());
        return {200, to_node(*fault)};
    } else if (input.find("target")) {
        auto asked = faults::read_fault(input);
        if (!asked) return Answer::error(400, asked.error());
        if (asked->kind == faults::Kind::Kill) return kill_tasks(*asked);
        auto keys = fault_keys(asked->target);
        if (!keys) return Answer::error(400, keys.error());
        auto fault = faults.set(input, std::move(*keys));
        if (!fault) return Answer::error(400, fault.error());
        return {200, to_node(*fault)};
    }
    Node list = Node::array();
    for (const auto& fault : faults.list())
        list.push_back(to_node(fault));
    // What can be broken, and how: for whoever offers a choice.
    Node choices = Node::object();
    for (const auto& row : base::fault_targets()) {
        Node kinds = Node::array();
        for (const auto kind : row.kinds)
            kinds.push_back(base::row_of(kind).name);
        choices.set(std::string(row.name), std::move(kinds));
    }
    return {200, Node::object({{"faults", list}, {"choices", choices}})};
}
