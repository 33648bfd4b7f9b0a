// Whole runs of small workflows with real shells, on an open host and without a stack.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/ids.h"
#include "base/text.h"
#include "scenarios/workflow/runner.h"

using namespace workflow;
namespace fs = std::filesystem;

namespace {

class Recorder final : public Progress {
  public:
    std::vector<std::string> lines;
    void line(const JobResult&, std::string_view text) override { lines.emplace_back(text); }
    void annotation(const JobResult&, const Annotation& each) override {
        lines.push_back(each.level + ": " + each.message);
    }
    bool has(const std::string& text) const {
        for (const auto& each : lines)
            if (each == text) return true;
        return false;
    }
};

struct Fixture {
    std::string directory =
        (fs::temp_directory_path() / ("workflow-test-" + base::random_hex(8))).string();
    base::Spawner spawner;
    OpenMachine machine{spawner};
    Recorder said;
    Setup setup;

    Fixture() {
        fs::create_directories(directory + "/repo/.github/workflows");
        fs::create_directories(directory + "/scratch");
        setup.repository = directory + "/repo";
        setup.scratch = directory + "/scratch";
        setup.cache = directory + "/cache";
        setup.sha = std::string(40, 'a');
        setup.from_commit = false;
        setup.machine = &machine;
        setup.environment["PATH"] = std::string(std::getenv("PATH"));
    }
    ~Fixture() { fs::remove_all(directory); }

