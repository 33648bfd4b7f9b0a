// tests/conformance/elbv2/CHECKLIST.md against the tests: every assertion of alb.md §27 has a
// place, and the place has it.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace {

constexpr int kAssertions = 94;

std::string read(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// "#12" and "#12 to #15" in the names of this folder's cases.
std::set<int> in_unit_tests() {
    std::set<int> numbers;
    static const std::regex kName("TEST_CASE\\(\\s*\"[^\"]*\"");
    static const std::regex kNumber("#(\\d+)(?: to #(\\d+))?");
    for (const auto& file :
         std::filesystem::directory_iterator(std::string(SOURCE_DIR) + "/tests/unit/elbv2")) {
        const std::string text = read(file.path());
        for (std::sregex_iterator at(text.begin(), text.end(), kName), end; at != end; ++at) {
            const std::string name = at->str();
            for (std::sregex_iterator n(name.begin(), name.end(), kNumber); n != end; ++n) {
                int first = std::stoi((*n)[1]), last = (*n)[2].matched ? std::stoi((*n)[2]) : first;
                for (int number = first; number <= last; ++number)
                    numbers.insert(number);
            }
        }
    }
    return numbers;
}

}  // namespace

TEST_CASE("every assertion of the checklist has its test") {
    const std::set<int> tested = in_unit_tests();
    std::set<int> listed;
    std::string problems;
    std::istringstream lines(
        read(std::string(SOURCE_DIR) + "/tests/conformance/elbv2/CHECKLIST.md"));
    static const std::regex kLine("- (\\d+) (unit|deferred)(?:: (.+))?");
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (!line.starts_with("- ")) continue;
        if (!std::regex_match(line, match, kLine)) {
            problems += "not understood: " + line + "\n";
            continue;
        }
        const int number = std::stoi(match[1]);
        const std::string place = match[2], rest = match[3];
        if (number < 1 || number > kAssertions || !listed.insert(number).second)
            problems += "unknown or twice: " + line + "\n";
        if (place == "unit" && rest.empty() && !tested.contains(number))
            problems += "no test names #" + match[1].str() + "\n";
        if (place == "deferred" && rest.empty())
            problems += "deferred without a reason: " + line + "\n";
        if (place == "unit" && !rest.empty()) {
            // Another folder's test: FILE "text that stands in it"
            const size_t quote = rest.find(" \"");
            const std::string text = read(std::string(SOURCE_DIR) + "/" + rest.substr(0, quote));
            if (quote == rest.npos ||
                text.find(rest.substr(quote + 2, rest.size() - quote - 3)) == text.npos)
                problems += "not found: " + line + "\n";
        }
    }
    for (int number = 1; number <= kAssertions; ++number)
        if (!listed.contains(number)) problems += "not listed: " + std::to_string(number) + "\n";
    CHECK(problems == "");
}
