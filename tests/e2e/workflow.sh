#!/usr/bin/env bash
# The sample app's own workflow, unchanged, against a stack of its own: everything it deploys answers. What is wrong is
# told before anything runs, what fails fails the run, and steps reach nothing but the stack and the npm registry.
. "$(dirname "$0")/lib.sh"
. "$checkout/script/lib.sh"
ensure_node || exit 3

app=$work/app
cp -R "$checkout/fixtures/app" "$app"
commit() { git -C "$app" add -A && git -C "$app" -c user.name=test -c user.email=test@localhost commit -qm "$1"; }
git -C "$app" init -q -b main
commit "The app"
start_dodam stack -f "$app/dodam.json" --speed 20
flow() { local name=$1; shift; (cd "$app" && "$dodam" workflow run --state "$state" ".github/workflows/$name.yml" "$@") >"$work/run.log" 2>&1; }
outcomes() { jq -r '[.jobs[].steps[].outcome] | join(" ")' "$work/run.log"; }

check "lint finds nothing" equals "$(cd "$app" && "$dodam" workflow lint)" "1 file, 0 errors, 0 warnings"

flow deploy --json
code=$?
check "the workflow succeeds" equals "$code" 0
[ "$code" -eq 0 ] || tail -60 "$work/run.log"
check "closed" equals "$(jq -r .closed "$work/run.log")" true
check "every step ran, and the posts in reverse" equals \
    "$(jq -r '[.jobs[0].steps[-4:][].name] | join(", ")' "$work/run.log")" \
    "Post Set up Node, Post Log in to Amazon ECR, Post Configure AWS credentials, Post Checkout"
sha=$(git -C "$app" rev-parse HEAD)
check "the API runs the commit" equals "$(aws ecr describe-images --repository-name dodam-backend --region ap-northeast-2 \
    --query 'imageDetails[0].imageTags[0]' --output text)" "$sha"
check "the digest that was pushed is the one that runs" equals "$("$dodam" status --state "$state" --json |
    jq -r '.services.backend | [.tasks[].digest] | unique | length')" 1
check "the API answers" equals "$(viewer_get d222222api0001.cloudfront.net /health -o /dev/null -w '%{http_code}')" 200
check "the site is the build" contains "$(viewer_get d111111front01.cloudfront.net /)" "/assets/index-"
check "the invalidation was made" equals "$(aws cloudfront list-invalidations --distribution-id E1FRONT0000001 \
    --query 'length(InvalidationList.Items)' --output text)" 1

# The same by a scenario, in a world beside the instance; then one whose failing step is told.
mkdir -p "$app/scenarios/flow"
cat >"$app/scenarios/flow/deploys.scenario.json" <<'JSON'
{ "version": 1, "scenario": "The workflow deploys what visitors see",
  "steps": [
    { "workflow": ".github/workflows/deploy.yml", "event": "push",
      "expect": { "result": "success", "jobs.deploy": "success", "$.closed": true } },
    { "GET": "front:/", "expect": { "status": 200, "body": { "contains": "/assets/index-" } } },
    { "GET": "api:/health", "expect": { "status": 200 } } ] }
JSON
cat >"$app/.github/workflows/red.yml" <<'YAML'
on: { workflow_dispatch: { inputs: { word: { type: string } } } }
jobs:
  a: { runs-on: ubuntu-latest, steps: [{ run: echo begun }, { name: Breaks, run: "echo the word is ${{ inputs.word }}; exit 3" }] }
YAML
cat >"$app/scenarios/flow/red.scenario.json" <<'JSON'
{ "version": 1, "scenario": "A workflow that fails is red, and says where", "vars": { "word": "Open-sesame-88" }, "secrets": ["word"],
  "steps": [{ "workflow": ".github/workflows/red.yml", "inputs": { "word": "{{word}}" }, "expect": { "result": "success" } }] }
JSON
(cd "$app" && "$dodam" run --state "$state" scenarios/flow/deploys.scenario.json) >"$work/run.log" 2>&1
check "a scenario deploys by the workflow" equals "$?" 0
grep -q '^PASS' "$work/run.log" || tail -40 "$work/run.log"
(cd "$app" && "$dodam" run --state "$state" scenarios/flow/red.scenario.json) >"$work/run.log" 2>&1
check "a workflow's failure is the scenario's" equals "$?" 1
check "with the step" contains "$(cat "$work/run.log")" "a › Breaks failure: .github/workflows/red.yml:3:"
check "and its last lines, without secrets" equals "$(grep -c 'the word is \*\*\*' "$work/run.log") $(grep -c Open-sesame "$work/run.log")" "1 0"

