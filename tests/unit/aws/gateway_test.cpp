// The AWS port's front door: who is meant, who may come in, and errors in each protocol's shape.
#include "aws/gateway.h"

#include <catch2/catch.hpp>

#include "aws/access_keys.h"
#include "base/digest.h"
#include "base/text.h"
#include "support/recorded_exchange.h"

namespace {

using support::RecordedExchange;

// Answers "Echo" with its input, throws for "Throw", knows no other.
class EchoService final : public aws::Service {
  public:
    explicit EchoService(aws::ServiceInfo info) : info_(info) {}
    const aws::ServiceInfo& info() const override { return info_; }
    std::optional<aws::Reply> serve(aws::Call& call) override {
        last_caller = call.caller.arn;
        last_region = call.region;
        if (call.operation.empty() && call.exchange->request().path() == "/2020-05-31/echo")
            call.operation = "Echo";
        if (call.operation == "Throw") throw aws::Error(400, "Thrown", "on purpose");
        if (call.operation == "Crash") throw std::runtime_error("a bug");
        if (call.operation != "Echo") return std::nullopt;
        aws::Reply reply;
        reply.root = "Echo";
        reply.output =
            base::Node::object({{"Input", call.input.is_null() ? base::Node("") : call.input}});
        return reply;
    }
    std::string last_caller, last_region;

  private:
    aws::ServiceInfo info_;
};

class NamedHandler final : public http::Handler {
  public:
    explicit NamedHandler(std::string name) : name_(std::move(name)) {}
    void handle(http::Exchange& exchange) override { (void)exchange.respond({}, name_); }

  private:
    std::string name_;
};

struct Front {
    base::ManualClock clock;
    base::TraceRing traces;
    base::Ids ids{"111122223333", "eu-west-1"};
    aws::AccessKeys keys{"111122223333", clock};
    EchoService elb{{.name = "elbv2",
                     .signing_name = "elasticloadbalancing",
                     .version = "2015-12-01",
                     .protocol = aws::Protocol::Query,
                     .xml_namespace = "http://elb/",
                     .known_operations = "Echo\nDescribeRules\n"}};
    EchoService ecs{{.name = "ecs",
                     .signing_name = "ecs",
                     .target_prefix = "AmazonEC2ContainerServiceV20141113",
                     .protocol = aws::Protocol::Json11,
                     .known_operations = "Echo\nListTasks\n"}};
    EchoService cloudfront{{.name = "cloudfront",
                            .signing_name = "cloudfront",
                            .version = "/2020-05-31/",
                            .protocol = aws::Protocol::RestXml,
                            .xml_namespace = "http://cf/",
                            .known_operations = "GetThing GET /2020-05-31/thing/{Id}\nTagThing "
                                                "POST /2020-05-31/tagging?Operation=Tag\n"}};
    NamedHandler s3{"s3"}, registry{"registry"}, console{"console"};
    aws::Gateway gateway{
        {.clock = clock,
         .traces = traces,
         .ids = ids,
         .services = {&elb, &ecs, &cloudfront},
         .s3 = &s3,
         .registry = &registry,
         .console = &console,
         .is_bucket = [](std::string_view name) { return name == "assets.example.org"; },
         .secret_of = [this](std::string_view key) { return keys.secret_of(key); },
         .caller_of = [this](std::string_view key) { return keys.caller_of(key); },
         .check_token = [this](std::string_view key,
                               std::string_view token) { keys.check_token(key, token); }}};

