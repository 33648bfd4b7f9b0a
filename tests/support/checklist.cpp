// See checklist.h.
#include "support/checklist.h"

#include <fstream>
#include <regex>
#include <sstream>

namespace checklist {
namespace {

const std::string kDeferred = "deferred";

// "tests/unit/http/range_test.cpp "a suffix range"": whether the text stands in the file.
bool stands(const std::filesystem::path& root, const std::string& quote) {
    const size_t begin = quote.find(" \"");
    if (begin == quote.npos) return false;
    const std::string text = quote.substr(begin + 2, quote.size() - begin - 3);
    return read(root / quote.substr(0, begin)).find(text) != std::string::npos;
}

}  // namespace

std::string read(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

std::set<int> ids_in(const std::string& text) {
    static const std::regex kId("#(\\d+)(?: to #(\\d+))?");
    std::set<int> ids;
    for (std::sregex_iterator at(text.begin(), text.end(), kId), end; at != end; ++at) {
        const int first = std::stoi((*at)[1]),
                  last = (*at)[2].matched ? std::stoi((*at)[2]) : first;
        for (int id = first; id <= last; ++id)
            ids.insert(id);
    }
    return ids;
}

std::set<int> ids_in_names(const std::filesystem::path& folder) {
    static const std::regex kName("TEST_CASE\\(((?:\\s*\"(?:[^\"\\\\]|\\\\.)*\")+)"),
        kSeam("\"\\s+\"");
    std::set<int> ids;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        const std::string text = read(file.path());
        for (std::sregex_iterator at(text.begin(), text.end(), kName), end; at != end; ++at)
            ids.merge(ids_in(std::regex_replace((*at)[1].str(), kSeam, "")));
    }
    return ids;
}

std::string problems(const Checklist& list) {
    static const std::regex kLine("- (\\d+) (\\w+)(?:: (.+))?");
    std::string out;
    std::set<int> listed;
    std::istringstream lines(list.text);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("- ")) continue;
        std::smatch match;
        const bool read_well = std::regex_match(line, match, kLine);
        const std::string place = read_well ? match[2].str() : "",
                          reason = read_well ? match[3].str() : "";
        const auto tested = list.tested.find(place);
        const bool elsewhere = list.compared_elsewhere.contains(place);
        if (place != kDeferred && !elsewhere && tested == list.tested.end()) {
            out += "not understood: " + line + "\n";
            continue;
        }
        const int id = std::stoi(match[1]);
        if (id < 1 || id > list.assertions || !listed.insert(id).second)
            out += "unknown or twice: " + line + "\n";
        if (reason.empty() && (place == kDeferred || list.explained.contains(place)))
            out += "without a reason: " + line + "\n";
        if (tested == list.tested.end()) continue;
        if (const auto root = list.quoted.find(place);
            root != list.quoted.end() && !reason.empty()) {
            if (!stands(root->second, reason)) out += "not found: " + line + "\n";
        } else if (!tested->second.contains(id)) {
            out += "no " + place + " test names #" + match[1].str() + "\n";
        }
    }
    for (int id = 1; id <= list.assertions; ++id)
        if (!listed.contains(id)) out += "not listed: " + std::to_string(id) + "\n";
    return out;
}

}  // namespace checklist
