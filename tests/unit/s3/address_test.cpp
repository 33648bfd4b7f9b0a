// Hosts, paths and bucket names. Numbers are those of s3.md §9.
#include "s3/address.h"

#include <catch2/catch.hpp>

#include "aws/error.h"

using namespace s3;

namespace {

bool is_bucket(std::string_view name) {
    return name == "files.example.com";
}

}  // namespace

TEST_CASE("host and path name bucket and key: s3.md §1.1, §9 #1 to #4") {
    struct Row {
        const char *host, *path;
        Style style;
        const char *bucket, *key;
    };
    const Row rows[] = {
        {"localhost:4566", "/", Style::Path, "", ""},
        {"127.0.0.1:4566", "/b/k", Style::Path, "b", "k"},
        {"[::1]:4566", "/b/", Style::Path, "b", ""},
        {"emulator:4566", "/b", Style::Path, "b", ""},
        {"s3.localhost", "/b/x/y", Style::Path, "b", "x/y"},
        {"s3.us-east-1.amazonaws.com", "/b/k", Style::Path, "b", "k"},
        {"s3-eu-west-1.amazonaws.com", "/b/k", Style::Path, "b", "k"},
        {"b.s3.localhost:4566", "/k", Style::VirtualHost, "b", "k"},
        {"a.b.s3.localhost", "/", Style::VirtualHost, "a.b", ""},
        {"a.b.s3.eu-west-1.amazonaws.com", "/k", Style::VirtualHost, "a.b", "k"},
        {"b.s3.dualstack.eu-west-1.amazonaws.com", "/k", Style::VirtualHost, "b", "k"},
        {"B.S3.amazonaws.com", "/K", Style::VirtualHost, "b", "K"},
        {"b.s3.localhost", "/x/b/y", Style::VirtualHost, "b", "x/b/y"},
        {"b.localhost:4566", "/k", Style::VirtualHost, "b", "k"},
        {"b.s3-website.localhost", "/p/", Style::Website, "b", "p/"},
        {"b.s3-website-us-east-1.localhost", "/", Style::Website, "b", ""},
        {"b.s3-website.us-east-1.localhost", "/", Style::Website, "b", ""},
        {"b.s3-website-us-east-1.amazonaws.com", "/", Style::Website, "b", ""},
        {"s3-website.localhost", "/", Style::Website, "", ""},
        {"files.example.com", "/k", Style::VirtualHost, "files.example.com", "k"},
        {"unknown.example.com", "/b/k", Style::Path, "b", "k"},
    };
    for (const Row& row : rows) {
        INFO(row.host << row.path);
        Address address = parse_address(row.host, row.path, is_bucket);
        CHECK(address.style == row.style);
        CHECK(address.bucket == row.bucket);
        CHECK(address.key == row.key);
    }
    CHECK(parse_address("app.example.com", "/k", is_bucket, UnknownHost::IsBucket).bucket ==
          "app.example.com");
}

TEST_CASE("paths are decoded once and never normalised: s3.md §1.3, §9 #7, #9, #11") {
    struct Row {
        const char *path, *key;
    };
    const Row rows[] = {
        {"/b/a/./b", "a/./b"},     {"/b/a//b/./c/../d", "a//b/./c/../d"},
        {"/b//k", "/k"},           {"/b/a+b", "a b"},
        {"/b/a%2Bb", "a+b"},       {"/b/a%252Fb", "a%2Fb"},
        {"/b/%C3%A9", "\xC3\xA9"}, {"/b/a%2Fb", "a/b"},
        {"/b/a/", "a/"},
    };
    for (const Row& row : rows)
        CHECK(parse_address("localhost", row.path, is_bucket).key == row.key);
    for (const char* bad : {"/b/%", "/b/%4", "/b/%zz", "/b/%ff"})
        CHECK_THROWS_AS(parse_address("localhost", bad, is_bucket), aws::Error);
}

TEST_CASE("a path that leaves its bucket is marked: s3.md §9 #10") {
    for (const char* path : {"/../x", "/%2e%2e/x", "/a/../../x", "/..", "/./../x"})
        CHECK(parse_address("b.s3.localhost", path, is_bucket).climbs);
    for (const char* path : {"/b/../x", "/../b/x"})
        CHECK(parse_address("localhost", path, is_bucket).climbs);
    for (const char* path : {"/b/a/../x", "/b/..x", "/b/a/b/../../x"})
        CHECK_FALSE(parse_address("localhost", path, is_bucket).climbs);
}

TEST_CASE("bucket names: s3.md §1.2, §9 #6") {
    for (const char* good : {"abc", "a.b", "a-b-c", "123", "my.bucket.name"})
        CHECK(is_valid_bucket_name(good));
    for (const char* bad : {"Ab", "ab", "a..b", "1.2.3.4", "xn--a1b", "sthree-x", "amzn-s3-demo-x",
                            "x-s3alias", "x--ol-s3", "x.mrap", "x--x-s3", "-ab", "ab-", "a_b"})
        CHECK_FALSE(is_valid_bucket_name(bad));
    CHECK(is_valid_bucket_name(std::string(63, 'a')));
    CHECK_FALSE(is_valid_bucket_name(std::string(64, 'a')));
}
