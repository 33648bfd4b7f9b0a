#!/usr/bin/env bash
# Broken variants of the sample app, a small patch each: the gate turns red for the right reason, and its first ten
# lines hold the layer, the cause, the place and what to do next. `broken.sh NAME…` runs some;
# UPDATE=1 writes what was said to NAME.expected. Flags of the gate may stand in NAME.flags. BROKEN_RUNTIME=docker runs two
# of them on a Docker engine.
. "$(dirname "$0")/lib.sh"
home=$checkout/tests/e2e/broken
runtime=${BROKEN_RUNTIME:-process}
at_a_time=2 # a gate is a stack of its own
names=("$@")
[ ${#names[@]} -gt 0 ] || [ "$runtime" != docker ] || names=(wrong-health-path stripped-authorization)
[ ${#names[@]} -gt 0 ] || for patch in "$home"/*.patch; do names+=("$(basename "$patch" .patch)"); done
. "$checkout/script/lib.sh"
ensure_node || exit 3
if [ "$runtime" = docker ]; then
    docker info >/dev/null 2>&1 || { echo "no Docker engine answers"; exit 77; }
    DODAM_HOLDER=$(dirname "$dodam")/dodam-holder "$checkout/script/offline-images" 2>"$work/images.log" || { tail -1 "$work/images.log"; exit 3; }
fi

# gate_of NAME: the gate over a copy of the sample app with the patch; what it says in $work/NAME.log, its exit code in NAME.code.
gate_of() {
    local app=$work/app-$1 flags
    flags=$(cat "$home/$1.flags" 2>/dev/null)
    cp -R "$checkout/fixtures/app" "$app"
    # shellcheck disable=SC2086
    (cd "$app" && git init -q -b main && git apply "$home/$1.patch" && git add -A &&
        git -c user.name=e2e -c user.email=e2e@localhost commit -q -m "$1" &&
        exec timeout 240 "$dodam" gate --runtime "$runtime" $flags) >"$work/$1.log" 2>&1
    echo $? >"$work/$1.code"
}
# The verdict's lines without what differs from run to run: times, ids, addresses.
said() {
    head -12 "$work/$1.log" | sed -n '/^NO GO/,/^$/{/^$/d;p}' | head -10 |
        sed -E 's/^NO GO  [0-9a-f]+ \(exit ([0-9]+), [0-9.]+ s\)/NO GO  COMMIT (exit \1)/; s/10\.[0-9]+\.[0-9]+\.[0-9]+/TASK/g; s/[0-9a-f]{32,}/ID/g'
}

printf '%s\n' "${names[@]}" >"$work/names"
export -f gate_of
export work home checkout dodam runtime
begun=$SECONDS
xargs -P "$at_a_time" -I{} bash -c 'gate_of {}' <"$work/names"
took=$((SECONDS - begun))
for name in "${names[@]}"; do
    said "$name" >"$work/$name.said"
    [ -z "${UPDATE:-}" ] || cp "$work/$name.said" "$home/$name.expected"
    check "$name: the gate is red" test "$(cat "$work/$name.code")" -ne 0
    check "$name: it says layer, cause, place and next step in ten lines" equals "$(cat "$work/$name.said")" "$(cat "$home/$name.expected")"
done
echo "${#names[@]} gates in $took s"
finish
