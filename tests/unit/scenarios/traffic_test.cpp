// Traffic to scenarios: harness.md §2 row 27 (correlation, forms, two recordings), §4.1 (record,
// import).
#include <catch2/catch.hpp>

#include "scenarios/runner/scenario.h"
#include "scenarios/traffic/correlation.h"
#include "scenarios/traffic/exchange.h"
#include "scenarios/traffic/scenario_of.h"

using base::Node;
using traffic::Exchange;

namespace {

const Node kStack = *base::parse_json(R"({
  "distributions": { "api": { "domain": "d2.cloudfront.net" }, "front": { "domain": "d1.cloudfront.net" } },
  "loadBalancers": { "alb": { "dnsName": "web-1.us-east-1.elb.amazonaws.com" } } })");

Exchange make(const std::string& method, const std::string& path, int status,
              const std::string& answer = "") {
    Exchange exchange;
    exchange.method = method;
    exchange.url = path.starts_with('/') ? "https://d2.cloudfront.net" + path : path;
    exchange.status = status;
    exchange.answer = answer;
    if (!answer.empty()) exchange.answer_headers.emplace_back("content-type", "application/json");
    return exchange;
}
Exchange with(Exchange exchange, const std::string& name, const std::string& value) {
    exchange.headers.emplace_back(name, value);
    return exchange;
}
Exchange answered(Exchange exchange, const std::string& name, const std::string& value) {
    exchange.answer_headers.emplace_back(name, value);
    return exchange;
}
Exchange sending(Exchange exchange, const std::string& type, const std::string& body) {
    exchange.body = body;
    return with(std::move(exchange), "content-type", type);
}

traffic::Made made_of(std::vector<Exchange> visit, std::vector<Exchange> again = {}) {
    auto made = traffic::scenario_of(std::move(visit), std::move(again),
                                     {"It works", "visit.", "", kStack});
    if (!made) FAIL(made.error());
    // Whatever it is, it is a scenario.
    const scenarios::Surroundings surroundings{&kStack, made->to_be_given};
    const auto loaded = scenarios::read_scenario("visit.scenario.json",
                                                 base::to_json(made->scenario, 2), surroundings);
    for (const auto& problem : loaded.problems)
        if (problem.message.find("there is no file") == std::string::npos)
            FAIL_CHECK(problem.message << "\n" << base::to_json(made->scenario, 2));
    return std::move(*made);
}
const Node& step(const traffic::Made& made, size_t number) {
    return made.scenario["steps"].items().at(number);
}

}  // namespace

TEST_CASE("a scenario is laid out as somebody would write it") {
    const auto made =
        made_of({sending(make("POST", "/login", 200, R"({"accessToken":"aaaa.bbbb.cccc"})"),
                         "application/json",
                         R"({"email":"a@b.co","note":")" + std::string(100, 'n') + R"("})"),
                 with(make("GET", "/me", 204), "authorization", "Bearer aaaa.bbbb.cccc")});
    CHECK(traffic::text_of(made.scenario) == R"({
  "version": 1,
  "scenario": "It works",
  "secrets": ["accessToken"],
  "steps": [
    { "POST": "api:/login",
      "json": {
        "email": "a@b.co",
        "note": ")" + std::string(100, 'n') + R"("
      },
      "expect": { "status": 200, "$.accessToken": { "type": "string" } },
      "save": { "accessToken": "$.accessToken" } },
    { "GET": "api:/me",
      "auth": "Bearer {{accessToken}}",
      "expect": { "status": 204 } }
  ]
}
)");
}

TEST_CASE("names of secrets") {
    for (const char* name : {"password", "user_password", "PassWord", "pwd", "pin"})
        CHECK(traffic::is_password_name(name));
    for (const char* name : {"refreshToken", "x-api-key", "client_secret", "csrf_token", "sid"})
        CHECK((traffic::is_secret_name(name) && !traffic::is_password_name(name)));
    for (const char* name : {"email", "passenger", "pinned", "side", "name"})
        CHECK_FALSE(traffic::is_secret_name(name));
}

