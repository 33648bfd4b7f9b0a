#!/usr/bin/env bash
# CloudFront's API with the real AWS CLI: documents come back as they went in, versions are checked, waiters end, errors
# have AWS's codes. Numbers are those of tests/conformance/cloudfront/CHECKLIST.md.
. "$(dirname "$0")/lib.sh"
start_dodam cloudfront
export HOME=$work no_proxy='*'
cf() { /usr/bin/aws --endpoint-url "$endpoint" cloudfront --output json "$@"; }
# refused CODE ARGUMENT…: the call fails with this code.
refused() {
    local code=$1 out
    shift
    out=$(cf "$@" 2>&1) && { echo "was accepted: $out"; return 1; }
    contains "$out" "($code)"
}
# within EXPECTED ACTUAL: everything of the first document is in the second, lists of equal length.
within() {
    jq -en --argjson a "$1" --argjson b "$2" '
        def within($a; $b):
            if ($a | type) == "object" then all($a | keys[]; . as $k | within($a[$k]; $b[$k]))
            elif ($a | type) == "array" then ($a | length) == ($b | length) and all(range($a | length); within($a[.]; $b[.]))
            else $a == $b end;
        within($a; $b)' >/dev/null || { echo "not all of"; echo "$1"; echo "is in"; echo "$2"; return 1; }
}

# ---- Policies, access controls, keys: create, get, update with the version, list, delete
# kind FAMILY ARGUMENT ROOT LIST CREATE-DOCUMENT UPDATE-DOCUMENT; leaves the id in $id, the version in $version.
kind() {
    local family=$1 argument=$2 root=$3 list=$4 document=$5 changed=$6 out back
    out=$(cf "create-$family" "--$argument" "$document") || { check "create-$family" false; return; }
    id=$(jq -r ".$root.Id" <<<"$out") version=$(jq -r .ETag <<<"$out")
    check "create-$family: first version" equals "$version" ETVPDKIKX0DER
    check "create-$family: Location" contains "$(jq -r .Location <<<"$out")" "/2020-05-31/"
    back=$(cf "get-$family" --id "$id")
    check "get-$family: the document came back" within "$document" "$(jq ".$root.${root}Config" <<<"$back")"
    back=$(cf "get-$family-config" --id "$id")
    check "get-$family-config" within "$document" "$(jq ".${root}Config" <<<"$back")"
    check "update-$family without a version" refused InvalidIfMatchVersion "update-$family" --id "$id" "--$argument" "$changed"
    check "update-$family with a stale version" refused PreconditionFailed "update-$family" --id "$id" "--$argument" "$changed" --if-match E3UN6WX5RRO2AG
    out=$(cf "update-$family" --id "$id" "--$argument" "$changed" --if-match "$version")
    version=$(jq -r .ETag <<<"$out")
    check "update-$family: second version" equals "$version" E3UN6WX5RRO2AG
    check "update-$family: the document changed" within "$changed" "$(jq ".$root.${root}Config" <<<"$out")"
    check "$list holds it" contains "$(cf "$list")" "$id"
}

cache_policy='{"Name":"by-language","Comment":"c","MinTTL":0,"DefaultTTL":60,"MaxTTL":600,"ParametersInCacheKeyAndForwardedToOrigin":{"EnableAcceptEncodingGzip":true,"EnableAcceptEncodingBrotli":true,
 "HeadersConfig":{"HeaderBehavior":"whitelist","Headers":{"Quantity":1,"Items":["X-Lang"]}},"CookiesConfig":{"CookieBehavior":"allExcept","Cookies":{"Quantity":1,"Items":["t"]}},"QueryStringsConfig":{"QueryStringBehavior":"all"}}}'
