// What a step says to its runner: the files GITHUB_OUTPUT, GITHUB_ENV, GITHUB_STATE and
// GITHUB_PATH, and
// `::command::` lines of its output. Pure. Source: GitHub docs, "Workflow commands for GitHub
// Actions".
#pragma once
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace workflow {

inline constexpr size_t kMaxSummaryBytes = 1 << 20;  // of one step
inline constexpr size_t kMaxFileBytes = 64 << 20;    // GUESS: what is read back of one file
inline constexpr size_t kMaxOutputBytes = 1 << 20;   // of one job's outputs

using Assignments = std::vector<std::pair<std::string, std::string>>;

// name=value and name<<DELIMITER … DELIMITER; an error is the runner's sentence.
std::expected<Assignments, std::string> parse_assignments(std::string_view text);
// One directory a line.
std::vector<std::string> parse_paths(std::string_view text);

struct LogCommand {
    std::string name;  // lower case
    std::map<std::string, std::string> properties;
    std::string data;
};
// `::name key=value,key=value::data`, also the older ##[name]data.
std::optional<LogCommand> parse_log_command(std::string_view line);

}  // namespace workflow
