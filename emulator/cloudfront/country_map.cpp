// See country_map.h. CloudFront guide, "Restrict the geographic distribution of your content".
#include "cloudfront/country_map.h"

#include <algorithm>

namespace cloudfront {

bool CountryMap::add(std::string_view range, std::string country) {
    auto parsed = net::IpRange::parse(range);
    if (!parsed) return false;
    auto place = std::ranges::find_if(
        rows_, [&](const Row& row) { return row.range.prefix_bits() < parsed->prefix_bits(); });
    rows_.insert(place, {*parsed, std::move(country)});
    return true;
}

std::string CountryMap::country_of(std::string_view ip) const {
    for (const Row& row : rows_)
        if (row.range.contains(ip)) return row.country;
    return {};
}

}  // namespace cloudfront
