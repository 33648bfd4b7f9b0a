// Lists and multipart uploads through the endpoint. Numbers are those of s3.md §9.
#include <catch2/catch.hpp>

#include "base/encoding.h"
#include "base/text.h"
#include "s3/checksum.h"
#include "stack.h"

using namespace s3_test;
using Texts = std::vector<std::string>;

namespace {

struct WithBucket : Stack {
    WithBucket() { put("/bucket"); }
};

constexpr size_t kFiveMiB = 5 << 20;

std::string upload_id(Stack& stack, std::string target, http::HeaderList headers = {}) {
    return stack.post(target + "?uploads", "", std::move(headers)).element("UploadId");
}

}  // namespace

TEST_CASE("keys come in the order of their UTF-8 bytes: #66") {
    WithBucket stack;
    for (const char* key : {"a%F0%9F%98%80", "a%C3%A9", "a0", "a/b", "a-b"})
        stack.put("/bucket/" + std::string(key), "x");
    CHECK(stack.get("/bucket?list-type=2").elements("Key") ==
          Texts{"a-b", "a/b", "a0", "a\xC3\xA9", "a\xF0\x9F\x98\x80"});
}

TEST_CASE("what each list version shows: #67 to #77") {
    WithBucket stack;
    for (const char* key : {"a", "b/1", "b/2", "c", "d/1"})
        stack.put("/bucket/" + std::string(key), "x");
    Answer v1 = stack.get("/bucket"), v2 = stack.get("/bucket?list-type=2");
    CHECK(v1.elements("Marker") == Texts{""});
    CHECK(v1.elements("ID").size() == 5);
    CHECK(v1.elements("KeyCount").empty());
    CHECK(v2.element("KeyCount") == "5");
    CHECK(v2.elements("ID").empty());
    CHECK(v2.elements("Marker").empty());
    CHECK(stack.get("/bucket?list-type=2&fetch-owner=true").elements("ID").size() == 5);
    CHECK(v2.elements("DisplayName").empty());
    CHECK(v2.element("StorageClass") == "STANDARD");
    CHECK(v2.element("ChecksumAlgorithm") == "CRC64NVME");
    CHECK(v2.body.find("<ETag>&quot;") != std::string::npos);
    for (const char* type : {"1", "bogus"})
        CHECK(stack.get("/bucket?list-type=" + std::string(type)).elements("Marker").size() == 1);
    CHECK(stack.get("/bucket?start-after=a").element("Message") ==
          "startAfter only supported in REST.GET.BUCKET with list-type=2");

    CHECK(stack.get("/bucket?max-keys=2").elements("NextMarker").empty());
    Answer page = stack.get("/bucket?max-keys=2&delimiter=/");
    CHECK(page.element("NextMarker") == "b/");
    CHECK(page.element("IsTruncated") == "true");
    CHECK(stack.get("/bucket?max-keys=2&delimiter=/&marker=b/").elements("Key") == Texts{"c"});

    Answer first = stack.get("/bucket?list-type=2&delimiter=/&max-keys=2&start-after=A");
    CHECK(first.element("StartAfter") == "A");
    CHECK(first.element("KeyCount") == "2");
    Answer second =
        stack.get("/bucket?list-type=2&delimiter=/&max-keys=2&start-after=A&continuation-token=" +
                  base::percent_encode(first.element("NextContinuationToken")));
    CHECK(second.elements("StartAfter").empty());
    CHECK(second.elements("Key") == Texts{"c"});
    CHECK(second.elements("CommonPrefixes").size() == 1);
    CHECK(second.elements("NextContinuationToken").empty());
    for (const char* token : {"", "garbage"}) {
        Answer answer = stack.get("/bucket?list-type=2&continuation-token=" + std::string(token));
        CHECK(answer.status == 400);
        CHECK(answer.element("ArgumentName") == "continuation-token");
    }
    Answer none = stack.get("/bucket?max-keys=0");
    CHECK(none.elements("Key").empty());
    CHECK(none.element("IsTruncated") == "false");
    CHECK(stack.get("/bucket?max-keys=5000").element("MaxKeys") == "1000");
    CHECK(stack.get("/bucket?max-keys=").element("MaxKeys") == "1000");
    CHECK(stack.get("/bucket?max-keys=-1").element("Message") ==
          "Argument maxKeys must be an integer between 0 and 2147483647");
    CHECK(stack.get("/bucket?max-keys=abc").element("Message") ==
          "Provided max-keys not an integer or within integer range");
    CHECK(stack.get("/bucket?encoding-type=foo").element("Message") ==
          "Invalid Encoding Method specified in Request");
    CHECK(stack.get("/bucket?delimiter=/1").elements("Prefix") == Texts{"", "b/1", "d/1"});
    CHECK(stack.get("/bucket?delimiter=").elements("Key").size() == 5);
    CHECK(stack.get("/bucket?prefix=b/&prefix=d/").elements("Key") == Texts{"b/1", "b/2"});

    stack.put("/bucket/%01%0d", "x");
    CHECK(stack.get("/bucket").elements("Key")[0] == "\x01\r");
    stack.put("/bucket/a%20b%2Bc=d/%C3%A9%25", "x");
    CHECK(stack.get("/bucket?encoding-type=url&prefix=a%20").elements("Key") ==
          Texts{"a+b%2Bc%3Dd/%C3%A9%25"});
}

