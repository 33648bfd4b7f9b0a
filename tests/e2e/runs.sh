#!/usr/bin/env bash
# Runs of scenarios: worlds of their own that start where the instance is, what goes back between
# scenarios, Ctrl-C, recordings and what is made from them, snapshots.
. "$(dirname "$0")/lib.sh"

cp -R "$checkout/fixtures/app" "$work/app"
start_dodam stack -f "$work/app/dodam.json" --speed 20
bucket=dodam-site-123456789012
mkdir "$work/dist" "$work/s"
echo '<p>hello</p>' >"$work/dist/index.html"
aws s3 sync "$work/dist" "s3://$bucket" >/dev/null

scenario() { # scenario NAME SENTENCE-AND-KEYS STEPS
    echo "{ \"version\": 1, $2, \"steps\": [ $3 ] }" >"$work/s/$1.scenario.json"
}
here() { "$dodam" run --here --state "$state" --no-color "$@"; }
run() { "$dodam" run --state "$state" --runtime process --no-color "$@"; }
code() { "$@" >"$work/out.log" 2>&1; echo $?; }

# What is deployed is there, and the instance is not touched.
scenario a '"scenario": "what is deployed is there; both stores and a bucket are written"' '
    { "GET": "front:/index.html", "expect": { "status": 200, "body": { "contains": "hello" } } },
    { "sql": "CREATE TABLE leftover (a INT)" }, { "redis": ["SET", "left", "over"] },
    { "aws": "s3.PutObject", "input": { "Bucket": "dodam-site-123456789012", "Key": "left", "Body": "x" } }'
scenario b '"scenario": "nothing of it is left"' '
    { "sql": "SHOW TABLES LIKE '"'leftover'"'", "expect": { "rows": 0 } }, { "redis": ["EXISTS", "left"], "expect": { "value": 0 } },
    { "aws": "s3.HeadObject", "input": { "Bucket": "dodam-site-123456789012", "Key": "left" }, "expect": { "error": { "exists": true } } },
    { "GET": "front:/index.html", "expect": { "status": 200 } }'
check "two scenarios in one world" equals "$(code run "$work/s")" 0
check "the second needed no new world" equals "$(grep -c '^made' "$work/out.log")" 1
check "the instance is as it was" equals "$(code here "$work/s/b.scenario.json")" 0
check "a second run finds the world warm" equals "$(code run "$work/s"; grep -c '^made' "$work/out.log")" "0
0"
check "two at once are two worlds" equals "$(code run -j 2 "$work/s"; ls -d "$state"/worlds/*-base | wc -l)" "0
2"

# Overlays are stacks of their own; AWS's limits hold.
scenario o '"scenario": "the root object is another one", "tags": ["overlay"], "stack": { "distributions.front.config.DefaultRootObject": "none.html" }' '
    { "GET": "front:/", "expect": { "cache": "error" } }, { "GET": "front:/index.html", "expect": { "status": 200 } }'
check "an overlay" equals "$(code run -t overlay "$work/s")" 0
scenario w '"scenario": "too many attempts", "tags": ["wrong"], "stack": { "distributions.front.config.Origins.Items.site.ConnectionAttempts": 9 }' '
    { "GET": "front:/", "expect": { "status": 200 } }'
check "a limit of AWS's" equals "$(code run -t wrong "$work/s")" 2
check "is named" contains "$(cat "$work/out.log")" "ConnectionAttempts must be between 1 and 3"
rm "$work/s/w.scenario.json"

# A failure is told, recorded, shown, reported; its world can be kept.
scenario f '"scenario": "it fails", "tags": ["fails"], "vars": { "pass": "Correct-horse-9" }, "secrets": ["pass"]' '
    { "GET": "front:/index.html", "headers": { "x-pass": "{{pass}}" }, "expect": { "status": 404 } }'
