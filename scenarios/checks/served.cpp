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

std::vector<Finding> look_at_served(const Project& project, const Node& distributions,
                                    const Ask& ask) {
    std::vector<Finding> all;
    const auto add = [&](std::string_view id, const std::string& name, std::string message) {
        const Check& check = *find_check(id);
        all.push_back({std::string(id),
                       check.severity,
                       fmt::format("{} (distribution {})", check.layer, name),
                       project.stack_file,
                       position_of(project, name),
                       std::move(message),
                       std::string(check.next),
                       {}});
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
                                    path, script->status));
                    continue;
                }
                if (const std::string address = local_address_in(script->body); !address.empty())
                    add("DS001", name,
                        fmt::format("{} calls {}: in a visitor's browser that is their own machine",
                                    path, address));
                else if (const size_t at = script->body.find("fetch(\"http://");
                         at != std::string::npos)
                    add("DS003", name,
                        fmt::format("{} calls {}…: a page over https may not", path,
                                    script->body.substr(at + 7, 40)));
            }
            const auto deep = ask(domain, kNoSuchPath, {{"accept", "text/html"}});
            if (deep && deep->header("content-type").find("xml") != std::string::npos)
                add("DS004", name,
                    fmt::format("a deep link is answered with {} and XML", deep->status));
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
                                allowed));
        }
        const auto missing = ask(domain, kNoSuchPath, {{"accept", "application/json"}});
        if (missing && missing->status == 200 && is_html(*missing))
            add("DS006", name, "what the API does not know is answered with 200 and a page");
    }
    silence(project, all);
    return all;
}

}  // namespace checks
