// Objects: put, get, ranges, conditions, checksums, deletes, versions, copies. Numbers are those of
// s3.md §9.
#include <catch2/catch.hpp>

#include "base/digest.h"
#include "base/encoding.h"
#include "stack.h"

using namespace s3_test;

namespace {

struct WithBucket : Stack {
    WithBucket() { put("/bucket"); }
    void version(const char* status) {
        put("/bucket?versioning", "<VersioningConfiguration><Status>" + std::string(status) +
                                      "</Status></VersioningConfiguration>");
    }
};

std::string md5_base64(std::string_view text) {
    return base::to_base64(base::md5(text));
}

}  // namespace

TEST_CASE("keys are bytes, whatever they look like: #3, #7 to #12") {
    WithBucket stack;
    for (const char* key : {"a", "a/", "a//", "/a", "//a"})
        CHECK(stack.put("/bucket/" + std::string(key), key).status == 200);
    CHECK(stack.get("/bucket").elements("Key") ==
          std::vector<std::string>{"//a", "/a", "a", "a/", "a//"});
    for (const char* key : {"a", "a/", "a//", "/a", "//a"})
        CHECK(stack.get("/bucket/" + std::string(key)).body == key);

    CHECK(stack.put("/bucket/" + std::string(1024, 'k'), "x").status == 200);
    Answer long_key = stack.put("/bucket/" + std::string(1025, 'k'), "x");
    CHECK(long_key.status == 400);
    CHECK(long_key.code() == "KeyTooLongError");
    CHECK(long_key.element("Size") == "1025");
    CHECK(long_key.element("MaxSizeAllowed") == "1024");

    stack.put("/bucket/a/./b", "dots");
    CHECK(stack.get("/bucket/a/./b").body == "dots");
    stack.put("/bucket/a+b", "space");
    CHECK(stack.get("/bucket/a%20b").body == "space");
    stack.put("/bucket/a%2Bb", "plus");
    CHECK(stack.get("/bucket/a%2Bb").body == "plus");
    stack.put("/bucket/e%CC%81", "nfd");
    stack.put("/bucket/%C3%A9", "nfc");
    stack.put("/bucket/CASE", "upper");
    stack.put("/bucket/case", "lower");
    CHECK(stack.get("/bucket/e%CC%81").body == "nfd");
    CHECK(stack.get("/bucket/CASE").body == "upper");

    size_t before = stack.blob_count();
    for (const char* path : {"/bucket/../x", "/bucket/%2e%2e/x", "/bucket/a/../../x"}) {
        Answer answer = stack.put(path, "x");
        CHECK(answer.status == 400);
        CHECK(answer.body.empty());
    }
    CHECK(
        stack.send({.method = "PUT", .target = "/../x", .body = "x", .host = "bucket.s3.localhost"})
            .status == 400);
    CHECK(stack.blob_count() == before);
    CHECK(stack
              .send({.method = "PUT",
                     .target = "/x/bucket/y",
                     .body = "whole",
                     .host = "bucket.s3.localhost"})
              .status == 200);
    CHECK(stack.get("/bucket/x/bucket/y").body == "whole");
}