    RecordedExchange send(http::RequestHead head, std::string body = {}) {
        if (!head.headers.has("host")) head.headers.add("Host", "127.0.0.1:4566");
        RecordedExchange exchange(std::move(head), std::move(body));
        gateway.handle(exchange);
        return exchange;
    }
    RecordedExchange send_signed(http::RequestHead head, std::string body, std::string_view service,
                                 aws::Credentials credentials = {"test", "test", ""}) {
        head.headers.add("Host", "127.0.0.1:4566");
        aws::sign(head, credentials, "eu-west-1", service, base::sha256_hex(body), clock.now(),
                  aws::PathEncoding::Twice);
        return send(std::move(head), std::move(body));
    }
    RecordedExchange query(std::string form, aws::Credentials credentials = {"test", "test", ""}) {
        return send_signed(
            request("POST", "/",
                    {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}}),
            std::move(form), "elasticloadbalancing", credentials);
    }
    RecordedExchange json(std::string operation, std::string body,
                          aws::Credentials credentials = {"test", "test", ""}) {
        return send_signed(
            request("POST", "/",
                    {{"X-Amz-Target", "AmazonEC2ContainerServiceV20141113." + operation}}),
            std::move(body), "ecs", credentials);
    }

    static http::RequestHead request(std::string method, std::string target,
                                     http::HeaderList headers = {}) {
        http::RequestHead head;
        head.method = std::move(method);
        head.target = std::move(target);
        head.headers = std::move(headers);
        return head;
    }
};

std::string code_in(const std::string& body) {
    size_t at = body.find("<Code>");
    if (at != std::string::npos) return body.substr(at + 6, body.find('<', at + 6) - at - 6);
    auto json = base::parse_json(body);
    return json ? (*json)["__type"].as_string() : "";
}

}  // namespace

TEST_CASE("signed calls reach their service, in each protocol") {
    Front front;
    auto query = front.query("Action=Echo&Version=2015-12-01&Names.member.1=a");
    CHECK(query.response.status == 200);
    CHECK(query.response_body.find(
              "<EchoResult><Input><Names><member>a</member></Names></Input></EchoResult>") !=
          std::string::npos);
    CHECK(front.elb.last_caller == "arn:aws:iam::111122223333:user/dev");
    CHECK(front.elb.last_region == "eu-west-1");
    CHECK(query.response.headers.has("x-amzn-RequestId"));
    CHECK(query.response.headers.has("date"));

    auto json = front.json("Echo", R"({"a":1,"gone":null})");
    CHECK(json.response_body == R"({"Input":{"a":1}})");
    auto rest = front.send_signed(Front::request("POST", "/2020-05-31/echo"),
                                  "<Config><A>1</A></Config>", "cloudfront");
    CHECK(rest.response_body.find("<Echo xmlns=\"http://cf/\"><Input><A>1</A></Input></Echo>") !=
          std::string::npos);
    auto get = front.send_signed(Front::request("GET", "/?Action=Echo&Version=2015-12-01&A=b"), "",
                                 "elasticloadbalancing");
    CHECK(get.response_body.find("<A>b</A>") != std::string::npos);

    auto spans = front.traces.latest(10);
    REQUIRE(spans.size() == 4);
    CHECK(spans[3].hop == "aws");
    CHECK(spans[3].resource == "elbv2");
    CHECK(spans[3].id == query.response.headers.get("x-amzn-RequestId"));
    CHECK(spans[3].decisions[0].text == "Echo");
}

