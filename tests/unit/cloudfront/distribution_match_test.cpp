// Host to distribution: cloudfront.md §10 #12, #13, #31.
#include "cloudfront/distribution_match.h"

#include <catch2/catch.hpp>

using namespace cloudfront;

TEST_CASE("exact names beat wildcards; the apex is no subdomain (#12, #13)", "[cloudfront]") {
    auto make = [](std::string id, std::vector<std::string> aliases, bool enabled = true) {
        auto distribution = std::make_shared<Distribution>();
        distribution->id = id;
        distribution->domain_name = "d" + id + ".cloudfront.net";
        distribution->name = "name-" + id;
        distribution->aliases = std::move(aliases);
        distribution->enabled = enabled;
        return distribution;
    };
    HostTable hosts;
    hosts.add(make("1", {"a.example.com"}));
    hosts.add(make("2", {"*.example.com"}));
    hosts.add(make("3", {"*.deep.example.com"}));
    hosts.add(make("4", {}, false));
    auto id = [&](std::string_view host) {
        return hosts.find(host) ? (*hosts.find(host))->id : std::string("-");
    };
    CHECK(id("a.example.com") == "1");
    CHECK(id("A.EXAMPLE.com:8080") == "1");
    CHECK(id("b.example.com") == "2");
    CHECK(id("x.y.example.com") == "2");
    CHECK(id("x.deep.example.com") == "3");
    CHECK(id("example.com") == "-");
    CHECK(id("d1.cloudfront.net") == "1");
    CHECK(id("name-2.localhost:8080") == "2");
    CHECK(id("d4.cloudfront.net") == "-");
    CHECK(hosts.owns("d4.cloudfront.net"));
    CHECK_FALSE(hosts.owns("d5.cloudfront.net"));
    CHECK(id("") == "-");
}
