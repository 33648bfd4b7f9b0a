#!/usr/bin/env bash
# A visit is recorded live and plays again: curl at the sample app (a token, JSON), Chromium at a site with forms and
# cookies, two recordings of the same visit, bounds, Ctrl-C, and a recorder that is killed (harness.md §2 rows 27, §4.1).
. "$(dirname "$0")/lib.sh"
node_packages
code() { "$@" >"$work/out.log" 2>&1; echo $?; }
steps() { jq -r "$2" "$work/$1.scenario.json"; }
# recording NAME [FLAG…]: begins in the background, and returns once the instance records.
recording() {
    local name=$1
    shift
    "$dodam" record --state "$state" "$@" >"$work/$name.log" 2>"$work/$name.err" &
    recorder=$!
    eventually grep -q "Ctrl-C ends it" "$work/$name.err"
}
# eventually COMMAND…: looks for half a minute.
eventually() {
    local end=$((SECONDS + 30))
    while [ "$SECONDS" -lt "$end" ]; do "$@" && return 0; read -rt 0.05 <> <(:); done
    return 1
}
# Waits for the recorder; $ended is its exit code.
end_recording() { wait "$recorder"; ended=$?; }

# ---- The sample app: login with a token, JSON, repeated requests
cp -R "$checkout/fixtures/app" "$work/app"
start_dodam stack -f "$work/app/dodam.json" --speed 20
image=${endpoint#http://}/dodam-backend:good
"$dodam" image build -t "$image" "$work/app/backend" >"$work/build.log" 2>&1 &&
    "$dodam" image push --state "$state" "$image" >>"$work/build.log" 2>&1 || { tail "$work/build.log"; exit 1; }
cat >"$work/deploy.scenario.json" <<'J'
{ "version": 1, "scenario": "The app is deployed", "vars": { "image": null }, "steps": [
  { "deploy": "backend", "image": "{{image}}", "timeout": "120s", "expect": { "rollout": "COMPLETED" } },
  { "GET": "api:/health", "eventually": "10s", "expect": { "status": 200 } } ] }
J
check "the app is deployed" "$dodam" run --here --state "$state" --var "image=$image" "$work/deploy.scenario.json"

api() { # api METHOD PATH [CURL-FLAG…]
    curl -sk --max-time 20 --compressed --connect-to "::${viewer_tls#https://}" -X "$1" "https://d222222api0001.cloudfront.net$2" "${@:3}"
}
visit() { # visit E-MAIL COMPANY
    local type='content-type: application/json' answer access refresh id
    api POST /auth/register -H "$type" -d "{\"email\":\"$1\",\"password\":\"Correct-horse-9\",\"name\":\"홍길동\",\"phone\":\"010\"}" >/dev/null
    answer=$(api POST /auth/login -H "$type" -d "{\"email\":\"$1\",\"password\":\"Correct-horse-9\"}")
    access=$(jq -r .accessToken <<<"$answer") refresh=$(jq -r .refreshToken <<<"$answer")
    api GET /auth/me -H "authorization: Bearer $access" >/dev/null
    id=$(api POST /companies -H "$type" -H "authorization: Bearer $access" -d "{\"name\":\"$2\",\"headcount\":3}" | jq -r .id)
    api GET "/companies/$id" -H "authorization: Bearer $access" >/dev/null
    api GET "/companies?page=1&limit=10&search=$(jq -rn --arg x "$2" '$x|@uri')" -H "authorization: Bearer $access" >/dev/null
    api GET "/companies/$id" -H "authorization: Bearer $access" >/dev/null
    api PUT "/companies/$id" -H "$type" -H "authorization: Bearer $access" -d "{\"name\":\"$2\",\"address\":\"부산\"}" >/dev/null
    api POST /auth/refresh -H "$type" -d "{\"refreshToken\":\"$refresh\"}" >/dev/null
    api POST /auth/login -d 'email=form&password=Correct-horse-9' >/dev/null
    api GET /version >/dev/null
}
check "recording begins" recording visit --out "$work/visit.scenario.json" --until /version --name "A visitor makes a company"
visit first@ex.am "도담 하나"
end_recording
check "it ends with the path that ends it" equals "$ended" 0
check "a line for each request" equals "$(grep -c ' api:/' "$work/visit.err")" 11
check "with what became of it" contains "$(cat "$work/visit.err")" "POST   api:/auth/login"
check "and nothing that is nobody's business" bash -c "! grep -E 'Correct-horse|search=' '$work/visit.err'"
check "every request is a step, in its order, repeated ones too" equals "$(steps visit '[.steps[] | to_entries[0] | "\(.key) \(.value)"] | join("\n")')" \
"POST api:/auth/register
POST api:/auth/login
GET api:/auth/me
POST api:/companies
GET api:/companies/{{id}}
GET api:/companies?page=1&limit=10&search=%EB%8F%84%EB%8B%B4%20%ED%95%98%EB%82%98
GET api:/companies/{{id}}
PUT api:/companies/{{id}}
POST api:/auth/refresh
POST api:/auth/login
GET api:/version"
check "the tokens are saved where they come from" equals "$(steps visit '.steps[1].save | tojson')" \
    '{"accessToken":"$.accessToken","refreshToken":"$.refreshToken"}'
check "and used" equals "$(steps visit '.steps[2].auth + " " + .steps[8].json.refreshToken')" "Bearer {{accessToken}} {{refreshToken}}"
check "a form stays a form" equals "$(steps visit '.steps[9].form.email')" form
check "what no report shows" equals "$(steps visit '.secrets | join(" ")')" "accessToken password refreshToken"
check "no token is in the file" bash -c "! grep -q eyJ '$work/visit.scenario.json'"
check "it is checked" equals "$(cd "$work/app" && code "$dodam" check "$work/visit.scenario.json")" 0
check "and laid out" "$dodam" fmt --check "$work/visit.scenario.json"
check "and plays" equals "$(code "$dodam" run --state "$state" --runtime process "$work/visit.scenario.json")" 0
grep -q '^PASS' "$work/out.log" || tail -40 "$work/out.log"

# ---- Twice, and what differs varies: then it plays on the instance itself, again and again
check "the first of two" recording first --out "$work/first.har" --until /version
visit second@ex.am "도담 둘"
end_recording
check "is kept as it is" equals "$ended $(stat -c %a "$work/first.har") $(jq '.log.entries | length' "$work/first.har")" "0 600 11"
check "the second" recording again --out "$work/twice.scenario.json" --diff "$work/first.har" --until /version
visit third@ex.am "도담 셋"
end_recording
check "is written" equals "$ended" 0
check "an e-mail that was another one is made up" equals "$(steps twice '.vars.email')" "{{fake.email}}"
check "wherever it was typed" equals "$(steps twice '.steps[1].json.email + " " + .steps[0].json.email + " " + .steps[5].GET')" \
    "{{email}} {{email}} api:/companies?page=1&limit=10&search={{name | urlencode}}"
check "what was the same in both is expected so" equals "$(steps twice '.steps[0].expect["$.name"] | tojson')" '{"eq":"홍길동"}'
for turn in 1 2; do
    check "it plays on the instance itself ($turn)" equals "$(code "$dodam" run --here --state "$state" "$work/twice.scenario.json")" 0
    grep -q '^PASS' "$work/out.log" || tail -40 "$work/out.log"
done
check "a file does the same" equals "$(cd "$work/app" && code "$dodam" import "$work/first.har" --diff "$work/first.har" --out "$work/same.scenario.json")" 0
echo '{"log":{"entries":[{"request":{"method":"GET","url":"https://elsewhere/x"},"response":{"status":200}}]}}' >"$work/other.har"
check "another visit is no second recording" contains "$(cd "$work/app" && "$dodam" import "$work/first.har" --diff "$work/other.har" 2>&1)" "record the same visit twice"

# ---- From the data of now
check "what is there is saved first" recording now --out "$work/now.scenario.json" --snapshot before --until /version
login=$(api POST /auth/login -H 'content-type: application/json' -d '{"email":"third@ex.am","password":"Correct-horse-9"}')
api GET /auth/me -H "authorization: Bearer $(jq -r .accessToken <<<"$login")" >/dev/null
api GET /auth/me -H "authorization: Bearer not-from-here-0123456789" >/dev/null
api GET /version >/dev/null
end_recording
check "a visit with data from before" equals "$ended" 0
check "starts from it" equals "$(steps now .world)" "snapshot:before"
check "a token from before is asked for" contains "$(cat "$work/now.err")" "--var token="
check "and not in the file" equals "$(steps now '.vars.token'; grep -c not-from-here "$work/now.scenario.json")" "null
0"
check "and plays in a world" equals "$(code "$dodam" run --state "$state" --runtime process --var token=not-from-here-0123456789 "$work/now.scenario.json")" 0
grep -q '^PASS' "$work/out.log" || tail -40 "$work/out.log"

# ---- Bounds and ends
check "a file that is there is kept" equals "$(code "$dodam" record --state "$state" --out "$work/visit.scenario.json")" 2
check "a path that is none" equals "$(code "$dodam" record --state "$state" --until done)" 2
check "a time that is none" equals "$(code "$dodam" record --state "$state" --for ever)" 2
check "nobody asked" equals "$(code "$dodam" record --state "$state" --for 200ms --out "$work/none.scenario.json"; ls "$work" | grep -c none)" "4
0"
check "without an instance" equals "$(code "$dodam" record --state "$work/nothing")" 3
check "until Ctrl-C" recording stopped --out "$work/stopped.scenario.json"
api GET /health >/dev/null
check "a line comes while it runs" eventually grep -q "api:/health" "$work/stopped.err"
kill -INT "$recorder"
end_recording
check "it ends well" equals "$ended $(steps stopped '.steps | length')" "0 1"
check "one that is killed" recording killed
{ kill -KILL "$recorder"; wait "$recorder"; } 2>/dev/null
control() { curl -s -H "x-dodam-token: $(jq -r .token "$state/instance.json")" -d "$1" "$endpoint/_dodam/v1/recording"; }
mine=$(control '{}' | jq -r .id)
check "a recording is asked for by its id" equals "$(control "{\"id\":\"$mine\",\"end\":true}" | jq -c .entries)" "[]"
check "and ends" contains "$(control "{\"id\":\"$mine\"}")" "no such recording"
check "only with the instance's token" equals "$(curl -s -o /dev/null -w '%{http_code}' -d '{}' "$endpoint/_dodam/v1/recording")" 403
check "when the instance ends" recording cut --out "$work/cut.scenario.json"
api GET /health >/dev/null
check "…" eventually grep -q "api:/health" "$work/cut.err"
"$dodam" down --state "$state" >/dev/null
end_recording
check "what came before is kept, and the end is told" equals "$ended $(steps cut '.steps | length') $(grep -c 'what came before is kept' "$work/cut.err")" "3 1 1"

# ---- A browser: a form with its token, a cookie, a redirect to what was made, braces, bytes
[ -x /usr/bin/chromium ] || { echo "chromium is missing: script/bootstrap test"; finish; exit; }
node "$checkout/tests/e2e/record_site.mjs" >"$work/port" &
site=$!
eventually test -s "$work/port" || exit 1
cat >"$work/dodam.json" <<J
{ "version": 1, "account": "000000000000", "region": "us-east-1", "distributions": { "site": { "domain": "dsite.cloudfront.net", "config": {
    "CallerReference": "site", "Comment": "", "Enabled": true,
    "Origins": { "Quantity": 1, "Items": [ { "Id": "app", "DomainName": "127.0.0.1",
      "CustomOriginConfig": { "HTTPPort": $(cat "$work/port"), "HTTPSPort": 443, "OriginProtocolPolicy": "http-only" } } ] },
    "DefaultCacheBehavior": { "TargetOriginId": "app", "ViewerProtocolPolicy": "allow-all", "Compress": true,
      "AllowedMethods": { "Quantity": 7, "Items": ["HEAD", "GET", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"] },
      "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "OriginRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac" } } } } }
J
start_dodam shop -f "$work/dodam.json"
check "a browser is recorded" recording browser --out "$work/browser.scenario.json" --until /counter-done
SITE=$(field distributions.site.url) PROFILE=$work/profile VISITOR=Kim LAST=/counter-done node "$checkout/tests/e2e/record_visit.mjs" || kill -INT "$recorder"
end_recording
check "to its end" equals "$ended" 0
check "with what it did" equals "$(steps browser '[.steps[] | to_entries[0] | "\(.key) \(.value)"] | join("\n")')" \
"GET site:/
GET site:/login
POST site:/login
GET site:/account
POST site:/orders
GET site:{{location}}
POST site:/notes
GET site:/notes/{{id}}
GET site:/counter
GET site:/counter
GET site:/counter
POST site:/upload
GET site:/counter-done"
check "the form's token is taken from its page" equals "$(steps browser '.steps[2].form.csrf_token, .steps[2].form.password')" "{{csrf_token}}
{{password}}"
check "the cookie is the session's" equals "$(steps browser '[.steps[2,3,4].as] | join(" ")')" "visitor visitor visitor"
check "the bytes of an upload are beside it" equals "$(od -An -tx1 "$work/$(steps browser '.steps[11].file')" | tr -d ' \n')" ff00fe010203
check "it is checked" equals "$(cd "$work" && code "$dodam" check "$work/browser.scenario.json")" 0
check "and plays" equals "$(code "$dodam" run --state "$state" "$work/browser.scenario.json")" 0
grep -q '^PASS' "$work/out.log" || { tail -40 "$work/out.log"; cat "$work/browser.scenario.json"; }
check "on the instance itself, too" equals "$(code "$dodam" run --here --state "$state" "$work/browser.scenario.json")" 0
kill "$site"
wait "$site" 2>/dev/null
finish
