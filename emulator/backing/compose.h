// The services `mariadb` and `redis` of docker-compose.yml, for one instance: a compose project of
// its own, whose sockets appear in a directory of the instance. Everything of it carries the
// instance's id and is removed with it. GAP: the database and cache are fresh at every start; their
// volumes would outlive a state directory that is deleted. Inside the emulator's own container
// (DODAM_BACKING_SOCKETS) compose has started them already.
#pragma once
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backing/served.h"
#include "base/process.h"
#include "state/instance.h"

namespace backing {

struct ComposeOptions {
    std::string instance;   // label and project
    std::string directory;  // for the compose file
    std::string sockets;    // short; the servers' sockets are made here
    bool cluster_mode = true;
    std::function<void(const std::string&)> progress = [](const std::string&) {};
    std::function<bool()> interrupted = [] { return false; };
};

class Compose {
  public:
    Compose(base::Spawner& spawner, ComposeOptions options);
    ~Compose() { down(); }

    // Removes what a killed predecessor left, then starts these services; they are still waking up
    // when it returns.
    std::expected<void, state::Problem> up(const std::vector<std::string>& services);
    // Containers, volumes and networks: nothing of the project is left.
    void down();

    Served database() const;
    Served cache() const;

  private:
    std::expected<void, state::Problem> run(const std::vector<std::string>& command,
                                            std::map<std::string, std::string> environment,
                                            const std::string& what);
    Served served(const std::string& service, const std::string& name, Door door) const;
    std::optional<std::string> why_gone(const std::string& service) const;
    std::string project() const { return "dodam-" + options_.instance; }

    base::Spawner& spawner_;
    ComposeOptions options_;
    bool started_elsewhere_ = false;  // by the compose that started us
    bool is_up_ = false;
    std::string password_;
};

// What a killed instance's compose project left in the engine, for a start without compose. Nothing
// happens unless `directory`, which goes when a project ends, is still there.
void remove_compose_leftovers(const std::string& instance, const std::string& directory);

}  // namespace backing
