// The Redis that tasks reach, as ElastiCache Serverless shows itself: a real server as a child process
// on a unix socket, cluster mode on one node that owns every slot, ACL users, default user off. TLS
// ends in the tap before it. Started once and never restarted: a cluster needs 2 s to call itself ok.
#pragma once
#include <expected>
#include <memory>
#include <mutex>
#include <string>

#include "base/process.h"
#include "state/instance.h"

namespace backing {

struct CacheSpec {
    std::string host;             // as tasks name it, announced to cluster clients
    int port = 6379;
    std::string user, password, access_string;
    bool cluster_mode = true;
    bool default_user = false;
};

class Redis {
  public:
    Redis(base::Spawner& spawner, std::string directory, std::string sockets);
    ~Redis() { stop(); }

    std::expected<void, state::Problem> start(const CacheSpec& spec);
    // FLUSHALL, scripts and functions included.
    std::expected<void, std::string> reset();
    void stop();

    std::string socket() const { return sockets_ + "/redis.sock"; }
    bool is_running() const;
    // For commands beside the app (scenario steps, health): a user of our own with every right.
    const std::string& admin_user() const { return admin_user_; }
    const std::string& admin_password() const { return admin_password_; }

  private:
    std::expected<std::string, std::string> command(std::initializer_list<std::string> words);

    base::Spawner& spawner_;
    std::string directory_, sockets_;
    std::string admin_user_ = "dodam-admin", admin_password_;
    mutable std::mutex mutex_;
    std::unique_ptr<base::Process> server_;
};

}  // namespace backing
