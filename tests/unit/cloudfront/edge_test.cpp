// The edge on real sockets, with a scripted origin: cloudfront.md §10.1-§10.6.
#include "cloudfront/edge.h"

#include <catch2/catch.hpp>

#include "base/text.h"
#include "cloudfront/generated_page.h"
#include "edge_stack.h"
#include "http/content_coding.h"

using namespace cloudfront;
using base::seconds;
using test::behavior;
using test::kAllMethods;
using test::Stack;

TEST_CASE("a miss, then hits with an age, then a revalidation (#33 to #36, #47, #79)",
          "[cloudfront][edge]") {
    Stack s;
    s.origin_replies(200, "one", {{"Cache-Control", "max-age=5"}, {"ETag", "\"v1\""}});
    auto miss = s.get("/a");
    CHECK(miss.status == 200);
    CHECK(s.cache_of(miss) == "Miss");
    CHECK_FALSE(miss.has_header("Age"));
    CHECK(miss.get_header_value("X-Amz-Cf-Id").size() == 56);
    CHECK(miss.get_header_value("Via").starts_with("1.1 "));
    CHECK(miss.get_header_value("Via").size() ==
          std::string("1.1 .cloudfront.net (CloudFront)").size() + 32);
    s.clock.advance(seconds(4));
    auto hit = s.get("/a");
    CHECK(s.cache_of(hit) == "Hit");
    CHECK(hit.get_header_value("Age") == "4");
    CHECK(hit.body == "one");
    CHECK(hit.get_header_value("X-Amz-Cf-Id") != miss.get_header_value("X-Amz-Cf-Id"));
    CHECK(s.told("cache").find("hit: max-age=5: 5 s") != std::string::npos);
    CHECK(s.told("key").find("path and query = /a") != std::string::npos);
    s.clock.advance(seconds(2));
    s.origin_replies(304, "", {{"Cache-Control", "max-age=5"}, {"ETag", "\"v1\""}});
    auto refreshed = s.get("/a");
    CHECK(s.cache_of(refreshed) == "RefreshHit");
    CHECK(refreshed.status == 200);
    CHECK(refreshed.body == "one");
    CHECK(s.origin.last().header("If-None-Match") == "\"v1\"");
    CHECK(s.cache_of(s.get("/a")) == "Hit");
    s.clock.advance(seconds(6));
    s.origin_replies(200, "two", {{"Cache-Control", "max-age=5"}});
    auto replaced = s.get("/a");
    CHECK(s.cache_of(replaced) == "Miss");
    CHECK(replaced.body == "two");
    CHECK(s.origin.count() == 3);
}

TEST_CASE("MinTTL outranks no-store; without it every request is a miss (#38, #42)",
          "[cloudfront][edge]") {
    Stack s;
    s.origin_replies(200, "x", {{"Cache-Control", "no-store"}});
    s.get("/a");
    CHECK(s.cache_of(s.get("/a", {{"Cache-Control", "no-cache"}, {"Pragma", "no-cache"}})) ==
          "Hit");  // CachingOptimized: MinTTL 1
    s.clock.advance(seconds(2));
    CHECK(s.cache_of(s.get("/a")) == "Miss");
    Stack zero(behavior(R"("CachePolicyId": "p")"),
               test::cache_policy(R"({"Name": "p", "MinTTL": 0})"));
    zero.origin_replies(200, "x", {{"Cache-Control", "private"}});
    zero.get("/a");
    CHECK(zero.cache_of(zero.get("/a")) == "Miss");
    CHECK(zero.told("stored").find("the origin says private") != std::string::npos);
}

