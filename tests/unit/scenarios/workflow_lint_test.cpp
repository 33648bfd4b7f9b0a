// Lint and the model: what is found, where, and what is not a problem.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "scenarios/workflow/actions.h"
#include "scenarios/workflow/lint.h"
#include "scenarios/workflow/version.h"

using namespace workflow;

namespace {

std::string read(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

// "id line:column" of each finding.
std::string found(const std::string& text,
                  const Surroundings& around = {"", std::set<std::string>{"KEY", "S3_BUCKET"},
                                                std::set<std::string>{"ZONE"}},
                  const std::string& file = ".github/workflows/x.yml") {
    std::string out;
    for (const Finding& each : lint(file, text, around))
        out += (out.empty() ? "" : ", ") + each.id + " " + std::to_string(each.position.line) +
               ":" + std::to_string(each.position.column);
    return out;
}

// A job with these lines as its steps.
std::string steps(const std::string& lines) {
    return "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n" + lines;
}

}  // namespace

TEST_CASE("lint finds what GitHub would refuse or silently pass over", "[workflow]") {
    struct Row {
        const char* what;
        std::string text, expected;
    };
    const Row rows[] = {
        {"a good one",
         steps("      - run: echo ${{ secrets.KEY }} ${{ vars.ZONE }} ${{ github.sha }}\n"), ""},
        {"no YAML", "a: [", "yaml 2:1"},
        {"an unknown key", "on: push\njobs:\n  a:\n    runs-on: x\n    step: []\n",
         "missing-key 3:3, unknown-key 5:5"},
        {"a key in the wrong case", steps("      - Run: x\n        run: y\n"), "wrong-case 6:9"},
        {"no on", "jobs:\n  a:\n    runs-on: x\n    steps: []\n", "missing-key 1:1"},
        {"no jobs", "on: push\n", "missing-key 1:1"},
        {"an unknown event", "on: pushh\njobs:\n  a:\n    runs-on: x\n    steps: []\n",
         "unknown-event 1:5"},
        {"an unknown filter",
         "on:\n  push:\n    branch: [main]\njobs:\n  a:\n    runs-on: x\n    steps: []\n",
         "unknown-key 3:5"},
        {"both kinds of a filter",
         "on:\n  push:\n    branches: [a]\n    branches-ignore: [b]\njobs:\n  a:\n    runs-on: x\n "
         "   steps: []\n",
         "filters 3:15"},
        {"no runs-on", "on: push\njobs:\n  a:\n    steps: []\n", "missing-key 3:3"},
        {"run and uses", steps("      - run: x\n        uses: actions/checkout@v4\n"),
         "step-kind 6:9"},
        {"neither", steps("      - name: x\n"), "step-kind 6:9"},
        {"an id twice", steps("      - id: a\n        run: x\n      - id: A\n        run: y\n"),
         "bad-id 8:13"},
        {"an id with a space", steps("      - id: a b\n        run: x\n"), "bad-id 6:13"},
        {"yes is a text", steps("      - run: x\n        continue-on-error: yes\n"),
         "wrong-type 7:28"},
        {"a timeout that is no number", steps("      - run: x\n        timeout-minutes: soon\n"),
         "wrong-type 7:26"},
        {"an unknown need", "on: push\njobs:\n  a:\n    needs: b\n    runs-on: x\n    steps: []\n",
         "unknown-job 4:12"},
        {"a cycle",
         "on: push\njobs:\n  a:\n    needs: b\n    runs-on: x\n    steps: []\n  b:\n    needs: "
         "[a]\n    runs-on: x\n    "
         "steps: []\n",
         "needs-cycle 8:13"},
        {"an undefined secret", steps("      - run: aws s3 sync . s3://${{ secrets.S3_BUKET }}\n"),
         "undefined-secret 6:45"},
        {"an undefined variable", steps("      - run: echo ${{ vars.ZON }}\n"),
         "undefined-var 6:28"},
        {"GITHUB_TOKEN is there", steps("      - run: echo ${{ secrets.GITHUB_TOKEN }}\n"), ""},
        {"an undefined step", steps("      - run: echo ${{ steps.b.outputs.x }}\n"),
         "undefined-step 6:29"},
        {"a later step",
         steps("      - run: echo ${{ steps.b.outputs.x }}\n      - id: b\n        run: y\n"),
         "undefined-step 6:29"},
        {"a known step",
         steps("      - id: b\n        run: y\n      - run: echo ${{ steps.b.outputs.any }}\n"),
         ""},
        {"a step's other members",
         steps("      - id: b\n        run: y\n      - run: echo ${{ steps.b.output }}\n"),
         "unknown-property 8:31"},
        {"an output that the action lacks",
         steps(
             "      - id: l\n        uses: aws-actions/amazon-ecr-login@v2\n      - run: echo ${{ "
             "steps.l.outputs.registri }}\n"),
         "undefined-output 8:39"},
        {"outputs by prefix",
         steps(
             "      - id: l\n        uses: aws-actions/amazon-ecr-login@v2\n      - run: echo ${{ "
             "steps.l.outputs.docker_password_1 }}\n"),
         ""},
        {"needs without needing",
         "on: push\njobs:\n  b:\n    runs-on: x\n    steps: []\n  a:\n    runs-on: x\n    steps:\n "
         "     - run: echo ${{ "
         "needs.b.result }}\n",
         "undefined-needs 9:29"},
        {"an output that a job lacks",
         "on: push\njobs:\n  b:\n    runs-on: x\n    outputs: { tag: '1' }\n    steps: []\n  a:\n  "
         "  needs: b\n    "
         "runs-on: x\n    steps:\n      - run: echo ${{ needs.b.outputs.tga }}\n",
         "undefined-output 11:39"},
        {"a matrix value that is not there",
         "on: push\njobs:\n  a:\n    strategy: { matrix: { node: [20] } }\n    runs-on: x\n    "
         "steps:\n      - run: echo "
         "${{ matrix.nod }}\n",
         "undefined-matrix 7:30"},
        {"no matrix", steps("      - run: echo ${{ matrix.node }}\n"), "undefined-matrix 6:30"},
        {"a matrix that makes no job",
         "on: push\njobs:\n  a:\n    strategy:\n      matrix: { node: [] }\n    runs-on: x\n    "
         "steps: []\n",
         "matrix 5:15"},
        {"an input that is not declared", steps("      - run: echo ${{ inputs.stage }}\n"),
         "undefined-input 6:30"},
        {"env that is set nowhere", steps("      - run: echo ${{ env.NOPE }}\n"),
         "undefined-env 6:27"},
        {"env that a script may have set",
         steps("      - run: echo A=1 >> $GITHUB_ENV\n      - run: echo ${{ env.A }}\n"), ""},
        {"env of the step itself",
         steps("      - run: echo ${{ env.A }}\n        env: { A: '1' }\n"), ""},
        {"a context that is not there", steps("      - run: echo ${{ gihub.sha }}\n"),
         "expression 6:23"},
        {"a property that github lacks", steps("      - run: echo ${{ github.shaa }}\n"),
         "unknown-property 6:30"},
        {"an expression that does not parse",
         steps("      - run: |\n          one\n          echo ${{ a b }}\n"), "expression 8:22"},
        {"an expression that is not closed", steps("      - run: echo ${{ github.sha\n"),
         "expression 6:19"},
        {"secrets in an if", steps("      - run: x\n        if: secrets.KEY != ''\n"),
         "context-not-here 7:13"},
        {"always() in a run", steps("      - run: echo ${{ always() }}\n"),
         "context-not-here 6:23"},
        {"steps in a job's env",
         "on: push\njobs:\n  a:\n    runs-on: x\n    env: { A: '${{ steps.b.outcome }}' }\n    "
         "steps: []\n",
         "context-not-here 5:20, undefined-step 5:26"},
        {"a condition that is always true",
         steps("      - run: x\n        if: ${{ github.ref }} == 'refs/heads/main'\n"),
         "always-true 7:13"},
        {"an unknown action", steps("      - uses: some/action@v1\n"), "unknown-action 6:15"},
        {"an action without a version", steps("      - uses: actions/checkout\n"),
         "unknown-action 6:15"},
        {"an image as an action", steps("      - uses: docker://alpine\n"), "unsupported 6:15"},
        {"an input that the action lacks",
         steps("      - uses: actions/setup-node@v4\n        with: { node-versoin: 20 }\n"),
         "unknown-input 7:17"},
        {"an input that the action needs",
         steps("      - uses: aws-actions/configure-aws-credentials@v4\n"), "missing-input 6:15"},
        {"a role without the permission",
         steps("      - uses: aws-actions/configure-aws-credentials@v4\n        with: { "
               "aws-region: x, role-to-assume: "
               "arn }\n"),
         "no-id-token 6:15"},
        {"a role with it",
         "permissions: { id-token: write }\n" +
             steps("      - uses: aws-actions/configure-aws-credentials@v4\n        with: { "
                   "aws-region: x, "
                   "role-to-assume: arn }\n"),
         ""},
        {"a deploy that does not see rollbacks",
         steps("      - uses: aws-actions/amazon-ecs-deploy-task-definition@v1\n        with: { "
               "task-definition: t, "
               "wait-for-service-stability: true }\n"),
         "rollback-unseen 6:15"},
        {"a container",
         "on: push\njobs:\n  a:\n    runs-on: x\n    container: node\n    steps: []\n",
         "unsupported 5:16"},
        {"PowerShell", steps("      - run: x\n        shell: pwsh\n"), "unsupported 7:16"},
        {"a pipe without pipefail", steps("      - run: npm test | tee log\n"), "pipefail 6:23"},
        {"a pipe with it", steps("      - run: npm test | tee log\n        shell: bash\n"), ""},
        {"a script made of others' text",
         steps("      - run: echo ${{ github.event.head_commit.message }}\n"),
         "script-injection 6:22"},
        {"an invalidation before the upload",
         steps("      - run: aws cloudfront create-invalidation --paths /*\n      - run: aws s3 "
               "sync dist s3://b\n"),
         "invalidate-before-upload 6:14"},
        {"a workflow of another repository",
         "on: push\njobs:\n  a:\n    uses: o/r/.github/workflows/x.yml@main\n", "unsupported 4:11"},
    };
    for (const Row& row : rows) {
        INFO(row.what << "\n" << row.text);
        CHECK(found(row.text) == row.expected);
    }
    CHECK(found(steps(""), {}, "workflows/x.yml") == "workflow-place 1:1, wrong-type 5:11");
    CHECK(found(steps("      - run: x\n"), {}, ".github/workflows/x.txt") == "workflow-place 1:1");
    CHECK(found(steps("      - run: x\n"), {}, ".github/workflows/sub/x.yml") ==
          "workflow-place 1:1");
}

TEST_CASE("the sample app's workflow has nothing to say about", "[workflow]") {
    const std::string app = std::string(SOURCE_DIR) + "/fixtures/app";
    for (const auto& entry : std::filesystem::directory_iterator(app + "/.github/workflows")) {
        Surroundings around{app,
                            std::set<std::string>{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
                            std::set<std::string>{"S3_BUCKET", "CLOUDFRONT_DISTRIBUTION_ID"}};
        CHECK(found(read(entry.path().string()), around,
                    ".github/workflows/" + entry.path().filename().string()) == "");
    }
}

TEST_CASE("every id of lint has a paragraph on its page, and none is found under another",
          "[workflow]") {
    const std::string page = read(std::string(SOURCE_DIR) + "/scenarios/workflow/README.md");
    for (std::string_view id : lint_ids()) {
        INFO(id);
        CHECK(page.find("`" + std::string(id) + "`") != std::string::npos);
    }
    std::string sources;
    for (const char* file : {"lint.cpp", "model.cpp"})
        sources += read(std::string(SOURCE_DIR) + "/scenarios/workflow/" + file);
    for (std::string_view id : lint_ids()) {
        INFO(id);
        CHECK(sources.find("\"" + std::string(id) + "\"") != std::string::npos);
    }
}

TEST_CASE("which event starts a workflow", "[workflow]") {
    struct Row {
        const char *on, *event, *ref;
        std::vector<std::string> changed;
        const char* why;  // "" = starts
    };
    const Row rows[] = {
        {"push", "push", "refs/heads/any", {}, ""},
        {"[push, workflow_dispatch]", "workflow_dispatch", "refs/heads/any", {}, ""},
        {"workflow_dispatch",
         "push",
         "refs/heads/main",
         {},
         "the workflow is not started by push: on: workflow_dispatch"},
        {"{push: {branches: [main]}}", "push", "refs/heads/main", {}, ""},
        {"{push: {branches: [main]}}",
         "push",
         "refs/heads/dev",
         {},
         "branch dev is not among on.push.branches: main"},
        {"{push: {branches: ['release/**']}}", "push", "refs/heads/release/1/2", {}, ""},
        {"{push: {branches: [main]}}",
         "push",
         "refs/tags/v1",
         {},
         "tag v1 starts nothing: on.push names branches only"},
        {"{push: {tags: ['v*']}}", "push", "refs/tags/v1", {}, ""},
        {"{push: {tags: ['v*']}}",
         "push",
         "refs/heads/main",
         {},
         "branch main starts nothing: on.push names tags only"},
        {"{push: {branches-ignore: [wip]}}",
         "push",
         "refs/heads/wip",
         {},
         "branch wip is among on.push.branches-ignore"},
        {"{push: {paths: ['backend/**']}}", "push", "refs/heads/main", {"backend/a.js"}, ""},
        {"{push: {paths: ['backend/**']}}",
         "push",
         "refs/heads/main",
         {"README.md"},
         "none of the 1 changed file matches on.push.paths"},
        {"{push: {paths: ['**', '!docs/**']}}",
         "push",
         "refs/heads/main",
         {"docs/a.md"},
         "none of the 1 changed file matches on.push.paths"},
        {"{push: {paths-ignore: ['docs/**']}}",
         "push",
         "refs/heads/main",
         {"docs/a.md"},
         "every changed file matches on.push.paths-ignore"},
        {"{push: {paths-ignore: ['docs/**']}}", "push", "refs/heads/main", {"docs/a.md", "x"}, ""},
    };
    for (const Row& row : rows) {
        INFO(row.on << " " << row.ref);
        std::vector<Finding> findings;
        auto parsed = parse_workflow(
            "x.yml", "on: " + std::string(row.on) + "\njobs: {a: {runs-on: x, steps: []}}\n",
            findings);
        REQUIRE(parsed);
        CHECK(why_not_started(*parsed, {row.event, row.ref, row.changed}).value_or("") == row.why);
    }
}

TEST_CASE("what uses: names", "[workflow]") {
    CHECK(parse_uses("actions/checkout@v4")->name == "actions/checkout");
    CHECK(parse_uses("actions/cache/restore@v4")->path == "restore");
    CHECK(parse_uses("a/b@feature/x")->ref == "feature/x");
    CHECK(parse_uses("./.github/actions/x")->kind == Uses::Kind::Local);
    CHECK(parse_uses("docker://alpine:3")->kind == Uses::Kind::Docker);
    for (const char* bad : {"checkout", "checkout@v4", "a/b", "a/b@", "", "/b@v1"})
        CHECK_FALSE(parse_uses(bad));
}

TEST_CASE("version ranges as npm has them", "[workflow]") {
    struct Row {
        const char *range, *version;
        bool matches;
    };
    const Row rows[] = {
        {"20", "20.20.2", true},        {"20", "18.1.0", false},      {"20.x", "20.1.0", true},
        {"20.1", "20.1.9", true},       {"20.1", "20.2.0", false},    {"20.20.2", "20.20.2", true},
        {"v20.20.2", "20.20.2", true},  {"^20.1.0", "20.9.0", true},  {"^20.1.0", "21.0.0", false},
        {"^0.2.3", "0.2.9", true},      {"^0.2.3", "0.3.0", false},   {"~20.1.2", "20.1.9", true},
        {"~20.1.2", "20.2.0", false},   {">=18", "20.0.0", true},     {">=18 <20", "20.0.0", false},
        {">= 18 < 21", "20.0.0", true}, {">20", "20.5.0", false},     {">20", "21.0.0", true},
        {"<=20", "20.9.9", true},       {"18 || 20", "20.0.0", true}, {"18 - 20", "20.5.0", true},
        {"18 - 20", "21.0.0", false},   {"lts/*", "20.0.0", true},    {"lts/*", "21.0.0", false},
        {"lts/iron", "20.0.0", true},   {"lts/jod", "20.0.0", false}, {"", "20.0.0", true},
        {"latest", "20.0.0", true},     {"*", "1.0.0", true},         {"nonsense", "20.0.0", false},
    };
    for (const Row& row : rows) {
        INFO(row.range << " on " << row.version);
        CHECK(version_matches(row.range, *parse_version(row.version)) == row.matches);
    }
}
