#!/usr/bin/env bash
# What goes wrong around a start: one clear sentence, the exit code of its cause, and nothing lost.
. "$(dirname "$0")/lib.sh"

# fails CODE TEXT COMMAND…: exits with CODE and says TEXT.
fails() {
    local code=$1 text=$2 out got
    shift 2
    out=$("$@" 2>&1)
    got=$?
    [ "$got" -eq "$code" ] || { echo "exit $got, expected $code: $out"; return 1; }
    contains "$out" "$text"
}
up() { "$dodam" up --state "$work/$1" --aws-port 0 --http-port 0 --https-port 0 "${@:2}"; }
snapshot() { find "$1" -type f ! -name '*.log' ! -name 'state.db*' -exec sha256sum {} + 2>/dev/null | sort; }

# A wrong stack file, told with its place; nothing is started.
printf '{ "version": 1,\n  "bukets": {} }\n' >"$work/wrong.json"
check "a wrong stack file" fails 2 'wrong.json:2:3: error: the file has no key "bukets"' up a -f "$work/wrong.json"
check "… says what was meant" fails 2 'did you mean "buckets"?' up a -f "$work/wrong.json"
check "a stack file that is not there" fails 2 "cannot read" up a -f "$work/absent.json"

# A port in use.
start_dodam first
port=${endpoint##*:}
check "a port in use" fails 3 "choose another port with --aws-port" "$dodam" up --state "$work/b" --aws-port "$port" --http-port 0 --https-port 0
check "the same state directory twice" fails 3 "already running" up first
check "… leaves the running one alone" equals "$(field phase)" ready
pid=$(field pid)
"$dodam" down --state "$state" >/dev/null
check "… and down ends it" timeout 10 tail --pid="$pid" -f /dev/null

# A newer format is refused and left as it is.
mkdir -p "$work/newer" && echo 99 >"$work/newer/FORMAT"
before=$(snapshot "$work/newer")
check "a newer format" fails 3 "newer dodam" up newer
check "… is left alone" equals "$(cat "$work/newer/FORMAT")" 99

# An init script with an error: its line, exit 2.
mkdir -p "$work/app" && printf 'CREATE TABLE a (id INT);\nCREATE TABEL b (id INT);\n' >"$work/app/init.sql"
cat >"$work/app/dodam.json" <<'J'
{ "version": 1, "secrets": { "P": { "config": { "Name": "p" } } },
  "database": { "host": "db.example.com", "schema": "shop", "user": "app", "password": "${secrets.P.value}", "init": "init.sql" } }
J
check "an init script with an error" fails 2 "init.sql:2: MariaDB 1064" up db -f "$work/app/dodam.json"
printf 'CREATE TABLE a (id INT);\n' >"$work/app/init.sql"
start_dodam db -f "$work/app/dodam.json"
check "… starts once it is corrected" equals "$(field database.state)" ready

# A missing package: what is not there, and the command that brings it. (Its program is covered in a mount
# namespace of our own.)
without() { unshare -m sh -c 'mount --bind /dev/null "$1" && shift && exec "$@"' - "$@"; }
for program in /usr/sbin/mariadbd /usr/bin/redis-check-rdb; do
    [ "$(id -u)" -eq 0 ] || break
    case $program in */mariadbd) package=mariadb-server-core ;; *) package=redis-tools ;; esac
    [ "$program" = /usr/bin/redis-check-rdb ] && [ -x /usr/bin/redis-server ] && continue
    check "without $program" fails 3 "apt-get install $package" without "$program" "$dodam" up --state "$work/bare" -f "$checkout/fixtures/app/dodam.json" \
        --runtime process --aws-port 0 --http-port 0 --https-port 0
done

# A dead database is told by status.
pkill -KILL -f "datadir=$state/db/data"
check "a dead database" until_contains "the database died" field 'problems[0]'
"$dodam" down --state "$state" >/dev/null

# A full disk: the write fails with a clear error, what was there stays.
if [ "$(id -u)" -eq 0 ] && mkdir -p "$work/small" && mount -t tmpfs -o size=16m tmpfs "$work/small" 2>/dev/null; then
    state=$work/small/state
    "$dodam" up --state "$state" --aws-port 0 --http-port 0 --https-port 0 --detach >/dev/null
    endpoint=$(field aws_endpoint)
    aws s3 mb s3://bucket >/dev/null
    head -c 1000000 /dev/urandom >"$work/one" && head -c 30000000 /dev/urandom >"$work/large"
    aws s3 cp --quiet "$work/one" s3://bucket/one
    check "a full disk refuses the object" bash -c "! /usr/bin/aws --endpoint-url $endpoint s3 cp --quiet '$work/large' s3://bucket/large 2>/dev/null"
    check "… and keeps what was there" equals "$(aws s3 cp --quiet s3://bucket/one - | sha256sum)" "$(sha256sum <"$work/one")"
    check "… and no half object" equals "$(aws s3 ls s3://bucket/ | wc -l)" 1
    "$dodam" down --state "$state" >/dev/null
    umount "$work/small"
fi

# kill -9: what was acknowledged is there after the next start.
start_dodam killed
aws s3 mb s3://kept >/dev/null && echo hello | aws s3 cp --quiet - s3://kept/a
kill -9 "$(field pid)"
start_dodam killed
check "kill -9 loses nothing" equals "$(aws s3 cp --quiet s3://kept/a -)" hello

# A Dockerfile line that is outside the subset.
mkdir -p "$work/image" && printf 'FROM node:20-slim\nONBUILD RUN true\n' >"$work/image/Dockerfile"
check "a Dockerfile line we cannot build" fails 2 "Dockerfile:2:" "$dodam" image build -t x:1 "$work/image"
printf 'FROM nosuchimage:9\n' >"$work/image/Dockerfile"
check "a missing base image" fails 2 "nosuchimage" "$dodam" image build -t x:1 "$work/image"

check "an unknown command" fails 2 'did you mean "status"?' "$dodam" statsu
finish