TEST_CASE("redirects, https-only and methods are answered at the edge (#6 to #12)",
          "[cloudfront][edge]") {
    Stack s(
        behavior(R"("ViewerProtocolPolicy": "redirect-to-https", )" + std::string(kAllMethods)));
    auto redirect = s.get("/a?b=1", {{"Host", "D111111ABCDEF8.cloudfront.net"}});
    CHECK(redirect.status == 301);
    CHECK(redirect.get_header_value("Location") == "https://D111111ABCDEF8.cloudfront.net/a?b=1");
    CHECK(redirect.get_header_value("Server") == "CloudFront");
    CHECK(s.cache_of(redirect) == "Redirect");
    CHECK(redirect.body.size() == 167);
    CHECK(s.send("POST", "/a?b=1", {}, "x").status == 307);
    CHECK(s.origin.count() == 0);

    s.configure(behavior(R"("ViewerProtocolPolicy": "https-only")"));
    auto only = s.get("/a");
    CHECK(only.status == 403);
    CHECK(s.cache_of(only) == "Error");
    s.configure("{}");
    auto method = s.send("POST", "/a", {}, "x");
    CHECK(method.status == 403);
    CHECK(method.body.find("not configured to allow the HTTP request method") != std::string::npos);
    CHECK(s.send("OPTIONS", "/a").status == 403);
    CHECK(s.send("GET", "/a", {{"Content-Length", "1"}}, "x").status == 403);
    auto unknown = s.get("/", {{"Host", "nobody.example.com"}});
    CHECK(unknown.status == 403);
    CHECK(unknown.body == error_page(403, "Bad request.", unknown.get_header_value("X-Amz-Cf-Id")));
    CHECK(s.origin.count() == 0);
}

TEST_CASE("the default root object is for / alone (#14, #112)", "[cloudfront][edge]") {
    Stack s(R"({"DefaultRootObject": "index.html"})");
    s.get("/");
    CHECK(s.origin.last().target == "/index.html");
    s.get("/d/");
    CHECK(s.origin.last().target == "/d/");
    s.cache.invalidate("EDIST", {"/"});
    CHECK(s.cache_of(s.get("/")) == "Hit");
    s.cache.invalidate("EDIST", {"/index.html"});
    CHECK(s.cache_of(s.get("/")) == "Miss");
}

TEST_CASE("HEAD is answered from GET's object, without a body (#27)", "[cloudfront][edge]") {
    Stack s;
    s.get("/a");
    auto head = s.send("HEAD", "/a");
    CHECK(s.cache_of(head) == "Hit");
    CHECK(head.get_header_value("Content-Length") == "4");
    CHECK(head.body.empty());
    CHECK(s.send("HEAD", "/b").status == 200);
    auto get = s.get("/b");
    CHECK(get.body == "body");
    CHECK(s.cache_of(get) == "Miss");
}

TEST_CASE("the viewer's conditions are answered from what is held (#44)", "[cloudfront][edge]") {
    Stack s;
    s.origin_replies(200, "one", {{"ETag", "\"v1\""}});
    s.get("/a");
    auto same = s.get("/a", {{"If-None-Match", "\"v1\""},
                             {"Connection", "close"}});  // httplib waits for a 304's body
    CHECK(same.status == 304);
    CHECK(s.cache_of(same) == "Hit");
    CHECK(same.body.empty());
    CHECK(s.get("/a", {{"If-None-Match", "\"v2\""}}).status == 200);
    CHECK(s.origin.count() == 1);
    // On a miss the whole object is fetched, kept, and compared.
    CHECK(s.get("/b", {{"If-None-Match", "\"v1\""}, {"Connection", "close"}}).status == 304);
    CHECK(s.origin.last().header("If-None-Match").empty());
    CHECK(s.cache_of(s.get("/b")) == "Hit");
}

