// Source: a scenario file's text, and the problems found in it, shown as a compiler shows them:
// message, place, the line with a caret, what is known about it, and the way out. Source:
// harness.md §3.4.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace scenarios {

struct Source {
    std::string file;  // as shown
    std::string text;

    std::string_view line(uint32_t number) const;  // 1-based, without its end
    // The text from a position to its line's end.
    std::string_view from(base::Position position) const;
};

struct Problem {
    base::Position position;
    uint32_t length = 1;  // characters under the caret
    std::string message;
    std::string label;  // beside the caret
    std::string hint;   // after "= "
};

inline constexpr size_t kMaxProblemsPerFile = 20;

// The place alone: "┌─ file:line:column", the line, the caret with its label.
std::string show_place(const Source& source, base::Position position, uint32_t length,
                       std::string_view label);
// "error: …" and the place below it.
std::string show(const Source& source, const Problem& problem);

// Columns that a terminal gives to the text: two for wide East Asian characters.
size_t display_width(std::string_view text);
size_t count_characters(std::string_view text);

}  // namespace scenarios
