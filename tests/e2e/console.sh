#!/usr/bin/env bash
# The console's page in a real browser: the stack with its health, a request as it happens, and its trace.
. "$(dirname "$0")/lib.sh"
command -v chromium >/dev/null || { echo "chromium is missing: script/bootstrap test"; exit 77; }
node_packages

cp -R "$checkout/fixtures/app" "$work/app"
start_dodam empty
empty=$endpoint
start_dodam stack -f "$work/app/dodam.json" --runtime process --speed 20
export AWS_DEFAULT_REGION=ap-northeast-2 AWS_REGION=ap-northeast-2
echo '<!doctype html><title>site</title>hello' >"$work/index.html"
check "an object for the edge" aws s3 cp --quiet "$work/index.html" s3://dodam-site-123456789012/index.html

DODAM_STOP="$dodam down --state $state" CONSOLE=$endpoint EMPTY=$empty VIEWER=$viewer TOKEN=$(jq -r .token "$state/instance.json") \
    SHOTS=${SHOTS:-} PROFILE=$work/profile timeout 100 node "$checkout/tests/e2e/console.mjs" || failures=$((failures + 1))
finish
