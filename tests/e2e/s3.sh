#!/usr/bin/env bash
# S3 under load and misfortune: a gigabyte without memory, a full disk, a kill in the middle of an upload.
. "$(dirname "$0")/lib.sh"

presigned_put() { # presigned_put BUCKET KEY
    /usr/bin/python3 - "$endpoint" "$1" "$2" <<'PYTHON'
import boto3, sys
from botocore.config import Config
s3 = boto3.client("s3", endpoint_url=sys.argv[1], config=Config(signature_version="s3v4"))
print(s3.generate_presigned_url("put_object", Params={"Bucket": sys.argv[2], "Key": sys.argv[3]}, ExpiresIn=3600))
PYTHON
}
resident_kib() { awk '/^VmHWM/ { print $2 }' "/proc/$(field pid)/status"; }
at_most() { [ "$1" -le "$2" ] || { echo "wanted at most $2, got $1"; return 1; }; }

# A gigabyte in one PUT and one GET: the emulator must stream.
start_dodam big
aws s3 mb s3://big >/dev/null
before=$(resident_kib)
url=$(presigned_put big gigabyte)
check "PUT of 1 GiB" equals "$(head -c 1073741824 /dev/zero | curl -s -o /dev/null -w '%{http_code}' -H 'Content-Length: 1073741824' -H 'Transfer-Encoding:' -T - "$url")" 200
check "its MD5" equals "$(aws s3api head-object --bucket big --key gigabyte --query ETag --output text)" '"cd573cfaace07e7949bc0c46028904ff"'
check "GET of 1 GiB" equals "$(curl -s "$(aws s3 presign s3://big/gigabyte)" | wc -c)" 1073741824
check "memory stays where it was" at_most $(($(resident_kib) - before)) 16384
"$dodam" down --state "$state" >/dev/null

# A full disk: a clear error, nothing lost.
mkdir -p "$work/tiny"
if mount -t tmpfs -o size=16m tmpfs "$work/tiny"; then
    start_dodam tiny
    aws s3 mb s3://tiny >/dev/null
    head -c 1000000 /dev/urandom >"$work/small"
    head -c 20000000 /dev/urandom >"$work/large"
    aws s3 cp "$work/small" s3://tiny/k >/dev/null
    out=$(curl -s -T "$work/large" "$(presigned_put tiny k)")
    check "the error names the cause" contains "$out" "<Code>InsufficientStorage</Code><Message>No space left on the disk that holds"
    out=$(aws s3 cp "$work/large" s3://tiny/multipart 2>&1)
    check "the CLI shows it" contains "$out" "InsufficientStorage"
    aws s3 cp s3://tiny/k "$work/back" >/dev/null
    check "the object is as it was" cmp "$work/small" "$work/back"
    check "what did not fit left nothing" at_most "$(find "$work/tiny/blobs" -type f | wc -l)" 1
    check "and the next one fits" aws s3 cp "$work/small" s3://tiny/k2
    "$dodam" down --state "$state" >/dev/null
    umount "$work/tiny"
else
    echo "skipped: no tmpfs can be mounted here, the full disk was not tried"
fi

# Killed in the middle of an upload: the old object, no half one, no leftovers.
start_dodam killed
aws s3 mb s3://killed >/dev/null
echo old | aws s3 cp - s3://killed/k >/dev/null
url=$(presigned_put killed k)
head -c 100000000 /dev/zero | curl -s --limit-rate 20M -H 'Content-Length: 100000000' -H 'Transfer-Encoding:' -T - "$url" >/dev/null &
upload=$!
unfinished() { find "$state/blobs/tmp" -type f -size +1000k | grep -q . && echo yes; }
check "the upload is under way" until_contains yes unfinished
kill -9 "$(field pid)"
wait "$upload"
start_dodam killed
check "the object is the old one" equals "$(aws s3 cp s3://killed/k -)" old
check "nothing unfinished is left" equals "$(find "$state/blobs" -type f | wc -l)" 1
finish
