#!/usr/bin/env bash
# Before a push: the hook in git repositories as they are found (harness.md §4.4), real pushes to a bare remote that it
# refuses or lets through, what is remembered, and the shards of a gate as one report (§4.5).
. "$(dirname "$0")/lib.sh"
. "$checkout/script/lib.sh"
ensure_node || exit 3
export GIT_AUTHOR_NAME=e2e GIT_AUTHOR_EMAIL=e2e@localhost GIT_COMMITTER_NAME=e2e GIT_COMMITTER_EMAIL=e2e@localhost
export GIT_CONFIG_GLOBAL=$work/gitconfig GIT_CONFIG_NOSYSTEM=1
export TMPDIR=$work/tmp # worlds are counted there
mkdir "$TMPDIR"
git config --global init.defaultBranch main
git config --global advice.detachedHead false
PATH=$(dirname "$dodam"):$PATH

# repository NAME: a copy of the sample app with one commit, its bare remote; goes there.
repository() {
    cp -R "$checkout/fixtures/app" "$work/$1"
    git init -q --bare "$work/$1.git"
    cd "$work/$1" && git init -q && git add -A && git commit -q -m "The sample app" && git remote add origin "$work/$1.git"
}
commit() { git add -A && git commit -q -m "$1"; }
exits() { # exits CODE COMMAND…
    local wanted=$1 got
    shift
    "$@" >"$work/out" 2>&1
    got=$?
    [ "$got" = "$wanted" ] || { echo "expected exit $wanted, got $got"; cat "$work/out"; return 1; }
}
said() { contains "$(cat "$work/out")" "$1"; }
remote_has() { git --git-dir "$(git remote get-url origin)" rev-parse -q --verify "refs/$1"; }

# ---- install and remove: nothing of anybody's is lost
repository plain
check "install" exits 0 dodam hook install --runtime process
check "is a new file" said "is new"
check "which git runs" test -x .git/hooks/pre-push
cp .git/hooks/pre-push "$work/once"
check "install again" exits 0 dodam hook install --runtime process
check "says so" said "has it already"
check "and changes nothing" cmp .git/hooks/pre-push "$work/once"
check "remove" exits 0 dodam hook remove
check "takes the file away" test ! -e .git/hooks/pre-push
check "remove again is no failure" exits 0 dodam hook remove

printf '#!/bin/bash\n# mine\nwhile read -r a b c d; do echo "mine saw $a -> $c" >>"%s"; done\n' "$work/seen" >.git/hooks/pre-push
chmod 750 .git/hooks/pre-push
cp -p .git/hooks/pre-push "$work/mine"
check "install beside a hook" exits 0 dodam hook install --runtime process
check "keeps it" grep -q '^# mine' .git/hooks/pre-push
check "remove restores it" exits 0 dodam hook remove
check "byte by byte" cmp .git/hooks/pre-push "$work/mine"
check "and its mode" equals "$(stat -c %a .git/hooks/pre-push)" 750
printf '#!/usr/bin/env python3\nprint(1)\n' >.git/hooks/pre-push
cp .git/hooks/pre-push "$work/python"
check "a hook in another language is left alone" exits 2 dodam hook install
check "with what to call" said "hook run"
check "untouched" cmp .git/hooks/pre-push "$work/python"
cp -p "$work/mine" .git/hooks/pre-push
chmod -x .git/hooks/pre-push
check "a hook that git does not run is not woken" exits 2 dodam hook install
check "and says why" said "not executable"
rm .git/hooks/pre-push

