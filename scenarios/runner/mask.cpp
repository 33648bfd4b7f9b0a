// Mask: replacing, longest values first.
#include "scenarios/runner/mask.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"

namespace scenarios {
namespace {
constexpr size_t kShortest = 6;
}

void Mask::hide(std::string_view name, const std::string& value) {
    if (value.size() < kShortest) return;
    const std::string shown = "***" + std::string(name) + "***";
    std::string quoted = base::quote_json(value);
    quoted = quoted.substr(1, quoted.size() - 2);
    std::string base64 = base::to_base64(value);
    while (base64.ends_with('='))
        base64.pop_back();
    for (std::string form : {value, quoted, base64, base::percent_encode(value)}) {
        const bool held = std::any_of(values_.begin(), values_.end(),
                                      [&](const auto& each) { return each.first == form; });
        if (!held) values_.emplace_back(std::move(form), shown);
    }
    std::stable_sort(values_.begin(), values_.end(),
                     [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
}

void Mask::add(const Mask& other) {
    for (const auto& value : other.values_)
        if (std::find(values_.begin(), values_.end(), value) == values_.end())
            values_.push_back(value);
    std::stable_sort(values_.begin(), values_.end(),
                     [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
}

std::string Mask::operator()(std::string_view text) const {
    std::string out(text);
    for (const auto& [value, shown] : values_)
        if (out.find(value) != std::string::npos) out = base::replace_all(out, value, shown);
    return out;
}

}  // namespace scenarios
