// Names to sockets: exact names first, then the longest wildcard; nothing else is dialled.
#include "net/resolver.h"

#include <catch2/catch.hpp>

TEST_CASE("a wildcard stands for every name below its suffix, and the longest suffix counts") {
    net::Resolver resolver;
    auto dial_to = [](std::string text) {
        return [text](net::Deadline) -> net::Result<net::Socket> {
            return std::unexpected(net::Error{net::ErrorKind::Refused, 0, text});
        };
    };
    resolver.set("*.amazonaws.com", 80, dial_to("any"));
    resolver.set("*.s3.eu-west-1.amazonaws.com", 80, dial_to("s3"));
    resolver.set("b.s3.eu-west-1.amazonaws.com", 80, dial_to("exact"));
    auto reached = [&](const char* name) {
        return resolver.dial(name, 80, net::Deadline::never()).error().text;
    };
    CHECK(reached("b.s3.eu-west-1.amazonaws.com") == "exact");
    CHECK(reached("C.S3.eu-west-1.amazonaws.com") == "s3");
    CHECK(reached("sts.amazonaws.com") == "any");
    CHECK(!resolver.knows("amazonaws.com", 80));
    CHECK(!resolver.knows("sts.amazonaws.com", 81));
}

TEST_CASE("an unknown name is never dialled") {
    net::Resolver resolver;
    auto dialled = resolver.dial("example.org", 443, net::Deadline::never());
    REQUIRE(!dialled);
    CHECK(dialled.error().kind == net::ErrorKind::Unreachable);
    CHECK_THAT(dialled.error().text,
               Catch::Matchers::Contains("example.org:443 is not a name of this stack"));
}
