# Sourced by the end-to-end tests: the real binary in a directory of its own, the real CLI, checks that count.
set -uo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dodam=${DODAM_BINARY:-$checkout/build/release/dodam}
work=$(mktemp -d "${TMPDIR:-/tmp}/dodam-e2e.XXXXXX")
failures=0 checks=0
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 AWS_REGION=us-east-1 AWS_PAGER=""
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
unset DODAM_STATE

cleanup() {
    local directory
    for directory in "$work"/*/; do [ -e "$directory/instance.json" ] && "$dodam" down --state "$directory" >/dev/null 2>&1; done
    rm -rf "$work"
}
trap cleanup EXIT

# start_dodam NAME [FLAG…]: an instance in $work/NAME on free ports; sets $state, $endpoint, $viewer, $viewer_tls.
start_dodam() {
    state=$work/$1
    shift
    # Tests do not depend on whether an engine happens to run here.
    case " $* " in *" --runtime "*) ;; *) set -- --runtime process "$@" ;; esac
    "$dodam" up --state "$state" --aws-port 0 --http-port 0 --https-port 0 --detach "$@" >"$work/up.log" 2>&1 ||
        { echo "dodam up failed:"; cat "$work/up.log"; exit 1; }
    endpoint=$(field aws_endpoint) viewer=$(field viewer_endpoint) viewer_tls=$(field viewer_tls_endpoint)
}
field() { "$dodam" status --state "$state" --json | jq -r ".$1"; }
aws() { command /usr/bin/aws --endpoint-url "$endpoint" "$@"; }
viewer_get() { # viewer_get HOST PATH [CURL-FLAG…]
    local host=$1 path=$2
    shift 2
    curl -s --max-time 20 -H "Host: $host" "$@" "$viewer$path"
}

# need_placeholder: the one base image that every task of a test can run, from the binary that is tested.
need_placeholder() {
    placeholder=$work/images/dodam/placeholder/latest
    DODAM_IMAGES=$work/images DODAM_HOLDER=$(dirname "$dodam")/dodam-holder "$checkout/script/offline-images" dodam/placeholder 2>"$work/images.log" ||
        { tail -1 "$work/images.log"; exit 3; }
}
# push_image REPOSITORY TAG CONFIG-JSON [PROGRAM]: the placeholder's layers under another configuration, with a program as
# /probe; prints the digest.
push_image() { python3 "$checkout/tests/e2e/push_image.py" "$placeholder" "$1" "$2" "$3" "$endpoint" "$(aws ecr get-login-password)" "${@:4}"; }

# node_packages: Node and the packages of tests/e2e/package.json, installed once and again when the lock changes.
node_packages() {
    . "$checkout/script/lib.sh"
    ensure_node || exit 3
    local home=$checkout/tests/e2e
    cmp -s "$home/package-lock.json" "$home/node_modules/.lock" && return 0
    (cd "$home" && npm ci --silent --no-audit --no-fund && cp package-lock.json node_modules/.lock) || { echo "npm ci failed in $home"; exit 3; }
}

# check WHAT COMMAND…: the command must succeed.
check() {
    local what=$1
    shift
    checks=$((checks + 1))
    if "$@" >"$work/check.log" 2>&1; then return 0; fi
    failures=$((failures + 1))
    echo "FAILED: $what"
    echo "        $*"
    tail -20 "$work/check.log" | sed 's/^/        /'
}
equals() { [ "$1" = "$2" ] || { echo "expected: $2"; echo "got:      $1"; return 1; }; }
contains() { case $1 in *"$2"*) return 0 ;; *) echo "expected to contain: $2"; echo "got: $1"; return 1 ;; esac; }
# until_contains TEXT COMMAND…: asks again until it says so, at most some seconds.
until_contains() {
    local text=$1 out="" turn
    shift
    for turn in $(seq 200); do
        out=$("$@")
        case $out in *"$text"*) return 0 ;; esac
    done
    echo "expected at last: $text"
    echo "got: $out"
    return 1
}
finish() {
    echo "$checks checks, $failures failed"
    [ "$failures" -eq 0 ]
}