TEST_CASE("headers that an object keeps: #31 to #38, #41, #42, #47, #48") {
    WithBucket stack;
    stack.put("/bucket/x.html", "<p>");
    CHECK(stack.get("/bucket/x.html").header("Content-Type") == "binary/octet-stream");

    http::HeaderList sent = {{"Content-Type", "text/html; x"},
                             {"Cache-Control", "no-such, x"},
                             {"Content-Disposition", "attachment"},
                             {"Content-Encoding", "gzip"},
                             {"Content-Language", "de"},
                             {"Expires", "never"},
                             {"x-amz-meta-FOO", "v"},
                             {"x-amz-storage-class", "STANDARD_IA"}};
    stack.put("/bucket/k", "body", sent);
    Answer got = stack.get("/bucket/k"), head = stack.head("/bucket/k");
    for (const http::Header& header : sent)
        CHECK(got.header(header.name) == header.value);
    bool lower = false;
    for (const http::Header& header : got.headers)
        lower = lower || header.name == "x-amz-meta-foo";
    CHECK(lower);
    CHECK(got.header("ETag") == "\"841a2d689ad86bd1611447453c22c6fc\"");
    CHECK(got.header("x-amz-server-side-encryption") == "AES256");
    CHECK(got.header("Accept-Ranges") == "bytes");
    CHECK(got.header("x-amz-checksum-crc64nvme").empty());
    CHECK(head.body.empty());
    CHECK(head.header("Content-Length") == "4");
    for (const http::Header& header : got.headers)
        if (header.name != "Date" && !header.name.starts_with("x-amz-id") &&
            header.name != "x-amz-request-id")
            CHECK(head.header(header.name) == header.value);
    CHECK(got.header("Last-Modified") == "Mon, 21 Sep 2026 14:13:20 GMT");
    CHECK(stack.get("/bucket?prefix=k").element("LastModified") == "2026-09-21T14:13:20.000Z");

    Answer empty = stack.put("/bucket/empty");
    CHECK(empty.header("ETag") == "\"d41d8cd98f00b204e9800998ecf8427e\"");
    CHECK(empty.header("x-amz-checksum-crc64nvme") == "AAAAAAAAAAA=");
    CHECK(empty.header("x-amz-checksum-type") == "FULL_OBJECT");
    CHECK(empty.header("Content-Type").empty());
    http::HeaderList mode = {{"x-amz-checksum-mode", "ENABLED"}};
    CHECK(stack.send({"GET", "/bucket/k", "", mode}).header("x-amz-checksum-crc64nvme").size() ==
          12);
    mode.add("Range", "bytes=0-1");
    CHECK(stack.send({"GET", "/bucket/k", "", mode}).header("x-amz-checksum-crc64nvme").empty());

    stack.put("/bucket/g", "x", {{"Content-Encoding", "aws-chunked,gzip"}});
    CHECK(stack.get("/bucket/g").header("Content-Encoding") == "gzip");
    stack.put("/bucket/g", "x", {{"Content-Encoding", "aws-chunked"}});
    CHECK_FALSE(stack.get("/bucket/g").headers.has("Content-Encoding"));

    CHECK(stack.put("/bucket/m", "x", {{"x-amz-meta-a", std::string(2047, 'v')}}).status == 200);
    Answer large = stack.put("/bucket/m", "x", {{"x-amz-meta-a", std::string(2048, 'v')}});
    CHECK(large.code() == "MetadataTooLarge");
    CHECK(large.element("MaxSizeAllowed") == "2048");
    stack.put("/bucket/m", "x", {{"x-amz-meta-a", "\xC3\xA9"}});
    CHECK(stack.get("/bucket/m").header("x-amz-meta-a") == "=?UTF-8?B?w6k=?=");

    CHECK(stack.put("/bucket/r", "x", {{"x-amz-website-redirect-location", "foo"}}).code() ==
          "InvalidRedirectLocation");
    stack.put("/bucket/r", "x", {{"x-amz-website-redirect-location", "/foo"}});
    CHECK(stack.get("/bucket/r").status == 200);
    CHECK(stack.get("/bucket/r").header("x-amz-website-redirect-location") == "/foo");
    CHECK(stack.put("/bucket/s", "x", {{"x-amz-storage-class", "BOGUS"}}).code() ==
          "InvalidStorageClass");
    stack.put("/bucket/s", "x", {{"x-amz-storage-class", "STANDARD"}});
    CHECK_FALSE(stack.get("/bucket/s").headers.has("x-amz-storage-class"));
}

