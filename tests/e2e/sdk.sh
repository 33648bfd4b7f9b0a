#!/usr/bin/env bash
# The JavaScript SDK v3 against an empty stack: what a web app and its tooling call, with nothing set but
# AWS_ENDPOINT_URL.
. "$(dirname "$0")/lib.sh"
node_packages
start_dodam sdk --runtime process --speed 20
AWS_ENDPOINT_URL=$endpoint VIEWER=$viewer timeout 100 node "$checkout/tests/e2e/sdk.mjs" || failures=1
finish
