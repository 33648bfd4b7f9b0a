// What stands before docker in a workflow's steps and a deploy's script: with an engine, its own
// client, after a look at the base images of a build; without, the image builder behind docker's
// own words. A step runs closed, so its `docker` hands the words to the desk outside, with its own
// three streams.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/thread.h"
#include "commands/client.h"

namespace commands {

class DockerDesk {
  public:
    // Answers on a unix socket at `path` until it is destroyed. `environment` is what its children
    // get.
    DockerDesk(base::Spawner& spawner, std::string path,
               std::map<std::string, std::string> environment);
    ~DockerDesk();
    bool open() const { return listener_ >= 0; }

  private:
    void serve();
    void answer(int connection);
    base::Spawner& spawner_;
    std::string path_;
    std::map<std::string, std::string> environment_;
    int listener_ = -1;
    std::atomic<bool> stopping_{false};
    base::Thread thread_;
    std::mutex mutex_;
    std::vector<base::Thread> answers_;
};

// DIRECTORY/docker, for PATH: the builder without an engine.
bool write_docker_shim(const std::string& directory);
// The same for an engine: `engine_client` is docker's own program. What stacks that were killed
// have built there is removed.
bool write_docker_shim(const std::string& directory, const std::string& engine_client,
                       const Client& stack);

inline constexpr const char* kDockerDeskVariable = "DODAM_DOCKER_DESK";

}  // namespace commands