    void write(const std::string& file, const std::string& text) {
        const fs::path path = fs::path(directory) / "repo" / file;
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    RunResult go(const std::string& text) {
        said.lines.clear();
        std::vector<Finding> findings;
        auto parsed = parse_workflow(".github/workflows/x.yml", text, findings);
        REQUIRE(parsed);
        for (const auto& finding : findings)
            FAIL_CHECK(finding.message);
        return run(*parsed, setup, said);
    }
    RunResult steps(const std::string& lines) {
        return go("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n" + lines);
    }
    std::string summary(const RunResult& result) {
        std::string out;
        for (const auto& job : result.jobs) {
            out += (out.empty() ? "" : "; ") + job.name + "=" + job.result;
            for (const auto& step : job.steps)
                out += " " + step.outcome.substr(0, 2) +
                       (step.outcome == step.conclusion ? "" : "/" + step.conclusion.substr(0, 2));
        }
        return out;
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "outputs, environment and path go from step to step", "[workflow]") {
    const auto result = steps(R"(
      - id: one
        run: |
          echo "tag=v1" >> $GITHUB_OUTPUT
          { echo 'text<<EOF'; echo a; echo b; echo EOF; } >> "$GITHUB_OUTPUT"
          echo "NAME=Kim" >> $GITHUB_ENV
          echo "GITHUB_SHA=x" >> $GITHUB_ENV
          mkdir -p "$RUNNER_TEMP/bin" && echo "$RUNNER_TEMP/bin" >> $GITHUB_PATH
          printf '#!/bin/sh\necho tool runs\n' > "$RUNNER_TEMP/bin/my-tool" && chmod +x "$RUNNER_TEMP/bin/my-tool"
          echo '### Deployed' >> $GITHUB_STEP_SUMMARY
          [ -z "$NAME" ]
      - run: |
          echo "tag ${{ steps.one.outputs.tag }} ${{ steps.one.outcome }} ${{ env.NAME }} $NAME"
          echo "${{ steps.one.outputs.text }}"
          echo "$GITHUB_SHA"
          my-tool
)");
    CHECK(summary(result) == "a=success su su");
    CHECK(said.has("tag v1 success Kim Kim"));
    CHECK(said.has("b"));
    CHECK(said.has(setup.sha));
    CHECK(said.has("tool runs"));
    CHECK(result.jobs[0].summary == "### Deployed\n");
}

TEST_CASE_METHOD(Fixture, "what happens after a failure", "[workflow]") {
    const auto result = steps(R"(
      - run: exit 3
        continue-on-error: true
      - run: exit 4
      - run: echo not
      - run: echo always
        if: always()
      - run: echo failed
        if: failure()
      - run: echo no
        if: success()
)");
    CHECK(summary(result) == "a=failure fa/su fa sk su su sk");
    CHECK(result.conclusion == "failure");
    CHECK(said.has("error: Process completed with exit code 4."));
    CHECK_FALSE(said.has("not"));
    CHECK(result.jobs[0].steps[1].annotations.at(0).line == 9);
}

TEST_CASE_METHOD(Fixture, "only shell: bash sees a failure before a pipe", "[workflow]") {
    CHECK(summary(steps("      - run: false | true\n")) == "a=success su");
    CHECK(summary(steps("      - run: false | true\n        shell: bash\n")) == "a=failure fa");
    CHECK(summary(steps("      - run: |\n          false\n          echo on\n")) == "a=failure fa");
    CHECK(summary(steps(
              "      - run: exit 0\n        shell: sh\n      - run: \"import sys; print('py')\"\n  "
              "      shell: python\n      - run: echo own\n        shell: bash -x {0}\n")) ==
          "a=success su su su");
    CHECK(said.has("py"));
    CHECK(summary(steps("      - run: x\n        shell: pwsh\n")) == "a=failure fa");
    CHECK(summary(steps("      - run: x\n        shell: nonsense\n")) == "a=failure fa");
}

TEST_CASE_METHOD(Fixture, "env, defaults and working directories", "[workflow]") {
    const auto result = go(R"(
on: push
env: { A: workflow, B: workflow, C: workflow }
defaults: { run: { working-directory: sub } }
jobs:
  a:
    runs-on: x
    env: { B: job, C: "${{ github.ref_name }}" }
    steps:
      - run: mkdir -p sub/deep
        working-directory: .
      - run: echo "$A $B $C $D in ${PWD##*/}"
        env: { D: "step ${{ env.B }}" }
      - run: echo "here ${PWD##*/}"
        working-directory: sub/deep
      - run: echo
        working-directory: nowhere
)");
    CHECK(said.has("workflow job main step job in sub"));
    CHECK(said.has("here deep"));
    CHECK(summary(result) == "a=failure su su su fa");
}

TEST_CASE_METHOD(Fixture, "jobs: needs, outputs, matrices, if", "[workflow]") {
    const auto result = go(R"(
on: push
jobs:
  last:
    needs: [build, broken]
    if: always()
    runs-on: x
    steps:
      - run: echo "build ${{ needs.build.outputs.tag }} ${{ needs.build.result }} broken ${{ needs.broken.result }} ${{ join(needs.*.result, '+') }}"
  build:
    runs-on: x
    outputs: { tag: "${{ steps.t.outputs.tag }}" }
    steps:
      - id: t
        run: echo tag=v7 >> $GITHUB_OUTPUT
  grid:
    needs: build
    runs-on: x
    strategy: { matrix: { node: [18, 20], os: [linux], include: [{ node: 20, extra: more }] } }
    steps:
      - run: echo "node ${{ matrix.node }} ${{ matrix.extra }} ${{ strategy.job-index }}/${{ strategy.job-total }}"
  broken:
    runs-on: x
    steps: [{ run: exit 1 }]
  skipped:
    needs: broken
    runs-on: x
    steps: [{ run: echo no }]
  fast:
    runs-on: x
    strategy: { max-parallel: 1, matrix: { n: [1, 2, 3] } }
    steps: [{ run: "[ ${{ matrix.n }} != 2 ]" }]
)");
    CHECK(said.has("build v7 success broken failure success+failure"));
    CHECK(said.has("node 18  0/2"));
    CHECK(said.has("node 20 more 1/2"));
    CHECK(summary(result) ==
          "build=success su; broken=failure fa; last=success su; grid (18, linux)=success su; grid "
          "(20, linux, "
          "more)=success su; skipped=skipped; fast (1)=success su; fast (2)=failure fa; fast "
          "(3)=cancelled");
    CHECK(result.conclusion == "failure");
}

TEST_CASE_METHOD(Fixture, "commands: annotations, masks, groups, stopping", "[workflow]") {
    setup.secrets["KEY"] = "s3cret-value";
    const auto result = steps(R"yaml(
      - id: old
        run: |
          echo "key is ${{ secrets.KEY }} and $(printf %s "${{ secrets.KEY }}" | base64)"
          echo "::add-mask::another-one"
          echo "another-one"
          echo "::warning file=a.js,line=3::Careful%0Anow"
          echo "::set-output name=x::1"
          echo "::stop-commands::tok"
          echo "::error::not a command"
          echo "::tok::"
          echo "::notice::back"
      - run: echo "x=${{ steps.old.outputs.x }}"
      - run: echo "::set-env name=A::1"
)yaml");
    CHECK(said.has("key is *** and ***"));
    CHECK(said.has("***"));
    CHECK(said.has("warning: Careful\nnow"));
    CHECK(said.has("::error::not a command"));
    CHECK(said.has("notice: back"));
    CHECK(said.has("x=1"));
    CHECK(summary(result) == "a=failure su su fa");
}

TEST_CASE_METHOD(Fixture, "files that are malformed fail the step", "[workflow]") {
    CHECK(summary(steps("      - run: echo nothing >> $GITHUB_OUTPUT\n")) == "a=failure fa");
    CHECK(said.has("error: Invalid format 'nothing'"));
    CHECK(summary(steps("      - run: echo 'a<<E' >> $GITHUB_ENV\n")) == "a=failure fa");
    CHECK(summary(steps("      - run: echo NODE_OPTIONS=x >> $GITHUB_ENV\n")) == "a=success su");
    CHECK(
        said.has("error: Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command."));
}

TEST_CASE_METHOD(Fixture, "an expression that cannot be evaluated fails the step and the run",
                 "[workflow]") {
    const auto result = steps(
        "      - run: echo ${{ fromJSON('{') }}\n      - run: echo\n        if: nothing.here\n");
    CHECK(summary(result) == "a=failure fa sk");
    CHECK(result.conclusion == "failure");
}

TEST_CASE_METHOD(Fixture, "composite actions of the repository", "[workflow]") {
    write(".github/actions/greet/action.yml", R"yaml(
name: Greet
inputs:
  who: { required: true }
  greeting: { default: "Hello" }
outputs:
  said: { value: "${{ steps.say.outputs.text }}" }
runs:
  using: composite
  steps:
    - id: say
      shell: bash
      run: echo "text=${{ inputs.greeting }} ${{ inputs.who }} $OUTSIDE $(basename "$GITHUB_ACTION_PATH")" >> "$GITHUB_OUTPUT"
    - shell: bash
      run: echo "INNER=1" >> "$GITHUB_ENV"
)yaml");
    const auto result = steps(R"yaml(
      - uses: actions/checkout@v4
      - id: g
        uses: ./.github/actions/greet
        with: { who: Kim }
        env: { OUTSIDE: out }
      - run: echo "got ${{ steps.g.outputs.said }} $INNER-$OUTSIDE"
)yaml");
    CHECK(summary(result) == "a=success su su su su");
    CHECK(said.has("got Hello Kim out greet 1-"));
}

TEST_CASE_METHOD(Fixture, "workflows of the repository are called", "[workflow]") {
    write(".github/workflows/build.yml", R"yaml(
on:
  workflow_call:
    inputs:
      stage: { type: string, required: true }
      fast: { type: boolean, default: true }
    secrets: { KEY: { required: true } }
    outputs:
      tag: { value: "${{ jobs.inner.outputs.tag }}" }
jobs:
  inner:
    runs-on: x
    outputs: { tag: "${{ steps.t.outputs.tag }}" }
    steps:
      - id: t
        run: echo "tag=${{ inputs.stage }}-${{ inputs.fast }}" >> "$GITHUB_OUTPUT"
      - run: '[ "${{ secrets.KEY }}" = 12345 ]'
)yaml");
    setup.secrets["KEY"] = "12345";
    const auto result = go(R"yaml(
on: push
jobs:
  call:
    uses: ./.github/workflows/build.yml
    with: { stage: blue }
    secrets: inherit
  after:
    needs: call
    runs-on: x
    steps: [{ run: 'echo "tag ${{ needs.call.outputs.tag }}"' }]
)yaml");
    CHECK(said.has("tag blue-true"));
    CHECK(summary(result) == "call / inner=success su su; after=success su");
}

TEST_CASE_METHOD(Fixture, "artifacts and caches", "[workflow]") {
    const std::string cached = R"yaml(
      - id: c
        uses: actions/cache@v4
        with: { path: kept, key: "k-1", restore-keys: "k-" }
      - run: |
          echo "hit=${{ steps.c.outputs.cache-hit }} $(cat kept/file 2>/dev/null)"
          mkdir -p kept && echo data > kept/file
)yaml";
    CHECK(summary(steps(cached)) == "a=success su su su");
    CHECK(said.has("hit= "));
    CHECK(summary(steps(cached)) == "a=success su su su");
    CHECK(said.has("hit=true data"));

    const auto result = go(R"yaml(
on: push
jobs:
  make:
    runs-on: x
    steps:
      - run: mkdir -p dist/assets && echo page > dist/index.html && echo code > dist/assets/a.js
      - uses: actions/upload-artifact@v4
        with: { name: site, path: dist }
      - uses: actions/upload-artifact@v4
        with: { name: none, path: nowhere, if-no-files-found: error }
        continue-on-error: true
  use:
    needs: make
    runs-on: x
    steps:
      - uses: actions/download-artifact@v4
        with: { name: site, path: out }
      - run: cat out/index.html out/assets/a.js
)yaml");
    CHECK(summary(result) == "make=success su su fa/su; use=success su su");
    CHECK(said.has("page"));
}

TEST_CASE_METHOD(Fixture, "rendering a task definition", "[workflow]") {
    write("task.json", R"({"family": "f", "containerDefinitions": [{"name": "web", "image": "old",
        "environment": [{"name": "A", "value": "1"}]}]})");
    const auto result = steps(R"(
      - uses: actions/checkout@v4
      - id: r
        uses: aws-actions/amazon-ecs-render-task-definition@v1
        with:
          task-definition: task.json
          container-name: web
          image: new:1
          environment-variables: |
            A=2
            B=x=y
          secrets: KEY=arn
      - run: tr -d ' \n' < "${{ steps.r.outputs.task-definition }}"; echo
      - uses: aws-actions/amazon-ecs-render-task-definition@v1
        with: { task-definition: task.json, container-name: other, image: x }
)");
    CHECK(said.has(
        R"({"family":"f","containerDefinitions":[{"name":"web","image":"new:1","environment":[{"name":"A","value":"2"},{"name":"B","value":"x=y"}],"secrets":[{"name":"KEY","valueFrom":"arn"}]}]})"));
    CHECK(said.has(
        "error: Invalid task definition: Could not find container definition with matching name"));
    CHECK(summary(result) == "a=failure su su su fa su");
}

