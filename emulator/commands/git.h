// Git: the real program, asked in one directory.
#pragma once
#include <expected>
#include <string>
#include <vector>

#include "base/process.h"

namespace commands {

// git tells its hooks by GIT_DIR and others which repository they are of; with them every git
// command would mean that one, wherever it runs. Called before there are threads.
void forget_callers_repository();

class Git {
  public:
    Git(base::Spawner& spawner, std::string directory)
        : spawner_(spawner), directory_(std::move(directory)) {}

    // Its output as it is; an error is what it said, in one line.
    std::expected<std::string, std::string> ask(std::vector<std::string> arguments) const;
    // The first line; "" when it failed or said nothing.
    std::string line(std::vector<std::string> arguments) const;
    // What -z separates.
    std::expected<std::vector<std::string>, std::string> list(
        std::vector<std::string> arguments) const;

  private:
    base::Spawner& spawner_;
    std::string directory_;
};

}  // namespace commands
