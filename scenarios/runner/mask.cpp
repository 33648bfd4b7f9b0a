// Mask: replacing, longest values first.
#include "scenarios/runner/mask.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"

namespace scenarios {
namespace {

constexpr size_t kShortest = 6;
constexpr size_t kShortestBase64 = 8;  // of a part that stands in the middle of a longer one

// The characters that a value becomes inside the base64 of something longer, when `before` bytes
// of its group stand before it: those that depend on the value alone.
std::string base64_inside(const std::string& value, size_t before) {
    std::string text = base::to_base64(std::string(before, '\0') + value);
    while (text.ends_with('='))
        text.pop_back();
    // A character carries six bits; those that share them with a neighbour are left out.
    const size_t first = (before * 8 + 5) / 6, last = (before + value.size()) * 8 / 6;
    return first < last ? text.substr(first, last - first) : std::string();
}

std::string lower_percents(std::string text) {
    for (size_t i = 0; i + 2 < text.size(); ++i)
        if (text[i] == '%')
            for (size_t digit = i + 1; digit <= i + 2; ++digit)
                text[digit] = base::lower(std::string_view(text).substr(digit, 1)).front();
    return text;
}

}  // namespace

void Mask::hide_form(std::string form, const std::string& shown) {
    if (form.size() < kShortest) return;
    const bool held = std::any_of(values_.begin(), values_.end(),
                                  [&](const auto& each) { return each.first == form; });
    if (!held) values_.emplace_back(std::move(form), shown);
}

void Mask::hide(std::string_view name, const std::string& value) {
    if (value.size() < kShortest) return;
    const std::string shown = "***" + std::string(name) + "***";
    const std::string quoted = base::quote_json(value);
    std::string whole = base::to_base64(value);
    while (whole.ends_with('='))
        whole.pop_back();
    const std::string encoded = base::percent_encode(value);
    for (const std::string& form :
         {value, quoted.substr(1, quoted.size() - 2), whole, encoded, lower_percents(encoded),
          base::replace_all(encoded, "%20", "+")})
        hide_form(form, shown);
    for (size_t before = 0; before < 3; ++before) {
        std::string form = base64_inside(value, before);
        if (form.size() < kShortestBase64) continue;
        hide_form(base::replace_all(base::replace_all(form, "+", "-"), "/", "_"), shown);
        hide_form(std::move(form), shown);
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

base::Node Mask::everywhere(const base::Node& node) const {
    if (node.is_string()) return (*this)(node.as_string());
    if (node.is_array()) {
        base::Node out = base::Node::array();
        for (const base::Node& item : node.items())
            out.push_back(everywhere(item));
        return out;
    }
    if (!node.is_object()) return node;
    base::Node out = base::Node::object();
    for (const auto& [key, value] : node.members())
        out.set((*this)(key), everywhere(value));
    return out;
}

}  // namespace scenarios
