// The control plane without sockets: cloudfront.md §10.7 #97-#115, #32.
#include "cloudfront/control_plane.h"

#include <catch2/catch.hpp>

#include "aws/protocol.h"
#include "http/query.h"
#include "make.h"
#include "support/recorded_exchange.h"

using namespace cloudfront;
using base::Node;

namespace {

struct Stand {
    base::ManualClock clock;
    base::Ids ids{"123456789012", "us-east-1"};
    std::unique_ptr<state::Database> database = std::move(*state::Database::open(":memory:"));
    Cache cache{CacheBudget{1 << 20, 1 << 20, ""}};
    ControlPlane control{*database, clock, ids, cache};

    struct Done {
        int status = 0;
        std::string code, message, etag, location;
        Node output;
        std::vector<std::string> told = {};  // to the trace
    };
    // `body` as JSON in the API's shape; it travels as XML both ways.
    Done call(std::string method, std::string target, const Node& body = {},
              std::string_view root = "X", std::string if_match = "") {
        http::RequestHead head;
        head.method = std::move(method);
        head.target = "/2020-05-31" + target;
        if (!if_match.empty()) head.headers.add("If-Match", if_match);
        support::RecordedExchange exchange(head);
        aws::Call call;
        call.exchange = &exchange;
        for (const auto& pair : http::split_query(exchange.request().query()))
            call.query[std::string(pair.name)] = pair.value;
        if (!body.is_null()) {
            std::string xml =
                aws::to_xml(root, control.info().xml_namespace, body, control.info().list_names);
            call.input = *aws::parse_xml(xml, control.info().list_names);
        }
        Done done;
        try {
            auto reply = control.serve(call);
            if (!reply) return {501, "", "", "", "", {}};
            done.status = reply->status;
            done.etag = reply->headers.get("ETag");
            done.location = reply->headers.get("Location");
            for (const base::Decision& decision : reply->decisions)
                done.told.push_back(decision.key + ": " + decision.text);
            if (!reply->root.empty())
                done.output = *aws::parse_xml(
                    aws::to_xml(reply->root, "", reply->output, control.info().list_names),
                    control.info().list_names);
        } catch (const aws::Error& error) {
            done.status = error.status;
            done.code = error.code;
            done.message = error.message;
        }
        return done;
    }
    Done create(std::string_view changes = "{}") {
        return call("POST", "/distribution", test::distribution_config(changes),
                    "DistributionConfig");
    }
    std::string id_of(const Done& done) { return done.output["Id"].as_string(); }
};

}  // namespace

TEST_CASE("create, get, update, delete a distribution (#97, #98, #100, #101)", "[cloudfront]") {
    Stand s;
    auto created = s.create();
    REQUIRE(created.status == 201);
    std::string id = s.id_of(created);
    CHECK(created.etag == "ETVPDKIKX0DER");
    CHECK(created.location == "https://cloudfront.amazonaws.com/2020-05-31/distribution/" + id);
    CHECK(created.output["Status"].as_string() == "InProgress");
    CHECK(created.output["ARN"].as_string() ==
          "arn:aws:cloudfront::123456789012:distribution/" + id);
    CHECK(s.control.owns(created.output["DomainName"].as_string()));
    s.clock.advance(base::seconds(1));
    CHECK(s.call("GET", "/distribution/" + id).output["Status"].as_string() == "Deployed");

    auto again = s.create();
    CHECK(again.status == 409);
    CHECK(again.code == "DistributionAlreadyExists");
    CHECK(again.message.find(id) != std::string::npos);

    Node config = s.call("GET", "/distribution/" + id + "/config").output;
    config.set("Enabled", false);
    CHECK(s.call("DELETE", "/distribution/" + id, {}, "", "ETVPDKIKX0DER").code ==
          "DistributionNotDisabled");
    CHECK(s.call("PUT", "/distribution/" + id + "/config", config, "DistributionConfig").code ==
          "InvalidIfMatchVersion");
    CHECK(s.call("PUT", "/distribution/" + id + "/config", config, "DistributionConfig",
                 "E3UN6WX5RRO2AG")
              .status == 412);
    auto updated = s.call("PUT", "/distribution/" + id + "/config", config, "DistributionConfig",
                          "ETVPDKIKX0DER");
    CHECK(updated.status == 200);
    CHECK(updated.etag == "E3UN6WX5RRO2AG");
    s.clock.advance(base::seconds(1));
    CHECK(s.call("DELETE", "/distribution/" + id, {}, "", "E3UN6WX5RRO2AG").status == 204);
    CHECK(s.call("GET", "/distribution/" + id).code == "NoSuchDistribution");
}

