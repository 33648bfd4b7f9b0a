// Clients over libmariadb and hiredis.
#include "scenarios/runner/clients.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <mysql.h>
#include <sys/time.h>

#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"
#include "scenarios/runner/names.h"

namespace scenarios {

using base::Node;

namespace {

constexpr unsigned kConnectSeconds = 5;
constexpr unsigned kReadSeconds = 60;

bool is_numeric(enum_field_types type) {
    switch (type) {
        case MYSQL_TYPE_TINY:
        case MYSQL_TYPE_SHORT:
        case MYSQL_TYPE_LONG:
        case MYSQL_TYPE_INT24:
        case MYSQL_TYPE_LONGLONG:
        case MYSQL_TYPE_YEAR:
        case MYSQL_TYPE_FLOAT:
        case MYSQL_TYPE_DOUBLE:
        case MYSQL_TYPE_DECIMAL:
        case MYSQL_TYPE_NEWDECIMAL: return true;
        default: return false;
    }
}

// Numbers keep their text ("12.50"); leading zeros of ZEROFILL are no JSON and stay text.
Node value_of(std::string_view text, enum_field_types type) {
    if (is_numeric(type)) {
        auto parsed = base::parse_json(text);
        if (parsed && parsed->is_number()) return Node::number(std::string(text));
    }
    return Node(text);
}

}  // namespace

std::vector<size_t> placeholders(std::string_view text) {
    std::vector<size_t> found;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '?') {
            found.push_back(i);
        } else if (c == '\'' || c == '"' || c == '`') {
            for (++i; i < text.size() && text[i] != c; ++i)
                if (text[i] == '\\' && c != '`') ++i;
        } else if (text.substr(i, 2) == "/*") {
            i = std::min(text.find("*/", i + 2), text.size());
        } else if (c == '#' || text.substr(i, 3) == "-- ") {
            i = std::min(text.find('\n', i), text.size());
        }
    }
    return found;
}

// --- MariaDB
// ------------------------------------------------------------------------------------------

struct SqlClient::Inside {
    MYSQL* connection = nullptr;
    ~Inside() {
        if (connection) mysql_close(connection);
    }
};

SqlClient::SqlClient(Endpoint endpoint)
    : endpoint_(std::move(endpoint)), inside_(std::make_unique<Inside>()) {}
SqlClient::~SqlClient() = default;

