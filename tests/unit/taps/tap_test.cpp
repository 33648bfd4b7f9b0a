// Taps before the real servers, with the real client libraries: what a task sees, what is observed,
// and what a fault does to an open connection.
#include "taps/tap.h"

#include <hiredis/hiredis.h>
#include <mysql.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "backing/mariadb.h"
#include "backing/redis.h"
#include "base/ids.h"
#include "net/listener.h"
#include "taps/mysql.h"
#include "taps/redis.h"

namespace {

struct Fixture {
    std::string home = "/tmp/dodam-tap-" + base::random_hex(8);
    base::ManualClock clock;
    base::TraceRing traces;
    faults::Faults faults{clock};
    base::Spawner spawner;
    net::Authority authority{home + "/ca"};
    net::TlsServer tls{authority, {}};

    Fixture() { std::filesystem::create_directories(home + "/ca"); }
    ~Fixture() { std::filesystem::remove_all(home); }

    taps::TapParts parts(const std::string& hop, taps::Tls mode,
                         std::function<std::unique_ptr<taps::Protocol>()> protocol,
                         std::string socket) {
        auto connect = [socket] {
            return net::Socket::connect(*net::Address::unix_path(socket),
                                        net::Deadline::after(std::chrono::seconds(5)));
        };
        return {hop, mode, std::move(protocol), connect, clock, traces, faults, tls};
    }
    std::unique_ptr<net::Listener> listen(taps::Tap& tap) {
        auto listener =
            net::Listener::open(net::Address::loopback(0), "tap",
                                [&tap](net::Socket& socket) { tap.serve(socket, "task-1"); });
        REQUIRE(listener);
        (*listener)->start();
        return std::move(*listener);
    }
    std::vector<std::string> seen() {
        std::vector<std::string> out;
        for (const auto& span : traces.since(0, 100))
            out.push_back(span.method + " " + span.target + " -> " + span.decisions[0].text);
        return out;
    }
};

}  // namespace

TEST_CASE("a MariaDB tap forwards, observes, and breaks when told to", "[slow]") {
    Fixture f;
    backing::MariaDb database(f.spawner, f.home + "/db", f.home);
    REQUIRE(database.start({"shop", "app", "secret-1", ""}));
    taps::Tap tap(f.parts("db", taps::Tls::WhenAsked, taps::mysql_protocol, database.socket()));
    auto listener = f.listen(tap);

    for (bool with_tls : {false, true}) {
        INFO("tls " << with_tls);
        MYSQL* client = mysql_init(nullptr);
        my_bool enforce = with_tls, verify = 0;
        mysql_options(client, MYSQL_OPT_SSL_ENFORCE, &enforce);
        mysql_options(client, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
        if (!mysql_real_connect(client, "127.0.0.1", "app", "secret-1", "shop",
                                listener->address().port(), nullptr, 0))
            FAIL(mysql_error(client));
        CHECK((mysql_get_ssl_cipher(client) != nullptr) == with_tls);
        REQUIRE(mysql_query(client, "CREATE OR REPLACE TABLE t (id INT, text VARCHAR(20))") == 0);
        REQUIRE(mysql_query(client, "INSERT INTO t VALUES (1,'a'),(2,'b')") == 0);
        REQUIRE(mysql_query(client, "SELECT * FROM t") == 0);
        MYSQL_RES* result = mysql_store_result(client);
        CHECK(mysql_num_rows(result) == 2);
        mysql_free_result(result);
        CHECK(mysql_query(client, "SELECT * FROM absent") != 0);

        MYSQL_STMT* statement = mysql_stmt_init(client);
        const std::string sql = "SELECT text FROM t WHERE id = ?";
        REQUIRE(mysql_stmt_prepare(statement, sql.data(), sql.size()) == 0);
        int id = 2;
        MYSQL_BIND bind{};
        bind.buffer_type = MYSQL_TYPE_LONG;
        bind.buffer = &id;
        mysql_stmt_bind_param(statement, &bind);
        REQUIRE(mysql_stmt_execute(statement) == 0);
        mysql_stmt_store_result(statement);
        CHECK(mysql_stmt_num_rows(statement) == 1);
        mysql_stmt_close(statement);

        auto seen = f.seen();
        std::vector<std::string> last(seen.end() - 6, seen.end());
        CHECK(last ==
              std::vector<std::string>{
                  "QUERY CREATE OR REPLACE TABLE t (id INT, text VARCHAR(20)) -> affected 0",
                  "QUERY INSERT INTO t VALUES (1,'a'),(2,'b') -> affected 2",
                  "QUERY SELECT * FROM t -> 2 rows",
                  "QUERY SELECT * FROM absent -> Table 'shop.absent' doesn't exist",
                  "PREPARE SELECT text FROM t WHERE id = ? -> prepared",
                  "EXECUTE SELECT text FROM t WHERE id = ? -> 1 row",
              });

        auto read_only = f.faults.set(*base::parse_json(R"({"target":"db","kind":"readonly"})"));
        CHECK(mysql_query(client, "INSERT INTO t VALUES (3,'c')") != 0);
        CHECK(mysql_errno(client) == 1290);
        REQUIRE(mysql_query(client, "SELECT 1") == 0);
        mysql_free_result(mysql_store_result(client));
        f.faults.clear(read_only->id);
        REQUIRE(mysql_query(client, "INSERT INTO t VALUES (3,'c')") == 0);

        auto down = f.faults.set(*base::parse_json(R"({"target":"db","kind":"down"})"));
        CHECK(mysql_query(client, "SELECT 1") != 0);
        f.faults.clear(down->id);
        mysql_close(client);
    }
    listener->stop();
}

TEST_CASE("a Redis tap ends TLS before a plain server", "[slow]") {
    Fixture f;
    backing::Redis redis(f.spawner, f.home + "/redis", f.home);
    REQUIRE(redis.start({"cache.example.com", 6379, "app", "secret-1",
                         "on ~* +@all -@dangerous +cluster|slots", true, false}));
    taps::Tap tap(f.parts("redis", taps::Tls::FromTheStart, taps::redis_protocol, redis.socket()));
    auto listener = f.listen(tap);

    net::TlsClient trusting(f.authority);
    auto socket =
        net::Socket::connect(listener->address(), net::Deadline::after(std::chrono::seconds(5)));
    REQUIRE(socket);
    REQUIRE(trusting.connect(*socket, "cache.example.com",
                             net::Deadline::after(std::chrono::seconds(5))));
    auto ask = [&](const std::string& command) {
        REQUIRE(socket->write_all(command, net::Deadline::after(std::chrono::seconds(5))));
        std::array<char, 4096> buffer;
        auto count = socket->read_some(buffer, net::Deadline::after(std::chrono::seconds(5)));
        REQUIRE(count);
        return std::string(buffer.data(), *count);
    };
    CHECK(ask("*1\r\n$4\r\nPING\r\n").starts_with("-NOAUTH"));
    CHECK(ask("*3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$8\r\nsecret-1\r\n") == "+OK\r\n");
    CHECK(ask("*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$2\r\nEX\r\n$2\r\n60\r\n") == "+OK\r\n");
    CHECK(ask("*1\r\n$8\r\nFLUSHALL\r\n").starts_with("-NOPERM"));
    CHECK_THAT(
        ask("*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n"),
        Catch::Matchers::Contains("cache.example.com") && Catch::Matchers::Contains(":6379"));
    CHECK(f.seen().at(2) == "SET k v EX 60 -> OK");
    listener->stop();
}