mkdir -p .husky/_
printf 'npm test\n' >.husky/pre-push
git config core.hooksPath .husky/_
check "husky" exits 0 dodam hook install
check "its own file has the line" grep -qF '| dodam hook run "$@" ||' .husky/pre-push
check "its folder is husky's" test ! -e .husky/_/pre-push
check "husky without it" exits 0 dodam hook remove
check "is as it was" equals "$(cat .husky/pre-push)" "npm test"
git config core.hooksPath "$work/everybody"
mkdir "$work/everybody"
check "hooks of other repositories are left alone" exits 2 dodam hook install
check "with the line to add" said "dodam hook run"
check "nothing was written there" equals "$(ls "$work/everybody")" ""
git config core.hooksPath githooks
check "core.hooksPath in the repository" exits 0 dodam hook install
check "has a file of ours" test -x githooks/pre-push
check "which others can run" grep -qFx 'dodam hook run "$@"' githooks/pre-push
check "gone again" exits 0 dodam hook remove
git config --unset core.hooksPath
printf 'pre-push:\n  commands: {}\n' >lefthook.yml
check "lefthook is told, not written" exits 2 dodam hook install
check "what to add" said "use_stdin: true"
printf '        run: dodam hook run\n' >>lefthook.yml
check "and seen once it is there" exits 0 dodam hook install
rm -rf lefthook.yml .husky githooks
check "a directory without git" exits 2 env -C "$work/everybody" "$dodam" hook remove
check "says where to go" said "no git work tree"

# ---- Real pushes
cp -p "$work/mine" .git/hooks/pre-push
chmod +x .git/hooks/pre-push
dodam hook install --runtime process >/dev/null
check "the default branch goes up" exits 0 git push -q origin main
check "judged" said "GO     $(git rev-parse --short=12 HEAD) holds"
check "all of it: no base is known" equals "$(grep -c 'not checked' "$work/out")" 0
check "the hook that was there saw git's lines" equals "$(cat "$work/seen")" "mine saw refs/heads/main -> refs/heads/main"
check "the remote has it" remote_has heads/main
check "the work tree is clean" equals "$(git status --porcelain)" ""
check "the recording is kept" contains "$(dodam runs)" "3 scenarios"

git branch same && git tag -a v1 -m v1
check "the same files under another name" exits 0 git push -q origin same v1
check "are remembered" said "nothing was run"
check "once for both" equals "$(grep -c 'nothing was run' "$work/out")" 1
check "the tag is there" remote_has tags/v1
check "a deletion" exits 0 git push -q origin :same
check "is not judged" equals "$(grep -c GO "$work/out")" 0
check "and happens" test -z "$(remote_has heads/same)"
git tag blob "$(git rev-parse HEAD:dodam.json)"
check "a tag of no commit goes" exits 0 git push -q origin blob
check "and says that nothing was checked" said "not checked: tag blob"

# A new branch: what it changed since it left main.
git checkout -q -b feature
echo "/* a line */" >>frontend/src/main.jsx
commit "The site alone"
check "a new branch" exits 0 git push -q origin feature
check "is judged by what it changed" said "1 of 3 scenarios, for what changed (frontend); not checked: closed-doors, register-login-company"

# What was not pushed is not judged; what is pushed is.
sed -i "s#'/health'#'/healthz'#" backend/src/app.js
commit "The wrong health path"
sed -i "s#'/healthz'#'/health'#" backend/src/app.js # works here, uncommitted
check "a broken commit is refused" exits 1 git push origin feature
head -10 "$work/out" >"$work/ten"
for words in "dodam: judging" "NO GO  $(git rev-parse --short=12 HEAD)" "health check (service backend)" "answered 404 to GET /health" "look   dodam gate" "again  dodam gate" "anyway git push --no-verify"; do
    check "ten lines have: $words" contains "$(cat "$work/ten")" "$words"
done
check "the remote has not got it" test "$(remote_has heads/feature)" != "$(git rev-parse HEAD)"
check "a NO GO is not remembered" equals "$(grep -c "$(git rev-parse HEAD)" .dodam/verdicts.json)" 0
check "no world is left" equals "$(ls "$TMPDIR")" ""
check "no-verify goes" exits 0 git push -q --no-verify origin feature
commit "The right one again"

# ---- The budget
check "out of time lets it through" exits 0 env -C "$work/plain" "$dodam" hook run origin x --runtime process --fresh --budget 1s <<<"refs/heads/feature $(git rev-parse HEAD) refs/heads/feature $(git rev-parse origin/main)"
check "with what was not checked" said "not checked: feature"
check "or does not" exits 7 "$dodam" hook run origin x --runtime process --fresh --budget 1s --late refuse <<<"refs/heads/feature $(git rev-parse HEAD) refs/heads/feature $(git rev-parse origin/main)"
check "lines that are not git's" exits 2 "$dodam" hook run <<<"main"
git checkout -q --orphan pages && git rm -rfq . && echo hello >index.html && commit "Pages"
check "a branch without a stack goes" exits 0 git push -q origin pages
check "and says so" said "not checked: pages (it has no dodam.json)"
git checkout -q feature

