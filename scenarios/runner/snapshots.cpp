// Reading and writing the files.
#include "scenarios/runner/snapshots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace scenarios {
namespace {

namespace fs = std::filesystem;
using base::Node;

std::optional<std::string> read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

}  // namespace

std::expected<SnapshotFile, std::string> take_snapshot(const std::string& directory,
                                                       const std::string& scenario,
                                                       const std::string& name, const Node& value,
                                                       SnapshotMode mode) {
    const bool plain =
        !name.empty() && name[0] != '.' && std::all_of(name.begin(), name.end(), [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
        });
    if (!plain)
        return std::unexpected(fmt::format(
            "\"{}\" is no name of a snapshot: letters, digits, '.', '_' and '-'", name));
    const fs::path folder = fs::path(directory) / "snapshots" / scenario;
    SnapshotFile file;
    file.path = (folder / (name + (value.is_string() ? ".txt" : ".json"))).string();
    if (const auto held = read(file.path); held && mode == SnapshotMode::Compare) {
        if (value.is_string()) {
            file.value = *held;
            return file;
        }
        auto parsed = base::parse_json(*held);
        if (!parsed)
            return std::unexpected(
                fmt::format("{} is not JSON: {}", file.path, parsed.error().message));
        file.value = std::move(*parsed);
        return file;
    }
    file.value = value;
    const std::string text = value.is_string() ? value.as_string() : base::to_json(value, 2) + "\n";
    if (const auto held = read(file.path); held && *held == text) return file;
    std::error_code ignored;
    fs::create_directories(folder, ignored);
    std::ofstream out(file.path, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) return std::unexpected(fmt::format("cannot write {}", file.path));
    file.written = true;
    return file;
}

}  // namespace scenarios
