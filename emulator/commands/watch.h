// Watch: which files below some directories were written since the last look (inotify(7)).
#pragma once
#include <atomic>
#include <expected>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace commands {

class Watch {
  public:
    // Directories are watched with everything below them, hidden ones and node_modules aside.
    static std::expected<std::unique_ptr<Watch>, std::string> open(
        const std::vector<std::string>& directories);
    ~Watch();
    Watch(const Watch&) = delete;

    // The files written, once it has been quiet for a moment; nothing when `stop` became true.
    std::set<std::string> wait(const std::atomic<bool>& stop);

  private:
    Watch() = default;
    void add(const std::string& directory, int depth);
    void read(std::set<std::string>& changed);

    int descriptor_ = -1;
    std::map<int, std::string> directories_;
};

}  // namespace commands
