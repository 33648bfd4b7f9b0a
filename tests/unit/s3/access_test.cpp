// Who may do what: signatures, presigned URLs, chunked bodies, policies, OAC, CORS. Numbers are
// those of s3.md §9.
#include <catch2/catch.hpp>

#include "base/date.h"
#include "base/encoding.h"
#include "base/text.h"
#include "s3/checksum.h"
#include "stack.h"

using namespace s3_test;

namespace {

struct WithBucket : Stack {
    WithBucket() {
        put("/bucket");
        put("/bucket/k", "body");
    }
    Answer as(As who, std::string method, std::string target) {
        return send({.method = std::move(method), .target = std::move(target), .as = who});
    }
};

// A presigned URL, as clients make them: SigV4 written out once more, from the guide.
std::string presign(Stack& stack, const std::string& method, const std::string& path,
                    http::HeaderList signed_headers = {}, int expires = 60, std::string more = {},
                    const std::string& host = "127.0.0.1:4566") {
    std::string date = base::sigv4_date(stack.clock.now()),
                scope = date.substr(0, 8) + "/us-east-1/s3/aws4_request";
    std::string names = signed_headers.empty() ? "host" : "";
    std::string canonical = signed_headers.empty() ? "host:" + host + "\n" : "";
    if (!signed_headers.empty()) {
        signed_headers.add("host", host);
        std::vector<std::pair<std::string, std::string>> sorted;
        for (const http::Header& header : signed_headers)
            sorted.emplace_back(header.name, header.value);
        std::sort(sorted.begin(), sorted.end());
        for (const auto& [name, value] : sorted) {
            names += (names.empty() ? "" : ";") + name;
            canonical += name + ":" + value + "\n";
        }
    }
    std::string query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" +
                        base::percent_encode("AKIDTEST/" + scope) + "&X-Amz-Date=" + date +
                        "&X-Amz-Expires=" + std::to_string(expires) +
                        "&X-Amz-SignedHeaders=" + base::percent_encode(names) + more;
    std::string request = method + "\n" + path + "\n" + query + "\n" + canonical + "\n" + names +
                          "\nUNSIGNED-PAYLOAD";
    std::string to_sign =
        "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + base::sha256_hex(request);
    std::string key = "AWS4secret";
    for (const std::string& part : {date.substr(0, 8), std::string("us-east-1"), std::string("s3"),
                                    std::string("aws4_request")})
        key = base::hmac_sha256(key, part);
    return path + "?" + query + "&X-Amz-Signature=" + base::to_hex(base::hmac_sha256(key, to_sign));
}

}  // namespace

TEST_CASE("signatures that do not hold: #102 to #104, #112, #113") {
    WithBucket stack;
    http::RequestHead head = stack.signed_head({"GET", "/bucket/k"});
    head.target = "/bucket/other";
    Answer mismatch = stack.send_head(head, "");
    CHECK(mismatch.status == 403);
    CHECK(mismatch.code() == "SignatureDoesNotMatch");
    CHECK_FALSE(mismatch.element("StringToSign").empty());
    CHECK(mismatch.element("CanonicalRequest").starts_with("GET\n/bucket/other\n"));

    head = stack.signed_head({"GET", "/bucket/k"});
    head.headers.set("Authorization",
                     base::replace_all(head.headers.get("Authorization"), "AKIDTEST", "AKIDNONE"));
    Answer unknown = stack.send_head(head, "");
    CHECK(unknown.code() == "InvalidAccessKeyId");
    CHECK(unknown.element("AWSAccessKeyId") == "AKIDNONE");

    head = stack.signed_head({"GET", "/bucket/k"});
    stack.clock.advance(std::chrono::minutes(16));
    Answer skewed = stack.send_head(head, "");
    CHECK(skewed.status == 403);
    CHECK(skewed.code() == "RequestTimeTooSkewed");
    CHECK(skewed.element("MaxAllowedSkewMilliseconds") == "900000");
    CHECK_FALSE(skewed.element("RequestTime").empty());
    CHECK_FALSE(skewed.element("ServerTime").empty());

    head = stack.signed_head({"GET", "/bucket/k"});
    head.headers.remove("x-amz-content-sha256");
    CHECK(stack.send_head(head, "").element("Message") ==
          "Missing required header for this request: x-amz-content-sha256");
    Answer body = stack.send({.method = "PUT",
                              .target = "/bucket/k",
                              .body = "real",
                              .payload_hash = base::sha256_hex("promised")});
    CHECK(body.status == 400);
    CHECK(body.code() == "XAmzContentSHA256Mismatch");
    CHECK(body.element("S3ComputedContentSHA256") == base::sha256_hex("real"));
    CHECK(stack.get("/bucket/k").body == "body");
    CHECK(stack.send({.method = "PUT", .target = "/bucket/k", .body = "x", .payload_hash = "weird"})
              .code() == "InvalidArgument");
    CHECK(
        stack.send({.method = "PUT", .target = "/bucket/u", .body = "x", .unsigned_payload = true})
            .status == 200);

    for (const char* target : {"/bucket/a//b", "/bucket/./x", "/bucket/a%2Fb", "/bucket/a%20b"})
        CHECK(stack.put(target, "x").status == 200);
    Answer v2 = stack.send({.method = "GET",
                            .target = "/bucket/k",
                            .headers = {{"Authorization", "AWS AKID:sig"}},
                            .as = As::Anonymous});
    CHECK(v2.status == 400);
    CHECK(v2.element("Message") ==
          "The authorization mechanism you have provided is not supported. Please use "
          "AWS4-HMAC-SHA256.");
}

