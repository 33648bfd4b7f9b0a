// Each check on a repository that it speaks about, and on one that it has nothing to say to.
#include "scenarios/checks/checks.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "scenarios/checks/served.h"

using checks::Repository;

namespace {

using Texts = std::map<std::string, std::string>;

std::vector<checks::Finding> found(const Texts& texts, std::string_view id) {
    const Repository repository = Repository::of(texts);
    std::vector<checks::Finding> all;
    for (auto& finding :
         checks::look_at(repository, texts.contains("dodam.json") ? "dodam.json" : ""))
        if (finding.id == id) all.push_back(finding);
    return all;
}

std::string place(const checks::Finding& finding) {
    return checks::place_of(finding.file, finding.position);
}

std::string deploy_job(const std::string& steps) {
    return "on: push\njobs:\n  deploy:\n    runs-on: ubuntu-latest\n    steps:\n" + steps;
}

std::string distribution(const std::string& behaviour, const std::string& more = "") {
    return R"({"version": 1, "distributions": {"api": {"config": {
"Origins": {"Items": [{"Id": "alb", "CustomOriginConfig": {}}]}, )" +
           more +
           R"("DefaultCacheBehavior": {"TargetOriginId": "alb", "AllowedMethods": {"Items": ["GET", "POST"]},
)" + behaviour +
           "}}}}}";
}

}  // namespace

