// Observed: the record's requests, one after the other.
#include "scenarios/checks/observed.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "scenarios/checks/rules/common.h"
#include "scenarios/runner/spans.h"

namespace checks {
namespace {

using base::Node;

constexpr size_t kMostAsked = 10;  // paths that are asked for again
constexpr size_t kMostNamed = 5;   // requests that a finding names

// A behaviour of a distribution, as the status tells it.
struct Route {
    std::string distribution, pattern, origin_domain;
    bool bucket = false;
};

struct Request {
    std::string method, path, target;  // the path without, the target with its query
    const Node* edge = nullptr;
    const Node* alb = nullptr;
    const Node* exchange = nullptr;  // nullptr: no step tells of it
    bool as_wanted = false;          // its step passed
    Route route;

    std::string name() const { return method + " " + path; }
    const Node& response() const {
        static const Node kNone;
        return exchange ? (*exchange)["response"] : kNone;
    }
};

std::string text_of_decision(const Node* span, std::string_view key) {
    return span ? scenarios::decision(*span, key) : "";
}

// Headers of the record: [[name, value], …].
std::string header_of(const Node& list, std::string_view name) {
    for (const Node& pair : list.items())
        if (pair.items().size() == 2 &&
            base::equals_ignoring_case(pair.items()[0].as_string(), name))
            return pair.items()[1].as_string();
    return {};
}

int origin_status(const Request& request) {
    return request.edge ? scenarios::origin_status(*request.edge) : 0;
}

std::optional<Route> route_of(const Node& status, const std::string& id, const std::string& path) {
    for (const auto& [name, distribution] : status["distributions"].members()) {
        if (distribution["id"].as_string() != id) continue;
        for (const Node& route : distribution["routes"].items()) {
            if (!pattern_matches(route["path"].as_string(), path)) continue;
            Route found{name, route["path"].as_string(), {}, false};
            for (const Node& origin : distribution["origins"].items())
                if (origin["id"] == route["target"]) {
                    found.origin_domain = origin["domain"].as_string();
                    found.bucket = origin["kind"].as_string() == "s3";
                }
            return found;
        }
    }
    return std::nullopt;
}

void add_request(const Node& status, std::vector<Request>& all, Request request) {
    request.method = (*request.edge)["method"].as_string();
    request.target = (*request.edge)["target"].as_string();
    request.path = request.target.substr(0, request.target.find('?'));
    auto route = route_of(status, (*request.edge)["resource"].as_string(), request.path);
    if (!route) return;
    request.route = std::move(*route);
    all.push_back(std::move(request));
}

// Those that came through a distribution.
std::vector<Request> requests_of(const Node& status, const Node& record,
                                 const std::vector<Node>& spans) {
    std::vector<Request> all;
    std::set<std::string> told;
    for (const Node& scenario : record["scenarios"].items())
        for (const Node& step : scenario["steps"].items()) {
            if (!step.find("exchange") || step["exchange"].find("earlier_step")) continue;
            Request request;
            for (const Node& span : step["trace"].items()) {
                if (span["hop"].as_string() == "edge" && !request.edge) request.edge = &span;
                if (span["hop"].as_string() == "alb") request.alb = &span;
            }
            if (!request.edge) continue;
            told.insert((*request.edge)["id"].as_string());
            request.exchange = &step["exchange"];
            request.as_wanted = step["outcome"].as_string() == "passed";
            add_request(status, all, std::move(request));
        }
    for (const Node& span : spans)
        if (span["hop"].as_string() == "edge" && !told.contains(span["id"].as_string())) {
            Request request;
            request.edge = &span;
            add_request(status, all, std::move(request));
        }
    return all;
}

// Where the behaviour stands in the stack file, else its distribution.
base::Position position_of(const Project& project, const Route& route) {
    for (const Behaviour& one : behaviours_of(project.stack))
        if (one.distribution == route.distribution && one.path == route.pattern)
            return one.node->position();
    return project.stack["distributions"].key_position(route.distribution);
}

// One finding for all requests that showed the same.
class Findings {
  public:
    explicit Findings(const Project& project) : project_(project) {}

    void add(std::string_view id, const Request& request, const std::string& same,
             const std::string& message) {
        const std::string key =
            fmt::format("{} {} {} {}", id, request.route.distribution, request.route.pattern, same);
        auto [found, is_new] = by_key_.emplace(key, all_.size());
        if (is_new) {
            Finding finding = seen(id, request.route.distribution, message, {});
            finding.file = project_.stack_file;
            finding.position = position_of(project_, request.route);
            all_.push_back(std::move(finding));
        }
        std::vector<std::string>& requests = all_[found->second].seen_in;
        if (std::ranges::find(requests, request.name()) == requests.end())
            requests.push_back(request.name());
    }
    void add(Finding finding) { all_.push_back(std::move(finding)); }

