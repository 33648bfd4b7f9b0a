// The runner's pure parts: JSONPath (RFC 9535), XPath over HTML, references, masks, tags, the
// signer, placeholders.
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "base/date.h"
#include "base/pattern.h"
#include "scenarios/runner/clients.h"
#include "scenarios/runner/format.h"
#include "scenarios/runner/json_path.h"
#include "scenarios/runner/markup.h"
#include "scenarios/runner/mask.h"
#include "scenarios/runner/names.h"
#include "scenarios/runner/runner.h"
#include "scenarios/runner/sigv4.h"
#include "scenarios/runner/world.h"

using namespace scenarios;
using base::Node;

TEST_CASE("JSONPath finds what RFC 9535 says") {
    const Node root = *base::parse_json(R"({"store": {"book": [
        {"title": "a", "price": 8, "isbn": "1"}, {"title": "b", "price": 12}, {"title": "c", "price": 9, "isbn": "2"}],
        "bicycle": {"price": 400}}, "a-b": 1, "empty": []})");
    struct Case {
        const char* path;
        const char* value;  // "" = nothing there
    };
    const Case cases[] = {
        {"$.store.book[0].title", "\"a\""},
        {"$['store']['book'][-1].title", "\"c\""},
        {"$.store.book[9]", ""},
        {"$.nope.deeper", ""},
        {"$.a-b", "1"},
        {"$.store.book[*].title", R"(["a","b","c"])"},
        {"$.store.book[0,2].title", R"(["a","c"])"},
        {"$.store.book[1:].title", R"(["b","c"])"},
        {"$.store.book[:-1].title", R"(["a","b"])"},
        {"$.store.book[::-1].title", R"(["c","b","a"])"},
        {"$..price", "[400,8,12,9]"},
        {"$.store.book[?@.isbn].title", R"(["a","c"])"},
        {"$.store.book[?@.price < 10].title", R"(["a","c"])"},
        {"$.store.book[?(@.price < 10 && @.title != 'a')].title", R"(["c"])"},
        {"$.store.book[?!@.isbn || @.price == $.store.book[0].price].title", R"(["a","b"])"},
        {"$.empty[*]", "[]"},
        // A list of one stays a list.
        {"$.store.book[0:1].title", R"(["a"])"},
    };
    for (const Case& c : cases) {
        INFO(c.path);
        auto path = JsonPath::parse(c.path);
        REQUIRE(path);
        auto value = path->value(root);
        // Members are walked in their order, so descendants are compared as a set of the same size.
        if (std::string(c.path) == "$..price")
            CHECK(value->items().size() == 4);
        else
            CHECK((value ? base::to_json(*value) : "") == c.value);
    }
    for (const char* wrong :
         {"", "store", "$.", "$.a[", "$.a[1", "$[x]", "$.a b", "$[?@.a ==]", "$[?'a']", "$['a"}) {
        INFO(wrong);
        CHECK_FALSE(JsonPath::parse(wrong));
    }
}

TEST_CASE("XPath reads pages as they are written, and S3's XML") {
    const Markup page = Markup::parse(
        R"(<!doctype html><html lang="ko"><head><meta charset="utf-8"><title>도담 &amp; Co</title>
        <script type="module" crossorigin src="/assets/a.js">if (a < b) "</div>";</script><link rel=stylesheet href=/x.css>
        </head><body><div id="root"><p>one<p>two<br></div></body></html>)");
    CHECK(*page.xpath("string(//div/@id)") == Node("root"));
    CHECK(*page.xpath("string(//script[@type='module']/@src)") == Node("/assets/a.js"));
    CHECK(*page.xpath("string(//title)") == Node("도담 & Co"));
    CHECK(*page.xpath("string(//link/@href)") == Node("/x.css"));
    CHECK(*page.xpath("count(//p)") == Node(2));
    CHECK(*page.xpath("boolean(//form)") == Node(false));
    CHECK(base::to_json(*page.xpath("//p/text()")) == R"(["one","two"])");

    const Markup xml = Markup::parse(
        R"(<?xml version="1.0"?><Error xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Code>AccessDenied</Code><E/></Error>)");
    CHECK(*xml.xpath("string(/Error/Code)") == Node("AccessDenied"));
    CHECK_FALSE(xpath_problem("//[").empty());
    for (const char* broken : {"", "<", "<a", "<a b", "<a b=\"", "</", "<!--", "<![CDATA[",
                               "<script>", "&#;", "<a/ /=>"})
        CHECK_NOTHROW(Markup::parse(broken));
}

TEST_CASE("a pattern that would never end is given up") {
    auto pattern = base::Pattern::compile("(a+)+$");
    REQUIRE(pattern);
    CHECK_FALSE(pattern->find(std::string(64, 'a') + "b"));
    CHECK(**base::Pattern::compile("v(\\d+)")->find("rev12 v34") == "12");
    CHECK_FALSE(base::Pattern::compile("("));
}