TEST_CASE("dispatch order (decision 16)") {
    Front front;
    auto where = [&](std::string method, std::string target, http::HeaderList headers,
                     std::string body = "") {
        auto exchange =
            front.send(Front::request(std::move(method), std::move(target), std::move(headers)),
                       std::move(body));
        return exchange.response_body;
    };
    std::string s3_scope =
        "AWS4-HMAC-SHA256 "
        "Credential=test/20260922/eu-west-1/s3/aws4_request,SignedHeaders=host,Signature=0";
    struct Row {
        std::string method, target;
        http::HeaderList headers;
        std::string expected;
    };
    const Row rows[] = {
        {"GET", "/_dodam/v1/status", {}, "console"},
        {"GET", "/_dodamx", {}, "s3"},
        {"GET", "/v2/", {}, "registry"},
        {"GET", "/v2/repo/blobs/x", {{"Host", "b.s3.localhost"}}, "registry"},
        {"GET", "/", {{"Host", "111122223333.dkr.ecr.eu-west-1.amazonaws.com"}}, "registry"},
        {"GET", "/k", {{"Host", "b.s3.localhost:4566"}}, "s3"},
        {"GET", "/k", {{"Host", "b.s3.eu-west-1.amazonaws.com"}}, "s3"},
        {"GET", "/k", {{"Host", "S3.amazonaws.com"}}, "s3"},
        {"GET", "/k", {{"Host", "b.s3-website.localhost"}}, "s3"},
        {"GET", "/k", {{"Host", "assets.example.org"}}, "s3"},
        {"GET", "/bucket/key", {}, "s3"},
        {"POST",
         "/bucket?delete",
         {{"Authorization", s3_scope}, {"x-amz-date", "20260922T000000Z"}},
         "s3"},
        {"POST", "/bucket", {{"Content-Type", "multipart/form-data; boundary=x"}}, "s3"},
        {"OPTIONS", "/bucket/key", {{"Origin", "http://front.localhost:8080"}}, "s3"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.target);
        CHECK(where(row.method, row.target, row.headers) == row.expected);
    }
    // By Host alone, unsigned: the service answers, and asks for a signature.
    CHECK(code_in(where("POST", "/",
                        {{"Host", "ecs.eu-west-1.amazonaws.com"},
                         {"X-Amz-Target", "AmazonEC2ContainerServiceV20141113.Echo"}})) ==
          "MissingAuthenticationTokenException");
    CHECK(code_in(where("GET", "/2020-05-31/echo", {})) == "MissingAuthenticationToken");
    CHECK(code_in(where("POST", "/", {{"Content-Type", "application/x-www-form-urlencoded"}},
                        "Action=Echo&Version=2015-12-01")) == "MissingAuthenticationToken");
}

TEST_CASE("a service that is not emulated is said so, in its protocol") {
    Front front;
    auto json = front.send_signed(
        Front::request("POST", "/", {{"X-Amz-Target", "DynamoDB_20120810.ListTables"}}), "{}",
        "dynamodb");
    CHECK(json.response.status == 501);
    CHECK(
        json.response_body ==
        R"({"__type":"NotImplemented","message":"dodam does not emulate the service of \"dynamodb\"."})");
    auto query = front.send_signed(
        Front::request("POST", "/", {{"Content-Type", "application/x-www-form-urlencoded"}}),
        "Action=ListUsers&Version=2010-05-08", "iam");
    CHECK(query.response.status == 501);
    CHECK(code_in(query.response_body) == "NotImplemented");
    // The generation of load balancers that shares the signing name.
    auto classic = front.query("Action=DescribeLoadBalancers&Version=2012-06-01");
    CHECK(classic.response.status == 501);
}

TEST_CASE("known but unbuilt is 501, unknown is AWS's own answer") {
    Front front;
    struct Row {
        RecordedExchange exchange;
        int status;
        std::string code;
    };
    const Row rows[] = {
        {front.query("Action=DescribeRules&Version=2015-12-01"), 501, "NotImplemented"},
        {front.query("Action=Nonsense&Version=2015-12-01"), 400, "InvalidAction"},
        {front.json("ListTasks", "{}"), 501, "NotImplemented"},
        {front.json("Nonsense", "{}"), 400, "UnknownOperationException"},
        {front.send_signed(Front::request("GET", "/2020-05-31/thing/T1"), "", "cloudfront"), 501,
         "NotImplemented"},
        {front.send_signed(Front::request("POST", "/2020-05-31/tagging?Operation=Tag"), "",
                           "cloudfront"),
         501, "NotImplemented"},
        {front.send_signed(Front::request("POST", "/2020-05-31/tagging?Operation=Other"), "",
                           "cloudfront"),
         404, "UnknownOperationException"},
    };
    for (const Row& row : rows) {
        CHECK(row.exchange.response.status == row.status);
        CHECK(code_in(row.exchange.response_body) == row.code);
    }
    CHECK(rows[0].exchange.response_body.find("DescribeRules of elbv2") != std::string::npos);
    CHECK(rows[4].exchange.response_body.find("GetThing of cloudfront") != std::string::npos);
}