# ---- Ctrl-C: nothing of it is left
for at in "  up " "  deploy "; do
    : >"$work/interrupted" # there before anybody looks at it
    dodam gate --runtime process --fresh >>"$work/interrupted" 2>&1 &
    gate=$!
    [ "$at" = "  up " ] || timeout 60 grep -q -m1 "  up " <(tail -n +1 -f --pid=$gate "$work/interrupted")
    timeout 60 grep -q -m1 "  check " <(tail -n +1 -f --pid=$gate "$work/interrupted")
    kill -INT $gate
    wait $gate
    check "interrupted before$at: exit code" equals "$?" 130
    check "it says so" contains "$(cat "$work/interrupted")" "nothing of it is left"
    check "no world is left" equals "$(ls "$TMPDIR")" ""
    check "no process" equals "$(pgrep -fc "$TMPDIR/dodam-world")" 0
done

# ---- What is remembered
git checkout -q main
check "the same commit needs no run" exits 0 dodam gate --runtime process
check "and says how to have one" said "dodam gate --fresh"
begin=$(date +%s%N)
dodam gate --runtime process >/dev/null
took=$((($(date +%s%N) - begin) / 1000000))
check "within 0.2 s (it took $took ms)" test "$took" -le 200
check "the profile ci does not remember: it runs" exits 7 dodam gate --runtime process --profile ci --budget 10ms
check "nor does --fresh" exits 7 dodam gate --runtime process --fresh --budget 10ms
check "another flag is another question" exits 7 dodam gate --runtime process --strict --budget 10ms
check "and it says what differs" said "not as at the last GO"
check "a secret's value is an input" exits 7 env DODAM_SECRET_X=longer-secret "$dodam" gate --runtime process --budget 10ms
echo "untracked" >note.txt
check "an uncommitted file is none of the commit's" exits 0 dodam gate --runtime process
check "but of the working tree's" exits 7 dodam gate --runtime process --tree working --budget 10ms
rm note.txt

# ---- Shards: two gates and one report, like one gate (§4.5)
shards=""
for shard in 1/2 2/2; do
    check "shard $shard" exits 0 dodam gate --runtime process --profile ci --shard $shard
    shards="$shards $(ls .dodam/runs | tail -1 | sed 's/\.dodamrun//')"
done
check "the whole" exits 0 dodam gate --runtime process --profile ci
whole=$(ls .dodam/runs | tail -1 | sed 's/\.dodamrun//')
# shellcheck disable=SC2086
check "merged" dodam report $shards --json "$work/merged.json" --junit "$work/merged.xml"
check "as the whole's report" dodam report "$whole" --json "$work/whole.json" --junit "$work/whole.xml"
held() { jq -cS '[.exit, (.scenarios | map([.id, .outcome, (.steps | map([.number, .outcome]))]) | sort)]' "$1"; }
check "the same scenarios, steps and outcomes" equals "$(held "$work/merged.json")" "$(held "$work/whole.json")"
check "three of them" equals "$(jq '.scenarios | length' "$work/merged.json")" 3
check "the same cases" equals "$(grep -o '<testcase [^>]*name="[^"]*"' "$work/merged.xml" | sed 's/time="[^"]*"//' | sort)" "$(grep -o '<testcase [^>]*name="[^"]*"' "$work/whole.xml" | sed 's/time="[^"]*"//' | sort)"

# ---- The same gate as a job of GitHub's
check "it needs a place to have dodam from" exits 2 dodam hook ci
check "the workflow" exits 0 dodam hook ci --source https://git.example/dodam.git --shards 3
cp "$work/out" .github/workflows/gate.yml
check "three shards" grep -q "shard: \[1/3, 2/3, 3/3\]" .github/workflows/gate.yml
check "nothing of the example is left" equals "$(grep -c example.com .github/workflows/gate.yml)" 0
check "lint has nothing to say" exits 0 dodam workflow lint
check "of both files" said "2 files, 0 errors, 0 warnings"
finish
