// Recordings: a row per scenario, one for the run.
#include "commands/recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/date.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/text.h"
#include "scenarios/runner/record.h"

namespace commands {
namespace {

namespace fs = std::filesystem;
using base::Node;

constexpr std::string_view kSuffix = ".dodamrun";
constexpr const char* kSchema = R"(
    CREATE TABLE IF NOT EXISTS run (one INTEGER PRIMARY KEY CHECK (one = 1), record TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS scenarios (
        row INTEGER PRIMARY KEY, id TEXT NOT NULL, outcome TEXT NOT NULL, record TEXT NOT NULL);
    PRAGMA user_version = 1;)";
constexpr int kVersion = 1;

std::expected<std::unique_ptr<state::Database>, std::string> open(const std::string& file) {
    auto database = state::Database::open_other(file);
    if (!database) return std::unexpected(database.error());
    try {
        auto version = (*database)->prepare("PRAGMA user_version");
        if (!version.step() || version.integer(0) != kVersion)
            return std::unexpected(
                fmt::format("{} is no recording of this version of dodam", file));
    } catch (const state::DatabaseError& error) {
        return std::unexpected(fmt::format("{} is no recording: {}", file, error.what()));
    }
    return database;
}

}  // namespace

std::expected<std::unique_ptr<Recording>, std::string> Recording::begin(const std::string& runs,
                                                                        base::Time now) {
    std::error_code error;
    fs::create_directories(runs, error);
    if (error) return std::unexpected(fmt::format("cannot make {}: {}", runs, error.message()));
    std::unique_ptr<Recording> recording(new Recording);
    // Sorted by name is sorted by time.
    const std::string stamp = base::iso_date(now);  // 2026-11-24T15:02:07Z
    recording->id_ = fmt::format(
        "{}-{}", base::replace_all(base::replace_all(stamp.substr(2, 17), ":", ""), "-", ""),
        base::random_hex(4));
    recording->file_ = fmt::format("{}/{}{}", runs, recording->id_, kSuffix);
    recording->database_ = TRY(state::Database::open_other(recording->file_, kSchema));
    return recording;
}

void Recording::add(const Node& scenario) {
    auto insert =
        database_->prepare("INSERT INTO scenarios (id, outcome, record) VALUES (?, ?, ?)");
    insert
        .bind_all(scenario["id"].as_string(), scenario["outcome"].as_string(),
                  base::to_json(scenario))
        .run();
}

void Recording::finish(const Node& run) {
    auto insert = database_->prepare("INSERT OR REPLACE INTO run VALUES (1, ?)");
    insert.bind_all(base::to_json(run)).run();
}

std::vector<RunLine> list_runs(const std::string& runs) {
    std::vector<RunLine> out;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(runs, none)) {
        if (entry.path().extension() != kSuffix) continue;
        RunLine line{.id = entry.path().stem().string(), .file = entry.path().string()};
        line.bytes = entry.file_size(none);
        try {
            if (auto database = open(line.file)) {
                auto run = (*database)->prepare("SELECT record FROM run");
                if (run.step()) line.run = base::parse_json(run.text(0)).value_or(Node());
            }
            if (auto database = open(line.file)) {
                auto count = (*database)->prepare(
                    "SELECT count(*), coalesce(sum(outcome = 'failed'), 0) FROM scenarios");
                if (count.step()) {
                    line.scenarios = static_cast<size_t>(count.integer(0));
                    line.failed = static_cast<size_t>(count.integer(1));
                }
            }
        } catch (const state::DatabaseError&) {
            continue;  // no recording
        }
        out.push_back(std::move(line));
    }
    std::sort(out.begin(), out.end(),
              [](const RunLine& a, const RunLine& b) { return a.id > b.id; });
    return out;
}

std::expected<std::string, std::string> find_run(const std::string& runs, const std::string& word) {
    std::error_code none;
    if (!word.empty() && fs::is_regular_file(word, none)) return word;
    std::vector<std::string> ids;
    for (const auto& entry : fs::directory_iterator(runs, none))
        if (entry.path().extension() == kSuffix) ids.push_back(entry.path().stem().string());
    std::sort(ids.rbegin(), ids.rend());
    // The beginning, or the random end that people remember.
    for (const std::string& id : ids)
        if (word.empty() || id.starts_with(word) || id.ends_with("-" + word))
            return fmt::format("{}/{}{}", runs, id, kSuffix);
    return std::unexpected(
        word.empty() ? fmt::format("there is no recording in {}; `dodam run` makes one", runs)
                     : fmt::format("\"{}\" is neither a recording nor a file of one; `dodam runs` "
                                   "lists them",
                                   word));
}

std::expected<Node, std::string> read_run(const std::string& file) {
    auto database = TRY(open(file));
    Node run = Node::object({{"version", scenarios::kRecordVersion},
                             {"seed", ""},
                             {"exit", 130},
                             {"took_us", 0},
                             {"why_stopped", "the run never ended"},
                             {"problem", ""},
                             {"not_run", Node::array()}});
    std::vector<Node> all;
    try {
        {
            auto row = database->prepare("SELECT record FROM run");
            if (row.step())
                if (auto parsed = base::parse_json(row.text(0))) run = std::move(*parsed);
        }
        auto rows = database->prepare("SELECT record FROM scenarios ORDER BY row");
        while (rows.step())
            if (auto parsed = base::parse_json(rows.text(0))) all.push_back(std::move(*parsed));
    } catch (const state::DatabaseError& error) {
        return std::unexpected(fmt::format("cannot read {}: {}", file, error.what()));
    }
    return scenarios::whole_record(std::move(run), std::move(all));
}

Pruned prune_runs(const std::string& runs, size_t most, uint64_t most_bytes) {
    Pruned pruned;
    uint64_t kept_bytes = 0;
    size_t kept = 0;
    std::error_code none;
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(runs, none))
        if (entry.path().extension() == kSuffix) files.push_back(entry.path());
    std::sort(files.rbegin(), files.rend());
    for (const fs::path& file : files) {
        const uint64_t bytes = fs::file_size(file, none);
        // The newest stays, whatever its size.
        if (kept == 0 || (kept < most && kept_bytes + bytes <= most_bytes)) {
            ++kept;
            kept_bytes += bytes;
            continue;
        }
        if (!fs::remove(file, none)) continue;
        ++pruned.count;
        pruned.bytes += bytes;
    }
    return pruned;
}

}  // namespace commands