TEST_CASE("what is put in comes out, with AWS's defaults (#99)", "[cloudfront]") {
    Stand s;
    std::string id = s.id_of(s.create());
    Node config = s.call("GET", "/distribution/" + id + "/config").output;
    CHECK(config["PriceClass"].as_string() == "PriceClass_All");
    CHECK(config["Aliases"]["Quantity"].as_string() == "0");
    CHECK(config["Aliases"].find("Items") == nullptr);
    CHECK(config["ViewerCertificate"]["MinimumProtocolVersion"].as_string() == "TLSv1");
    CHECK(config["DefaultCacheBehavior"]["AllowedMethods"]["CachedMethods"]["Items"].size() == 2);
    CHECK(config["DefaultCacheBehavior"].find("MinTTL") == nullptr);
    CHECK(config["Origins"]["Items"]
              .items()[0]["CustomOriginConfig"]["OriginReadTimeout"]
              .as_string() == "30");
    // A second round changes nothing.
    auto updated = s.call("PUT", "/distribution/" + id + "/config", config, "DistributionConfig",
                          "ETVPDKIKX0DER");
    REQUIRE(updated.status == 200);
    CHECK(s.call("GET", "/distribution/" + id + "/config").output == config);
}

TEST_CASE("refused configurations (#102 to #105, #32, #20, #75)", "[cloudfront]") {
    Stand s;
    struct Row {
        std::string_view changes;
        int status;
        std::string_view code;
    };
    const Row rows[] = {
        {R"({"DefaultCacheBehavior": {"TargetOriginId": "x"}})", 404, "NoSuchOrigin"},
        {R"({"DefaultCacheBehavior": {"CachePolicyId": "x"}})", 404, "NoSuchCachePolicy"},
        {R"({"DefaultCacheBehavior": {"CachePolicyId": null, "MinTTL": 5, "DefaultTTL": 4, "ForwardedValues": {"QueryString": false, "Cookies": {"Forward": "none"}}}})",
         400, "InvalidTTLOrder"},
        {R"({"Origins": {"Quantity": 2, "Items": [{"Id": "o", "DomainName": "a.example.com", "CustomOriginConfig": {"OriginProtocolPolicy": "http-only"}}]}})",
         400, "InconsistentQuantities"},
        {R"({"Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "a.example.com"}]}})",
         400, "InvalidArgument"},
        {R"({"Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "a.example.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}]}})",
         400, "InvalidArgument"},
        {R"({"Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "b.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}, "OriginAccessControlId": "EX"}]}})",
         400, "InvalidOriginAccessControl"},
        {R"({"Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "a.example.com", "CustomOriginConfig": {"OriginProtocolPolicy": "http-only"}, "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": "Host", "HeaderValue": "x"}]}}]}})",
         400, "InvalidArgument"},
        {R"({"Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "a.example.com", "OriginPath": "/p/", "CustomOriginConfig": {"OriginProtocolPolicy": "http-only"}}]}})",
         400, "InvalidRelativePath"},
        {R"({"DefaultRootObject": "/index.html"})", 400, "InvalidDefaultRootObject"},
        {R"({"Aliases": {"Quantity": 1, "Items": ["a.example.com"]}})", 400,
         "InvalidViewerCertificate"},
        {R"({"CustomErrorResponses": {"Quantity": 1, "Items": [{"ErrorCode": 401}]}})", 400,
         "InvalidErrorCode"},
        {R"({"CustomErrorResponses": {"Quantity": 1, "Items": [{"ErrorCode": 404, "ResponsePagePath": "/x", "ResponseCode": "201"}]}})",
         400, "InvalidResponseCode"},
        {R"({"DefaultCacheBehavior": {"FunctionAssociations": {"Quantity": 1, "Items": [{"FunctionARN": "arn:aws:cloudfront::1:function/f", "EventType": "viewer-request"}]}}})",
         400, "InvalidFunctionAssociation"},
        {R"({"DefaultCacheBehavior": {"AllowedMethods": {"Quantity": 1, "Items": ["GET"]}}})", 400,
         "InvalidArgument"},
        {R"({"Surprise": "x"})", 400, "InvalidArgument"},
        {R"({"DefaultCacheBehavior": {"TrustedSigners": {"Enabled": true, "Quantity": 1, "Items": ["self"]}}})",
         400, "InvalidArgument"},
        {R"({"DefaultCacheBehavior": {"CachePolicyId": null, "MinTTL": -1, "ForwardedValues": {"QueryString": false, "Cookies": {"Forward": "none"}}}})",
         400, "InvalidTTLOrder"},
        {R"({"CustomErrorResponses": {"Quantity": 1, "Items": [{"ErrorCode": 404, "ErrorCachingMinTTL": -1}]}})",
         400, "InvalidArgument"},
        {R"({"CustomErrorResponses": {"Quantity": 2, "Items": [{"ErrorCode": 404}, {"ErrorCode": 404}]}})",
         400, "InvalidArgument"},
        {R"({"Logging": {"Enabled": true, "IncludeCookies": false, "Bucket": "", "Prefix": ""}})",
         400, "InvalidArgument"},
        {R"({"Logging": {"Enabled": true, "IncludeCookies": false, "Bucket": "mine", "Prefix": ""}})",
         400, "InvalidArgument"},
        {R"({"ViewerCertificate": {"ACMCertificateArn": "arn:aws:acm:us-east-1:1:certificate/x", "SSLSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv9"}})",
         400, "InvalidMinimumProtocolVersion"},
        {R"({"ViewerCertificate": {"ACMCertificateArn": "arn:aws:acm:us-east-1:1:certificate/x", "SSLSupportMethod": "any", "MinimumProtocolVersion": "TLSv1.2_2021"}})",
         400, "InvalidArgument"},
    };
    for (const Row& row : rows) {
        INFO(row.changes);
        auto done = s.create(row.changes);
        CHECK(done.status == row.status);
        CHECK(done.code == row.code);
    }
    CHECK(
        s.create(
             R"({"Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "a.example.com"}]}})")
            .message == "The parameter Origin DomainName does not refer to a valid S3 bucket.");
    auto policy = s.call("POST", "/cache-policy",
                         test::json(R"({"Name": "p", "MinTTL": 0, "DefaultTTL": 0, "MaxTTL": 0,
        "ParametersInCacheKeyAndForwardedToOrigin": {"EnableAcceptEncodingGzip": false, "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": {"Quantity": 1, "Items": ["X-A"]}},
        "CookiesConfig": {"CookieBehavior": "none"}, "QueryStringsConfig": {"QueryStringBehavior": "none"}}})"),
                         "CachePolicyConfig");
    CHECK(policy.code == "InvalidArgument");
    CHECK(policy.message ==
          "The parameter HeaderBehavior is invalid for policy with caching disabled.");
}

