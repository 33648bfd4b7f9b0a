#!/usr/bin/env bash
# Images that must not go live: each is rolled back by the circuit breaker, the version before serves every request
# meanwhile, and the report says why within its first ten lines. Once with each runtime; docker where an engine answers.
. "$(dirname "$0")/deploy_lib.sh"

small_stack "$work/dodam.json"
tar -xOf "$checkout/scenarios/deployments/arm64.tar" app >"$work/arm64" && chmod +x "$work/arm64"
deploy() { aws ecs update-service --cluster demo --service web --task-definition "$1" >/dev/null; }

# bad WHAT CAUSE ADVICE TASK-DEFINITION: the deploy fails, with both texts in the report's first ten lines.
bad() {
    local load=$work/load-$runtime-$checks first
    steady dsite.cloudfront.net /health 20 "$load" &
    local loader=$!
    deploy "$4"
    report web >"$work/report"
    check "$runtime, $1: the report's exit code" equals "$code" 1
    touch "$load.stop"
    wait "$loader"
    first=$(head -10 "$work/report")
    check "$runtime, $1: no request failed meanwhile" equals "$(sed 's/: [0-9]*}/}/' "$load")" "{200}"
    check "$runtime, $1: it was rolled back" contains "$first" "was rolled back to ${serving##*/} (which serves)"
    check "$runtime, $1: the failed tasks against the threshold" contains "$first" "3 end the deployment"
    check "$runtime, $1: the cause" contains "$first" "$2"
    check "$runtime, $1: what to do" contains "$first" "next     $3"
    check "$runtime, $1: the version before is the service's" equals "$(service taskDefinition)" "$serving"
    check "$runtime, $1: nothing that answered failed" equals "$(report web --json | jq -r '.web.requests.failed')" 0
    [ "$failures" -eq 0 ] || { echo "--- $runtime, $1"; cat "$work/report"; }
}


