// SqlConnection: one connection to MariaDB for what an instance does itself. Over libmariadb, whose
// header stays in sql_connection.cpp.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "backing/door.h"

namespace backing {

class SqlConnection {
  public:
    SqlConnection();
    ~SqlConnection();

    bool open(const Door& door, const std::string& schema);  // `schema` "" = none selected
    bool run(const std::string& sql);
    // The first column of the first row.
    std::optional<std::string> value(const std::string& sql);
    std::string quoted(const std::string& text);
    // Of the last call that failed.
    unsigned error_code() const;
    std::string error() const;

  private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

std::string client_library_version();

}  // namespace backing
