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

# Snapshots: database, cache, buckets.
check "a snapshot is saved" "$dodam" snapshot save one --state "$state"
scenario n '"scenario": "something else", "tags": ["new"]' '
    { "sql": "CREATE TABLE other (a INT)" }, { "redis": ["SET", "cleaned", "2"] },
    { "aws": "s3.PutObject", "input": { "Bucket": "dodam-site-123456789012", "Key": "other", "Body": "x" } }'
check "everything is changed" equals "$(code here -t new "$work/s")" 0
check "the snapshot is loaded" contains "$("$dodam" snapshot load one --state "$state")" "in place"
check "the cache is what it was" redis
check "so is the bucket" equals "$(aws s3 ls "s3://$bucket" | wc -l)" 1
scenario n '"scenario": "the database is what it was", "tags": ["new"]' '{ "sql": "SHOW TABLES LIKE '"'other'"'", "expect": { "rows": 0 } }'
check "and the database" equals "$(code here -t new "$work/s")" 0
check "it is listed" contains "$("$dodam" snapshot list --state "$state")" one
check "and removed" "$dodam" snapshot rm one --state "$state"

# Without an instance a world starts from dodam.json alone.
check "a world from the file" equals "$(cd "$work/app" && code "$dodam" run --runtime process --state "$work/alone" "$work/s/b.scenario.json" --fail-fast)" 1
check "answers" contains "$(cat "$work/out.log")" "expected 200, got"
"$dodam" down --state "$work/alone" >/dev/null
finish
