#!/usr/bin/env bash
# dodam exec: programs in running containers, with pipes and with a terminal, as the image's user; and what
# ExecuteCommand answers. RUNTIME=docker runs it on an engine.
. "$(dirname "$0")/lib.sh"
runtime=${RUNTIME:-process}

"$checkout/script/offline-images" debian:bookworm-slim >"$work/images.log" 2>&1 || { tail -3 "$work/images.log"; exit 3; }
start_dodam exec --runtime "$runtime" --speed 20
registry=${endpoint#http://}
run() { "$dodam" exec --state "$state" "$@" </dev/null; }
exit_code() { "$@" >/dev/null 2>&1; echo $?; }

mkdir "$work/image"
cat >"$work/image/Dockerfile" <<'DOCKERFILE'
FROM debian:bookworm-slim
RUN useradd --create-home --uid 1234 app
USER app
WORKDIR /home/app
ENV GREETING=hello
CMD ["sleep", "1000"]
DOCKERFILE
aws ecr create-repository --repository-name box >/dev/null
check "the image is built" "$dodam" image build -t "$registry/box:1" "$work/image"
check "and pushed" "$dodam" image push --state "$state" "$registry/box:1"
aws ecs create-cluster --cluster-name demo >/dev/null
aws ecs register-task-definition --cli-input-json "{\"family\":\"box\",\"networkMode\":\"awsvpc\",\"requiresCompatibilities\":[\"FARGATE\"],\"cpu\":\"256\",
  \"memory\":\"512\",\"executionRoleArn\":\"arn:aws:iam::000000000000:role/execution\",\"containerDefinitions\":[
  {\"name\":\"app\",\"image\":\"$registry/box:1\",\"stopTimeout\":2},
  {\"name\":\"side\",\"image\":\"$registry/box:1\",\"stopTimeout\":2,\"user\":\"root\",\"essential\":false}]}" >/dev/null
network='awsvpcConfiguration={subnets=[subnet-1]}'
aws ecs create-service --cluster demo --service-name box --task-definition box --desired-count 1 --launch-type FARGATE \
    --network-configuration "$network" --enable-execute-command >/dev/null
check "the service is stable" aws ecs wait services-stable --cluster demo --services box
task=$(aws ecs list-tasks --cluster demo --service-name box --query 'taskArns[0]' --output text)

# ---- pipes ----
check "a program of the container runs, as the image's user" equals "$(run box -c app -- id -un)" app
check "in its directory, with its environment" equals "$(run box -c app -- sh -c 'echo $PWD $GREETING')" "/home/app hello"
check "a container with another user is another user" equals "$(run box -c side -- id -u)" 0
check "the only service need not be named" equals "$(run -c app -- echo here)" here
check "a task is named by the beginning of its id" equals "$(id=${task##*/}; run "${id:0:8}" -c app -- echo there)" there
check "the exit code is the program's" equals "$(exit_code run box -c app -- sh -c 'exit 42')" 42
check "a signal's too" equals "$(exit_code run box -c app -- sh -c 'kill -9 $$')" 137
check "both outputs stay apart" equals "$(run box -c app -- sh -c 'echo out; echo err >&2' 2>/dev/null)" out
check "input goes through, to its end" equals "$(seq 100000 | "$dodam" exec --state "$state" box -c app -- sh -c 'sort -n | tail -1')" 100000
head -c 3000000 /dev/urandom >"$work/bytes"
check "bytes stay as they are" cmp <("$dodam" exec --state "$state" box -c app -- cat <"$work/bytes") "$work/bytes"
check "without a terminal there is none" equals "$(run box -c app -- sh -c 'test -t 0 || echo none')" none

# ---- what a task reads of itself ----
# ECS guide, "Task metadata endpoint version 4": Docker's statistics of each container, under its DockerId.
fetch='exec 3<>/dev/tcp/169.254.170.2/80
printf "GET %s%s HTTP/1.0\r\n\r\n" "${ECS_CONTAINER_METADATA_URI_V4#http://169.254.170.2}" "$0" >&3
sed "1,/^\r\$/d" <&3'
metadata() { run box -c app -- bash -c "$fetch" "$1"; }
used() {
    metadata /task/stats | jq -c '[.[] | .memory_stats.usage > 0 and .memory_stats.limit == 536870912
        and .cpu_stats.cpu_usage.total_usage > 0 and .cpu_stats.system_cpu_usage > .precpu_stats.system_cpu_usage
        and .pids_stats.current >= 1 and .networks.eth0.rx_bytes > 0 and .network_rate_stats.rx_bytes_per_sec >= 0]'
}
check "a task reads what its containers use" until_contains "[true,true]" used
check "under the ids that it knows" equals "$(metadata /task/stats | jq -c 'keys')" "$(metadata /task | jq -c '[.Containers[].DockerId] | sort')"
check "a container reads its own" equals "$(metadata /stats | jq -r .id)" "$(metadata "" | jq -r .DockerId)"

# ---- what goes wrong ----
check "a program that is not there" contains "$(run box -c app -- nothere 2>&1)" nothere
check "several containers need a name" contains "$(run box -- true 2>&1)" "the task runs app, side; choose one with -c"
check "an unknown container" contains "$(run box -c nope -- true 2>&1)" "runs no container nope"
check "an unknown service, with the nearest" contains "$(run bix -c app -- true 2>&1)" "did you mean box?"
check "that is exit code 2" equals "$(exit_code run bix -c app -- true)" 2
check "no program" contains "$(run box 2>&1)" "name the program after --"
check "the token is needed" equals "$(curl -s -o /dev/null -w '%{http_code}' -X POST -H 'Upgrade: dodam-exec' -H 'Connection: Upgrade' -d '{}' "$endpoint/_dodam/v1/exec")" 403

# ---- a terminal ----
cat >"$work/terminal.py" <<'PY'
# What somebody types and sees, and the size of his window.
import fcntl, os, pty, select, signal, struct, sys, termios, time
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b''
def size(rows, columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
def until(text):
    global seen
    end = time.monotonic() + 20
    while text not in seen:
        if time.monotonic() > end or not select.select([master], [], [], 20)[0]:
            sys.exit(f'never saw {text!r}: {seen!r}')
        seen += os.read(master, 65536)
    seen = seen[seen.index(text) + len(text):]
def type_in(text): os.write(master, text)
size(33, 101)
def command(text, *answers):  # at a prompt, up to the next
    type_in(text + b'\r')
    for answer in answers + (b'$ ',): until(answer)
until(b'$ ')
command(b'stty size; tty', b'\r\n33 101\r\n/dev/pts/')
size(20, 55); os.kill(pid, signal.SIGWINCH)
command(b'id -un', b'app\r\n')
command(b'stty size', b'20 55\r\n')
type_in(b'cat\r'); type_in(b'twice\r'); until(b'twice\r\n'); until(b'twice\r\n')  # the echo, and what cat makes of it
type_in(b'\x03'); until(b'$ ')
command(b'echo "in""terrupted"', b'interrupted\r\n')
type_in(b'exit 7\r')
try:
    while os.read(master, 65536): pass
except OSError: pass
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
check "a shell in a terminal: its size, a resize, Ctrl-C, its exit code" equals \
    "$(PS1='$ ' TERM=dumb timeout 100 python3 "$work/terminal.py" "$dodam" exec --state "$state" box -c app -- sh 2>&1 | tail -1)" 7
check "under script(1)" contains "$(SHELL=/bin/sh timeout 60 script -qec "$dodam exec --state $state box -c app -- sh -c 'test -t 0 && test -t 1 && echo a terminal'" /dev/null </dev/null | tr -d '\r')" "a terminal"

# ---- nothing is left ----
timeout 1 "$dodam" exec --state "$state" box -c app -- sleep 4321 </dev/null
check "who hangs up ends the program" until_contains none run box -c app -- sh -c 'grep -lzx "432[1]" /proc/[0-9]*/cmdline 2>/dev/null || echo none'
check "the container goes on" equals "$(run box -c app -- echo on)" on

# ---- ExecuteCommand ----
api() { # the API's own answer: the CLI starts a plugin
    curl -s -H 'X-Amz-Target: AmazonEC2ContainerServiceV20141113.ExecuteCommand' -H 'Content-Type: application/x-amz-json-1.1' \
        --user test:test --aws-sigv4 aws:amz:us-east-1:ecs -d "$1" "$endpoint/"
}
session=$(api "{\"cluster\":\"demo\",\"task\":\"$task\",\"container\":\"app\",\"command\":\"sh\",\"interactive\":true}")
check "a session has an id, a stream and a token" contains "$(jq -r '.session | keys | join(",")' <<<"$session")" sessionId,streamUrl,tokenValue
plain=$(aws ecs run-task --cluster demo --task-definition box --launch-type FARGATE --network-configuration "$network" --query 'tasks[0].taskArn' --output text)
check "a task that was not run for it" contains "$(api "{\"cluster\":\"demo\",\"task\":\"$plain\",\"container\":\"app\",\"command\":\"sh\",\"interactive\":true}")" "execute command was not enabled when the task was run"
finish
