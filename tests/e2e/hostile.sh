#!/usr/bin/env bash
# Hostile peers on both sides of the edge and of the balancer: see hostile.mjs.
. "$(dirname "$0")/lib.sh"
. "$checkout/script/lib.sh"
ensure_node
DODAM_BINARY=$dodam exec node "$checkout/tests/e2e/hostile.mjs"