kind cache-policy cache-policy-config CachePolicy "list-cache-policies" "$cache_policy" "${cache_policy/600/700}"
cache_policy_id=$id cache_policy_version=$version
origin_request_policy='{"Name":"all-but-host","Comment":"","HeadersConfig":{"HeaderBehavior":"allViewerAndWhitelistCloudFront","Headers":{"Quantity":1,"Items":["CloudFront-Viewer-Country"]}},"CookiesConfig":{"CookieBehavior":"all"},"QueryStringsConfig":{"QueryStringBehavior":"whitelist","QueryStrings":{"Quantity":2,"Items":["a","b"]}}}'
kind origin-request-policy origin-request-policy-config OriginRequestPolicy list-origin-request-policies "$origin_request_policy" "${origin_request_policy/\"Comment\":\"\"/\"Comment\":\"new\"}"
origin_request_policy_id=$id
response_headers_policy='{"Name":"everything","Comment":"","CorsConfig":{"AccessControlAllowOrigins":{"Quantity":1,"Items":["https://*.example.com"]},"AccessControlAllowHeaders":{"Quantity":1,"Items":["*"]},"AccessControlAllowMethods":{"Quantity":2,"Items":["GET","PUT"]},"AccessControlAllowCredentials":false,"AccessControlExposeHeaders":{"Quantity":1,"Items":["X-A"]},"AccessControlMaxAgeSec":600,"OriginOverride":true},
 "SecurityHeadersConfig":{"XSSProtection":{"Override":true,"Protection":true,"ModeBlock":true},"FrameOptions":{"Override":true,"FrameOption":"DENY"},"ReferrerPolicy":{"Override":false,"ReferrerPolicy":"no-referrer"},"ContentSecurityPolicy":{"Override":true,"ContentSecurityPolicy":"default-src '"'self'"'"},"ContentTypeOptions":{"Override":true},"StrictTransportSecurity":{"Override":true,"IncludeSubdomains":true,"Preload":false,"AccessControlMaxAgeSec":31536000}},
 "ServerTimingHeadersConfig":{"Enabled":true,"SamplingRate":50.0},"CustomHeadersConfig":{"Quantity":1,"Items":[{"Header":"X-A","Value":"1","Override":true}]},"RemoveHeadersConfig":{"Quantity":1,"Items":[{"Header":"Server"}]}}'
kind response-headers-policy response-headers-policy-config ResponseHeadersPolicy list-response-headers-policies "$response_headers_policy" "${response_headers_policy/no-referrer/same-origin}"
response_headers_policy_id=$id
access_control='{"Name":"oac","Description":"d","SigningProtocol":"sigv4","SigningBehavior":"always","OriginAccessControlOriginType":"s3"}'
kind origin-access-control origin-access-control-config OriginAccessControl list-origin-access-controls "$access_control" "${access_control/always/never}"
access_control_id=$id access_control_version=$version
check "a second access control of the name (§7.5)" refused OriginAccessControlAlreadyExists create-origin-access-control --origin-access-control-config "$access_control"
openssl genrsa 2048 2>/dev/null | openssl rsa -pubout >"$work/key.pem" 2>/dev/null
public_key=$(jq -n --rawfile key "$work/key.pem" '{CallerReference:"k",Name:"key",EncodedKey:$key,Comment:""}')
kind public-key public-key-config PublicKey list-public-keys "$public_key" "$(jq '.Comment="new"' <<<"$public_key")"
public_key_id=$id public_key_version=$version
check "a key's name cannot change" refused CannotChangeImmutablePublicKeyFields update-public-key --id "$id" --public-key-config "$(jq '.Name="other"' <<<"$public_key")" --if-match "$version"
key_group=$(jq -n --arg key "$public_key_id" '{Name:"group",Items:[$key],Comment:""}')
kind key-group key-group-config KeyGroup list-key-groups "$key_group" "$(jq '.Comment="new"' <<<"$key_group")"
key_group_id=$id key_group_version=$version
identity='{"CallerReference":"i","Comment":"c"}'
kind cloud-front-origin-access-identity cloud-front-origin-access-identity-config CloudFrontOriginAccessIdentity list-cloud-front-origin-access-identities "$identity" "${identity/\"c\"/\"d\"}"
check "delete-cloud-front-origin-access-identity" cf delete-cloud-front-origin-access-identity --id "$id" --if-match "$version"

