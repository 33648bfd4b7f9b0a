// One header family each: hop-by-hop, cookies, ranges, conditions, cache control, queries.
#include <catch2/catch.hpp>

#include "base/date.h"
#include "http/cache_control.h"
#include "http/conditional.h"
#include "http/cookies.h"
#include "http/hop_by_hop.h"
#include "http/query.h"
#include "http/range.h"

using namespace http;
using namespace std::chrono_literals;

TEST_CASE("Hop-by-hop headers go, with those that Connection names") {
    HeaderList headers{{"Host", "x"},       {"Connection", "close, X-One ,host"},
                       {"x-one", "1"},      {"X-Two", "2"},
                       {"Keep-Alive", "5"}, {"TE", "trailers"},
                       {"Upgrade", "h2c"}};
    CHECK(remove_hop_by_hop(headers) == 5);
    CHECK(headers.has("host"));
    CHECK(headers.has("x-two"));
    CHECK(headers.size() == 2);
}

TEST_CASE("Cookies are read in order and written back") {
    const HeaderList headers{{"Cookie", "a=1; b=\"x=y\";c ;; d="}, {"cookie", "a=2"}};
    const auto cookies = parse_cookies(headers);
    REQUIRE(cookies.size() == 5);
    CHECK(cookies[1].value == "\"x=y\"");
    CHECK_FALSE(cookies[2].has_equals);
    CHECK(join_cookies(cookies) == "a=1; b=\"x=y\"; c; d=; a=2");
}

TEST_CASE("Ranges of a body of 10 bytes") {
    struct Row {
        const char* header;
        const char* expected;
    };  // "-" ignored, "!" unsatisfiable
    const Row rows[] = {
        {"bytes=0-4", "0-4 "},
        {"bytes=2-", "2-9 "},
        {"bytes=-3", "7-9 "},
        {"bytes=-30", "0-9 "},
        {"Bytes=0-99", "0-9 "},
        {"bytes=0-0,-1", "0-0 9-9 "},
        {"bytes= 1-2 , 4-5", "1-2 4-5 "},
        {"bytes=0-1,20-30", "0-1 "},
        {"bytes=5-6,0-1", "5-6 0-1 "},
        {"bytes=10-", "!"},
        {"bytes=-0", "!"},
        {"bytes=99999999999999999999-", "!"},
        {"bytes=0-99999999999999999999", "0-9 "},
        {"", "-"},
        {"bytes", "-"},
        {"bytes=", "-"},
        {"bytes=4-2", "-"},
        {"bytes=a-b", "-"},
        {"bytes=--1", "-"},
        {"bytes=1", "-"},
        {"items=0-1", "-"},
        {"bytes=0-1,x", "-"},
        {"bytes=+1-2", "-"},
    };
    for (const auto& row : rows) {
        INFO(row.header);
        const auto set = parse_range(row.header, 10);
        std::string shown = set.kind == RangeSet::Kind::Ignored         ? "-"
                            : set.kind == RangeSet::Kind::Unsatisfiable ? "!"
                                                                        : "";
        for (const auto range : set.ranges)
            shown += std::to_string(range.first) + "-" + std::to_string(range.last) + " ";
        CHECK(shown == row.expected);
    }
    CHECK(parse_range("bytes=-1", 0).kind == RangeSet::Kind::Unsatisfiable);
    std::string many = "bytes=0-0";
    for (int i = 0; i < 200; ++i)
        many += ",0-0";
    CHECK(parse_range(many, 10).kind == RangeSet::Kind::Ignored);
    CHECK(ranges_ascend({{0, 1}, {2, 3}}));
    CHECK_FALSE(ranges_ascend({{0, 2}, {2, 3}}));
    CHECK(content_range({0, 4}, 10) == "bytes 0-4/10");
    CHECK(unsatisfied_range(10) == "bytes */10");

    const MultipartRanges multipart("B", "text/plain", 10);
    const std::vector<ByteRange> ranges{{0, 1}, {8, 9}};
    const std::string whole =
        multipart.before(ranges[0]) + "ab" + multipart.before(ranges[1]) + "ij" + multipart.end();
    CHECK(whole ==
          "\r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\nab"
          "\r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes "
          "8-9/10\r\n\r\nij\r\n--B--\r\n");
    CHECK(multipart.size_bytes(ranges) == whole.size());
}

