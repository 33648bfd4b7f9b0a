// tests/conformance/{ecs,ecr}/CHECKLIST.md against the tests: every assertion of ecs-ecr.md §27 has a place,
// and the place has it.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace {

constexpr int kAssertions = 88;
const std::string kTests = std::string(SOURCE_DIR) + "/tests/";

std::string read(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// "#12" and "#12 to #15" below the file's own head, which names whole sections.
std::set<int> numbers_in(const std::filesystem::path& path) {
    std::set<int> numbers;
    std::string text = read(path);
    text.erase(0, text.find("\n\n"));
    static const std::regex kNumber("#(\\d+)(?: to #(\\d+))?");
    for (std::sregex_iterator at(text.begin(), text.end(), kNumber), end; at != end; ++at) {
        int last = (*at)[2].matched ? std::stoi((*at)[2]) : std::stoi((*at)[1]);
        for (int number = std::stoi((*at)[1]); number <= last; ++number) numbers.insert(number);
    }
    return numbers;
}

std::set<int> in_unit_tests() {
    std::set<int> numbers;
    for (const char* folder : {"ecs", "ecr", "logs", "ssm", "secretsmanager"})
        for (const auto& file : std::filesystem::directory_iterator(kTests + "unit/" + folder)) numbers.merge(numbers_in(file.path()));
    return numbers;
}

}  // namespace

TEST_CASE("every assertion of the checklists has its test") {
    std::map<std::string, std::set<int>> places = {{"unit", in_unit_tests()}, {"e2e", numbers_in(kTests + "e2e/ecs.sh")}};
    std::set<int> listed;
    std::string problems;
    static const std::regex kLine("- (\\d+) (unit|e2e|deferred)(: .+)?");
    std::istringstream lines(read(kTests + "conformance/ecs/CHECKLIST.md") + read(kTests + "conformance/ecr/CHECKLIST.md"));
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (!line.starts_with("- ")) continue;
        if (!std::regex_match(line, match, kLine)) {
            problems += "not understood: " + line + "\n";
            continue;
        }
        int number = std::stoi(match[1]);
        if (number < 1 || number > kAssertions || !listed.insert(number).second) problems += "unknown or twice: " + line + "\n";
        if (match[2] == "deferred" && !match[3].matched) problems += "deferred without a reason: " + line + "\n";
        if (match[2] != "deferred" && !places[match[2]].contains(number)) problems += "no " + match[2].str() + " test names #" + match[1].str() + "\n";
    }
    CHECK(problems == "");
    CHECK(listed.size() == kAssertions);
}
