// CountryMap: the country a viewer's address stands for. AWS asks a commercial table; here the
// stack declares ranges ("countries" in dodam.json), and addresses outside all of them have no
// country.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "net/ip_range.h"

namespace cloudfront {

class CountryMap {
  public:
    // False when the range is none.
    bool add(std::string_view range, std::string country);
    // Of the narrowest range that holds the address; "" = unknown.
    std::string country_of(std::string_view ip) const;

  private:
    struct Row {
        net::IpRange range;
        std::string country;
    };
    std::vector<Row> rows_;  // narrowest first
};

}  // namespace cloudfront
