// What a red gate says first, from what its stages left behind.
#include "scenarios/checks/verdict.h"

#include <catch2/catch.hpp>

#include "scenarios/checks/unreached_base.h"

using base::Node;
using checks::Repository;

namespace {

Repository app() {
    return Repository::of(
        {{"backend/package.json", "{}"},
         {"backend/src/server.js", "import a from './a.js';\nimport b from 'left-out';\n"},
         {"backend/.aws/task-def.json",
          "{ \"image\": \"x\",\n  \"containerPort\": 3000,\n  \"valueFrom\": \"/app/jwt-sekret\" "
          "}"},
         {"dodam.json", "{\n  \"HealthCheckPath\": \"/health\" }"},
         {"deploy.sh", "step \"Build\"\nfalse\n"}});
}

Node services(Node task) {
    return Node::object(
        {{"backend", Node::object({{"failures", Node::array({std::move(task)})}})}});
}

}  // namespace

TEST_CASE("a package that is not in the image is named where it is imported") {
    const auto verdict = checks::of_deploy(
        app(),
        services(Node::object(
            {{"reason", "Essential container in task exited"},
             {"containers",
              Node::array({Node::object(
                  {{"name", "backend"},
                   {"exit_code", 1},
                   {"output", Node::array({"  throw new ERR_MODULE_NOT_FOUND(packageName);",
                                           "Error: Cannot find package 'left-out' imported from "
                                           "/app/src/server.js"})}})})}})),
        "", "deploy.sh");
    CHECK(verdict.layer == "task (service backend, container backend)");
    CHECK(verdict.place == "backend/src/server.js:2:15");
    CHECK(verdict.next.starts_with("(cd backend && npm install left-out)"));
}

TEST_CASE("a probe that was answered otherwise is about the health check's path") {
    const auto verdict = checks::of_deploy(
        app(),
        services(
            Node::object({{"reason", "Task failed ELB health checks in (target-group x)"},
                          {"target", "10.0.1.2:3000 answered 404 to GET /health, wanted 200"}})),
        "", "deploy.sh");
    CHECK(verdict.layer == "health check (service backend)");
    CHECK(verdict.place == "dodam.json:2:3");
}

TEST_CASE("a secret that is not there is named where the task definition asks for it") {
    const auto verdict = checks::of_deploy(
        app(),
        services(Node::object(
            {{"reason",
              "ResourceInitializationError: unable to pull secrets: service call has been retried "
              "1 time(s): ParameterNotFound: /app/jwt-sekret"}})),
        "", "deploy.sh");
    CHECK(verdict.cause == "the secret could not be read: ParameterNotFound: /app/jwt-sekret");
    CHECK(verdict.place == "backend/.aws/task-def.json:3:17");
}

TEST_CASE("a script that failed by itself is told by its step and its last words") {
    const auto verdict = checks::of_deploy(
        app(), Node::object(), "==> Log in\nfine\n==> Build\nboom\nError: no disk\n", "deploy.sh");
    CHECK(verdict.layer == "deploy (Build)");
    CHECK(verdict.cause == "Error: no disk");
    CHECK(verdict.place == "deploy.sh:1:7");
}

TEST_CASE("our builder's words are the cause, not the script's about its end") {
    const auto verdict =
        checks::of_deploy(app(), Node::object(),
                          "==> Build\ndodam: Dockerfile:2: nginx:1 is not among the "
                          "base images\ndeploy: failed at: Build\n",
                          "deploy.sh");
    CHECK(verdict.cause == "dodam: Dockerfile:2: nginx:1 is not among the base images");
}

// docker build's own words, of the classic builder and of BuildKit, and ours before them.
TEST_CASE("a base image that an engine cannot fetch is named, with the way out") {
    for (const std::string& said : std::vector<std::string>{
             "Step 1/2 : FROM nginx:1 AS site\nGet \"https://registry-1.docker.io/v2/\": dial tcp: "
             "lookup "
             "registry-1.docker.io on 10.0.0.1:53: no such host\n",
             "Step 1/2 : FROM nginx:1\nGet \"https://registry-1.docker.io/v2/\": net/http: request "
             "canceled while waiting for connection (Client.Timeout exceeded)\n",
             "ERROR: failed to solve: nginx:1: failed to resolve source metadata for nginx:1: "
             "failed "
             "to do request: Head \"https://registry-1.docker.io/v2/library/nginx/manifests/1\": "
             "dial "
             "tcp: connection refused\n",
             "Step 1/1 : FROM nginx:1\nGet \"http://127.0.0.2:5000/v2/\": context deadline "
             "exceeded\n",
             "dodam: Dockerfile:1: " + checks::cause_of_unreached_base("nginx:1") + "; " +
                 checks::way_out_of_unreached_base("nginx:1") + "\n"}) {
        CAPTURE(said);
        const auto verdict =
            checks::of_deploy(app(), Node::object(), "==> Build\n" + said, "deploy.sh");
        CHECK(verdict.layer == "deploy (Build)");
        CHECK(verdict.cause.starts_with("the base image nginx:1 is not in the Docker engine"));
        CHECK(verdict.next.starts_with("docker pull nginx:1 "));
        CHECK(verdict.next.find("script/offline-images") != std::string::npos);
    }
    // The base image was there; what a later step could not reach is no base image.
    CHECK(checks::of_deploy(app(), Node::object(),
                            "Step 1/2 : FROM nginx:1\nStep 2/2 : RUN go get\nGet "
                            "\"https://registry.example/v2/\": dial tcp: no such host\n",
                            "deploy.sh")
              .cause.find("base image") == std::string::npos);
}

