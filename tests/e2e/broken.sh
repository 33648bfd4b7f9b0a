#!/usr/bin/env bash
# Broken variants of the sample app, a small patch each: the gate turns red for the right reason, and its first ten
# lines hold the layer, the cause, the place and what to do next. `broken.sh NAME…` runs some;
# UPDATE=1 writes what was said to NAME.expected. Flags of the gate may stand in NAME.flags. Two of them run with the
# Docker runtime as well, where an engine answers; BROKEN_RUNTIMES names others ("process", "docker").
. "$(dirname "$0")/lib.sh"
home=$checkout/tests/e2e/broken
at_a_time=2 # a gate is a stack of its own
with_docker=(wrong-health-path stripped-authorization)
names=("$@")
[ ${#names[@]} -gt 0 ] || for patch in "$home"/*.patch; do names+=("$(basename "$patch" .patch)"); done
. "$checkout/script/lib.sh"
ensure_node || exit 3
runtimes=${BROKEN_RUNTIMES:-process docker}
case " $runtimes " in *" docker "*)
    if docker info >/dev/null 2>&1; then
        DODAM_HOLDER=$(dirname "$dodam")/dodam-holder "$checkout/script/offline-images" 2>"$work/images.log" || { tail -1 "$work/images.log"; exit 3; }
    else
        echo "skipped with the Docker runtime: no Docker engine answers"
        runtimes=${runtimes//docker/}
    fi
    ;;
esac
cases=() # RUNTIME/NAME
for runtime in $runtimes; do
    for name in "${names[@]}"; do
        [ "$runtime" = process ] || [ $# -gt 0 ] || case " ${with_docker[*]} " in *" $name "*) ;; *) continue ;; esac
        cases+=("$runtime/$name")
    done
done
mkdir "$work/process" "$work/docker"

# gate_of RUNTIME/NAME: the gate over a copy of the sample app with the patch; what it says in $work/RUNTIME/NAME.log, its exit
# code in NAME.code.
gate_of() {
    local runtime=${1%%/*} name=${1#*/} app flags
    app=$work/$runtime/app-$name
    flags=$(cat "$home/$name.flags" 2>/dev/null)
    cp -R "$checkout/fixtures/app" "$app"
    # shellcheck disable=SC2086
    (cd "$app" && git init -q -b main && git apply "$home/$name.patch" && git add -A &&
        git -c user.name=e2e -c user.email=e2e@localhost commit -q -m "$name" &&
        exec timeout 240 "$dodam" gate --runtime "$runtime" $flags) >"$work/$1.log" 2>&1
    echo $? >"$work/$1.code"
}
# The verdict's lines without what differs from run to run: times, ids, addresses.
said() {
    head -12 "$work/$1.log" | sed -n '/^NO GO/,/^$/{/^$/d;p}' | head -10 |
        sed -E 's/^NO GO  [0-9a-f]+ \(exit ([0-9]+), [0-9.]+ s\)/NO GO  COMMIT (exit \1)/; s/10\.[0-9]+\.[0-9]+\.[0-9]+/TASK/g; s/[0-9a-f]{32,}/ID/g'
}

printf '%s\n' "${cases[@]}" >"$work/cases"
export -f gate_of
export work home checkout dodam
begun=$SECONDS
xargs -P "$at_a_time" -I{} bash -c 'gate_of {}' <"$work/cases"
took=$((SECONDS - begun))
for one in "${cases[@]}"; do
    name=${one#*/}
    said "$one" >"$work/$one.said"
    [ -z "${UPDATE:-}" ] || cp "$work/$one.said" "$home/$name.expected"
    check "$one: the gate is red" test "$(cat "$work/$one.code")" -ne 0
    check "$one: it says layer, cause, place and next step in ten lines" equals "$(cat "$work/$one.said")" "$(cat "$home/$name.expected")"
done
echo "${#cases[@]} gates in $took s"
finish
