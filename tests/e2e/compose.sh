#!/usr/bin/env bash
# docker-compose.yml alone: MariaDB, Redis and the emulator come up, the sample app is deployed into it from outside,
# its queries reach both servers, ports are bound to loopback only, and down leaves nothing.
. "$(dirname "$0")/lib.sh"
docker info >/dev/null 2>&1 || { echo "no Docker engine answers"; exit 77; }
if docker compose version >/dev/null 2>&1; then compose_tool=(docker compose)
elif command -v docker-compose >/dev/null; then compose_tool=(docker-compose)
else echo "Docker Compose is missing"; exit 77; fi
[ "$dodam" = "$checkout/build/release/dodam" ] || { echo "the image is made from build/release"; exit 77; }
DODAM_HOLDER=$(dirname "$dodam")/dodam-holder "$checkout/script/offline-images" 2>&1 | tail -3

# Ports of our own: the usual ones may be somebody's.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
project=dodame2e$$
cp -R "$checkout/fixtures/app" "$work/app"
DODAM_AWS_PORT=$(free_port) DODAM_HTTP_PORT=$(free_port) DODAM_HTTPS_PORT=$(free_port) DODAM_STACK=$work/app
export DODAM_AWS_PORT DODAM_HTTP_PORT DODAM_HTTPS_PORT DODAM_STACK COMPOSE_PROJECT_NAME=$project
endpoint=http://127.0.0.1:$DODAM_AWS_PORT viewer=http://127.0.0.1:$DODAM_HTTP_PORT
compose() { "${compose_tool[@]}" -f "$checkout/docker-compose.yml" "$@"; }
inside() { compose exec -T emulator "$@"; }
in_emulator() { inside dodam "$@" --state /state; }
status() { curl -s --max-time 5 "$endpoint/_dodam/v1/status" | jq -r ".$1"; }
left() {
    docker ps -a --filter "label=com.docker.compose.project=$project" --format 'container {{.Names}}'
    docker ps -a --filter "label=dodam.instance=$instance" --format 'container {{.Names}}'
    docker volume ls --filter "label=com.docker.compose.project=$project" --format 'volume {{.Name}}'
    docker network ls --filter "label=com.docker.compose.project=$project" --format 'network {{.Name}}'
}
instance=none
trap 'compose down -v --timeout 45 >/dev/null 2>&1; docker rmi "127.0.0.1:$DODAM_AWS_PORT/dodam-backend:one" >/dev/null 2>&1; cleanup' EXIT

check "the image is built" compose build emulator
check "up" compose up -d
answers() { for _ in $(seq 240); do [ "$(status phase)" = ready ] && return; sleep 0.5; done; compose logs emulator | tail -20; return 1; }
check "the emulator is ready" answers
check "status: runtime" contains "$(status runtime)" docker
check "status: database" contains "$(status database.detail)" "in Docker Compose"
check "status: cache" equals "$(status cache.state)" ready
check "status says the same inside" contains "$(in_emulator status)" "2/2 running"
check "an API call from outside" contains "$(aws ecs list-services --cluster dodam-cluster --output text)" dodam-backend
published() { docker ps --filter "label=com.docker.compose.project=$project" --format '{{.Ports}}' | tr ',' '\n' | sed 's/^ *//; /->/!d; s/:.*//' | sort -u; }
check "ports are bound to loopback only" equals "$(published)" 127.0.0.1
instance=$(docker ps --filter "label=dodam.task" --format '{{.Label "dodam.instance"}}' | sort -u | head -1)
check "tasks carry an id" test -n "$instance"

mkdir -p "$work/docker"
deploy() { (cd "$work/app" && AWS_ENDPOINT_URL=$endpoint AWS_CLI=/usr/bin/aws DOCKER_CONFIG=$work/docker DODAM="" IMAGE_TAG=one ./deploy.sh backend); }
check "docker build, push, deploy from outside" deploy
post() { # post PATH JSON: the status
    viewer_get d222222api0001.cloudfront.net "$1" -X POST -H 'content-type: application/json' -d "$2" -o "$work/answer" -w '%{http_code}'
}
check "registering" equals "$(post /auth/register '{"email":"e2e@example.com","password":"Correct-horse-9","name":"E2E","phone":"010-1234-5678"}')" 201
check "logging in" equals "$(post /auth/login '{"email":"e2e@example.com","password":"Correct-horse-9"}')" 200
sql() { compose exec -T mariadb mariadb --socket=/sockets/mariadb.sock -uroot -pdodam -N -e "$1" dodam; }
check "MariaDB has the user" contains "$(sql 'SELECT email FROM users')" e2e@example.com
check "Redis has the session" equals "$(compose exec -T redis redis-cli -s /sockets/redis.sock --user dodam-admin --pass dodam --no-auth-warning dbsize | tr -d '\r')" 1
check "the tap saw the query" contains "$(in_emulator trace)" "INSERT INTO"

# What the volumes keep: database, cache and the emulator's state.
check "a restart of the emulator" compose restart emulator
check "is ready again" answers
check "keeps the service's image" contains "$(in_emulator status)" "dodam-backend:"
check "and the database" contains "$(sql 'SELECT email FROM users')" e2e@example.com

# A killed emulator leaves its tasks; the next one removes them.
old=$(docker ps -aq --filter "label=dodam.instance=$instance")
check "there are tasks" test -n "$old"
check "kill -9" compose kill -s KILL emulator
check "up again" compose up -d
check "is ready once more" answers
still_there() { for id in $old; do docker inspect --format '{{.Name}}' "$id" 2>/dev/null; done; }
check "what the killed one left is gone" equals "$(still_there)" ""

check "down" compose down -v --timeout 45
check "down leaves nothing" equals "$(left)" ""
finish
