// The real servers: start, what a task's user may do, reset, and the first error of a script.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "backing/mariadb.h"
#include "backing/redis.h"
#include "base/ids.h"

namespace {

struct TemporaryDirectory {
    std::string path = "/tmp/dodam-backing-" + base::random_hex(8);
    TemporaryDirectory() { std::filesystem::create_directories(path); }
    ~TemporaryDirectory() { std::filesystem::remove_all(path); }
};

void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("MariaDB starts with its script, keeps what was written, and is fresh after a reset",
          "[slow]") {
    base::Spawner spawner;
    TemporaryDirectory home;
    write(home.path + "/init.sql",
          "CREATE TABLE t (id INT PRIMARY KEY);\nINSERT INTO t VALUES (1);\n");
    const backing::DatabaseSpec spec{"shop", "app", "secret-1", home.path + "/init.sql"};
    {
        backing::MariaDb database(spawner, home.path + "/db", home.path);
        auto started = database.start(spec);
        if (!started) FAIL(started.error().text);
        CHECK(backing::run_script(database.socket(), "shop", "x", "INSERT INTO t VALUES (2);"));
        database.stop();
        REQUIRE(database.start(spec));
        auto again =
            backing::run_script(database.socket(), "shop", "x", "INSERT INTO t VALUES (2);");
        REQUIRE(!again);
        CHECK_THAT(again.error(), Catch::Matchers::Contains("x:1: MariaDB 1062"));

        REQUIRE(database.reset());
        CHECK(backing::run_script(database.socket(), "shop", "x", "INSERT INTO t VALUES (2);"));
        CHECK(backing::run_script(database.socket(), "shop", "x",
                                  "CREATE TABLE u (id INT); DROP TABLE u;"));
        CHECK(std::filesystem::exists(home.path + "/db/data"));
    }
    backing::MariaDb later(spawner, home.path + "/db", home.path);
    REQUIRE(later.start(spec));
    CHECK(!backing::run_script(later.socket(), "shop", "x", "INSERT INTO t VALUES (2);"));
}

TEST_CASE("the first error of an init script is told with its line", "[slow]") {
    base::Spawner spawner;
    TemporaryDirectory home;
    write(home.path + "/init.sql",
          "CREATE TABLE t (id INT);\n\nCREATE TABLE u (\n  id INT,\n  FOREIGN nonsense\n);\n");
    backing::MariaDb database(spawner, home.path + "/db", home.path);
    auto started = database.start({"shop", "app", "secret-1", home.path + "/init.sql"});
    REQUIRE(!started);
    CHECK(started.error().exit_code == 2);
    CHECK_THAT(started.error().text, Catch::Matchers::Contains("init.sql:5: MariaDB 1064"));
}

TEST_CASE("Redis is a cluster of one with its default user off", "[slow]") {
    base::Spawner spawner;
    TemporaryDirectory home;
    backing::Redis redis(spawner, home.path + "/redis", home.path);
    auto started = redis.start({"cache.example.com", 6379, "app", "secret-1",
                                "on ~* +@all -@dangerous +cluster|slots", true, false});
    if (!started) FAIL(started.error().text);
    CHECK(redis.is_running());
    // One master, which owns every slot and takes writes at once.
    const auto nodes = backing::redis_command(redis.door(), {"CLUSTER", "NODES"});
    REQUIRE(nodes);
    CHECK(std::ranges::count(*nodes, '\n') == 1);
    CHECK_THAT(*nodes,
               Catch::Matchers::Contains("myself,master") && Catch::Matchers::Contains(" 0-16383"));
    CHECK(backing::redis_command(redis.door(), {"SET", "a", "b"}));
    CHECK(redis.reset());
    redis.stop();
    CHECK(!redis.is_running());
}
