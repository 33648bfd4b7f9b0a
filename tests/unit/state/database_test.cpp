// The database: values, transactions, cache, and what goes wrong with a file.
#include "state/database.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/thread.h"
#include "state/names.h"

using state::Database;
using state::DatabaseError;

namespace {

struct Directory {
    std::string path;
    Directory() {
        char name[] = "/tmp/dodam-state-XXXXXX";
        path = mkdtemp(name);
    }
    ~Directory() { std::filesystem::remove_all(path); }
};

std::unique_ptr<Database> in_memory() {
    auto database = Database::open(":memory:");
    REQUIRE(database);
    (*database)->run("CREATE TABLE t (a INTEGER PRIMARY KEY, b)");
    return std::move(*database);
}

int64_t count(Database& database) {
    auto statement = database.prepare("SELECT count(*) FROM t");
    REQUIRE(statement.step());
    return statement.integer(0);
}

}  // namespace

TEST_CASE("values come back as they were bound") {
    auto database = in_memory();
    std::string bytes("\0\xff", 2);
    database->prepare("INSERT INTO t VALUES (1, ?), (2, ?), (3, ?), (4, ?), (5, ?)")
        .bind_all(int64_t{-5}, 2.5, std::string_view("é"), nullptr, std::string_view())
        .run();
    database->prepare("INSERT INTO t VALUES (6, ?)").bind_blob(1, bytes).run();
    CHECK(database->changes() == 1);
    CHECK(database->last_row_id() == 6);
    auto rows = database->prepare("SELECT b FROM t ORDER BY a");
    REQUIRE(rows.step());
    CHECK(rows.integer(0) == -5);
    CHECK(rows.text(0) == "-5");
    REQUIRE(rows.step());
    CHECK(rows.real(0) == 2.5);
    REQUIRE(rows.step());
    CHECK(rows.text(0) == "é");
    REQUIRE(rows.step());
    CHECK(rows.is_null(0));
    CHECK(rows.text(0).empty());
    REQUIRE(rows.step());
    CHECK(!rows.is_null(0));
    REQUIRE(rows.step());
    CHECK(rows.text(0) == bytes);
    CHECK(!rows.step());
}

TEST_CASE("a statement may be used while the same text is open") {
    auto database = in_memory();
    database->run("INSERT INTO t VALUES (1, 1), (2, 2)");
    auto outer = database->prepare("SELECT a FROM t");
    REQUIRE(outer.step());
    {
        auto inner = database->prepare("SELECT a FROM t");
        REQUIRE(inner.step());
        CHECK(inner.integer(0) == 1);
    }
    REQUIRE(outer.step());
    CHECK(outer.integer(0) == 2);
}

TEST_CASE("transactions roll back unless committed, inner ones alone") {
    auto database = in_memory();
    {
        state::Transaction lost(*database);
        database->run("INSERT INTO t VALUES (1, 1)");
    }
    CHECK(count(*database) == 0);
    {
        state::Transaction outer(*database);
        database->run("INSERT INTO t VALUES (1, 1)");
        {
            state::Transaction lost(*database);
            database->run("INSERT INTO t VALUES (2, 2)");
        }
        {
            state::Transaction kept(*database);
            database->run("INSERT INTO t VALUES (3, 3)");
            kept.commit();
        }
        outer.commit();
    }
    CHECK(count(*database) == 2);
}

TEST_CASE("errors have a kind and leave the database usable") {
    auto database = in_memory();
    database->run("INSERT INTO t VALUES (1, 1)");
    auto insert = [&] { database->prepare("INSERT INTO t VALUES (?, 1)").bind(1, 1).run(); };
    try {
        insert();
        FAIL("no error");
    } catch (const DatabaseError& error) {
        CHECK(error.kind == DatabaseError::Kind::Constraint);
    }
    CHECK_THROWS_AS(database->prepare("SELECT nonsense FROM nowhere"), DatabaseError);
    CHECK(count(*database) == 1);
    database->run("PRAGMA max_page_count = 8");
    try {
        for (int i = 0; i < 100; ++i)
            database->prepare("INSERT INTO t (b) VALUES (?)").bind(1, std::string(4096, 'x')).run();
        FAIL("no error");
    } catch (const DatabaseError& error) {
        CHECK(error.kind == DatabaseError::Kind::Full);
    }
    CHECK(count(*database) >= 1);
}

TEST_CASE("threads take turns") {
    auto database = in_memory();
    {
        std::vector<base::Thread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back("writer", [&] {
                for (int k = 0; k < 100; ++k) {
                    state::Transaction transaction(*database);
                    database->prepare("INSERT INTO t (b) VALUES (?)").bind(1, k).run();
                    transaction.commit();
                }
            });
    }
    CHECK(count(*database) == 400);
}

TEST_CASE("a file keeps its rows, with either durability") {
    Directory directory;
    std::string path = directory.path + "/state.db";
    for (auto durability : {state::Durability::Process, state::Durability::Power}) {
        auto database = Database::open(path, durability);
        REQUIRE(database);
        state::Names names(**database);
        if (durability == state::Durability::Process) {
            names.set("distribution", "front", "E1");
            names.set("distribution", "front", "E2");
        }
        CHECK(names.id_of("distribution", "front") == "E2");
        CHECK(names.name_of("distribution", "E2") == "front");
        CHECK(names.name_of("bucket", "E2").empty());
        auto pragma = (*database)->prepare("PRAGMA synchronous");
        REQUIRE(pragma.step());
        CHECK(pragma.integer(0) == (durability == state::Durability::Power ? 2 : 1));
    }
    auto database = Database::open(path);
    state::Names names(**database);
    names.erase("distribution", "front");
    CHECK(names.id_of("distribution", "front").empty());
}

TEST_CASE("a file that cannot be used is one sentence") {
    Directory directory;
    std::string damaged = directory.path + "/damaged.db";
    std::ofstream(damaged) << std::string(8192, 'x');
    CHECK(Database::open(damaged).error() ==
          "cannot open " + damaged +
              ": state database: file is not a database; move the file away to start afresh");
    CHECK(Database::open(directory.path + "/no/such.db").error() ==
          "cannot open " + directory.path + "/no/such.db: unable to open database file");
    std::string newer = directory.path + "/newer.db";
    (*Database::open(newer))->run("PRAGMA user_version = 9999");
    CHECK(Database::open(newer).error() ==
          newer + " was written by a newer version of dodam; use that version, or another --state");
}
