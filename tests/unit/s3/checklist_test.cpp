// tests/conformance/s3/CHECKLIST.md against the tests: every assertion of s3.md §9 has a place, and
// the place has it.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace {

constexpr int kAssertions = 150;

std::string read(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// "#12" and "#12 to #15" in a text.
void collect(const std::string& text, std::set<int>& numbers) {
    static const std::regex kNumber("#(\\d+)(?: to #(\\d+))?");
    for (std::sregex_iterator at(text.begin(), text.end(), kNumber), end; at != end; ++at) {
        int first = std::stoi((*at)[1]), last = (*at)[2].matched ? std::stoi((*at)[2]) : first;
        for (int number = first; number <= last; ++number)
            numbers.insert(number);
    }
}

std::set<int> in_unit_tests() {
    std::set<int> numbers;
    static const std::regex kName("TEST_CASE\\(((?:\\s*\"(?:[^\"\\\\]|\\\\.)*\")+)");
    for (const auto& file :
         std::filesystem::directory_iterator(std::string(SOURCE_DIR) + "/tests/unit/s3")) {
        std::string text = read(file.path());
        for (std::sregex_iterator at(text.begin(), text.end(), kName), end; at != end; ++at)
            collect(std::regex_replace((*at)[1].str(), std::regex("\"\\s+\""), ""), numbers);
    }
    return numbers;
}

std::set<int> in_scripts() {
    std::set<int> numbers;
    for (const char* name : {"s3_cli.sh", "s3.sh"})
        collect(read(std::string(SOURCE_DIR) + "/tests/e2e/" + name), numbers);
    return numbers;
}

}  // namespace

TEST_CASE("every assertion of the checklist has its test") {
    std::map<std::string, std::set<int>> places = {{"unit", in_unit_tests()},
                                                   {"e2e", in_scripts()}};
    std::set<int> listed;
    std::string problems;
    int deferred = 0;
    std::istringstream lines(read(std::string(SOURCE_DIR) + "/tests/conformance/s3/CHECKLIST.md"));
    static const std::regex kLine("- (\\d+) (unit|e2e|deferred)(: .+)?");
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (!line.starts_with("- ")) continue;
        if (!std::regex_match(line, match, kLine)) {
            problems += "not understood: " + line + "\n";
            continue;
        }
        int number = std::stoi(match[1]);
        if (number < 1 || number > kAssertions || !listed.insert(number).second)
            problems += "unknown or twice: " + line + "\n";
        if (match[2] == "deferred") {
            ++deferred;
            if (!match[3].matched) problems += "deferred without a reason: " + line + "\n";
        } else if (!places[match[2]].contains(number)) {
            problems += "no " + match[2].str() + " test names #" + match[1].str() + "\n";
        }
    }
    for (int number = 1; number <= kAssertions; ++number)
        if (!listed.contains(number)) problems += "not listed: " + std::to_string(number) + "\n";
    INFO(deferred << " deferred");
    CHECK(problems == "");
}
