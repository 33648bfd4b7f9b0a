#!/usr/bin/env bash
# The whole stack on a Docker engine: the sample app deployed with docker build and push, its database and cache as
# Compose services, queries seen by both, and nothing left behind: after down, after Ctrl-C, after kill -9.
. "$(dirname "$0")/lib.sh"
docker info >/dev/null 2>&1 || { echo "no Docker engine answers"; exit 77; }
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || { echo "Docker Compose is missing"; exit 77; }
DODAM_HOLDER=$(dirname "$dodam")/dodam-holder "$checkout/script/offline-images" 2>&1 | tail -3

cp -R "$checkout/fixtures/app" "$work/app"
app=$work/app/dodam.json

# What the engine holds of an instance; the names are for people.
left() {
    docker ps -a --filter "label=dodam.instance=$1" --format 'container {{.Names}}'
    docker ps -a --filter "label=com.docker.compose.project=dodam-$1" --format 'container {{.Names}}'
    docker volume ls --filter "label=com.docker.compose.project=dodam-$1" --format 'volume {{.Name}}'
    docker network ls --filter "label=com.docker.compose.project=dodam-$1" --format 'network {{.Name}}'
    docker images "dodam-$1" --format 'image {{.Repository}}:{{.Tag}}'
}
nothing_left() { equals "$(left "$1")" ""; }
credential() { curl -s -X POST -H "X-Dodam-Token: $(jq -r .token "$state/instance.json")" "$endpoint/_dodam/v1/credentials" | jq -r ".$1"; }
sql() { mariadb --protocol=socket --socket="$(credential sql.socket)" -u"$(credential sql.user)" -p"$(credential sql.password)" -N -e "$1" "$(credential sql.schema)" 2>&1; }
redis() { redis-cli -s "$(credential redis.socket)" --user "$(credential redis.user)" --pass "$(credential redis.password)" --no-auth-warning "$@"; }
stopped_by() { # stopped_by SIGNAL PID: and waits until it is gone
    kill "-$1" "$2"
    timeout 60 tail --pid="$2" -f /dev/null
}

# ---- which runtime, and why ----
check "auto starts" start_dodam auto --runtime auto
check "auto takes the engine" contains "$("$dodam" status --state "$state")" "(a Docker engine answers at "
DOCKER_HOST=unix://$work/none start_dodam none --runtime auto
check "auto without an engine" contains "$("$dodam" status --state "$state")" "runtime   process (no Docker engine answers at $work/none"
"$dodam" down --state "$state" >/dev/null
DOCKER_HOST=tcp://127.0.0.1:1 start_dodam far --runtime auto
check "auto with an engine elsewhere" contains "$("$dodam" status --state "$state")" "DOCKER_HOST is tcp://127.0.0.1:1"
"$dodam" down --state "$state" >/dev/null
"$dodam" down --state "$work/auto" >/dev/null

# ---- the sample app ----
start_dodam stack -f "$app" --runtime docker --backing compose --speed 20
id=$(field id)
status=$("$dodam" status --state "$state")
check "status: runtime" contains "$status" "runtime   docker "
check "status: database" contains "$(field database.detail)" "in Docker Compose"
check "status: service" contains "$status" "2/2 running"
check "an API call" contains "$(aws ecs list-services --cluster dodam-cluster --region ap-northeast-2 --output text)" dodam-backend
check "compose containers carry the id" contains "$(left "$id")" "mariadb"
check "nothing is published" equals "$(docker ps --filter "label=dodam.instance=$id" --format '{{.Ports}}' | tr -d '\n')" ""

