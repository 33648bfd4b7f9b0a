// tests/conformance/cloudfront/CHECKLIST.md against the tests: every assertion of cloudfront.md §10 has
// a place, and where that is a unit test, the test is there. Cases are compared by `conformance`.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace {

constexpr int kAssertions = 115;

std::string read(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// The numbers in the names of the tests: "#12" and "#12-#15".
std::set<int> in_unit_tests() {
    std::set<int> numbers;
    static const std::regex kName("TEST_CASE\\(\"([^\"]*)\"");
    static const std::regex kNumber("#(\\d+)(?:-#(\\d+))?");
    for (const auto& file : std::filesystem::directory_iterator(std::string(SOURCE_DIR) + "/tests/unit/cloudfront")) {
        std::string text = read(file.path());
        for (std::sregex_iterator name(text.begin(), text.end(), kName), end; name != end; ++name) {
            std::string title = (*name)[1];
            for (std::sregex_iterator at(title.begin(), title.end(), kNumber); at != end; ++at) {
                int first = std::stoi((*at)[1]), last = (*at)[2].matched ? std::stoi((*at)[2]) : first;
                for (int number = first; number <= last; ++number) numbers.insert(number);
            }
        }
    }
    return numbers;
}

}  // namespace

TEST_CASE("every assertion of the checklist has its test", "[cloudfront]") {
    std::set<int> tested = in_unit_tests(), listed;
    std::string problems;
    std::istringstream lines(read(std::string(SOURCE_DIR) + "/tests/conformance/cloudfront/CHECKLIST.md"));
    static const std::regex kLine("- (\\d+) (case|unit|deferred)(: .+)?");
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (!line.starts_with("- ")) continue;
        if (!std::regex_match(line, match, kLine)) {
            problems += "not understood: " + line + "\n";
            continue;
        }
        int number = std::stoi(match[1]);
        if (number < 1 || number > kAssertions || !listed.insert(number).second) problems += "unknown or twice: " + line + "\n";
        if (match[2] != "case" && !match[3].matched) problems += "without a reason: " + line + "\n";
        if (match[2] == "unit" && !tested.contains(number)) problems += "no test names #" + match[1].str() + "\n";
    }
    for (int number = 1; number <= kAssertions; ++number)
        if (!listed.contains(number)) problems += "not listed: " + std::to_string(number) + "\n";
    CHECK(problems == "");
}
