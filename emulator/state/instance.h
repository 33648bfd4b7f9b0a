// The state directory of one instance: its layout, format, lock and the file that tells others
// where it answers. Everything an instance keeps lives below it, except sockets (a path has 107
// bytes).
#pragma once
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/json.h"

namespace state {

// Version of what is on disk. A newer one is refused; an older one is migrated after a copy.
inline constexpr int kFormat = 1;

// A startup problem: one sentence, and the exit code of a stack that could not start.
struct Problem {
    std::string text;
    int exit_code = 3;
};

// What `instance.json` tells (0600: it holds the token). Addresses are IP literals.
struct InstanceInfo {
    int pid = 0;
    std::string id;               // 8 hex digits, a function of the directory
    std::string token;            // for calls that change state
    std::string aws_endpoint;     // http://127.0.0.1:4566
    std::string viewer_endpoint;  // http://127.0.0.1:8080
    std::string viewer_tls_endpoint;
    std::string stack_file;
    int64_t started_ms = 0;
};

class StateDirectory {
  public:
    // --state, else .dodam beside the stack file, else $XDG_STATE_HOME/dodam/default.
    static std::string choose(const std::string& state_option, const std::string& stack_file);

    // Makes it, checks FORMAT, takes the lock. "already running" names the pid.
    static std::expected<StateDirectory, Problem> open(const std::string& path);
    // For other commands: who answers for this directory; nothing when nobody does.
    static std::optional<InstanceInfo> running(const std::string& path);

    StateDirectory(StateDirectory&& other) noexcept;
    StateDirectory& operator=(StateDirectory&&) = delete;
    ~StateDirectory();

    const std::string& path() const { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }
    const std::string& id() const { return id_; }
    // For sockets: $XDG_RUNTIME_DIR/dodam/<id> or /run/dodam/<id> (else /tmp/dodam-<uid>/<id>),
    // 0700, emptied at open.
    const std::string& sockets() const { return sockets_; }

    std::expected<void, Problem> publish(const InstanceInfo& info) const;
    void withdraw() const;

  private:
    StateDirectory() = default;
    std::string path_, id_, sockets_;
    int lock_ = -1;
};

// Makes the directory, and git blind to what is in it (but vendored actions).
std::expected<void, std::string> keep_out_of_git(const std::string& path);

// Whole-file helpers: write is temporary file + rename, with the mode given.
std::expected<std::string, std::string> read_file(const std::string& path);
std::expected<void, std::string> write_file(const std::string& path, std::string_view bytes,
                                            unsigned mode = 0644);

// Secret values by name: environment DODAM_SECRET_<NAME>, else <directory>/secrets.env, else
// generated once and kept there. Names are letters, digits, '_', '-', '/', '.'.
class Secrets {
  public:
    explicit Secrets(std::string file) : file_(std::move(file)) {}
    std::expected<std::string, std::string> value(const std::string& name);
    // All that were asked for, for masking.
    const std::map<std::string, std::string>& known() const { return known_; }

  private:
    std::string file_;
    std::map<std::string, std::string> known_;
};

}  // namespace state