TEST_CASE("failed signatures have each protocol's code") {
    Front front;
    auto session =
        front.keys.add_session("arn:aws:iam::111122223333:role/task", "s", base::seconds(900));
    aws::Credentials bare = session.credentials, expired = session.credentials;
    bare.session_token = "";
    struct Row {
        aws::Credentials credentials;
        base::microseconds later;
        std::string query, json;
    };
    const Row rows[] = {
        {{"unknown", "x", ""},
         base::seconds(0),
         "InvalidClientTokenId",
         "UnrecognizedClientException"},
        {{"test", "wrong", ""},
         base::seconds(0),
         "SignatureDoesNotMatch",
         "InvalidSignatureException"},
        {bare, base::seconds(0), "InvalidClientTokenId", "UnrecognizedClientException"},
        {session.credentials, base::seconds(0), "", ""},
        {expired, base::seconds(901), "ExpiredToken", "ExpiredTokenException"},
    };
    for (const Row& row : rows) {
        front.clock.advance(row.later);
        CAPTURE(row.credentials.access_key, row.query);
        auto query = front.query("Action=Echo&Version=2015-12-01", row.credentials);
        CHECK(query.response.status == (row.query.empty() ? 200 : 403));
        CHECK(code_in(query.response_body) == row.query);
        auto json = front.json("Echo", "{}", row.credentials);
        CHECK(json.response.status == (row.json.empty() ? 200 : 400));
        CHECK(code_in(json.response_body) == row.json);
    }
    CHECK(front.ecs.last_caller == "arn:aws:sts::111122223333:assumed-role/task/s");
    // Signed for a body that is not the one sent.
    auto head = Front::request(
        "POST", "/",
        {{"X-Amz-Target", "AmazonEC2ContainerServiceV20141113.Echo"}, {"Host", "127.0.0.1:4566"}});
    aws::sign(head, {"test", "test", ""}, "eu-west-1", "ecs", base::sha256_hex("{}"),
              front.clock.now(), aws::PathEncoding::Twice);
    CHECK(code_in(front.send(head, R"({"a":1})").response_body) == "InvalidSignatureException");
    head.headers.set("X-Amz-Date", "20100101T000000Z");
    CHECK(front.send(head, "{}").response.status == 400);
}

TEST_CASE("errors of operations, bugs and bad bodies") {
    Front front;
    CHECK(code_in(front.query("Action=Throw&Version=2015-12-01").response_body) == "Thrown");
    auto crash = front.query("Action=Crash&Version=2015-12-01");
    CHECK(crash.response.status == 500);
    CHECK(code_in(crash.response_body) == "InternalFailure");
    CHECK(crash.response_body.find("a bug") == std::string::npos);
    CHECK(code_in(front.json("Echo", "{").response_body) == "SerializationException");
    CHECK(code_in(front.json("Echo", "[]").response_body) == "SerializationException");
    CHECK(code_in(front.json("Echo", R"({"a":1,"a":2})").response_body) ==
          "SerializationException");
    CHECK(front.json("Echo", "").response_body == R"({"Input":{}})");
    CHECK(code_in(front.query("Action=Echo&Version=2015-12-01&a=1&a.b=2").response_body) ==
          "MalformedQueryString");
    CHECK(code_in(front.send_signed(Front::request("POST", "/2020-05-31/echo"), "<a", "cloudfront")
                      .response_body) == "MalformedXML");
    CHECK(code_in(front.query("Version=2015-12-01").response_body) == "MissingAction");
    auto large = front.json("Echo", std::string(aws::kMaxBodyBytes + 1, ' '));
    CHECK(large.response.status == 413);
    CHECK(large.closed);
}

