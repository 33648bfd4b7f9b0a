// SigV4 against AWS's published examples: the Signature V4 test suite (IAM guide) and "Examples:
// Signature Calculations" of the S3 API reference; then what must be refused (s3.md §2.2 to §2.6,
// #102 to #112).
#include "aws/sigv4.h"

#include <catch2/catch.hpp>

#include "base/date.h"
#include "base/digest.h"
#include "base/text.h"

using aws::PathEncoding;

namespace {

constexpr std::string_view kSuiteKey = "AKIDEXAMPLE",
                           kSuiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kS3Key = "AKIAIOSFODNN7EXAMPLE",
                           kS3Secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const base::Time kSuiteTime = *base::parse_sigv4_date("20150830T123600Z");
const base::Time kS3Time = *base::parse_sigv4_date("20130524T000000Z");

aws::Verification verification(base::Time now, std::string_view service) {
    aws::Verification verification;
    verification.secret_of = [](std::string_view key) -> std::optional<std::string> {
        if (key == kSuiteKey) return std::string(kSuiteSecret);
        if (key == kS3Key) return std::string(kS3Secret);
        return std::nullopt;
    };
    verification.now = verification.real_now = now;
    verification.service = service;
    return verification;
}

http::RequestHead suite_request(std::string method, std::string target, http::HeaderList headers,
                                std::string signed_headers, std::string signature) {
    http::RequestHead head;
    head.method = std::move(method);
    head.target = std::move(target);
    head.headers = std::move(headers);
    head.headers.add("X-Amz-Date", "20150830T123600Z");
    head.headers.add(
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=" +
            signed_headers + ", Signature=" + signature);
    return head;
}

std::string code_of(const http::RequestHead& head, const aws::Verification& with,
                    PathEncoding encoding = PathEncoding::Once) {
    try {
        aws::verify_signature(head, with, encoding);
        return "passes";
    } catch (const aws::Error& error) {
        return error.code;
    }
}

http::RequestHead s3_get_object() {
    http::RequestHead head;
    head.method = "GET";
    head.target = "/test.txt";
    std::string empty = base::sha256_hex("");
    head.headers = {
        {"Host", "examplebucket.s3.amazonaws.com"},
        {"Range", "bytes=0-9"},
        {"x-amz-content-sha256", empty},
        {"x-amz-date", "20130524T000000Z"},
        {"Authorization",
         "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
         "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
         "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"}};
    return head;
}

http::RequestHead s3_presigned() {
    http::RequestHead head;
    head.method = "GET";
    head.target =
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%"
        "2F20130524%2Fus-east-1%2Fs3%2F"
        "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-"
        "Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    head.headers = {{"Host", "examplebucket.s3.amazonaws.com"}};
    return head;
}

}  // namespace