TEST_CASE("an origin's headers are headers, within their limits; its timeouts fit (§4.4, §5.2)",
          "[cloudfront]") {
    Stand s;
    int references = 0;
    auto with = [&](std::string_view headers, std::string_view more = "") {
        ++references;
        return s.create(
            R"({"CallerReference": "r)" + std::to_string(references) +
            R"(", "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "a.example.com", "CustomOriginConfig": {"OriginProtocolPolicy": "http-only", "OriginReadTimeout": 30}, "CustomHeaders": )" +
            std::string(headers) + std::string(more) + "}]}}");
    };
    auto list = [](const std::vector<std::pair<std::string, std::string>>& headers) {
        std::string items;
        for (const auto& [name, value] : headers)
            items += (items.empty() ? "" : ", ") +
                     (R"({"HeaderName": ")" + name + R"(", "HeaderValue": ")" + value + "\"}");
        return R"({"Quantity": )" + std::to_string(headers.size()) + R"(, "Items": [)" + items +
               "]}";
    };
    CHECK(with(list({{"X-A", "b"}})).status == 201);
    for (const auto& [name, value] :
         std::vector<std::pair<std::string, std::string>>{{"X A", "b"},
                                                          {"", "b"},
                                                          {"X:A", "b"},
                                                          {"X-A", R"(b\nEvil: c)"},
                                                          {"X-A", R"(b\u0007)"}}) {
        INFO(name << " = " << value);
        CHECK(with(list({{name, value}})).code == "InvalidArgument");
    }
    std::vector<std::pair<std::string, std::string>> many;
    for (int i = 0; i < 6; ++i)
        many.emplace_back("X-" + std::to_string(i), std::string(1700, 'y'));
    CHECK(with(list(many)).code == "");  // 10,218 characters
    many.emplace_back("X-6", std::string(30, 'y'));
    CHECK(with(list(many)).code == "InvalidArgument");
    CHECK(with(list({}), R"(, "ResponseCompletionTimeout": 29)").code == "InvalidArgument");
}

