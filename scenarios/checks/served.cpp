// Served: what a browser would find out.
#include "scenarios/checks/served.h"

#include <fmt/format.h>

#include "base/text.h"

namespace checks {
namespace {

using base::Node;

constexpr size_t kMostScripts = 20;
constexpr const char* kNoSuchPath = "/dodam-check/no-such-page";

bool is_html(const Answer& answer) {
    return answer.header("content-type").starts_with("text/html");
}

// Where the distribution stands in the stack file.
base::Position position_of(const Project& project, const std::string& name) {
    return project.stack["distributions"].key_position(name);
}

// The origin that a page of the distribution sends.
std::string origin_of(const Node& distribution) {
    return "https://" + distribution["domain"].as_string();
}

// What answers the health path answers every path: asked at the load balancer itself.
void look_at_health_paths(const Project& project, const Node& status, const Ask& ask,
                          std::vector<Finding>& all) {
    for (const HealthCheck& check : health_checks(project, status)) {
        if (check.host.empty()) continue;
        const auto health = ask(check.host, check.path, {}),
                   other = ask(check.host, kNoSuchPath, {});
        if (!health || !other || health->status / 100 != 2 || other->status / 100 != 2 ||
            health->body != other->body)
            continue;
        all.push_back(about_health(project, check, "DS011",
                                   fmt::format("GET {} is answered with {}, and so is {}: this "
                                               "health check is green whatever happens to the app",
                                               check.path, health->status, kNoSuchPath),
                                   {"GET " + check.path}));
    }
}

bool has_site(const Node& distribution) {
    for (const Node& origin : distribution["origins"].items())
        if (origin["kind"].as_string() == "s3") return true;
    return false;
}

}  // namespace

std::vector<std::string> scripts_of(const std::string& page) {
    std::vector<std::string> found;
    for (size_t tag = page.find('<'); tag != std::string::npos && found.size() < kMostScripts;
         tag = page.find('<', tag + 1)) {
        const std::string_view rest = std::string_view(page).substr(tag);
        const bool script = rest.starts_with("<script"), link = rest.starts_with("<link");
        if (!script && !link) continue;
        const std::string_view whole = rest.substr(0, rest.find('>'));
        if (link && whole.find("modulepreload") == std::string_view::npos) continue;
        const std::string_view key = script ? " src=\"" : " href=\"";
        const size_t at = whole.find(key);
        if (at == std::string_view::npos) continue;
        const std::string_view value = whole.substr(at + key.size());
        std::string path(value.substr(0, value.find('"')));
        if (path.find("://") != std::string::npos || path.starts_with("//")) continue;
        if (!path.starts_with('/')) path = "/" + path;
        found.push_back(std::move(path));
    }
    return found;
}

std::string local_address_in(const std::string& script) {
    for (std::string_view start :
         {"http://localhost:", "https://localhost:", "http://127.0.0.1:", "http://0.0.0.0:"}) {
        const size_t at = script.find(start);
        if (at == std::string::npos) continue;
        size_t end = at + start.size();
        const size_t digits = end;
        while (end < script.size() && script[end] >= '0' && script[end] <= '9')
            ++end;
        // Frameworks carry "http://localhost" as a base of relative addresses: a port makes it an
        // API's.
        if (end > digits) return script.substr(at, end - at);
    }
    return {};
}

Finding seen(std::string_view id, const std::string& distribution, std::string message,
             std::vector<std::string> requests) {
    const Check& check = *find_check(id);
    return {.id = std::string(id),
            .severity = check.severity,
            .layer = distribution.empty()
                         ? std::string(check.layer)
                         : fmt::format("{} (distribution {})", check.layer, distribution),
            .message = std::move(message),
            .next = std::string(check.next),
            .about = distribution,
            .seen_in = std::move(requests)};
}

std::vector<HealthCheck> health_checks(const Project& project, const Node& status) {
    std::vector<HealthCheck> all;
    const Node& groups = project.stack["targetGroups"];
    for (const auto& [name, group] : groups.members()) {
        const Node& path = group["config"]["HealthCheckPath"];
        HealthCheck check{name,
                          path.as_string().empty() ? "/" : path.as_string(),
                          {},
                          path.position().line ? path.position() : groups.key_position(name)};
        for (const auto& [balancer, each] : status["load_balancers"].members()) {
            const auto& behind = each["target_groups"].items();
            if (behind.size() == 1 && behind[0].as_string() == name)
                check.host = each["dns_name"].as_string();
        }
        all.push_back(std::move(check));
    }
    return all;
}

Finding about_health(const Project& project, const HealthCheck& check, std::string_view id,
                     std::string message, std::vector<std::string> requests) {
    Finding finding = seen(id, "", std::move(message), std::move(requests));
    finding.layer = fmt::format("health check (target group {})", check.group);
    finding.file = project.stack_file;
    finding.position = check.position;
    return finding;
}

std::vector<Finding> look_at_served(const Project& project, const Node& status, const Ask& ask) {
    std::vector<Finding> all;
    const Node& distributions = status["distributions"];
    const auto add = [&](std::string_view id, const std::string& name, std::string message,
                         const std::string& path) {
        Finding finding = seen(id, name, std::move(message), {"GET " + path});
        finding.file = project.stack_file;
        finding.position = position_of(project, name);
        all.push_back(std::move(finding));
    };
    for (const auto& [name, distribution] : distributions.members()) {
        const std::string& domain = distribution["domain"].as_string();
        if (has_site(distribution)) {
            const auto page = ask(domain, "/", {{"accept", "text/html"}});
            if (!page || page->status != 200 || !is_html(*page)) continue;
            for (const std::string& path : scripts_of(page->body)) {
                const auto script = ask(domain, path, {});
                if (!script) continue;
                if (is_html(*script)) {
                    add("DS002", name,
                        fmt::format("{} is a script of the page, and is answered with HTML ({})",
                                    path, script->status),
                        path);
                    continue;
                }
                if (const std::string address = local_address_in(script->body); !address.empty())
                    add("DS001", name,
                        fmt::format("{} calls {}: in a visitor's browser that is their own machine",
                                    path, address),
                        path);
                else if (const size_t at = script->body.find("fetch(\"http://");
                         at != std::string::npos)
                    add("DS003", name,
                        fmt::format("{} calls {}…: a page over https may not", path,
                                    script->body.substr(at + 7, 40)),
                        path);
            }
            const auto deep = ask(domain, kNoSuchPath, {{"accept", "text/html"}});
            if (deep && deep->header("content-type").find("xml") != std::string::npos)
                add("DS004", name,
                    fmt::format("a deep link is answered with {} and XML", deep->status),
                    kNoSuchPath);
            continue;
        }
        // Behind it is the API: what the site's pages would see.
        for (const auto& [site, other] : distributions.members()) {
            if (!has_site(other)) continue;
            const auto answer = ask(domain, "/", {{"origin", origin_of(other)}});
            if (!answer) continue;
            const std::string allowed = answer->header("access-control-allow-origin");
            if (allowed == origin_of(other) + "/")
                add("DS005", name,
                    fmt::format("Access-Control-Allow-Origin is {}: with the slash it is no origin",
                                allowed),
                    "/");
        }
        const auto missing = ask(domain, kNoSuchPath, {{"accept", "application/json"}});
        if (missing && missing->status == 200 && is_html(*missing))
            add("DS006", name, "what the API does not know is answered with 200 and a page",
                kNoSuchPath);
    }
    look_at_health_paths(project, status, ask, all);
    silence(project, all);
    return all;
}

}  // namespace checks