TEST_CASE("the published test suite verifies") {
    struct Row {
        std::string method, target;
        http::HeaderList headers;
        std::string signed_headers, signature;
    };
    const http::Header host{"Host", "example.amazonaws.com"};
    const Row rows[] = {
        // get-vanilla, get-vanilla-query-order-key-case, get-vanilla-query-unreserved,
        // post-vanilla, get-relative,
        // get-slash-dot-slash, get-slashes, get-header-value-trim, get-header-value-order
        {"GET",
         "/",
         {host},
         "host;x-amz-date",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"GET",
         "/?Param2=value2&Param1=value1",
         {host},
         "host;x-amz-date",
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"GET",
         "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
         "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
         {host},
         "host;x-amz-date",
         "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
        {"POST",
         "/",
         {host},
         "host;x-amz-date",
         "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"GET",
         "/example/..",
         {host},
         "host;x-amz-date",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"GET",
         "/./",
         {host},
         "host;x-amz-date",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"GET",
         "//",
         {host},
         "host;x-amz-date",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"GET",
         "/",
         {host, {"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
         "host;my-header1;my-header2;x-amz-date",
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        {"GET",
         "/",
         {host,
          {"My-Header1", "value4"},
          {"My-Header1", "value1"},
          {"My-Header1", "value3"},
          {"My-Header1", "value2"}},
         "host;my-header1;x-amz-date",
         "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    };
    auto with = verification(kSuiteTime, "service");
    std::string empty = base::sha256_hex("");
    with.payload_hash = empty;
    for (const Row& row : rows) {
        CAPTURE(row.target, row.signed_headers);
        auto head =
            suite_request(row.method, row.target, row.headers, row.signed_headers, row.signature);
        CHECK(code_of(head, with, PathEncoding::Twice) == "passes");
    }
}

TEST_CASE("S3's published examples verify") {
    CHECK(code_of(s3_get_object(), verification(kS3Time, "s3")) == "passes");
    auto signature = aws::verify_signature(
        s3_presigned(), verification(kS3Time + std::chrono::hours(24), "s3"), PathEncoding::Once);
    CHECK(signature.presigned);
    CHECK(signature.region == "us-east-1");
    CHECK(signature.payload_hash == "UNSIGNED-PAYLOAD");

    http::RequestHead list;
    list.method = "GET";
    list.target = "/?max-keys=2&prefix=J";
    list.headers = {
        {"Host", "examplebucket.s3.amazonaws.com"},
        {"x-amz-content-sha256", base::sha256_hex("")},
        {"x-amz-date", "20130524T000000Z"},
        {"Authorization",
         "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
         "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
         "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"}};
    CHECK(code_of(list, verification(kS3Time, "s3")) == "passes");
    list.target = "/?lifecycle";
    list.headers.set(
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
        "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    CHECK(code_of(list, verification(kS3Time, "s3")) == "passes");
}

TEST_CASE("chunk signatures chain from the published seed") {
    http::RequestHead put;
    put.method = "PUT";
    put.target = "/examplebucket/chunkObject.txt";
    put.headers = {
        {"Host", "s3.amazonaws.com"},
        {"x-amz-date", "20130524T000000Z"},
        {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
        {"x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"},
        {"Content-Encoding", "aws-chunked"},
        {"x-amz-decoded-content-length", "66560"},
        {"Content-Length", "66824"},
        {"Authorization",
         "AWS4-HMAC-SHA256 "
         "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="
         "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-"
         "content-length;"
         "x-amz-storage-class,Signature="
         "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"}};
    auto seed = aws::verify_signature(put, verification(kS3Time, "s3"), PathEncoding::Once);
    std::string previous = seed.seed;
    CHECK(aws::chunk_signature(seed, previous, base::sha256_hex(std::string(65536, 'a'))) ==
          "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
    CHECK(aws::chunk_signature(seed, previous, base::sha256_hex(std::string(1024, 'a'))) ==
          "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
    CHECK(aws::chunk_signature(seed, previous, base::sha256_hex("")) ==
          "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
}

TEST_CASE("a trailer's signature is the published one") {
    http::RequestHead put;
    put.method = "PUT";
    put.target = "/examplebucket/chunkObject.txt";
    put.headers = {
        {"Host", "s3.amazonaws.com"},
        {"x-amz-date", "20130524T000000Z"},
        {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
        {"x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"},
        {"Content-Encoding", "aws-chunked"},
        {"x-amz-decoded-content-length", "66560"},
        {"x-amz-trailer", "x-amz-checksum-crc32c"},
        {"Content-Length", "66824"},
        {"Authorization",
         "AWS4-HMAC-SHA256 "
         "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="
         "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-"
         "storage-class;"
         "x-amz-trailer,Signature="
         "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"}};
    auto seed = aws::verify_signature(put, verification(kS3Time, "s3"), PathEncoding::Once);
    std::string previous = seed.seed;
    aws::chunk_signature(seed, previous, base::sha256_hex(std::string(65536, 'a')));
    aws::chunk_signature(seed, previous, base::sha256_hex(std::string(1024, 'a')));
    aws::chunk_signature(seed, previous, base::sha256_hex(""));
    CHECK(previous == "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
    CHECK(aws::trailer_signature(seed, previous,
                                 base::sha256_hex("x-amz-checksum-crc32c:sOO8/Q==\n")) ==
          "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435");
}

TEST_CASE("what the edge signs, S3 verifies") {
    aws::Credentials credentials{std::string(kS3Key), std::string(kS3Secret), "token"};
    for (PathEncoding encoding : {PathEncoding::Once, PathEncoding::Twice}) {
        http::RequestHead head;
        head.method = "GET";
        head.target = "/a%20b/../c//d%2Fe?x=1&list-type=2&empty";
        head.headers = {{"Host", "bucket.s3.eu-west-1.amazonaws.com"},
                        {"X-Amz-Meta-A", "  two   spaces "}};
        aws::sign(head, credentials, "eu-west-1", "s3", "UNSIGNED-PAYLOAD", kS3Time, encoding);
        CHECK(head.headers.get("x-amz-security-token") == "token");
        CHECK(code_of(head, verification(kS3Time, "s3"), encoding) == "passes");
        head.headers.set("X-Amz-Meta-A", "other");
        CHECK(code_of(head, verification(kS3Time, "s3"), encoding) == "SignatureDoesNotMatch");
    }
}

TEST_CASE("altered requests are refused, with the code of s3.md") {
    auto with = verification(kS3Time, "s3");
    auto head = s3_get_object();
    SECTION("method") {
        head.method = "HEAD";
    }
    SECTION("path") {
        head.target = "/Test.txt";
    }
    SECTION("query") {
        head.target += "?versionId=1";
    }
    SECTION("signed header") {
        head.headers.set("Range", "bytes=0-8");
    }
    SECTION("signed header missing") {
        head.headers.remove("Range");
    }
    SECTION("host") {
        head.headers.set("Host", "other.s3.amazonaws.com");
    }
    SECTION("payload hash") {
        head.headers.set("x-amz-content-sha256", base::sha256_hex("x"));
    }
    CHECK(code_of(head, with) == "SignatureDoesNotMatch");
}

TEST_CASE("header signatures: syntax, key, clock, unsigned headers") {
    auto head = s3_get_object();
    auto with = verification(kS3Time, "s3");
    const std::string good(head.headers.get("Authorization"));
    struct Row {
        std::string from, to, code;
    };
    const Row rows[] = {
        {"AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA1 ", "InvalidArgument"},
        {"AWS4-HMAC-SHA256 ", "Bearer ", "InvalidArgument"},
        {"AWS4-HMAC-SHA256 ", "AWS ", "InvalidRequest"},
        {"Credential=", "Credentials=", "AuthorizationHeaderMalformed"},
        {"AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request", "AKIA",
         "AuthorizationHeaderMalformed"},
        {"/s3/aws4_request", "/s3/aws3_request", "AuthorizationHeaderMalformed"},
        {"/s3/", "/ec2/", "AuthorizationHeaderMalformed"},
        {"20130524", "2013-05-24", "AuthorizationHeaderMalformed"},
        {"20130524", "20130525", "AuthorizationHeaderMalformed"},
        {"AKIAIOSFODNN7EXAMPLE", "AKIAUNKNOWN", "InvalidAccessKeyId"},
        {"SignedHeaders=", "Signed=", "AuthorizationHeaderMalformed"},
        {"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,", "",
         "AuthorizationHeaderMalformed"},
        {",Signature=f0e8bdb8", "", "AuthorizationHeaderMalformed"},
        {"us-east-1", "eu-west-1", "SignatureDoesNotMatch"},
        {"host;range", "host", "SignatureDoesNotMatch"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.from, row.to);
        head.headers.set("Authorization", base::replace_all(good, row.from, row.to));
        CHECK(code_of(head, with) == row.code);
    }
    head = s3_get_object();
    CHECK(code_of(head, verification(kS3Time + std::chrono::minutes(16), "s3")) ==
          "RequestTimeTooSkewed");
    CHECK(code_of(head, verification(kS3Time - std::chrono::minutes(16), "s3")) ==
          "RequestTimeTooSkewed");
    auto moved = verification(kS3Time, "s3");
    moved.now += std::chrono::hours(900);  // a moved stack clock, real time near (decision 30)
    CHECK(code_of(head, moved) == "passes");
    head.headers.add("x-amz-acl", "public-read");
    CHECK(code_of(head, with) == "AccessDenied");
    head = s3_get_object();
    head.headers.remove("x-amz-date");
    CHECK(code_of(head, with) == "AccessDenied");
    head = s3_get_object();
    head.headers.remove("x-amz-content-sha256");
    CHECK(code_of(head, with) == "InvalidRequest");
    head = s3_get_object();
    head.headers.set("x-amz-content-sha256", "SOMETHING");
    CHECK(code_of(head, with) == "InvalidArgument");
    head.headers = {};
    CHECK(code_of(head, with) == "MissingAuthenticationToken");
}

TEST_CASE("presigned URLs: limits, expiry by stack time, altered parts") {
    auto head = s3_presigned();
    const std::string good = head.target;
    auto with = verification(kS3Time, "s3");
    struct Row {
        std::string from, to, code;
    };
    const Row rows[] = {
        {"X-Amz-Expires=86400", "X-Amz-Expires=604801", "AuthorizationQueryParametersError"},
        {"X-Amz-Expires=86400", "X-Amz-Expires=-1", "AuthorizationQueryParametersError"},
        {"X-Amz-Expires=86400", "X-Amz-Expires=x", "AuthorizationQueryParametersError"},
        {"X-Amz-Expires=86400&", "", "AuthorizationQueryParametersError"},
        {"%2F", "%252F", "AuthorizationQueryParametersError"},
        {"20130524T000000Z", "20130524", "AuthorizationQueryParametersError"},
        {"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1", "AuthorizationQueryParametersError"},
        {"X-Amz-Expires=86400", "X-Amz-Expires=86401", "SignatureDoesNotMatch"},
        {"/test.txt?", "/test.txt?x=1&", "SignatureDoesNotMatch"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.to);
        head.target = base::replace_all(good, row.from, row.to);
        CHECK(code_of(head, with) == row.code);
    }
    head.target = good;
    head.headers.add("Content-Type", "text/plain");
    head.headers.add("x-amz-content-sha256", "anything");
    CHECK(code_of(head, with) == "passes");
    CHECK(code_of(head, verification(kS3Time + base::seconds(86401), "s3")) == "AccessDenied");
    CHECK(code_of(head, verification(kS3Time - std::chrono::hours(1), "s3")) == "AccessDenied");
    head.headers.add("x-amz-meta-a", "b");
    CHECK(code_of(head, with) == "AccessDenied");
    head = s3_presigned();
    head.headers.add("Authorization", "AWS4-HMAC-SHA256 x");
    CHECK(code_of(head, with) == "InvalidArgument");
}

TEST_CASE("hostile signatures end in an error, never otherwise") {
    for (std::string_view text :
         {"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 ,,,",
          "AWS4-HMAC-SHA256 =,=,=", "AWS4-HMAC-SHA256 Credential=////",
          "AWS4-HMAC-SHA256 Credential=,SignedHeaders=,Signature=",
          "AWS4-HMAC-SHA256 Credential=a/20130524/r/s/aws4_request,SignedHeaders=;;;,Signature=x",
          "", " ", "AWS4-HMAC-SHA256\tCredential=x"}) {
        http::RequestHead head;
        head.method = "GET";
        head.target = "/%%%?&&&=&%zz=%";
        head.headers.add("Authorization", text);
        head.headers.add("x-amz-date", "20130524T000000Z");
        CAPTURE(text);
        CHECK(code_of(head, verification(kS3Time, "")) != "passes");
    }
    http::RequestHead head = s3_presigned();
    for (size_t cut = 0; cut < head.target.size(); cut += 3) {
        http::RequestHead shorter = head;
        shorter.target.resize(cut);
        CHECK(code_of(shorter, verification(kS3Time, "s3")) != "passes");
    }
}