TEST_CASE("a broken promise leaves the object as it was: #39, #40, #44, #45") {
    WithBucket stack;
    stack.put("/bucket/k", "old");
    struct Row {
        http::HeaderList headers;
        const char* code;
    };
    const Row rows[] = {
        {{{"Content-MD5", md5_base64("other")}}, "BadDigest"},
        {{{"Content-MD5", "nonsense"}}, "InvalidDigest"},
        {{{"x-amz-checksum-crc32", "AAAAAA=="}}, "BadDigest"},
        {{{"x-amz-checksum-crc32", "AAAA"}}, "InvalidRequest"},
        {{{"x-amz-checksum-crc32", "AAAAAA=="}, {"x-amz-checksum-crc32c", "AAAAAA=="}},
         "InvalidRequest"},
        {{{"x-amz-sdk-checksum-algorithm", "CRC32"}}, "InvalidRequest"},
        {{{"x-amz-checksum-foo", "AAAAAA=="}}, "InvalidRequest"},
        {{{"Content-Length", "5"}}, "IncompleteBody"},
        {{{"x-amz-server-side-encryption", "ROT13"}}, "InvalidEncryptionAlgorithmError"},
        {{{"x-amz-tagging", "a=1&a=2"}}, "InvalidArgument"},
    };
    for (const Row& row : rows) {
        INFO(row.headers.begin()->name << " " << row.headers.begin()->value);
        Ask ask{"PUT", "/bucket/k", "new", row.headers};
        if (row.headers.has("Content-Length")) {
            // The connection ended early: the declared size is what the server saw in the head.
            ask.headers = {{"Content-Length", "5"}};
            ask.payload_hash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
            ask.headers.add("x-amz-decoded-content-length", "5");
            ask.body = "3\r\nnew\r\n0\r\n\r\n";
        }
        Answer answer = stack.send(std::move(ask));
        CHECK(answer.status == 400);
        CHECK(answer.code() == row.code);
        CHECK(stack.get("/bucket/k").body == "old");
        CHECK(stack.blob_count() == 1);
    }
    Answer digest = stack.put("/bucket/k", "new", {{"Content-MD5", md5_base64("other")}});
    CHECK(digest.element("ExpectedDigest") == base::to_hex(base::md5("other")));
    CHECK(digest.element("CalculatedDigest") == md5_base64("new"));
    CHECK(
        stack.put("/bucket/k", "new", {{"x-amz-checksum-crc32", "AAAAAA=="}}).element("Message") ==
        "The CRC32 you specified did not match the calculated checksum.");
    Answer unframed =
        stack.send({.method = "PUT", .target = "/bucket/k", .body = "new", .framed = false});
    CHECK(unframed.status == 411);
    CHECK(unframed.code() == "MissingContentLength");
    CHECK(stack
              .put("/bucket/k", "new",
                   {{"x-amz-checksum-sha256", base::to_base64(base::sha256("new"))}})
              .status == 200);
    CHECK(stack.get("/bucket/k").body == "new");
}

TEST_CASE("ranges and conditions over the wire: #51 to #60") {
    WithBucket stack;
    stack.put("/bucket/k", "0123456789");
    auto get = [&](http::HeaderList headers, std::string method = "GET") {
        return stack.send({std::move(method), "/bucket/k", "", std::move(headers)});
    };
    Answer part = get({{"Range", "bytes=2-4"}});
    CHECK(part.status == 206);
    CHECK(part.body == "234");
    CHECK(part.header("Content-Range") == "bytes 2-4/10");
    CHECK(part.header("Content-Length") == "3");
    CHECK(get({{"Range", "bytes=0-"}}).status == 206);
    CHECK(get({{"Range", "bytes=0-1,3-4"}}).status == 200);
    Answer beyond = get({{"Range", "bytes=100-200"}});
    CHECK(beyond.status == 416);
    CHECK(beyond.element("RangeRequested") == "bytes=100-200");
    CHECK(beyond.element("ActualObjectSize") == "10");
    Answer head = get({{"Range", "bytes=2-4"}}, "HEAD");
    CHECK(head.status == 206);
    CHECK(head.header("Content-Length") == "3");
    std::string etag = part.header("ETag");
    CHECK(get({{"Range", "bytes=2-4"}, {"If-Range", etag}}).status == 206);
    CHECK(get({{"Range", "bytes=2-4"}, {"If-Range", "\"other\""}}).body == "0123456789");

    CHECK(stack.get("/bucket/k?partNumber=1").status == 206);
    CHECK(stack.get("/bucket/k?partNumber=1").header("Content-Range") == "bytes 0-9/10");
    CHECK(stack.get("/bucket/k?partNumber=2").code() == "InvalidPartNumber");
    CHECK(stack.send({"GET", "/bucket/k?partNumber=1", "", {{"Range", "bytes=0-1"}}}).status ==
          400);

    Answer unmodified = get({{"If-None-Match", etag.substr(1, etag.size() - 2)}});
    CHECK(unmodified.status == 304);
    CHECK(unmodified.body.empty());
    CHECK(unmodified.header("ETag") == etag);
    Answer failed = get({{"If-Match", "\"other\""}});
    CHECK(failed.status == 412);
    CHECK(failed.element("Condition") == "If-Match");
    CHECK(get({{"If-Match", "\"other\""}}, "HEAD").body.empty());
    CHECK(stack.send({"GET", "/bucket/none", "", {{"If-Match", "\"x\""}}}).status == 404);
}

