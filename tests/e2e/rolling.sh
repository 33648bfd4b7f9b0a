#!/usr/bin/env bash
# Fifty requests a second through CloudFront while the sample app is replaced: none fails, and the report proves it.
# Once with each runtime; docker where an engine answers.
. "$(dirname "$0")/deploy_lib.sh"
host=d222222api0001.cloudfront.net

deploy() { # deploy TAG: the workflow's calls, with our own builder
    (cd "$work/app" && AWS_ENDPOINT_URL=$endpoint AWS_CLI=/usr/bin/aws DODAM=$dodam DODAM_STATE=$state IMAGE_TAG=$1 AWS_REGION=ap-northeast-2 \
        ./deploy.sh backend) >"$work/deploy.log" 2>&1 || { tail -20 "$work/deploy.log"; return 1; }
}
value() { echo "$json" | jq -r ".backend | $1"; }

rolls() { # rolls RUNTIME
    local runtime=$1 load=$work/load-$1
    cp -R "$checkout/fixtures/app" "$work/app"
    start_dodam "$runtime" -f "$work/app/dodam.json" --speed 20 --runtime "$runtime"
    check "$runtime: the first version goes live" deploy one
    echo "// the second version" >>"$work/app/backend/src/server.js"
    steady "$host" /health 50 "$load" &
    local loader=$!
    until_contains 200 viewer_get "$host" /health -o /dev/null -w '%{http_code}' >/dev/null
    check "$runtime: so does the second" deploy two
    touch "$load.stop"
    wait "$loader"
    report backend >"$work/report"
    check "$runtime: the report's exit code" equals "$code" 0
    json=$(report backend --json)
    check "$runtime: every answer is a 200" equals "$(sed 's/: [0-9]*}/}/' "$load")" "{200}"
    check "$runtime: none failed at any layer" equals "$(value .requests.failed) $(value '.requests.failures | length')" "0 0"
    check "$runtime: both versions answered" equals "$(value '[.requests.by_revision[] | select(.through_cloudfront > 0)] | length')" 2
    check "$runtime: each request is counted once" equals "$(value '.requests.total')" "$(value '[.requests.by_revision[].requests] | add')"
    check "$runtime: pushed = running = answered" contains "$(head -10 "$work/report")" "pushed = running = answered through CloudFront"
    check "$runtime: at fifty a second, as far as the machine gives them" [ "$(value '.requests.total / .seconds > 25')" = true ]
    [ "$failures" -eq 0 ] || { cat "$work/report" "$load"; }
    grep -E "^(backend|requests|phases)" "$work/report" | cut -c1-300
    "$dodam" down --state "$state" >/dev/null
    rm -rf "$work/app"
}

rolls process
if docker info >/dev/null 2>&1; then rolls docker; else echo "docker: no engine answers here"; fi
finish
