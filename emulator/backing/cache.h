// The cache that tasks reach, as ElastiCache Serverless shows itself: what the stack file declares,
// and the interface of its two makers: a server of our own (redis), and one that somebody else runs
// (served_redis).
#pragma once
#include <expected>
#include <string>

#include "backing/door.h"
#include "net/socket.h"
#include "state/instance.h"

namespace backing {

struct CacheSpec {
    std::string host;  // as tasks name it, announced to cluster clients
    int port = 6379;
    std::string user, password, access_string;
    bool cluster_mode = true;
    bool default_user = false;
};

class Cache {
  public:
    virtual ~Cache() = default;
    virtual std::expected<void, state::Problem> start(const CacheSpec& spec) = 0;
    // FLUSHALL, scripts and functions included.
    virtual std::expected<void, std::string> reset() = 0;
    // Every key with its value and lifetime, as a file; and back, in place of everything.
    virtual std::expected<void, std::string> save(const std::string& file) = 0;
    virtual std::expected<void, std::string> load(const std::string& file) = 0;
    virtual void stop() = 0;

    virtual net::Result<net::Socket>
    connect() = 0;  // for a task's connection; TLS ended in the tap
    virtual Door door() const = 0;
    virtual bool is_running() const = 0;
    virtual std::string place() const = 0;
};

}  // namespace backing