TEST_CASE("a policy's header names are names (§8.4)", "[cloudfront]") {
    Stand s;
    constexpr std::string_view kRest =
        R"("CookiesConfig": {"CookieBehavior": "none"}, "QueryStringsConfig": {"QueryStringBehavior": "none"})";
    auto request_policy = [&](std::string_view behavior, std::string_view name) {
        return s
            .call("POST", "/origin-request-policy",
                  test::json(R"({"Name": "p-)" + std::string(name) +
                             R"(", "HeadersConfig": {"HeaderBehavior": ")" + std::string(behavior) +
                             R"(", "Headers": {"Quantity": 1, "Items": [")" + std::string(name) +
                             R"("]}}, )" + std::string(kRest) + "}"),
                  "OriginRequestPolicyConfig")
            .code;
    };
    CHECK(request_policy("whitelist", "X A") == "InvalidArgument");
    // Only headers that CloudFront adds may be named beside all of the viewer's.
    CHECK(request_policy("allViewerAndWhitelistCloudFront", "X-A") == "InvalidArgument");
    CHECK(request_policy("allViewerAndWhitelistCloudFront", "CloudFront-Viewer-Country") == "");
    CHECK(
        s.call(
             "POST", "/cache-policy",
             test::json(
                 R"({"Name": "c", "MinTTL": 1, "ParametersInCacheKeyAndForwardedToOrigin": {"EnableAcceptEncodingGzip": false, "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": {"Quantity": 1, "Items": ["X A"]}}, )" +
                 std::string(kRest) + "}}"),
             "CachePolicyConfig")
            .code == "InvalidArgument");
    CHECK(
        s.call(
             "POST", "/response-headers-policy",
             test::json(
                 R"({"Name": "r", "CustomHeadersConfig": {"Quantity": 1, "Items": [{"Header": "X A", "Value": "b", "Override": true}]}})"),
             "ResponseHeadersPolicyConfig")
            .code == "InvalidArgument");
}

TEST_CASE(
    "response headers policies: where a * may stand, and one way to report XSS (guide, "
    "\"Understand response headers policies\")",
    "[cloudfront]") {
    Stand s;
    auto create = [&](const std::string& name, const std::string& part) {
        return s
            .call("POST", "/response-headers-policy",
                  test::json(R"({"Name": ")" + name + R"(", )" + part + "}"),
                  "ResponseHeadersPolicyConfig")
            .code;
    };
    auto allow = [&](const std::string& origin) {
        return create(
            "cors-" + origin,
            R"("CorsConfig": {"AccessControlAllowOrigins": {"Quantity": 1, "Items": [")" + origin +
                R"("]}, "AccessControlAllowHeaders": {"Quantity": 1, "Items": ["*"]}, "AccessControlAllowMethods": {"Quantity": 1, "Items": ["GET"]}, "AccessControlAllowCredentials": false, "OriginOverride": true})");
    };
    for (std::string_view good :
         {"*", "https://a.example", "*.a.example", "https://*.a.example", "http://a.example:8080"})
        CHECK(allow(std::string(good)) == "");
    for (std::string_view bad :
         {"example.*", "https://test.*.a.example", "exa*mple.org", "*a.example"})
        CHECK(allow(std::string(bad)) == "InvalidArgument");
    CHECK(
        create(
            "xss",
            R"("SecurityHeadersConfig": {"XSSProtection": {"Override": true, "Protection": true, "ModeBlock": true, "ReportUri": "https://a.example/"}})") ==
        "InvalidArgument");
}

