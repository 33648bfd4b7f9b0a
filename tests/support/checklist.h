// A service's CHECKLIST.md against its tests: every assertion of the spec has a place, and the
// place has it. A line is "- ID PLACE[: REASON]"; tests name the ids they check as "#12" or "#12 to
// #15".
#pragma once
#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace checklist {

std::string read(const std::filesystem::path& path);
std::set<int> ids_in(const std::string& text);
// In the names of a folder's cases.
std::set<int> ids_in_names(const std::filesystem::path& folder);

struct Checklist {
    std::string text;
    int assertions = 0;                           // ids are 1 to this, each listed once
    std::map<std::string, std::set<int>> tested;  // place → the ids its tests name
    std::set<std::string>
        compared_elsewhere;           // places whose lines need neither a test here nor a reason
    std::set<std::string> explained;  // places, beside "deferred", whose lines need a reason
    // A place whose reason is another folder's test: FILE below this root, and "a text that stands
    // in it".
    std::map<std::string, std::filesystem::path> quoted;
};

// A problem a line; "" = none.
std::string problems(const Checklist& list);

}  // namespace checklist
