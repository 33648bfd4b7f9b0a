// URLs of servers that the user gives, and what a dodam in front of them does and refuses.
#include "backing/given.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "backing/mariadb.h"
#include "backing/redis.h"
#include "backing/served_database.h"
#include "backing/served_redis.h"
#include "base/ids.h"

namespace {

struct TemporaryDirectory {
    std::string path = "/tmp/dodam-given-" + base::random_hex(8);
    TemporaryDirectory() { std::filesystem::create_directories(path); }
    ~TemporaryDirectory() { std::filesystem::remove_all(path); }
};

backing::Served served(backing::Door door, backing::Owner owner) {
    backing::Served served;
    served.name = "MariaDB";
    served.place = "at db.example:3306";
    served.owner = owner;
    served.patience = std::chrono::seconds(20);
    served.connect = [socket = door.socket] {
        return net::Socket::connect(*net::Address::unix_path(socket),
                                    net::Deadline::after(std::chrono::seconds(1)));
    };
    served.door = std::move(door);
    return served;
}

}  // namespace

TEST_CASE("the URL of a given server") {
    struct Case {
        const char *flag, *url, *user, *password, *host;
        int port;
        const char *path, *error;
    };
    const Case cases[] = {
        {"database-url", "mysql://root:secret@127.0.0.1:3307/shop", "root", "secret", "127.0.0.1",
         3307, "shop", ""},
        {"database-url", "mariadb://a:p%40ss%2F1@db.example", "a", "p@ss/1", "db.example", 3306, "",
         ""},
        {"database-url", "MYSQL://a:b+c@[::1]:3306/x", "a", "b+c", "::1", 3306, "x", ""},
        {"cache-url", "rediss://u:p@cache.example", "u", "p", "cache.example", 6379, "", ""},
        {"cache-url", "redis://:only@h:1/0", "", "only", "h", 1, "0", ""},
        {"cache-url", "redis://h", "", "", "h", 6379, "", ""},
        {"database-url", "127.0.0.1:3306", "", "", "", 0, "", "is no URL"},
        {"database-url", "redis://h", "", "", "", 0, "", "cannot start with redis://"},
        {"cache-url", "mysql://h", "", "", "", 0, "", "cannot start with mysql://"},
        {"database-url", "mysql://127.0.0.1/shop", "", "", "", 0, "", "names no user"},
        {"database-url", "mysql://a:b@/shop", "", "", "", 0, "", "names no host"},
        {"database-url", "mysql://a:b@h:0/shop", "", "", "", 0, "", "no valid port"},
        {"database-url", "mysql://a:b@h:65536/shop", "", "", "", 0, "", "no valid port"},
        {"database-url", "mysql://a:b@h/x/y", "", "", "", 0, "", "has a path"},
        {"database-url", "mysql://a:b@h/x?ssl=1", "", "", "", 0, "", "takes no parameters"},
        {"cache-url", "redis://h/3", "", "", "", 0, "", "has a path"},
    };
    for (const Case& c : cases) {
        INFO(c.url);
        auto url = backing::parse_given_url(c.url, c.flag);
        if (*c.error) {
            REQUIRE(!url);
            CHECK_THAT(url.error(),
                       Catch::Matchers::Contains(c.error) && Catch::Matchers::Contains(c.flag));
            CHECK_THAT(url.error(), !Catch::Matchers::Contains("secret"));
            continue;
        }
        REQUIRE(url);
        CHECK(url->user == c.user);
        CHECK(url->password == c.password);
        CHECK(url->host == c.host);
        CHECK(url->port == c.port);
        CHECK(url->path == c.path);
    }
}

