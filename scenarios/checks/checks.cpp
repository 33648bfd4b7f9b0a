// Checks: the table, and what is done with what they find.
#include "scenarios/checks/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "scenarios/runner/source.h"
#include "scenarios/workflow/lint.h"

namespace checks {
namespace {

using base::Node;
using enum Severity;

constexpr Check kChecks[] = {
    {"DW001", Error, "workflow", "A workflow file where GitHub does not look",
     "GitHub reads .github/workflows/*.yml and *.yaml at the repository's top, and nothing else: "
     "the file is never run, and nobody says so.",
     "move it to .github/workflows/NAME.yml", workflow_place},
    {"DW002", Error, "workflow", "A path that is relative to the wrong directory",
     "working-directory holds for run steps only: `uses` steps and their inputs start at the "
     "repository's top, and commands start in working-directory.",
     "write the path as that step sees it", workflow_paths},
    {"DW003", Warning, "workflow", "sync --delete without an invalidation after it",
     "The old page stays at the edge and asks for scripts that the sync has deleted: a blank page "
     "until the TTL ends.",
     "invalidate the pages after the sync", sync_without_invalidation},
    {"DW004", Warning, "workflow", "index.html is uploaded with a long max-age",
     "Browsers keep the page, and with it the names of the old scripts; no invalidation reaches a "
     "browser.",
     "upload index.html by itself with --cache-control no-cache; the hashed assets may be kept",
     page_kept_long},
    {"DT001", Error, "task definition", "A container name that the task definition does not have",
     "The workflow's render step, the task definition and the service's load balancer meet by the "
     "container's name.",
     "write one name in all three places", container_names},
    {"DT002", Error, "task definition", "No execution role",
     "Fargate pulls from ECR, reads secrets and writes logs as the execution role: without it no "
     "task starts.",
     "set executionRoleArn", execution_role},
    {"DT003", Warning, "task definition", "A container without a log configuration",
     "What the program says is kept nowhere: a task that dies leaves no word.",
     "add a logConfiguration with awslogs", log_configuration},
    {"DT004", Error, "task definition", "Redis without TLS to a cache that speaks nothing else",
     "ElastiCache Serverless has a TLS port only: the connection is reset, and every command waits "
     "or fails.",
     "turn TLS on in the container's environment", plain_redis, "got 503|got 500|got 504|got 502"},
    {"DT005", Error, "stack", "A service without a launch type",
     "ECS takes EC2 where neither the service nor its cluster's defaultCapacityProviderStrategy "
     "says otherwise: without container instances no task is placed, and the service never "
     "becomes stable.",
     "write \"launchType\": \"FARGATE\" in the service's config", launch_type},
    {"DI001", Warning, "image", "The Dockerfile's name is in other letters",
     "`docker build` looks for Dockerfile; only BuildKit falls back to dockerfile, and file "
     "systems that tell letters apart find nothing else.",
     "git mv it to Dockerfile", dockerfile_name},
    {"DI002", Warning, "image", "The first process does not pass signals on",
     "A shell or npm as process 1 swallows SIGTERM: ECS waits for stopTimeout, then kills, and "
     "requests in flight are lost.",
     "write CMD [\"node\", \"server.js\"]: the program itself, in exec form", first_process},
    {"DN001", Error, "source", "A package that is used but not declared",
     "It is found here because something else brought it; `npm ci` in the image installs what "
     "package.json declares, and the task exits at its first import.",
     "npm install it where the package.json is, and commit both files", undeclared_packages,
     "Cannot find package"},
    {"DF001", Warning, "files", "A tracked .env file",
     "What is in the repository is in every clone and in its history.",
     "git rm --cached it, ignore it, and keep the values in Secrets Manager or the repository's "
     "secrets",
     tracked_env},
    {"DF002", Error, "site", "The site is built to call an address of this machine",
     "The bundle carries the address to every visitor's browser, where localhost is the visitor's "
     "own machine.",
     "name the API's public address", local_address},
    {"DC001", Error, "stack", "An allowed origin that ends with a slash",
     "A browser's Origin has no path: the comparison never holds, and every call from the site is "
     "blocked.",
     "leave the slash out", origin_slash, "access-control-allow-origin"},
    {"DC002", Warning, "edge", "An error page for the site answers for the API too",
     "Custom error responses hold for the whole distribution: the API's 403 and 404 arrive as 200 "
     "with the site's page.",
     "give the API a distribution of its own, or rewrite deep links with a function on the site's "
     "behaviour",
     wide_error_page, "got 200"},
    {"DC003", Warning, "edge", "The behaviour does not forward what the API reads",
     "Without an origin request policy CloudFront leaves out Authorization, cookies, the query and "
     "the CORS headers.",
     "add OriginRequestPolicyId 216adef6-5c7f-47e4-b989-5492eafa07d3 (Managed-AllViewer)",
     not_forwarded, "got 401|got 403|got 400"},
    {"DC004", Error, "edge", "Answers of the API are cached",
     "The key holds neither Authorization nor cookies: what one signed-in user got is handed to "
     "the next.",
     "use CachePolicyId 4135ea2d-6df8-44a3-9df3-4b5a84be39ad (Managed-CachingDisabled) for the API",
     cached_api, "got 200|got 401|got 405|got|header"},
    {"DC005", Warning, "edge", "A deep link is answered with the bucket's XML",
     "S3 has no object under the app's routes and answers AccessDenied; nothing turns that into "
     "the app's page.",
     "add CustomErrorResponses for 403 and 404 with /index.html and 200", deep_links,
     "got 403|got 404"},
    {"DS001", Error, "site", "The bundle that is served calls an address of this machine",
     "Whoever opens the site calls their own machine, and nothing answers there.",
     "build it with the API's public address (.env, or env of the workflow's build step)", nullptr},
    {"DS002", Error, "site", "A script of the page is answered with HTML",
     "The browser stops at \"Unexpected token '<'\": the page stays blank. The script was not "
     "uploaded, and the error page answers.",
     "upload the whole build, scripts before pages", nullptr},
    {"DS003", Warning, "site", "The site calls an address over http",
     "A page over https may not call one over http: the browser blocks it as mixed content.",
     "call it over https", nullptr},
    {"DS004", Warning, "edge", "Deep links are answered with XML",
     "The bucket has no object under the app's routes; a reload or a shared link shows "
     "AccessDenied.",
     "add CustomErrorResponses for 403 and 404 with /index.html and 200", nullptr,
     "got 403|got 404", "DC005"},
    {"DS005", Error, "task", "The allowed origin ends with a slash",
     "A browser compares it with its own Origin, which has none, and blocks every call.",
     "leave the slash out of the app's allowed origin", nullptr},
    {"DS006", Warning, "edge", "The API's errors are rewritten by an error page",
     "Custom error responses hold for the whole distribution: a client sees 200 and HTML where the "
     "API said 404.",
     "give the API a distribution of its own", nullptr, "got 200", "DC002"},
    {"DS007", Warning, "edge", "What the app needed was dropped on the way to the origin",
     "CloudFront forwards what the cache policy and the origin request policy select: the app "
     "never "
     "saw what the client sent, and refused the request.",
     "select it in the behaviour's origin request policy, or use "
     "216adef6-5c7f-47e4-b989-5492eafa07d3 (Managed-AllViewer)",
     nullptr, "got 400|got 401|got 403|got 404|got 422|access-control-allow", "DC003"},
    {"DS008", Warning, "edge", "The behaviour does not allow a method that the app uses",
     "The edge answers 403 by itself; the app and its log know nothing of the request.",
     "use all seven in AllowedMethods: GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE", nullptr,
     "got 403"},
    {"DS009", Warning, "edge", "An answer to one user is kept for the others",
     "The key has nothing of the user in it: whoever asks for the same path gets the answer that "
     "somebody else's token or cookie brought.",
     "use CachePolicyId 4135ea2d-6df8-44a3-9df3-4b5a84be39ad (Managed-CachingDisabled) for the API",
     nullptr, "got", "DC004"},
    {"DS010", Warning, "health check", "The health check is green while nothing works",
     "A deploy counts as good once the health path answers: the circuit breaker has nothing to "
     "see, "
     "and users get the errors.",
     "end the process at its start when it cannot work (settings, credentials, schema): a task "
     "that "
     "exits fails the deploy",
     nullptr},
    {"DS011", Warning, "health check", "The health path is answered as any path is",
     "Whatever answers everything with 2xx also answers the health check, with or without the app "
     "behind it.",
     "give the health check a path of its own, which the app alone answers", nullptr},
    {"DS012", Warning, "health check", "The health check fails when the database does",
     "An outage of the database makes every target unhealthy at once, and ECS replaces every task "
     "for nothing: the new ones fail as well, and the app is slower to come back than its "
     "database.",
     "let the health path speak for the process alone, and answer 503 from the routes that need "
     "the database",
     nullptr},
};

// Marks of a reason: "# dodam-ignore DW003: reason", in any kind of comment.
std::string reason_in(std::string_view text, std::string_view id) {
    const std::string mark = "dodam-ignore " + std::string(id);
    for (std::string_view line : lines_of(text)) {
        const size_t at = line.find(mark);
        if (at == std::string_view::npos) continue;
        std::string_view rest = line.substr(at + mark.size());
        if (!rest.starts_with(':')) continue;
        rest = base::trim(rest.substr(1));
        for (std::string_view end : {"*/", "-->"})
            if (rest.ends_with(end)) rest = base::trim(rest.substr(0, rest.size() - end.size()));
        if (!rest.empty()) return std::string(rest);
    }
    return {};
}

std::optional<std::set<std::string>> names_of(const Node& list) {
    if (list.is_null()) return std::nullopt;
    std::set<std::string> names;
    for (const Node& item : list.items())
        names.insert(item.as_string());
    for (const auto& [name, value] : list.members())
        names.insert(name);
    return names;
}

}  // namespace

std::span<const Check> all_checks() {
    return kChecks;
}

const Check* find_check(std::string_view id) {
    const auto found = std::ranges::find_if(
        kChecks, [&](const Check& check) { return base::equals_ignoring_case(check.id, id); });
    return found == std::end(kChecks) ? nullptr : found;
}

Project open_project(const Repository& repository, const std::string& stack_file) {
    Project project{repository, {}, {}, {}, {}};
    if (!stack_file.empty() && repository.has(stack_file)) {
        project.stack_file = stack_file;
        if (auto stack =
                base::parse_json(repository.text(stack_file), base::JsonDialect::WithComments))
            project.stack = std::move(*stack);
    }
    const std::string workflows = ".github/workflows";
    for (const std::string& path : repository.paths()) {
        if (path.find("node_modules/") != std::string::npos) continue;
        // Where GitHub looks, seen from the app that is checked: an app below another repository's
        // top is one that has been copied there.
        const bool yaml = path.ends_with(".yml") || path.ends_with(".yaml");
        if (yaml && (directory_of(path) == workflows ||
                     directory_of(path) == repository.at_home(workflows))) {
            std::vector<workflow::Finding> ignored;
            if (auto one = workflow::parse_workflow(path, repository.text(path), ignored))
                project.workflows.push_back(std::move(*one));
        }
        if (path.ends_with(".json") &&
            repository.text(path).find("\"containerDefinitions\"") != std::string::npos)
            if (auto document =
                    base::parse_json(repository.text(path), base::JsonDialect::WithComments))
                if ((*document)["containerDefinitions"].is_array())
                    project.task_definitions.emplace_back(path, std::move(*document));
    }
    return project;
}

void silence(const Project& project, std::vector<Finding>& findings) {
    for (Finding& finding : findings) {
        if (!finding.file.empty())
            finding.silenced = reason_in(project.repository.text(finding.file), finding.id);
        for (const Node& ignored : project.stack["ignore"].items())
            if (finding.silenced.empty() && ignored["id"].as_string() == finding.id)
                finding.silenced = ignored["reason"].as_string();
    }
}

std::vector<Finding> look_at(const Repository& repository, const std::string& stack_file) {
    const Project project = open_project(repository, stack_file);
    std::vector<Finding> all;
    for (const Check& check : kChecks) {
        if (!check.look) continue;
        Report report;
        check.look(project, report);
        for (Finding& finding : report.found()) {
            finding.id = check.id;
            finding.severity = check.severity;
            finding.layer = check.layer;
            if (finding.next.empty()) finding.next = check.next;
            all.push_back(std::move(finding));
        }
    }
    const Node& known = project.stack["workflow"];
    for (const auto& one : project.workflows) {
        workflow::Surroundings surroundings;
        surroundings.repository =
            repository.top() + (repository.home().empty() ? "" : "/" + repository.home());
        surroundings.secrets = names_of(known["secrets"]);
        surroundings.vars = names_of(known["vars"]);
        const std::string file = repository.shown(one.file);
        for (auto& found : workflow::lint(file, one.text, surroundings))
            all.push_back(
                {.id = found.id,
                 .severity = found.severity == workflow::Finding::Severity::Error ? Error : Warning,
                 .layer = "workflow",
                 .file = one.file,
                 .position = found.position,
                 .message = found.message,
                 .next = found.hint});
    }
    std::ranges::stable_sort(all, {}, [](const Finding& finding) {
        return std::tuple(finding.file, finding.position, finding.id);
    });
    silence(project, all);
    return all;
}

std::string show(const Repository& repository, const Finding& finding) {
    std::string out = fmt::format("{} {}: {}\n", finding.severity == Error ? "error" : "warning",
                                  finding.id, finding.message);
    if (!finding.file.empty()) {
        const scenarios::Source source{repository.shown(finding.file),
                                       repository.text(finding.file)};
        out += finding.position.line ? scenarios::show_place(source, finding.position, 1, "")
                                     : fmt::format("  ┌─ {}\n", source.file);
    }
    if (!finding.next.empty()) out += fmt::format("  = {}\n", finding.next);
    return out;
}

}  // namespace checks
