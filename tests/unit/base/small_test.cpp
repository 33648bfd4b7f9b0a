// The small pure files: encodings, text, dates, digests, ids.
#include <catch2/catch.hpp>

#include "base/date.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "base/text.h"

using namespace std::string_literals;
using base::microseconds;
using base::seconds;
using base::Time;

TEST_CASE("base64 and hex") {
    // RFC 4648 §10.
    std::pair<std::string, std::string> rows[] = {{"", ""},
                                                  {"f", "Zg=="},
                                                  {"fo", "Zm8="},
                                                  {"foo", "Zm9v"},
                                                  {"foob", "Zm9vYg=="},
                                                  {"fooba", "Zm9vYmE="},
                                                  {"foobar", "Zm9vYmFy"},
                                                  {"\xff\xfe\0"s, "//4A"}};
    for (const auto& [bytes, text] : rows) {
        CHECK(base::to_base64(bytes) == text);
        CHECK(base::from_base64(text) == bytes);
    }
    for (std::string_view wrong :
         {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "=m9v", "Zg==Zg==", "Zm 9v", "Zm9v\n", "===="})
        CHECK(!base::from_base64(wrong));
    CHECK(base::to_hex("\x00\xafz"s.substr(0, 3)) == "00af7a");
    CHECK(base::from_hex("00aF7a") == "\x00\xafz"s);
    CHECK(!base::from_hex("0"));
    CHECK(!base::from_hex("0g"));
}

TEST_CASE("percent encoding") {
    CHECK(base::percent_encode("a/b c~é+") == "a%2Fb%20c~%C3%A9%2B");
    CHECK(base::percent_encode("a/b", base::Slash::Keep) == "a/b");
    CHECK(base::percent_decode("a%2Fb+%zz%4") == "a/b+%zz%4");
    CHECK(base::percent_decode("a+b%2b", base::Plus::IsSpace) == "a b+");
    CHECK(base::percent_decode("%41%") == "A%");
}