TEST_CASE("references keep types, and filters change them") {
    Values values;
    values.seed("1");
    values.set("id", 7);
    values.set("user", *base::parse_json(R"({"name": "kim", "roles": ["a", "b"]})"));
    auto expand = [&](const char* text) {
        auto node = values.expand(*base::parse_json(text));
        return node ? base::to_json(*node) : "error: " + node.error();
    };
    CHECK(expand(R"("{{id}}")") == "7");
    CHECK(expand(R"("n{{id}}")") == R"("n7")");
    CHECK(expand(R"("{{id | string}}")") == R"("7")");
    CHECK(expand(R"("{{user.roles[1]}}")") == R"("b")");
    CHECK(expand(R"(["{{user}}", {"{{id}}": "{{user.name | upper}}"}])") ==
          R"([{"name":"kim","roles":["a","b"]},{"7":"KIM"}])");
    CHECK(expand(R"("{{nope}}")") == "error: \"nope\" has no value here");

    Fake one("seed"), same("seed"), other("other");
    for (const std::string& kind : fake_names()) {
        auto value = one.make(kind);
        REQUIRE(value);
        CHECK(*value == *same.make(kind));
    }
    CHECK_FALSE(*one.make("sha") == *other.make("sha"));
}

TEST_CASE("secrets are masked by value, in every form") {
    Mask mask;
    mask.hide("pass", "Correct-horse-9!");
    mask.hide("short", "abc");
    CHECK(mask("p=Correct-horse-9! q=Q29ycmVjdC1ob3JzZS05IQ== r=Correct-horse-9%21 abc") ==
          "p=***pass*** q=***pass***== r=***pass*** abc");
}

TEST_CASE("tags select") {
    const std::vector<std::string> tags{"smoke", "slow"};
    auto value = [&](const char* text) {
        auto result = matches_tags(text, tags);
        return result ? (*result ? "yes" : "no") : "wrong";
    };
    CHECK(value("") == std::string("yes"));
    CHECK(value("smoke and not slow") == std::string("no"));
    CHECK(value("faults or (smoke and slow)") == std::string("yes"));
    CHECK(value("smoke and") == std::string("wrong"));
    CHECK(value("(smoke") == std::string("wrong"));
    CHECK(value("smoke slow") == std::string("wrong"));
}

// "Examples of how to derive a signing key" and the get-vanilla case of AWS's signature test suite,
// with a hash header.
TEST_CASE("requests are signed as AWS signs them") {
    const auto now = *base::parse_sigv4_date("20150830T123600Z");
    const auto added =
        sign({"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service"},
             "GET", "/", "", {{"Host", "example.amazonaws.com"}}, "", now);
    REQUIRE(added.size() == 3);
    CHECK(added[0].second == "20150830T123600Z");
    CHECK(added[1].second == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(added[2].second.starts_with(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature="));
}

TEST_CASE("parameters are found outside quotes and comments") {
    CHECK(placeholders("SELECT '?', \"?\", `?`, ? -- ?\n , ? /* ? */ # ?\n, ?").size() == 3);
    CHECK(placeholders("SELECT 'it\\'s ?', ?").size() == 1);
}

TEST_CASE("targets lead to the instance's own ports") {
    World world;
    world.aws_endpoint = "http://127.0.0.1:4566";
    world.viewer_endpoint = "http://127.0.0.1:8080";
    world.viewer_tls_endpoint = "https://127.0.0.1:8443";
    world.stack = *base::parse_json(
        R"({"distributions": {"front": {"domain": "d1.cloudfront.net"}}, "loadBalancers": {"alb": {"dnsName": "alb-1.us-east-1.elb.amazonaws.com"}},
        "buckets": {"site": {"name": "site", "domain": "site.s3.us-east-1.amazonaws.com"}}})");
    auto shown = [&](const char* text) {
        auto target = resolve(world, text);
        return target ? target->address + ":" + std::to_string(target->port) + " " + target->url()
                      : "error: " + target.error();
    };
    CHECK(shown("front:/a?b=c") == "127.0.0.1:8443 https://d1.cloudfront.net/a?b=c");
    CHECK(shown("http://d1.cloudfront.net/") == "127.0.0.1:8080 http://d1.cloudfront.net/");
    CHECK(shown("alb:/health") == "127.0.0.1:8080 http://alb-1.us-east-1.elb.amazonaws.com/health");
    CHECK(shown("site:/key") == "127.0.0.1:4566 http://site.s3.us-east-1.amazonaws.com/key");
    CHECK(shown("http://127.0.0.1:3000/x") == "127.0.0.1:3000 http://127.0.0.1:3000/x");
    CHECK(shown("nope:/") == "error: the stack has no \"nope\" that answers requests");
    CHECK(shown("http:///x") == "error: \"http:///x\" names no host");
}

// Editors complete by the committed file: it must be what the tables say.
TEST_CASE("scenarios/schema.json is the schema of the tables") {
    const std::string file = SOURCE_DIR "/scenarios/schema.json";
    if (std::getenv("UPDATE_GOLDEN") != nullptr)
        std::ofstream(file) << base::to_json(scenario_schema(), 2) << "\n";
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    CHECK(text.str() == base::to_json(scenario_schema(), 2) + "\n");
}