// Each waits for what the other writes: one after the other neither would end.
TEST_CASE_METHOD(Fixture, "jobs that do not need each other run side by side", "[workflow]") {
    setup.environment["MEET"] = directory;
    const std::string meet = R"(
          mkfifo "$MEET/$2" 2>/dev/null || true; mkfifo "$MEET/$1" 2>/dev/null || true
          echo "from $1" > "$MEET/$1" & read -r word < "$MEET/$2"; wait; echo "$1 heard: $word")";
    const auto of = [&](const std::string& mine, const std::string& other) {
        return "      - run: |\n          set -- " + mine + " " + other + meet + "\n";
    };
    const auto result = go(
        "on: push\njobs:\n  a:\n    runs-on: x\n    timeout-minutes: 1\n    steps:\n" +
        of("a", "b") + "  b:\n    runs-on: x\n    timeout-minutes: 1\n    steps:\n" + of("b", "a") +
        "  c:\n    needs: [a, b]\n    runs-on: x\n    steps: [{ run: echo after }]\n");
    CHECK(said.has("a heard: from b"));
    CHECK(said.has("b heard: from a"));
    CHECK(said.lines.back() == "after");
    CHECK(summary(result) == "a=success su; b=success su; c=success su");
}

TEST_CASE_METHOD(Fixture, "the combinations of a matrix run side by side, as many as it wants",
                 "[workflow]") {
    setup.environment["MEET"] = directory;
    // Three that count each other: all there before any leaves; with two at a time never three.
    const auto matrix = [&](const std::string& most, const std::string& script) {
        return go(
            "on: push\njobs:\n  a:\n    runs-on: x\n    timeout-minutes: 1\n    strategy: { " +
            most + "matrix: { n: [1, 2, 3] } }\n    steps:\n      - run: |\n" + script);
    };
    CHECK(summary(matrix("",
                         "          echo $$ >> \"$MEET/list\"\n"
                         "          until [ $(wc -l < \"$MEET/list\") = 3 ]; do :; done\n")) ==
          "a (1)=success su; a (2)=success su; a (3)=success su");
    const auto two = matrix("max-parallel: 2, ",
                            "          touch \"$MEET/in-$$\"\n"
                            "          [ $(ls \"$MEET\" | grep -c in-) -le 2 ]\n"
                            "          [ ${{ strategy.max-parallel }} = 2 ]\n"
                            "          rm \"$MEET/in-$$\"\n");
    CHECK(summary(two) == "a (1)=success su; a (2)=success su; a (3)=success su");
}

