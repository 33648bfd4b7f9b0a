#!/usr/bin/env bash
# Who may use the AWS port, over the wire: names and origins that are not ours, the token, and where the
# token must not be.
. "$(dirname "$0")/lib.sh"
start_dodam rules
token=$(jq -r .token "$state/instance.json")
port=${endpoint##*:}

status_of() { curl -s --max-time 20 -o "$work/body" -w '%{http_code}' "$@"; }
# answers STATUS CURL-ARGUMENT…
answers() {
    local wanted=$1 got
    shift
    got=$(status_of "$@")
    [ "$got" = "$wanted" ] || { echo "expected $wanted, got $got: $(head -c 300 "$work/body")"; return 1; }
}
says() { # says TEXT STATUS CURL-ARGUMENT…
    local text=$1
    shift
    answers "$@" && contains "$(cat "$work/body")" "$text"
}

# A name that somebody else can point at this machine (DNS rebinding), on every kind of path.
for path in /_dodam/ /_dodam/v1/status /v2/ / /bucket/key "/?Action=GetCallerIdentity&Version=2011-06-15" /2020-05-31/distribution; do
    for host in evil.example "evil.example:$port" 127.0.0.1.evil.example "127.evil.example:$port" localhost.evil.example rebind.network; do
        check "$host may not ask $path" says "is not served here" 403 -H "Host: $host" "$endpoint$path"
    done
done
check "an empty Host" answers 403 -H 'Host;' "$endpoint/_dodam/v1/status"
check "no Host at all" contains "$(printf 'GET /_dodam/v1/status HTTP/1.0\r\n\r\n' | timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; cat >&3; cat <&3")" " 403 "
check "two Hosts" contains "$(printf 'GET /_dodam/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n' | timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; cat >&3; cat <&3")" " 400 "
check "an absolute target does not replace it" answers 403 -H 'Host: evil.example' --request-target "$endpoint/_dodam/v1/status" "$endpoint/"
# As a browser would come: the name resolves to us, and the browser sends it as Host.
check "a rebound name" answers 403 --resolve "rebind.example:$port:127.0.0.1" "http://rebind.example:$port/_dodam/v1/status"
check "an address" answers 200 "$endpoint/_dodam/v1/status"
check "localhost" answers 200 "http://localhost:$port/_dodam/v1/status"
check "a name below localhost" answers 200 -H "Host: console.localhost:$port" "$endpoint/_dodam/v1/status"
check "AWS's own names are for APIs, not for the console" says "localhost" 421 -H 'Host: ecs.us-east-1.amazonaws.com' "$endpoint/_dodam/v1/status"

# A page of another origin: a simple request needs no preflight, so the answer is in the rule.
for origin in https://evil.example http://127.0.0.1:1 null "http://localhost:$port"; do
    check "$origin reads no status" answers 403 -H "Origin: $origin" "$endpoint/_dodam/v1/status"
    check "$origin stops nothing" answers 403 -H "Origin: $origin" -H 'Content-Type: text/plain' -H "X-Dodam-Token: $token" -d '{}' "$endpoint/_dodam/v1/stop"
    check "$origin registers no task" answers 403 -H "Origin: $origin" -H 'X-Amz-Target: AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition' -d '{}' "$endpoint/"
    check "$origin pushes no image" answers 403 -X POST -H "Origin: $origin" "$endpoint/v2/a/blobs/uploads/"
done
check "a preflight gets no permission" contains "$(curl -s -i -X OPTIONS -H 'Origin: https://evil.example' -H 'Access-Control-Request-Method: POST' "$endpoint/_dodam/v1/stop")" " 403 "
check "our own page" answers 200 -H "Origin: $endpoint" "$endpoint/_dodam/v1/status"

# The token.
for path in stop reset clock faults credentials; do
    check "$path without the token" says "send it as X-Dodam-Token (it is in instance.json)" 403 -d '{}' "$endpoint/_dodam/v1/$path"
    check "$path with a wrong one" says "this call needs the instance's token" 403 -H "X-Dodam-Token: ${token%?}x" -d '{}' "$endpoint/_dodam/v1/$path"
    check "$path with it in the query" answers 403 -d '{}' "$endpoint/_dodam/v1/$path?token=$token"
done
for path in status traces clock logs cache deployments faults; do
    check "$path may be read" answers 200 "$endpoint/_dodam/v1/$path"
done
check "with the token the clock moves" says '"now"' 200 -H "X-Dodam-Token: $token" -d '{"advance":"+1s"}' "$endpoint/_dodam/v1/clock"
check "nothing was stopped" answers 200 "$endpoint/_dodam/v1/status"

# Where the token is, and where it is not.
check "instance.json is its owner's alone" equals "$(stat -c %a "$state/instance.json")" 600
check "the token is long" contains "$(jq -r '.token | length >= 32' "$state/instance.json")" true
check "not in the page" answers 200 "$endpoint/_dodam/"
cp "$work/body" "$work/page"
for path in status traces clock logs cache deployments faults; do curl -s "$endpoint/_dodam/v1/$path"; done >"$work/views"
tr '\0' '\n' <"/proc/$(field pid)/cmdline" >"$work/processes"
tr '\0' '\n' <"/proc/$(field pid)/environ" >>"$work/processes"
"$dodam" status --state "$state" >"$work/shown"
"$dodam" trace --state "$state" >>"$work/shown"
nowhere() { ! grep -l -- "$token" "$@"; }
check "nor in views, the log, commands' output or the process list" nowhere "$work/page" "$work/views" "$state/emulator.log" "$work/up.log" "$work/shown" "$work/processes"

# Only loopback is bound.
bound() { awk 'NR > 1 && $4 == "0A" { print $2 }' /proc/net/tcp | grep -i ":$(printf %04X "$1")$"; }
for at in "$endpoint" "$viewer" "$viewer_tls"; do
    check "$at listens on loopback" contains "$(bound "${at##*:}")" "0100007F:"
done

"$dodam" down --state "$state" >/dev/null
check "instance.json goes with the instance" test ! -e "$state/instance.json"
start_dodam rules
check "the next start has a token of its own" test "$(jq -r .token "$state/instance.json")" != "$token"
check "the old one is worth nothing" answers 403 -H "X-Dodam-Token: $token" -d '{}' "$endpoint/_dodam/v1/stop"
finish
