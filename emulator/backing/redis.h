// The Redis that tasks reach, as ElastiCache Serverless shows itself: a real server as a child
// process on a unix socket, cluster mode on one node that owns every slot, ACL users, default user
// off. TLS ends in the tap before it.
#pragma once
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backing/cache.h"
#include "backing/redis_command.h"
#include "base/process.h"

namespace backing {

// The server's binary; "" when it is not here.
std::string redis_program();

class Redis final : public Cache {
  public:
    Redis(base::Spawner& spawner, std::string directory, std::string sockets);
    ~Redis() override { stop(); }

    std::expected<void, state::Problem> start(const CacheSpec& spec) override;
    std::expected<void, std::string> reset() override;
    std::expected<void, std::string> save(const std::string& file) override {
        return redis_save(door(), file);
    }
    std::expected<void, std::string> load(const std::string& file) override {
        if (auto emptied = reset(); !emptied) return emptied;
        return redis_load(door(), file);
    }
    void stop() override;

    std::string socket() const { return sockets_ + "/redis.sock"; }
    net::Result<net::Socket> connect() override;
    // A user of our own with every right, for commands beside the app (scenario steps, health).
    Door door() const override { return {socket(), admin_user_, admin_password_}; }
    bool is_running() const override;
    std::string place() const override { return "here"; }

  private:
    std::expected<std::string, std::string> command(const std::vector<std::string>& words);

    base::Spawner& spawner_;
    std::string directory_, sockets_;
    std::string admin_user_ = "dodam-admin", admin_password_;
    mutable std::mutex mutex_;
    std::unique_ptr<base::Process> server_;
};

}  // namespace backing