TEST_CASE("ranges: from the object, from a part, beyond its end (#81)", "[cloudfront][edge]") {
    Stack s;
    s.origin_replies(200, "0123456789");
    s.get("/a");
    auto part = s.get("/a", {{"Range", "bytes=2-4"}});
    CHECK(part.status == 206);
    CHECK(part.body == "234");
    CHECK(part.get_header_value("Content-Range") == "bytes 2-4/10");
    CHECK(s.cache_of(part) == "Hit");
    auto several = s.get("/a", {{"Range", "bytes=0-1,8-9"}});
    CHECK(several.status == 206);
    CHECK(several.get_header_value("Content-Type").starts_with("multipart/byteranges"));
    CHECK(several.body.find("Content-Range: bytes 8-9/10\r\n\r\n89\r\n--") != std::string::npos);
    auto beyond = s.get("/a", {{"Range", "bytes=10-"}});
    CHECK(beyond.status == 416);
    CHECK(beyond.get_header_value("Content-Range") == "bytes */10");
    CHECK(s.get("/a", {{"Range", "bytes=5-2"}}).status == 200);
    CHECK(s.origin.count() == 1);
    // On a miss the origin sees the range; its 206 is kept as a part.
    {
        std::lock_guard lock(s.origin.mutex);
        s.origin.reply = [](const httplib::Request&, httplib::Response& response) {
            response.status = 206;
            response.set_header("Content-Range", "bytes 0-4/10");
            response.set_chunked_content_provider("text/plain",
                                                  [](size_t, httplib::DataSink& sink) {
                                                      sink.write("01234", 5);
                                                      sink.done();
                                                      return true;
                                                  });
        };
    }
    auto miss = s.get("/c", {{"Range", "bytes=0-4"}});
    CHECK(miss.status == 206);
    CHECK(s.origin.last().header("Range") == "bytes=0-4");
    CHECK(s.cache_of(miss) == "Miss");
    auto inside = s.get("/c", {{"Range", "bytes=1-2"}});
    CHECK(inside.status == 206);
    CHECK(inside.body == "12");
    CHECK(s.cache_of(inside) == "Hit");
    CHECK(inside.get_header_value("Content-Range") == "bytes 1-2/10");
}

TEST_CASE("errors are remembered, and a stale copy stands in for 5xx (#53, #57, #66)",
          "[cloudfront][edge]") {
    Stack s;
    s.origin_replies(404, "gone");
    auto error = s.get("/x");
    CHECK(error.status == 404);
    CHECK(s.cache_of(error) == "Error");
    CHECK(error.body == "gone");
    s.clock.advance(seconds(9));
    s.get("/x");
    CHECK(s.origin.count() == 1);
    s.clock.advance(seconds(2));
    s.get("/x");
    CHECK(s.origin.count() == 2);

    s.origin_replies(200, "good", {{"Cache-Control", "max-age=5"}});
    s.get("/y");
    s.clock.advance(seconds(6));
    s.origin_replies(500, "bad");
    size_t before = s.origin.count();
    auto stale = s.get("/y");
    CHECK(stale.status == 200);
    CHECK(stale.body == "good");
    s.clock.advance(seconds(9));
    s.get("/y");
    CHECK(s.origin.count() == before + 1);
    s.clock.advance(seconds(2));
    s.get("/y");
    CHECK(s.origin.count() == before + 2);
    s.clock.advance(seconds(11));
    s.origin_replies(404, "gone");
    CHECK(s.get("/y").status == 404);
}

TEST_CASE("custom error responses: page, status, and its own behaviour (#58 to #60)",
          "[cloudfront][edge]") {
    Stack s(
        R"({"CustomErrorResponses": {"Quantity": 1, "Items": [{"ErrorCode": 404, "ResponsePagePath": "/index.html", "ResponseCode": "200", "ErrorCachingMinTTL": 0}]}})");
    {
        std::lock_guard lock(s.origin.mutex);
        s.origin.reply = [](const httplib::Request& request, httplib::Response& response) {
            if (request.path == "/index.html")
                response.set_content("<html>app</html>", "text/html");
            else
                response.status = 404;
        };
    }
    auto deep = s.get("/companies/7");
    CHECK(deep.status == 200);
    CHECK(deep.body == "<html>app</html>");
    CHECK(deep.get_header_value("Content-Type") == "text/html");
    CHECK(s.cache_of(deep) == "Error");
    CHECK(s.told("error page").find("404 becomes 200 with /index.html") != std::string::npos);
    auto again = s.get("/companies/8");
    CHECK(again.status == 200);
    CHECK(s.origin.count() == 3);  // the page is held
    auto head = s.send("HEAD", "/companies/9");
    CHECK(head.status == 200);
    CHECK(head.body.empty());
    {
        std::lock_guard lock(s.origin.mutex);
        s.origin.reply = [](const httplib::Request&, httplib::Response& response) {
            response.status = 404;
        };
    }
    s.cache.invalidate("EDIST", {"/*"});
    CHECK(s.get("/companies/7").status == 404);
}