TEST_CASE("presigned URLs: #108 to #112") {
    WithBucket stack;
    auto fetch = [&](std::string method, std::string url, http::HeaderList headers = {},
                     std::string body = "") {
        return stack.send({.method = std::move(method),
                           .target = std::move(url),
                           .body = std::move(body),
                           .headers = std::move(headers),
                           .as = As::Anonymous});
    };
    std::string url = presign(stack, "GET", "/bucket/k");
    CHECK(fetch("GET", url, {{"Accept", "*/*"}, {"X-Other", "1"}}).body == "body");
    CHECK(fetch("GET", url + "&x=1").code() == "SignatureDoesNotMatch");
    CHECK(fetch("HEAD", url).status == 403);
    CHECK(fetch("PUT", url, {}, "x").status == 403);
    CHECK(fetch("GET", url, {{"x-amz-request-payer", "requester"}}).element("HeadersNotSigned") ==
          "x-amz-request-payer");
    Answer week = fetch("GET", presign(stack, "GET", "/bucket/k", {}, 604801));
    CHECK(week.status == 400);
    CHECK(week.code() == "AuthorizationQueryParametersError");
    CHECK(fetch("GET", base::replace_all(url, "X-Amz-Date", "X-Date")).code() ==
          "AuthorizationQueryParametersError");

    std::string typed = presign(stack, "PUT", "/bucket/p", {{"content-type", "text/plain"}});
    CHECK(fetch("PUT", typed, {{"content-type", "text/html"}}, "x").code() ==
          "SignatureDoesNotMatch");
    CHECK(fetch("PUT", typed, {{"content-type", "text/plain"}}, "x").status == 200);
    std::string untyped = presign(stack, "PUT", "/bucket/q");
    CHECK(fetch("PUT", untyped, {{"content-type", "text/html"}}, "x").status == 200);
    CHECK(stack.head("/bucket/q").header("Content-Type") == "text/html");
    Answer meta = fetch("PUT", untyped, {{"x-amz-meta-a", "1"}}, "x");
    CHECK(meta.status == 403);
    CHECK(meta.element("HeadersNotSigned") == "x-amz-meta-a");
    CHECK(fetch("PUT", presign(stack, "PUT", "/bucket/h", {}, 60, "&x-amz-meta-a=1"), {}, "x")
              .status == 200);
    CHECK(stack.head("/bucket/h").header("x-amz-meta-a") == "1");

    // What SDKs sign into the query is the checksum of the empty body; S3 verifies headers alone.
    std::string hoisted = presign(stack, "PUT", "/bucket/c", {}, 60,
                                  "&x-amz-checksum-crc32=AAAAAA%3D%3D"
                                  "&x-amz-sdk-checksum-algorithm=CRC32");
    Answer put = fetch("PUT", hoisted, {}, "x");
    CHECK(put.status == 200);
    CHECK(put.header("x-amz-checksum-crc32").empty());
    CHECK_FALSE(put.header("x-amz-checksum-crc64nvme").empty());
    std::string checked =
        presign(stack, "PUT", "/bucket/c", {{"x-amz-checksum-crc32", "AAAAAA=="}});
    CHECK(fetch("PUT", checked, {{"x-amz-checksum-crc32", "AAAAAA=="}}, "x").code() == "BadDigest");

    stack.clock.advance(base::seconds(61));
    Answer expired = fetch("GET", url);
    CHECK(expired.status == 403);
    CHECK(expired.element("Message") == "Request has expired");
    CHECK(expired.element("X-Amz-Expires") == "60");
    CHECK_FALSE(expired.element("Expires").empty());
    CHECK_FALSE(expired.element("ServerTime").empty());
}

