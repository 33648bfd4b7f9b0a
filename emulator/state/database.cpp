// SQLite behind Database, Statement and Transaction. sqlite.org: "Write-Ahead Logging", "PRAGMA
// Statements", "Result and Error Codes".
#include "state/database.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"

extern "C" const char dodam_schema_sql_begin[], dodam_schema_sql_end[];

namespace state {

namespace {

constexpr int kBusyMilliseconds = 5000;
constexpr size_t kMostCachedTexts = 512;

// What turns version n into n + 1. Appended to, never edited: files of every version are about.
constexpr std::span<const char* const> kMigrations;
constexpr int kVersion = 1 + static_cast<int>(kMigrations.size());

DatabaseError::Kind kind_of(sqlite3* handle, int code) {
    switch (code & 0xff) {
        case SQLITE_FULL: return DatabaseError::Kind::Full;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return DatabaseError::Kind::Busy;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return DatabaseError::Kind::Corrupt;
        case SQLITE_CONSTRAINT: return DatabaseError::Kind::Constraint;
        case SQLITE_IOERR:
            if (sqlite3_system_errno(handle) == ENOSPC) return DatabaseError::Kind::Full;
            [[fallthrough]];
        default: return DatabaseError::Kind::Other;
    }
}

[[noreturn]] void fail(sqlite3* handle, int code) {
    throw DatabaseError(kind_of(handle, code),
                        std::string("state database: ") + sqlite3_errmsg(handle));
}

sqlite3_stmt* statement_of(void* handle) {
    return static_cast<sqlite3_stmt*>(handle);
}

int64_t single_integer(Database& database, std::string_view sql) {
    Statement statement = database.prepare(sql);
    return statement.step() ? statement.integer(0) : 0;
}

}  // namespace

struct Database::Inside {
    sqlite3* handle = nullptr;
    int depth = 0;  // of open transactions
    std::map<std::string, std::vector<sqlite3_stmt*>, std::less<>> idle;

    ~Inside() {
        for (auto& [sql, statements] : idle)
            for (sqlite3_stmt* statement : statements)
                sqlite3_finalize(statement);
        sqlite3_close_v2(handle);
    }
};

Database::Database() : inside_(std::make_unique<Inside>()) {}
Database::~Database() = default;

std::expected<std::unique_ptr<Database>, std::string> Database::open(const std::string& path,
                                                                     Durability durability) {
    std::unique_ptr<Database> database(new Database());
    sqlite3*& handle = database->inside_->handle;
    // Our own mutex serialises, so SQLite's is not needed.
    int code =
        sqlite3_open_v2(path.c_str(), &handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    if (code != SQLITE_OK)
        return std::unexpected("cannot open " + path + ": " +
                               (handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code)));
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kBusyMilliseconds);
    try {
        // Until the tables exist there is nothing to lose: no flush to disk while they are made.
        database->run("PRAGMA synchronous = OFF");
        database->run("PRAGMA journal_mode = WAL");
        database->run("PRAGMA foreign_keys = ON");
        int64_t version = single_integer(*database, "PRAGMA user_version");
        if (version > kVersion)
            return std::unexpected(
                path +
                " was written by a newer version of dodam; use that version, or another --state");
        Transaction transaction(*database);
        for (int64_t next = std::max<int64_t>(version, 1); version > 0 && next < kVersion; ++next)
            database->run(kMigrations[static_cast<size_t>(next - 1)]);
        database->run({dodam_schema_sql_begin,
                       static_cast<size_t>(dodam_schema_sql_end - dodam_schema_sql_begin)});
        if (version != kVersion) database->run("PRAGMA user_version = " + std::to_string(kVersion));
        transaction.commit();
        database->run(durability == Durability::Power ? "PRAGMA synchronous = FULL"
                                                      : "PRAGMA synchronous = NORMAL");
    } catch (const DatabaseError& error) {
        std::string hint = error.kind == DatabaseError::Kind::Corrupt
                               ? "; move the file away to start afresh"
                               : "";
        return std::unexpected("cannot open " + path + ": " + error.what() + hint);
    }
    return database;
}

std::expected<std::unique_ptr<Database>, std::string> Database::open_other(
    const std::string& path, std::string_view schema) {
    std::unique_ptr<Database> database(new Database());
    sqlite3*& handle = database->inside_->handle;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (!schema.empty()) flags |= SQLITE_OPEN_CREATE;
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    if (code != SQLITE_OK)
        return std::unexpected("cannot open " + path + ": " +
                               (handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code)));
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kBusyMilliseconds);
    try {
        database->run("PRAGMA synchronous = OFF");
        if (!schema.empty()) database->run(schema);
    } catch (const DatabaseError& error) {
        return std::unexpected("cannot open " + path + ": " + error.what());
    }
    return database;
}