# Ctrl-C ends the step that runs, and nothing of it stays.
cat >"$app/.github/workflows/long.yml" <<'YAML'
on: push
jobs:
  a: { runs-on: ubuntu-latest, steps: [{ run: sleep 29876 }] }
YAML
cat >"$app/scenarios/flow/long.scenario.json" <<'JSON'
{ "version": 1, "scenario": "A workflow takes long", "steps": [{ "workflow": ".github/workflows/long.yml" }] }
JSON
(cd "$app" && exec "$dodam" run --state "$state" scenarios/flow/long.scenario.json) >"$work/run.log" 2>&1 &
runner=$!
for _ in $(seq 300); do pgrep -f '^sleep 29876' >/dev/null && break; sleep 0.1; done
kill -INT "$runner"
wait "$runner"
check "Ctrl-C ends a workflow" equals "$? $(pgrep -cf '^sleep 29876')" "130 0"

# The job's identity instead of keys; production's names; the fence.
cat >"$app/.github/workflows/identity.yml" <<'YAML'
name: Identity
on: push
permissions: { id-token: write, contents: read }
jobs:
  who:
    runs-on: ubuntu-latest
    outputs: { arn: "${{ steps.login.outputs.authenticated-arn }}" }
    steps:
      - uses: actions/checkout@v4
      - id: login
        uses: aws-actions/configure-aws-credentials@v4
        with: { role-to-assume: "arn:aws:iam::123456789012:role/deploy", aws-region: ap-northeast-2 }
      - run: '[ "$(aws sts get-caller-identity --query Arn --output text)" = "${{ steps.login.outputs.authenticated-arn }}" ]'
      - run: '[ "$(curl -s -o /dev/null -w "%{http_code}" https://d111111front01.cloudfront.net/)" = 200 ]'
      - run: '! curl -sS --max-time 10 https://example.com/'
      - run: '! curl -sS --max-time 10 http://192.0.2.1/'
      - run: '! touch /etc/somewhere'
      - run: (python3 -m http.server 8123 --bind 127.0.0.1 >/dev/null 2>&1 &)
      - run: for i in $(seq 200); do curl -s -o /dev/null http://127.0.0.1:8123/ && exit 0; done; exit 1
      - run: '! docker run alpine'
YAML
commit "Identity"
flow identity --json
check "a role by the job's identity, production's names, and no other network" equals "$? $(outcomes)" \
    "0 success success success success success success success success success success success success"
[ "$(jq -r .conclusion "$work/run.log")" = success ] || tail -80 "$work/run.log"
check "the role's session" equals "$(jq -r '.jobs[0].outputs.arn' "$work/run.log")" \
    "arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions"
check "the host that was refused is named" equals "$(jq -r '.refusedHosts | join(" ")' "$work/run.log")" example.com

# An image that does not start: the deploy step fails, what follows does not run.
sed -i '1a process.exit(7);' "$app/backend/src/server.js"
commit "Broken"
flow deploy --json
check "a broken image fails the run" equals "$? $(jq -r '.jobs[0].steps[5].outcome + " " + .jobs[0].steps[8].outcome' "$work/run.log")" \
    "1 failure skipped"
check "and says why" contains "$(cat "$work/run.log")" "Deployment ecs-svc/"
git -C "$app" revert --no-edit HEAD >/dev/null 2>&1 || git -C "$app" -c user.name=t -c user.email=t@localhost revert --no-edit HEAD >/dev/null

