// Source: finding lines and drawing carets under them.
#include "scenarios/runner/source.h"

#include <fmt/format.h>

#include <algorithm>

namespace scenarios {
namespace {

constexpr size_t kShownColumns = 96;   // of a line; around the caret when it is longer
constexpr size_t kColumnsBefore = 40;  // kept before the caret then

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// The byte where character `column` (1-based) starts.
size_t byte_of(std::string_view line, uint32_t column) {
    uint32_t seen = 0;
    for (size_t at = 0; at < line.size(); ++at)
        if (!is_continuation(line[at]) && ++seen == column) return at;
    return line.size();
}

uint32_t code_point(std::string_view text, size_t at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const size_t length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    uint32_t value = length == 1 ? byte : byte & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length && at + i < text.size(); ++i)
        value = value << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3F);
    return value;
}

// Unicode's East Asian Width W and F, by block.
bool is_wide(uint32_t c) {
    return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0x303E) ||
           (c >= 0x3041 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) ||
           (c >= 0xFF00 && c <= 0xFF60) || (c >= 0xFFE0 && c <= 0xFFE6) ||
           (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
}

// Tabs as one space, so that the caret stands under its character.
std::string without_tabs(std::string_view text) {
    std::string out(text);
    std::replace(out.begin(), out.end(), '\t', ' ');
    return out;
}

}  // namespace

size_t display_width(std::string_view text) {
    size_t width = 0;
    for (size_t at = 0; at < text.size(); ++at)
        if (!is_continuation(text[at])) width += is_wide(code_point(text, at)) ? 2 : 1;
    return width;
}

size_t count_characters(std::string_view text) {
    return static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

std::string_view Source::line(uint32_t number) const {
    std::string_view rest = text;
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
    for (uint32_t at = 1; at < number; ++at) {
        const size_t end = rest.find('\n');
        if (end == std::string_view::npos) return {};
        rest.remove_prefix(end + 1);
    }
    rest = rest.substr(0, rest.find('\n'));
    if (rest.ends_with('\r')) rest.remove_suffix(1);
    return rest;
}

std::string_view Source::from(base::Position position) const {
    const std::string_view whole = line(position.line);
    return whole.substr(byte_of(whole, position.column));
}

std::string show_place(const Source& source, base::Position position, uint32_t length,
                       std::string_view label) {
    if (position.line == 0) return fmt::format("  ┌─ {}\n", source.file);
    const std::string number = std::to_string(position.line);
    const std::string gutter(number.size(), ' ');
    std::string out = fmt::format("{} ┌─ {}:{}:{}\n{} │\n", gutter, source.file, position.line,
                                  position.column, gutter);

    std::string_view line = source.line(position.line);
    size_t caret = byte_of(line, position.column);
    size_t end = byte_of(line, position.column + std::max<uint32_t>(length, 1));
    const size_t indent = std::min(line.find_first_not_of(" \t"), caret);
    size_t first = 0;
    if (display_width(line) > kShownColumns) {
        first = indent == std::string_view::npos ? 0 : indent;
        while (display_width(line.substr(first, caret - first)) > kColumnsBefore)
            do
                ++first;
            while (first < caret && is_continuation(line[first]));
    }
    size_t last = line.size();
    while (last > end && display_width(line.substr(first, last - first)) > kShownColumns)
        do
            --last;
        while (last > end && is_continuation(line[last]));
    const bool cut_before = first > (indent == std::string_view::npos ? 0 : indent);
    const std::string_view lead = cut_before ? "… " : "";
    const std::string before = std::string(lead) + without_tabs(line.substr(first, caret - first));
    out +=
        fmt::format("{} │ {}{}{}\n", number, before, without_tabs(line.substr(caret, last - caret)),
                    last < line.size() ? " …" : "");
    const size_t under =
        std::max<size_t>(1, display_width(line.substr(caret, std::min(end, last) - caret)));
    out += fmt::format("{} │ {}{}{}{}\n", gutter, std::string(display_width(before), ' '),
                       std::string(under, '^'), label.empty() ? "" : " ", label);
    return out;
}

std::string show(const Source& source, const Problem& problem) {
    std::string out = fmt::format("error: {}\n", problem.message) +
                      show_place(source, problem.position, problem.length, problem.label);
    if (!problem.hint.empty()) {
        const std::string gutter(
            problem.position.line ? std::to_string(problem.position.line).size() : 1, ' ');
        out += fmt::format("{} = {}\n", gutter, problem.hint);
    }
    return out;
}

}  // namespace scenarios
