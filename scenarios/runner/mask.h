// Mask: values that are shown nowhere. One choke point for every writer: by value, also escaped as
// in JSON, percent-encoded, and inside any base64.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace scenarios {

class Mask {
  public:
    // Shorter values are not masked: they stand in too many texts.
    void hide(std::string_view name, const std::string& value);
    void add(const Mask& other);
    std::string operator()(std::string_view text) const;
    // Every text in it, keys included.
    base::Node everywhere(const base::Node& node) const;

  private:
    void hide_form(std::string form, const std::string& shown);
    std::vector<std::pair<std::string, std::string>> values_;  // value → ***name***, longest first
};

}  // namespace scenarios