TEST_CASE("digests, by their published vectors") {
    CHECK(base::to_hex(base::md5("abc")) == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(base::sha256_hex("abc") ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    base::Digest sha1(base::DigestKind::Sha1);
    sha1.update("a");
    sha1.update("bc");
    CHECK(base::to_hex(sha1.finish()) == "a9993e364706816aba3e25717850c26c9cd0d89d");
    // RFC 4231, cases 2 and 6; RFC 2202, case 2.
    CHECK(base::to_hex(base::hmac_sha256("Jefe", "what do ya want for nothing?")) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(
        base::to_hex(base::hmac_sha256(std::string(131, '\xaa'),
                                       "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    CHECK(base::to_hex(base::hmac_sha1("Jefe", "what do ya want for nothing?")) ==
          "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    CHECK(base::crc32(0, "123456789") == 0xCBF43926u);
    CHECK(base::crc32c(0, "123456789") == 0xE3069283u);
    CHECK(base::crc64nvme(0, "123456789") == 0xAE8B14860A799888u);
    CHECK(base::crc32c(0, std::string(32, '\0')) == 0x8A9136AAu);  // RFC 3720 §B.4
    std::string long_text(1001, 'q');
    for (size_t at : {0u, 1u, 7u, 8u, 500u}) {
        CHECK(base::crc32c(base::crc32c(0, long_text.substr(0, at)), long_text.substr(at)) ==
              base::crc32c(0, long_text));
        CHECK(base::crc64nvme(base::crc64nvme(0, long_text.substr(0, at)), long_text.substr(at)) ==
              base::crc64nvme(0, long_text));
    }
}

TEST_CASE("text") {
    CHECK(base::lower("aBZ[é") == "abz[é");
    CHECK(base::upper("azA{") == "AZA{");
    CHECK(base::equals_ignoring_case("Host", "hOST"));
    CHECK(!base::equals_ignoring_case("Host", "Hos"));
    CHECK(base::trim(" \t a b\r\n") == "a b");
    CHECK(base::trim(" ").empty());
    CHECK(base::split(",a,", ',') == std::vector<std::string_view>{"", "a", ""});
    CHECK(base::split("", ',').size() == 1);
    CHECK(base::cut("a=b=c", '=') == std::pair<std::string_view, std::string_view>{"a", "b=c"});
    CHECK(base::cut("a", '=').second.empty());
    CHECK(base::join({"a", "b"}, ", ") == "a, b");
    CHECK(base::replace_all("aaa", "aa", "b") == "ba");
    CHECK(base::replace_all("aaa", "", "b") == "aaa");
    CHECK(base::parse_unsigned("18446744073709551615") == UINT64_MAX);
    for (std::string_view wrong :
         {"", "-1", "+1", " 1", "1 ", "18446744073709551616", "0x1", "1.0"})
        CHECK(!base::parse_unsigned(wrong));
    CHECK(base::parse_signed("-9223372036854775808") == INT64_MIN);
    CHECK(base::parse_double("-1.5e3") == -1500);
    CHECK(!base::parse_double("inf"));
    CHECK(!base::parse_double("1.5x"));
    CHECK(base::closest("Distributon", {"Origin", "Distribution"}) == "Distribution");
    CHECK(base::closest("GTE", {"GET", "PUT"}) == "GET");
    CHECK(base::closest("zzz", {"Origin", "Distribution"}).empty());
}

TEST_CASE("wildcards") {
    struct Row {
        std::string_view pattern, text;
        bool expected;
    };
    auto row = GENERATE(values<Row>({{"*", "", true},
                                     {"", "", true},
                                     {"", "a", false},
                                     {"?", "", false},
                                     {"/a/*.jpg", "/a/b/c.jpg", true},
                                     {"/a/*.jpg", "/a/b/c.jpgx", false},
                                     {"a*b*c", "abbbcbc", true},
                                     {"a?c", "abc", true},
                                     {"a?c", "ac", false},
                                     {"**a**", "bab", true},
                                     {"A*", "ab", false}}));
    CAPTURE(row.pattern, row.text);
    CHECK(base::wildcard_match(row.pattern, row.text) == row.expected);
    CHECK(base::wildcard_match("A*", "ab", base::Case::Insensitive));
    // A pattern that makes backtracking matchers explode.
    std::string stars, as(20'000, 'a');
    for (int i = 0; i < 30; ++i)
        stars += "a*";
    CHECK(!base::wildcard_match(stars + "b", as));
}

TEST_CASE("UTF-8 by RFC 3629") {
    for (std::string_view good : {"", "a", "é", "€", "😀", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"})
        CHECK(base::is_valid_utf8(good));
    for (std::string_view bad :
         {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "a\xFF"})
        CHECK(!base::is_valid_utf8(bad));
}

TEST_CASE("dates") {
    Time time = Time(seconds(784'111'777));  // RFC 9110 §5.6.7's example
    CHECK(base::http_date(time) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(base::http_date(time + seconds(1)) == "Sun, 06 Nov 1994 08:49:38 GMT");
    for (std::string_view text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                  "Sun Nov  6 08:49:37 1994"})
        CHECK(base::parse_http_date(text) == time);
    for (std::string_view wrong :
         {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT",
          "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
          "Sun, 06 Nov 1994 08:49:37 GMT ", "0", "Sun, 6 Nov 1994 08:49:37 GMT"})
        CHECK(!base::parse_http_date(wrong));

    Time fraction = time + microseconds(123'456);
    CHECK(base::iso_date(fraction) == "1994-11-06T08:49:37Z");
    CHECK(base::iso_date_millis(fraction) == "1994-11-06T08:49:37.123Z");
    CHECK(base::iso_date_micros(fraction) == "1994-11-06T08:49:37.123456Z");
    CHECK(base::parse_iso_date("1994-11-06T08:49:37.123456Z") == fraction);
    CHECK(base::parse_iso_date("1994-11-06T09:49:37.123456789+01:00") == fraction);
    CHECK(base::parse_iso_date("1994-11-06T03:19:37-0530") == time);
    for (std::string_view wrong : {"1994-11-06", "1994-11-06T08:49:37", "1994-11-06T08:49:37.Z",
                                   "1994-13-06T08:49:37Z", "1994-11-06T08:49:37+99:00"})
        CHECK(!base::parse_iso_date(wrong));
    CHECK(base::sigv4_date(fraction) == "19941106T084937Z");
    CHECK(base::parse_sigv4_date("19941106T084937Z") == time);
    CHECK(!base::parse_sigv4_date("19941106T084937"));
    CHECK(base::epoch_seconds(fraction) == Approx(784'111'777.123456).epsilon(1e-12));
    CHECK(base::iso_date(Time(seconds(-1))) == "1969-12-31T23:59:59Z");
}

TEST_CASE("durations") {
    std::pair<std::string_view, int64_t> rows[] = {
        {"1.1s", 1'100'000}, {"250ms", 250'000}, {"5m", 300'000'000}, {"1d12h", 129'600'000'000},
        {"3us", 3},          {"0s", 0},          {"0.5ms", 500}};
    for (auto [text, expected] : rows)
        CHECK(base::parse_duration(text) == microseconds(expected));
    for (std::string_view wrong :
         {"", "5", "s", "5 s", "-5s", "5sx", "1.1.1s", "99999999999999d", ".s", "5M"})
        CHECK(!base::parse_duration(wrong));
    std::pair<int64_t, std::string> shown[] = {{340, "340 µs"},
                                               {12'345, "12.3 ms"},
                                               {999'960, "1.0 s"},
                                               {4'200'000, "4.2 s"},
                                               {190'000'000, "3 m 10 s"},
                                               {7'500'000'000, "2 h 5 m"},
                                               {97'200'000'000, "1 d 3 h"},
                                               {-5, "-5 µs"}};
    for (const auto& [us, expected] : shown)
        CHECK(base::show_duration(microseconds(us)) == expected);
}

TEST_CASE("ids are a function of account, region, kind and name unless pinned") {
    base::Ids ids("111122223333", "eu-west-1"), same("111122223333", "eu-west-1"),
        other("111122223334", "eu-west-1");
    std::string id = ids.derive("distribution", "front", "id", 13, base::Ids::kUpperAlnum);
    CHECK(id.size() == 13);
    CHECK(id.find_first_not_of(base::Ids::kUpperAlnum) == std::string::npos);
    CHECK(id == same.derive("distribution", "front", "id", 13, base::Ids::kUpperAlnum));
    CHECK(id != other.derive("distribution", "front", "id", 13, base::Ids::kUpperAlnum));
    CHECK(id != ids.derive("distribution", "api", "id", 13, base::Ids::kUpperAlnum));
    CHECK(id != ids.derive("distribution", "front", "domain", 13, base::Ids::kUpperAlnum));
    CHECK(ids.derive("x", "y", "z", 100, base::Ids::kHex).size() == 100);
    ids.pin("distribution", "front", "id", "E1234567890ABC");
    CHECK(ids.derive("distribution", "front", "id", 13, base::Ids::kUpperAlnum) ==
          "E1234567890ABC");
    CHECK(ids.pinned("distribution", "api", "id").empty());
}

TEST_CASE("random texts have their shape and differ") {
    CHECK(base::random_hex(7).size() == 7);
    std::string uuid = base::random_uuid();
    CHECK(base::wildcard_match("*-*-4*-*-*", uuid));
    CHECK(uuid.find_first_not_of("0123456789abcdef-") == std::string::npos);
    CHECK(uuid != base::random_uuid());
    CHECK(base::random_base64url(40).size() == 40);
    for (int i = 0; i < 100; ++i)
        CHECK(base::random_below(3) < 3);
    std::string large(5000, '\0');
    base::random_bytes(large.data(), large.size());
    CHECK(large.find(std::string(16, '\0')) == std::string::npos);
}
