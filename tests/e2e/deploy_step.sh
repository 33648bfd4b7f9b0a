#!/usr/bin/env bash
# A scenario deploys images to a service of the sample app's stack: a good one answers, a broken one is
# rolled back and the step says so.
. "$(dirname "$0")/lib.sh"

cp -R "$checkout/fixtures/app" "$work/app"
start_dodam stack -f "$work/app/dodam.json" --speed 20
registry=${endpoint#http://}
export DODAM_STATE=$state
check "the image is built" "$dodam" image build -t "$registry/dodam-backend:good" "$work/app/backend"
check "and pushed" "$dodam" image push "$registry/dodam-backend:good"
sed -i '1a process.exit(7);' "$work/app/backend/src/server.js"
check "so is one that exits at once" "$dodam" image build -t "$registry/dodam-backend:broken" "$work/app/backend"
check "which is pushed too" "$dodam" image push "$registry/dodam-backend:broken"

mkdir "$work/scenarios"
cat >"$work/scenarios/deploys.scenario.json" <<JSON
{ "version": 1,
  "scenario": "A good image replaces the old one, a broken one does not",
  "steps": [
    { "deploy": "backend", "image": "$registry/dodam-backend:good", "timeout": "120s",
      "expect": { "rollout": "COMPLETED", "rolledBack": false } },
    { "GET": "api:/health", "expect": { "status": 200 } },
    { "deploy": "backend", "image": "$registry/dodam-backend:broken", "timeout": "120s",
      "expect": { "rollout": "FAILED", "rolledBack": true } },
    { "GET": "api:/health", "expect": { "status": 200 } },
    { "deploy": "backend", "image": "$registry/dodam-backend:never-pushed", "timeout": "120s",
      "expect": { "rollout": "FAILED", "rolledBack": true } },
    { "GET": "api:/health", "expect": { "status": 200 } } ] }
JSON
"$dodam" run --here --state "$state" "$work/scenarios" >"$work/run.log" 2>&1
code=$?
check "the scenario passes" equals "$code $(cat "$work/run.log" | grep -c '^PASS')" "0 1"
[ "$code" -eq 0 ] || cat "$work/run.log"
check "an image that was never pushed is named" contains "$("$dodam" status --state "$state" --json)" "CannotPullContainerError"
check "the digest that runs is the good one's" equals \
    "$("$dodam" status --state "$state" --json | jq -r '[.services.backend.tasks[].digest] | unique | length')" 1
finish
