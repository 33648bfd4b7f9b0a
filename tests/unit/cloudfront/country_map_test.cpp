// Countries by address: the narrowest range wins, the rest of the world has none.
#include "cloudfront/country_map.h"

#include <catch2/catch.hpp>

using cloudfront::CountryMap;

TEST_CASE("a viewer's country is that of the narrowest range", "[cloudfront]") {
    CountryMap map;
    CHECK(map.country_of("127.0.0.1").empty());
    CHECK(map.add("127.0.0.0/8", "DE"));
    CHECK(map.add("127.0.7.7", "KP"));
    CHECK(map.add("127.0.7.0/24", "FR"));
    CHECK(!map.add("nowhere", "DE"));
    CHECK(map.country_of("127.0.0.1") == "DE");
    CHECK(map.country_of("127.0.7.1") == "FR");
    CHECK(map.country_of("127.0.7.7") == "KP");
    CHECK(map.country_of("10.0.0.1").empty());
}