TEST_CASE("Conditions in the order of RFC 9110 §13.2.2") {
    const auto modified = *base::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
    const std::string same = "Sun, 06 Nov 1994 08:49:37 GMT",
                      before = "Sun, 06 Nov 1994 08:49:36 GMT",
                      later = "Sun, 06 Nov 1994 09:00:00 GMT";
    using enum Condition;
    struct Row {
        const char* method;
        HeaderList request;
        std::string etag;
        Condition expected;
    };
    const Row rows[] = {
        {"GET", {}, "\"a\"", Holds},
        {"GET", {{"If-Match", "\"a\""}}, "\"a\"", Holds},
        {"GET", {{"If-Match", "\"b\", \"a\""}}, "\"a\"", Holds},
        {"GET", {{"If-Match", "*"}}, "\"a\"", Holds},
        {"GET", {{"If-Match", "W/\"a\""}}, "\"a\"", Failed},
        {"GET", {{"If-Match", "\"a\""}}, "W/\"a\"", Failed},
        {"GET", {{"If-Match", "\"b\""}}, "\"a\"", Failed},
        {"GET", {{"If-Match", "a"}}, "\"a\"", Failed},
        {"GET", {{"If-None-Match", "\"x,y\", W/\"a\""}}, "\"a\"", NotModified},
        {"PUT", {{"If-None-Match", "*"}}, "\"a\"", Failed},
        {"GET", {{"If-None-Match", "\"b\""}, {"If-Modified-Since", same}}, "\"a\"", Holds},
        {"GET", {{"If-Modified-Since", same}}, "\"a\"", NotModified},
        {"HEAD", {{"If-Modified-Since", later}}, "\"a\"", NotModified},
        {"GET", {{"If-Modified-Since", before}}, "\"a\"", Holds},
        {"POST", {{"If-Modified-Since", same}}, "\"a\"", Holds},
        {"GET", {{"If-Modified-Since", "yesterday"}}, "\"a\"", Holds},
        {"GET", {{"If-Unmodified-Since", before}}, "\"a\"", Failed},
        {"GET", {{"If-Unmodified-Since", same}}, "\"a\"", Holds},
        {"GET", {{"If-Match", "\"a\""}, {"If-Unmodified-Since", before}}, "\"a\"", Holds},
        {"GET", {{"If-Match", "\"a\""}, {"If-None-Match", "\"a\""}}, "\"a\"", NotModified},
    };
    for (const auto& row : rows) {
        INFO(row.method << " "
                        << (row.request.empty()
                                ? ""
                                : row.request.begin()->name + ": " + row.request.begin()->value));
        CHECK(evaluate_conditions(row.method, row.request, {row.etag, modified + 300ms}) ==
              row.expected);
    }
    CHECK(evaluate_conditions("PUT", {{"If-None-Match", "*"}}, {.exists = false}) == Holds);
    CHECK(evaluate_conditions("PUT", {{"If-Match", "*"}}, {.exists = false}) == Failed);

    CHECK(if_range_holds({}, {"\"a\"", modified}));
    CHECK(if_range_holds({{"If-Range", "\"a\""}}, {"\"a\"", modified}));
    CHECK_FALSE(if_range_holds({{"If-Range", "W/\"a\""}}, {"W/\"a\"", modified}));
    CHECK(if_range_holds({{"If-Range", same}}, {"\"a\"", modified}));
    CHECK_FALSE(if_range_holds({{"If-Range", later}}, {"\"a\"", modified}));
}

TEST_CASE("Cache-Control, quoted, repeated and hostile") {
    const auto parse = [](std::string value) {
        return parse_cache_control({{"Cache-Control", std::move(value)}});
    };
    CHECK(parse("max-age=60").max_age == 60s);
    CHECK(parse("MAX-AGE = \"60\" , public").max_age == 60s);
    CHECK(parse("max-age=60, max-age=10").max_age == 60s);
    CHECK(parse("max-age=abc").max_age == 0s);
    CHECK(parse("max-age=-1").max_age == 0s);
    CHECK(parse("max-age").max_age == 0s);
    CHECK(parse("s-maxage=99999999999999999999999").s_maxage ==
          std::chrono::seconds(uint64_t(1) << 31));
    CHECK(parse("max-stale").max_stale == std::chrono::seconds(uint64_t(1) << 31));
    CHECK(parse("private").is_private);
    const auto listed = parse("private=\"Set-Cookie, X\", no-cache=\"A\\\"b\", no-store");
    CHECK_FALSE(listed.is_private);
    CHECK(listed.private_fields == std::vector<std::string>{"set-cookie", "x"});
    CHECK(listed.no_cache_fields == std::vector<std::string>{"a\"b"});
    CHECK(listed.no_store);
    CHECK(parse("x=\"unfinished, no-store").no_store == false);
    CHECK(parse(",,no-cache,,").no_cache);
    const auto both =
        parse_cache_control({{"Cache-Control", "public"}, {"cache-control", "stale-if-error=5"}});
    CHECK((both.is_public && both.stale_if_error == 5s));
}

TEST_CASE("Queries stay raw; forms are decoded") {
    const auto pairs = split_query("a=1&b&&c=%20=&=x");
    REQUIRE(pairs.size() == 4);
    CHECK((pairs[1].name == "b" && !pairs[1].has_equals));
    CHECK(pairs[2].value == "%20=");
    CHECK((pairs[3].name.empty() && pairs[3].value == "x"));
    const auto form = parse_form("Action=A+b&x%3D=%zz");
    REQUIRE(form.size() == 2);
    CHECK(form[0].value == "A b");
    CHECK((form[1].name == "x=" && form[1].value == "%zz"));
}
