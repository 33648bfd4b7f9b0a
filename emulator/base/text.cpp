// Small string functions. ASCII only: HTTP, ARNs and AWS names are ASCII where case matters.
#include "base/text.h"

#include <algorithm>
#include <charconv>

namespace base {

namespace {

char lower_char(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
char upper_char(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

template <class T>
std::optional<T> parse_whole(std::string_view text) {
    T value{};
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return value;
}

// Two neighbours swapped are one edit: the commonest slip of a typist.
size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, substitution});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

}  // namespace

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower_char);
    return out;
}

std::string upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), upper_char);
    return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
               return lower_char(x) == lower_char(y);
           });
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator) {
    size_t at = text.find(separator);
    if (at == std::string_view::npos) return {text, {}};
    return {text.substr(0, at), text.substr(at + 1)};
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string out;
    for (size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) out += separator;
        out += parts[i];
    }
    return out;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
    std::string out;
    while (true) {
        size_t at = from.empty() ? std::string_view::npos : text.find(from);
        out += text.substr(0, at);
        if (at == std::string_view::npos) return out;
        out += to;
        text.remove_prefix(at + from.size());
    }
}

std::optional<uint64_t> parse_unsigned(std::string_view text) {
    if (text.starts_with('-')) return std::nullopt;
    return parse_whole<uint64_t>(text);
}

std::optional<int64_t> parse_signed(std::string_view text) {
    return parse_whole<int64_t>(text);
}

std::optional<double> parse_double(std::string_view text) {
    // from_chars would also read "inf" and "nan".
    if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return std::nullopt;
    return parse_whole<double>(text);
}

bool wildcard_match(std::string_view pattern, std::string_view text, Case letter_case) {
    auto same = [letter_case](char a, char b) {
        return letter_case == Case::Sensitive ? a == b : lower_char(a) == lower_char(b);
    };
    // Only the last star needs another try: at most |pattern| * |text| steps.
    size_t p = 0, t = 0, star = std::string_view::npos, star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || same(pattern[p], text[t]))) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

std::string closest(std::string_view word, const std::vector<std::string>& candidates) {
    constexpr size_t kLongestWord = 64;
    if (word.size() > kLongestWord) return {};
    std::string best;
    size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
    std::string wanted = lower(word);
    for (const std::string& candidate : candidates) {
        if (candidate.size() > kLongestWord) continue;
        size_t distance = edit_distance(wanted, lower(candidate));
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

bool is_valid_utf8(std::string_view text) {
    auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    for (size_t i = 0; i < text.size();) {
        uint8_t first = byte(i);
        size_t length = first < 0x80   ? 1
                        : first < 0xC2 ? 0
                        : first < 0xE0 ? 2
                        : first < 0xF0 ? 3
                        : first < 0xF5 ? 4
                                       : 0;
        if (length == 0 || i + length > text.size()) return false;
        for (size_t j = 1; j < length; ++j)
            if ((byte(i + j) & 0xC0) != 0x80) return false;
        // Overlong forms, surrogates, beyond U+10FFFF (RFC 3629 §4).
        if (first == 0xE0 && byte(i + 1) < 0xA0) return false;
        if (first == 0xED && byte(i + 1) > 0x9F) return false;
        if (first == 0xF0 && byte(i + 1) < 0x90) return false;
        if (first == 0xF4 && byte(i + 1) > 0x8F) return false;
        i += length;
    }
    return true;
}

}  // namespace base
