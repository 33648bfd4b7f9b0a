// Checklist: the assertion ids of one service's spec, and where each is checked. A line is "- ID
// PLACE": `unit` or `e2e` (checked there), `deferred: reason`, or nothing and `case` (a conformance
// case must have the id in "covers").
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

struct ChecklistLine {
    enum class Place { Case, Elsewhere, Deferred };
    Place place = Place::Case;
    std::string reason;
    size_t line = 0;
};

struct Checklist {
    std::map<std::string, ChecklistLine> lines;
    std::vector<std::string> problems;  // what is wrong with the list itself
};

Checklist parse_checklist(std::string_view text);

// What is uncovered, unknown or deferred without a reason; `covers`: id → the cases that have it.
std::vector<std::string> coverage_problems(
    const Checklist& checklist, const std::map<std::string, std::vector<std::string>>& covers);

}  // namespace conformance