std::expected<void, SqlError> SqlClient::connect() {
    if (inside_->connection) return {};
    MYSQL* connection = mysql_init(nullptr);
    unsigned connect_seconds = kConnectSeconds, read_seconds = kReadSeconds;
    mysql_options(connection, MYSQL_OPT_CONNECT_TIMEOUT, &connect_seconds);
    mysql_options(connection, MYSQL_OPT_READ_TIMEOUT, &read_seconds);
    mysql_options(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    const bool local = !endpoint_.socket.empty();
    if (!mysql_real_connect(connection, local ? nullptr : endpoint_.host.c_str(),
                            endpoint_.user.c_str(), endpoint_.password.c_str(),
                            endpoint_.schema.empty() ? nullptr : endpoint_.schema.c_str(),
                            static_cast<unsigned>(endpoint_.port),
                            local ? endpoint_.socket.c_str() : nullptr, 0)) {
        SqlError error{0, fmt::format("MariaDB does not let us in: {}", mysql_error(connection))};
        mysql_close(connection);
        return std::unexpected(std::move(error));
    }
    inside_->connection = connection;
    return {};
}

std::expected<SqlResult, SqlError> SqlClient::run(const std::string& statement,
                                                  const std::vector<Node>& parameters) {
    const auto marks = placeholders(statement);
    if (marks.size() != parameters.size())
        return std::unexpected(SqlError{1, fmt::format("the statement has {} \"?\" and {} params",
                                                       marks.size(), parameters.size())});
    TRY(connect());
    MYSQL* connection = inside_->connection;
    std::string text;
    size_t at = 0;
    for (size_t i = 0; i < marks.size(); ++i) {
        text += statement.substr(at, marks[i] - at);
        at = marks[i] + 1;
        const Node& value = parameters[i];
        if (value.is_null())
            text += "NULL";
        else if (value.is_number())
            text += value.number_text();
        else if (value.is_bool())
            text += value.as_bool() ? "TRUE" : "FALSE";
        else {
            const std::string raw = as_text(value);
            std::string escaped(raw.size() * 2 + 1, '\0');
            escaped.resize(
                mysql_real_escape_string(connection, escaped.data(), raw.data(), raw.size()));
            text += "'" + escaped + "'";
        }
    }
    text += statement.substr(at);

    if (mysql_real_query(connection, text.data(), text.size()) != 0) {
        SqlError error{mysql_errno(connection), mysql_error(connection)};
        constexpr unsigned kClientErrors = 2000;  // 2006 gone away, 2013 lost
        if (error.code >= kClientErrors && error.code < kClientErrors + 100) {
            inside_ = std::make_unique<Inside>();
            error = {0, "MariaDB is gone: " + error.message};
        }
        return std::unexpected(std::move(error));
    }
    SqlResult result;
    std::unique_ptr<MYSQL_RES, void (*)(MYSQL_RES*)> rows(mysql_store_result(connection),
                                                          mysql_free_result);
    if (!rows) {
        result.affected = static_cast<int64_t>(mysql_affected_rows(connection));
        return result;
    }
    const unsigned columns = mysql_num_fields(rows.get());
    const MYSQL_FIELD* fields = mysql_fetch_fields(rows.get());
    while (MYSQL_ROW row = mysql_fetch_row(rows.get())) {
        const unsigned long* lengths = mysql_fetch_lengths(rows.get());
        Node object = Node::object();
        for (unsigned i = 0; i < columns; ++i)
            object.set(fields[i].name,
                       row[i] == nullptr ? Node() : value_of({row[i], lengths[i]}, fields[i].type));
        result.rows.push_back(std::move(object));
    }
    return result;
}

// --- Redis
// --------------------------------------------------------------------------------------------

struct RedisClient::Inside {
    redisContext* connection = nullptr;
    ~Inside() {
        if (connection) redisFree(connection);
    }
};

namespace {

Node value_of(const redisReply* reply) {
    switch (reply->type) {
        case REDIS_REPLY_INTEGER: return Node(static_cast<int64_t>(reply->integer));
        case REDIS_REPLY_NIL: return Node();
        case REDIS_REPLY_ARRAY: {
            Node list = Node::array();
            for (size_t i = 0; i < reply->elements; ++i)
                list.push_back(value_of(reply->element[i]));
            return list;
        }
        default: return Node(std::string(reply->str ? reply->str : "", reply->len));
    }
}

}  // namespace

RedisClient::RedisClient(Endpoint endpoint)
    : endpoint_(std::move(endpoint)), inside_(std::make_unique<Inside>()) {}
RedisClient::~RedisClient() = default;

std::expected<void, RedisClient::Error> RedisClient::connect() {
    if (inside_->connection) return {};
    const timeval timeout{kConnectSeconds, 0};
    inside_->connection =
        endpoint_.socket.empty()
            ? redisConnectWithTimeout(endpoint_.host.c_str(), endpoint_.port, timeout)
            : redisConnectUnixWithTimeout(endpoint_.socket.c_str(), timeout);
    if (!inside_->connection || inside_->connection->err) {
        Error error{true,
                    fmt::format("Redis does not answer: {}",
                                inside_->connection ? inside_->connection->errstr : "no memory")};
        inside_ = std::make_unique<Inside>();
        return std::unexpected(std::move(error));
    }
    redisSetTimeout(inside_->connection, timeval{kReadSeconds, 0});
    if (endpoint_.password.empty()) return {};
    std::vector<std::string> words{"AUTH"};
    if (!endpoint_.user.empty()) words.push_back(endpoint_.user);
    words.push_back(endpoint_.password);
    auto answer = run(words);
    if (!answer)
        return std::unexpected(Error{true, "Redis does not let us in: " + answer.error().message});
    return {};
}

std::expected<Node, RedisClient::Error> RedisClient::run(const std::vector<std::string>& words) {
    TRY(connect());
    std::vector<const char*> pointers;
    std::vector<size_t> lengths;
    for (const std::string& word : words) {
        pointers.push_back(word.data());
        lengths.push_back(word.size());
    }
    std::unique_ptr<redisReply, void (*)(void*)> reply(
        static_cast<redisReply*>(redisCommandArgv(
            inside_->connection, static_cast<int>(words.size()), pointers.data(), lengths.data())),
        freeReplyObject);
    if (!reply) {
        Error error{true, fmt::format("Redis is gone: {}", inside_->connection->errstr)};
        inside_ = std::make_unique<Inside>();
        return std::unexpected(std::move(error));
    }
    if (reply->type == REDIS_REPLY_ERROR)
        return std::unexpected(Error{false, std::string(reply->str, reply->len)});
    return value_of(reply.get());
}

}  // namespace scenarios