TEST_CASE("checks find what they are about") {
    const std::string kTask =
        R"({"executionRoleArn": "r", "containerDefinitions": [{"name": "api", "logConfiguration": {}}]})";
    const struct {
        const char* id;
        Texts texts;
        const char* at;  // "" = nothing is found
    } cases[] = {
        {"DW001", {{".github/workflow/a.yml", deploy_job("")}}, ".github/workflow/a.yml"},
        {"DW001",
         {{".github/workflows/deploy/a.yml", deploy_job("")}},
         ".github/workflows/deploy/a.yml"},
        {"DW001", {{"app/.github/workflows/a.yml", deploy_job("")}}, "app/.github/workflows/a.yml"},
        {"DW001", {{".github/workflows/a.yml.txt", deploy_job("")}}, ".github/workflows/a.yml.txt"},
        {"DW001", {{".github/workflows/a.yml", deploy_job("")}}, ""},
        {"DW001", {{".github/actions/x/action.yml", "runs:\n"}}, ""},
        {"DW002",
         {{".github/workflows/a.yml",
           deploy_job("      - working-directory: front\n        run: npm ci\n")},
          {"frontend/a", ""}},
         ".github/workflows/a.yml:6:28"},
        {"DW002",
         {{".github/workflows/a.yml",
           deploy_job("      - working-directory: site\n        run: |\n  "
                      "        npm ci\n          aws s3 sync "
                      "site/dist/ s3://b\n")},
          {"site/a", ""}},
         ".github/workflows/a.yml:9:1"},
        {"DW002",
         {{".github/workflows/a.yml",
           deploy_job(
               "      - uses: aws-actions/amazon-ecs-render-task-definition@v1\n        "
               "with:\n          "
               "task-definition: .aws/t.json\n          container-name: api\n          image: "
               "x\n")},
          {"backend/.aws/t.json", kTask}},
         ".github/workflows/a.yml:8:28"},
        {"DW003",
         {{".github/workflows/a.yml",
           deploy_job("      - run: aws s3 sync dist s3://b --delete\n")}},
         ".github/workflows/a.yml:6:1"},
        {"DW003",
         {{".github/workflows/a.yml",
           deploy_job("      - run: aws s3 sync dist s3://b --delete\n      - run: aws "
                      "cloudfront create-invalidation --paths '/*'\n")}},
         ""},
        {"DW004",
         {{".github/workflows/a.yml",
           deploy_job(
               "      - run: |\n          aws s3 sync dist s3://b \\\n            --cache-control "
               "max-age=31536000\n")}},
         ".github/workflows/a.yml:7:1"},
        {"DW004",
         {{".github/workflows/a.yml", deploy_job("      - run: aws s3 sync dist s3://b --exclude "
                                                 "index.html --cache-control max-age=31536000\n")}},
         ""},
        {"DT001",
         {{"t.json", kTask},
          {".github/workflows/a.yml",
           deploy_job(
               "      - uses: aws-actions/amazon-ecs-render-task-definition@v1\n        env: "
               "{ NAME: web }\n      "
               "  with: { task-definition: t.json, container-name: '${{ env.NAME }}', image: "
               "x }\n")}},
         ".github/workflows/a.yml:8:58"},
        {"DT001",
         {{"t.json", kTask},
          {"dodam.json",
           R"({"services": {"s": {"config": {"loadBalancers": [{"containerName": "web"}]}}}})"}},
         "dodam.json:1:68"},
        {"DT001",
         {{"t.json", kTask},
          {"dodam.json",
           R"({"services": {"s": {"config": {"loadBalancers": [{"containerName": "api"}]}}}})"}},
         ""},
        {"DT002", {{"t.json", R"({"containerDefinitions": [{"secrets": [{}]}]})"}}, "t.json:1:26"},
        {"DT002", {{"t.json", kTask}}, ""},
        {"DT005",
         {{"dodam.json", R"({"services": {"s": {"config": {"cluster": "c"}}}})"}},
         "dodam.json:1:31"},
        {"DT005",
         {{"dodam.json", R"({"services": {"s": {"config": {"launchType": "EC2"}}}})"}},
         "dodam.json:1:46"},
        {"DT005",
         {{"dodam.json", R"({"services": {"s": {"config": {"launchType": "FARGATE"}}}})"}},
         ""},
        {"DT005",
         {{"dodam.json",
           R"({"clusters": {"m": {"config": {"capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]}}}, "services": {"s": {"config": {"cluster": "${clusters.m.name}"}}}})"}},
         ""},
        {"DT003", {{"t.json", R"({"containerDefinitions": [{"name": "api"}]})"}}, "t.json:1:27"},
        {"DT003", {{"t.json", kTask}}, ""},
        {"DT004",
         {{"t.json",
           R"({"containerDefinitions": [{"environment": [{"name": "REDIS_TLS", "value": "false"}]}]})"},
          {"dodam.json", R"({"cache": {"tls": true}})"}},
         "t.json:1:75"},
        {"DT004",
         {{"t.json",
           R"({"containerDefinitions": [{"environment": [{"name": "REDIS_TLS", "value": "true"}]}]})"},
          {"dodam.json", R"({"cache": {"tls": true}})"}},
         ""},
        {"DI001", {{"backend/dockerfile", "FROM a\n"}}, "backend/dockerfile"},
        {"DI001", {{"backend/Dockerfile", "FROM a\n"}}, ""},
        {"DI002", {{"Dockerfile", "FROM a\nCMD node app.js\n"}}, "Dockerfile:2:1"},
        {"DI002", {{"Dockerfile", "FROM a\nCMD [\"npm\", \"start\"]\n"}}, "Dockerfile:2:1"},
        {"DI002", {{"Dockerfile", "FROM a\nCMD [\"node\", \"app.js\"]\n"}}, ""},
        {"DI002",
         {{"Dockerfile", "FROM a\nENTRYPOINT [\"tini\", \"--\"]\nCMD [\"npm\", \"start\"]\n"}},
         ""},
        {"DN001",
         {{"package.json", "{}"}, {"src/a.js", "// x\nimport x from 'left-out/y';\n"}},
         "src/a.js:2:15"},
        {"DN001",
         {{"package.json", "{}"}, {"a.cjs", "const x = require('@s/p/q');\n"}},
         "a.cjs:1:19"},
        {"DN001",
         {{"package.json", R"({"dependencies": {"left-out": "1"}})"},
          {"a.js",
           "import x from 'left-out';\nimport fs from 'node:fs';\nimport p from 'path';\nimport "
           "'./b.js';\n"}},
         ""},
        {"DN001", {{"a.js", "import x from 'left-out';\n"}}, ""},
        {"DF001", {{".env", "# x\nDB_PASSWORD=hunter2\nVITE_A=1\n"}}, ".env:2:1"},
        {"DF001", {{".env", "VITE_A=1\n"}}, ""},
        {"DF001", {{".env.example", "DB_PASSWORD=\n"}}, ""},
        {"DF002", {{"site/.env", "VITE_API_URL=http://localhost:3000\n"}}, "site/.env:1:1"},
        {"DF002", {{"site/.env", "VITE_API_URL=api.example.com\n"}}, "site/.env:1:1"},
        {"DF002", {{"site/.env.development", "VITE_API_URL=http://localhost:3000\n"}}, ""},
        {"DF002", {{"site/.env", "VITE_API_URL=https://api.example.com\n"}}, ""},
        {"DC001",
         {{"t.json",
           R"({"containerDefinitions": [{"environment": [{"name": "CORS_ORIGIN", "value": "https://a.b/"}]}]})"}},
         "t.json:1:77"},
        {"DC002",
         {{"dodam.json", distribution(R"("OriginRequestPolicyId": "x")",
                                      "\"CustomErrorResponses\": {\"Items\": [{\"ErrorCode\": 404, "
                                      "\"ResponseCode\": \"200\"}]},\n")}},
         "dodam.json:2:101"},
        {"DC003",
         {{"dodam.json",
           distribution(R"("CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad")")}},
         "dodam.json:2:90"},
        {"DC003",
         {{"dodam.json",
           distribution(
               R"("CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "OriginRequestPolicyId": "x")")}},
         ""},
        {"DC004",
         {{"dodam.json",
           distribution(R"("CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6")")}},
         "dodam.json:3:18"},
        {"DC005",
         {{"dodam.json",
           R"({"distributions": {"front": {"config": {"DefaultRootObject": "index.html",
"Origins": {"Items": [{"Id": "s", "S3OriginConfig": {}}]}, "DefaultCacheBehavior": {"TargetOriginId": "s"},
"CustomErrorResponses": {"Quantity": 0}}}}})"}},
         "dodam.json:3:25"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.id, each.texts.begin()->first, each.texts.begin()->second);
        const auto all = found(each.texts, each.id);
        if (!*each.at)
            CHECK(all.empty());
        else if (all.size() != 1)
            FAIL_CHECK("found " << all.size());
        else
            CHECK(place(all[0]) == each.at);
    }
}