TEST_CASE("overrides are for those who signed: #43") {
    WithBucket stack;
    stack.open_to_the_public("bucket");
    stack.put("/bucket/k", "x");
    Answer answer =
        stack.get("/bucket/k?response-content-type=text/plain&response-cache-control=no-store");
    CHECK(answer.header("Content-Type") == "text/plain");
    CHECK(answer.header("Cache-Control") == "no-store");
    Answer anonymous = stack.send({.method = "GET",
                                   .target = "/bucket/k?response-content-type=text/plain",
                                   .as = As::Anonymous});
    CHECK(anonymous.status == 400);
    CHECK(anonymous.code() == "InvalidRequest");
    CHECK(stack.get("/bucket/k?response-x=1").element("Message") ==
          "response-x is not in the set of overridable response headers");
    CHECK(stack.get("/bucket/k?response-expires=%0d%0aX:1").status == 400);
}

TEST_CASE("conditional writes: #61 to #63, #65") {
    WithBucket stack;
    auto put = [&](http::HeaderList headers, std::string key = "k") {
        return stack.put("/bucket/" + key, "x", std::move(headers));
    };
    CHECK(put({{"If-None-Match", "*"}}).status == 200);
    Answer exists = put({{"If-None-Match", "*"}});
    CHECK(exists.status == 412);
    CHECK(exists.element("Condition") == "If-None-Match");
    Answer other = put({{"If-None-Match", "\"e\""}});
    CHECK(other.status == 501);
    CHECK(other.element("additionalMessage") ==
          "We don't accept the provided value of If-None-Match header for this API");
    std::string etag = stack.head("/bucket/k").header("ETag");
    CHECK(put({{"If-Match", etag}}).status == 200);
    CHECK(put({{"If-Match", "\"other\""}}).status == 412);
    CHECK(put({{"If-Match", etag}}, "none").status == 404);
    CHECK(put({{"If-Match", "*"}}).status == 501);
    CHECK(put({{"If-Match", etag}, {"If-None-Match", "*"}}).element("Header") ==
          "If-Match,If-None-Match");

    CHECK(stack.send({"DELETE", "/bucket/k", "", {{"If-Match", "\"other\""}}}).status == 412);
    CHECK(stack.send({"DELETE", "/bucket/k", "", {{"x-amz-if-match-size", "1"}}}).status == 501);
    stack.version("Enabled");
    stack.remove("/bucket/k");
    CHECK(put({{"If-None-Match", "*"}}).status == 200);
    CHECK(stack.send({"DELETE", "/bucket/k", "", {{"If-Match", etag}}}).status == 204);
}

