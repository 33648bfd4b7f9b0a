#!/usr/bin/env bash
# Faults of a deploy that are nobody's image: a task and the emulator are killed, the host has no port left, and fifty
# deploys in a row leave nothing behind.
. "$(dirname "$0")/deploy_lib.sh"

small_stack "$work/dodam.json"
host=dsite.cloudfront.net

# descendants PID: every process below it, with its command.
descendants() {
    ps -eo pid=,ppid=,args= | awk -v root="$1" '{ pid[NR] = $1; parent[NR] = $2; line[NR] = $0 } END {
        below[root] = 1
        do { more = 0; for (i = 1; i <= NR; i++) if (parent[i] in below && !(pid[i] in below)) { below[pid[i]] = 1; more = 1 } } while (more)
        for (i = 1; i <= NR; i++) if (pid[i] in below && pid[i] != root) print line[i] }'
}
programs() { descendants "$1" | awk '$3 == "/placeholder" { print $1 }'; }
alive() { local pid; for pid in "$@"; do [ -e "/proc/$pid/status" ] && ! grep -q '^State:.Z' "/proc/$pid/status" && echo "$pid"; done; true; }
# What an instance has on this machine beside its processes, by the id of its instance and its state directory.
mounts_of() { cat /proc/[0-9]*/mounts 2>/dev/null | grep -c "$1"; true; }
cgroups_of() { find /sys/fs/cgroup -type d -name "*$1*" 2>/dev/null | wc -l; }
sockets_of() { find "/run/dodam/$1" "${XDG_RUNTIME_DIR:-/run}/dodam/$1" -type s 2>/dev/null | sort -u | wc -l; }
tasks() { "$dodam" status --state "$state" --json | jq -r '.services.web.tasks[].id' | sort; }
stable() { aws ecs wait services-stable --cluster demo --services web; }