TEST_CASE("distributions by what they use: no web ACL is null, an unknown key group is no resource",
          "[cloudfront]") {
    Stand s;
    const std::string id = s.id_of(s.create());
    auto none = s.call("GET", "/distributionsByWebACLId/null");
    CHECK(none.output["Quantity"].as_string() == "1");
    CHECK(none.output["Items"].items()[0]["Id"].as_string() == id);
    CHECK(s.call("GET", "/distributionsByWebACLId/arn").output["Quantity"].as_string() == "0");
    CHECK(s.call("GET", "/distributionsByKeyGroupId/nobody").code == "NoSuchResource");
}

TEST_CASE("two distributions cannot have one alias (#102)", "[cloudfront]") {
    Stand s;
    auto with = [](std::string reference) {
        return R"({"CallerReference": ")" + reference +
               R"(", "Aliases": {"Quantity": 1, "Items": ["a.example.com"]}, "ViewerCertificate": {"ACMCertificateArn": "arn:aws:acm:us-east-1:1:certificate/x", "SSLSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"}})";
    };
    CHECK(s.create(with("one")).status == 201);
    CHECK(s.create(with("two")).code == "CNAMEAlreadyExists");
    CHECK(s.control.owns("a.example.com"));
}

TEST_CASE("policies: managed ones are fixed, used ones stay (#106, #107)", "[cloudfront]") {
    Stand s;
    auto managed = s.call("GET", "/cache-policy?Type=managed");
    CHECK(managed.output["Quantity"].as_string() == "7");
    CHECK(
        s.call("DELETE", "/cache-policy/" + std::string(test::kOptimized), {}, "", "ETVPDKIKX0DER")
            .code == "IllegalDelete");
    auto created = s.call("POST", "/cache-policy",
                          test::json(R"({"Name": "mine", "MinTTL": 100000})"), "CachePolicyConfig");
    REQUIRE(created.status == 201);
    CHECK(created.output["CachePolicyConfig"]["DefaultTTL"].as_string() == "100000");
    std::string id = s.id_of(created);
    REQUIRE(s.create(R"({"DefaultCacheBehavior": {"CachePolicyId": ")" + id + "\"}}").status ==
            201);
    CHECK(s.call("DELETE", "/cache-policy/" + id, {}, "", created.etag).code == "CachePolicyInUse");
    CHECK(s.call("POST", "/cache-policy", test::json(R"({"Name": "mine", "MinTTL": 1})"),
                 "CachePolicyConfig")
              .code == "CachePolicyAlreadyExists");
    // An update reaches the edge.
    Node config = created.output["CachePolicyConfig"];
    config.set("MaxTTL", 200000);
    config.set("DefaultTTL", 150000);
    REQUIRE(
        s.call("PUT", "/cache-policy/" + id, config, "CachePolicyConfig", created.etag).status ==
        200);
    CHECK(s.control.snapshot().get()->by_id.begin()->second->behaviors.back().max_ttl ==
          base::seconds(200000));
    auto control = s.call(
        "POST", "/origin-access-control",
        test::json(
            R"({"Name": "oac", "SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3"})"),
        "OriginAccessControlConfig");
    REQUIRE(control.status == 201);
    REQUIRE(
        s.create(
             R"({"CallerReference": "s3", "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "b.s3.eu-west-1.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}, "OriginAccessControlId": ")" +
             s.id_of(control) + "\"}]}}")
            .status == 201);
    CHECK(
        s.call("DELETE", "/origin-access-control/" + s.id_of(control), {}, "", control.etag).code ==
        "OriginAccessControlInUse");
}

