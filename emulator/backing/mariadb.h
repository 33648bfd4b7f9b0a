// The MariaDB that tasks reach: a real server as a child process, on a unix socket only. Its data
// directory is a copy of a template (server installed, schema and user made, init.sql loaded), so
// that a reset is a copy and a start, a fraction of a second.
#pragma once
#include <atomic>
#include <expected>
#include <memory>
#include <mutex>
#include <string>

#include "backing/database.h"
#include "base/process.h"

namespace backing {

// The server's binary; "" when it, or what makes its tables, is not here.
std::string mariadb_program();

class MariaDb final : public Database {
  public:
    // `directory`: data lives there. `sockets`: a short path.
    MariaDb(base::Spawner& spawner, std::string directory, std::string sockets);
    ~MariaDb() override { stop(); }

    // Makes what is missing and starts the server. The first time takes some seconds (progress is
    // told).
    std::expected<void, state::Problem> start(const DatabaseSpec& spec) override;
    // A fresh copy of the template in place of everything; the old server is killed once the new
    // one answers. `socket()` changes.
    std::expected<void, std::string> reset() override;
    std::expected<void, std::string> save(const std::string& directory) override;
    std::expected<void, std::string> load(const std::string& directory) override;
    std::string position() override;
    void stop() override;

    std::string socket() const;
    net::Result<net::Socket> connect() override;
    Door door() const override { return socket(); }
    bool is_running() const override;
    std::string place() const override { return "here"; }
    std::string version() const { return version_; }

  private:
    std::expected<void, state::Problem> make_template(const DatabaseSpec& spec);
    std::expected<std::unique_ptr<base::Process>, state::Problem> launch(const std::string& data,
                                                                         const std::string& socket);
    std::string template_path() const;

    base::Spawner& spawner_;
    std::string directory_, sockets_;
    DatabaseSpec spec_;
    std::string version_, key_;
    mutable std::mutex mutex_;
    std::unique_ptr<base::Process> server_;
    std::string data_, socket_;
    int generation_ = 0;
};

}  // namespace backing
