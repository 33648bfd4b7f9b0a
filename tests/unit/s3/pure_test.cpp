// Checksums, lists, CORS rules, policies and website rules, without a server.
#include <catch2/catch.hpp>

#include "aws/error.h"
#include "base/encoding.h"
#include "s3/bucket_policy.h"
#include "s3/checksum.h"
#include "s3/cors.h"
#include "s3/listing.h"
#include "s3/website.h"

using namespace s3;

TEST_CASE("checksums: known values, and parts joined without their bytes: s3.md §3.12") {
    struct Row {
        ChecksumAlgorithm algorithm;
        const char* of_123456789;
    };
    const Row rows[] = {
        {ChecksumAlgorithm::Crc32, "y/Q5Jg=="},
        {ChecksumAlgorithm::Crc32c, "4waSgw=="},
        {ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg="},
        {ChecksumAlgorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="},
        {ChecksumAlgorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="}};
    for (const Row& row : rows) {
        INFO(row_of(row.algorithm).name);
        ChecksumStream stream(row.algorithm);
        stream.update("12345");
        stream.update("6789");
        CHECK(stream.finish() == row.of_123456789);
        CHECK(is_checksum_value(row.algorithm, row.of_123456789));
    }
    CHECK(ChecksumStream(ChecksumAlgorithm::Crc64Nvme).finish() == "AAAAAAAAAAA=");
    CHECK_FALSE(is_checksum_value(ChecksumAlgorithm::Crc32, "AAAAAAAAAAA="));

    std::string one(100'001, 'a'), two = "tail", three;
    for (ChecksumAlgorithm algorithm :
         {ChecksumAlgorithm::Crc32, ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Crc64Nvme}) {
        auto sum = [&](const std::string& text) {
            ChecksumStream stream(algorithm);
            stream.update(text);
            return stream.finish();
        };
        const PartChecksum parts[] = {
            {sum(one), one.size()}, {sum(two), two.size()}, {sum(three), 0}};
        CHECK(full_object_checksum(algorithm, parts) == sum(one + two));
    }
    const PartChecksum parts[] = {{"y/Q5Jg==", 9}, {"y/Q5Jg==", 9}};
    CHECK(composite_checksum(ChecksumAlgorithm::Crc32, parts).ends_with("==-2"));
}

namespace {

struct Key {
    std::string key;
};
struct Keys {
    std::vector<Key> sorted;
    size_t at = 0;
    const Key* seek(const std::string& at_least) {
        at = 0;
        while (at < sorted.size() && sorted[at].key < at_least)
            ++at;
        return at < sorted.size() ? &sorted[at] : nullptr;
    }
    const Key* next() { return ++at < sorted.size() ? &sorted[at] : nullptr; }
};

std::string page_of(const ListQuery& query, bool* truncated = nullptr) {
    Keys keys{{{"a"}, {"a/1"}, {"a/2"}, {"b"}, {"c/x/1"}, {"c/y"}, {"d\xff\xff"}, {"e"}}};
    auto page = list_page<Key>(query, keys);
    if (truncated) *truncated = page.is_truncated;
    std::string text;
    for (const auto& line : page.lines)
        text += (text.empty() ? "" : " ") + line.name() + (line.item ? "" : "*");
    return text;
}

}  // namespace

TEST_CASE("keys are rolled up at the delimiter and paged: s3.md §3.9, §9 #70, #76") {
    CHECK(page_of({"", "", "", 1000}) == "a a/1 a/2 b c/x/1 c/y d\xff\xff e");
    CHECK(page_of({"", "/", "", 1000}) == "a a/* b c/* d\xff\xff e");
    CHECK(page_of({"c/", "/", "", 1000}) == "c/x/* c/y");
    CHECK(page_of({"", "1", "", 1000}) == "a a/1* a/2 b c/x/1* c/y d\xff\xff e");
    CHECK(page_of({"", "/x/", "", 1000}) == "a a/1 a/2 b c/x/* c/y d\xff\xff e");
    CHECK(page_of({"", "/", "a/", 1000}) == "b c/* d\xff\xff e");
    CHECK(page_of({"", "/", "a/1", 1000}) == "b c/* d\xff\xff e");
    CHECK(page_of({"", "", "a/1", 2}) == "a/2 b");
    CHECK(page_of({"zzz", "", "", 10}).empty());
    CHECK(page_of({"c/", "", "a", 10}) == "c/x/1 c/y");

    // Pages over prefixes neither repeat nor lose one.
    std::string all, after;
    for (bool truncated = true; truncated;) {
        std::string line = page_of({"", "/", after, 1}, &truncated);
        all += line + " ";
        after = line.ends_with('*') ? line.substr(0, line.size() - 1) : line;
    }
    CHECK(all == "a a/* b c/* d\xff\xff e ");
}

TEST_CASE("encoding-type=url is form encoding with slashes: s3.md §9 #74") {
    CHECK(encode_for_listing("a b+c=d/\xC3\xA9%") == "a+b%2Bc%3Dd/%C3%A9%25");
    CHECK(encode_for_listing("-_.*~") == "-_.*%7E");
    CHECK(read_token(make_token("k\n\xff")) == "k\n\xff");
    for (const char* bad : {"", "garbage!", "Zm9v"})
        CHECK_FALSE(read_token(bad));
}

namespace {

std::vector<CorsRule> cors_rules(std::string_view rules) {
    return parse_cors(
        *parse_xml("<CORSConfiguration>" + std::string(rules) + "</CORSConfiguration>"));
}
std::string refused(auto&& call) {
    try {
        call();
    } catch (const aws::Error& error) {
        return error.code + ": " + error.message;
    }
    return "accepted";
}

}  // namespace

TEST_CASE("CORS rules match origin, method and headers: s3.md §6.1, §9 #139, #142") {
    auto rules = cors_rules(
        "<CORSRule><AllowedOrigin>http://*.example.com</AllowedOrigin><AllowedMethod>GET</"
        "AllowedMethod><AllowedHeader>x-amz-*</AllowedHeader></CORSRule>"
        "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod></CORSRule>");
    struct Row {
        const char *origin, *method, *headers;
        int rule;  // -1: none
    };
    const Row rows[] = {{"http://a.example.com", "GET", "", 0},
                        {"http://a.b.example.com", "GET", "X-Amz-Date, x-amz-acl", 0},
                        {"http://example.com", "GET", "", -1},
                        {"https://a.example.com", "GET", "", -1},
                        {"http://A.example.com", "get", "", -1},
                        {"http://a.example.com", "GET", "Authorization", -1},
                        {"http://other", "PUT", "", 1},
                        {"http://other", "PUT", "content-type", -1},
                        {"http://other", "DELETE", "", -1}};
    for (const Row& row : rows) {
        INFO(row.origin << " " << row.method << " " << row.headers);
        auto match = match_cors(rules, {row.origin, row.method, requested_headers(row.headers)});
        CHECK((match ? match->rule - rules.data() : -1) == row.rule);
    }
    CHECK(refused([] {
              cors_rules(
                  "<CORSRule><AllowedOrigin>a*b*</AllowedOrigin><AllowedMethod>GET</"
                  "AllowedMethod></CORSRule>");
          }) == "InvalidRequest: AllowedOrigin \"a*b*\" can not have more than one wildcard.");
    CHECK(refused([] {
              cors_rules(
                  "<CORSRule><AllowedOrigin>a</AllowedOrigin><AllowedMethod>PATCH</AllowedMethod></"
                  "CORSRule>");
          }) ==
          "InvalidRequest: Found unsupported HTTP method in CORS config. Unsupported method is "
          "PATCH");
    CHECK(refused([] { cors_rules(""); }).starts_with("MalformedXML"));
    CHECK(cors_rules("<CORSRule><AllowedOrigin></AllowedOrigin><AllowedMethod>GET</AllowedMethod></"
                     "CORSRule>")
              .size() == 1);
}

TEST_CASE("policy conditions: s3.md §2.8") {
    struct Row {
        const char *operation, *value, *actual;  // actual nullptr: absent
        bool holds;
        bool if_exists = false;
    };
    const Row rows[] = {
        {"stringequals", "a", "a", true},
        {"stringequals", "a", "A", false},
        {"stringequals", "a", nullptr, false},
        {"stringequals", "a", nullptr, true, true},
        {"stringnotequals", "a", "b", true},
        {"stringnotequals", "a", nullptr, true},
        {"stringequalsignorecase", "a", "A", true},
        {"stringlike", "a*c?", "abbcd", true},
        {"stringnotlike", "a*", "abc", false},
        {"arnlike", "arn:aws:cloudfront::1:distribution/*", "arn:aws:cloudfront::1:distribution/E1",
         true},
        {"arnequals", "arn:aws:cloudfront::*:distribution/E1",
         "arn:aws:cloudfront::1:distribution/E1", true},
        {"arnlike", "arn:*", "arn:aws:cloudfront::1:distribution/E1", false},
        {"arnnotlike", "arn:aws:s3:::x", "arn:aws:s3:::y", true},
        {"ipaddress", "10.0.0.0/8", "10.2.3.4", true},
        {"ipaddress", "10.0.0.0/8", "11.2.3.4", false},
        {"ipaddress", "2001:db8::/32", "2001:db8::1", true},
        {"notipaddress", "127.0.0.0/8", "127.0.0.1", false},
        {"bool", "false", "false", true},
        {"bool", "true", "false", false},
        {"null", "true", nullptr, true},
        {"null", "false", nullptr, false},
        {"null", "true", "x", false},
        {"numericlessthanequals", "10", "10", true},
        {"numericgreaterthan", "10", "10", false},
        {"numericnotequals", "10", "11", true},
        {"numericequals", "10", "ten", false},
        {"datelessthan", "2030-01-01T00:00:00Z", "2026-01-01T00:00:00Z", true},
        {"dategreaterthan", "1893456000", "2026-01-01T00:00:00Z", false},
    };
    for (const Row& row : rows) {
        INFO(row.operation << " " << row.value << " / " << (row.actual ? row.actual : "absent"));
        std::string actual = row.actual ? row.actual : "";
        CHECK(condition_holds({row.operation, row.if_exists, "k", "k", {row.value}},
                              row.actual ? &actual : nullptr) == row.holds);
    }
}

namespace {

std::string policy_error(std::string_view json) {
    return refused([&] { BucketPolicy::parse(json, "b"); });
}

BucketPolicy policy(std::string_view statement) {
    return BucketPolicy::parse(
        R"({"Version":"2012-10-17","Statement":)" + std::string(statement) + "}", "b");
}

}  // namespace

TEST_CASE("what is no policy: s3.md §2.8, §9 #29") {
    CHECK(policy_error("{}") == "MalformedPolicy: Missing required field Statement");
    CHECK(policy_error("text") ==
          "MalformedPolicy: Policies must be valid JSON and the first byte must be '{'");
    struct Row {
        const char *statement, *text;
    };
    const Row rows[] = {
        {R"({"Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"})",
         "Missing required field Effect"},
        {R"({"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"})",
         "Missing required field Principal"},
        {R"({"Effect":"Allow","Principal":"*","Resource":"arn:aws:s3:::b/*"})",
         "Missing required field Action"},
        {R"({"Effect":"Allow","Principal":"*","Action":"s3:GetObject"})",
         "Missing required field Resource"},
        {R"({"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"})",
         "Policy has invalid resource"},
        {R"({"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b"})",
         "Action does not apply to any resource(s) in statement"},
        {R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::*:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"})",
         "Invalid principal in policy"},
        {R"({"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","X":1})",
         "Invalid policy syntax."},
        {R"({"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{"Nope":{"aws:x":"1"}}})",
         "Invalid policy syntax."},
    };
    for (const Row& row : rows)
        CHECK(policy_error(R"({"Statement":)" + std::string(row.statement) + "}") ==
              "MalformedPolicy: " + std::string(row.text));
}

TEST_CASE(
    "evaluation: deny wins, principals and resources count, misses are explained: s3.md §2.7") {
    Principal anonymous, owner, other, edge;
    owner.kind = other.kind = Principal::Kind::Account;
    owner.account = "111111111111";
    owner.arn = "arn:aws:iam::111111111111:user/dev";
    other.account = "222222222222";
    other.arn = "arn:aws:iam::222222222222:root";
    edge.kind = Principal::Kind::Service;
    edge.service = "cloudfront.amazonaws.com";
    edge.source_arn = "arn:aws:cloudfront::1:distribution/E1";
    auto effect = [](const BucketPolicy& policy, const Principal& who, std::string_view action,
                     std::string_view resource, ConditionValues values = {}) {
        return policy.evaluate({who, action, resource, values}).effect;
    };
    using Effect = PolicyVerdict::Effect;
    BucketPolicy open = policy(
        R"([{"Effect":"Allow","Principal":"*","Action":"s3:Get*","Resource":"arn:aws:s3:::b/pub/*"},
                                   {"Sid":"No","Effect":"Deny","Principal":{"AWS":"222222222222"},"Action":"s3:*","Resource":"*"}])");
    // Resource "*" names our bucket too.
    CHECK(effect(open, anonymous, "s3:GetObject", "arn:aws:s3:::b/pub/x/y") == Effect::Allow);
    CHECK(effect(open, anonymous, "S3:getobject", "arn:aws:s3:::b/pub/x") == Effect::Allow);
    CHECK(effect(open, anonymous, "s3:GetObject", "arn:aws:s3:::b/PUB/x") == Effect::NoMatch);
    CHECK(effect(open, anonymous, "s3:PutObject", "arn:aws:s3:::b/pub/x") == Effect::NoMatch);
    CHECK(effect(open, other, "s3:GetObject", "arn:aws:s3:::b/pub/x") == Effect::Deny);
    CHECK(effect(open, owner, "s3:GetObject", "arn:aws:s3:::b/pub/x") == Effect::Allow);

    BucketPolicy oac = policy(
        R"({"Sid":"Oac","Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*",
                                 "Condition":{"StringEquals":{"AWS:SourceArn":"arn:aws:cloudfront::1:distribution/E1"}}})");
    CHECK(effect(oac, edge, "s3:GetObject", "arn:aws:s3:::b/x",
                 {{"aws:sourcearn", edge.source_arn}}) == Effect::Allow);
    PolicyVerdict miss =
        oac.evaluate({edge,
                      "s3:GetObject",
                      "arn:aws:s3:::b/x",
                      {{"aws:sourcearn", "arn:aws:cloudfront::1:distribution/E2"}}});
    CHECK(miss.effect == Effect::NoMatch);
    REQUIRE(miss.near_misses.size() == 1);
    CHECK(miss.near_misses[0] ==
          "statement Oac: stringequals AWS:SourceArn wants arn:aws:cloudfront::1:distribution/E1, "
          "the request has arn:aws:cloudfront::1:distribution/E2");
}

TEST_CASE("which policies are public: s3.md §2.7") {
    struct Row {
        const char* rest;
        bool is_public;
    };
    const Row rows[] = {
        {R"("Principal":"*")", true},
        {R"("Principal":{"AWS":"*"})", true},
        {R"("Principal":{"AWS":"111111111111"})", false},
        {R"("Principal":{"Service":"cloudfront.amazonaws.com"},"Condition":{"StringEquals":{"AWS:SourceArn":"arn:aws:cloudfront::1:distribution/E1"}})",
         false},
        {R"("Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})", false},
        {R"("Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/1"}})", true},
        {R"("Principal":"*","Condition":{"StringLike":{"aws:Referer":"https://a/*"}})", true},
        {R"("Principal":"*","Condition":{"StringLike":{"aws:PrincipalOrgID":"o-*"}})", true},
        {R"("Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}})", false},
    };
    for (const Row& row : rows) {
        INFO(row.rest);
        CHECK(policy(R"({"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*",)" +
                     std::string(row.rest) + "}")
                  .is_public() == row.is_public);
    }
}

namespace {

Website website(std::string_view inside) {
    return parse_website(
        *parse_xml("<WebsiteConfiguration>" + std::string(inside) + "</WebsiteConfiguration>"));
}
std::string rules(std::string_view inside) {
    return "<IndexDocument><Suffix>index.html</Suffix></IndexDocument><RoutingRules>" +
           std::string(inside) + "</RoutingRules>";
}
std::string rule(std::string_view condition, std::string_view redirect) {
    std::string text = "<RoutingRule>";
    if (!condition.empty()) text += "<Condition>" + std::string(condition) + "</Condition>";
    return text + "<Redirect>" + std::string(redirect) + "</Redirect></RoutingRule>";
}

}  // namespace

TEST_CASE("website configurations that S3 refuses: s3.md §5.1, §9 #135") {
    struct Row {
        std::string inside;
        const char* error;
    };
    const std::string index = "<IndexDocument><Suffix>i</Suffix></IndexDocument>";
    const std::string to_h = "<HostName>h</HostName>";
    std::string many;
    for (int i = 0; i < 51; ++i)
        many += rule("", to_h);
    const Row rows[] = {
        {"",
         "InvalidArgument: A value for IndexDocument Suffix must be provided if "
         "RedirectAllRequestsTo is empty"},
        {"<IndexDocument><Suffix>a/b</Suffix></IndexDocument>",
         "InvalidArgument: The IndexDocument Suffix is not well formed"},
        {"<IndexDocument><Suffix></Suffix></IndexDocument>",
         "InvalidArgument: The IndexDocument Suffix is not well formed"},
        {index + "<ErrorDocument><Key></Key></ErrorDocument>",
         "InvalidArgument: The ErrorDocument Key is not well formed"},
        {index + "<RedirectAllRequestsTo><HostName>h</HostName></RedirectAllRequestsTo>",
         "InvalidArgument: RedirectAllRequestsTo cannot be provided in conjunction with other "
         "Routing Rules."},
        {"<RedirectAllRequestsTo><HostName>h</HostName><Protocol>ftp</Protocol></"
         "RedirectAllRequestsTo>",
         "InvalidRequest: Invalid protocol, protocol can be http or https. If not defined the "
         "protocol will be selected automatically."},
        {rules(rule(
             "",
             "<ReplaceKeyWith>a</ReplaceKeyWith><ReplaceKeyPrefixWith>b</ReplaceKeyPrefixWith>")),
         "InvalidRequest: You can only define ReplaceKeyPrefix or ReplaceKey but not both."},
        {rules("<RoutingRule><Condition></Condition><Redirect><HostName>h</HostName></Redirect></"
               "RoutingRule>"),
         "InvalidRequest: Condition cannot be empty. To redirect all requests without a condition, "
         "the condition element shouldn't be present."},
        {rules(""),
         "MalformedXML: The XML you provided was not well-formed or did not validate against our "
         "published schema"},
        {rules("<RoutingRule><Redirect></Redirect></RoutingRule>"),
         "MalformedXML: The XML you provided was not well-formed or did not validate against our "
         "published schema"},
        {rules(rule("", "<HttpRedirectCode>314x</HttpRedirectCode>")),
         "InvalidRequest: The provided HTTP redirect code (314x) is not valid. Valid codes are 3XX "
         "except 300."},
        {rules(rule("", "<HttpRedirectCode>300</HttpRedirectCode>")),
         "InvalidRequest: The provided HTTP redirect code (300) is not valid. Valid codes are 3XX "
         "except 300."},
        {rules(rule("<HttpErrorCodeReturnedEquals>200</HttpErrorCodeReturnedEquals>", to_h)),
         "InvalidRequest: The provided HTTP error code (200) is not valid. Valid codes are 4XX or "
         "5XX."},
        {rules(many),
         "InvalidRequest: 51 routing rules provided, the number of routing rules in a website "
         "configuration is limited to 50."},
    };
    for (const Row& row : rows) {
        INFO(row.inside);
        CHECK(refused([&] { website(row.inside); }) == row.error);
    }
}

TEST_CASE("redirects of routing rules: s3.md §5.4, §9 #128 to #131") {
    struct Row {
        std::string rule;
        const char *key, *query;
        int error;  // 0: before the object is looked up
        const char* location;
        int status = 301;
    };
    const Row rows[] = {
        {rule("<KeyPrefixEquals>docs/</KeyPrefixEquals>",
              "<ReplaceKeyPrefixWith>documents/</ReplaceKeyPrefixWith>"),
         "docs/a b", "q=1", 0, "http://h:1/documents/a%20b?q=1"},
        {rule("<KeyPrefixEquals>docs/</KeyPrefixEquals>",
              "<ReplaceKeyPrefixWith></ReplaceKeyPrefixWith>"),
         "docs/a", "", 0, "http://h:1/a"},
        {rule("<KeyPrefixEquals>docs/</KeyPrefixEquals>",
              "<ReplaceKeyWith>x</ReplaceKeyWith><HttpRedirectCode>307</HttpRedirectCode>"),
         "docs/a", "", 0, "http://h:1/x", 307},
        {rule("<KeyPrefixEquals>docs/</KeyPrefixEquals>",
              "<HostName>new</HostName><Protocol>https</Protocol>"),
         "docs/a", "", 0, "https://new/docs/a"},
        {rule("<KeyPrefixEquals>docs/</KeyPrefixEquals>", "<HostName>new</HostName>"), "other", "",
         0, ""},
        {rule("<HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>",
              "<ReplaceKeyPrefixWith>#!/</ReplaceKeyPrefixWith>"),
         "a", "", 404, "http://h:1/%23%21/a"},
        {rule("<HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>",
              "<HostName>new</HostName>"),
         "a", "", 403, ""},
        {rule("<HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>",
              "<HostName>new</HostName>"),
         "a", "", 0, ""},
    };
    for (const Row& row : rows) {
        INFO(row.rule << " " << row.key);
        Website site = website(rules(row.rule));
        WebsiteRequest request{row.key, "http", "h:1", row.query};
        auto redirect = row.error ? redirect_on_error(site, request, row.error)
                                  : redirect_before(site, request);
        CHECK((redirect ? redirect->location : "") == row.location);
        if (redirect) CHECK(redirect->status == row.status);
    }
    Website site = website(
        rules(rule("<KeyPrefixEquals>both/</KeyPrefixEquals><HttpErrorCodeReturnedEquals>404</"
                   "HttpErrorCodeReturnedEquals>",
                   "<ReplaceKeyWith>1</ReplaceKeyWith>") +
              rule("<HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>",
                   "<ReplaceKeyWith>2</ReplaceKeyWith>")));
    CHECK(redirect_on_error(site, {"both/", "http", "h", ""}, 404)->location == "http://h/1");
    CHECK(redirect_on_error(site, {"x", "http", "h", ""}, 404)->location == "http://h/2");
}
