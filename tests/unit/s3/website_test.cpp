// The website endpoint. Numbers are those of s3.md §9.
#include <catch2/catch.hpp>

#include "stack.h"

using namespace s3_test;

namespace {

struct Site : Stack {
    explicit Site(bool open = true) {
        put("/site");
        if (open) open_to_the_public("site");
        configure("<IndexDocument><Suffix>index.html</Suffix></IndexDocument>");
        put("/site/index.html", "home",
            {{"Content-Type", "text/html"}, {"Cache-Control", "max-age=5"}});
        put("/site/dir/index.html", "dir");
    }
    void configure(const std::string& inside) {
        CHECK(put("/site?website", "<WebsiteConfiguration>" + inside + "</WebsiteConfiguration>")
                  .status == 200);
    }
    Answer visit(std::string target, std::string method = "GET", http::HeaderList headers = {},
                 std::string host = "site.s3-website-us-east-1.localhost:8080") {
        return send({.method = std::move(method),
                     .target = std::move(target),
                     .headers = std::move(headers),
                     .as = As::Anonymous,
                     .host = std::move(host)});
    }
};

const std::string kIndex = "<IndexDocument><Suffix>index.html</Suffix></IndexDocument>";
const std::string kWithError = kIndex + "<ErrorDocument><Key>error.html</Key></ErrorDocument>";

std::string page(std::string title, std::string items, const Answer& answer,
                 std::string nested = "") {
    return "<html>\n<head><title>" + title + "</title></head>\n<body>\n<h1>" + title +
           "</h1>\n<ul>\n" + items + "<li>RequestId: " + answer.header("x-amz-request-id") +
           "</li>\n<li>HostId: " + answer.header("x-amz-id-2") + "</li>\n</ul>\n" + nested +
           "<hr/>\n</body>\n</html>\n";
}

}  // namespace

TEST_CASE("index documents and folders: #4, #120, #121, #133, #134") {
    Site site;
    for (const char* host :
         {"site.s3-website.localhost", "site.s3-website-us-east-1.localhost",
          "site.s3-website.us-east-1.localhost", "site.s3-website-us-east-1.amazonaws.com"})
        CHECK(site.visit("/", "GET", {}, host).body == "home");
    Answer home = site.visit("/");
    CHECK(home.header("Content-Type") == "text/html");
    CHECK(home.header("Cache-Control") == "max-age=5");
    CHECK(site.visit("/dir/").body == "dir");
    Answer folder = site.visit("/dir?utm=1");
    CHECK(folder.status == 302);
    CHECK(folder.header("Location") == "/dir/");
    CHECK(folder.body ==
          page("302 Found", "<li>Code: Found</li>\n<li>Message: Resource Found</li>\n", folder));
    site.put("/site/dir", "an object of that name");
    CHECK(site.visit("/dir").body == "an object of that name");

    CHECK(site.visit("/", "GET", {{"If-None-Match", home.header("ETag")}}).status == 304);
    CHECK(site.visit("/", "GET", {{"Range", "bytes=1-2"}}).body == "om");
    Answer head = site.visit("/", "HEAD");
    CHECK(head.status == 200);
    CHECK(head.header("Content-Length") == "4");
    CHECK(head.body.empty());
    Answer missing = site.visit("/none", "HEAD");
    CHECK(missing.status == 404);
    CHECK(missing.header("x-amz-error-code") == "NoSuchKey");
    CHECK(missing.header("x-amz-error-detail-Key") == "none");
    for (const char* query :
         {"?versionId=x", "?acl", "?location", "?X-Amz-Signature=bad&X-Amz-Algorithm=x"})
        CHECK(site.visit("/" + std::string(query)).body == "home");
    CHECK(site.visit("/", "GET", {{"Authorization", "AWS4-HMAC-SHA256 nonsense"}}).body == "home");
}

TEST_CASE("what is missing or closed: #5, #122, #123, #126, #127") {
    Site site;
    Answer missing = site.visit("/x");
    CHECK(missing.status == 404);
    CHECK(missing.header("Content-Type") == "text/html; charset=utf-8");
    CHECK(missing.body == page("404 Not Found",
                               "<li>Code: NoSuchKey</li>\n<li>Message: The specified key does not "
                               "exist.</li>\n<li>Key: x</li>\n",
                               missing));
    CHECK(site.visit("/x/").body.find("<li>Key: x/index.html</li>") != std::string::npos);
    CHECK(site.visit("/%3Cb%3E").body.find("<li>Key: &lt;b&gt;</li>") != std::string::npos);

    Site closed(false);
    for (const char* target : {"/x", "/"}) {
        Answer denied = closed.visit(target);
        CHECK(denied.status == 403);
        CHECK(denied.body == page("403 Forbidden",
                                  "<li>Code: AccessDenied</li>\n<li>Message: Access Denied</li>\n",
                                  denied));
    }
    for (const char* method : {"POST", "PUT", "DELETE"}) {
        Answer answer = site.visit("/", method);
        CHECK(answer.status == 405);
        CHECK(answer.body.find("<li>Method: " + std::string(method) +
                               "</li>\n<li>ResourceType: OBJECT</li>") != std::string::npos);
        CHECK(answer.header("Allow") == "GET, HEAD, OPTIONS");
    }
    site.put("/plain");
    Answer plain = site.visit("/a/b", "GET", {}, "plain.s3-website.localhost");
    CHECK(plain.status == 404);
    CHECK(plain.body.find("<li>Code: NoSuchWebsiteConfiguration</li>") != std::string::npos);
    CHECK(plain.body.find("<li>BucketName: plain</li>") != std::string::npos);
    Answer nobody = site.visit("/", "GET", {}, "nobody.s3-website.localhost");
    CHECK(nobody.status == 404);
    CHECK(nobody.body.find("<li>Code: NoSuchBucket</li>") != std::string::npos);
    Answer service = site.visit("/", "GET", {}, "s3-website-us-east-1.localhost");
    CHECK(service.status == 301);
    CHECK(service.header("Location") == "https://aws.amazon.com/s3/");
}