namespace {

std::string chunk(std::string_view bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    std::string size;
    for (size_t n = bytes.size(); n > 0; n /= 16)
        size.insert(size.begin(), kDigits[n % 16]);
    return (size.empty() ? "0" : size) + "\r\n" + std::string(bytes) +
           (bytes.empty() ? "" : "\r\n");
}

}  // namespace

TEST_CASE("aws-chunked bodies without signatures, checksum in the trailer: #105, #106") {
    WithBucket stack;
    std::string bytes(100'000, 'z'), tail = "tail";
    s3::ChecksumStream sum(s3::ChecksumAlgorithm::Crc32);
    sum.update(bytes + tail);
    std::string value = sum.finish();
    auto send = [&](std::string body, std::string trailer = "x-amz-checksum-crc32",
                    std::string length = "100004") {
        return stack.send({.method = "PUT",
                           .target = "/bucket/t",
                           .body = std::move(body),
                           .headers = {{"Content-Encoding", "aws-chunked"},
                                       {"x-amz-trailer", trailer},
                                       {"x-amz-decoded-content-length", length},
                                       {"x-amz-sdk-checksum-algorithm", "CRC32"},
                                       {"Transfer-Encoding", "chunked"}},
                           .payload_hash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"});
    };
    std::string end = chunk("");
    Answer stored =
        send(chunk(bytes) + chunk(tail) + end + "x-amz-checksum-crc32:" + value + "\r\n\r\n");
    CHECK(stored.status == 200);
    CHECK(stored.header("x-amz-checksum-crc32") == value);
    CHECK((stack.get("/bucket/t").body == bytes + tail));
    CHECK_FALSE(stack.head("/bucket/t").headers.has("Content-Encoding"));

    struct Row {
        std::string body;
        const char* code;
        std::string trailer = "x-amz-checksum-crc32", length = "100004";
    };
    std::string good_trailer = "x-amz-checksum-crc32:" + value + "\r\n\r\n";
    const Row rows[] = {
        {chunk(bytes) + chunk(tail) + end + "x-amz-checksum-crc32:AAAAAA==\r\n\r\n", "BadDigest"},
        {chunk(bytes) + chunk(tail) + end + "x-amz-checksum-crc32:AA\r\n\r\n", "InvalidRequest"},
        {chunk(bytes) + chunk(tail) + end + "\r\n", "MalformedTrailerError"},
        {chunk(bytes) + chunk(tail) + end + "other:1\r\n\r\n", "MalformedTrailerError"},
        {chunk(tail) + chunk(bytes) + end + good_trailer, "InvalidChunkSizeError"},
        {chunk(bytes), "IncompleteBody"},
        {"zz\r\n", "IncompleteBody"},
        {chunk(bytes) + end + good_trailer, "IncompleteBody"},
        {chunk(bytes) + chunk(tail) + end + good_trailer, "IncompleteBody", "x-amz-checksum-crc32",
         "5"},
        {chunk(bytes) + chunk(tail) + end + good_trailer, "InvalidRequest", "x-amz-foo"},
    };
    for (const Row& row : rows) {
        INFO(row.code << " " << row.trailer << " " << row.length);
        CHECK(send(row.body, row.trailer, row.length).code() == row.code);
    }
    CHECK((stack.get("/bucket/t").body == bytes + tail));
    CHECK(stack.blob_count() == 2);
}

TEST_CASE("signed chunks: one flipped byte and nothing is stored: #105") {
    WithBucket stack;
    std::string bytes(70'000, 'q');
    Ask ask{
        .method = "PUT",
        .target = "/bucket/s",
        .headers = {{"x-amz-decoded-content-length", "70000"}, {"Transfer-Encoding", "chunked"}},
        .payload_hash = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"};
    http::RequestHead head = stack.signed_head(ask);
    aws::Signature seed = *aws::parse_signature(head);
    seed.seed = seed.signature;
    seed.signing_key = "AWS4secret";
    for (const std::string& part :
         {seed.date, seed.region, seed.service, std::string("aws4_request")})
        seed.signing_key = base::hmac_sha256(seed.signing_key, part);
    std::string previous = seed.seed;
    std::string body =
        "11170;chunk-signature=" + aws::chunk_signature(seed, previous, base::sha256_hex(bytes)) +
        "\r\n" + bytes + "\r\n";
    body += "0;chunk-signature=" + aws::chunk_signature(seed, previous, base::sha256_hex("")) +
            "\r\n\r\n";
    CHECK(stack.send_head(head, body).status == 200);
    CHECK((stack.get("/bucket/s").body == bytes));
    std::string flipped = body;
    flipped[1000] ^= 1;
    Answer refused = stack.send_head(head, flipped);
    CHECK(refused.status == 403);
    CHECK(refused.code() == "SignatureDoesNotMatch");
    CHECK((stack.get("/bucket/s").body == bytes));
}

TEST_CASE("anonymous callers: #114, #115") {
    WithBucket stack;
    std::string everyone =
        R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}]})";
    CHECK(stack.as(As::Anonymous, "GET", "/bucket/k").status == 403);
    Answer blocked = stack.put("/bucket?policy", everyone);
    CHECK(blocked.status == 403);
    CHECK(blocked.element("Message").ends_with(
        "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public "
        "Access."));
    auto block = [&](std::string settings) {
        stack.put("/bucket?publicAccessBlock", "<PublicAccessBlockConfiguration>" + settings +
                                                   "</PublicAccessBlockConfiguration>");
    };
    block("");
    CHECK(stack.put("/bucket?policy", everyone).status == 204);
    CHECK(stack.as(As::Anonymous, "GET", "/bucket/k").body == "body");
    CHECK(stack.as(As::Anonymous, "PUT", "/bucket/k").status == 403);
    CHECK(stack.as(As::Anonymous, "GET", "/bucket?policy").element("Message") ==
          "Anonymous users cannot invoke this API. Please authenticate.");
    block("<RestrictPublicBuckets>true</RestrictPublicBuckets>");
    CHECK(stack.as(As::Anonymous, "GET", "/bucket/k").status == 403);
    CHECK(stack.decision("denied").find("RestrictPublicBuckets") != std::string::npos);
    CHECK(stack.get("/bucket/k").status == 200);
}

TEST_CASE("CloudFront with origin access control: #115 to #117") {
    WithBucket stack;
    auto allow = [&](const char* actions, const char* resource) {
        std::string policy =
            std::string(
                R"({"Statement":[{"Sid":"Oac","Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"},"Action":)") +
            actions + R"(,"Resource":)" + resource +
            R"(,"Condition":{"StringEquals":{"AWS:SourceArn":"arn:aws:cloudfront::000000000000:distribution/E1"}}}]})";
        CHECK(stack.put("/bucket?policy", policy).status ==
              204);  // not public: BlockPublicPolicy lets it pass
    };
    allow(R"("s3:GetObject")", R"("arn:aws:s3:::bucket/*")");
    CHECK(stack.as(As::Distribution, "GET", "/bucket/k").body == "body");
    CHECK(stack.decision("allowed") ==
          "policy statement Oac allows s3:GetObject to CloudFront distribution "
          "arn:aws:cloudfront::000000000000:distribution/E1");
    CHECK(stack.as(As::OtherDistribution, "GET", "/bucket/k").status == 403);
    CHECK(stack.decision("denied") ==
          "no statement allows s3:GetObject for CloudFront distribution "
          "arn:aws:cloudfront::000000000000:distribution/E2 on arn:aws:s3:::bucket/k; statement "
          "Oac: stringequals AWS:SourceArn "
          "wants arn:aws:cloudfront::000000000000:distribution/E1, the request has "
          "arn:aws:cloudfront::000000000000:distribution/E2");
    CHECK(stack.as(As::Anonymous, "GET", "/bucket/k").status == 403);
    CHECK(stack.as(As::Distribution, "PUT", "/bucket/k").status == 403);

    Answer missing = stack.as(As::Distribution, "GET", "/bucket/none");
    CHECK(missing.status == 403);
    CHECK(missing.code() == "AccessDenied");
    CHECK(stack.decision("denied").find("without it a missing key answers 403, not 404") !=
          std::string::npos);
    allow(R"(["s3:GetObject","s3:ListBucket"])",
          R"(["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"])");
    missing = stack.as(As::Distribution, "GET", "/bucket/none");
    CHECK(missing.status == 404);
    CHECK(missing.code() == "NoSuchKey");
    CHECK(missing.element("Key") == "none");
}

TEST_CASE("an explicit deny binds the owner too: #118") {
    WithBucket stack;
    stack.put(
        "/bucket?policy",
        R"({"Statement":{"Sid":"Tls","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}})");
    Answer denied = stack.get("/bucket/k");
    CHECK(denied.status == 403);
    CHECK(denied.element("Message").ends_with("with an explicit deny in a resource-based policy"));
    CHECK(stack.decision("denied").starts_with("policy statement Tls denies s3:GetObject"));
    CHECK(stack.head("/bucket").status == 403);
    CHECK(stack.head("/bucket").header("x-amz-bucket-region") == "us-east-1");
}

TEST_CASE("ACLs where ownership controls have switched them off or on: #119") {
    WithBucket stack;
    Answer refused = stack.put("/bucket/k", "x", {{"x-amz-acl", "public-read"}});
    CHECK(refused.status == 400);
    CHECK(refused.code() == "AccessControlListNotSupported");
    CHECK(stack.put("/bucket/k", "x", {{"x-amz-acl", "bucket-owner-full-control"}}).status == 200);
    CHECK(stack.put("/new", "", {{"x-amz-acl", "public-read"}}).code() ==
          "InvalidBucketAclWithObjectOwnership");
    CHECK(stack.put("/new", "", {{"x-amz-object-ownership", "Nobody"}}).element("Message") ==
          "Invalid x-amz-object-ownership header: Nobody");

    stack.put("/bucket?ownershipControls",
              "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></"
              "OwnershipControls>");
    CHECK(stack.put("/bucket/k", "x", {{"x-amz-acl", "public-read"}}).status ==
          403);  // BlockPublicAcls
    stack.remove("/bucket?publicAccessBlock");
    CHECK(stack.put("/bucket/k", "x", {{"x-amz-acl", "public-read"}}).status == 200);
    CHECK(stack.as(As::Anonymous, "GET", "/bucket/k").status == 200);
    CHECK(stack.get("/bucket/k?acl").elements("URI") ==
          std::vector<std::string>{"http://acs.amazonaws.com/groups/global/AllUsers"});
    CHECK(stack.put("/bucket/k", "x", {{"x-amz-acl", "nonsense"}}).element("ArgumentName") ==
          "x-amz-acl");
    CHECK(stack.put("/bucket/k?acl", "").element("MissingHeaderName") == "x-amz-acl");
    CHECK(stack.put("/bucket/k?acl", "", {{"x-amz-acl", "private"}}).status == 200);
    CHECK(stack.as(As::Anonymous, "GET", "/bucket/k").status == 403);
}

TEST_CASE("the expected owner: s3.md §2.1") {
    WithBucket stack;
    auto ask = [&](const char* owner) {
        return stack.send({"GET", "/bucket/k", "", {{"x-amz-expected-bucket-owner", owner}}});
    };
    CHECK(ask("000000000000").status == 200);
    CHECK(ask("111111111111").code() == "AccessDenied");
    CHECK(ask("me").code() == "InvalidBucketOwnerAWSAccountID");
}

TEST_CASE("CORS over the wire: #136 to #141, #143") {
    WithBucket stack;
    auto ask = [&](std::string method, std::string target, http::HeaderList headers) {
        return stack.send({.method = std::move(method),
                           .target = std::move(target),
                           .headers = std::move(headers),
                           .as = As::Anonymous});
    };
    http::HeaderList preflight = {{"Origin", "https://a.example"},
                                  {"Access-Control-Request-Method", "PUT"},
                                  {"Access-Control-Request-Headers", "Content-Type, X-Amz-Date"}};
    CHECK(ask("OPTIONS", "/bucket/k", {}).element("Message") ==
          "Insufficient information. Origin request header needed.");
    CHECK(ask("OPTIONS", "/missing/k", preflight).element("Message") ==
          "CORSResponse: Bucket not found");
    Answer off = ask("OPTIONS", "/bucket/k", preflight);
    CHECK(off.status == 403);
    CHECK(off.element("Message") == "CORSResponse: CORS is not enabled for this bucket.");
    CHECK(off.element("Method") == "PUT");
    CHECK(off.element("ResourceType") == "BUCKET");

    stack.put("/bucket?cors",
              "<CORSConfiguration><CORSRule><AllowedOrigin>https://a.example</"
              "AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>"
              "<AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>30</"
              "MaxAgeSeconds></CORSRule>"
              "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod></"
              "CORSRule></CORSConfiguration>");
    Answer match = ask("OPTIONS", "/bucket/k?X-Amz-Signature=bad", preflight);
    CHECK(match.status == 200);
    CHECK(match.body.empty());
    CHECK(match.header("Access-Control-Allow-Origin") == "https://a.example");
    CHECK(match.header("Access-Control-Allow-Credentials") == "true");
    CHECK(match.header("Access-Control-Allow-Methods") == "GET, PUT");
    CHECK(match.header("Access-Control-Allow-Headers") == "content-type, x-amz-date");
    CHECK(match.header("Access-Control-Expose-Headers") == "ETag");
    CHECK(match.header("Access-Control-Max-Age") == "30");
    CHECK(match.header("Vary") ==
          "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
    Answer star = ask("OPTIONS", "/bucket/k",
                      {{"Origin", "https://b"}, {"Access-Control-Request-Method", "HEAD"}});
    CHECK(star.header("Access-Control-Allow-Origin") == "*");
    CHECK_FALSE(star.headers.has("Access-Control-Allow-Credentials"));
    Answer none = ask("OPTIONS", "/bucket/k",
                      {{"Origin", "https://b"}, {"Access-Control-Request-Method", "PUT"}});
    CHECK(none.status == 403);
    CHECK(none.element("ResourceType") == "OBJECT");
    CHECK_FALSE(none.headers.has("Vary"));
    CHECK(ask("OPTIONS", "/bucket/k",
              {{"Origin", "https://b"},
               {"Access-Control-Request-Method", "HEAD"},
               {"Access-Control-Request-Headers", "x"}})
              .status == 403);
    CHECK(ask("OPTIONS", "/bucket/k", {{"Origin", "https://b"}}).element("Message") ==
          "Invalid Access-Control-Request-Method: null");

    Answer denied = ask("GET", "/bucket/k", {{"Origin", "https://a.example"}});
    CHECK(denied.status == 403);
    CHECK(denied.header("Access-Control-Allow-Origin") == "https://a.example");
    CHECK_FALSE(denied.headers.has("Access-Control-Allow-Headers"));
    Answer other = stack.send({"GET", "/bucket/k", "", {{"Origin", "https://b"}}});
    CHECK(other.status == 200);
    CHECK_FALSE(other.headers.has("Vary"));
    CHECK_FALSE(other.headers.has("Access-Control-Allow-Origin"));
    CHECK_FALSE(stack.get("/bucket/k").headers.has("Vary"));
    CHECK(stack.send({"GET", "/bucket/none", "", {{"Origin", "https://a.example"}}})
              .header("Vary")
              .starts_with("Origin"));
}

TEST_CASE("browser uploads by form: #101") {
    WithBucket stack;
    std::string date = base::sigv4_date(stack.clock.now()),
                scope = date.substr(0, 8) + "/us-east-1/s3/aws4_request";
    struct Form {
        std::string conditions =
            R"([{"bucket":"bucket"},["starts-with","$key","up/"],{"x-amz-algorithm":"AWS4-HMAC-SHA256"},["starts-with","$x-amz-credential",""],["starts-with","$x-amz-date",""],
                                    ["starts-with","$success_action_status",""],["starts-with","$success_action_redirect",""],["content-length-range",1,10]])";
        std::string expiration = "2030-01-01T00:00:00Z";
        std::vector<std::pair<std::string, std::string>> fields = {};
        std::string key = "up/${filename}", file = "bytes";
        bool has_file = true;
    };
    auto post = [&](const Form& form) {
        std::string policy = base::to_base64("{\"expiration\":\"" + form.expiration +
                                             "\",\"conditions\":" + form.conditions + "}");
        std::string signing = "AWS4secret";
        for (std::string_view part :
             {std::string_view(date).substr(0, 8), std::string_view("us-east-1"),
              std::string_view("s3"), std::string_view("aws4_request")})
            signing = base::hmac_sha256(signing, part);
        std::vector<std::pair<std::string, std::string>> fields = {
            {"key", form.key},
            {"policy", policy},
            {"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
            {"X-Amz-Credential", "AKIDTEST/" + scope},
            {"X-Amz-Date", date},
            {"X-Amz-Signature", base::to_hex(base::hmac_sha256(signing, policy))}};
        fields.insert(fields.end(), form.fields.begin(), form.fields.end());
        std::string body;
        for (const auto& [name, value] : fields)
            body += "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value +
                    "\r\n";
        if (form.has_file)
            body +=
                "--B\r\nContent-Disposition: form-data; name=\"file\"; "
                "filename=\"f.txt\"\r\nContent-Type: text/plain\r\n\r\n" +
                form.file + "\r\n";
        body += "--B--\r\n";
        return stack.send({.method = "POST",
                           .target = "/bucket",
                           .body = body,
                           .headers = {{"Content-Type", "multipart/form-data; boundary=B"}},
                           .as = As::Anonymous});
    };
    Answer plain = post({});
    CHECK(plain.status == 204);
    CHECK(stack.get("/bucket/up/f.txt").body == "bytes");
    Answer created = post({.fields = {{"success_action_status", "201"}}});
    CHECK(created.status == 201);
    CHECK(created.element("Key") == "up/f.txt");
    CHECK(created.element("Bucket") == "bucket");
    Answer redirected = post({.fields = {{"success_action_redirect", "http://a/?x=1"}}});
    CHECK(redirected.status == 303);
    CHECK(redirected.header("Location")
              .starts_with("http://a/?x=1&bucket=bucket&key=up%2Ff.txt&etag=%22"));

    Answer expired = post({.expiration = "2020-01-01T00:00:00Z"});
    CHECK(expired.status == 403);
    CHECK(expired.element("Message") == "Invalid according to Policy: Policy expired.");
    CHECK(post({.fields = {{"x-amz-foo", "1"}}}).element("Message") ==
          "Invalid according to Policy: Extra input fields: x-amz-foo");
    CHECK(post({.key = "down/f"}).element("Message") ==
          "Invalid according to Policy: Policy Condition failed: [\"starts-with\", \"$key\", "
          "\"up/\"]");
    CHECK(post({.conditions = "x"}).element("Message") == "Invalid Policy: Invalid JSON.");
    Answer large = post({.file = "more than ten"});
    CHECK(large.code() == "EntityTooLarge");
    CHECK(post({.file = ""}).code() == "EntityTooSmall");
    CHECK(post({.has_file = false}).element("Message") ==
          "POST requires exactly one file upload per request.");
    Answer type = stack.send({.method = "POST",
                              .target = "/bucket",
                              .body = "x",
                              .headers = {{"Content-Type", "text/plain"}},
                              .as = As::Anonymous});
    CHECK(type.status == 412);
    CHECK(type.element("Condition") ==
          "Bucket POST must be of the enclosure-type multipart/form-data");
    CHECK(stack.blob_count() == 2);
}