# #32, #105, #106: what a policy may not say, and what nobody may change
nothing_cached=$(jq '.MinTTL=0|.DefaultTTL=0|.MaxTTL=0|.Name="off"' <<<"$cache_policy")
check "#32 keys without caching" refused InvalidArgument create-cache-policy --cache-policy-config "$nothing_cached"
check "#32 names the parameter" contains "$(cf create-cache-policy --cache-policy-config "$nothing_cached" 2>&1)" "is invalid for policy with caching disabled."
check "#105 MinTTL above MaxTTL" refused InvalidArgument create-cache-policy --cache-policy-config "$(jq '.MinTTL=900|.Name="x"' <<<"$cache_policy")"
check "#106 seven managed policies" equals "$(cf list-cache-policies --type managed | jq .CachePolicyList.Quantity)" 7
check "#106 a managed policy stays" refused IllegalDelete delete-cache-policy --id 658327ea-f89d-4fab-a63d-7e88639e58f6 --if-match ETVPDKIKX0DER

# ---- A distribution with everything in it
cat >"$work/distribution.json" <<JSON
{ "CallerReference": "full", "Aliases": {"Quantity": 1, "Items": ["www.example.com"]}, "DefaultRootObject": "index.html",
  "Origins": {"Quantity": 2, "Items": [
    {"Id": "site", "DomainName": "site.s3.us-east-1.amazonaws.com", "OriginPath": "/v1", "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": "X-Secret", "HeaderValue": "s"}]},
     "S3OriginConfig": {"OriginAccessIdentity": ""}, "ConnectionAttempts": 2, "ConnectionTimeout": 5, "OriginShield": {"Enabled": true, "OriginShieldRegion": "us-east-1"}, "OriginAccessControlId": "$access_control_id"},
    {"Id": "api", "DomainName": "api.example.com", "OriginPath": "", "CustomHeaders": {"Quantity": 0},
     "CustomOriginConfig": {"HTTPPort": 8080, "HTTPSPort": 8443, "OriginProtocolPolicy": "https-only", "OriginSslProtocols": {"Quantity": 2, "Items": ["TLSv1.1", "TLSv1.2"]}, "OriginReadTimeout": 20, "OriginKeepaliveTimeout": 7}, "ConnectionAttempts": 3, "ConnectionTimeout": 10, "OriginShield": {"Enabled": false}, "OriginAccessControlId": ""}]},
  "OriginGroups": {"Quantity": 1, "Items": [{"Id": "both", "FailoverCriteria": {"StatusCodes": {"Quantity": 2, "Items": [500, 503]}}, "Members": {"Quantity": 2, "Items": [{"OriginId": "site"}, {"OriginId": "api"}]}}]},
  "DefaultCacheBehavior": {"TargetOriginId": "both", "TrustedSigners": {"Enabled": false, "Quantity": 0}, "TrustedKeyGroups": {"Enabled": true, "Quantity": 1, "Items": ["$key_group_id"]}, "ViewerProtocolPolicy": "redirect-to-https",
    "AllowedMethods": {"Quantity": 3, "Items": ["HEAD", "GET", "OPTIONS"], "CachedMethods": {"Quantity": 2, "Items": ["HEAD", "GET"]}}, "SmoothStreaming": false, "Compress": true, "LambdaFunctionAssociations": {"Quantity": 0}, "FunctionAssociations": {"Quantity": 0}, "FieldLevelEncryptionId": "",
    "CachePolicyId": "$cache_policy_id", "OriginRequestPolicyId": "$origin_request_policy_id", "ResponseHeadersPolicyId": "$response_headers_policy_id"},
  "CacheBehaviors": {"Quantity": 1, "Items": [{"PathPattern": "/api/*", "TargetOriginId": "api", "TrustedSigners": {"Enabled": false, "Quantity": 0}, "TrustedKeyGroups": {"Enabled": false, "Quantity": 0}, "ViewerProtocolPolicy": "https-only",
    "AllowedMethods": {"Quantity": 7, "Items": ["HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH"], "CachedMethods": {"Quantity": 2, "Items": ["HEAD", "GET"]}}, "SmoothStreaming": false, "Compress": false, "LambdaFunctionAssociations": {"Quantity": 0}, "FunctionAssociations": {"Quantity": 0}, "FieldLevelEncryptionId": "",
    "ForwardedValues": {"QueryString": true, "Cookies": {"Forward": "whitelist", "WhitelistedNames": {"Quantity": 1, "Items": ["session"]}}, "Headers": {"Quantity": 1, "Items": ["Authorization"]}, "QueryStringCacheKeys": {"Quantity": 1, "Items": ["page"]}}, "MinTTL": 0, "DefaultTTL": 5, "MaxTTL": 50}]},
  "CustomErrorResponses": {"Quantity": 2, "Items": [{"ErrorCode": 404, "ResponsePagePath": "/index.html", "ResponseCode": "200", "ErrorCachingMinTTL": 3}, {"ErrorCode": 500, "ResponsePagePath": "", "ResponseCode": "", "ErrorCachingMinTTL": 0}]},
  "Comment": "every part & <more>", "Logging": {"Enabled": true, "IncludeCookies": true, "Bucket": "logs.s3.amazonaws.com", "Prefix": "cdn/"}, "PriceClass": "PriceClass_100", "Enabled": true,
  "ViewerCertificate": {"CloudFrontDefaultCertificate": false, "ACMCertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-4000-8000-000000000001", "SSLSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"},
  "Restrictions": {"GeoRestriction": {"RestrictionType": "whitelist", "Quantity": 2, "Items": ["DE", "FR"]}}, "WebACLId": "", "HttpVersion": "http2", "IsIPV6Enabled": true }
