// Clients of MariaDB and Redis, connected when first used. Their libraries stay in clients.cpp.
// Steps go to the servers beside the app: past the taps, so that faults and traces do not see them.
#pragma once
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"

namespace scenarios {

// Where a server is: a unix socket, or host and port.
struct Endpoint {
    std::string socket, host;
    int port = 0;
    std::string user, password, schema;
};

struct SqlResult {
    base::Node rows = base::Node::array();  // of objects; types as the columns have them
    int64_t affected = 0;
};
struct SqlError {
    unsigned code = 0;  // 0: there is no connection
    std::string message;
};

class SqlClient {
  public:
    explicit SqlClient(Endpoint endpoint);
    ~SqlClient();
    // "?" outside quotes and comments are the parameters, in order.
    std::expected<SqlResult, SqlError> run(const std::string& statement,
                                           const std::vector<base::Node>& parameters);

  private:
    struct Inside;
    std::expected<void, SqlError> connect();
    Endpoint endpoint_;
    std::unique_ptr<Inside> inside_;
};

class RedisClient {
  public:
    explicit RedisClient(Endpoint endpoint);
    ~RedisClient();
    struct Error {
        bool connection = false;
        std::string message;
    };
    std::expected<base::Node, Error> run(const std::vector<std::string>& words);

  private:
    struct Inside;
    std::expected<void, Error> connect();
    Endpoint endpoint_;
    std::unique_ptr<Inside> inside_;
};

struct Clients {
    std::unique_ptr<SqlClient> sql;
    std::unique_ptr<RedisClient> redis;
};

// Offsets of the parameters' "?" in a statement.
std::vector<size_t> placeholders(std::string_view statement);

}  // namespace scenarios