TEST_CASE("origin failures have CloudFront's pages, HEAD without a body (#61, #62, #67)",
          "[cloudfront][edge]") {
    auto with_origin = [](std::string_view name) {
        return R"({"Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": ")" +
               std::string(name) +
               R"(", "CustomOriginConfig": {"OriginProtocolPolicy": "http-only"}}]}})";
    };
    Stack s(with_origin("closed.example.com"));
    auto refused = s.get("/a");
    CHECK(refused.status == 502);
    CHECK(s.cache_of(refused) == "Error");
    CHECK(refused.body == error_page(502, "CloudFront wasn't able to connect to the origin.",
                                     refused.get_header_value("X-Amz-Cf-Id")));
    auto remembered = s.get("/a");
    CHECK(remembered.body == error_page(502, "CloudFront wasn't able to connect to the origin.",
                                        remembered.get_header_value("X-Amz-Cf-Id")));
    s.configure(with_origin("unknown.example.com"));
    auto unknown = s.get("/b");
    CHECK(unknown.status == 502);
    CHECK(unknown.body.find("wasn't able to resolve the origin domain name.") != std::string::npos);
    auto head = s.send("HEAD", "/b");
    CHECK(head.status == 502);
    CHECK(head.body.empty());
}

TEST_CASE("an origin group turns to its second member (#65)", "[cloudfront][edge]") {
    Stack s(R"({"Origins": {"Quantity": 2, "Items": [
        {"Id": "one", "DomainName": "origin.example.com", "CustomOriginConfig": {"OriginProtocolPolicy": "http-only"}},
        {"Id": "two", "DomainName": "second.example.com", "CustomOriginConfig": {"OriginProtocolPolicy": "http-only"}}]},
        "OriginGroups": {"Quantity": 1, "Items": [{"Id": "g", "FailoverCriteria": {"StatusCodes": {"Quantity": 2, "Items": ["500", "404"]}},
            "Members": {"Quantity": 2, "Items": [{"OriginId": "one"}, {"OriginId": "two"}]}}]},
        "DefaultCacheBehavior": {"TargetOriginId": "g", "AllowedMethods": {"Quantity": 7, "Items": ["GET","HEAD","OPTIONS","PUT","POST","PATCH","DELETE"]}}})");
    s.origin_replies(404, "first");
    auto over = s.get("/a");
    CHECK(over.status == 200);
    CHECK(over.body == "body");
    CHECK(s.send("POST", "/a", {}, "x").status == 404);
    s.origin_replies(403, "no");
    CHECK(s.get("/b").status == 403);
}

TEST_CASE("concurrent requests for one cold object reach the origin once (#49)",
          "[cloudfront][edge]") {
    Stack s;
    {
        std::lock_guard lock(s.origin.mutex);
        s.origin.hold = true;
    }
    std::vector<std::thread> viewers;
    std::atomic<int> good{0}, hits{0};
    for (int i = 0; i < 8; ++i)
        viewers.emplace_back([&] {
            httplib::Client client("127.0.0.1", s.server->address().port());
            auto result = client.Get("/slow", Stack::with_host({}));
            if (result && result->body == "body") ++good;
            if (result && Stack::cache_of(*result) == "Hit") ++hits;
        });
    s.origin.wait_for(1);
    s.origin.release();
    for (auto& viewer : viewers)
        viewer.join();
    CHECK(good == 8);
    CHECK(hits == 7);
    CHECK(s.origin.count() == 1);
}

TEST_CASE("an invalidation reaches an answer that is still being fetched", "[cloudfront][edge]") {
    Stack s;
    {
        std::lock_guard lock(s.origin.mutex);
        s.origin.hold = true;
    }
    std::thread viewer([&] { s.get("/a"); });
    s.origin.wait_for(1);
    s.cache.invalidate("EDIST", {"/a"});
    s.origin.release();
    viewer.join();
    CHECK(s.cache_of(s.get("/a")) == "Miss");
}