JSON
out=$(cf create-distribution --distribution-config "file://$work/distribution.json" 2>&1) || echo "$out"
id=$(jq -r .Distribution.Id <<<"$out") domain=$(jq -r .Distribution.DomainName <<<"$out")
check "#97 version" equals "$(jq -r .ETag <<<"$out")" ETVPDKIKX0DER
check "#97 Location" equals "$(jq -r .Location <<<"$out")" "https://cloudfront.amazonaws.com/2020-05-31/distribution/$id"
check "#97 starts InProgress" equals "$(jq -r .Distribution.Status <<<"$out")" InProgress
check "#97 ARN" equals "$(jq -r .Distribution.ARN <<<"$out")" "arn:aws:cloudfront::000000000000:distribution/$id"
check "#97 domain" contains "$domain" .cloudfront.net
check "#97 wait distribution-deployed" timeout 60 /usr/bin/aws --endpoint-url "$endpoint" cloudfront wait distribution-deployed --id "$id"
config=$(cf get-distribution-config --id "$id")
check "#99 the whole document came back" within "$(cat "$work/distribution.json")" "$(jq .DistributionConfig <<<"$config")"
check "get-distribution has the same document" equals "$(cf get-distribution --id "$id" | jq -S .Distribution.DistributionConfig)" "$(jq -S .DistributionConfig <<<"$config")"
check "key groups are told with their keys" equals "$(cf get-distribution --id "$id" | jq -r '.Distribution.ActiveTrustedKeyGroups.Items[0].KeyPairIds.Items[0]')" "$public_key_id"
check "#98 the reference again" refused DistributionAlreadyExists create-distribution --distribution-config "file://$work/distribution.json"

# #100: what get gave is put back unchanged, and changed
jq .DistributionConfig <<<"$config" >"$work/same.json"
check "#100 without a version" refused InvalidIfMatchVersion update-distribution --id "$id" --distribution-config "file://$work/same.json"
check "#100 with a stale version" refused PreconditionFailed update-distribution --id "$id" --distribution-config "file://$work/same.json" --if-match E3UN6WX5RRO2AG
out=$(cf update-distribution --id "$id" --distribution-config "file://$work/same.json" --if-match ETVPDKIKX0DER)
check "#100 the next version" equals "$(jq -r .ETag <<<"$out")" E3UN6WX5RRO2AG
check "#100 nothing was lost" equals "$(jq -S .Distribution.DistributionConfig <<<"$out")" "$(jq -S . "$work/same.json")"
check "the reference cannot change" refused IllegalUpdate update-distribution --id "$id" --distribution-config "$(jq '.CallerReference="other"' "$work/same.json")" --if-match E3UN6WX5RRO2AG

# #102 to #105: what is refused
small() { jq -n --arg reference "$1" '{CallerReference:$reference,Comment:"",Enabled:true,Origins:{Quantity:1,Items:[{Id:"o",DomainName:"o.example.com",CustomOriginConfig:{HTTPPort:80,HTTPSPort:443,OriginProtocolPolicy:"http-only"}}]},
    DefaultCacheBehavior:{TargetOriginId:"o",ViewerProtocolPolicy:"allow-all",CachePolicyId:"658327ea-f89d-4fab-a63d-7e88639e58f6"}}'; }