mkdir -p "$work/docker"
deploy() {
    (cd "$work/app" && AWS_ENDPOINT_URL=$endpoint AWS_CLI=/usr/bin/aws DOCKER_CONFIG=$work/docker DODAM="" IMAGE_TAG=$1 ./deploy.sh backend)
}
check "docker build, push, deploy" deploy one
registry=${endpoint#http://}
# The id that docker gave the pushed manifest is what every task runs.
pushed=$(docker inspect --format '{{index .RepoDigests 0}}' "$registry/dodam-backend:one" | sed 's/.*@//')
running() { "$dodam" status --state "$state" --json | jq -r '[.services.backend.tasks[].digest] | unique | join(",")'; }
check "the digest pushed is the digest that runs" until_contains "$pushed" running
check "one digest runs" equals "$(running)" "$pushed"

post() { # post PATH JSON: the status
    viewer_get d222222api0001.cloudfront.net "$1" -X POST -H 'content-type: application/json' -d "$2" -o "$work/answer" -w '%{http_code}'
}
register() { post /auth/register '{"email":"e2e@example.com","password":"Correct-horse-9","name":"E2E","phone":"010-1234-5678"}'; }
login() { post /auth/login '{"email":"e2e@example.com","password":"Correct-horse-9"}'; }
check "registering" equals "$(register)" 201
check "logging in" equals "$(login)" 200
check "MariaDB in Compose has the user" contains "$(sql 'SELECT email FROM users')" "e2e@example.com"
check "Redis in Compose has a session" contains "$(redis dbsize)" "1"
check "the tap saw the query" contains "$("$dodam" trace --state "$state")" "INSERT INTO"
check "the log is here" contains "$("$dodam" logs --state "$state" | tail -50)" "ecs/backend/"

check "reset" "$dodam" reset --state "$state" database redis
check "the database is as at first" equals "$(sql 'SELECT COUNT(*) FROM users WHERE email = "e2e@example.com"')" 0
check "the cache is empty" equals "$(redis dbsize)" 0
check "registering again" equals "$(register)" 201

docker kill "$(docker ps -q --filter "label=com.docker.compose.project=dodam-$id" --filter label=com.docker.compose.service=mariadb)" >/dev/null
check "a database that is gone" contains "$("$dodam" status --state "$state")" "problem   the database in Docker Compose does not answer any more"

# ---- what a workflow builds in the engine goes with its stack; what somebody built by hand, and the build cache, stay ----
mkdir -p "$work/app/.github/workflows"
cat >"$work/app/.github/workflows/builds.yml" <<'YAML'
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: aws-actions/configure-aws-credentials@v4
        with: { aws-access-key-id: test, aws-secret-access-key: test, aws-region: ap-northeast-2 }
      - id: login
        uses: aws-actions/amazon-ecr-login@v2
      - env:
          IMAGE: ${{ steps.login.outputs.registry }}/dodam-backend
        run: |
          docker build -t "$IMAGE:flow" backend
          docker tag "$IMAGE:flow" "$IMAGE:again"
          docker push "$IMAGE:flow"
YAML
builds() { (cd "$work/app" && "$dodam" workflow run .github/workflows/builds.yml --verbose --state "$1") >"$work/builds.log" 2>&1 || { cat "$work/builds.log"; return 1; }; }
fails_to() { ! "$@"; }
named() { docker images --format '{{.Repository}}:{{.Tag}}' | grep "^$1/" | sort | tr '\n' ' '; }
check "a workflow builds" builds "$state"
check "two names for it" equals "$(named "$registry")" "$registry/dodam-backend:again $registry/dodam-backend:flow $registry/dodam-backend:one "

# ---- ends ----
"$dodam" down --state "$state" >"$work/down.log" 2>&1
check "down leaves nothing" nothing_left "$id"
check "nor what its workflow built" equals "$(named "$registry")" "$registry/dodam-backend:one "

: >"$work/up.log" # nothing of an earlier start is waited for
"$dodam" up --state "$state" -f "$app" --runtime docker --backing compose --aws-port 0 --http-port 0 --https-port 0 >"$work/up.log" 2>&1 &
pid=$!
check "up in the foreground" timeout 120 sh -c "tail -n +1 -f '$work/up.log' | grep -q -m1 '^ready '"
stopped_by INT "$pid"
check "Ctrl-C leaves nothing" nothing_left "$id"

: >"$work/up.log"
setsid "$dodam" up --state "$state" -f "$app" --runtime docker --backing compose --aws-port 0 --http-port 0 --https-port 0 >"$work/up.log" 2>&1 &
pid=$!
check "waiting for the servers" timeout 60 sh -c "tail -n +1 -f '$work/up.log' | grep -q -m1 '^backing '"
stopped_by INT "$pid"
check "Ctrl-C while it starts" contains "$(cat "$work/up.log")" "interrupted"
check "leaves nothing" nothing_left "$id"

start_dodam other --runtime docker -f "$app"
other=$(field id)
start_dodam stack -f "$app" --runtime docker --backing compose
check "a workflow builds again" builds "$state"
check "from the engine's cache" grep -qE "Using cache|CACHED" "$work/builds.log"
check "without installing anything again" fails_to grep -q "added .* packages" "$work/builds.log"
killed=${endpoint#http://}
stopped_by KILL "$(field pid)"
check "kill -9 leaves containers" contains "$(left "$id")" container
check "and what was built" contains "$(named "$killed")" ":flow"
check "another start, without engine and compose" "$dodam" up --state "$state" -f "$app" --runtime process --aws-port 0 --http-port 0 --https-port 0 --detach
check "removes what the killed one left" nothing_left "$id"
check "and had built" equals "$(named "$killed")" ""
check "and nothing of another instance" contains "$(left "$other")" container
"$dodam" down --state "$state" >/dev/null
state=$work/other
check "a workflow builds for the other" builds "$state"
lost=$(field aws_endpoint)
stopped_by KILL "$(field pid)"
start_dodam third --runtime docker -f "$app"
check "and for a third" builds "$state"
check "which removes what a killed stack left that never starts again" equals "$(named "${lost#http://}")" ""
check "and keeps its own" contains "$(named "${endpoint#http://}")" ":flow"
"$dodam" down --state "$state" >/dev/null
start_dodam other --runtime docker -f "$app"
"$dodam" down --state "$work/other" >/dev/null
check "the other leaves nothing" nothing_left "$other"
docker rmi "$registry/dodam-backend:one" >/dev/null 2>&1
finish
