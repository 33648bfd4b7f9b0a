// Database: SQLite, the only file that includes sqlite3.h. One connection behind one mutex; WAL,
// synchronous=NORMAL (FULL with Durability::Power). Tables are those of schema.sql; migrations are
// appended.
#pragma once
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

namespace state {

// Thrown by every call below: the disk is full, the file is damaged, a constraint was broken.
struct DatabaseError : std::runtime_error {
    enum class Kind { Full, Busy, Corrupt, Constraint, Other };
    DatabaseError(Kind kind, const std::string& text) : std::runtime_error(text), kind(kind) {}
    Kind kind;
};

enum class Durability { Process, Power };

class Database;

// A prepared statement, reset after use. Bind from 1; columns from 0. Holds the database's mutex
// while it lives: keep it short, and on one thread.
class Statement {
  public:
    Statement(Statement&&) noexcept;
    ~Statement();

    Statement& bind(int index, std::nullptr_t);
    Statement& bind(int index, int64_t value);
    Statement& bind(int index, int value) { return bind(index, static_cast<int64_t>(value)); }
    Statement& bind(int index, double value);
    Statement& bind(int index, std::string_view text);
    Statement& bind_blob(int index, std::string_view bytes);
    template <class... Values>
    Statement& bind_all(Values&&... values) {
        int index = 0;
        (bind(++index, std::forward<Values>(values)), ...);
        return *this;
    }

    bool step();  // true: a row
    void run();   // steps to the end
    int64_t integer(int column) const;
    double real(int column) const;
    std::string text(int column) const;
    bool is_null(int column) const;
    int columns() const;

  private:
    friend class Database;
    Statement(Database& database, void* handle);
    Database* database_;
    void* handle_;
};

// Holds the database's mutex; rolls back unless committed. Inside another one (same thread) it is a
// savepoint.
class Transaction {
  public:
    explicit Transaction(Database& database);
    ~Transaction();
    void commit();

  private:
    Database& database_;
    bool done_ = false;
};

class Database {
  public:
    // ":memory:" for tests. Creates the file and its tables; an error is one sentence.
    static std::expected<std::unique_ptr<Database>, std::string> open(
        const std::string& path, Durability durability = Durability::Process);
    // A file with tables of its own: `schema` is run at each open, "" = as it is.
    static std::expected<std::unique_ptr<Database>, std::string> open_other(
        const std::string& path, std::string_view schema = {});
    ~Database();

    Statement prepare(std::string_view sql);  // cached by text
    void run(std::string_view sql);           // no parameters, no rows
    int64_t changes() const;
    int64_t last_row_id() const;
    std::recursive_mutex& mutex() { return mutex_; }

  private:
    Database();
    void give_back(void* handle);
    friend class Statement;
    friend class Transaction;
    struct Inside;
    std::unique_ptr<Inside> inside_;
    std::recursive_mutex mutex_;
};

}  // namespace state