TEST_CASE("a served MariaDB gets schema, user and script once; ours is reset, theirs never",
          "[slow]") {
    base::Spawner spawner;
    TemporaryDirectory home;
    std::ofstream(home.path + "/init.sql")
        << "CREATE TABLE t (id INT PRIMARY KEY);\nINSERT INTO t VALUES (1);\n";
    backing::MariaDb server(spawner, home.path + "/db", home.path);
    REQUIRE(server.start({"other", "somebody", "secret-0", ""}));
    const backing::DatabaseSpec spec{"shop", "app", "secret-1", home.path + "/init.sql"};

    backing::ServedDatabase theirs(served(server.door(), backing::Owner::Them));
    auto started = theirs.start(spec);
    if (!started) FAIL(started.error().text);
    const backing::Door app{server.socket(), "app", "secret-1"};
    CHECK(backing::run_script(app, "shop", "x", "INSERT INTO t VALUES (2);"));
    REQUIRE(theirs.start(spec));
    CHECK(!backing::run_script(app, "shop", "x",
                               "INSERT INTO t VALUES (2);"));  // the script did not run again
    auto refused = theirs.reset();
    REQUIRE(!refused);
    CHECK_THAT(refused.error(), Catch::Matchers::Contains("db.example"));
    CHECK(!backing::run_script(app, "shop", "x", "INSERT INTO t VALUES (2);"));

    backing::ServedDatabase ours(served(server.door(), backing::Owner::Us));
    REQUIRE(ours.start(spec));
    REQUIRE(ours.reset());
    CHECK(backing::run_script(app, "shop", "x", "INSERT INTO t VALUES (2);"));

    // A user who may make nothing says so; the stack's user may be there already.
    backing::ServedDatabase poor(
        served({server.socket(), "app", "secret-1"}, backing::Owner::Them));
    CHECK(poor.start(spec));
    auto without_right = poor.start({"shop", "stranger", "secret-2", ""});
    REQUIRE(!without_right);
    CHECK_THAT(without_right.error().text, Catch::Matchers::Contains("app may not make them"));
}

TEST_CASE(
    "a script that fails in a served MariaDB of ours leaves nothing, so that the next start runs "
    "it",
    "[slow]") {
    base::Spawner spawner;
    TemporaryDirectory home;
    std::ofstream(home.path + "/init.sql") << "CREATE TABLE t (id INT);\nnonsense;\n";
    backing::MariaDb server(spawner, home.path + "/db", home.path);
    REQUIRE(server.start({"other", "somebody", "secret-0", ""}));
    backing::ServedDatabase ours(served(server.door(), backing::Owner::Us));
    const backing::DatabaseSpec spec{"shop", "app", "secret-1", home.path + "/init.sql"};
    auto started = ours.start(spec);
    REQUIRE(!started);
    CHECK(started.error().exit_code == 2);
    CHECK_THAT(started.error().text, Catch::Matchers::Contains("init.sql:2: MariaDB 1064"));
    std::ofstream(home.path + "/init.sql") << "CREATE TABLE t (id INT);\n";
    CHECK(ours.start(spec));
}

TEST_CASE("a served Redis must be in the mode and under the name that the stack declares",
          "[slow]") {
    base::Spawner spawner;
    TemporaryDirectory home;
    backing::CacheSpec spec{"cache.example.com",
                            6379,
                            "app",
                            "secret-1",
                            "on ~* +@all -@dangerous +cluster|slots",
                            true,
                            false};
    backing::Redis server(spawner, home.path + "/redis", home.path);
    REQUIRE(server.start(spec));

    backing::ServedRedis theirs(served(server.door(), backing::Owner::Them));
    CHECK(theirs.start(spec));
    CHECK(!theirs.reset());
    backing::CacheSpec plain = spec;
    plain.cluster_mode = false;
    auto refused = theirs.start(plain);
    REQUIRE(!refused);
    CHECK_THAT(refused.error().text, Catch::Matchers::Contains("\"clusterMode\": false") &&
                                         Catch::Matchers::Contains("cluster mode on"));
    backing::CacheSpec renamed = spec;
    renamed.host = "elsewhere.example.com";
    refused = theirs.start(renamed);
    REQUIRE(!refused);
    CHECK_THAT(refused.error().text, Catch::Matchers::Contains("cache.example.com:6379") &&
                                         Catch::Matchers::Contains("elsewhere.example.com:6379"));

    backing::ServedRedis ours(served(server.door(), backing::Owner::Us));
    CHECK(ours.start(renamed));  // ours is told its name
    CHECK(ours.reset());
}