// GitHub docs, strategy.fail-fast: "cancel all in-progress and queued jobs in the matrix".
TEST_CASE_METHOD(Fixture, "a job that fails takes the rest of its matrix with it", "[workflow]") {
    setup.environment["MEET"] = directory;
    const std::string text = R"(
on: push
jobs:
  a:
    runs-on: x
    timeout-minutes: 1
    strategy: { fail-fast: FAST, matrix: { n: [1, 2] } }
    steps:
      - run: |
          [ -p "$MEET/begun" ] || mkfifo "$MEET/begun" || true
          if [ ${{ matrix.n }} = 1 ]; then read -r word < "$MEET/begun"; exit 1; fi
          echo go > "$MEET/begun"
          LONG
      - if: always()
        run: echo "still ${{ matrix.n }} ${{ job.status }}"
)";
    const auto with = [&](const char* fast, const char* last) {
        return base::replace_all(base::replace_all(text, "FAST", fast), "LONG", last);
    };
    const auto result = go(with("true", "sleep 300"));
    CHECK(summary(result) == "a (1)=failure fa su; a (2)=cancelled ca su");
    CHECK(said.has("still 2 cancelled"));
    CHECK(result.conclusion == "failure");
    CHECK(result.seconds < 60);
    CHECK(summary(go(with("false", "echo done"))) == "a (1)=failure fa su; a (2)=success su su");
}

// GitHub docs, "Control the concurrency of workflows and jobs".
TEST_CASE_METHOD(Fixture, "one job of a concurrency group runs, one waits", "[workflow]") {
    setup.environment["MEET"] = directory;
    const auto result = go(R"(
on: push
jobs:
  one:
    runs-on: x
    concurrency: Deploy
    steps: [{ run: 'touch "$MEET/in"; [ ! -e "$MEET/out" ]; rm "$MEET/in"' }]
  two:
    runs-on: x
    concurrency: deploy
    steps: [{ run: echo never }]
  three:
    runs-on: x
    concurrency: { group: "${{ 'deploy' }}" }
    steps: [{ run: '[ ! -e "$MEET/in" ] && touch "$MEET/out"' }]
)");
    CHECK(summary(result) == "one=success su; two=cancelled; three=success su");
    CHECK_FALSE(said.has("never"));
}

TEST_CASE_METHOD(Fixture, "a step that takes too long is ended, with what it started",
                 "[workflow][slow]") {
    const auto result = steps(
        "      - run: sleep 300\n        timeout-minutes: 0.01\n      - run: echo on\n        if: "
        "always()\n");
    CHECK(summary(result) == "a=failure fa su");
    CHECK(result.seconds < 60);
}
