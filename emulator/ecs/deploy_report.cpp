// See deploy_report.h.
#include "ecs/deploy_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/date.h"
#include "base/text.h"
#include "ecs/capacity.h"
#include "ecs/deployment.h"
#include "ecs/limits.h"
#include "oci/manifest.h"
#include "oci/reference.h"

namespace ecs {
namespace {

constexpr size_t kTasksReported = 100;
constexpr size_t kFailuresReported = 10;
constexpr size_t kLinesOfOutput = 4;  // among the first ten lines
constexpr size_t kProbesTold = 2;
constexpr size_t kEventsTold = 8;
constexpr size_t kDigestShown = 19;  // "sha256:" and twelve digits

double seconds_between(const std::optional<Time>& from, const std::optional<Time>& to) {
    if (!from || !to || *to < *from) return 0;
    return static_cast<double>((*to - *from).count()) / 1e6;
}

std::string show_seconds(double seconds) {
    return base::show_duration(base::microseconds(static_cast<int64_t>(seconds * 1e6)));
}

// The digest of the container that the balancer speaks to, else of the first one.
std::string digest_of(const Task& task) {
    if (!task.targets.empty())
        if (const Container* container = task.container(task.targets.front().container))
            return container->digest;
    return task.containers.empty() ? std::string() : task.containers.front().digest;
}

std::string image_of(const Task& task) {
    if (!task.targets.empty())
        if (const Container* container = task.container(task.targets.front().container))
            return container->image;
    return task.containers.empty() ? std::string() : task.containers.front().image;
}

const Deployment* find_deployment(const Service& service, const std::string& id) {
    for (const Deployment& deployment : service.deployments)
        if (deployment.id == id) return &deployment;
    for (const Deployment& deployment : service.history)
        if (deployment.id == id) return &deployment;
    return nullptr;
}

std::string revision_of(const Service& service, const std::string& deployment) {
    const Deployment* found = find_deployment(service, deployment);
    return found ? found->task_definition : std::string();
}

// What a task spent in each phase, in seconds.
Node phases_of(const Task& task) {
    return Node::object(
        {{"pending", seconds_between(task.created_at, task.pull_started_at)},
         {"pulling", seconds_between(task.pull_started_at, task.pull_stopped_at)},
         {"starting", seconds_between(task.pull_stopped_at, task.started_at)},
         {"health_checks",
          seconds_between(task.started_at, task.healthy_at ? task.healthy_at : task.stopping_at)},
         {"draining", seconds_between(task.stopping_at, task.drained_at)}});
}

std::string state_of(const Deployment& deployment) {
    switch (deployment.rollout) {
        case RolloutState::Completed: return "COMPLETED";
        case RolloutState::Failed: return "FAILED";
        case RolloutState::InProgress: break;
    }
    return deployment.finished_at ? "SUPERSEDED" : "IN_PROGRESS";
}

// --- requests

struct Window {
    const std::map<std::string, base::RequestCounts>* before;
    const std::map<std::string, base::RequestCounts>* after;  // null: still open
};

base::RequestCounts within(const Window& window, const std::string& task,
                           const base::RequestCounts& now) {
    auto find = [&](const auto* books) {
        auto found = books->find(task);
        return found == books->end() ? base::RequestCounts() : found->second;
    };
    const base::RequestCounts after = window.after ? find(window.after) : now,
                              before = find(window.before);
    // Books that were not closed (the emulator was started again meanwhile) tell of nothing.
    return after.requests < before.requests ? base::RequestCounts() : after - before;
}

Node node_of(const base::RequestCounts& counts) {
    return Node::object({{"requests", static_cast<int64_t>(counts.requests)},
                         {"through_cloudfront", static_cast<int64_t>(counts.through_edge)},
                         {"failed", static_cast<int64_t>(counts.failed)}});
}

// --- lines

std::string digest_text(const std::string& digest) {
    return digest.empty() ? "no digest" : digest.substr(0, kDigestShown);
}

std::string join_digests(const Node& digests) {
    std::string text;
    for (const Node& digest : digests.items())
        text += (text.empty() ? "" : ", ") + digest_text(digest.as_string());
    return text;
}

std::string_view plural(int64_t count) {
    return count == 1 ? "" : "s";
}

// "12:04:07" of an ISO date.
std::string time_text(const Node& date) {
    const std::string& text = date.as_string();
    return text.size() >= 19 ? text.substr(11, 8) : text;
}

std::string headline(const Node& report) {
    const std::string& state = report["state"].as_string();
    const std::string took = show_seconds(report["seconds"].as_double());
    const std::string &revision = report["revision"].as_string(),
                      &from = report["from"].as_string();
    const Node& back = report["rolled_back_to"];
    std::string text = fmt::format("{}  {}", report["service"].as_string(), state);
    if (state == "COMPLETED")
        text +=
            fmt::format(" in {}: {}{}", took, revision, from.empty() ? "" : " replaced " + from);
    else if (state == "FAILED" && back.is_object())
        text +=
            fmt::format(" after {}: {} was rolled back to {} ({})", took, revision,
                        back["revision"].as_string(),
                        back["state"].as_string() == "COMPLETED" ? "which serves" : "under way");
    else if (state == "FAILED")
        text += fmt::format(" after {}: {}; there is nothing to roll back to, or rollback is off",
                            took, revision);
    else if (state == "SUPERSEDED")
        text += fmt::format(" after {}: another deployment came before {} was complete", took,
                            revision);
    else
        text += fmt::format(" for {}: {}{}", took, revision,
                            from.empty() ? "" : " is replacing " + from);
    return text + fmt::format("; {} of {} tasks run", report["running"].as_int(),
                              report["desired"].as_int());
}

std::string proof_line(const Node& report) {
    const Node& digests = report["digests"];
    const std::string& pushed = digests["pushed"].as_string();
    const Node &running = digests["running"], &answered = digests["answered"];
    if (pushed.empty())
        return "proof    the task definition's image was not pushed to this registry; running: " +
               join_digests(running);
    if (running.size() != 1 || running.items().front().as_string() != pushed)
        return fmt::format("proof    NOT ARRIVED: pushed {}, running {}", digest_text(pushed),
                           running.size() ? join_digests(running) : "nothing");
    if (answered.size() == 0)
        return fmt::format("proof    pushed = running: {}; no request came through CloudFront yet",
                           digest_text(pushed));
    if (answered.size() != 1 || answered.items().front().as_string() != pushed)
        return fmt::format(
            "proof    NOT ARRIVED: pushed and running {}, but {} answered through "
            "CloudFront",
            digest_text(pushed), join_digests(answered));
    return fmt::format("proof    pushed = running = answered through CloudFront: {}",
                       digest_text(pushed));
}

void request_lines(const Node& report, std::vector<std::string>& lines) {
    const Node& requests = report["requests"];
    std::string text = fmt::format("requests {} reached tasks", requests["total"].as_int());
    for (const Node& one : requests["by_revision"].items())
        text += fmt::format(", {} of them {} {}", one["requests"].as_int(),
                            one["revision"].as_string(), digest_text(one["digest"].as_string()));
    text += fmt::format("; {} answered by the edge's cache; {} failed",
                        requests["edge_hits"].as_int(), requests["failed"].as_int());
    lines.push_back(std::move(text));
    for (const Node& failure : requests["failures"].items())
        lines.push_back(
            fmt::format("         {} x {} {} at the {}: {} ({} {})", failure["count"].as_int(),
                        failure["status"].as_int(),
                        failure["first"] == failure["last"]
                            ? time_text(failure["first"])
                            : time_text(failure["first"]) + "–" + time_text(failure["last"]),
                        failure["layer"].as_string(), failure["cause"].as_string(),
                        failure["method"].as_string(), failure["path"].as_string()));
}

std::string phase_line(const Node& report) {
    const Node& phases = report["phases"];
    std::string text = "phases  ";
    for (const char* name : {"pending", "pulling", "starting", "health_checks", "draining"})
        text += fmt::format(" {} {},", base::replace_all(name, "_", " "),
                            show_seconds(phases[name].as_double()));
    return text + " total " + show_seconds(report["seconds"].as_double());
}

// The lines worth a look: the frames of a stack trace push its message out of sight.
std::vector<std::string> telling_lines(const Node& output, size_t at_most) {
    std::vector<std::string> lines;
    for (const Node& line : output.items())
        if (auto text = base::trim(line.as_string()); !text.empty() && !text.starts_with("at "))
            lines.push_back(line.as_string());
    if (lines.size() > at_most)
        lines.erase(lines.begin(), lines.end() - static_cast<long>(at_most));
    return lines;
}

void failure_lines(const Node& report, std::vector<std::string>& lines) {
    const Node& failures = report["failures"];
    if (failures.size() == 0) return;
    const Node& task = failures.items().front();
    const int64_t failed = report["failed_tasks"].as_int(),
                  in_all = report["failed_in_all"].as_int(),
                  threshold = report["threshold"].as_int();
    std::string count =
        threshold > 0 ? fmt::format("{} task{} failed, {} end{} the deployment", failed,
                                    plural(failed), threshold, threshold == 1 ? "s" : "")
                      : fmt::format("{} task{} failed, and no circuit breaker ends the deployment",
                                    in_all, plural(in_all));
    lines.push_back(fmt::format("why      {}", task["reason"].as_string()));
    if (const auto& seen = task["target"].as_string(); !seen.empty())
        lines.push_back("         " + seen);
    lines.push_back("count    " + count);
    for (const Node& container : task["containers"].items()) {
        const bool ended = container.find("exit_code") != nullptr;
        const auto& reason = container["reason"].as_string();
        if (ended || (!reason.empty() && reason != task["reason"].as_string()))
            lines.push_back(fmt::format(
                "         container {}{}{}{}", container["name"].as_string(),
                ended ? fmt::format(" exited with {}", container["exit_code"].as_int()) : "",
                reason.empty() ? "" : ": ", reason));
        const auto& probes = container["probes"].items();
        for (size_t i = probes.size() > kProbesTold ? probes.size() - kProbesTold : 0;
             i < probes.size(); ++i)
            lines.push_back("         health check " + probes[i].as_string());
        for (const auto& line : telling_lines(container["output"], kLinesOfOutput))
            lines.push_back("         | " + line);
    }
}

// The history of a target's health checks; what was seen several times in a row is told once.
void probe_lines(const Node& probes, std::vector<std::string>& lines) {
    const auto& all = probes.items();
    for (size_t first = 0, end; first < all.size(); first = end) {
        for (end = first + 1; end < all.size() && all[end]["saw"] == all[first]["saw"]; ++end) {
        }
        std::string times = time_text(all[first]["at"]);
        if (end - first > 1)
            times += fmt::format("–{}, {} times", time_text(all[end - 1]["at"]), end - first);
        lines.push_back(fmt::format("probe    {}: {}", times, all[first]["saw"].as_string()));
    }
}

constexpr std::string_view kNoDescriptor = "does not contain descriptor matching platform";
constexpr std::string_view kExecFormatError = ": exec format error";  // a single image's way to die

std::string about_processor() {
    return fmt::format(
        "build the image for the processor that tasks run on: docker build "
        "--platform linux/{}",
        oci::native_architecture());
}

// What to do about an image that cannot be pulled. Tasks pull from the stack's own registry and
// from the base images of this machine, never from the internet: a start depends on no network.
std::string about_image(const std::string& reason) {
    if (reason.find(kNoDescriptor) != std::string::npos) return about_processor();
    constexpr std::string_view kBefore = "resolve ref ", kAfter = ": not found";
    const size_t begin = reason.find(kBefore), end = reason.rfind(kAfter);
    if (begin != std::string::npos && end != std::string::npos && begin + kBefore.size() <= end) {
        const std::string name =
            reason.substr(begin + kBefore.size(), end - begin - kBefore.size());
        if (auto reference = oci::Reference::parse(name); reference && !reference->is_ecr())
            return name +
                   " is not among the base images of this machine, and tasks ask no other "
                   "registry: "
                   "push it to a repository of this stack and name that in the task definition, or "
                   "make it with script/offline-images";
    }
    return "push the image first, or correct its name in the task definition";
}

// What to do about a task that failed.
std::string advice(const Node& report) {
    const Node& failures = report["failures"];
    const std::string& state = report["state"].as_string();
    if (const auto& unplaced = report["unplaced"].as_string(); !unplaced.empty()) return unplaced;
    if (state == "IN_PROGRESS" && failures.size() == 0)
        return "it is under way: dodam deploy report --wait";
    if (failures.size() == 0)
        return report["requests"]["failures"].size() > 0
                   ? "look at a request that failed: dodam trace " +
                         report["requests"]["failures"].items().front()["id"].as_string()
                   : "";
    const Node& task = failures.items().front();
    const std::string& reason = task["reason"].as_string();
    const std::string& seen = task["target"].as_string();
    std::string of_container;
    int64_t exit_code = 0;
    bool other_processor = false;
    for (const Node& container : task["containers"].items()) {
        for (const Node& line : container["output"].items())
            other_processor |= line.as_string().starts_with("exec ") &&
                               line.as_string().ends_with(kExecFormatError);
        if (!container["reason"].as_string().empty())
            of_container = container["reason"].as_string();
        if (container.find("exit_code") && exit_code == 0)
            exit_code = container["exit_code"].as_int();
    }
    auto has = [](const std::string& text, std::string_view part) {
        return text.find(part) != std::string::npos;
    };
    if (has(reason, "invalid ARN format"))
        return "write valueFrom as the secret's ARN alone, or with all three positions behind it: "
               "ARN:json-key::";
    if (has(reason, "failed to download env files"))
        return "put that file into its bucket, or correct environmentFiles in the task definition";
    if (has(reason, "retrieve secret") || has(reason, "pull secrets") ||
        has(reason, "ParameterNotFound"))
        return "create that secret or parameter, or correct valueFrom in the task definition";
    if (has(reason, "CannotPullContainerError")) return about_image(reason);
    if (other_processor) return about_processor();
    if (has(reason, "logger args"))
        return "create the log group, or set awslogs-create-group in the task definition";
    if (has(of_container, "OutOfMemoryError"))
        return "give the container more memory in the task definition, or let the app use less";
    if (has(reason, "failed container health checks"))
        return "run the health check's command in the image by hand: it must end with 0";
    if (has(seen, "refused the connection"))
        return "let the app listen on 0.0.0.0 and on the containerPort of the task definition";
    if (has(seen, "did not answer"))
        return "let the health check's path answer at once, or raise its timeout or the grace "
               "period";
    if (has(seen, " answered "))
        return "let the health check's path answer so, or correct the target group's path or "
               "matcher";
    if (exit_code != 0 || has(reason, "Essential container"))
        return "the container's last words above say why it ended; all of them: dodam logs";
    return "look at what the tasks wrote: dodam logs";
}

}  // namespace

bool failed_by_itself(const Task& task) {
    return task.stop_code == "TaskFailedToStart" || task.stop_code == "EssentialContainerExited" ||
           task.stopped_reason.starts_with("Task failed ");
}

Node failure_of(const Task& task) {
    Node containers = Node::array(), target_probes = Node::array();
    for (const Container& container : task.containers) {
        Node output = Node::array(), probes = Node::array();
        for (const auto& line : container.last_output)
            output.push_back(line);
        for (const HealthProbe& probe : container.probes)
            probes.push_back(fmt::format("{} exit {}: {}", base::iso_date_millis(probe.at),
                                         probe.exit_code, base::trim(probe.output)));
        Node one = Node::object({{"name", container.name},
                                 {"image", container.image},
                                 {"reason", container.reason},
                                 {"output", output},
                                 {"probes", probes}});
        if (container.exit_code) one.set("exit_code", *container.exit_code);
        containers.push_back(std::move(one));
    }
    std::string seen;
    for (const TaskTarget& target : task.targets) {
        if (!target.detail.empty()) seen = target.detail;
        for (const base::ProbeRecord& probe : target.probes) {
            target_probes.push_back(Node::object({{"at", base::iso_date_millis(probe.at)},
                                                  {"passed", probe.passed},
                                                  {"saw", probe.text}}));
            if (!probe.passed && target.detail.empty()) seen = probe.text;
        }
    }
    return Node::object({{"id", task.id},
                         {"revision", task.task_definition},
                         {"deployment", task.deployment},
                         {"reason", task.stopped_reason},
                         {"target", seen},
                         {"target_probes", target_probes},
                         {"containers", containers}});
}

const Deployment* last_asked_for(const Service& service) {
    const Deployment* deployment = service.primary();
    while (deployment && !deployment->rolled_back_from.empty()) {
        const Deployment* failed = find_deployment(service, deployment->rolled_back_from);
        if (!failed) break;
        deployment = failed;
    }
    return deployment;
}

Node deploy_record(const State& state, const Service& service, const Deployment& deployment,
                   Time now, uint64_t edge_hits) {
    const Deployment* back = deployment.rolled_back_to.empty()
                                 ? nullptr
                                 : find_deployment(service, deployment.rolled_back_to);
    const Deployment& last = back ? *back : deployment;
    const Time ended = last.finished_at.value_or(now);
    const Window window{&deployment.requests_before,
                        last.finished_at ? &last.requests_after : nullptr};

    std::vector<const Task*> of_service;
    for (const auto& [id, task] : state.tasks)
        if (task.service == service.name && task.cluster == service.cluster)
            of_service.push_back(&task);
    std::ranges::sort(of_service, std::greater(), &Task::created_at);

    Node tasks = Node::array(), failures = Node::array();
    Node running = Node::array(), answered = Node::array();
    std::set<std::string> running_digests, answered_digests;
    std::map<std::pair<std::string, std::string>, base::RequestCounts> by_revision;
    std::map<std::string, double> slowest;
    base::RequestCounts total;
    std::string image;
    int running_count = 0;
    for (const Task* task : of_service) {
        const base::RequestCounts counts = requests_now(*task);
        const std::string digest = digest_of(*task);
        const bool is_running = task->status == TaskStatus::Running && !task->stop_wanted;
        if (is_running) {
            ++running_count;
            running_digests.insert(digest);
            if (counts.through_edge > 0) answered_digests.insert(digest);
        }
        const base::RequestCounts during = within(window, task->id, counts);
        if (during.requests > 0) {
            by_revision[{task->task_definition, digest}] += during;
            total += during;
        }
        const bool is_new = task->deployment == deployment.id;
        const bool is_old = task->created_at < deployment.created_at && task->stopping_at &&
                            *task->stopping_at >= deployment.created_at &&
                            *task->stopping_at <= ended;
        if (is_new && image.empty()) image = image_of(*task);
        if (is_new && failed_by_itself(*task) && failures.size() < kFailuresReported)
            failures.push_back(failure_of(*task));
        if (!is_new && !is_old && task->deployment != last.id) continue;
        const Node phases = phases_of(*task);
        for (const auto& [name, value] : phases.members())
            if (is_new != (name == "draining"))
                slowest[name] = std::max(slowest[name], value.as_double());
        if (tasks.size() >= kTasksReported) continue;
        Node one = Node::object({{"id", task->id},
                                 {"revision", task->task_definition},
                                 {"digest", digest},
                                 {"status", name_of(task->status)},
                                 {"new", is_new},
                                 {"requests", node_of(during)},
                                 {"phases", phases}});
        tasks.push_back(std::move(one));
    }
    for (const auto& digest : running_digests)
        running.push_back(digest);
    for (const auto& digest : answered_digests)
        answered.push_back(digest);
    Node revisions = Node::array();
    for (const auto& [key, counts] : by_revision) {
        Node one = node_of(counts);
        one.set("revision", key.first);
        one.set("digest", key.second);
        revisions.push_back(std::move(one));
    }
    Node phases = Node::object();
    for (const auto& [name, value] : slowest)
        phases.set(name, value);
    Node events = Node::array();
    for (const ServiceEvent& event : service.events)
        if (event.at >= deployment.created_at && event.at <= ended + base::seconds(1))
            events.push_back(Node::object(
                {{"at", base::iso_date_millis(event.at)}, {"message", event.message}}));
    if (image.empty())
        if (const TaskDefinition* definition = find_definition(state, deployment.task_definition);
            definition && !definition->containers.empty())
            image = definition->containers.front().image;

    const uint64_t hits_until = last.finished_at ? last.edge_hits_after : edge_hits;
    Node requests = node_of(total);
    requests.set("total", static_cast<int64_t>(total.requests));
    requests.set("edge_hits", static_cast<int64_t>(
                                  hits_until - std::min(hits_until, deployment.edge_hits_before)));
    requests.set("by_revision", revisions);
    requests.set("failures", Node::array());
    const int threshold = deployment.threshold > 0 ? deployment.threshold
                          : service.breaker.enabled
                              ? failure_threshold(service.breaker, service.desired_count)
                              : 0;
    Node groups = Node::array();
    for (const ServiceLoadBalancer& balancer : deployment.load_balancers)
        groups.push_back(balancer.target_group);
    Node record = Node::object(
        {{"service", service.name},
         {"cluster", service.cluster},
         {"deployment", deployment.id},
         {"state", state_of(deployment)},
         {"reason", deployment.rollout_reason},
         {"revision", deployment.task_definition},
         {"from", revision_of(service, deployment.replaced)},
         {"image", image},
         {"began", base::iso_date_millis(deployment.created_at)},
         {"seconds", seconds_between(deployment.created_at, ended)},
         {"desired", service.desired_count},
         {"running", running_count},
         {"failed_tasks", deployment.failed_tasks},
         {"failed_in_all", deployment.failed_in_all},
         {"threshold", threshold},
         {"digests", Node::object({{"pushed", ""}, {"running", running}, {"answered", answered}})},
         {"requests", requests},
         {"target_groups", groups},
         {"phases", phases},
         {"tasks", tasks},
         {"failures", failures},
         {"events", events}});
    if (service.launch_type != "FARGATE")
        record.set("unplaced", no_instances_advice(service.launch_type));
    if (last.finished_at) record.set("ended", base::iso_date_millis(ended));
    if (back)
        record.set("rolled_back_to", Node::object({{"deployment", back->id},
                                                   {"revision", back->task_definition},
                                                   {"state", state_of(*back)}}));
    return record;
}

bool has_arrived(const Node& report) {
    const Node& digests = report["digests"];
    if (report["state"].as_string() != "COMPLETED") return false;
    for (const char* where : {"running", "answered"})
        for (const Node& digest : digests[where].items())
            if (digest.as_string() != digests["pushed"].as_string() &&
                !digests["pushed"].as_string().empty())
                return false;
    return true;
}

std::vector<std::string> report_lines(const Node& report) {
    std::vector<std::string> lines{headline(report)};
    failure_lines(report, lines);
    if (std::string next = advice(report); !next.empty()) lines.push_back("next     " + next);
    if (report["state"].as_string() != "FAILED") lines.push_back(proof_line(report));
    request_lines(report, lines);
    lines.push_back(phase_line(report));
    if (const auto& failures = report["failures"].items(); !failures.empty())
        probe_lines(failures.front()["target_probes"], lines);
    size_t told = 0;
    for (const Node& event : report["events"].items()) {
        if (told++ == kEventsTold) break;
        lines.push_back(
            fmt::format("event    {} {}", time_text(event["at"]), event["message"].as_string()));
    }
    return lines;
}

}  // namespace ecs