all_of_them() { # all_of_them RUNTIME
    runtime=$1
    start_dodam "bad-$runtime" -f "$work/dodam.json" --speed 20 --runtime "$runtime"
    registry=${endpoint#http://}
    push_image web good "$good" >/dev/null
    deploy "$(register "$registry/web:good")"
    check "$runtime: the first version goes live" report web
    serving=$(service taskDefinition)

    push_image web exits '{"Entrypoint":["/probe","say","cannot find module","--","exit","7"]}' "$probe" >/dev/null
    bad "exits at once" "exited with 7" "the container's last words" "$(register "$registry/web:exits")"
    check "$runtime, … with its last words" contains "$(head -10 "$work/report")" "| cannot find module"
    push_image web hangs '{"Entrypoint":["/probe","say","starting","--","on-term","0","--","wait"]}' "$probe" >/dev/null
    bad "never listens" "refused the connection" "let the app listen on 0.0.0.0" "$(register "$registry/web:hangs")"
    push_image web laptop '{"Entrypoint":["/probe"]}' "$work/arm64" >/dev/null
    bad "for another processor" "exec /probe: exec format error" "build the image for the processor that tasks run on" "$(register "$registry/web:laptop")"
    push_image web port '{"Env":["PATH=/","PORT=4000","DODAM_HEALTH_PATH=/health"]}' >/dev/null
    bad "wrong port" "refused the connection" "let the app listen on 0.0.0.0 and on the containerPort" "$(register "$registry/web:port")"
    check "$runtime, … its health checks have times" contains "$(cat "$work/report")" "probe    "
    push_image web path '{"Env":["PATH=/","PORT=3000","DODAM_HEALTH_PATH=/healthz"]}' >/dev/null
    bad "failing health path" "answered 503 to GET /health, wanted 200" "let the health check's path answer so" "$(register "$registry/web:path")"
    bad "missing secret" "ResourceInitializationError" "create that secret or parameter" \
        "$(register "$registry/web:good" ',"secrets":[{"name":"X","valueFrom":"arn:aws:secretsmanager:us-east-1:000000000000:secret:none-abcdef"}]')"
    push_image web grows '{"Entrypoint":["/probe","say","growing","--","eat","300","--","wait"]}' "$probe" >/dev/null
    bad "out of memory" "OutOfMemoryError" "give the container more memory" "$(register "$registry/web:grows" ',"memory":64')"
    bad "never pushed" "CannotPullContainerError" "push the image first" "$(register "$registry/web:never")"
    # What is not in our registry comes from the base images of this machine, and from nowhere else: nobody waits for a network.
    bad "no such base image" "CannotPullContainerError" "nginx:1 is not among the base images of this machine" "$(register nginx:1)"
    check "$runtime, … with the way out" contains "$(head -10 "$work/report")" "make it with script/offline-images"
    check "$runtime, … within ten seconds" [ "$(sed -n '1s/.*FAILED after \([0-9]*\)\.[0-9]* s:.*/\1/p' "$work/report")" -lt 10 ]
    "$dodam" down --state "$state" >/dev/null
}

# A build FROM what is nowhere: the gate says no within ten seconds, by its workflow and by its script, with its name and the way out.
missing_base() { # missing_base RUNTIME IMAGE WHERE
    local app=$work/app-$1-$3 begun how
    cp -r "$checkout/fixtures/app" "$app"
    sed -i "s|^FROM [^ ]*|FROM $2|" "$app/backend/Dockerfile"
    git -C "$app" init -q && git -C "$app" add -A && git -C "$app" -c user.name=e2e -c user.email=e2e@localhost commit -qm "another base"
    for how in "" "--deploy deploy.sh"; do
        begun=$SECONDS
        (cd "$app" && "$dodam" gate --fresh --runtime "$1" $how) >"$work/gate" 2>&1
        check "$1, $3, gate $how: no" equals "$?" 1
        # Where a registry is waited for, the stack's own start, which takes long on a busy machine, does not count.
        if [ "$3" = nowhere ]; then check "$1, $3, gate $how: within ten seconds" [ $((SECONDS - begun)) -lt 10 ]
        else check "$1, $3, gate $how: ten seconds after the stack answers" awk '/^ .* up  /{ up = $1 + 0 } /^NO GO/{ said = $(NF - 1) + 0 } END { exit !(said && said - up < 10) }' "$work/gate"; fi
        check "$1, $3, gate $how: names the image" contains "$(grep ^cause "$work/gate")" "$2 is not "
        check "$1, $3, gate $how: and the way out" contains "$(grep -E '^(cause|next)' "$work/gate")" script/offline-images
        [ "$failures" -eq 0 ] || { echo "--- $1, $3, gate $how"; cat "$work/gate"; }
    done
}
# Where packets vanish: a port whose queue of connections is full drops every further SYN, and a name server says nothing.
coproc hole { exec python3 -c '
import socket, sys
full = socket.socket()
full.bind(("127.0.0.2", 0))
full.listen(0)
waiting = [socket.socket() for _ in range(2)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(full.getsockname())
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    names.bind(("127.0.0.2", 53))
    silent = "silent"
except OSError:
    silent = ""
print(full.getsockname()[1], silent, flush=True)
sys.stdin.read()'; }
read -r -u "${hole[0]}" swallowed silent

for runtime in process $(docker info >/dev/null 2>&1 && echo docker); do
    missing_base "$runtime" nginx:1 nowhere
    missing_base "$runtime" "127.0.0.2:$swallowed/nginx:1" "packets vanish"
done
# The builder here looks names up by itself; an engine has its own ways.
if [ -n "$silent" ] && unshare -m true 2>/dev/null; then
    echo "nameserver 127.0.0.2" >"$work/resolv.conf"
    export -f missing_base check equals contains
    export work dodam checkout checks
    check "process, a silent name server" unshare -m bash -c 'failures=0 && mount --bind "$work/resolv.conf" /etc/resolv.conf && missing_base process nginx:1 "names are not found" && [ "$failures" -eq 0 ]'
fi
all_of_them process
if docker info >/dev/null 2>&1; then all_of_them docker; else echo "docker: no engine answers here"; fi
finish