TEST_CASE("stale-while-revalidate answers at once and refreshes behind (#50)",
          "[cloudfront][edge]") {
    Stack s;
    s.origin_replies(200, "old", {{"Cache-Control", "max-age=5, stale-while-revalidate=30"}});
    s.get("/a");
    s.clock.advance(seconds(6));
    s.origin_replies(200, "new", {{"Cache-Control", "max-age=5"}});
    auto stale = s.get("/a");
    CHECK(stale.body == "old");
    CHECK(s.cache_of(stale) == "Hit");
    s.origin.wait_for(2);
    for (int tries = 0; tries < 2000 && s.get("/a").body != "new"; ++tries)
        std::this_thread::yield();
    CHECK(s.get("/a").body == "new");
    CHECK(s.origin.count() == 2);
}

TEST_CASE("stale-if-error: served within its window, not beyond (#51)", "[cloudfront][edge]") {
    Stack s;
    s.origin_replies(200, "good", {{"Cache-Control", "max-age=1, stale-if-error=60"}});
    s.get("/a");
    s.origin_replies(200, "good", {{"Cache-Control", "max-age=1, stale-if-error=0"}});
    s.get("/b");
    s.origin_replies(503, "down");
    s.clock.advance(seconds(5));
    CHECK(s.get("/a").body == "good");
    CHECK(s.get("/b").status == 503);
    s.clock.advance(seconds(100));
    CHECK(s.get("/a").status == 503);
}

TEST_CASE("compression: br before gzip, weak tags, Vary (#83, #84)", "[cloudfront][edge]") {
    Stack s(behavior(R"("Compress": true)"));
    s.origin_replies(200, std::string(5000, 'a'), {{"ETag", "\"v1\""}},
                     "application/rss+xml");  // httplib compresses others itself
    s.client->set_decompress(false);
    auto br = s.get("/a.js", {{"Accept-Encoding", "gzip, br"}});
    CHECK(br.get_header_value("Content-Encoding") == "br");
    CHECK(br.get_header_value("ETag") == "W/\"v1\"");
    CHECK(br.get_header_value("Vary") == "Accept-Encoding");
    CHECK(br.body.size() < 200);
    CHECK(s.origin.last().header("Accept-Encoding") == "br,gzip");
    CHECK(s.cache_of(s.get("/a.js", {{"Accept-Encoding", "br, gzip"}})) == "Hit");
    CHECK(s.get("/a.js", {{"Accept-Encoding", "gzip"}}).get_header_value("Content-Encoding") ==
          "gzip");
    CHECK(s.get("/a.js", {{"Accept-Encoding", ""}}).body.size() == 5000);
    CHECK(s.origin.count() == 3);
    // Its revalidation asks with the origin's own tag.
    s.clock.advance(seconds(90000));
    s.origin_replies(304, "");
    auto refreshed = s.get("/a.js", {{"Accept-Encoding", "gzip, br"}});
    CHECK(s.origin.last().header("If-None-Match") == "\"v1\"");
    CHECK(s.cache_of(refreshed) == "RefreshHit");
    CHECK(refreshed.get_header_value("Content-Encoding") == "br");
}

