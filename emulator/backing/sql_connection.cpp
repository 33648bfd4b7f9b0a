#include "backing/sql_connection.h"

#include <mysql.h>

namespace backing {
namespace {

constexpr unsigned kConnectSeconds = 5;

}  // namespace

struct SqlConnection::Inside {
    MYSQL* handle = mysql_init(nullptr);
    ~Inside() { mysql_close(handle); }
};

SqlConnection::SqlConnection() : inside_(std::make_unique<Inside>()) {
    mysql_options(inside_->handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(inside_->handle, MYSQL_OPT_CONNECT_TIMEOUT, &kConnectSeconds);
}
SqlConnection::~SqlConnection() = default;

bool SqlConnection::open(const Door& door, const std::string& schema) {
    return mysql_real_connect(inside_->handle, nullptr, door.user.c_str(), door.password.c_str(),
                              schema.empty() ? nullptr : schema.c_str(), 0, door.socket.c_str(),
                              0) != nullptr;
}

bool SqlConnection::run(const std::string& sql) {
    if (mysql_real_query(inside_->handle, sql.data(), sql.size()) != 0) return false;
    do {
        mysql_free_result(mysql_store_result(inside_->handle));
    } while (mysql_next_result(inside_->handle) == 0);
    return mysql_errno(inside_->handle) == 0;
}

std::optional<std::string> SqlConnection::value(const std::string& sql) {
    if (mysql_real_query(inside_->handle, sql.data(), sql.size()) != 0) return std::nullopt;
    MYSQL_RES* result = mysql_store_result(inside_->handle);
    if (!result) return std::nullopt;
    std::optional<std::string> value;
    if (MYSQL_ROW row = mysql_fetch_row(result); row && row[0])
        value = std::string(row[0], mysql_fetch_lengths(result)[0]);
    mysql_free_result(result);
    return value;
}

std::string SqlConnection::quoted(const std::string& text) {
    std::string out(text.size() * 2 + 1, '\0');
    out.resize(mysql_real_escape_string(inside_->handle, out.data(), text.data(), text.size()));
    return "'" + out + "'";
}

unsigned SqlConnection::error_code() const {
    return mysql_errno(inside_->handle);
}
std::string SqlConnection::error() const {
    return mysql_error(inside_->handle);
}

std::string client_library_version() {
    return mysql_get_client_info();
}

}  // namespace backing
