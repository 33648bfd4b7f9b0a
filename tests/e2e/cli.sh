#!/usr/bin/env bash
# The command line: what each command prints, its exit codes (harness.md §4.3), and what Ctrl-C leaves.
. "$(dirname "$0")/lib.sh"

# exits CODE ARGUMENT…: dodam's exit code; its output is in $work/out and $work/err.
exits() {
    local wanted=$1 got
    shift
    "$dodam" "$@" >"$work/out" 2>"$work/err"
    got=$?
    [ "$got" = "$wanted" ] || { echo "dodam $*: expected exit $wanted, got $got"; cat "$work/out" "$work/err"; return 1; }
}
# says TEXT CODE ARGUMENT…: it exits so, and says so on stdout (0) or stderr (others).
says() {
    local text=$1 code=$2
    shift
    exits "$@" || return 1
    contains "$(cat "$work/$([ "$code" = 0 ] && echo out || echo err)")" "$text"
}
here() { "$@" --state "$state"; }
commands="up down gate run check list status reset trace logs clock cache schema import record doctor"
cd "$work" || exit 1

# ---- Help and wrong words, before anything runs
for command in $commands "image build" "image push" "hook install" "hook remove" "hook run" "hook ci"; do
    # shellcheck disable=SC2086
    check "help of $command has an example" says "
Examples
  dodam $command" 0 $command --help
    # shellcheck disable=SC2086
    check "$command refuses a flag it does not know" says "dodam $command --help" 2 $command --no-such-flag
done
check "no command at all" says "Subcommands" 2
check "help lists them" says "cache  " 0 --help
check "a command with a slip" says 'did you mean "status"?' 2 statsu
check "half a command" says "build or push" 2 image
check "a wrong half" says "build or push" 2 image pull
check "a word too many" says '"two" is one word too many' 2 clock +1s two
check "a flag without its value" says "--state" 2 status --state
check "the version" says "dodam 0." 0 --version
check "a port that is none" says "takes a port number" 2 up --aws-port 70000
check "a speed that is none" says "at least 1" 2 up --speed 0
check "a runtime that is none" says "one of" 2 up --runtime podman
check "a stack file that is not there" exits 2 up -f none.json --state "$work/none"

# ---- Nothing runs
for command in status trace logs clock cache reset record; do
    check "$command without an instance" says "dodam up" 3 "$command" --state "$work/none"
done
check "down without an instance is no failure" says "nothing is running" 0 down --state "$work/none"

# ---- What the machine has (harness.md §4.1: doctor)
check "doctor says that the gate can run here" says "the gate can run here" 0 doctor
for part in sandbox engine memory mariadb redis git node npm aws chromium images disk ports; do
    check "doctor has a line about $part" grep -qE "^(ok|note) +$part " "$work/out"
done
check "doctor for machines" exits 0 doctor --json
check "has parts, and the verdict" jq -e '.gate == true and .version and (.parts | length == 13 and all(.part and .level and .text and (.next or .level == "ok")))' "$work/out"
PATH=$work/none "$dodam" doctor >"$work/out" 2>"$work/err"
check "without git on PATH there is no gate: exit code" equals "$?" 3
check "and why, with the next step" grep -qE "^LACKING +git .*apt-get install git" "$work/out"
check "a gate for nobody" says "pre-push or ci" 2 gate --profile cd -f "$checkout/fixtures/app/dodam.json"
check "a shard that is none" says "2/3" 2 gate --shard 3/2 -f "$checkout/fixtures/app/dodam.json"
check "a budget that is none" says "90s" 2 gate --budget soon -f "$checkout/fixtures/app/dodam.json"

# ---- Schemas and scenarios need no instance
check "the schema of the stack" exits 0 schema
check "is a JSON Schema" equals "$(jq -r .title,.type "$work/out" | tail -1)" object
check "the schema of scenarios" exits 0 schema scenario
check "is one, too" jq -e '.properties.steps' "$work/out"
check "a schema of something else" says "stack and scenario" 2 schema other
check "nothing to check" exits 4 check
check "nothing to list" exits 4 list
cp -R "$checkout/fixtures/app" app
check "check reads the app's scenarios" says "3 scenarios without a problem" 0 check -f app/dodam.json
check "run without an instance" says "to start a world from; name it with -f" 3 run app/scenarios --state "$work/none"
check "list shows them" says "register-login-company" 0 list -f app/dodam.json
check "list for machines" exits 0 list -f app/dodam.json --json
check "has ids and tags" jq -e 'length == 3 and all(.id and .tags and .steps > 0)' "$work/out"
check "a tag expression that is none" exits 2 list -f app/dodam.json -t 'smoke and and'
check "a tag that nothing has" exits 4 list -f app/dodam.json -t nothing
mkdir -p bad
printf '{ "version": 1, "scenario": "x", "steps": [ { "GET": "front:/", "expcet": {} } ] }\n' >bad/a.scenario.json
check "a wrong scenario names file, line and column" says "bad/a.scenario.json:1:" 2 check bad
check "and what was meant" contains "$(cat "$work/err")" '"expect"'