TEST_CASE("deleting, marking, restoring: #80 to #85") {
    WithBucket stack;
    Answer gone = stack.remove("/bucket/none");
    CHECK(gone.status == 204);
    CHECK_FALSE(gone.headers.has("x-amz-version-id"));
    stack.put("/bucket/k", "null version");
    CHECK(stack.get("/bucket/k?versionId=null").body == "null version");
    Answer wrong = stack.get("/bucket/k?versionId=xyz");
    CHECK(wrong.status == 400);
    CHECK(wrong.element("Message") == "Invalid version id specified");
    CHECK(wrong.element("ArgumentValue") == "xyz");

    stack.version("Enabled");
    Answer second = stack.put("/bucket/k", "second");
    CHECK(second.header("x-amz-version-id").size() == 32);
    Answer deleted = stack.remove("/bucket/k");
    CHECK(deleted.header("x-amz-delete-marker") == "true");
    std::string marker = deleted.header("x-amz-version-id");
    Answer missing = stack.get("/bucket/k");
    CHECK(missing.status == 404);
    CHECK(missing.code() == "NoSuchKey");
    CHECK(missing.header("x-amz-delete-marker") == "true");
    CHECK(missing.header("x-amz-version-id") == marker);
    Answer by_id = stack.get("/bucket/k?versionId=" + marker);
    CHECK(by_id.status == 405);
    CHECK(by_id.header("Allow") == "DELETE");
    CHECK(by_id.element("ResourceType") == "DeleteMarker");
    CHECK(stack.get("/bucket/k?versionId=" + std::string(32, 'x')).code() == "NoSuchVersion");
    CHECK(stack.get("/bucket/k?versionId=null").body == "null version");
    Answer undone = stack.remove("/bucket/k?versionId=" + marker);
    CHECK(undone.header("x-amz-delete-marker") == "true");
    CHECK(stack.get("/bucket/k").body == "second");
    CHECK(stack.get("/bucket/k").header("x-amz-version-id") == second.header("x-amz-version-id"));

    stack.version("Suspended");
    Answer suspended = stack.put("/bucket/k", "third");
    CHECK_FALSE(suspended.headers.has("x-amz-version-id"));
    CHECK(stack.get("/bucket/k?versionId=null").body == "third");
    CHECK(stack.get("/bucket/k?versionId=" + second.header("x-amz-version-id")).body == "second");
    Answer null_marker = stack.remove("/bucket/k");
    CHECK(null_marker.header("x-amz-version-id") == "null");
    CHECK(stack.get("/bucket/k").status == 404);
    CHECK(stack.blob_count() == 1);  // only "second" is still referenced
}

