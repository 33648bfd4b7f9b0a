// Selection: which scenarios a change is about. frontend/ and backend/ have a tag of their name,
// all else is about the smoke scenarios, a changed scenario about itself. Pure. Source: harness.md
// §4.4.
#pragma once
#include <set>
#include <string>
#include <vector>

namespace push {

// Of a change, from its paths below the stack file's directory.
struct Areas {
    std::set<std::string> tags;       // frontend, backend, smoke
    std::set<std::string> scenarios;  // changed files

    // One text for one set of areas.
    std::string to_string() const;
};
Areas areas_of(const std::vector<std::string>& paths);

struct Candidate {
    std::string file;
    std::vector<std::string> tags;
};
struct Selection {
    std::vector<std::string> files, left_out;
};
// A tag that no scenario has stands for smoke; where none is tagged so, everything is selected.
Selection select(const Areas& areas, const std::vector<Candidate>& all);

}  // namespace push