TEST_CASE("a workflow that failed is told by its step, its error and its place") {
    const auto verdict =
        checks::of_deploy(app(), Node::object(),
                          " ✓ Log in      0.0s   built-in\n"
                          " ✗ Render it                  0.0s   built-in as v1.9.0\n"
                          "     some line\n"
                          "     error: No container  (.github/workflows/deploy.yml:57:15)\n"
                          " – Deploy                        skipped: an earlier step failed\n"
                          "     error: of another\n",
                          ".github/workflows/deploy.yml");
    CHECK(verdict.layer == "deploy (Render it)");
    CHECK(verdict.cause == "No container");
    CHECK(verdict.place == ".github/workflows/deploy.yml:57:15");
    const auto script =
        checks::of_deploy(app(), Node::object(),
                          " ✗ Build                  1.0s   \n"
                          "     Error: no disk\n"
                          "     error: Process completed with exit code 1.  (x.yml:3:4)\n",
                          "x.yml");
    CHECK(script.cause == "Error: no disk");
    CHECK(script.place == "x.yml:3:4");
    const auto one_of_two = checks::of_deploy(app(), Node::object(),
                                              "test │ ✓ Test                  1.0s   \n"
                                              "build │ ✗ Build                 1.0s   \n"
                                              "build │     Error: no disk\n"
                                              "test │     error: of another\n",
                                              "x.yml");
    CHECK(one_of_two.layer == "deploy (Build)");
    CHECK(one_of_two.cause == "Error: no disk");
}

TEST_CASE("a failed step is told by the finding that explains it, and by what else it showed") {
    const auto record = *base::parse_json(R"({"scenarios": [{"file": "a.scenario.json",
"outcome": "failed", "steps": [{"number": "4", "name": "log in", "outcome": "failed",
"failures": [{"message": "expected 200, got 401", "line": 3, "column": 5}],
"exchange": {"method": "GET", "url": "https://api.example/me?x=1"},
"log": ["12:00  backend/1  fine", "12:01  backend/1  ERROR no table", "12:02  backend/1  error two"],
"trace": [{"hop": "edge", "status": 401, "resource": "E1"}]}]}]})");
    const auto status = *base::parse_json(
        R"({"distributions": {"api": {"domain": "api.example", "aliases": []}}})");
    const auto at = [](std::string id, std::string about, std::vector<std::string> seen_in) {
        return checks::Finding{.id = id,
                               .severity = checks::Severity::Warning,
                               .layer = "edge",
                               .message = "says " + id,
                               .next = "do it",
                               .about = std::move(about),
                               .seen_in = std::move(seen_in)};
    };
    const auto alone = checks::of_scenarios(app(), record, {at("DC005", "site", {})}, status);
    CHECK(alone.to_string() ==
          "layer  edge (E1)\ncause  step 4 log in: expected 200, got 401; the task's log: ERROR no "
          "table\nat     "
          "a.scenario.json:3:5\nnext   dodam gate a.scenario.json runs this one alone\n");
    const auto explained = checks::of_scenarios(
        app(), record,
        {at("DC005", "site", {}), at("DS010", "", {"GET /me"}), at("DS007", "api", {"GET /me"})},
        status);
    CHECK(explained.cause == "says DS007 (DS007)");
    CHECK(explained.also == std::vector<std::string>{"says DS010 (DS010)"});
}

TEST_CASE("the hop that answered with an error is the layer") {
    const struct {
        const char *trace, *layer;
    } cases[] = {
        {R"([{"hop": "edge", "status": 403, "resource": "E1"}])", "edge (E1)"},
        {R"([{"hop": "edge", "status": 500, "resource": "E1"},
{"hop": "alb", "status": 500, "resource": "lb", "decisions": [{"key": "group", "text": "tg"}]}])",
         "task (target group tg)"},
        {R"([{"hop": "alb", "status": 502, "resource": "lb", "decisions": [{"key": "group",
"text": "tg"}, {"key": "error", "text": "refused"}]}])",
         "alb (lb)"},
        {R"([{"hop": "s3", "status": 200, "resource": "b"}])", "scenario"},
    };
    for (const auto& [trace, layer] : cases) {
        CAPTURE(trace);
        const auto record = *base::parse_json(
            R"({"scenarios": [{"outcome": "failed", "steps": [{"outcome": "failed", "trace": )" +
            std::string(trace) + "}]}]}");
        CHECK(checks::of_scenarios(app(), record, {}, Node()).layer == layer);
    }
}

TEST_CASE("places in a program's output are files of the repository") {
    const struct {
        const char *text, *place;
    } cases[] = {
        {"    at file:///app/src/server.js:7:41", "backend/src/server.js:7:41"},
        {"dodam.json:3: error: x", "dodam.json:3"},
        {"at node:internal/modules/esm/resolve:873", ""},
        {"at /app/node_modules/x/src/server.js:1:1", ""},
        {"12:30:01 up", ""},
        {"", ""},
    };
    for (const auto& [text, place] : cases) {
        CAPTURE(text);
        CHECK(checks::place_in(app(), text) == place);
    }
}
