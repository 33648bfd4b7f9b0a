// Checklist: reading it, and comparing it with what the cases cover.
#include "checklist.h"

#include <fmt/format.h>

#include "base/text.h"

namespace conformance {
namespace {

bool is_id(std::string_view word) {
    // "12", "12a", "A-3": digits somewhere, nothing but letters, digits, '-' and '.'.
    bool digit = false;
    for (char c : word) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool number = c >= '0' && c <= '9';
        digit = digit || number;
        if (!letter && !number && c != '-' && c != '.') return false;
    }
    return digit;
}

}  // namespace

Checklist parse_checklist(std::string_view text) {
    Checklist list;
    size_t number = 0;
    for (std::string_view line : base::split(text, '\n')) {
        ++number;
        line = base::trim(line);
        if (!line.starts_with("- ") && !line.starts_with("* ")) continue;
        const auto [id, rest] = base::cut(base::trim(line.substr(2)), ' ');
        if (!is_id(id)) continue;
        ChecklistLine entry{.line = number};
        const std::string_view place = base::trim(rest);
        if (place.starts_with("deferred")) {
            entry.place = ChecklistLine::Place::Deferred;
            entry.reason = base::trim(base::cut(place, ':').second);
            if (entry.reason.empty())
                list.problems.push_back(
                    fmt::format("line {}: {} is deferred without a reason", number, id));
        } else if (place.starts_with("unit") || place.starts_with("e2e")) {
            entry.place = ChecklistLine::Place::Elsewhere;
        } else if (!place.empty() && !place.starts_with("case")) {
            list.problems.push_back(fmt::format(
                "line {}: \"{}\" is no place: unit, e2e, case or deferred", number, place));
        }
        if (!list.lines.emplace(id, entry).second)
            list.problems.push_back(fmt::format("line {}: {} is listed twice", number, id));
    }
    return list;
}

std::vector<std::string> coverage_problems(
    const Checklist& checklist, const std::map<std::string, std::vector<std::string>>& covers) {
    std::vector<std::string> problems = checklist.problems;
    for (const auto& [id, line] : checklist.lines)
        if (line.place == ChecklistLine::Place::Case && !covers.contains(id))
            problems.push_back(fmt::format("{} is covered by no case", id));
    for (const auto& [id, cases] : covers)
        if (!checklist.lines.contains(id))
            problems.push_back(
                fmt::format("{} is not in the checklist, but covered by {}", id, cases.front()));
    return problems;
}

}  // namespace conformance
