// The database and cache of one instance.
#include "backing/backing.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/text.h"
#include "taps/mysql.h"
#include "taps/redis.h"

namespace backing {
namespace {

using base::Node;

constexpr const char* kDatabaseAddress = "198.18.0.10";
constexpr const char* kCacheAddress = "198.18.0.11";
constexpr auto kConnectWait = std::chrono::seconds(5);

uint16_t port_of(const Node& node, uint16_t fallback) { return static_cast<uint16_t>(node["port"].as_int(fallback)); }

}  // namespace

Backing::Backing(BackingParts parts, const Node& database, const Node& cache, const std::string& stack_directory) : parts_(std::move(parts)) {
    auto tap = [&](std::string hop, taps::Tls tls, net::TlsServer& tls_server, std::unique_ptr<taps::Protocol> (*protocol)(),
                   std::function<std::string()> socket) {
        return std::make_unique<taps::Tap>(taps::TapParts{
            std::move(hop), tls, protocol,
            [socket] {
                auto path = net::Address::unix_path(socket());
                return net::Socket::connect(*path, net::Deadline::after(kConnectWait));
            },
            parts_.clock, parts_.traces, parts_.faults, tls_server});
    };
    if (!database.is_null()) {
        database_host_ = base::lower(database["host"].as_string());
        database_port_ = port_of(database, 3306);
        database_spec_ = {database["schema"].as_string(), database["user"].as_string(), database["password"].as_string(), ""};
        if (const auto& init = database["init"].as_string(); !init.empty())
            database_spec_.init_file = (std::filesystem::path(stack_directory) / init).lexically_normal().string();
        database_ = std::make_unique<MariaDb>(parts_.spawner, parts_.directory + "/db", parts_.sockets);
        database_tls_server_ = std::make_unique<net::TlsServer>(parts_.authority, std::vector<std::string>{}, database_host_);
        database_tap_ = tap("db", taps::Tls::WhenAsked, *database_tls_server_, taps::mysql_protocol, [this] { return database_->socket(); });
    }
    if (!cache.is_null()) {
        cache_tls_ = cache["tls"].as_bool(true);
        cache_spec_ = {base::lower(cache["host"].as_string()), port_of(cache, 6379), cache["user"].as_string(), cache["password"].as_string(),
                       cache["accessString"].as_string(), cache["clusterMode"].as_bool(true), cache["defaultUser"].as_bool(false)};
        redis_ = std::make_unique<Redis>(parts_.spawner, parts_.directory + "/redis", parts_.sockets);
        cache_tls_server_ = std::make_unique<net::TlsServer>(parts_.authority, std::vector<std::string>{}, cache_spec_.host);
        cache_tap_ = tap("redis", cache_tls_ ? taps::Tls::FromTheStart : taps::Tls::Never, *cache_tls_server_, taps::redis_protocol, [this] { return redis_->socket(); });
    }
}

std::expected<void, state::Problem> Backing::start() {
    std::expected<void, state::Problem> database, cache;
    base::Thread starting_cache;
    if (redis_) starting_cache = base::Thread("start-redis", [&] { cache = redis_->start(cache_spec_); });
    if (database_) database = database_->start(database_spec_);
    starting_cache.join();
    if (!database) return database;
    if (!cache) return cache;
    started_ = true;
    return {};
}

void Backing::stop() {
    if (database_) database_->stop();
    if (redis_) redis_->stop();
}

std::expected<void, std::string> Backing::reset_database() {
    auto done = database_->reset();
    database_tap_->cut_all();   // pools connect anew, to the fresh server
    return done;
}

std::expected<void, std::string> Backing::reset_cache() { return redis_->reset(); }

std::vector<taps::Reachable> Backing::reachable() {
    std::vector<taps::Reachable> all;
    if (database_)
        all.push_back({{database_host_}, kDatabaseAddress, {database_port_}, [this](net::Socket& socket, uint16_t, const std::string& task) {
                           database_tap_->serve(socket, task);
                       }});
    if (redis_)
        all.push_back({{cache_spec_.host}, kCacheAddress, {static_cast<uint16_t>(cache_spec_.port)},
                       [this](net::Socket& socket, uint16_t, const std::string& task) { cache_tap_->serve(socket, task); }});
    return all;
}

Node Backing::database_status() const {
    if (!database_) return {};
    const bool up = database_->is_running();
    return Node::object({{"state", up ? "ready" : started_ ? "dead" : "starting"},
                         {"endpoint", fmt::format("{}:{}", database_host_, database_port_)},
                         {"detail", fmt::format("MariaDB, schema {}", database_spec_.schema)},
                         {"schema", database_spec_.schema},
                         {"user", database_spec_.user}});
}

Node Backing::cache_status() const {
    if (!redis_) return {};
    const bool up = redis_->is_running();
    return Node::object({{"state", up ? "ready" : started_ ? "dead" : "starting"},
                         {"endpoint", fmt::format("{}:{}", cache_spec_.host, cache_spec_.port)},
                         {"detail", fmt::format("Redis{}{}", cache_tls_ ? ", TLS" : "", cache_spec_.cluster_mode ? ", cluster mode" : "")},
                         {"user", cache_spec_.user}});
}

Node Backing::credentials() const {
    Node node = Node::object();
    if (database_)
        node.set("sql", Node::object({{"socket", database_->socket()}, {"user", "root"}, {"password", ""}, {"schema", database_spec_.schema}}));
    if (redis_)
        node.set("redis", Node::object({{"socket", redis_->socket()}, {"user", redis_->admin_user()}, {"password", redis_->admin_password()}}));
    return node;
}

}  // namespace backing
