// Backing: the database and cache of one instance, from the stack file's declarations: their
// servers, the taps before them, and how tasks reach them by name.
#pragma once
#include <atomic>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "backing/cache.h"
#include "backing/compose.h"
#include "backing/database.h"
#include "backing/given.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/thread.h"
#include "base/trace.h"
#include "faults/faults.h"
#include "net/tls.h"
#include "taps/tap.h"
#include "taps/task_services.h"

namespace backing {

struct BackingParts {
    base::Clock& clock;
    base::TraceRing& traces;
    base::Spawner& spawner;
    faults::Faults& faults;
    net::Authority& authority;
    std::string directory;  // the state directory
    std::string sockets;
    std::string instance;  // its id
};

// Where the servers come from.
struct Source {
    std::string kind = "auto";            // auto: child processes; compose; given
    std::string database_url, cache_url;  // given
    std::function<void(const std::string&)> progress = [](const std::string&) {};
    std::function<bool()> interrupted = [] {
        return false;
    };  // true: nobody waits for the start any more
};

class Backing {
  public:
    // `database` and `cache`: the stack file's objects, Null = none. `stack_directory`: of
    // init.sql.
    Backing(BackingParts parts, const base::Node& database, const base::Node& cache,
            const std::string& stack_directory);

    // Before start(). Without it both are child processes. A problem is the command line's.
    std::expected<void, state::Problem> choose(const Source& source);

    // Starts both at once; returns when both answer, or with the first problem.
    std::expected<void, state::Problem> start();
    void stop();

    bool has_database() const { return database_ != nullptr; }
    bool has_cache() const { return cache_ != nullptr; }
    std::expected<void, std::string> reset_database();
    std::expected<void, std::string> reset_cache();
    // What both hold, into a directory and back.
    std::expected<void, std::string> save(const std::string& directory);
    std::expected<void, std::string> load(const std::string& directory);
    std::string database_position() { return database_ ? database_->position() : std::string(); }
    // Right after the start: what is in it is what init.sql made.
    const std::string& fresh_position() const { return fresh_position_; }
    std::expected<void, std::string> save_cache(const std::string& file) {
        return cache_->save(file);
    }
    std::expected<void, std::string> load_cache(const std::string& file) {
        return cache_->load(file);
    }
    std::expected<void, std::string> load_database(const std::string& directory);
    std::expected<void, std::string> save_database(const std::string& directory);

    // Production's names, at addresses behind a task's gateway.
    std::vector<taps::Reachable> reachable();
    base::Node database_status() const;  // Null = none
    base::Node cache_status() const;
    base::Node credentials() const;  // for commands beside the app: sockets, users, passwords

  private:
    base::Node state_of(std::string_view part, bool is_running, const std::string& place) const;

    BackingParts parts_;
    DatabaseSpec database_spec_;
    CacheSpec cache_spec_;
    std::string database_host_;
    uint16_t database_port_ = 3306;
    bool cache_tls_ = true;
    std::unique_ptr<Compose> compose_;  // before the servers, which ask it why they are gone
    std::unique_ptr<GivenServer> given_database_, given_cache_;
    std::unique_ptr<Database> database_;
    std::unique_ptr<Cache> cache_;
    std::unique_ptr<net::TlsServer> database_tls_server_,
        cache_tls_server_;  // their own names are the default: clients send no SNI
    std::unique_ptr<taps::Tap> database_tap_, cache_tap_;
    std::atomic<bool> started_{false};
    std::string fresh_position_;
};

}  // namespace backing