TEST_CASE("foreign Hosts, Origins and malformed heads do not come in (decision 18)") {
    Front front;
    struct Row {
        std::string target;
        http::HeaderList headers;
        int status;
    };
    const Row rows[] = {
        {"/_dodam/v1/status", {{"Host", "evil.example.org"}}, 403},
        {"/bucket", {{"Host", "evil.example.org:4566"}}, 403},
        {"/bucket", {{"Host", ""}}, 403},
        {"/bucket", {{"Host", "127.0.0.1.evil.org"}}, 403},
        {"/bucket", {{"Host", "localhost.evil.org"}}, 403},
        {"/bucket", {{"Host", "[::1]:4566"}}, 200},
        {"/bucket", {{"Host", "dodam:4566"}}, 200},
        {"/bucket", {{"Host", "host.docker.internal:4566"}}, 200},
        {"/_dodam/v1/status", {{"Origin", "http://evil.example.org"}}, 403},
        {"/_dodam/v1/status", {{"Origin", "null"}}, 403},
        {"/_dodam/v1/status", {{"Origin", "http://127.0.0.1:4566"}}, 200},
        {"/2020-05-31/echo", {{"Origin", "http://evil.example.org"}}, 403},
    };
    for (const Row& row : rows) {
        CAPTURE(row.target, row.headers.get("host"), row.headers.get("origin"));
        CHECK(front.send(Front::request("GET", row.target, row.headers)).response.status ==
              row.status);
    }
    auto head = Front::request("GET", "/bucket");
    head.anomalies = {http::Anomaly::ContentLengthAndTransferEncoding};
    auto exchange = front.send(head);
    CHECK(exchange.response.status == 400);
    CHECK(exchange.closed);
}

TEST_CASE("access keys") {
    base::ManualClock clock;
    aws::AccessKeys keys("111122223333", clock);
    CHECK(keys.secret_of("test") == "test");
    CHECK(!keys.secret_of("other"));
    CHECK(keys.caller_of("other").is_anonymous());
    keys.add_user("AKIACONFIGURED", "s", "deploy");
    CHECK(keys.caller_of("AKIACONFIGURED").arn == "arn:aws:iam::111122223333:user/deploy");
    CHECK_THROWS_AS(keys.check_token("AKIACONFIGURED", "token"), aws::Error);
    CHECK_NOTHROW(keys.check_token("test", "dummy"));

    std::string arn = "arn:aws:cloudfront::111122223333:distribution/E1";
    auto internal = keys.service_key("cloudfront.amazonaws.com", arn);
    CHECK(keys.service_key("cloudfront.amazonaws.com", arn).access_key == internal.access_key);
    CHECK(keys.secret_of(internal.access_key) == internal.secret_key);
    CHECK(keys.caller_of(internal.access_key).service_principal == "cloudfront.amazonaws.com");
    CHECK(keys.caller_of(internal.access_key).source_arn == arn);
    keys.remove(internal.access_key);
    CHECK(!keys.secret_of(internal.access_key));
    CHECK(keys.service_key("cloudfront.amazonaws.com", arn).access_key != internal.access_key);

    auto session =
        keys.add_session("arn:aws:iam::111122223333:role/path/task", "s", base::seconds(900));
    CHECK(session.caller.arn == "arn:aws:sts::111122223333:assumed-role/task/s");
    CHECK(session.caller.user_id.starts_with("AROA"));
    CHECK_NOTHROW(
        keys.check_token(session.credentials.access_key, session.credentials.session_token));
    clock.advance(std::chrono::hours(30));
    keys.add_session("arn:aws:iam::111122223333:role/task", "s", base::seconds(900));
    CHECK(!keys.secret_of(session.credentials.access_key));  // forgotten a day after its end
}