create_refused() { refused "$1" create-distribution --distribution-config "$(small r | jq "$2")"; }
check "#102 an alias that is taken" create_refused CNAMEAlreadyExists '.Aliases={Quantity:1,Items:["www.example.com"]}|.ViewerCertificate={ACMCertificateArn:"arn:aws:acm:us-east-1:000000000000:certificate/1",SSLSupportMethod:"sni-only"}'
check "an alias without a certificate" create_refused InvalidViewerCertificate '.Aliases={Quantity:1,Items:["b.example.com"]}'
check "#103 an unknown origin" create_refused NoSuchOrigin '.DefaultCacheBehavior.TargetOriginId="x"'
check "#103 an unknown policy" create_refused NoSuchCachePolicy '.DefaultCacheBehavior.CachePolicyId="00000000-0000-4000-8000-000000000000"'
check "#104 a wrong count" create_refused InconsistentQuantities '.Origins.Quantity=2'
check "#105 TTLs out of order" create_refused InvalidTTLOrder 'del(.DefaultCacheBehavior.CachePolicyId)|.DefaultCacheBehavior+={ForwardedValues:{QueryString:false,Cookies:{Forward:"none"}},MinTTL:9,DefaultTTL:5,MaxTTL:7}'
check "an S3 origin that is none" create_refused InvalidArgument 'del(.Origins.Items[0].CustomOriginConfig)|.Origins.Items[0].S3OriginConfig={OriginAccessIdentity:""}'
check "an operation that is not built is known by name" refused NotImplemented list-field-level-encryption-configs
check "a function" refused NotImplemented create-function --name f --function-config Comment=,Runtime=cloudfront-js-2.0 --function-code fileb://"$work/key.pem"

# #107: what is used stays
check "#107 cache policy" refused CachePolicyInUse delete-cache-policy --id "$cache_policy_id" --if-match "$cache_policy_version"
check "#107 access control" refused OriginAccessControlInUse delete-origin-access-control --id "$access_control_id" --if-match "$access_control_version"
check "#107 key group" refused ResourceInUse delete-key-group --id "$key_group_id" --if-match "$key_group_version"
check "#107 key" refused PublicKeyInUse delete-public-key --id "$public_key_id" --if-match "$public_key_version"
for by in "cache-policy-id --cache-policy-id $cache_policy_id" "origin-request-policy-id --origin-request-policy-id $origin_request_policy_id" \
    "response-headers-policy-id --response-headers-policy-id $response_headers_policy_id" "key-group --key-group-id $key_group_id"; do
    # shellcheck disable=SC2086
    check "list-distributions-by-$by" equals "$(cf list-distributions-by-$by | jq -r '.DistributionIdList.Items[0]')" "$id"
done

# #110, #113: invalidations
out=$(cf create-invalidation --distribution-id "$id" --paths /a '/b/*')
invalidation=$(jq -r .Invalidation.Id <<<"$out")
check "#110 InProgress at first" equals "$(jq -r .Invalidation.Status <<<"$out")" InProgress
check "#110 wait invalidation-completed" timeout 60 /usr/bin/aws --endpoint-url "$endpoint" cloudfront wait invalidation-completed --distribution-id "$id" --id "$invalidation"
check "#110 listed" equals "$(cf list-invalidations --distribution-id "$id" | jq -r '.InvalidationList.Items[0].Status')" Completed
check "#111 a path without its slash" refused InvalidArgument create-invalidation --distribution-id "$id" --paths a
check "what it removed is told" contains "$("$dodam" cache invalidations --state "$state")" "/b/*  0 objects   warning:"
check "#110 unknown" refused NoSuchInvalidation get-invalidation --distribution-id "$id" --id I0000000000000

