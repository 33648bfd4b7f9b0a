// Repository: the files that checks read: of a git work tree (tracked, and new ones that are not
// ignored), or of a directory. Paths are relative to its top, with "/". Texts are read when asked
// for.
#pragma once
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace checks {

inline constexpr size_t kMaxFiles = 50'000;
inline constexpr size_t kMaxTextBytes = 2
                                        << 20;  // longer files are no sources: their text is empty

class Repository {
  public:
    // `directory`: somewhere in it; the top is git's, or the directory itself where git knows none.
    // An error is one sentence.
    static std::expected<Repository, std::string> read(const std::string& directory);
    // Of texts, for tests: all tracked.
    static Repository of(std::map<std::string, std::string> texts, std::string home = {});

    const std::set<std::string>& paths() const { return paths_; }
    bool has(const std::string& path) const { return paths_.contains(path); }
    bool has_directory(const std::string& path) const;
    bool is_tracked(const std::string& path) const { return tracked_.contains(path); }
    // "" for what is not there, no text, or too long.
    const std::string& text(const std::string& path) const;
    // Of the directory that was asked for: "" for the top, else "app" or "a/b".
    const std::string& home() const { return home_; }
    // A path below home.
    std::string at_home(std::string_view path) const;
    // As it is said to somebody who stands at home: without home's name.
    std::string shown(const std::string& path) const;
    const std::string& top() const { return top_; }

  private:
    std::string top_, home_;
    std::set<std::string> paths_, tracked_;
    mutable std::map<std::string, std::string> texts_;
};

// Where character `offset` stands: lines and columns from 1, columns in code points.
base::Position position_at(std::string_view text, size_t offset);
// Line by line, without ends; the number is 1-based.
std::vector<std::string_view> lines_of(std::string_view text);
// "a/./b/../c" → "a/c"; what leaves the top starts with "..".
std::string normal_path(std::string_view path);
std::string directory_of(std::string_view path);  // "" for a file at the top
std::string_view name_of(std::string_view path);

}  // namespace checks