TEST_CASE("versions are listed newest first, and pages resume within a key: #78") {
    WithBucket stack;
    stack.put("/bucket/a", "0");
    CHECK(stack.get("/bucket?versions").elements("VersionId") == Texts{"null"});
    CHECK(stack.get("/bucket?versions").elements("IsLatest") == Texts{"true"});
    stack.put("/bucket?versioning",
              "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
    std::string second = stack.put("/bucket/a", "1").header("x-amz-version-id");
    std::string marker = stack.remove("/bucket/a").header("x-amz-version-id");
    stack.put("/bucket/b", "2");
    Answer all = stack.get("/bucket?versions");
    CHECK(all.elements("Key") == Texts{"a", "a", "a", "b"});
    CHECK(all.elements("IsLatest") == Texts{"true", "false", "false", "true"});
    CHECK(all.elements("VersionId")[1] == second);
    CHECK(all.elements("DeleteMarker").size() == 1);
    Texts seen;
    std::string next = "/bucket?versions&max-keys=1";
    for (int page = 0; page < 10; ++page) {
        Answer answer = stack.get(next);
        for (const std::string& id : answer.elements("VersionId"))
            seen.push_back(id);
        if (answer.element("IsTruncated") != "true") break;
        next = "/bucket?versions&max-keys=1&key-marker=" + answer.element("NextKeyMarker") +
               "&version-id-marker=" + answer.element("NextVersionIdMarker");
    }
    CHECK(seen == all.elements("VersionId"));
    CHECK(seen[0] == marker);
    CHECK(stack.get("/bucket?versions&version-id-marker=x").element("Message") ==
          "A version-id marker cannot be specified without a key marker.");
    CHECK(stack.get("/bucket?versions&max-keys=-1").element("Message") ==
          "max-keys cannot be negative");
}

TEST_CASE("a multipart upload from start to end: #54, #79, #91 to #95, #99, #100") {
    WithBucket stack;
    std::string id =
        upload_id(stack, "/bucket/k", {{"Content-Type", "text/css"}, {"x-amz-meta-a", "1"}});
    CHECK(id.size() == 64);
    std::string part_target = "/bucket/k?uploadId=" + id + "&partNumber=";
    std::string one(kFiveMiB, 'a'), three(kFiveMiB, 'b'), five = "tail";
    std::string e1 = stack.put(part_target + "1", one).header("ETag");
    stack.put(part_target + "2", "not listed at the end");
    std::string e3 = stack.put(part_target + "3", three).header("ETag");
    std::string e5 = stack.put(part_target + "5", five).header("ETag");
    CHECK(stack.get("/bucket/k").status == 404);
    CHECK(stack.get("/bucket/k?uploadId=" + id).elements("PartNumber") ==
          Texts{"1", "2", "3", "5"});
    Answer page = stack.get("/bucket/k?uploadId=" + id + "&max-parts=2");
    CHECK(page.element("NextPartNumberMarker") == "2");
    CHECK(page.element("IsTruncated") == "true");
    CHECK(stack.get("/bucket/k?uploadId=" + id + "&part-number-marker=3").elements("PartNumber") ==
          Texts{"5"});

    auto complete = [&](const std::string& body) {
        return stack.post("/bucket/k?uploadId=" + id, body);
    };
    CHECK(complete("").element("Message") == "You must specify at least one part");
    CHECK(complete("<CompleteMultipartUpload/>").code() == "InvalidRequest");
    CHECK(complete("junk").code() == "MalformedXML");
    CHECK(complete(list_of_parts({{3, e3}, {1, e1}})).code() == "InvalidPartOrder");
    Answer wrong = complete(list_of_parts({{1, e3}, {5, e5}}));
    CHECK(wrong.code() == "InvalidPart");
    CHECK(wrong.element("PartNumber") == "1");
    CHECK(complete(list_of_parts({{1, e1}, {4, e1}})).code() == "InvalidPart");
    Answer small = complete(
        list_of_parts({{2, stack.put(part_target + "2", "small").header("ETag")}, {5, e5}}));
    CHECK(small.code() == "EntityTooSmall");
    CHECK(small.element("MinSizeAllowed") == "5242880");

    Answer done = complete(list_of_parts({{1, e1}, {3, e3}, {5, e5}}));
    REQUIRE(done.status == 200);
    std::string digests = base::from_hex(e1.substr(1, 32)).value() +
                          base::from_hex(e3.substr(1, 32)).value() +
                          base::from_hex(e5.substr(1, 32)).value();
    CHECK(done.element("ETag") == "\"" + base::to_hex(base::md5(digests)) + "-3\"");
    CHECK(done.element("ChecksumType") == "FULL_OBJECT");
    s3::ChecksumStream whole(s3::ChecksumAlgorithm::Crc64Nvme);
    for (const std::string* part : {&one, &three, &five})
        whole.update(*part);
    CHECK(done.element("ChecksumCRC64NVME") == whole.finish());
    CHECK(done.element("Location") == "http://127.0.0.1:4566/bucket/k");
    CHECK(stack.blob_count() == 3);  // part 2 went

    Answer got = stack.get("/bucket/k");
    CHECK((got.body == one + three + five));
    CHECK(got.header("Content-Type") == "text/css");
    CHECK(got.header("x-amz-meta-a") == "1");
    Answer across = stack.send({"GET", "/bucket/k", "", {{"Range", "bytes=5242878-5242881"}}});
    CHECK(across.body == "aabb");
    Answer part = stack.get("/bucket/k?partNumber=3");
    CHECK(part.status == 206);
    CHECK(part.body == "tail");
    CHECK(part.header("x-amz-mp-parts-count") == "3");
    CHECK(part.header("Content-Range") == "bytes 10485760-10485763/10485764");
    CHECK(stack.get("/bucket/k?partNumber=4").code() == "InvalidPartNumber");
    stack.put("/bucket/copy", "", {{"x-amz-copy-source", "/bucket/k"}});
    CHECK(stack.head("/bucket/copy").header("ETag") ==
          "\"" + base::to_hex(base::md5(one + three + five)) + "\"");
    CHECK(complete(list_of_parts({{1, e1}})).code() == "NoSuchUpload");
}

TEST_CASE("uploads that are unknown, listed, aborted: #79, #95, #96") {
    WithBucket stack;
    Answer empty = stack.get("/bucket?uploads");
    CHECK(empty.elements("NextKeyMarker") == Texts{""});
    CHECK(empty.elements("NextUploadIdMarker") == Texts{""});
    std::string a1 = upload_id(stack, "/bucket/a");
    stack.clock.advance(base::seconds(1));
    std::string a2 = upload_id(stack, "/bucket/a"), b = upload_id(stack, "/bucket/b/1");
    CHECK(stack.get("/bucket?uploads").elements("UploadId") == Texts{a1, a2, b});
    CHECK(stack.get("/bucket?uploads&delimiter=/").elements("UploadId") == Texts{a1, a2});
    CHECK(stack.get("/bucket?uploads&key-marker=a").elements("UploadId") == Texts{b});
    CHECK(stack.get("/bucket?uploads&key-marker=a&upload-id-marker=" + a1).elements("UploadId") ==
          Texts{a2, b});
    CHECK(stack.get("/bucket?uploads&max-uploads=1").element("NextUploadIdMarker") == a1);
    CHECK(stack.get("/bucket?uploads&key-marker=a&upload-id-marker=x").element("Message") ==
          "Invalid uploadId marker");
    CHECK(stack.get("/bucket/a?uploadId=" + a1).element("NextPartNumberMarker") == "0");

    for (const std::string& target : {std::string("/bucket/a?uploadId=unknown&partNumber=1"),
                                      "/bucket/other?uploadId=" + a1 + "&partNumber=1"}) {
        Answer answer = stack.put(target, "x");
        CHECK(answer.status == 404);
        CHECK(answer.code() == "NoSuchUpload");
    }
    for (const char* number : {"0", "-1", "10001", "x"})
        CHECK(stack.put("/bucket/a?uploadId=" + a1 + "&partNumber=" + number, "x")
                  .element("Message") ==
              "Part number must be an integer between 1 and 10000, inclusive");
    CHECK(stack.put("/bucket/a?partNumber=1", "x").element("Message") ==
          "This operation does not accept partNumber without uploadId");
    stack.put("/bucket/a?uploadId=" + a1 + "&partNumber=1", "x");
    stack.put("/bucket/a?uploadId=" + a1 + "&partNumber=1", "again");
    CHECK(stack.blob_count() == 1);
    CHECK(stack.remove("/bucket/a?uploadId=" + a1).status == 204);
    CHECK(stack.blob_count() == 0);
    CHECK(stack.remove("/bucket/a?uploadId=" + a1).code() == "NoSuchUpload");
    stack.put("/bucket/a?uploadId=" + a2 + "&partNumber=1", "x");
    CHECK(stack.remove("/bucket").status == 204);  // uploads in progress do not hold a bucket
    CHECK(stack.blob_count() == 0);
}

TEST_CASE("parts copied from objects: #97") {
    WithBucket stack;
    stack.put("/bucket/source", "0123456789");
    std::string id = upload_id(stack, "/bucket/k");
    auto copy = [&](std::string range) {
        http::HeaderList headers = {{"x-amz-copy-source", "/bucket/source"}};
        if (!range.empty()) headers.add("x-amz-copy-source-range", range);
        return stack.put("/bucket/k?uploadId=" + id + "&partNumber=1", "", headers);
    };
    CHECK(copy("bytes=0-20").element("Message") ==
          "Range specified is not valid for source object of size: 10");
    CHECK(copy("bytes=10-20").element("Message") ==
          "The specified copy range is invalid for the source object size");
    CHECK(copy("0-2").element("Message").starts_with(
        "The x-amz-copy-source-range value must be of the form bytes=first-last"));
    CHECK(copy("").status == 200);
    Answer part = copy("bytes=2-4");
    CHECK(part.status == 200);
    CHECK(
        stack.post("/bucket/k?uploadId=" + id, list_of_parts({{1, part.element("ETag")}})).status ==
        200);
    CHECK(stack.get("/bucket/k").body == "234");
}

TEST_CASE("checksums of multipart uploads: #98, s3.md §3.12") {
    WithBucket stack;
    Answer made = stack.post("/bucket/k?uploads", "", {{"x-amz-checksum-algorithm", "SHA256"}});
    CHECK(made.header("x-amz-checksum-type") == "COMPOSITE");
    std::string target = "/bucket/k?uploadId=" + made.element("UploadId");
    std::string sum = base::to_base64(base::sha256("part"));
    Answer part = stack.put(target + "&partNumber=1", "part", {{"x-amz-checksum-sha256", sum}});
    CHECK(part.header("x-amz-checksum-sha256") == sum);
    CHECK(stack.put(target + "&partNumber=1", "part", {{"x-amz-checksum-crc32", "AAAAAA=="}})
              .element("Message") ==
          "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: "
          "crc32");
    CHECK(stack.post(target, list_of_parts({{1, part.header("ETag")}})).element("Message") ==
          "The upload was created using a sha256 checksum. The complete request must include the "
          "checksum for each part. It was missing for part 1 in the request.");
    auto with_sum = [&](const std::string& text) {
        return base::replace_all(list_of_parts({{1, part.header("ETag")}}), "</Part>",
                                 "<ChecksumSHA256>" + text + "</ChecksumSHA256></Part>");
    };
    CHECK(stack.post(target, with_sum("AAAA")).code() == "InvalidPart");
    Answer done = stack.post(target, with_sum(sum));
    CHECK(done.element("ChecksumType") == "COMPOSITE");
    CHECK(done.element("ChecksumSHA256") ==
          base::to_base64(base::sha256(base::sha256("part"))) + "-1");
    auto create = [&](const char* algorithm, const char* type) {
        http::HeaderList headers;
        if (*algorithm) headers.add("x-amz-checksum-algorithm", algorithm);
        headers.add("x-amz-checksum-type", type);
        return stack.post("/bucket/k?uploads", "", headers);
    };
    CHECK(create("SHA1", "FULL_OBJECT").element("Message") ==
          "The FULL_OBJECT checksum type cannot be used with the sha1 checksum algorithm.");
    CHECK(create("CRC64NVME", "COMPOSITE").status == 400);
    CHECK(create("", "COMPOSITE").element("Message") ==
          "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm "
          "header.");
    CHECK(create("CRC32", "FULL_OBJECT").header("x-amz-checksum-type") == "FULL_OBJECT");
}

TEST_CASE("a completion on condition notices what happened meanwhile: #64") {
    WithBucket stack;
    stack.put("/bucket/k", "there at the start");
    std::string id = upload_id(stack, "/bucket/k");
    std::string etag = stack.put("/bucket/k?uploadId=" + id + "&partNumber=1", "x").header("ETag");
    auto complete = [&] {
        return stack.post("/bucket/k?uploadId=" + id, list_of_parts({{1, etag}}),
                          {{"If-None-Match", "*"}});
    };
    CHECK(complete().status == 412);
    stack.remove("/bucket/k");
    Answer conflict = complete();
    CHECK(conflict.status == 409);
    CHECK(conflict.code() == "ConditionalRequestConflict");
    CHECK(conflict.element("Key") == "k");
    CHECK(stack.post("/bucket/k?uploadId=" + id, list_of_parts({{1, etag}})).status == 200);
}

TEST_CASE("attributes of an object: s3.md §3.14") {
    WithBucket stack;
    stack.put("/bucket/k", "body");
    auto ask = [&](const char* names) {
        return stack.send(
            {"GET", "/bucket/k?attributes", "", {{"x-amz-object-attributes", names}}});
    };
    Answer answer = ask("ETag,ObjectSize,StorageClass,Checksum,ObjectParts");
    CHECK(answer.element("ETag") == "841a2d689ad86bd1611447453c22c6fc");
    CHECK(answer.element("ObjectSize") == "4");
    CHECK(answer.elements("PartsCount").empty());
    CHECK_FALSE(answer.header("Last-Modified").empty());
    CHECK(stack.get("/bucket/k?attributes").code() == "InvalidRequest");
    CHECK(ask("Size").element("Message") == "Invalid attribute name specified.");
}