TEST_CASE("large objects stream through and are kept", "[cloudfront][edge]") {
    Stack s;
    std::string big(3'000'000, 'b');
    s.origin_replies(200, big);
    CHECK(s.get("/big").body == big);
    auto hit = s.get("/big");
    CHECK(s.cache_of(hit) == "Hit");
    CHECK(hit.body == big);
    CHECK(s.cache.disk_bytes() == big.size());
    auto part = s.get("/big", {{"Range", "bytes=2999990-"}});
    CHECK(part.body == "bbbbbbbbbb");
    // Chunked: no length until it is whole.
    {
        std::lock_guard lock(s.origin.mutex);
        s.origin.reply = [](const httplib::Request&, httplib::Response& response) {
            response.set_chunked_content_provider(
                "text/plain", [](size_t offset, httplib::DataSink& sink) {
                    if (offset < 100'000)
                        sink.write(std::string(10'000, 'c').data(), 10'000);
                    else
                        sink.done();
                    return true;
                });
        };
    }
    CHECK(s.get("/chunked").body.size() == 100'000);
    auto again = s.get("/chunked");
    CHECK(s.cache_of(again) == "Hit");
    CHECK(again.body.size() == 100'000);
    CHECK(again.get_header_value("Content-Length") == "100000");
}

TEST_CASE("POST passes through with its body and is never stored (#46, #72)",
          "[cloudfront][edge]") {
    Stack s(behavior(kAllMethods));
    {
        std::lock_guard lock(s.origin.mutex);
        s.origin.reply = [](const httplib::Request& request, httplib::Response& response) {
            response.set_header("Cache-Control", "max-age=60");
            response.set_content(request.method + " " + request.body, "text/plain");
        };
    }
    auto post =
        s.send("POST", "/a", {{"Authorization", "Bearer x"}, {"Content-Type", "application/json"}},
               "{\"a\":1}");
    CHECK(post.body == "POST {\"a\":1}");
    CHECK(s.origin.last().header("Authorization") == "Bearer x");
    CHECK(s.origin.last().header("Content-Type") == "application/json");
    CHECK(s.cache_of(post) == "Miss");
    CHECK(s.cache_of(s.get("/a")) == "Miss");
}

TEST_CASE(
    "cookies forwarded: Set-Cookie is stored and replayed, requests are not collapsed (#48, #49)",
    "[cloudfront][edge]") {
    Stack s(behavior(R"("OriginRequestPolicyId": "216adef6-5c7f-47e4-b989-5492eafa07d3")"));
    s.origin_replies(200, "x", {{"Set-Cookie", "session=1"}});
    s.get("/a");
    CHECK(s.get("/a").get_header_value("Set-Cookie") == "session=1");
    Stack none;
    none.origin_replies(200, "x", {{"Set-Cookie", "session=1"}});
    CHECK_FALSE(none.get("/a").has_header("Set-Cookie"));
    CHECK(none.told("removed").find("Set-Cookie") != std::string::npos);
}

TEST_CASE("a blocked country gets the page that says so (#68)", "[cloudfront][edge]") {
    Stack s(
        R"({"Restrictions": {"GeoRestriction": {"RestrictionType": "blacklist", "Quantity": 1, "Items": ["DE"]}}})");
    s.country = "DE";
    auto blocked = s.get("/a");
    CHECK(blocked.status == 403);
    CHECK(blocked.body.find("configured to block access from your country.") != std::string::npos);
    s.country = "FR";
    CHECK(s.get("/a").status == 200);
    s.country = "";
    CHECK(s.get("/a").status == 200);
}

TEST_CASE("response headers policies reach hits, misses and generated pages (#86, #87)",
          "[cloudfront][edge]") {
    Stack s(behavior(R"("ResponseHeadersPolicyId": "e61eb60c-9c35-4d20-a928-2b84e02af89c")"));
    for (int i = 0; i < 2; ++i) {
        auto with = s.get("/a", {{"Origin", "https://x.example"}});
        CHECK(with.get_header_value("Access-Control-Allow-Origin") == "*");
        CHECK(with.get_header_value("X-Frame-Options") == "SAMEORIGIN");
        CHECK_FALSE(s.get("/a").has_header("Access-Control-Allow-Origin"));
    }
    CHECK(s.send("POST", "/a", {}, "x").get_header_value("X-Content-Type-Options") == "nosniff");
}

TEST_CASE("x-dodam-explain tells, and never reaches key or origin", "[cloudfront][edge]") {
    Stack s;
    s.get("/a");
    auto explained = s.get("/a?t=1", {{"x-dodam-explain", "1"}});
    std::string text = explained.get_header_value("x-dodam-explain");
    CHECK(s.cache_of(explained) == "Hit");
    CHECK(text.find("behavior: default behavior") != std::string::npos);
    CHECK(text.find("cache policy Managed-CachingOptimized leaves all of it out") !=
          std::string::npos);
    CHECK(text.find("cache: hit") != std::string::npos);
    CHECK(s.origin.last().header("x-dodam-explain").empty());
    auto why = s.edge->explain_url("http://d111111abcdef8.cloudfront.net/b", {});
    CHECK(why["cache"].as_string() == "miss: nothing of this path is held");
    CHECK(s.edge->list_cache("EDIST", 10).size() == 1);
}

TEST_CASE("oversized requests are refused (#80)", "[cloudfront][edge]") {
    Stack s;
    CHECK(s.get("/" + std::string(8200, 'a')).status == 413);
    s.client->stop();
    CHECK(s.get("/a", {{"X-Long", std::string(21000, 'a')}}).status == 413);
}

TEST_CASE("the access log has a line per request, delivered as gzip (§6.12)",
          "[cloudfront][edge]") {
    Stack s(
        R"({"Logging": {"Enabled": true, "IncludeCookies": false, "Bucket": "logs.s3.amazonaws.com", "Prefix": "p/"}})");
    s.get("/a?x=1", {{"User-Agent", "curl 1"}});
    for (int tries = 0; tries < 100 && s.traces.last_sequence() < 1; ++tries)
        std::this_thread::yield();
    s.clock.advance(seconds(3700));
    s.edge->step(s.clock.now());
    REQUIRE(s.logs.size() == 1);
    CHECK(s.logs[0].first.starts_with("p/EDIST."));
    CHECK(s.logs[0].first.ends_with(".gz"));
    CHECK(s.logs[0].second.starts_with("\x1f\x8b"));
}

TEST_CASE("ResponseCompletionTimeout ends an answer that is only relayed, too (§5.2)",
          "[cloudfront][edge][slow]") {
    Stack s(
        R"({"Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "origin.example.com", "ResponseCompletionTimeout": 1, "CustomOriginConfig": {"OriginProtocolPolicy": "http-only", "OriginReadTimeout": 1}}]},
            "DefaultCacheBehavior": {"CachePolicyId": ")" +
        std::string(test::kDisabled) + "\"}}");
    // A byte every fifth of a second: never silent for long, and not through in one.
    constexpr size_t kBytes = 15;
    s.origin.reply = [&](const httplib::Request&, httplib::Response& response) {
        response.set_content_provider(
            kBytes, "text/plain", [&](size_t, size_t, httplib::DataSink& sink) {
                std::unique_lock lock(s.origin.mutex);
                s.origin.released.wait_for(lock, std::chrono::milliseconds(200),
                                           [] { return false; });
                return sink.write("x", 1);
            });
    };
    CHECK(s.get("/a").status == -1);  // cut short
    CHECK(s.told("relay").find("ended early") != std::string::npos);
}

TEST_CASE("cs-bytes counts the viewer's body (§6.12)", "[cloudfront][edge]") {
    Stack s(
        R"({"DefaultCacheBehavior": {)" + std::string(kAllMethods) +
        R"(}, "Logging": {"Enabled": true, "IncludeCookies": false, "Bucket": "logs.s3.amazonaws.com", "Prefix": ""}})");
    s.send("POST", "/a", {}, std::string(1000, 'x'));
    s.send("POST", "/a", {}, std::string(3000, 'x'));
    while (s.traces.last_sequence() < s.requests)
        std::this_thread::yield();
    s.clock.advance(seconds(3700));
    s.edge->step(s.clock.now());
    REQUIRE(s.logs.size() == 1);
    const std::string text = http::decode_all("gzip", s.logs[0].second, 1 << 20).value_or("");
    std::vector<uint64_t> counted;
    for (std::string_view line : base::split(text, '\n'))
        if (auto fields = base::split(line, '\t'); fields.size() > 17)
            counted.push_back(base::parse_unsigned(fields[17]).value_or(0));
    REQUIRE(counted.size() == 2);
    CHECK(counted[0] > 1000);
    CHECK(counted[1] == counted[0] + 2000);
}

TEST_CASE("a policy that changes shows on what is already held", "[cloudfront][edge]") {
    Stack s;
    s.get("/a");
    s.configure(behavior(R"("ResponseHeadersPolicyId": "67f7725c-6f97-4210-82d7-5512b31e9d03")"));
    for (int i = 0; i < 3; ++i) {
        auto hit = s.get("/a");
        CHECK(s.cache_of(hit) == "Hit");
        CHECK(hit.get_header_value("X-Frame-Options") == "SAMEORIGIN");
    }
    CHECK(s.origin.count() == 1);
}
