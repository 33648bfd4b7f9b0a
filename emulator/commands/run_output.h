// What a run leaves behind as files and for other programs: reports by kind, GitHub's annotations.
#pragma once
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace commands {

// "junit=F,html=G": (kind, file). An error is one sentence; nothing has been run yet.
std::expected<std::vector<std::pair<std::string, std::string>>, std::string> wanted_reports(
    const std::string& text);
// Writes them; the exit code, a problem is printed.
int write_reports(const std::vector<std::pair<std::string, std::string>>& wanted,
                  const base::Node& record);

// Of --format. Pretty: for people; Plain: the same without a live line and colours.
enum class Format { Pretty, Plain, Github, Tap, Json };
std::expected<Format, std::string> parse_format(const std::string& text);
// What the format prints once the run has ended: annotations and the step summary, TAP, JSON.
int print_formatted(Format format, const base::Node& record);

}  // namespace commands
