// Reports to files and other programs.
#include "commands/run_output.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/text.h"
#include "commands/client.h"
#include "scenarios/runner/record.h"
#include "state/instance.h"

namespace commands {
namespace {

namespace fs = std::filesystem;
using base::Node;

std::string json_text(const Node& record) {
    return base::to_json(record, 2) + "\n";
}

struct Kind {
    std::string_view name;
    std::string (*write)(const Node& record);
};
constexpr Kind kKinds[] = {{"junit", scenarios::junit_xml},
                           {"json", json_text},
                           {"tap", scenarios::tap_report},
                           {"html", scenarios::html_report},
                           {"markdown", scenarios::github_summary}};

const Kind* find_kind(std::string_view name) {
    for (const Kind& kind : kKinds)
        if (kind.name == name) return &kind;
    return nullptr;
}

}  // namespace

std::expected<std::vector<std::pair<std::string, std::string>>, std::string> wanted_reports(
    const std::string& text) {
    std::vector<std::pair<std::string, std::string>> out;
    if (text.empty()) return out;
    for (std::string_view line : base::split(text, '\n'))
        for (std::string_view part : base::split(line, ',')) {
            const auto [kind, file] = base::cut(part, '=');
            std::vector<std::string> names;
            for (const Kind& each : kKinds)
                names.emplace_back(each.name);
            if (find_kind(kind) == nullptr || file.empty())
                return std::unexpected(
                    fmt::format("\"{}\" is no report: write KIND=FILE with one of {}", part,
                                base::join(names, ", ")));
            out.emplace_back(kind, file);
        }
    return out;
}

int write_reports(const std::vector<std::pair<std::string, std::string>>& wanted,
                  const Node& record) {
    for (const auto& [kind, file] : wanted) {
        if (const auto folder = fs::path(file).parent_path(); !folder.empty()) {
            std::error_code ignored;
            fs::create_directories(folder, ignored);
        }
        if (auto written = state::write_file(file, find_kind(kind)->write(record)); !written)
            return fail(kWrongInput, fmt::format("cannot write {}: {}", file, written.error()));
    }
    return kOk;
}

std::expected<Format, std::string> parse_format(const std::string& text) {
    constexpr std::pair<std::string_view, Format> kFormats[] = {{"pretty", Format::Pretty},
                                                                {"plain", Format::Plain},
                                                                {"github", Format::Github},
                                                                {"tap", Format::Tap},
                                                                {"json", Format::Json}};
    if (text.empty()) {
        const char* actions = std::getenv("GITHUB_ACTIONS");
        return actions && std::string_view(actions) == "true" ? Format::Github : Format::Pretty;
    }
    for (const auto& [name, format] : kFormats)
        if (name == text) return format;
    return std::unexpected(
        fmt::format("--format takes pretty, plain, github, tap or json, not \"{}\"", text));
}

int print_formatted(Format format, const Node& record) {
    if (format == Format::Tap) fmt::print("{}", scenarios::tap_report(record));
    if (format == Format::Json) fmt::print("{}", json_text(record));
    if (format == Format::Github) {
        fmt::print("{}", scenarios::github_annotations(record));
        if (const char* file = std::getenv("GITHUB_STEP_SUMMARY"); file && *file) {
            std::ofstream out(file, std::ios::app);
            out << scenarios::github_summary(record);
            if (!out.flush())
                return fail(kWrongInput, fmt::format("cannot write the step summary to {}", file));
        }
    }
    std::fflush(stdout);
    return kOk;
}

}  // namespace commands
