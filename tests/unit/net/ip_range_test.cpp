// Addresses in ranges: both families, odd prefix lengths, and what is no range.
#include "net/ip_range.h"

#include <catch2/catch.hpp>

TEST_CASE("an address lies in a range by its first bits") {
    struct Case {
        const char *range, *ip;
        bool inside;
    };
    const Case cases[] = {
        {"127.0.0.9", "127.0.0.9", true},
        {"127.0.0.9", "127.0.0.8", false},
        {"127.0.1.0/24", "127.0.1.255", true},
        {"127.0.1.0/24", "127.0.2.0", false},
        {"10.0.0.0/9", "10.127.0.1", true},
        {"10.0.0.0/9", "10.128.0.1", false},
        {"0.0.0.0/0", "203.0.113.1", true},
        {"0.0.0.0/0", "::1", false},
        {"::1/128", "::1", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"127.0.0.0/8", "::ffff:127.0.0.1", true},
        {"127.0.0.0/8", "", false},
    };
    for (const Case& c : cases) {
        INFO(c.range << " " << c.ip);
        auto range = net::IpRange::parse(c.range);
        REQUIRE(range);
        CHECK(range->contains(c.ip) == c.inside);
    }
    for (const char* wrong :
         {"", "/8", "127.0.0.0/33", "127.0.0.0/", "127.0.0.0/-1", "::/129", "127.0.0", "DE"}) {
        INFO(wrong);
        CHECK(!net::IpRange::parse(wrong));
    }
}