TEST_CASE("many at once: #85") {
    WithBucket stack;
    stack.put("/bucket/a", "x");
    stack.put("/bucket/%20", "a key of one space");
    auto remove = [&](std::string inside, http::HeaderList headers = {}) {
        std::string body = "<Delete>" + inside + "</Delete>";
        if (headers.empty()) headers.add("Content-MD5", md5_base64(body));
        return stack.post("/bucket?delete", body, headers);
    };
    Answer answer = remove(
        "<Object><Key>a</Key></Object><Object><Key>none</Key></Object><Object><Key> "
        "</Key></Object>");
    CHECK(answer.status == 200);
    CHECK(answer.elements("Key") == std::vector<std::string>{"a", "none", " "});
    CHECK(stack.get("/bucket").elements("Key").empty());
    CHECK(remove("<Quiet>true</Quiet><Object><Key>a</Key></Object>").elements("Deleted").empty());
    CHECK(remove("<Object><Key>a</Key></Object>", {{"X-Other", "1"}}).element("Message") ==
          "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
    std::string many;
    for (int i = 0; i < 1001; ++i)
        many += "<Object><Key>k" + std::to_string(i) + "</Key></Object>";
    CHECK(remove(many).code() == "MalformedXML");
    CHECK(remove("").code() == "MalformedXML");
}

TEST_CASE("copies: #86 to #91") {
    WithBucket stack;
    stack.put("/other");
    stack.put("/bucket/a+b %C3%A9", "bytes",
              {{"Content-Type", "text/css"},
               {"x-amz-meta-m", "1"},
               {"x-amz-tagging", "t=1"},
               {"x-amz-storage-class", "STANDARD_IA"},
               {"x-amz-website-redirect-location", "/x"}});
    stack.put("/bucket/k", "bytes",
              {{"Content-Type", "text/css"},
               {"x-amz-meta-m", "1"},
               {"x-amz-tagging", "t=1"},
               {"x-amz-storage-class", "STANDARD_IA"},
               {"x-amz-website-redirect-location", "/x"}});
    auto copy = [&](std::string target, std::string source, http::HeaderList headers = {}) {
        headers.add("x-amz-copy-source", source);
        return stack.put(std::move(target), "", std::move(headers));
    };
    size_t blobs = stack.blob_count();
    Answer copied =
        copy("/other/c", "/bucket/k", {{"Content-Type", "ignored"}, {"x-amz-meta-n", "2"}});
    CHECK(copied.status == 200);
    CHECK(copied.element("ETag") == stack.head("/bucket/k").header("ETag"));
    CHECK(stack.blob_count() == blobs);  // bytes are shared
    Answer head = stack.head("/other/c");
    CHECK(head.header("Content-Type") == "text/css");
    CHECK(head.header("x-amz-meta-m") == "1");
    CHECK_FALSE(head.headers.has("x-amz-meta-n"));
    CHECK_FALSE(head.headers.has("x-amz-storage-class"));
    CHECK_FALSE(head.headers.has("x-amz-website-redirect-location"));
    CHECK(head.header("x-amz-tagging-count") == "1");
    stack.remove("/bucket/k");
    CHECK(stack.get("/other/c").body ==
          "bytes");  // its bytes stay as long as someone refers to them

    copy("/other/d", "other/c", {{"x-amz-metadata-directive", "REPLACE"}, {"x-amz-meta-n", "2"}});
    CHECK(stack.head("/other/d").header("Content-Type") == "binary/octet-stream");
    CHECK_FALSE(stack.head("/other/d").headers.has("x-amz-meta-m"));
    CHECK(copy("/other/e", "other/c", {{"x-amz-metadata-directive", "X"}}).element("Message") ==
          "Unknown metadata directive.");

    Answer self = copy("/other/c", "/other/c");
    CHECK(self.status == 400);
    CHECK(self.code() == "InvalidRequest");
    stack.clock.advance(base::seconds(10));
    CHECK(copy("/other/c", "/other/c", {{"x-amz-metadata-directive", "REPLACE"}}).status == 200);
    CHECK(stack.head("/other/c").header("Last-Modified") == "Mon, 21 Sep 2026 14:13:30 GMT");

    std::string etag = stack.head("/other/c").header("ETag");
    Answer failed = copy("/other/f", "/other/c", {{"x-amz-copy-source-if-none-match", etag}});
    CHECK(failed.status == 412);
    CHECK(failed.element("Condition") == "x-amz-copy-source-If-None-Match");
    CHECK(copy("/other/f", "/bucket/a%2Bb%20%C3%A9").code() == "NoSuchKey");
    CHECK(copy("/other/f", "/bucket/a%20b%20%C3%A9").status == 200);
    CHECK(copy("/other/f", "bucket").element("Message") == "Invalid copy source object key");
    CHECK(copy("/other/f", "/Bad/k").element("Message") == "Invalid copy source bucket name");
    CHECK(copy("/other/f", "/missing/k").code() == "NoSuchBucket");
    stack.version("Enabled");
    stack.put("/bucket/v", "one");
    std::string first = stack.head("/bucket/v").header("x-amz-version-id");
    stack.put("/bucket/v", "two");
    Answer of_version = copy("/other/g", "/bucket/v?versionId=" + first);
    CHECK(of_version.header("x-amz-copy-source-version-id") == first);
    CHECK(stack.get("/other/g").body == "one");
    std::string marker = stack.remove("/bucket/v").header("x-amz-version-id");
    CHECK(copy("/other/g", "/bucket/v?versionId=" + marker).element("Message") ==
          "The source of a copy request may not specifically refer to a delete marker by version "
          "id.");
}

TEST_CASE("replacing an object leaves readers their bytes and drops what nobody refers to: #46") {
    WithBucket stack;
    stack.put("/bucket/k", "old");
    auto old = stack.s3.store().latest("bucket", "k");
    auto blob = stack.blobs.open(stack.s3.store().parts(old->row)[0].blob);
    stack.put("/bucket/k", "new bytes");
    CHECK(stack.blob_count() == 1);
    char bytes[16];
    CHECK(std::string(bytes, blob->read_at(0, bytes)) == "old");
    CHECK(stack.get("/bucket/k").body == "new bytes");
    CHECK(stack.get("/bucket").element("Size") == "9");
}
