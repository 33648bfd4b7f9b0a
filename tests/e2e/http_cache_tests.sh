#!/usr/bin/env bash
# The public HTTP cache tests through a distribution whose settings follow the origin's headers; http_cache_tests.md says where
# CloudFront's own rules contradict them.
. "$(dirname "$0")/lib.sh"
. "$checkout/script/lib.sh"
ensure_node || exit 3
version=0.4.5
packages=${XDG_CACHE_HOME:-$HOME/.cache}/dodam/http-cache-tests-$version
suite=$packages/node_modules/http-cache-tests
[ -e "$suite/package.json" ] || npm install --silent --no-audit --no-fund --prefix "$packages" "http-cache-tests@$version" >"$work/npm.log" 2>&1 ||
    { echo "npm cannot install http-cache-tests:"; tail -5 "$work/npm.log"; exit 1; }

npm_config_protocol=http npm_config_port=0 npm_config_pidfile=$work/pid node --no-warnings "$checkout/tests/e2e/http_cache_tests.mjs" \
    server "$suite" "$work/port" >"$work/server.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; cleanup' EXIT
until_contains : sh -c 'test -s "$1" && echo :' - "$work/port" || { cat "$work/server.log"; exit 1; }

jq -n --argjson port "$(cat "$work/port")" '
    def errors: [404, 414, 500, 502, 503, 504] | {Quantity: length, Items: map({ErrorCode: ., ErrorCachingMinTTL: 0})};
    def distribution($name; $cookies): {
        CallerReference: $name, Comment: "", Enabled: true, CustomErrorResponses: errors,
        Origins: {Quantity: 1, Items: [{Id: "o", DomainName: "127.0.0.1", CustomOriginConfig: {HTTPPort: $port, HTTPSPort: 443, OriginProtocolPolicy: "http-only"}}]},
        DefaultCacheBehavior: {TargetOriginId: "o", ViewerProtocolPolicy: "allow-all", MinTTL: 0, DefaultTTL: 0, MaxTTL: 31536000,
            AllowedMethods: {Quantity: 7, Items: ["HEAD", "GET", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]},
            ForwardedValues: {QueryString: true, Cookies: {Forward: $cookies}, Headers: {Quantity: 6, Items: ["Accept-Language", "Foo", "Bar", "Baz", "Abc", "Authorization"]}}},
        CacheBehaviors: {Quantity: 1, Items: [{PathPattern: "/state/*", TargetOriginId: "o", ViewerProtocolPolicy: "allow-all", CachePolicyId: "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"}]}};
    {version: 1, distributions: {
        cdn: {domain: "d0000000cache1.cloudfront.net", config: distribution("cdn"; "none")},
        cookies: {domain: "d0000000cache2.cloudfront.net", config: distribution("cookies"; "all")}}}' >"$work/dodam.json"
start_dodam cache -f "$work/dodam.json"
timeout 200 node --no-warnings "$checkout/tests/e2e/http_cache_tests.mjs" client "$suite" "$viewer" d0000000cache1.cloudfront.net d0000000cache2.cloudfront.net "$checkout/tests/e2e/http_cache_tests.md" ||
    failures=1
checks=165
finish