# What the edge holds, and why: the key group keeps viewers out of the default behaviour, the API's origin does not resolve.
check "cache why: behaviour and key" contains "$("$dodam" cache why "https://$domain/api/a?page=2&x=1" -H 'Authorization: t' --state "$state")" "header authorization = t"
check "cache why: nothing is held" contains "$("$dodam" cache why "https://$domain/a" --state "$state")" "miss: nothing of this path is held"
check "cache ls: figures" contains "$("$dodam" cache ls --state "$state")" "KiB in memory"
check "a viewer without a country is let in, and asked for the key" contains "$(curl -sk --connect-to "::${viewer_tls#https://}" "https://$domain/a")" MissingKey

# #114, #115: pages and tags
tagged=$(cf create-distribution-with-tags --distribution-config-with-tags "$(small second | jq '{DistributionConfig:.,Tags:{Items:[{Key:"team",Value:"web"}]}}')")
second=$(jq -r .Distribution.Id <<<"$tagged") arn=$(jq -r .Distribution.ARN <<<"$tagged")
check "#99 defaults" within '{"Aliases":{"Quantity":0},"DefaultRootObject":"","OriginGroups":{"Quantity":0},"CacheBehaviors":{"Quantity":0},"CustomErrorResponses":{"Quantity":0},"Logging":{"Enabled":false,"IncludeCookies":false,"Bucket":"","Prefix":""},"PriceClass":"PriceClass_All","HttpVersion":"http2","WebACLId":"","Staging":false,"ContinuousDeploymentPolicyId":"","ViewerCertificate":{"CloudFrontDefaultCertificate":true,"MinimumProtocolVersion":"TLSv1","CertificateSource":"cloudfront"},"Restrictions":{"GeoRestriction":{"RestrictionType":"none","Quantity":0}}}' "$(jq .Distribution.DistributionConfig <<<"$tagged")"
check "#114 pages of one, each from the last one's NextMarker" equals "$(cf list-distributions --page-size 1 | jq '.DistributionList.Items | length')" 2
check "#115 tags" equals "$(cf list-tags-for-resource --resource "$arn" | jq -c .Tags.Items)" '[{"Key":"team","Value":"web"}]'
check "#115 tag" cf tag-resource --resource "$arn" --tags 'Items=[{Key=stage,Value=prod}]'
check "#115 untag" cf untag-resource --resource "$arn" --tag-keys Items=team
check "#115 left" equals "$(cf list-tags-for-resource --resource "$arn" | jq -c .Tags.Items)" '[{"Key":"stage","Value":"prod"}]'
check "#115 unknown" refused NoSuchResource list-tags-for-resource --resource "${arn%/*}/E0000000000000"
check "monitoring: none at first" refused NoSuchMonitoringSubscription get-monitoring-subscription --distribution-id "$second"
check "monitoring: made" cf create-monitoring-subscription --distribution-id "$second" --monitoring-subscription RealtimeMetricsSubscriptionConfig={RealtimeMetricsSubscriptionStatus=Enabled}
check "monitoring: there" contains "$(cf get-monitoring-subscription --distribution-id "$second")" Enabled
check "monitoring: gone" cf delete-monitoring-subscription --distribution-id "$second"
check "an alias needs a certificate where it goes" refused IllegalUpdate associate-alias --target-distribution-id "$second" --alias www.example.com
check "functions are none" equals "$(cf list-functions | jq .FunctionList.Quantity)" 0

# #101: two steps to the end
version=$(cf get-distribution-config --id "$second" | jq -r .ETag)
check "#101 enabled" refused DistributionNotDisabled delete-distribution --id "$second" --if-match "$version"
out=$(cf update-distribution --id "$second" --distribution-config "$(cf get-distribution-config --id "$second" | jq --argjson c "$(jq .ViewerCertificate "$work/distribution.json")" '.DistributionConfig|.Enabled=false|.ViewerCertificate=$c')" --if-match "$version")
check "#101 disabled" equals "$(jq .Distribution.DistributionConfig.Enabled <<<"$out")" false
check "an alias moves" cf associate-alias --target-distribution-id "$second" --alias www.example.com
check "an alias has moved" contains "$(cf get-distribution-config --id "$second")" www.example.com
check "an alias is held once" equals "$(cf get-distribution-config --id "$id" | jq .DistributionConfig.Aliases.Quantity)" 0
/usr/bin/aws --endpoint-url "$endpoint" cloudfront wait distribution-deployed --id "$second"
check "#101 deleted" cf delete-distribution --id "$second" --if-match "$(cf get-distribution-config --id "$second" | jq -r .ETag)"
check "#101 gone" refused NoSuchDistribution get-distribution --id "$second"
finish
