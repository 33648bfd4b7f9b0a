// Repository: what git lists, else a walk that skips what nobody wrote by hand.
#include "scenarios/checks/repository.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/process.h"
#include "base/text.h"

namespace checks {
namespace {

namespace fs = std::filesystem;

constexpr auto kGitWait = std::chrono::seconds(20);
const std::set<std::string> kSkipped = {"node_modules", ".git", ".dodam", "dist", "build"};

std::optional<std::string> git(base::Spawner& spawner, const std::string& directory,
                               std::vector<std::string> words) {
    base::ProcessOptions options;
    options.command = {"git", "-C", directory};
    options.command.insert(options.command.end(), words.begin(), words.end());
    auto done = base::run(spawner, std::move(options), kGitWait);
    if (!done || done->exit_code != 0) return std::nullopt;
    return std::move(done->output);
}

void add(std::set<std::string>& paths, std::string_view list) {
    for (std::string_view path : base::split(list, '\0')) {
        if (path.empty() || paths.size() >= kMaxFiles) continue;
        paths.emplace(path);
    }
}

void walk(const std::string& top, std::set<std::string>& paths) {
    std::error_code error;
    for (auto at = fs::recursive_directory_iterator(
             top, fs::directory_options::skip_permission_denied, error);
         !error && at != fs::recursive_directory_iterator() && paths.size() < kMaxFiles;
         at.increment(error)) {
        if (at->is_directory(error) && kSkipped.contains(at->path().filename().string()))
            at.disable_recursion_pending();
        else if (at->is_regular_file(error))
            paths.insert(fs::relative(at->path(), top, error).generic_string());
    }
}

}  // namespace

std::expected<Repository, std::string> Repository::read(const std::string& directory) {
    std::error_code error;
    const fs::path asked = fs::weakly_canonical(directory.empty() ? "." : directory, error);
    if (error || !fs::is_directory(asked))
        return std::unexpected("there is no directory " + directory);
    Repository repository;
    base::Spawner spawner;
    if (auto top = git(spawner, asked.string(), {"rev-parse", "--show-toplevel"})) {
        repository.top_ = std::string(base::trim(*top));
        const std::string home = fs::relative(asked, repository.top_, error).generic_string();
        repository.home_ = home == "." ? "" : home;
        if (auto tracked = git(spawner, repository.top_, {"ls-files", "-z"}))
            add(repository.tracked_, *tracked);
        repository.paths_ = repository.tracked_;
        if (auto fresh =
                git(spawner, repository.top_, {"ls-files", "-z", "--others", "--exclude-standard"}))
            add(repository.paths_, *fresh);
        // Deleted, but not yet in the index.
        std::erase_if(repository.paths_, [&](const std::string& path) {
            return !fs::is_regular_file(repository.top_ + "/" + path, error);
        });
    } else {
        repository.top_ = asked.string();
        walk(repository.top_, repository.paths_);
    }
    return repository;
}

Repository Repository::of(std::map<std::string, std::string> texts, std::string home) {
    Repository repository;
    repository.home_ = std::move(home);
    for (const auto& [path, text] : texts)
        repository.paths_.insert(path);
    repository.tracked_ = repository.paths_;
    repository.texts_ = std::move(texts);
    return repository;
}

bool Repository::has_directory(const std::string& path) const {
    if (path.empty()) return true;
    const auto at = paths_.lower_bound(path + "/");
    return at != paths_.end() && at->starts_with(path + "/");
}

const std::string& Repository::text(const std::string& path) const {
    auto found = texts_.find(path);
    if (found != texts_.end()) return found->second;
    std::string text;
    std::error_code error;
    if (has(path) && fs::file_size(top_ + "/" + path, error) <= kMaxTextBytes && !error) {
        std::ostringstream all;
        all << std::ifstream(top_ + "/" + path, std::ios::binary).rdbuf();
        text = all.str();
        if (text.find('\0') != std::string::npos) text.clear();
    }
    return texts_.emplace(path, std::move(text)).first->second;
}

std::string Repository::at_home(std::string_view path) const {
    return home_.empty() ? normal_path(path) : normal_path(home_ + "/" + std::string(path));
}

std::string Repository::shown(const std::string& path) const {
    if (home_.empty() || !path.starts_with(home_ + "/")) return path;
    return path.substr(home_.size() + 1);
}

base::Position position_at(std::string_view text, size_t offset) {
    offset = std::min(offset, text.size());
    base::Position position{1, 1};
    for (size_t i = 0; i < offset; ++i) {
        if (text[i] == '\n') {
            ++position.line;
            position.column = 1;
        } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
            ++position.column;
        }
    }
    return position;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    auto lines = base::split(text, '\n');
    for (auto& line : lines)
        if (line.ends_with('\r')) line.remove_suffix(1);
    if (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
}

std::string normal_path(std::string_view path) {
    std::string normal = fs::path(path).lexically_normal().generic_string();
    while (normal.ends_with('/'))
        normal.pop_back();
    if (normal.starts_with("./")) normal.erase(0, 2);
    return normal == "." ? "" : normal;
}

std::string directory_of(std::string_view path) {
    const size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? "" : std::string(path.substr(0, slash));
}

std::string_view name_of(std::string_view path) {
    const size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace checks
