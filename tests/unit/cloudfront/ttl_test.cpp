// Freshness: cloudfront.md §3.1-§3.3, §10 #33-#41, #53-#56.
#include "cloudfront/ttl.h"

#include <catch2/catch.hpp>

#include "base/date.h"
#include "make.h"

using namespace cloudfront;
using base::seconds;

namespace {

const Time kNow{seconds(1'790'000'000)};

Distribution with_ttls(int64_t low, int64_t middle, int64_t high) {
    return test::make_distribution(
        R"({"DefaultCacheBehavior": {"CachePolicyId": "p"}})",
        test::cache_policy("{\"Name\": \"p\", \"MinTTL\": " + std::to_string(low) +
                           ", \"DefaultTTL\": " + std::to_string(middle) +
                           ", \"MaxTTL\": " + std::to_string(high) + "}"));
}

Freshness decide(const Distribution& d, int status, const http::HeaderList& headers) {
    return decide_freshness(d, d.behaviors.back(), {status, &headers, false}, kNow);
}

}  // namespace

TEST_CASE("the TTL table (#33 to #41)", "[cloudfront]") {
    struct Row {
        int64_t low, middle, high;
        http::HeaderList headers;
        bool stores;
        int64_t ttl;
    };
    const std::string in_30 = base::http_date(kNow + seconds(30)),
                      past = base::http_date(kNow - seconds(30));
    const Row rows[] = {
        {0, 86400, 31536000, {}, true, 86400},
        {0, 86400, 31536000, {{"Cache-Control", "max-age=5"}}, true, 5},
        {0, 86400, 31536000, {{"Cache-Control", "MAX-AGE=60, s-maxage=5"}}, true, 5},
        {0, 86400, 31536000, {{"Cache-Control", "max-age=\"5\""}}, true, 5},
        {10, 86400, 31536000, {{"Cache-Control", "no-store"}}, true, 10},
        {0, 86400, 31536000, {{"Cache-Control", "no-store"}}, false, 0},
        {0, 86400, 31536000, {{"Cache-Control", "private"}}, false, 0},
        {0, 86400, 31536000, {{"Cache-Control", "no-cache"}}, false, 0},
        {0, 86400, 31536000, {{"Cache-Control", "no-cache=\"Set-Cookie\""}}, true, 86400},
        {0, 5, 10, {{"Cache-Control", "max-age=100"}}, true, 10},
        {20, 86400, 31536000, {{"Cache-Control", "max-age=5"}}, true, 20},
        {0, 86400, 31536000, {{"Expires", in_30}}, true, 30},
        {0, 86400, 31536000, {{"Expires", in_30}, {"Cache-Control", "max-age=5"}}, true, 5},
        {0, 86400, 31536000, {{"Expires", past}}, false, 0},
        {0, 86400, 31536000, {{"Expires", "0"}}, false, 0},
        {7, 86400, 31536000, {{"Expires", "0"}}, true, 7},
        {0, 86400, 31536000, {{"Cache-Control", "max-age=0"}, {"ETag", "\"a\""}}, true, 0},
        {0, 86400, 31536000, {{"Vary", "*"}}, false, 0},
        {1, 86400, 31536000, {{"Vary", "*"}}, true, 86400},
        {0, 86400, 31536000, {{"Vary", "Foo, *"}}, false, 0},
        {0, 86400, 31536000, {{"Vary", "Foo"}, {"Vary", "*"}}, false, 0},
        {0, 86400, 31536000, {{"Cache-Control", "max-age=60"}, {"Age", "20"}}, true, 40},
        {0, 86400, 31536000, {{"Expires", in_30}, {"Age", "20"}}, true, 10},
        {50, 86400, 31536000, {{"Cache-Control", "max-age=60"}, {"Age", "20"}}, true, 50},
        {0, 86400, 31536000, {{"Cache-Control", "max-age=60"}, {"Age", "99999999999"}}, false, 0},
        {0, 86400, 31536000, {{"Cache-Control", "max-age=60"}, {"Age", "-1"}}, false, 0},
        {0, 86400, 31536000, {{"Cache-Control", "max-age=60"}, {"Age", "0, 0"}}, false, 0},
        {0,
         86400,
         31536000,
         {{"Cache-Control", "max-age=60"}, {"Age", "0"}, {"Age", "0"}},
         false,
         0},
    };
    for (const Row& row : rows) {
        INFO("Min " << row.low << " " << (row.headers.empty() ? "" : row.headers.begin()->value));
        Freshness freshness = decide(with_ttls(row.low, row.middle, row.high), 200, row.headers);
        CHECK(freshness.store == row.stores);
        if (row.stores) CHECK(freshness.ttl == seconds(row.ttl));
        CHECK_FALSE(freshness.why.empty());
    }
}

TEST_CASE("errors are kept for ErrorCachingMinTTL, some only when asked (#53 to #56)",
          "[cloudfront]") {
    Distribution d = test::make_distribution(R"({"CustomErrorResponses": {"Quantity": 2, "Items": [
        {"ErrorCode": 500, "ErrorCachingMinTTL": 0}, {"ErrorCode": 503, "ErrorCachingMinTTL": 30}]}})");
    struct Row {
        int status;
        http::HeaderList headers;
        bool stores;
        int64_t ttl;
    };
    const Row rows[] = {
        {404, {}, true, 10},
        {404, {{"Cache-Control", "max-age=60"}}, true, 60},
        {404, {{"Cache-Control", "no-store"}}, true, 10},
        {404, {{"Cache-Control", "max-age=2"}}, true, 10},
        {500, {}, false, 0},
        {503, {}, true, 30},
        {403, {}, false, 0},
        {403, {{"Cache-Control", "max-age=30"}}, true, 30},
        {416, {{"Cache-Control", "max-age=30"}}, false, 0},
        {401, {{"Cache-Control", "max-age=30"}}, false, 0},
        {429, {}, false, 0},
    };
    for (const Row& row : rows) {
        INFO(row.status);
        Freshness freshness = decide(d, row.status, row.headers);
        CHECK(freshness.store == row.stores);
        if (row.stores) CHECK(freshness.ttl == seconds(row.ttl));
    }
}

TEST_CASE("CachingDisabled stores nothing, errors included", "[cloudfront]") {
    Distribution d = test::make_distribution(
        R"({"DefaultCacheBehavior": {"CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"}})");
    CHECK_FALSE(decide(d, 200, {{"Cache-Control", "max-age=60"}}).store);
    CHECK_FALSE(decide(d, 404, {}).store);
}

TEST_CASE("stale windows are read and bounded by MaxTTL (§3.7)", "[cloudfront]") {
    Freshness freshness =
        decide(with_ttls(0, 5, 10), 200,
               {{"Cache-Control", "max-age=1, stale-while-revalidate=30, stale-if-error=3"}});
    CHECK(freshness.stale_while_revalidate == seconds(10));
    CHECK(freshness.stale_if_error == seconds(3));
    CHECK_FALSE(decide(with_ttls(0, 5, 10), 200, {}).stale_if_error.has_value());
}
