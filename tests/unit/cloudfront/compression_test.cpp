// Edge compression: cloudfront.md §6.3, §10 #83-#85.
#include "cloudfront/compression.h"

#include <catch2/catch.hpp>

#include "make.h"

using namespace cloudfront;
using test::Request;

TEST_CASE("every condition of compression (#83, #84, #85)", "[cloudfront]") {
    Distribution on = test::make_distribution(R"({"DefaultCacheBehavior": {"Compress": true}})");
    Distribution off = test::make_distribution();
    Distribution disabled = test::make_distribution(
        R"({"DefaultCacheBehavior": {"Compress": true, "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"}})");
    auto headers = [](std::string type, std::string length) {
        return http::HeaderList{{"Content-Type", std::move(type)},
                                {"Content-Length", std::move(length)}};
    };
    struct Row {
        const Distribution* distribution;
        std::string accepts;
        int status;
        http::HeaderList headers;
        std::optional<http::ContentCoding> coding;
    };
    http::HeaderList encoded = headers("text/css", "5000");
    encoded.add("Content-Encoding", "gzip");
    const Row rows[] = {
        {&on, "gzip", 200, headers("application/javascript", "1000"), http::ContentCoding::Gzip},
        {&on, "gzip", 200, headers("application/javascript", "999"), std::nullopt},
        {&on, "gzip", 200, headers("application/javascript", "10000000"),
         http::ContentCoding::Gzip},
        {&on, "gzip", 200, headers("application/javascript", "10000001"), std::nullopt},
        {&on, "gzip, br", 200, headers("text/html; charset=utf-8", "5000"),
         http::ContentCoding::Brotli},
        {&on, "gzip", 404, headers("text/html", "5000"), http::ContentCoding::Gzip},
        {&on, "gzip", 500, headers("text/html", "5000"), std::nullopt},
        {&on, "gzip", 200, headers("image/png", "5000"), std::nullopt},
        {&on, "gzip", 200, {{"Content-Type", "text/html"}}, std::nullopt},
        {&on, "gzip", 200, encoded, std::nullopt},
        {&on, "deflate", 200, headers("text/html", "5000"), std::nullopt},
        {&off, "gzip", 200, headers("text/html", "5000"), std::nullopt},
        {&disabled, "gzip", 200, headers("text/html", "5000"), std::nullopt},
    };
    for (const Row& row : rows) {
        Request request("GET", "/", {{"Accept-Encoding", row.accepts}});
        const CacheBehavior& behavior = row.distribution->behaviors.back();
        CompressionDecision decision =
            decide_compression(behavior, normalized_accept_encoding(behavior, request.view),
                               request.view, row.status, row.headers);
        INFO(row.accepts << " " << row.status << " " << row.headers.get("Content-Type") << " "
                         << row.headers.get("Content-Length"));
        CHECK(decision.coding == row.coding);
        if (!row.coding) CHECK_FALSE(decision.why.empty());
    }
    Request old("GET", "/", {{"Accept-Encoding", "gzip"}});
    old.head.minor = 0;
    const CacheBehavior& behavior = on.behaviors.back();
    CHECK(decide_compression(behavior, normalized_accept_encoding(behavior, old.view), old.view,
                             200, headers("text/html", "5000"))
              .coding == std::nullopt);
}

TEST_CASE("entity tags become weak, and what is none is removed (#84)", "[cloudfront]") {
    CHECK(weaken_etag("\"x\"") == "W/\"x\"");
    CHECK(weaken_etag("W/\"x\"") == "W/\"x\"");
    CHECK(weaken_etag("x").empty());
}
