// Text: the small string functions everyone needs. ASCII only, locale never read.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace base {

std::string lower(std::string_view text);
std::string upper(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);
std::string_view trim(std::string_view text);  // spaces and tabs, CR, LF
std::vector<std::string_view> split(std::string_view text, char separator);  // keeps empty parts
// The part before the first separator, and after it ("" when there is none).
std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);
// Whole text, digits only, no sign, no overflow.
std::optional<uint64_t> parse_unsigned(std::string_view text);
std::optional<int64_t> parse_signed(std::string_view text);
std::optional<double> parse_double(std::string_view text);
// `*` any run, `?` one character; anchored at both ends; linear in practice, never exponential.
enum class Case { Sensitive, Insensitive };
bool wildcard_match(std::string_view pattern, std::string_view text,
                    Case letter_case = Case::Sensitive);
// The closest of `candidates` within a small edit distance, for "did you mean"; "" if none is near.
std::string closest(std::string_view word, const std::vector<std::string>& candidates);
bool is_valid_utf8(std::string_view text);

struct TransparentHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

}  // namespace base