check "a failure is 1" equals "$(code run --keep -t fails "$work/s" --report "html=$work/o/run.html,tap=$work/o/run.tap,junit=$work/o/run.xml,json=$work/o/run.json")" 1
id=$(sed -n 's/^ run *//p' "$work/out.log")
check "with its world" contains "$("$dodam" open "$id" f --state "$state")" "--state $state/worlds/"
check "and its way through the stack" contains "$(cat "$work/out.log")" "edge"
check "it is shown from the recording" contains "$("$dodam" show "$id" f --state "$state")" "expected 404, got 200"
check "a step in full" contains "$("$dodam" show "$id" f 1 --state "$state")" "curl -i"
check "the runs are listed" contains "$("$dodam" runs --state "$state")" "1 failed"
check "a report from it" "$dodam" report "$id" --state "$state" --html "$work/o/again.html" --junit "$work/o/again.xml"
check "no secret in any of it" equals "$(grep -rlE 'Correct-horse-9|Q29ycmVjdC1ob3JzZS05' "$work/o" "$state/runs" | wc -l)" 0
check "GitHub sees the line" contains "$(GITHUB_STEP_SUMMARY=$work/o/summary.md run --format github -t fails "$work/s")" "::error file=$work/s/f.scenario.json,line=2,"
check "and a summary" contains "$(cat "$work/o/summary.md")" "it fails"
check "what failed is run again" equals "$(cd "$work" && code "$dodam" rerun "$id" --state "$state" --runtime process)" 1
sed -i 's/404/200/' "$work/s/f.scenario.json"
check "and passes once it is right" equals "$(code "$dodam" rerun "$id" --state "$state" --runtime process)" 0
check "its requests are answered as then" equals "$(code "$dodam" resend "$id" --state "$state" --var pass=Correct-horse-9)" 0
echo '<p>changed</p>' >"$work/dist/index.html"
aws s3 sync "$work/dist" "s3://$bucket" >/dev/null
"$dodam" reset edge --state "$state" >/dev/null
check "or what differs is told" equals "$(code "$dodam" resend "$id" --state "$state" --var pass=Correct-horse-9)" 1

# Ctrl-C ends the step, cleans up, and is no verdict.
echo '{ "version": 1, "scenario": "it waits", "steps": [ { "redis": ["SET", "w", "1"] }, { "wait": "25s", "why": "for Ctrl-C" } ], "after": [ { "redis": ["SET", "cleaned", "1"] } ] }' >"$work/wait.scenario.json"
"$dodam" run --here --state "$state" "$work/wait.scenario.json" >"$work/wait.log" 2>&1 &
runner=$!
redis() { "$dodam" run --here --state "$state" "$work/read.scenario.json"; }
echo '{ "version": 1, "scenario": "it waits", "steps": [ { "redis": ["GET", "w"], "eventually": "10s", "expect": { "value": "1" } } ] }' >"$work/read.scenario.json"
check "it has begun" redis
kill -TERM "$runner"
wait "$runner"
check "interrupted is 130" equals "$?" 130
check "and says so" contains "$(cat "$work/wait.log")" "1 stopped"
sed -i 's/"w"/"cleaned"/' "$work/read.scenario.json"
check "what cleans up ran" redis

# Snapshots: database, cache, buckets, what the edge holds (in memory and, from 1 MiB on, on disk), as old as it was.
site() { # site PATH [VIEWER]: the answer's head, in one case
    local place=${2:-$viewer_tls}
    curl -sk --max-time 20 -D - -o "$work/body" --connect-to "::${place#https://}" "https://d111111front01.cloudfront.net$1" | tr 'A-Z' 'a-z' | tr -d '\r'
}
hit_of_age() { # hit_of_age LEAST MOST PATH [VIEWER]
    local head age
    head=$(site "${@:3}")
    age=$(sed -n 's/^age: //p' <<<"$head")
    contains "$head" "x-cache: hit from cloudfront" && [ "${age:-0}" -ge "$1" ] && [ "$age" -le "$2" ] || { echo "age $age"; return 1; }
}
head -c 2000000 /dev/urandom >"$work/dist/large"
sha=$(sha256sum <"$work/dist/large")
aws s3 cp --quiet "$work/dist/large" "s3://$bucket/large"
"$dodam" reset edge --state "$state" >/dev/null
check "the page is fetched" contains "$(site /index.html)" "x-cache: miss"
check "the large object is, too" contains "$(site /large)" "x-cache: miss"
"$dodam" clock +200s --state "$state" >/dev/null
check "the page is held" hit_of_age 200 260 /index.html
check "a snapshot is saved" "$dodam" snapshot save one --state "$state"
objects=$(aws s3 ls "s3://$bucket" | wc -l)
scenario n '"scenario": "something else", "tags": ["new"]' '
    { "sql": "CREATE TABLE other (a INT)" }, { "redis": ["SET", "cleaned", "2"] },
    { "aws": "s3.PutObject", "input": { "Bucket": "dodam-site-123456789012", "Key": "other", "Body": "x" } }'
