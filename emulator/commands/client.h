// Client: how commands reach the running instance: instance.json for where and the token, then the
// control API over cpp-httplib.
#pragma once
#include <expected>
#include <string>

#include "base/json.h"
#include "commands/command.h"
#include "state/instance.h"

namespace commands {

// Why a call brought nothing: what was asked for is wrong (2), or the emulator could not (3).
struct Refusal {
    std::string sentence;
    Exit exit_code = kNotStarted;
};

class Client {
  public:
    // The instance of --state (or of ./dodam.json, or the user's default). An error is printed,
    // with the next step; the caller returns kNotStarted.
    static std::expected<Client, int> find(const Arguments& arguments);

    Client(state::InstanceInfo info, std::string directory)
        : info_(std::move(info)), directory_(std::move(directory)) {}

    const state::InstanceInfo& info() const { return info_; }
    const std::string& directory() const { return directory_; }

    // `path` below /_dodam/v1.
    std::expected<base::Node, Refusal> get(const std::string& path) const;
    std::expected<base::Node, Refusal> post(const std::string& path, const base::Node& body) const;

  private:
    Client() = default;
    std::expected<base::Node, Refusal> call(const std::string& method, const std::string& path,
                                            const std::string& body) const;
    state::InstanceInfo info_;
    std::string directory_;
};

// The state directory that --state, -f or the current directory name.
std::string state_directory(const Arguments& arguments);
// Prints "dodam: sentence" on stderr and gives the code back.
int fail(int code, const std::string& sentence);
int fail(const Refusal& refusal);
// Stops it and waits until it is gone. An error is printed.
int stop_instance(const Client& client);
// The whole world under a name, as `dodam snapshot save`. An error is printed.
int save_snapshot(const Client& client, const std::string& name);
// A count among the flags: 1 and up. An error is printed.
std::expected<uint64_t, int> count_of(const Arguments& arguments, const std::string& flag,
                                      uint64_t fallback);

}  // namespace commands
