// The database that tasks reach: what the stack file declares, and the interface of its two makers:
// a server of our own as a child process (mariadb), and one that somebody else runs
// (served_database).
#pragma once
#include <expected>
#include <string>

#include "backing/door.h"
#include "net/socket.h"
#include "state/instance.h"

namespace backing {

struct DatabaseSpec {
    std::string schema, user, password;
    std::string init_file;  // "" = none
};

class Database {
  public:
    virtual ~Database() = default;
    // Returns once it answers with schema and user made, and init.sql loaded if the schema was
    // fresh.
    virtual std::expected<void, state::Problem> start(const DatabaseSpec& spec) = 0;
    // As after the first start. The door may be another one afterwards.
    virtual std::expected<void, std::string> reset() = 0;
    // A copy of everything that it holds, into a directory that is made; and back, in place of
    // everything. Connections end. The door may be another one afterwards.
    virtual std::expected<void, std::string> save(const std::string& directory) = 0;
    virtual std::expected<void, std::string> load(const std::string& directory) = 0;
    // Another text once anything was written; "" = not known.
    virtual std::string position() = 0;
    virtual void stop() = 0;

    virtual net::Result<net::Socket> connect() = 0;  // for a task's connection
    virtual Door door() const = 0;
    virtual bool is_running() const = 0;
    virtual std::string place() const = 0;  // "here", "in Docker Compose", "at db.example:3306"
};

// Runs a script through a connection; an error names the line. `schema` "" = none selected.
std::expected<void, std::string> run_script(const Door& door, const std::string& schema,
                                            const std::string& file, const std::string& script);
// Makes the schema, and the user that may do everything in it.
std::expected<void, std::string> make_schema(const Door& door, const DatabaseSpec& spec);
// Loads spec.init_file, if there is one.
std::expected<void, state::Problem> load_init(const Door& door, const DatabaseSpec& spec);

}  // namespace backing