check "everything is changed" equals "$(code here -t new "$work/s")" 0
"$dodam" reset edge --state "$state" >/dev/null
check "the page is not held" contains "$(site /index.html)" "x-cache: miss"
"$dodam" clock +500s --state "$state" >/dev/null
check "the snapshot is loaded" contains "$("$dodam" snapshot load one --state "$state")" "in place"
check "the cache is what it was" redis
check "so is the bucket" equals "$(aws s3 ls "s3://$bucket" | wc -l)" "$objects"
scenario n '"scenario": "the database is what it was", "tags": ["new"]' '{ "sql": "SHOW TABLES LIKE '"'other'"'", "expect": { "rows": 0 } }'
check "and the database" equals "$(code here -t new "$work/s")" 0
check "the edge holds the page, as old as it was" hit_of_age 200 290 /index.html
check "and the large object" hit_of_age 200 290 /large
check "byte by byte" equals "$(sha256sum <"$work/body")" "$sha"
check "on disk" equals "$("$dodam" cache show front:/large --state "$state" --json | jq -r '.. | .where? // empty')" disk
check "an invalidation finds it" contains "$("$dodam" reset edge --state "$state" && site /index.html)" "x-cache: miss"

# Another deployment: the emulator starts again on what was saved.
aws ecs register-task-definition --family other --container-definitions '[{"name":"a","image":"x"}]' >/dev/null
check "with another deployment it is started again" contains "$("$dodam" snapshot load one --state "$state")" "started again"
check "what was registered since is gone" equals "$(aws ecs describe-task-definition --task-definition other >/dev/null 2>&1; echo $?)" 254
check "the edge holds the page there, too" hit_of_age 200 320 /index.html
check "the services serve" until_contains 2 field services.backend.running

# The world of a failed scenario is as it was left, the edge included.
scenario k '"scenario": "it fails in a saved world", "tags": ["kept"], "world": "snapshot:one"' '
    { "GET": "front:/index.html", "expect": { "cache": "hit" } }, { "GET": "front:/index.html", "expect": { "status": 404 } }'
check "a scenario fails in a saved world" equals "$(code run --keep -t kept "$work/s")" 1
check "at its second step" contains "$(cat "$work/out.log")" "step 2"
world=$("$dodam" open "$(sed -n 's/^ run *//p' "$work/out.log")" k --state "$state" | sed -n 's/.*--state \([^ ]*\).*/\1/p')
check "its world is open, and its edge holds the page" hit_of_age 200 400 /index.html "$("$dodam" status --state "$world" --json | jq -r .viewer_tls_endpoint)"
"$dodam" down --state "$world" >/dev/null

# A snapshot is what was saved or nothing.
printf x >>"$state/snapshots/one/edge-cache"
check "one that was changed is refused" equals "$(code "$dodam" snapshot load one --state "$state")" 2
check "by name" contains "$(cat "$work/out.log")" "one/edge-cache was changed since it was saved"
rm "$state/snapshots/one/SNAPSHOT"
check "so is one that was never finished" equals "$(code "$dodam" snapshot load one --state "$state")" 2
check "nothing was touched" hit_of_age 200 400 /index.html
check "it is listed" contains "$("$dodam" snapshot list --state "$state")" one
check "and removed" "$dodam" snapshot rm one --state "$state"

# Without an instance a world starts from dodam.json alone.
check "a world from the file" equals "$(cd "$work/app" && code "$dodam" run --runtime process --state "$work/alone" "$work/s/b.scenario.json" --fail-fast)" 1
check "answers" contains "$(cat "$work/out.log")" "expected 200, got"
"$dodam" down --state "$work/alone" >/dev/null
finish
