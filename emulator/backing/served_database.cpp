#include "backing/served_database.h"

#include <fmt/format.h>

#include "backing/sql_connection.h"
#include "base/text.h"

namespace backing {

std::optional<std::string> ServedDatabase::why_user_is_refused() const {
    SqlConnection connection;
    if (connection.open({served_.door.socket, spec_.user, spec_.password}, spec_.schema))
        return std::nullopt;
    return connection.error();
}

std::expected<void, state::Problem> ServedDatabase::start(const DatabaseSpec& spec) {
    spec_ = spec;
    auto late = served_.wait_for([&]() -> std::optional<std::string> {
        if (auto reached = served_.connect(); !reached) return reached.error().text;
        SqlConnection connection;
        if (!connection.open(served_.door, "")) return connection.error();
        // The published image first runs a server that only makes its accounts, on the same socket,
        // and ends it.
        if (served_.owner == Owner::Us &&
            connection.value("SELECT @@innodb_buffer_pool_load_at_startup") == "0")
            return "it is being set up";
        return std::nullopt;
    });
    if (late)
        return std::unexpected(
            state::Problem{fmt::format("MariaDB {} cannot be used: {}", served_.place, *late)});
    if (served_.owner == Owner::Us) {
        // An anonymous user of this host would stand before the stack's user, who comes in from
        // anywhere.
        SqlConnection connection;
        if (connection.open(served_.door, ""))
            for (const char* sql :
                 {"DELETE FROM mysql.global_priv WHERE User = ''", "FLUSH PRIVILEGES"})
                (void)connection.run(sql);
    }
    if (why_user_is_refused()) {
        if (auto made = make_schema(served_.door, spec); !made)
            return std::unexpected(state::Problem{
                fmt::format("{} {} knows no user {} with dodam.json's password and schema {}, and "
                            "{} may not make them: {}; make them there "
                            "(the password is in .dodam/secrets.env, or set it by DODAM_SECRET_…), "
                            "or give a user who may",
                            served_.name, served_.place, spec.user, spec.schema, served_.door.user,
                            made.error())});
        if (auto why = why_user_is_refused())
            return std::unexpected(
                state::Problem{fmt::format("{} {} has the user {} and refuses it: {}", served_.name,
                                           served_.place, spec.user, *why)});
    }
    return fill();
}

// init.sql is for a schema without tables; a script that fails half-way leaves nothing of what is
// ours to make again.
std::expected<void, state::Problem> ServedDatabase::fill() {
    SqlConnection connection;
    std::optional<std::string> tables;
    if (connection.open(served_.door, ""))
        tables = connection.value(
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = " +
            connection.quoted(spec_.schema));
    if (!tables)
        return std::unexpected(
            state::Problem{"MariaDB " + served_.place + ": " + connection.error()});
    if (*tables != "0") return {};
    auto loaded = load_init(served_.door, spec_);
    if (!loaded && served_.owner == Owner::Us)
        (void)connection.run("DROP DATABASE `" + base::replace_all(spec_.schema, "`", "``") + "`");
    return loaded;
}

// GAP: only the database that the emulator started itself is copied as files.
std::expected<void, std::string> ServedDatabase::save(const std::string&) {
    return std::unexpected(fmt::format(
        "the MariaDB {} cannot be saved; --backing auto has one that can", served_.place));
}
std::expected<void, std::string> ServedDatabase::load(const std::string& directory) {
    return save(directory);
}

std::expected<void, std::string> ServedDatabase::reset() {
    if (served_.owner == Owner::Them) return std::unexpected(kept_as_it_is(served_));
    SqlConnection connection;
    if (!connection.open(served_.door, ""))
        return std::unexpected("MariaDB " + served_.place +
                               " does not answer: " + connection.error());
    if (!connection.run("DROP DATABASE IF EXISTS `" + base::replace_all(spec_.schema, "`", "``") +
                        "`"))
        return std::unexpected("MariaDB: " + connection.error());
    if (auto made = make_schema(served_.door, spec_); !made) return made;
    if (auto loaded = load_init(served_.door, spec_); !loaded)
        return std::unexpected(loaded.error().text);
    return {};
}

}  // namespace backing