# ---- An empty stack
start_dodam empty
check "an empty instance has made no CA" test ! -e "$state/ca"
resident_kib=$(awk '/^VmRSS/ { print $2 }' "/proc/$(field pid)/status")
check "and holds at most 12 MiB (it holds $resident_kib KiB)" test "$resident_kib" -le 12288
check "status of an empty stack says what to do" says "dodam up -f dodam.json" 0 status --state "$state"
check "its keys are there" jq -e '.aws_endpoint and .viewer_endpoint and .pid and .distributions == {} and .load_balancers == {} and .services == {}' <<<"$("$dodam" status --state "$state" --json)"
check "trace of nothing" exits 2 trace --state "$state"
check "cache of nothing" says "0 objects" 0 cache --state "$state"
check "logs of nothing" exits 0 logs --state "$state"
check "a reset of what is not there" says "no database" 2 reset database --state "$state"
check "a reset of all that is there" says "edge is as new" 0 reset --state "$state"
"$dodam" down --state "$state" >/dev/null

# ---- A running stack
start_dodam stack -f "$work/app/dodam.json" --runtime process --speed 20
check "a second up names the first" says "already running" 3 up --state "$state" --aws-port 0 --http-port 0 --https-port 0
check "a port in use is the machine's fault" says "in use" 3 up --state "$work/second" --aws-port "${endpoint##*:}" --http-port 0 --https-port 0

status=$("$dodam" status --state "$state" --json)
promised='(.aws_endpoint | startswith("http://127.0.0.1:")) and (.viewer_endpoint | startswith("http://127.0.0.1:")) and (.pid > 0)
    and (.distributions | length == 2 and all(.id and .domain and .url)) and (.load_balancers.alb | .dns_name and .url)
    and (.services.backend.desired == 2) and (.database.state == "ready") and (.cache.state == "ready")'
check "status has the keys that were promised" jq -e "$promised" <<<"$status"
check "port 0 means three different ones" equals "$(printf '%s\n' "$endpoint" "$viewer" "$viewer_tls" | sed 's/.*://' | sort -u | grep -vc '^0$')" 3
here exits 0 status
for part in "$endpoint" "$viewer" front E1FRONT0000001 d222222api0001.cloudfront.net alb "2/2 running" "database  ready" "cache     ready" "healthy"; do
    check "status shows $part" contains "$(cat "$work/out")" "$part"
done
check "DODAM_STATE names the instance" env DODAM_STATE="$state" "$dodam" status
check "--state stands above it" equals "$(DODAM_STATE=$work/none "$dodam" status --state "$state" --json | jq .pid)" "$(field pid)"
check "a .dodam beside the stack file is found" exits 3 status -f "$work/app/dodam.json"

export AWS_DEFAULT_REGION=ap-northeast-2 AWS_REGION=ap-northeast-2
echo '<!doctype html><title>a</title>' >"$work/index.html"
aws s3 cp --quiet "$work/index.html" s3://dodam-site-123456789012/index.html
site=d111111front01.cloudfront.net
for turn in 1 2; do id=$(viewer_get "$site" / -D - -o /dev/null | tr -d '\r' | awk 'tolower($1) == "x-amz-cf-id:" { print $2 }'); done
viewer_get d222222api0001.cloudfront.net /health >/dev/null

check "trace lists the last requests" says "$site/" 0 trace --state "$state" -n 5
check "so many" equals "$(wc -l <"$work/out")" 5
check "trace explains one" says "hit: " 0 trace --state "$state" "$id"
check "by the beginning of its id" says "$id" 0 trace --state "$state" -n 9
check "its first characters do" says "behavior" 0 trace --state "$state" "${id:0:12}"
check "for machines" exits 0 trace --state "$state" "$id" --json
check "is a list of hops" jq -e '.[0].hop == "edge" and (.[0].decisions | length > 1)' "$work/out"
check "an id that nobody has" says "only recent requests are kept" 2 trace --state "$state" no-such-request
check "a count that is none" says "a number from 1 up" 2 trace --state "$state" -n many

check "cache lists" says "front:/index.html" 0 cache --state "$state"
check "with what it was asked for" says "1 hit" 0 cache ls front --state "$state"
check "cache shows a URL's variants" says "index.html" 0 cache show "front:/index.html" --state "$state"
check "cache says why" says "DefaultTTL 86400 s" 0 cache why "front:/index.html" --state "$state"
check "and by a real URL" says "hit: " 0 cache why "https://$site/" --state "$state"
check "why a miss" says "miss: " 0 cache why "front:/other.js" --state "$state"
check "why needs a URL" says "takes a URL" 2 cache why --state "$state"
check "an action that is none" says "ls, show, why" 2 cache empty --state "$state"
aws cloudfront create-invalidation --distribution-id E1FRONT0000001 --paths '/*' >/dev/null
check "what an invalidation removed" says "/*" 0 cache invalidations front --state "$state"
check "and it is gone" says "0 objects" 0 cache --state "$state"
check "cache for machines" exits 0 cache --state "$state" --json
check "has entries" jq -e '.entries | length == 0' "$work/out"

