// Ranges and conditions of reads and copies. Numbers are those of s3.md §9.
#include "s3/read_conditions.h"

#include <catch2/catch.hpp>

#include "base/date.h"

using namespace s3;
using Outcome = ReadCondition::Outcome;

TEST_CASE("ranges as S3 reads them, of an object of 10 bytes: s3.md §3.4, §9 #50 to #53") {
    struct Row {
        const char* header;
        uint64_t size;
        ByteRange::Kind kind;
        uint64_t first, last;
    };
    using Kind = ByteRange::Kind;
    const Row rows[] = {
        {"bytes=0-8", 10, Kind::Part, 0, 8},
        {"bytes=0-", 10, Kind::Part, 0, 9},
        {"bytes=0-9", 10, Kind::Part, 0, 9},
        {"bytes=0-100", 10, Kind::Part, 0, 9},
        {"bytes=-15", 10, Kind::Part, 0, 9},
        {"bytes=-3", 10, Kind::Part, 7, 9},
        {"bytes=-0", 10, Kind::Unsatisfiable, 0, 0},
        {"bytes=100-200", 10, Kind::Unsatisfiable, 0, 0},
        {"bytes=10-", 10, Kind::Unsatisfiable, 0, 0},
        {"bytes=1-0", 10, Kind::Whole, 0, 0},
        {"bytes=-1-", 10, Kind::Whole, 0, 0},
        {"bytes=0--1", 10, Kind::Whole, 0, 0},
        {"bytes=-", 10, Kind::Whole, 0, 0},
        {"garbage", 10, Kind::Whole, 0, 0},
        {"lines=0-1", 10, Kind::Whole, 0, 0},
        {"bytes=0-1,3-4", 10, Kind::Whole, 0, 0},
        {"bytes=0-", 0, Kind::Unsatisfiable, 0, 0},
        {"bytes=-5", 0, Kind::Unsatisfiable, 0, 0},
        {"bytes=18446744073709551616-", 10, Kind::Whole, 0, 0},
    };
    for (const Row& row : rows) {
        INFO(row.header << " of " << row.size);
        ByteRange range = parse_range(row.header, row.size);
        CHECK(range.kind == row.kind);
        CHECK(range.first == row.first);
        CHECK(range.last == row.last);
    }
}

TEST_CASE("conditional reads: s3.md §3.5, §9 #57 to #59") {
    base::Time modified(base::seconds(1'000'000'000)), now = modified + base::seconds(1000);
    std::string same = base::http_date(modified),
                before = base::http_date(modified - base::seconds(1)),
                later = base::http_date(modified + base::seconds(5)),
                future = base::http_date(now + base::seconds(100));
    struct Row {
        http::HeaderList headers;
        Outcome outcome;
        const char* condition;
    };
    const Row rows[] = {
        {{{"If-Match", "\"e\""}}, Outcome::Proceed, ""},
        {{{"If-Match", "*"}}, Outcome::Proceed, ""},
        {{{"If-Match", "\"x\""}}, Outcome::Failed, "If-Match"},
        {{{"If-Unmodified-Since", same}}, Outcome::Proceed, ""},
        {{{"If-Unmodified-Since", before}}, Outcome::Failed, "If-Unmodified-Since"},
        {{{"If-None-Match", "\"e\""}}, Outcome::NotModified, "If-None-Match"},
        {{{"If-None-Match", "e"}}, Outcome::NotModified, "If-None-Match"},
        {{{"If-None-Match", "W/\"e\""}}, Outcome::NotModified, "If-None-Match"},
        {{{"If-None-Match", "*"}}, Outcome::NotModified, "If-None-Match"},
        {{{"If-None-Match", "\"x\""}}, Outcome::Proceed, ""},
        {{{"If-Modified-Since", same}}, Outcome::NotModified, "If-Modified-Since"},
        {{{"If-Modified-Since", later}}, Outcome::NotModified, "If-Modified-Since"},
        {{{"If-Modified-Since", before}}, Outcome::Proceed, ""},
        {{{"If-Modified-Since", future}}, Outcome::Proceed, ""},
        {{{"If-Modified-Since", "yesterday"}}, Outcome::Proceed, ""},
        {{{"If-Match", "e"}, {"If-Unmodified-Since", before}}, Outcome::Proceed, ""},
        {{{"If-Match", "x"}, {"If-Unmodified-Since", later}}, Outcome::Failed, "If-Match"},
        {{{"If-None-Match", "e"}, {"If-Modified-Since", before}},
         Outcome::NotModified,
         "If-None-Match"},
        {{{"If-None-Match", "x"}, {"If-Modified-Since", same}}, Outcome::Proceed, ""},
    };
    for (const Row& row : rows) {
        INFO(row.headers.begin()->name << ": " << row.headers.begin()->value);
        ReadCondition answer = check_read(row.headers, "e", modified, now);
        CHECK(answer.outcome == row.outcome);
        CHECK(answer.condition == row.condition);
    }
}

TEST_CASE("conditions on a copy's source fail, whatever they are: s3.md §3.8, §9 #89") {
    base::Time modified(base::seconds(1'000'000'000)), now = modified + base::seconds(1000);
    std::string before = base::http_date(modified - base::seconds(1)),
                same = base::http_date(modified);
    struct Row {
        http::HeaderList headers;
        const char* condition;
    };
    const Row rows[] = {
        {{{"x-amz-copy-source-if-match", "e"}}, ""},
        {{{"x-amz-copy-source-if-match", "x"}}, "x-amz-copy-source-If-Match"},
        {{{"x-amz-copy-source-if-none-match", "e"}}, "x-amz-copy-source-If-None-Match"},
        {{{"x-amz-copy-source-if-modified-since", same}}, "x-amz-copy-source-If-Modified-Since"},
        {{{"x-amz-copy-source-if-unmodified-since", before}},
         "x-amz-copy-source-If-Unmodified-Since"},
        {{{"x-amz-copy-source-if-match", "e"}, {"x-amz-copy-source-if-unmodified-since", before}},
         ""},
        {{{"x-amz-copy-source-if-none-match", "e"},
          {"x-amz-copy-source-if-modified-since", before}},
         "x-amz-copy-source-If-None-Match"},
        {{{"x-amz-copy-source-if-modified-since", base::iso_date(modified)}},
         "x-amz-copy-source-If-Modified-Since"},
    };
    for (const Row& row : rows)
        CHECK(check_copy_source(row.headers, "e", modified, now).condition == row.condition);
}
