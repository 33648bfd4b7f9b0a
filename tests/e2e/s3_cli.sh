#!/usr/bin/env bash
# S3 with the real AWS CLI and boto3. Numbers are those of s3.md §9. Ends at the first surprise.
. "$(dirname "$0")/lib.sh"
start_dodam cli
export HOME=$work no_proxy='*'
s3() { /usr/bin/aws --endpoint-url "$endpoint" s3 "$@"; }
api() { /usr/bin/aws --endpoint-url "$endpoint" s3api --output json "$@"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
expect() { case "$2" in *"$3"*) ;; *) fail "$1: wanted \"$3\" in: $2" ;; esac; }
mkdir -p "$work/scratch" && cd "$work/scratch" || exit 1

# #144: make, sync, a second sync changes nothing
out=$(s3 mb s3://site 2>&1) || fail "mb: $out"
expect mb "$out" "make_bucket: site"
mkdir -p dist/assets dist/sub
echo '<h1>one</h1>' > dist/index.html
echo 'console.log(1)' > dist/assets/app.js
echo 'space and plus' > 'dist/sub/a b+c ü.txt'
# LastModified has whole seconds: a file of this very second would count as newer.
find dist -type f -exec touch -d '-1 minute' {} +
out=$(s3 sync dist s3://site --delete 2>&1) || fail "sync: $out"
expect sync "$out" "upload: dist/index.html to s3://site/index.html"
out=$(s3 sync dist s3://site --delete 2>&1) || fail "second sync: $out"
[ -z "$out" ] || fail "the second sync did something: $out"
out=$(s3 ls s3://site --recursive) || fail ls
expect "ls --recursive" "$out" "sub/a b+c ü.txt"
out=$(s3 ls s3://site/) || fail ls
expect ls "$out" "PRE assets/"
# the type comes from the client, never from S3
expect content-type "$(api head-object --bucket site --key index.html)" '"ContentType": "text/html"'

# #145, #146: newer files go up, removed ones go away, excluded ones stay
touch -d '+2 hours' dist/index.html
rm dist/assets/app.js
echo keep | s3 cp - s3://site/keep/me.txt || fail "cp from stdin"
out=$(s3 sync dist s3://site --delete --exclude 'keep/*' 2>&1) || fail "sync --delete: $out"
expect "touched file" "$out" "upload: dist/index.html"
expect "removed file" "$out" "delete: s3://site/assets/app.js"
case "$out" in *keep/me.txt*) fail "an excluded key was deleted" ;; esac
touch -d '-10 days' dist/index.html
[ -z "$(s3 sync dist s3://site --exclude 'keep/*' 2>&1)" ] || fail "an older file of the same size was uploaded"

# #147: multipart
head -c 20971520 /dev/urandom > big
out=$(s3 cp big s3://site/big 2>&1) || fail "cp big: $out"
etag=$(api head-object --bucket site --key big --query ETag --output text)
case "$etag" in *-3\") ;; *) fail "ETag of a 20 MiB upload: $etag" ;; esac
s3 cp s3://site/big back > /dev/null || fail "cp back"
cmp big back || fail "20 MiB came back changed"
s3 cp s3://site/big s3://site/big2 > /dev/null || fail "copy of a multipart object"
s3 cp s3://site/big2 back > /dev/null && cmp big back || fail "the copy differs"

# #148: what is missing
out=$(s3 cp s3://site/none x 2>&1); [ $? = 1 ] || fail "cp of a missing key exits 1"
expect "cp missing" "$out" "(404) when calling the HeadObject operation"
s3 ls s3://site/nothing > /dev/null; [ $? = 1 ] || fail "ls of a missing prefix exits 1"

# #149: website
s3 website s3://site --index-document index.html --error-document index.html || fail website
api delete-public-access-block --bucket site || fail "delete-public-access-block"
api put-bucket-policy --bucket site --policy '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::site/*"}]}' || fail "put-bucket-policy"
out=$(curl -s -H 'Host: site.s3-website.localhost' "$endpoint/") || fail "curl website"
expect website "$out" "<h1>one</h1>"
status=$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: site.s3-website-us-east-1.amazonaws.com' "$endpoint/nowhere")
[ "$status" = 404 ] || fail "error document's status: $status"

# #150: presigned URL
url=$(s3 presign s3://site/sub/a\ b+c\ ü.txt --expires-in 60) || fail presign
expect presign "$(curl -s "$url")" "space and plus"
expect "tampered URL" "$(curl -s "$url&x=1")" SignatureDoesNotMatch

# s3api in breadth
api create-bucket --bucket other --region eu-central-1 --create-bucket-configuration LocationConstraint=eu-central-1 > /dev/null || fail create-bucket
expect location "$(api get-bucket-location --bucket other)" eu-central-1
expect list-buckets "$(api list-buckets)" '"Name": "other"'
api put-bucket-versioning --bucket other --versioning-configuration Status=Enabled || fail versioning
echo 1 > v; first=$(api put-object --bucket other --key v --body v --query VersionId --output text) || fail put-object
echo 2 > v; api put-object --bucket other --key v --body v --metadata a=b --tagging k=v > /dev/null || fail put-object
api delete-object --bucket other --key v > /dev/null || fail delete-object
api get-object --bucket other --key v --version-id "$first" got > /dev/null || fail "get-object --version-id"
expect "first version" "$(cat got)" 1
expect versions "$(api list-object-versions --bucket other)" DeleteMarkers
api put-bucket-cors --bucket site --cors-configuration '{"CORSRules":[{"AllowedOrigins":["https://a.example"],"AllowedMethods":["GET"],"AllowedHeaders":["*"]}]}' || fail cors
out=$(curl -si -X OPTIONS -H 'Origin: https://a.example' -H 'Access-Control-Request-Method: GET' "$endpoint/site/index.html")
expect preflight "$out" "Access-Control-Allow-Origin: https://a.example"
api put-bucket-tagging --bucket site --tagging 'TagSet=[{Key=a,Value=b}]' || fail tagging
expect tagging "$(api get-bucket-tagging --bucket site)" '"Key": "a"'
expect attributes "$(api get-object-attributes --bucket site --key big --object-attributes ObjectSize ETag)" 20971520
api put-object --bucket site --key sum --body v --checksum-algorithm SHA256 > /dev/null || fail "checksum upload"
expect checksum "$(api head-object --bucket site --key sum --checksum-mode ENABLED)" ChecksumSHA256
out=$(api delete-objects --bucket site --delete 'Objects=[{Key=sum},{Key=none}]') || fail delete-objects
expect delete-objects "$out" '"Key": "none"'

# #107: boto3, both body signatures
/usr/bin/python3 - "$endpoint" <<'PYTHON' || fail boto3
import boto3, io, sys
from botocore.config import Config
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1")
s3.create_bucket(Bucket="boto")
s3.put_object(Bucket="boto", Key="k", Body=b"hello", ContentType="text/plain", CacheControl="max-age=1", Metadata={"x": "y"})
r = s3.get_object(Bucket="boto", Key="k", Range="bytes=1-3")
assert r["Body"].read() == b"ell" and r["ContentRange"] == "bytes 1-3/5" and r["Metadata"] == {"x": "y"}, r
s3.upload_fileobj(io.BytesIO(b"x" * 9_000_000), "boto", "m")
assert s3.head_object(Bucket="boto", Key="m")["ETag"].endswith('-2"')
s3.copy({"Bucket": "boto", "Key": "m"}, "boto", "m2")
pages = s3.get_paginator("list_objects_v2").paginate(Bucket="boto", PaginationConfig={"PageSize": 1})
assert [o["Key"] for p in pages for o in p["Contents"]] == ["k", "m", "m2"]
virtual = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1", config=Config(s3={"payload_signing_enabled": False}))
virtual.put_object(Bucket="boto", Key="u", Body=b"unsigned", ChecksumAlgorithm="CRC32")
import urllib.request
url = s3.generate_presigned_url("put_object", Params={"Bucket": "boto", "Key": "p"}, ExpiresIn=60)
if "X-Amz-Signature" in url:
    urllib.request.urlopen(urllib.request.Request(url, data=b"put", method="PUT", headers={"Content-Type": "text/plain"}))
    assert s3.get_object(Bucket="boto", Key="p")["Body"].read() == b"put"
form = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1", config=Config(signature_version="s3v4")).generate_presigned_post("boto", "posted")
import subprocess
fields = [a for k, v in form["fields"].items() for a in ("-F", f"{k}={v}")]
out = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *fields, "-F", "file=@-", form["url"]], input=b"form", capture_output=True).stdout
assert out == b"204", (out, form)
assert s3.get_object(Bucket="boto", Key="posted")["Body"].read() == b"form"
PYTHON

# emptying and removing
out=$(s3 rb s3://site --force 2>&1) || fail "rb --force: $out"
expect rb "$out" "remove_bucket: site"
out=$(s3 rb s3://other 2>&1) && fail "a bucket with versions was removed"
expect "rb of a versioned bucket" "$out" "You must delete all versions in the bucket"
echo "s3_cli: all as expected"