TEST_CASE("invalidations (#110 to #113)", "[cloudfront]") {
    Stand s;
    std::string id = s.id_of(s.create());
    auto invalidate = [&](std::string reference, std::string_view paths) {
        return s.call("POST", "/distribution/" + id + "/invalidation",
                      test::json(R"({"Paths": {"Quantity": 1, "Items": [")" + std::string(paths) +
                                 R"("]}, "CallerReference": ")" + reference + "\"}"),
                      "InvalidationBatch");
    };
    auto first = invalidate("r1", "/a");
    REQUIRE(first.status == 201);
    CHECK(first.output["Status"].as_string() == "InProgress");
    CHECK(
        s.call("GET", "/distribution/" + id).output["InProgressInvalidationBatches"].as_string() ==
        "1");
    CHECK(invalidate("r1", "/a").output["Id"] == first.output["Id"]);
    auto other = invalidate("r1", "/b");
    CHECK(other.code == "InvalidArgument");
    CHECK(other.message.find("caller reference") != std::string::npos);
    CHECK(invalidate("r2", "a").message ==
          "Your request contains one or more invalid invalidation paths.");
    s.clock.advance(base::seconds(1));
    CHECK(s.call("GET", "/distribution/" + id + "/invalidation/" + s.id_of(first))
              .output["Status"]
              .as_string() == "Completed");
    CHECK(s.call("GET", "/distribution/" + id + "/invalidation").output["Quantity"].as_string() ==
          "1");
    CHECK(s.call("GET", "/distribution/" + id + "/invalidation/I1").code == "NoSuchInvalidation");
    const Node report = s.control.invalidations(id, 10);
    REQUIRE(report.size() == 1);
    CHECK(report.items()[0]["id"].as_string() == s.id_of(first));
    CHECK(report.items()[0]["status"].as_string() == "Completed");
    CHECK(report.items()[0]["paths"].items()[0]["warning"].as_string() ==
          "nothing of this distribution is held");
    CHECK(s.control.invalidations("E0", 10).size() == 0);
    REQUIRE(first.told.size() == 1);
    CHECK(first.told[0] == "warning: /a removed nothing: nothing of this distribution is held");
}

TEST_CASE("listing pages and tags (#114, #115)", "[cloudfront]") {
    Stand s;
    CHECK(s.call("GET", "/distribution").output.find("Items") == nullptr);
    std::string one = s.id_of(s.create()),
                arn = "arn:aws:cloudfront::123456789012:distribution/" + one;
    s.clock.advance(base::seconds(1));
    s.create(R"({"CallerReference": "two"})");
    auto page = s.call("GET", "/distribution?MaxItems=1");
    CHECK(page.output["IsTruncated"].as_string() == "true");
    auto rest =
        s.call("GET", "/distribution?MaxItems=1&Marker=" + page.output["NextMarker"].as_string());
    CHECK(rest.output["IsTruncated"].as_string() == "false");
    CHECK_FALSE(rest.output["Items"] == page.output["Items"]);
    CHECK(s.call("POST", "/tagging?Operation=Tag&Resource=" + arn,
                 test::json(R"({"Items": [{"Key": "k", "Value": "v"}]})"), "Tags")
              .status == 204);
    CHECK(
        s.call("GET", "/tagging?Resource=" + arn).output["Items"].items()[0]["Value"].as_string() ==
        "v");
    CHECK(s.call("POST", "/tagging?Operation=Untag&Resource=" + arn,
                 test::json(R"({"Items": ["k"]})"), "TagKeys")
              .status == 204);
    CHECK(s.call("GET", "/tagging?Resource=" + arn).output["Items"].size() == 0);
    CHECK(
        s.call("GET", "/tagging?Resource=arn:aws:cloudfront::123456789012:distribution/E0").code ==
        "NoSuchResource");
}