# Docker's words need a login, and a push of what was not built is refused.
cat >"$app/.github/workflows/docker.yml" <<'YAML'
on: push
env: { AWS_ACCESS_KEY_ID: "${{ secrets.AWS_ACCESS_KEY_ID }}", AWS_SECRET_ACCESS_KEY: "${{ secrets.AWS_SECRET_ACCESS_KEY }}" }
jobs:
  push:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: |
          registry=${AWS_ENDPOINT_URL#http://}
          docker build -t "$registry/dodam-backend:words" -t "$registry/dodam-backend:other" backend
          docker push "$registry/dodam-backend:words" 2>&1 | grep -q "no basic auth credentials"
          ! docker login -u AWS -p wrong "$registry"
          aws ecr get-login-password --region ap-northeast-2 | docker login --username AWS --password-stdin "$registry"
          docker push "$registry/dodam-backend:other"
          ! docker push "$registry/dodam-backend:never"
          docker tag "$registry/dodam-backend:words" "$registry/dodam-backend:third"
          docker images | grep -q third
          docker inspect --format '{{.Id}}' "$registry/dodam-backend:third" | grep -q ^sha256:
          docker logout "$registry"
YAML
commit "Docker's words"
flow docker
check "docker's words" equals "$?" 0
[ "$(tail -1 "$work/run.log" | cut -c1-7)" = success ] || tail -40 "$work/run.log"

# A dodam that was built below /tmp, which is empty for steps, is docker there all the same.
cat >"$app/.github/workflows/moved.yml" <<'YAML'
on: push
jobs:
  a: { runs-on: ubuntu-latest, steps: [{ run: docker images }] }
YAML
mkdir "$work/moved"
cp "$dodam" "$(dirname "$dodam")/dodam-holder" "$work/moved"
dodam=$work/moved/dodam flow moved
check "docker's words by a dodam below /tmp" equals "$?" 0

# A JavaScript action of the repository, with its post part; a vendored one.
mkdir -p "$app/.github/actions/js" "$app/.dodam/actions/some/action@v1"
cat >"$app/.github/actions/js/action.yml" <<'YAML'
name: JS
inputs: { who: { default: "world" } }
outputs: { greeting: { description: x } }
runs: { using: node20, main: main.js, post: post.js }
YAML
cat >"$app/.github/actions/js/main.js" <<'JS'
const fs = require('fs');
fs.appendFileSync(process.env.GITHUB_OUTPUT, `greeting=hello ${process.env.INPUT_WHO}\n`);
fs.appendFileSync(process.env.GITHUB_STATE, 'kept=yes\n');
JS
echo "console.log('post ' + process.env.STATE_kept);" >"$app/.github/actions/js/post.js"
cat >"$app/.dodam/actions/some/action@v1/action.yml" <<'YAML'
name: Vendored
runs: { using: composite, steps: [{ shell: bash, run: echo vendored runs }] }
YAML
cat >"$app/.github/workflows/js.yml" <<'YAML'
on: push
jobs:
  js:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: js
        uses: ./.github/actions/js
        with: { who: Kim }
      - run: '[ "${{ steps.js.outputs.greeting }}" = "hello Kim" ]'
      - uses: some/action@v1
YAML
commit "Actions"
flow js -v
check "JavaScript and vendored actions" equals "$?" 0
check "the post part has its state" contains "$(cat "$work/run.log")" "post yes"
check "the vendored one runs" contains "$(cat "$work/run.log")" "vendored runs"

# Jobs that do not need each other run side by side, each in a closed space of its own: each waits for what the other says.
# Whose line is whose is said.
cat >"$app/.github/workflows/two.yml" <<'YAML'
on: push
jobs:
  left:
    runs-on: ubuntu-latest
    timeout-minutes: 1
    steps:
      - name: Meets the other
        run: |
          cd "$RUNNER_TOOL_CACHE"; mkfifo left right 2>/dev/null || true
          echo "greetings" >right & read -r word <left; wait; echo "left heard $word"
  right:
    runs-on: ubuntu-latest
    timeout-minutes: 1
    steps:
      - run: |
          cd "$RUNNER_TOOL_CACHE"; mkfifo left right 2>/dev/null || true
          echo "as well" >left & read -r word <right; wait; echo "right heard $word"; exit 1
YAML
flow two
check "two jobs at the same time" equals "$? $(grep -c '^left │ ✓ Meets the other' "$work/run.log") $(grep -c '^right │     right heard greetings' "$work/run.log")" "1 1 1"
check "no line is another job's too" equals "$(grep -vE '^(left|right) │' "$work/run.log" | grep -c heard)" 0
flow two -v
check "line by line" equals "$(grep -cE '^left │     left heard as well$|^right │     right heard greetings$' "$work/run.log")" 2

# What is wrong is told first.
cat >"$app/.github/workflows/wrong.yml" <<'YAML'
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: nobody/knows@v1
      - run: aws s3 sync . s3://${{ secrets.S3_BUKET }}
YAML
flow wrong
check "errors stop the run before it begins" equals "$?" 2
check "with the action's name and the way out" contains "$(cat "$work/run.log")" ".dodam/actions/nobody/knows@v1"
check "and the secret's place" contains "$(cat "$work/run.log")" ".github/workflows/wrong.yml:7:45"
flow deploy --ref dev
check "a push that does not start the workflow" equals "$? $(grep -c 'not among' "$work/run.log")" "4 1"
(cd "$app" && "$dodam" workflow run --state "$work/none" .github/workflows/deploy.yml) >/dev/null 2>&1
check "no stack runs" equals "$?" 3
# Where namespaces are refused nothing runs, and the setting is named; without the fence the run says so.
(cd "$app" && unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh \
    "$dodam" workflow run --state "$state" .github/workflows/js.yml) >"$work/run.log" 2>&1
check "namespaces are refused" equals "$? $(grep -c 'user.max_user_namespaces=' "$work/run.log")" "3 1"
flow js --network all
check "an open run says that it is one" equals "$? $(grep -c 'was not closed' "$work/run.log")" "0 1"
finish