TEST_CASE("targets are the stack's names") {
    struct Row {
        const char *url, *target;
        int status = 200;
        const char* location = "";
    };
    for (const Row& row : {
             Row{"https://d1.cloudfront.net/a?b=c", "front:/a?b=c"},
             Row{"https://D1.cloudfront.net:8443/a", "front:/a"},
             Row{"https://d1.cloudfront.net", "front:/"},
             Row{"http://front.localhost:8080/a", "front:/a"},
             Row{"http://web-1.us-east-1.elb.amazonaws.com/a", "alb:/a"},
             Row{"https://elsewhere.example/a", "https://elsewhere.example/a"},
             Row{"front:/a", "front:/a"},
             // What a distribution says of http is asked in http.
             Row{"http://front.localhost:8080/a", "http://d1.cloudfront.net/a", 301,
                 "https://front.localhost/a"},
             Row{"http://d1.cloudfront.net/a", "http://d1.cloudfront.net/a", 403},
         }) {
        INFO(row.url);
        CHECK(traffic::target_of(
                  answered(make("GET", row.url, row.status), "location", row.location), kStack) ==
              row.target);
    }
}

TEST_CASE("a value of an answer that a later request carries is saved where it came from") {
    const auto made = made_of({
        sending(make("POST", "/login", 200,
                     R"({"accessToken":"aaaa.bbbb.cccc","user":{"id":7},"text":"hello"})"),
                "application/json", R"({"email":"a@b.co","password":"Correct-horse-9"})"),
        with(make("GET", "/me", 200), "authorization", "Bearer aaaa.bbbb.cccc"),
        with(make("GET", "/users/7/posts?userId=7&page=7", 200), "authorization",
             "Bearer aaaa.bbbb.cccc"),
        sending(make("POST", "/posts", 201), "application/json",
                R"({"userId":7,"count":7,"as":"7","note":"by aaaa.bbbb.cccc"})"),
        sending(make("POST", "/form", 200), "application/x-www-form-urlencoded",
                "user_id=7&n=7&a=1&a=2+3"),
    });
    CHECK(step(made, 0)["save"] ==
          *base::parse_json(R"({"accessToken":"$.accessToken","id":"$.user.id"})"));
    CHECK(step(made, 0)["json"] ==
          *base::parse_json(R"({"email":"a@b.co","password":"{{password}}"})"));
    CHECK(step(made, 0)["expect"]["$.accessToken"]["type"].as_string() == "string");
    CHECK(made.scenario["vars"]["password"].as_string() == "Correct-horse-9");
    CHECK(made.scenario["secrets"] == *base::parse_json(R"(["accessToken","password"])"));
    CHECK(step(made, 1)["auth"].as_string() == "Bearer {{accessToken}}");
    CHECK(step(made, 2)["GET"].as_string() == "api:/users/{{id}}/posts?userId={{id}}&page=7");
    CHECK(
        step(made, 3)["json"] ==
        *base::parse_json(R"({"userId":"{{id}}","count":7,"as":"7","note":"by {{accessToken}}"})"));
    CHECK(step(made, 4)["form"] ==
          *base::parse_json(R"({"user_id":"{{id}}","n":"7","a":["1","2 3"]})"));
    CHECK(made.to_be_given.empty());
}

TEST_CASE("what an answer repeats is still the visitor's own") {
    auto visit = [](const std::string& email) {
        return std::vector<Exchange>{
            sending(make("POST", "/register", 201, R"({"email":")" + email + R"("})"),
                    "application/json", R"({"email":")" + email + R"("})"),
            sending(make("POST", "/login", 200), "application/json",
                    R"({"email":")" + email + R"("})"),
        };
    };
    const auto once = made_of(visit("kim@example.com"));
    CHECK_FALSE(step(once, 0).find("save"));
    CHECK(step(once, 1)["json"]["email"].as_string() == "kim@example.com");
    const auto twice = made_of(visit("kim@example.com"), visit("lee@example.com"));
    CHECK_FALSE(step(twice, 0).find("save"));
    CHECK(step(twice, 0)["json"]["email"].as_string() == "{{email}}");
    CHECK(step(twice, 1)["json"]["email"].as_string() == "{{email}}");
}

