#!/usr/bin/env bash
# A deploy that must not go: the gate says no, names the cause in a few lines, and what to do next.
. "$(dirname "$0")/lib.sh"

# gate_of NAME: the gate over a copy of the sample app that `spoil` changed; its words in $work/NAME.log, its exit code in $code.
gate_of() {
    local app=$work/app-$1
    cp -R "$checkout/fixtures/app" "$app"
    (cd "$app" && spoil && git init -q -b main && git add -A && git -c user.name=e2e -c user.email=e2e@localhost commit -q -m "$1") || exit 1
    (cd "$app" && "$dodam" gate --runtime process) >"$work/$1.log" 2>&1
    code=$?
    # The verdict, and why below it; then comes what the deploy wrote.
    sed '/^the deploy/,$d' "$work/$1.log" >"$work/$1.end"
}

spoil() { sed -i '1a import "left-out-of-package-json"; // dodam-ignore DN001: what the task says is looked at here' backend/src/server.js; }
gate_of undeclared-package
check "a package that is not declared: exit code" equals "$code" 1
check "it says no" contains "$(cat "$work/undeclared-package.end")" "NO GO"
check "it says what failed" contains "$(cat "$work/undeclared-package.end")" "container backend exited with 1"
check "it shows what the program said" contains "$(cat "$work/undeclared-package.end")" "Cannot find package 'left-out-of-package-json'"
check "it says what to do next" contains "$(cat "$work/undeclared-package.end")" "next   "

spoil() { sed -i "s#'/health'#'/healthz'#" backend/src/app.js; }
gate_of wrong-health-path
check "a health path that is not there: exit code" equals "$code" 1
check "it says what the probe saw" contains "$(cat "$work/wrong-health-path.end")" "answered 404 to GET /health, wanted 200"
check "it names the target group's verdict" contains "$(cat "$work/wrong-health-path.end")" "Task failed ELB health checks"
finish