Statement Database::prepare(std::string_view sql) {
    mutex_.lock();  // the Statement unlocks
    if (auto found = inside_->idle.find(sql);
        found != inside_->idle.end() && !found->second.empty()) {
        sqlite3_stmt* statement = found->second.back();
        found->second.pop_back();
        return Statement(*this, statement);
    }
    sqlite3_stmt* statement = nullptr;
    int code = sqlite3_prepare_v3(inside_->handle, sql.data(), static_cast<int>(sql.size()),
                                  SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) {
        std::lock_guard unlock(mutex_, std::adopt_lock);
        fail(inside_->handle, code);
    }
    return Statement(*this, statement);
}

void Database::give_back(void* handle) {
    sqlite3_stmt* statement = statement_of(handle);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    std::string_view sql = sqlite3_sql(statement);
    auto found = inside_->idle.find(sql);
    if (found != inside_->idle.end())
        found->second.push_back(statement);
    else if (inside_->idle.size() < kMostCachedTexts)
        inside_->idle[std::string(sql)].push_back(statement);
    else
        sqlite3_finalize(statement);
    mutex_.unlock();
}

void Database::run(std::string_view sql) {
    std::lock_guard lock(mutex_);
    int code = sqlite3_exec(inside_->handle, std::string(sql).c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(inside_->handle, code);
}

int64_t Database::changes() const {
    return sqlite3_changes64(inside_->handle);
}
int64_t Database::last_row_id() const {
    return sqlite3_last_insert_rowid(inside_->handle);
}

Statement::Statement(Database& database, void* handle) : database_(&database), handle_(handle) {}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), handle_(std::exchange(other.handle_, nullptr)) {}

Statement::~Statement() {
    if (handle_ != nullptr) database_->give_back(handle_);
}

Statement& Statement::bind(int index, std::nullptr_t) {
    ASSERT(sqlite3_bind_null(statement_of(handle_), index) == SQLITE_OK);
    return *this;
}

Statement& Statement::bind(int index, int64_t value) {
    ASSERT(sqlite3_bind_int64(statement_of(handle_), index, value) == SQLITE_OK);
    return *this;
}

Statement& Statement::bind(int index, double value) {
    ASSERT(sqlite3_bind_double(statement_of(handle_), index, value) == SQLITE_OK);
    return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
    const char* bytes =
        text.data() == nullptr ? "" : text.data();  // a null pointer would bind NULL
    int code = sqlite3_bind_text64(statement_of(handle_), index, bytes, text.size(),
                                   SQLITE_TRANSIENT, SQLITE_UTF8);
    if (code != SQLITE_OK) fail(database_->inside_->handle, code);
    return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
    const char* data = bytes.data() == nullptr ? "" : bytes.data();
    int code =
        sqlite3_bind_blob64(statement_of(handle_), index, data, bytes.size(), SQLITE_TRANSIENT);
    if (code != SQLITE_OK) fail(database_->inside_->handle, code);
    return *this;
}

bool Statement::step() {
    int code = sqlite3_step(statement_of(handle_));
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) fail(database_->inside_->handle, code);
    return false;
}

void Statement::run() {
    while (step())
        continue;
}

int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_of(handle_), column);
}
double Statement::real(int column) const {
    return sqlite3_column_double(statement_of(handle_), column);
}

std::string Statement::text(int column) const {
    // The conversion comes first, then the size. A blob's bytes stay as they are.
    const auto* bytes =
        reinterpret_cast<const char*>(sqlite3_column_text(statement_of(handle_), column));
    if (bytes == nullptr) return {};
    return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_of(handle_), column))};
}

int Statement::columns() const {
    return sqlite3_column_count(statement_of(handle_));
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_of(handle_), column) == SQLITE_NULL;
}

Transaction::Transaction(Database& database) : database_(database) {
    database_.mutex_.lock();
    try {
        int depth = database_.inside_->depth;
        database_.run(depth == 0 ? "BEGIN IMMEDIATE" : "SAVEPOINT s" + std::to_string(depth));
    } catch (const DatabaseError&) {
        database_.mutex_.unlock();
        throw;
    }
    ++database_.inside_->depth;
}

void Transaction::commit() {
    int depth = database_.inside_->depth - 1;
    database_.run(depth == 0 ? "COMMIT" : "RELEASE s" + std::to_string(depth));
    done_ = true;
}

Transaction::~Transaction() {
    int depth = --database_.inside_->depth;
    if (!done_) {
        // A full disk may have rolled back already; then this fails, and that is fine.
        std::string name = "s" + std::to_string(depth);
        std::string sql = depth == 0 ? "ROLLBACK" : "ROLLBACK TO " + name + "; RELEASE " + name;
        sqlite3_exec(database_.inside_->handle, sql.c_str(), nullptr, nullptr, nullptr);
    }
    database_.mutex_.unlock();
}

}  // namespace state
