#!/usr/bin/env bash
# A Docker engine that is slow, or killed in the middle of a deploy and started again. With an engine of its own: nobody
# else's is killed.
. "$(dirname "$0")/deploy_lib.sh"
[ "$(id -u)" -eq 0 ] && command -v dockerd >/dev/null || { echo "no engine of our own: dockerd or root is missing"; exit 77; }

engine_pid=
start_engine() {
    # No bridge and no rules: tasks have no network of the engine's, and the host's stay as they are.
    dockerd --data-root "$work/engine/data" --exec-root "$work/engine/exec" --pidfile "$work/engine/pid" -H "unix://$work/engine.sock" \
        --bridge none --iptables=false --ip6tables=false >>"$work/engine.log" 2>&1 &
    engine_pid=$!
    local turn
    for turn in $(seq 300); do
        docker -H "unix://$work/engine.sock" info >/dev/null 2>&1 && return 0
        [ -e "/proc/$engine_pid" ] || break
        sleep 0.1
    done
    return 1
}
stop_engine() {
    [ -n "$engine_pid" ] && kill "$engine_pid" 2>/dev/null && timeout 30 tail --pid="$engine_pid" -f /dev/null
    local pid
    pid=$(cat "$work/engine/exec/containerd/containerd.pid" 2>/dev/null) && kill -9 "$pid" 2>/dev/null
    pkill -9 -f "containerd-shim.*$work/engine/" 2>/dev/null   # those of the engine that was killed
    # What still holds on to the engine's directories.
    awk -v at="$work/engine/" 'index($2, at) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r -n1 umount -l
    true
}
trap 'cleanup_instances; stop_engine; cleanup' EXIT
cleanup_instances() { local d; for d in "$work"/*/; do [ -e "$d/instance.json" ] && "$dodam" down --state "$d" >/dev/null 2>&1; done; true; }
mkdir -p "$work/engine"
start_engine || { tail -5 "$work/engine.log"; echo "the engine does not start here"; exit 77; }

small_stack "$work/dodam.json"
host=dsite.cloudfront.net
engine() { docker -H "unix://$work/engine.sock" "$@"; }
containers() { engine ps -aq --filter "label=dodam.instance=$id" 2>/dev/null | wc -l; }

# ---- an engine that takes its time ----
python3 - "$work/engine.sock" "$work/slow.sock" <<'PY' &
import os, socket, sys, threading, time
def pump(a, b, wait):
    try:
        while data := a.recv(65536):
            time.sleep(wait)
            b.sendall(data)
    except OSError: pass
    for one in (a, b):
        try: one.shutdown(socket.SHUT_RDWR)
        except OSError: pass
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[2])
server.listen(64)
parent = os.getppid()
server.settimeout(1)
while os.getppid() == parent:
    try: client, _ = server.accept()
    except TimeoutError: continue
    client.settimeout(None)
    engine = socket.socket(socket.AF_UNIX)
    engine.connect(sys.argv[1])
    for a, b, wait in ((client, engine, 0.25), (engine, client, 0)): threading.Thread(target=pump, args=(a, b, wait), daemon=True).start()
PY
until [ -S "$work/slow.sock" ]; do sleep 0.05; done
export DOCKER_HOST=unix://$work/slow.sock
start_dodam slow -f "$work/dodam.json" --speed 20 --runtime docker
registry=${endpoint#http://}
push_image web good "$good" >/dev/null
deploy() { aws ecs update-service --cluster demo --service web --task-definition "$1" >/dev/null; }
deploy "$(register "$registry/web:good")"
check "with a slow engine a deploy arrives" report web
steady "$host" /health 50 "$work/load" &
loader=$!
aws ecs update-service --cluster demo --service web --force-new-deployment >/dev/null
check "and the next one" report web
touch "$work/load.stop"
wait "$loader"
check "no request failed meanwhile" equals "$(sed 's/: [0-9]*}/}/' "$work/load")" "{200}"
"$dodam" down --state "$state" >/dev/null

# ---- an engine that dies in a deploy ----
export DOCKER_HOST=unix://$work/engine.sock
start_dodam dying -f "$work/dodam.json" --speed 20 --runtime docker
registry=${endpoint#http://} id=$(field id)
push_image web good "$good" >/dev/null
deploy "$(register "$registry/web:good")"
check "a version runs" report web
check "in two tasks of two containers" equals "$(containers)" 4
aws ecs update-service --cluster demo --service web --force-new-deployment >/dev/null
kill -9 "$engine_pid"
timeout 10 tail --pid="$engine_pid" -f /dev/null
until_contains 1 service 'deployments[?failedTasks > `0`] | length(@)' >/dev/null
check "the emulator lives on" equals "$(field phase)" ready
check "and the event says what is missing" contains "$(aws ecs describe-tasks --cluster demo --tasks $(aws ecs list-tasks --cluster demo --desired-status STOPPED --query taskArns --output text) --query 'tasks[].stoppedReason' --output text)" "engine"
check "the engine is started again" start_engine
check "the service comes back" timeout 120 bash -c "until [ \"\$('$dodam' status --state '$state' --json | jq -r .services.web.steady)\" = true ]; do sleep 0.3; done"
check "and answers" equals "$(viewer_get "$host" /health)" ok
four() { [ "$(containers)" -eq 4 ] && echo four; }
check "nothing of the former tasks is left in the engine: $(containers) containers" until_contains four four
"$dodam" down --state "$state" >/dev/null
check "after down nothing is" equals "$(containers)" 0
[ "$failures" -eq 0 ] || tail -5 "$work/engine.log"
finish
