// Mask: values that are shown nowhere. One choke point for every writer: by value, also as base64
// and percent-encoded.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scenarios {

class Mask {
  public:
    // Shorter values are not masked: they stand in too many texts.
    void hide(std::string_view name, const std::string& value);
    void add(const Mask& other);
    std::string operator()(std::string_view text) const;

  private:
    std::vector<std::pair<std::string, std::string>> values_;  // value → ***name***, longest first
};

}  // namespace scenarios