# ---- kill -9 of a task's program ----
start_dodam killed -f "$work/dodam.json" --speed 20
registry=${endpoint#http://}
push_image web good "$good" >/dev/null
aws ecs update-service --cluster demo --service web --task-definition "$(register "$registry/web:good")" >/dev/null
check "a version runs" report web
emulator=$(field pid) id=$(field id)
before=$(tasks)
victim=$(programs "$emulator" | head -1)
kill -9 "$victim"
replaced() { [ "$(tasks | wc -l)" -eq 2 ] && [ "$(tasks)" != "$before" ] && echo replaced; }
check "a killed task is replaced" until_contains replaced replaced
gone=$(comm -23 <(echo "$before") <(tasks) | head -1)
stopped() { aws ecs describe-tasks --cluster demo --tasks "$gone" --query "tasks[0].$1" --output text; }
check "… its reason is told" equals "$(stopped stopCode) $(stopped stoppedReason)" "EssentialContainerExited Essential container in task exited"
check "… and its exit code" equals "$(stopped 'containers[0].exitCode')" 137
check "… by an event, too" contains "$(service 'events[].message')" "has started 1 tasks: (task "
check "… and no rollout is undone by it" equals "$(service 'deployments[0].rolloutState')" COMPLETED
check "the service is stable again" stable
check "and answers" equals "$(viewer_get "$host" /health)" ok

# ---- kill -9 of the emulator, within a deploy ----
aws ecs update-service --cluster demo --service web --force-new-deployment >/dev/null
before=$(tasks)
mapfile -t below < <(descendants "$emulator" | awk '{ print $1 }')
kill -9 "$emulator"
timeout 10 tail --pid="$emulator" -f /dev/null
start_dodam killed -f "$work/dodam.json" --speed 20
# A namespace lives as long as a process in it, or a mount of it: both are looked for.
check "after kill -9 no process of the former run lives" equals "$(alive "${below[@]}" | wc -l)" 0
check "… the service comes back" stable
check "… with tasks that are new" equals "$(comm -12 <(echo "$before") <(tasks) | wc -l)" 0
check "… and no more of them than are wanted" equals "$(programs "$(field pid)" | wc -l)" 2
check "… which answer" equals "$(viewer_get "$host" /health)" ok
targets() { aws elbv2 describe-target-health --target-group-arn "$(aws elbv2 describe-target-groups --names web --query 'TargetGroups[0].TargetGroupArn' --output text)" --query 'TargetHealthDescriptions[].TargetHealth.State' --output text; }
check "… and are the only targets" equals "$(targets)" "healthy	healthy"
emulator=$(field pid)
mapfile -t below < <(descendants "$emulator" | awk '{ print $1 }')
"$dodam" down --state "$state" >/dev/null
timeout 10 tail --pid="$emulator" -f /dev/null
left() { echo "processes $(alive "${below[@]}" | wc -l) mounts $(mounts_of "$id") $(mounts_of "$state") cgroups $(cgroups_of "$id") sockets $(sockets_of "$id")"; }
check "after down nothing is left" equals "$(left)" "processes 0 mounts 0 0 cgroups 0 sockets 0"

# ---- the same, with tasks in a Docker engine ----
in_engine() {
    local emulator id before victim
    start_dodam engine -f "$work/dodam.json" --speed 20 --runtime docker
    registry=${endpoint#http://} emulator=$(field pid) id=$(field id)
    containers() { docker ps -aq --no-trunc --filter "label=dodam.instance=$1" | sort; }
    push_image web good "$good" >/dev/null
    aws ecs update-service --cluster demo --service web --task-definition "$(register "$registry/web:good")" >/dev/null
    check "docker: a version runs" report web
    check "docker: in two tasks of two containers" equals "$(containers "$id" | wc -l)" 4

    before=$(tasks)
    victim=$(docker ps -q --filter "label=dodam.task=$(head -1 <<<"$before")" | while read -r one; do
        docker inspect --format '{{.State.Pid}} {{.Path}}' "$one"; done | awk '$2 == "/placeholder" { print $1 }')
    check "docker: the task's program is found" [ -n "$victim" ]
    [ -n "$victim" ] && kill -9 "$victim"
    check "docker: a killed task is replaced" until_contains replaced replaced
    gone=$(comm -23 <(echo "$before") <(tasks) | head -1)
    check "docker: … its reason is told" equals "$(stopped stopCode) $(stopped stoppedReason)" "EssentialContainerExited Essential container in task exited"
    check "docker: … and its exit code" equals "$(stopped 'containers[0].exitCode')" 137
    check "docker: the service is stable again" stable
    check "docker: and answers" equals "$(viewer_get "$host" /health)" ok

    aws ecs update-service --cluster demo --service web --force-new-deployment >/dev/null
    before=$(tasks)
    kill -9 "$emulator"
    timeout 10 tail --pid="$emulator" -f /dev/null
    former=$(containers "$id")
    check "docker: kill -9 of the emulator leaves containers" [ -n "$former" ]
    start_dodam engine -f "$work/dodam.json" --speed 20 --runtime docker
    check "docker: … it is the same instance" equals "$(field id)" "$id"
    check "docker: … the next start removes them all" equals "$(comm -12 <(echo "$former") <(containers "$id") | wc -l)" 0
    check "docker: … the service comes back" stable
    check "docker: … with tasks that are new" equals "$(comm -12 <(echo "$before") <(tasks) | wc -l)" 0
    four() { [ "$(containers "$id" | wc -l)" -eq 4 ] && echo four; }
    check "docker: … and no more containers than are wanted" until_contains four four
    check "docker: … which answer" equals "$(viewer_get "$host" /health)" ok
    check "docker: … and are the only targets" equals "$(targets)" "healthy	healthy"
    "$dodam" down --state "$state" >/dev/null
    check "docker: after down nothing is left" equals "$(containers "$id" | wc -l)" 0
}
if docker info >/dev/null 2>&1; then in_engine; else echo "docker: no engine answers here"; fi

# ---- fifty deploys in a row ----
start_dodam fifty -f "$work/dodam.json" --speed 200
registry=${endpoint#http://}
push_image web good "$good" >/dev/null
aws ecs update-service --cluster demo --service web --task-definition "$(register "$registry/web:good")" >/dev/null
check "a version runs" report web
emulator=$(field pid)
deploys() { # deploys COUNT: one after the other; each must complete
    python3 - "$endpoint" "$1" <<'PY'
import json, subprocess, sys, time
endpoint, count = sys.argv[1], int(sys.argv[2])
def call(operation, **input):  # curl signs, and starts in a tenth of the CLI's time
    return json.loads(subprocess.run(['curl', '-sf', '--max-time', '20', '--aws-sigv4', 'aws:amz:us-east-1:ecs', '--user', 'test:test', '-d', json.dumps(input),
        '-H', 'Content-Type: application/x-amz-json-1.1', '-H', 'X-Amz-Target: AmazonEC2ContainerServiceV20141113.' + operation, endpoint + '/'], check=True, capture_output=True).stdout)
for turn in range(count):
    call('UpdateService', cluster='demo', service='web', forceNewDeployment=True)
    until = time.time() + 30
    while True:
        deployments = call('DescribeServices', cluster='demo', services=['web'])['services'][0]['deployments']
        if len(deployments) == 1 and deployments[0]['rolloutState'] == 'COMPLETED': break
        if time.time() > until: sys.exit(f'deploy {turn + 1} is not complete: {deployments}')
        time.sleep(0.02)
PY
}
# Counts: descriptors, threads, processes below, mounts they see, directories and sockets of the run, cgroups.
counts() {
    echo "descriptors $(ls "/proc/$emulator/fd" | wc -l) threads $(ls "/proc/$emulator/task" | wc -l)" \
        "processes $(descendants "$emulator" | wc -l) mounts $(wc -l <"/proc/$emulator/mounts")" \
        "directories $(find "$state" "/run/dodam/$(field id)" -type d | grep -vc /blobs/) sockets $(sockets_of "$(field id)") cgroups $(cgroups_of "$(field id)")"
}
# Once what ended has been put away.
settled_counts() { local turn a b; for turn in $(seq 50); do a=$(counts); sleep 0.1; b=$(counts); [ "$a" = "$b" ] && break; done; echo "$b"; }
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$emulator/status"; }
check "ten deploys to warm up" deploys 10
before=$(settled_counts) rss=$(resident) begun=$(date +%s)
check "fifty deploys in a row" deploys 50
took=$(($(date +%s) - begun)) after=$(settled_counts) grown=$(($(resident) - rss))
# no_more AFTER BEFORE: of nothing there is more than before; what was on its way out then may be gone.
no_more() { paste <(tr ' ' '\n' <<<"$1") <(tr ' ' '\n' <<<"$2") | awk '$1 ~ /^[0-9]+$/ && $1 > $2 { more = 1 } END { exit more }' || { echo "before: $2"; echo "after:  $1"; return 1; }; }
check "fifty deploys leave nothing behind" no_more "$after" "$before"
check "and the emulator has not grown: $grown KiB" [ "$grown" -lt 12288 ]
check "in less than three minutes: $took s" [ "$took" -lt 180 ]
echo "fifty deploys: $took s, resident $rss KiB + $grown KiB; $after"

# ---- no port left ----
if [ "$(id -u)" -eq 0 ] && unshare -n true 2>/dev/null; then
    check "a host without a free port, and then with some" unshare -n bash -c "
        ip link set lo up
        exec bash '$checkout/tests/e2e/no_ports.bash' '$dodam' '$work'"
fi
finish
