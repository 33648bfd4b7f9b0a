#!/usr/bin/env bash
# The scenario language against the real stack: faults and what they show, loads, kills, used files, YAML, a
# browser, commands; and what becomes of a fault whose runner is killed.
. "$(dirname "$0")/lib.sh"
node_packages

cp -R "$checkout/fixtures/app" "$work/app"
cp -R "$checkout/tests/e2e/language" "$work/app/language"
# Short waits, so that what hangs is told soon.
sed -i 's/"OriginReadTimeout": 30/"OriginReadTimeout": 3/; s/"ConnectionAttempts": 3/"ConnectionAttempts": 2/;
        s/"idle_timeout.timeout_seconds", "Value": "60"/"idle_timeout.timeout_seconds", "Value": "2"/;
        s/"UnhealthyThresholdCount": 2/"UnhealthyThresholdCount": 10/' "$work/app/dodam.json"
start_dodam stack -f "$work/app/dodam.json" --speed 20
registry=${endpoint#http://}
image=$registry/dodam-backend:good
export DODAM_STATE=$state DODAM_PLAYWRIGHT=$checkout/tests/e2e/node_modules/playwright-core
"$dodam" image build -t "$image" "$work/app/backend" >"$work/build.log" 2>&1 && "$dodam" image push "$image" >>"$work/build.log" 2>&1 ||
    { tail "$work/build.log"; exit 1; }
cat >"$work/deploy.scenario.json" <<'J'
{ "version": 1, "scenario": "The app is deployed", "vars": { "image": null }, "steps": [
  { "deploy": "backend", "image": "{{image}}", "timeout": "120s", "expect": { "rollout": "COMPLETED" } },
  { "GET": "api:/health", "eventually": "10s", "expect": { "status": 200 } } ] }
J
check "the app is deployed" "$dodam" run --here --state "$state" --var "image=$image" "$work/deploy.scenario.json"

# runs WHAT [FLAG…]: the scenario passes.
runs() {
    local name=$1
    shift
    "$dodam" run --here --state "$state" -v "$@" "$work/app/language/$name" >"$work/$name.log" 2>&1
    local code=$?
    [ "$code" -eq 0 ] || { cat "$work/$name.log"; return 1; }
}
check "faults show their symptoms" runs faults.scenario.json --var "image=$image"
check "… and none is left" equals "$("$dodam" fault list --state "$state")" "nothing is broken on purpose"
check "a kill under load" runs kill-under-load.scenario.json
check "YAML" runs yaml.scenario.yaml
check "a command, where it is allowed" runs commands.scenario.json --allow-run
check "… and not where it is not" bash -c "! '$dodam' run --here --state '$state' '$work/app/language/commands.scenario.json' | grep -q PASS"
if [ -x /usr/bin/chromium ]; then
    check "a browser" runs browser.scenario.json --var "shot=$work/shot.png"
    check "… and its picture" test -s "$work/shot.png"
fi
DODAM_PLAYWRIGHT=/nowhere "$dodam" run --here --state "$state" -v --var shot=x.png "$work/app/language/browser.scenario.json" >"$work/skip.log" 2>&1
check "where there is none, the step is skipped with its reason" contains "$(cat "$work/skip.log")" "playwright-core is not there"

# By hand, and what is wrong with it.
check "a fault by hand" contains "$("$dodam" fault set db latency 700ms 50ms --for 1m --state "$state")" "db latency 700ms ± 50ms"
check "… is listed" contains "$("$dodam" fault list --state "$state")" "db latency 700ms ± 50ms"
"$dodam" run --here --state "$state" "$work/deploy.scenario.json" --var "image=$image" >"$work/left.log" 2>&1
check "… keeps a run on the instance itself from starting" equals "$? $(grep -c 'dodam fault clear --state' "$work/left.log")" "3 1"
check "… and cleared" equals "$("$dodam" fault clear --state "$state" && "$dodam" fault list --state "$state")" \
    "$(printf 'nothing is broken on purpose\nnothing is broken on purpose')"
says() { local out; out=$("${@:2}" 2>&1); contains "$out" "$1"; }
check "an origin that is not there" says 'did you mean "alb"?' "$dodam" fault set origin:abl reset --state "$state"
check "a task that is not there" says 'backend runs 2 tasks, so there is no backend[7]' "$dodam" fault set 'target:backend[7]' hang --state "$state"
check "a kind that it has not" says 'its faults are down' "$dodam" fault set db cold --state "$state"
check "all kinds are told" says 'every request to S3' "$dodam" fault kinds

# A runner that is killed leaves no fault behind for long.
cat >"$work/held.scenario.json" <<'J'
{ "version": 1, "scenario": "It is held", "steps": [
  { "fault": { "edge": "cold" }, "steps": [ { "wait": "60s", "why": "it is killed meanwhile", "timeout": "90s" } ] } ] }
J
"$dodam" run --here --state "$state" "$work/held.scenario.json" >"$work/held.log" 2>&1 &
runner=$!
check "a fault is held" until_contains "edge cold" "$dodam" fault list --state "$state"
kill -KILL "$runner"
wait "$runner" 2>/dev/null
slow_until() { # asks for half a minute
    local end=$((SECONDS + 30))
    while [ "$SECONDS" -lt "$end" ]; do "${@:2}" | grep -q "$1" && return 0; read -rt 0.5 <> <(:); done
    return 1
}
check "… and ends without its runner" slow_until "nothing is broken on purpose" "$dodam" fault list --state "$state"

# Five hundred files are checked in a second.
mkdir "$work/many"
for i in $(seq 500); do cp "$checkout/fixtures/app/scenarios/register-login-company.scenario.json" "$work/many/s$i.scenario.json"; done
begin=$(date +%s%N)
check "500 files are checked" "$dodam" check -f "$work/app/dodam.json" "$work/many"
took=$((($(date +%s%N) - begin) / 1000000))
echo "check of 500 files: $took ms"
[ "$took" -le "${CHECK_BUDGET_MS:-1000}" ] || { failures=$((failures + 1)); echo "FAILED: more than a second"; }

# Layout.
cp "$checkout/tests/e2e/language/commands.scenario.json" "$work/many/s1.scenario.json"
rm -f "$work"/many/s[2-9]*.json "$work"/many/s1?*.json
cp "$checkout/tests/e2e/language/commands.scenario.json" "$work/many/s1.scenario.json"
printf '{"version":1,"scenario":"abc", // why\n"steps":[{"GET":"api:/"},]}' >"$work/many/ugly.scenario.json"
check "fmt --check says which would change" says "ugly.scenario.json" "$dodam" fmt --check "$work/many"
check "… with 1" bash -c "'$dodam' fmt --check '$work/many' >/dev/null; [ \$? -eq 1 ]"
check "fmt changes it" says "1 of 2 files changed" "$dodam" fmt "$work/many"
check "… keeping the comment" contains "$(cat "$work/many/ugly.scenario.json")" '"scenario": "abc",  // why'
check "… once" "$dodam" fmt --check "$work/many"
finish