check "logs of a group by its name in the stack file" says "" 0 logs backend --state "$state"
check "logs of all groups" says "listening on port 3000" 0 logs --state "$state"
check "the last one" says "" 0 logs --state "$state" -n 1
check "is one line" equals "$(wc -l <"$work/out")" 1
check "a filter counts what it lets through" says "listening" 0 logs --state "$state" -n 2 --grep listening
check "two of them" equals "$(wc -l <"$work/out")" 2
check "a filter that nothing passes" equals "$("$dodam" logs --state "$state" --grep 'no such words')" ""
check "a group that is none names those that are" says "/dodam/ecs/" 2 logs nobody --state "$state"

before=$("$dodam" clock --state "$state" --json | jq -r .now)
check "the clock moves" says "1 d 0 h ahead" 0 clock +1d --state "$state"
check "and stays moved" test "$("$dodam" clock --state "$state" --json | jq -r .now)" '>' "$before"
check "what was cached a day ago would be stale" says "ahead of real time" 0 clock --state "$state"
check "never back" says "no duration" 2 clock --state "$state" -1h
check "nor by words" says "+30s, +10m or +1d" 2 clock tomorrow --state "$state"

viewer_get "$site" / >/dev/null
check "reset of the edge" says "edge is as new" 0 reset edge --state "$state"
check "empties it" says "0 objects" 0 cache --state "$state"
check "a wrong part is found before anything is emptied" says "edge, database, redis, faults" 2 reset edge disk --state "$state"
check "reset of all" says "database is as new" 0 reset --state "$state"
check "the bucket is as it was" contains "$(aws s3 ls s3://dodam-site-123456789012)" index.html

pid=$(field pid)
check "down says where the state is" says "$state" 0 down --state "$state"
check "nothing of it runs" equals "$(awk '/^State:/ && $2 != "Z"' "/proc/$pid/status" 2>/dev/null)" ""
check "down again is no failure" says "nothing is running" 0 down --state "$state"
check "nothing listens" test "$(curl -s -o /dev/null -w '%{http_code}' "$endpoint/_dodam/v1/status")" = 000

# ---- Ctrl-C on a foreground up leaves no process, port, container or mount
: >"$work/fore.log" # there before it is followed
setsid "$dodam" up -f "$work/app/dodam.json" --state "$work/fore" --runtime process --speed 20 --aws-port 0 --http-port 0 --https-port 0 >>"$work/fore.log" 2>&1 &
foreground=$!
check "a pipe gets plain lines" timeout 60 grep -q -m1 "^ready  " <(tail -n +1 -f --pid="$foreground" "$work/fore.log")
check "no control codes" test "$(grep -c $'\033' "$work/fore.log")" = 0
endpoint=$("$dodam" status --state "$work/fore" --json | jq -r .aws_endpoint)
instance=$(jq -r .id "$work/fore/instance.json")
children() { # every descendant of the pids given
    local next="$*" all=""
    while [ -n "$next" ]; do
        all="$all $next"
        # shellcheck disable=SC2086
        next=$(ps -o pid= --ppid "$(echo $next | tr ' ' ,)" | tr '\n' ' ')
        next=${next%% }
        [ -n "${next// /}" ] || break
    done
    echo "$all"
}
family=$(children "$foreground")
check "tasks, database and cache are its children" test "$(wc -w <<<"$family")" -ge 5
kill -INT "$(jq .pid "$work/fore/instance.json")"
wait "$foreground"
check "its exit code is 0: it was asked to stop" equals "$?" 0
left=""
for process in $family; do grep -qs '^State:[[:space:]]*[^Z]' "/proc/$process/status" && left="$left $(tr '\0' ' ' <"/proc/$process/cmdline")"; done
check "no process is left" equals "$left" ""
check "no port" test "$(curl -s -o /dev/null -w '%{http_code}' "$endpoint/_dodam/v1/status")" = 000
check "no mount" equals "$(grep -e "$instance" -e "$work/fore" /proc/self/mountinfo)" ""
check "no container's files, sockets or cgroup" equals "$(find "${XDG_CACHE_HOME:-$HOME/.cache}/dodam/tasks" "${XDG_RUNTIME_DIR:-/run}/dodam" /sys/fs/cgroup -maxdepth 4 -name "*$instance*" -not -empty 2>/dev/null)" ""
check "no instance.json" test ! -e "$work/fore/instance.json"
check "it says so" contains "$(cat "$work/fore.log")" "stopping"
finish