    std::vector<Finding> take() {
        for (Finding& finding : all_)
            if (finding.seen_in.size() > 1) {
                std::vector<std::string> others(
                    finding.seen_in.begin() + 1,
                    finding.seen_in.begin() +
                        static_cast<std::ptrdiff_t>(std::min(kMostNamed, finding.seen_in.size())));
                finding.message += fmt::format("; so with {}", fmt::join(others, ", "));
                if (finding.seen_in.size() > kMostNamed) finding.message += " …";
            }
        silence(project_, all_);
        return std::move(all_);
    }

  private:
    const Project& project_;
    std::vector<Finding> all_;
    std::map<std::string, size_t> by_key_;
};

// ---- what was dropped

struct Lost {
    std::string shown;  // "Authorization", "cookie sid", "query page"
    enum class Kind { Authorization, Key, Cookie, Query, Preflight, Origin } kind;
};

std::optional<Lost> lost_in(std::string_view dropped) {
    using enum Lost::Kind;
    const std::string name(dropped.substr(0, dropped.find(':')));
    if (name.starts_with("cookie ")) return Lost{name, Cookie};
    if (name.starts_with("query "))  // its value is nobody's business
        return Lost{name.substr(0, name.find('=')), Query};
    if (!name.starts_with("header ")) return std::nullopt;
    const std::string header = name.substr(7), lower = base::lower(header);
    if (lower == "authorization") return Lost{header, Authorization};
    if (lower == "origin") return Lost{header, Origin};
    if (lower.starts_with("access-control-request-")) return Lost{header, Preflight};
    if (lower.starts_with("x-") && !lower.starts_with("x-amz") && !lower.starts_with("x-edge"))
        return Lost{header, Key};
    return std::nullopt;
}

// Whether the app's answer is one that comes of it. What a step wanted so is nobody's trouble, but
// for credentials: without them a refusal says nothing.
bool follows_from(const Lost& lost, const Request& request, int status) {
    const bool refused = status == 401 || status == 403;
    const bool permits =
        !header_of(request.response()["headers"], "access-control-allow-origin").empty();
    switch (lost.kind) {
        case Lost::Kind::Authorization: return refused;
        case Lost::Kind::Key:
        case Lost::Kind::Cookie: return refused && !request.as_wanted;
        case Lost::Kind::Query:
            return !request.as_wanted && (status == 400 || status == 404 || status == 422);
        case Lost::Kind::Preflight:
            return request.method == "OPTIONS" && !permits && (status >= 400 || !request.as_wanted);
        case Lost::Kind::Origin: return request.exchange && !permits && !request.as_wanted;
    }
    return false;
}

void look_at_dropped(const Request& request, Findings& findings) {
    const int status = origin_status(request);
    if (request.route.bucket || status == 0) return;
    std::vector<std::string> lost;
    for (const Node& each : (*request.edge)["decisions"].items()) {
        if (each["key"].as_string() != "dropped") continue;
        const auto one = lost_in(each["text"].as_string());
        if (one && follows_from(*one, request, status)) lost.push_back(one->shown);
    }
    if (lost.empty()) return;
    findings.add("DS007", request, "",
                 fmt::format("{} lost {} at the edge, and the origin answered {}", request.name(),
                             fmt::join(lost, ", "), status));
}

void look_at_methods(const Request& request, Findings& findings) {
    if (request.as_wanted ||
        text_of_decision(request.edge, "access").find("AllowedMethods of") == std::string::npos)
        return;
    findings.add("DS008", request, request.method,
                 fmt::format("{} is answered with 403 by the edge: AllowedMethods of behaviour {} "
                             "lacks {}",
                             request.name(), request.route.pattern, request.method));
}

// ---- what was kept

// "authorization", or "cookie", when the client sent it.
std::vector<std::string> credentials_of(const Request& request) {
    std::vector<std::string> found;
    for (std::string_view name : {"authorization", "cookie"})
        if (request.exchange && !header_of((*request.exchange)["headers"], name).empty())
            found.emplace_back(name);
    return found;
}

bool is_in_key(const Request& request, const std::string& credential) {
    for (const Node& each : (*request.edge)["decisions"].items())
        if (each["key"].as_string() == "key" &&
            base::lower(each["text"].as_string()).find(credential) != std::string::npos)
            return true;
    return false;
}

bool is_hit(std::string_view x_cache) {
    return x_cache.starts_with("Hit") || x_cache.starts_with("RefreshHit");
}

// RFC 9111 §3.5: an answer to a request with Authorization is for nobody else, unless it says so.
bool is_for_everybody(const Node& headers) {
    const std::string control = base::lower(header_of(headers, "cache-control"));
    for (std::string_view word : {"public", "s-maxage", "must-revalidate"})
        if (control.find(word) != std::string::npos) return true;
    return false;
}

void look_at_hits(const Request& request, Findings& findings) {
    const Node& headers = request.response()["headers"];
    if (request.route.bucket || !is_hit(header_of(headers, "x-cache"))) return;
    if (!header_of(headers, "set-cookie").empty())
        findings.add("DS009", request, "set-cookie",
                     fmt::format("{} is a hit with Set-Cookie: everybody gets the cookie that was "
                                 "made for one",
                                 request.name()));
    // Cookies go along with everything, assets too: of them only asking again tells (look_at_kept).
    if (request.exchange && !header_of((*request.exchange)["headers"], "authorization").empty() &&
        !is_in_key(request, "authorization") && !is_for_everybody(headers))
        findings.add("DS009", request, "",
                     fmt::format("{} sends Authorization and is answered from the cache, under a "
                                 "key without it",
                                 request.name()));
}

// ---- the health check

bool is_healthy(const Node& group) {
    return std::ranges::any_of(group["targets"].items(), [](const Node& target) {
        return target["state"].as_string() == "healthy";
    });
}

// A service whose targets are healthy and of whose requests not one was answered well.
void look_at_health(const Project& project, const Node& status,
                    const std::vector<Request>& requests, Findings& findings) {
    for (const HealthCheck& check : health_checks(project, status)) {
        if (!is_healthy(status["target_groups"][check.group])) continue;
        const std::string& name =
            project.stack["targetGroups"][check.group]["config"]["Name"].as_string();
        const Request* broken = nullptr;
        std::vector<std::string> names;
        bool works = false;
        for (const Request& request : requests) {
            if (!request.alb || text_of_decision(request.alb, "group") != name ||
                request.path == check.path || request.method == "OPTIONS")
                continue;
            const int64_t answered = (*request.alb)["status"].as_int();
            works = works || answered / 100 == 2;
            // One that the balancer gave by itself has its reason beside it.
            if (answered < 500 || request.as_wanted ||
                !text_of_decision(request.alb, "error").empty() ||
                !text_of_decision(request.alb, "answer").empty())
                continue;
            if (!broken) broken = &request;
            names.push_back(request.name());
        }
        if (works || !broken) continue;
        const int64_t answered = (*broken->alb)["status"].as_int();
        findings.add(about_health(project, check, "DS010",
                                  fmt::format("GET {} is green all the while, and nothing that "
                                              "the app does works: {} is answered with {}",
                                              check.path, broken->name(), answered),
                                  std::move(names)));
    }
}

}  // namespace

bool pattern_matches(std::string_view pattern, std::string_view path) {
    if (pattern == "*") return true;
    if (!pattern.starts_with('/') && path.starts_with('/')) path.remove_prefix(1);
    return base::wildcard_match(pattern, path);
}

std::vector<Finding> look_at_traffic(const Project& project, const Node& status, const Node& record,
                                     const std::vector<Node>& spans) {
    Findings findings(project);
    const std::vector<Request> requests = requests_of(status, record, spans);
    for (const Request& request : requests) {
        look_at_dropped(request, findings);
        look_at_methods(request, findings);
        look_at_hits(request, findings);
    }
    look_at_health(project, status, requests, findings);
    return findings.take();
}

std::vector<Finding> look_at_kept(const Project& project, const Node& status, const Node& record,
                                  const Ask& ask) {
    Findings findings(project);
    std::set<std::string> asked;
    for (const Request& request : requests_of(status, record, {})) {
        const auto sent = credentials_of(request);
        const std::string stored = text_of_decision(request.edge, "stored"),
                          cache = text_of_decision(request.edge, "cache");
        if (sent.empty() || request.route.bucket || request.method != "GET" ||
            request.response()["status"].as_int() / 100 != 2 ||
            !(stored.starts_with("yes") || cache.starts_with("hit")) ||
            request.target.find("***") != std::string::npos || asked.size() >= kMostAsked ||
            !asked.insert(request.route.distribution + request.target).second)
            continue;
        std::map<std::string, std::string> stranger;
        for (const std::string& name : sent)
            stranger[name] =
                name == "cookie" ? "session=dodam-check" : "Bearer dodam-check-of-nobody";
        const std::string& domain =
            status["distributions"][request.route.distribution]["domain"].as_string();
        const auto edge = ask(domain, request.target, stranger);
        if (!edge || edge->status / 100 != 2 || !is_hit(edge->header("x-cache"))) continue;
        const auto origin = ask(request.route.origin_domain, request.target, stranger);
        if (!origin || (origin->status != 401 && origin->status != 403)) continue;
        findings.add("DS009", request, "stranger",
                     fmt::format("{} with a made-up {}: CloudFront answers {} from its cache, the "
                                 "load balancer {}",
                                 request.name(), sent.front(), edge->status, origin->status));
    }
    return findings.take();
}

std::vector<Finding> look_at_health_without_database(const Project& project, const Node& status,
                                                     const Ask& ask) {
    Findings findings(project);
    for (const HealthCheck& check : health_checks(project, status)) {
        if (check.host.empty()) continue;
        const auto answer = ask(check.host, check.path, {});
        if (answer && answer->status < 500) continue;
        const std::string what =
            answer ? fmt::format("is answered with {}", answer->status) : "is not answered";
        findings.add(about_health(project, check, "DS012",
                                  fmt::format("without the database GET {} {}", check.path, what),
                                  {"GET " + check.path}));
    }
    return findings.take();
}

}  // namespace checks