TEST_CASE("values of a tracked .env are never said") {
    const auto all = found({{".env", "DB_PASSWORD=hunter2\n"}}, "DF001");
    REQUIRE(all.size() == 1);
    CHECK(all[0].message.find("DB_PASSWORD") != std::string::npos);
    CHECK((all[0].message + all[0].next).find("hunter2") == std::string::npos);
}

TEST_CASE("a finding is silenced where it stands, or in the stack file, and only with a reason") {
    const std::string kDockerfile = "FROM a\nCMD node app.js\n";
    CHECK(found({{"Dockerfile", "# dodam-ignore DI002: it handles signals itself\n" + kDockerfile}},
                "DI002")
              .at(0)
              .silenced == "it handles signals itself");
    CHECK(found({{"Dockerfile", "# dodam-ignore DI002:\n" + kDockerfile}}, "DI002")
              .at(0)
              .silenced.empty());
    CHECK(found({{"Dockerfile", kDockerfile},
                 {"dodam.json", R"({"ignore": [{"id": "DI002", "reason": "an old image"}]})"}},
                "DI002")
              .at(0)
              .silenced == "an old image");
}

TEST_CASE("the page names every check") {
    std::ostringstream page;
    page << std::ifstream(std::string(SOURCE_DIR) + "/scenarios/checks/README.md").rdbuf();
    for (const auto& check : checks::all_checks()) {
        CAPTURE(check.id);
        CHECK(page.str().find("| " + std::string(check.id) + " |") != std::string::npos);
    }
}

TEST_CASE("what is served is asked for as a browser asks") {
    using base::Node;
    const Repository repository =
        Repository::of({{"dodam.json", R"({"distributions": {"front": {}, "api": {}}})"}});
    const checks::Project project = checks::open_project(repository, "dodam.json");
    const Node status = Node::object(
        {{"distributions",
          Node::object(
              {{"front",
                Node::object(
                    {{"domain", "f"}, {"origins", Node::array({Node::object({{"kind", "s3"}})})}})},
               {"api", Node::object(
                           {{"domain", "a"},
                            {"origins", Node::array({Node::object({{"kind", "custom"}})})}})}})}});
    const checks::Ask bad = [](const std::string& domain, const std::string& path,
                               const auto& headers) {
        checks::Answer answer{200, {{"content-type", "text/html"}}, {}};
        if (domain == "a" && headers.contains("origin"))
            answer.headers["access-control-allow-origin"] = "https://f/";
        if (domain == "f" && path == "/")
            answer.body =
                "<script type=module src=\"/one.js\"></script><link rel=modulepreload "
                "href=\"/two.js\">";
        if (path == "/one.js")
            answer.headers["content-type"] = "text/javascript",
            answer.body = "x=`http://localhost:3000`";
        if (domain == "f" && path.starts_with("/dodam"))
            answer = {403, {{"content-type", "application/xml"}}, "<Error/>"};
        return std::optional(answer);
    };
    std::vector<std::string> ids;
    for (const auto& finding : checks::look_at_served(project, status, bad))
        ids.push_back(finding.id);
    CHECK(ids == std::vector<std::string>{"DS001", "DS002", "DS004", "DS005", "DS006"});
    const checks::Ask silent = [](const std::string&, const std::string&, const auto&) {
        return std::optional<checks::Answer>();
    };
    CHECK(checks::look_at_served(project, status, silent).empty());
}