TEST_CASE("the same number is the id of what its place speaks of") {
    const auto made = made_of({
        make("POST", "/users", 201, R"({"id":1})"),
        make("POST", "/companies", 201, R"({"id":1})"),
        make("GET", "/companies/1", 200),
        make("GET", "/users/1", 200),
        sending(make("POST", "/x", 200), "application/json", R"({"companyId":1,"userId":1})"),
    });
    const std::string user = step(made, 0)["save"].members().at(0).first,
                      company = step(made, 1)["save"].members().at(0).first;
    CHECK(step(made, 2)["GET"].as_string() == "api:/companies/{{" + company + "}}");
    CHECK(step(made, 3)["GET"].as_string() == "api:/users/{{" + user + "}}");
    CHECK(step(made, 4)["json"]["companyId"].as_string() == "{{" + company + "}}");
    CHECK(step(made, 4)["json"]["userId"].as_string() == "{{" + user + "}}");
}

TEST_CASE("headers, pages and redirects hold values, too") {
    auto page = make("GET", "/form", 200);
    page.answer = R"(<form><input type="hidden" name="csrf" value="0123456789ab"></form>)";
    page.answer_headers.emplace_back("content-type", "text/html; charset=utf-8");
    const auto made = made_of({
        page,
        answered(answered(sending(make("POST", "/form", 303), "application/x-www-form-urlencoded",
                                  "csrf=0123456789ab&what=x"),
                          "location", "/orders/number-17"),
                 "x-request-key", "key-0123456"),
        with(make("GET", "/orders/number-17", 200), "x-request-key", "key-0123456"),
        answered(make("GET", "/file", 200), "etag", "\"0123456789\""),
        with(make("GET", "/file", 304), "if-none-match", "\"0123456789\""),
    });
    CHECK(step(made, 0)["save"]["csrf"].as_string() ==
          R"re(regex  name="csrf"[^>]* value="([^"]+)")re");
    CHECK(step(made, 1)["form"]["csrf"].as_string() == "{{csrf}}");
    CHECK(step(made, 1)["save"]["location"].as_string() == "header.location");
    CHECK(step(made, 2)["GET"].as_string() == "api:{{location}}");
    CHECK(step(made, 2)["headers"]["x-request-key"].as_string() == "{{x_request_key}}");
    CHECK(step(made, 4)["headers"]["if-none-match"].as_string() == "{{etag}}");
}

TEST_CASE("cookies that answers set are a session's, others are told") {
    const auto made = made_of({
        make("GET", "/", 200),
        answered(make("POST", "/login", 303), "set-cookie", "sid=0123456789abcdef; Path=/; Secure"),
        with(make("GET", "/account", 200), "cookie", "sid=0123456789abcdef"),
        answered(with(make("POST", "/logout", 204), "cookie", "sid=0123456789abcdef"), "set-cookie",
                 "sid=; Max-Age=0"),
        make("GET", "/account", 401),
        with(make("GET", "/mixed", 200), "cookie", "theme=dark; old=ffffffffffffffff"),
    });
    CHECK_FALSE(step(made, 0).find("as"));
    for (size_t i : {1, 2, 3}) {
        CHECK(step(made, i)["as"].as_string() == "visitor");
        CHECK_FALSE(step(made, i).find("headers"));
    }
    CHECK_FALSE(step(made, 4).find("as"));
    CHECK(step(made, 5)["headers"]["cookie"].as_string() == "old={{old}}; theme=dark");
    CHECK(made.to_be_given == std::vector<std::string>{"old"});
    CHECK(made.scenario["vars"]["old"].is_null());
}

TEST_CASE("a credential from before is never in the file") {
    const auto made = made_of({
        with(with(make("GET", "/a", 200), "authorization", "Bearer from-long-before"), "x-api-key",
             "0123456789"),
        sending(make("POST", "/b", 200), "application/json", R"({"refreshToken":"old-token-1"})"),
    });
    const std::string text = base::to_json(made.scenario);
    for (const char* secret : {"from-long-before", "0123456789", "old-token-1"})
        CHECK(text.find(secret) == std::string::npos);
    CHECK(made.to_be_given == std::vector<std::string>{"token", "x_api_key", "refreshToken"});
}

TEST_CASE("bodies of every kind are kept") {
    auto cut = sending(make("POST", "/large", 200), "text/plain", "begins");
    cut.is_request_cut = true;
    const auto made = made_of({
        sending(make("POST", "/xml", 200), "text/xml", "<a>{{b}}</a>"),
        sending(make("POST", "/bytes", 200), "image/png", std::string("\xff\x00\x01", 3)),
        sending(make("PATCH", "/merge", 200), "application/merge-patch+json", R"({"a":null})"),
        sending(make("POST", "/broken", 200), "application/json", "{"),
        cut,
    });
    CHECK(step(made, 0)["body"].as_string() == "<a>{{brace}}{{brace}}b}}</a>");
    CHECK(step(made, 0)["headers"]["content-type"].as_string() == "text/xml");
    CHECK(step(made, 1)["file"].as_string() == "visit.body-2.bin");
    REQUIRE(made.files.size() == 1);
    CHECK(made.files[0].second == std::string("\xff\x00\x01", 3));
    CHECK(step(made, 2)["json"] == *base::parse_json(R"({"a":null})"));
    CHECK(step(made, 2)["headers"]["content-type"].as_string() == "application/merge-patch+json");
    CHECK(step(made, 3)["body"].as_string() == "{");
    CHECK_FALSE(step(made, 4).find("body"));
    REQUIRE(made.notes.size() == 1);
    CHECK_THAT(made.notes[0], Catch::Matchers::Contains("step 5"));
}

TEST_CASE("repeated requests stay a sequence, in the order in which they were made") {
    std::vector<Exchange> visit;
    for (uint64_t number : {3, 1, 2, 2}) {
        visit.push_back(make("GET", "/" + std::to_string(number), 200));
        visit.back().number = number;
    }
    const auto made = made_of(visit);
    for (size_t i = 0; i < 4; ++i)
        CHECK(step(made, i)["GET"].as_string() ==
              "api:/" + std::to_string(std::vector<int>{1, 2, 2, 3}[i]));
    std::vector<Exchange> many(traffic::kMaxSteps + 5, make("GET", "/", 200));
    const auto first = made_of(many);
    CHECK(first.steps == traffic::kMaxSteps);
    CHECK(first.left_out == 5);
}

TEST_CASE("of two recordings what differs varies, and nothing else") {
    auto visit = [](const std::string& email, const std::string& code, int id,
                    const std::string& name) {
        return std::vector<Exchange>{
            sending(
                make("POST", "/register", 201,
                     R"({"kind":"CUSTOMER-STANDARD","code":")" + code + R"(","n":)" +
                         std::to_string(id) + "}"),
                "application/json",
                R"({"email":")" + email + R"(","name":")" + name + R"(","password":"Horse-99"})"),
            sending(make("POST", "/confirm", id % 2 ? 200 : 202), "application/json",
                    R"({"email":")" + email + R"(","code":")" + code + R"(","n":)" +
                        std::to_string(id) + R"(,"kind":"CUSTOMER-STANDARD"})"),
            make("GET", "/kinds/CUSTOMER-STANDARD?n=" + std::to_string(id), 200),
        };
    };
    const auto made = made_of(visit("a@x.co", "AB12", 5, "Kim"), visit("b@x.co", "CD34", 8, "Lee"));
    // A code of four letters is no chance, a long word that never changes is no capture.
    CHECK(step(made, 0)["save"] == *base::parse_json(R"({"code":"$.code","n":"$.n"})"));
    CHECK(step(made, 1)["json"] ==
          *base::parse_json(
              R"({"email":"{{email}}","code":"{{code}}","n":"{{n}}","kind":"CUSTOMER-STANDARD"})"));
    CHECK(step(made, 2)["GET"].as_string() == "api:/kinds/CUSTOMER-STANDARD?n={{n}}");
    CHECK(made.scenario["vars"] ==
          *base::parse_json(R"({"email":"{{fake.email}}","name":"Kim","password":"Horse-99"})"));
    CHECK(step(made, 0)["expect"]["$.kind"]["eq"].as_string() == "CUSTOMER-STANDARD");
    CHECK(step(made, 0)["expect"]["$.code"]["type"].as_string() == "string");
    CHECK(step(made, 0)["expect"]["$.n"]["type"].as_string() == "number");
    CHECK(step(made, 1)["expect"]["status"] == *base::parse_json(R"({"in":[200,202]})"));

    auto shorter = visit("b@x.co", "CD34", 8, "Lee");
    shorter.erase(shorter.begin() + 1);
    CHECK(made_of(visit("a@x.co", "AB12", 5, "Kim"), shorter).notes.size() == 1);
    CHECK_FALSE(traffic::scenario_of(visit("a@x.co", "AB12", 5, "Kim"), {make("GET", "/else", 200)},
                                     {"x", "", "", kStack}));
}

TEST_CASE("a HAR file, curl lines and an access log are read") {
    auto read = [](const std::string& text) { return traffic::read_traffic("f", text, "api"); };
    const auto har = read(R"({"log":{"entries":[
        {"request":{"method":"post","url":"https://d2.cloudfront.net/a#top","headers":[
            {"name":":authority","value":"x"},{"name":"X-One","value":"1"}],
          "postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a b","value":"c&d"}]}},
         "response":{"status":201,"headers":[{"name":"Set-Cookie","value":"a=b"}],
          "content":{"mimeType":"application/json","text":"eyJhIjoxfQ==","encoding":"base64"}}},
        {"request":{"method":"POST","url":"https://d2.cloudfront.net/b",
          "postData":{"mimeType":"image/png","text":"/wAB","_encoding":"base64"}},
         "response":{"status":200,"content":{"text":"cut"}},"_cut":["response"],"_number":4}]}})");
    REQUIRE(har);
    CHECK((*har)[0].method == "POST");
    CHECK((*har)[0].url == "https://d2.cloudfront.net/a");
    CHECK((*har)[0].headers.size() == 2);
    CHECK((*har)[0].header("x-one") == "1");
    CHECK((*har)[0].body == "a%20b=c%26d");
    CHECK((*har)[0].answer == R"({"a":1})");
    CHECK((*har)[0].answer_header("set-cookie") == "a=b");
    CHECK((*har)[1].body == std::string("\xff\x00\x01", 3));
    CHECK((*har)[1].answer.empty());
    CHECK((*har)[1].number == 4);

    const auto curl = read(
        "curl 'https://d2.cloudfront.net/a b' -H 'X-One: 1' \\\n  -d a=1 -d \"b=\\\"2\\\"\" -b "
        "sid=1\n"
        "curl -X PUT --json-free https://d2.cloudfront.net/c --data-raw '{\"a\":1}'\n");
    REQUIRE(curl);
    CHECK((*curl)[0].method == "POST");
    CHECK((*curl)[0].body == "a=1&b=\"2\"");
    CHECK((*curl)[0].header("cookie") == "sid=1");
    CHECK((*curl)[0].header("content-type") == "application/x-www-form-urlencoded");
    CHECK((*curl)[1].method == "PUT");
    CHECK((*curl)[1].header("content-type") == "application/json");

    const auto log = read("1.2.3.4 - - [x] \"GET /a?b HTTP/1.1\" 200 12\nnoise\n");
    REQUIRE(log);
    CHECK((*log)[0].url == "api:/a?b");
    CHECK((*log)[0].status == 200);
    CHECK_FALSE(read("nothing of the kind"));
}