TEST_CASE("error documents: #124, #125") {
    Site site;
    site.configure(kWithError);
    Answer without = site.visit("/x");
    CHECK(without.status == 404);
    CHECK(without.body == page("404 Not Found",
                               "<li>Code: NoSuchKey</li>\n<li>Message: The specified key does not "
                               "exist.</li>\n<li>Key: x</li>\n",
                               without,
                               "<h3>An Error Occurred While Attempting to Retrieve a Custom Error "
                               "Document</h3>\n<ul>\n<li>Code: NoSuchKey</li>\n<li>Message: The "
                               "specified key does not "
                               "exist.</li>\n<li>Key: error.html</li>\n</ul>\n"));
    site.put("/site/error.html", "sorry", {{"Content-Type", "text/x-error"}});
    Answer answer = site.visit("/x", "GET", {{"Range", "bytes=0-1"}, {"If-None-Match", "*"}});
    CHECK(answer.status == 404);
    CHECK(answer.body == "sorry");
    CHECK(answer.header("Content-Type") == "text/x-error");
    CHECK(answer.header("x-amz-error-code") == "NoSuchKey");
    CHECK(site.visit("/", "POST").body.find("<title>405 Method Not Allowed</title>") !=
          std::string::npos);
    site.put(
        "/site?policy",
        R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::site/error.html"}]})");
    Answer denied = site.visit("/index.html");
    CHECK(denied.status == 403);
    CHECK(denied.body == "sorry");
    site.put(
        "/site?policy",
        R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::site/none"}]})");
    CHECK(site.visit("/index.html")
              .body.find(
                  "<ul>\n<li>Code: AccessDenied</li>\n<li>Message: Access Denied</li>\n</ul>") !=
          std::string::npos);
}

TEST_CASE("redirects: #128 to #132") {
    Site site;
    site.put("/site/docs/a", "an object");
    site.put("/site/error.html", "sorry");
    site.configure(
        kWithError +
        "<RoutingRules><RoutingRule><Condition><KeyPrefixEquals>docs/</KeyPrefixEquals></"
        "Condition><Redirect><ReplaceKeyPrefixWith>documents/</ReplaceKeyPrefixWith></Redirect></"
        "RoutingRule>"
        "<RoutingRule><Condition><KeyPrefixEquals>index</KeyPrefixEquals></"
        "Condition><Redirect><ReplaceKeyWith>x</ReplaceKeyWith></Redirect></RoutingRule>"
        "<RoutingRule><Condition><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals></"
        "Condition><Redirect><HostName>h</HostName><HttpRedirectCode>307</HttpRedirectCode></"
        "Redirect></RoutingRule></RoutingRules>");
    Answer rule = site.visit("/docs/a?q=1");
    CHECK(rule.status == 301);
    CHECK(rule.header("Location") ==
          "http://site.s3-website-us-east-1.localhost:8080/documents/a?q=1");
    CHECK(rule.body.empty());
    CHECK(site.visit("/").body == "home");  // the rule for "index" does not see the index document
    Answer error = site.visit("/none");
    CHECK(error.status == 307);
    CHECK(error.header("Location") == "http://h/none");

    site.configure(
        "<RedirectAllRequestsTo><HostName>new.example</HostName><Protocol>https</Protocol></"
        "RedirectAllRequestsTo>");
    Answer all = site.visit("/a%20b/c?q=1");
    CHECK(all.status == 301);
    CHECK(all.header("Location") == "https://new.example/a%20b/c?q=1");

    site.configure(kWithError);
    site.put("/site/moved", "x", {{"x-amz-website-redirect-location", "/relative?kept"}});
    Answer moved = site.visit("/moved?q=1");
    CHECK(moved.status == 301);
    CHECK(moved.header("Location") == "/relative?kept");
    CHECK(moved.body.empty());
    site.put("/site/index.html", "x", {{"x-amz-website-redirect-location", "https://other/"}});
    CHECK(site.visit("/").header("Location") == "https://other/");
    site.put("/site/error.html", "x", {{"x-amz-website-redirect-location", "/err"}});
    CHECK(site.visit("/none").header("Location") == "/err");
    site.remove("/site?policy");
    CHECK(site.visit("/moved").status == 403);
}

TEST_CASE("CORS on the website: #140") {
    Site site;
    site.put("/site?cors",
             "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</"
             "AllowedMethod></CORSRule></CORSConfiguration>");
    CHECK(site.visit("/", "GET", {{"Origin", "http://a"}}).header("Access-Control-Allow-Origin") ==
          "*");
    CHECK(site.visit("/none", "GET", {{"Origin", "http://a"}})
              .header("Access-Control-Allow-Origin") == "*");
    CHECK(site.visit("/", "OPTIONS",
                     {{"Origin", "http://a"}, {"Access-Control-Request-Method", "GET"}})
              .status == 200);
}
