// What both makers of a database do in it.
#include "backing/database.h"

#include <fmt/format.h>

#include "backing/sql_connection.h"
#include "backing/sql_script.h"
#include "base/text.h"

namespace backing {
namespace {

std::string backquoted(const std::string& name) {
    return "`" + base::replace_all(name, "`", "``") + "`";
}

// The server counts lines within the statement: "… at line 3".
uint32_t line_within(std::string_view message) {
    auto at = message.rfind("at line ");
    if (at == std::string_view::npos) return 1;
    auto digits = message.substr(at + 8);
    auto number = base::parse_unsigned(digits.substr(0, digits.find_first_not_of("0123456789")));
    return number ? static_cast<uint32_t>(*number) : 1;
}

}  // namespace

std::expected<void, std::string> run_script(const Door& door, const std::string& schema,
                                            const std::string& file, const std::string& script) {
    SqlConnection connection;
    if (!connection.open(door, schema))
        return std::unexpected("MariaDB does not answer: " + connection.error());
    for (const auto& statement : split_sql(script)) {
        if (connection.run(statement.text)) continue;
        const std::string message = connection.error();
        return std::unexpected(fmt::format("{}:{}: MariaDB {}: {}", file,
                                           statement.line + line_within(message) - 1,
                                           connection.error_code(), message));
    }
    return {};
}

std::expected<void, std::string> make_schema(const Door& door, const DatabaseSpec& spec) {
    SqlConnection connection;
    if (!connection.open(door, ""))
        return std::unexpected("MariaDB does not answer: " + connection.error());
    const std::string schema = backquoted(spec.schema),
                      user = connection.quoted(spec.user) + "@'%'",
                      password = connection.quoted(spec.password);
    for (const std::string& sql :
         {fmt::format("CREATE DATABASE IF NOT EXISTS {} CHARACTER SET utf8mb4", schema),
          fmt::format("CREATE USER IF NOT EXISTS {}", user),
          fmt::format("ALTER USER {} IDENTIFIED BY {}", user, password),
          fmt::format("GRANT ALL PRIVILEGES ON {}.* TO {}", schema, user)})
        if (!connection.run(sql)) return std::unexpected("MariaDB: " + connection.error());
    return {};
}

std::expected<void, state::Problem> load_init(const Door& door, const DatabaseSpec& spec) {
    if (spec.init_file.empty()) return {};
    auto script = state::read_file(spec.init_file);
    if (!script) return std::unexpected(state::Problem{script.error()});
    if (auto ran = run_script(door, spec.schema, spec.init_file, *script); !ran)
        return std::unexpected(
            state::Problem{ran.error() + "; correct the file and run `dodam up` again", 2});
    return {};
}

}  // namespace backing
