// The database and cache of one instance.
#include "backing/backing.h"

#include <fmt/format.h>

#include <filesystem>

#include "backing/mariadb.h"
#include "backing/redis.h"
#include "backing/served_database.h"
#include "backing/served_redis.h"
#include "base/text.h"
#include "taps/mysql.h"
#include "taps/redis.h"

namespace backing {
namespace {

using base::Node;

constexpr const char* kDatabaseAddress = "198.18.0.10";
constexpr const char* kCacheAddress = "198.18.0.11";

uint16_t port_of(const Node& node, uint16_t fallback) {
    return static_cast<uint16_t>(node["port"].as_int(fallback));
}

}  // namespace

Backing::Backing(BackingParts parts, const Node& database, const Node& cache,
                 const std::string& stack_directory)
    : parts_(std::move(parts)) {
    auto tap = [&](std::string hop, taps::Tls tls, net::TlsServer& tls_server,
                   std::unique_ptr<taps::Protocol> (*protocol)(),
                   std::function<net::Result<net::Socket>()> connect) {
        return std::make_unique<taps::Tap>(
            taps::TapParts{std::move(hop), tls, protocol, std::move(connect), parts_.clock,
                           parts_.traces, parts_.faults, tls_server});
    };
    if (!database.is_null()) {
        database_host_ = base::lower(database["host"].as_string());
        database_port_ = port_of(database, 3306);
        database_spec_ = {database["schema"].as_string(), database["user"].as_string(),
                          database["password"].as_string(), ""};
        if (const auto& init = database["init"].as_string(); !init.empty())
            database_spec_.init_file =
                (std::filesystem::path(stack_directory) / init).lexically_normal().string();
        database_ =
            std::make_unique<MariaDb>(parts_.spawner, parts_.directory + "/db", parts_.sockets);
        database_tls_server_ = std::make_unique<net::TlsServer>(
            parts_.authority, std::vector<std::string>{}, database_host_);
        database_tap_ = tap("db", taps::Tls::WhenAsked, *database_tls_server_, taps::mysql_protocol,
                            [this] { return database_->connect(); });
    }
    if (!cache.is_null()) {
        cache_tls_ = cache["tls"].as_bool(true);
        cache_spec_ = {base::lower(cache["host"].as_string()),
                       port_of(cache, 6379),
                       cache["user"].as_string(),
                       cache["password"].as_string(),
                       cache["accessString"].as_string(),
                       cache["clusterMode"].as_bool(true),
                       cache["defaultUser"].as_bool(false)};
        cache_ =
            std::make_unique<Redis>(parts_.spawner, parts_.directory + "/redis", parts_.sockets);
        cache_tls_server_ = std::make_unique<net::TlsServer>(
            parts_.authority, std::vector<std::string>{}, cache_spec_.host);
        cache_tap_ =
            tap("redis", cache_tls_ ? taps::Tls::FromTheStart : taps::Tls::Never,
                *cache_tls_server_, taps::redis_protocol, [this] { return cache_->connect(); });
    }
}

std::expected<void, state::Problem> Backing::choose(const Source& source) {
    auto refuse = [](const std::string& text) { return std::unexpected(state::Problem{text, 2}); };
    if (source.kind != "given" && !(source.database_url.empty() && source.cache_url.empty()))
        return refuse("--database-url and --cache-url belong to --backing given");
    if (source.kind == "compose" && (database_ || cache_)) {
        compose_ = std::make_unique<Compose>(
            parts_.spawner,
            ComposeOptions{parts_.instance, parts_.directory + "/compose", parts_.sockets,
                           cache_spec_.cluster_mode, source.progress, source.interrupted});
        if (database_) database_ = std::make_unique<ServedDatabase>(compose_->database());
        if (cache_) cache_ = std::make_unique<ServedRedis>(compose_->cache());
    }
    if (source.kind != "given") return {};
    // What is not given is started here, as without the flag.
    auto give = [&](const std::string& text, std::string_view flag, std::string_view name,
                    std::unique_ptr<GivenServer>& server) -> std::expected<Served, state::Problem> {
        auto url = parse_given_url(text, flag);
        if (!url) return refuse(url.error());
        if (flag == "database-url" && !url->path.empty() && url->path != database_spec_.schema)
            return refuse(
                fmt::format("--database-url names the schema {}, dodam.json declares {}: tasks "
                            "would look for the latter",
                            url->path, database_spec_.schema));
        auto opened = GivenServer::open(*url, fmt::format("{}/given-{}.sock", parts_.sockets,
                                                          flag == "database-url" ? "db" : "redis"));
        if (!opened) return std::unexpected(state::Problem{opened.error()});
        server = std::move(*opened);
        Served served;
        served.name = name;
        served.place = server->place();
        served.door = {server->socket(), url->user, url->password};
        served.connect = [server = server.get()] { return server->connect(); };
        served.progress = source.progress;
        served.interrupted = source.interrupted;
        return served;
    };
    if (source.database_url.empty() && source.cache_url.empty())
        return refuse(
            "--backing given needs --database-url mysql://user:password@host:port/schema, "
            "--cache-url rediss://user:password@host:port, or both");
    if (!source.database_url.empty() && database_) {
        auto served = give(source.database_url, "database-url", "MariaDB", given_database_);
        if (!served) return std::unexpected(served.error());
        database_ = std::make_unique<ServedDatabase>(std::move(*served));
    }
    if (!source.cache_url.empty() && cache_) {
        auto served = give(source.cache_url, "cache-url", "Redis", given_cache_);
        if (!served) return std::unexpected(served.error());
        cache_ = std::make_unique<ServedRedis>(std::move(*served));
    }
    return {};
}

std::expected<void, state::Problem> Backing::start() {
    if (!compose_) remove_compose_leftovers(parts_.instance, parts_.directory + "/compose");
    if (compose_) {
        std::vector<std::string> services;
        if (database_) services.emplace_back("mariadb");
        if (cache_) services.emplace_back("redis");
        if (auto up = compose_->up(services); !up) return up;
    }
    std::expected<void, state::Problem> database, cache;
    base::Thread starting_cache;
    if (cache_)
        starting_cache = base::Thread("start-redis", [&] { cache = cache_->start(cache_spec_); });
    if (database_) database = database_->start(database_spec_);
    starting_cache.join();
    if (!database) return database;
    if (!cache) return cache;
    started_ = true;
    fresh_position_ = database_position();
    return {};
}

void Backing::stop() {
    if (database_) database_->stop();
    if (cache_) cache_->stop();
    if (compose_) compose_->down();
}

std::expected<void, std::string> Backing::reset_database() {
    auto done = database_->reset();
    database_tap_->cut_all();  // pools connect anew, to the fresh server
    return done;
}

std::expected<void, std::string> Backing::reset_cache() {
    return cache_->reset();
}

std::expected<void, std::string> Backing::save_database(const std::string& directory) {
    auto done = database_->save(directory);
    database_tap_->cut_all();
    return done;
}

std::expected<void, std::string> Backing::load_database(const std::string& directory) {
    auto done = database_->load(directory);
    database_tap_->cut_all();
    return done;
}

std::expected<void, std::string> Backing::save(const std::string& directory) {
    if (cache_)
        if (auto saved = cache_->save(directory + "/redis"); !saved) return saved;
    return database_ ? save_database(directory + "/database") : std::expected<void, std::string>();
}

std::expected<void, std::string> Backing::load(const std::string& directory) {
    if (cache_)
        if (auto loaded = cache_->load(directory + "/redis"); !loaded) return loaded;
    return database_ ? load_database(directory + "/database") : std::expected<void, std::string>();
}

std::vector<taps::Reachable> Backing::reachable() {
    std::vector<taps::Reachable> all;
    if (database_)
        all.push_back({{database_host_},
                       kDatabaseAddress,
                       {database_port_},
                       [this](net::Socket& socket, uint16_t, const std::string& task) {
                           database_tap_->serve(socket, task);
                       }});
    if (cache_)
        all.push_back({{cache_spec_.host},
                       kCacheAddress,
                       {static_cast<uint16_t>(cache_spec_.port)},
                       [this](net::Socket& socket, uint16_t, const std::string& task) {
                           cache_tap_->serve(socket, task);
                       }});
    return all;
}

// State, and when it answered once and does not any more, what to do.
Node Backing::state_of(std::string_view part, bool is_running, const std::string& place) const {
    Node node = Node::object({{"state", is_running ? "ready" : started_ ? "dead" : "starting"}});
    if (is_running || !started_) return node;
    if (place == "here")
        node.set(
            "problem",
            fmt::format("the {} died; its log is below {} (`dodam down` and `up` start it again)",
                        part, parts_.directory));
    else
        node.set("problem", fmt::format("the {} {} does not answer any more{}", part, place,
                                        compose_ ? " (`dodam down` and `up` start it again)" : ""));
    return node;
}

Node Backing::database_status() const {
    if (!database_) return {};
    Node node = state_of("database", database_->is_running(), database_->place());
    node.set("endpoint", fmt::format("{}:{}", database_host_, database_port_));
    node.set("detail",
             fmt::format("MariaDB {}, schema {}", database_->place(), database_spec_.schema));
    node.set("schema", database_spec_.schema);
    node.set("user", database_spec_.user);
    return node;
}

Node Backing::cache_status() const {
    if (!cache_) return {};
    Node node = state_of("cache", cache_->is_running(), cache_->place());
    node.set("endpoint", fmt::format("{}:{}", cache_spec_.host, cache_spec_.port));
    node.set("detail", fmt::format("Redis {}{}{}", cache_->place(), cache_tls_ ? ", TLS" : "",
                                   cache_spec_.cluster_mode ? ", cluster mode" : ""));
    node.set("user", cache_spec_.user);
    return node;
}

Node Backing::credentials() const {
    Node node = Node::object();
    if (database_) {
        const Door door = database_->door();
        node.set("sql", Node::object({{"socket", door.socket},
                                      {"user", door.user},
                                      {"password", door.password},
                                      {"schema", database_spec_.schema}}));
    }
    if (cache_) {
        const Door door = cache_->door();
        node.set("redis",
                 Node::object(
                     {{"socket", door.socket}, {"user", door.user}, {"password", door.password}}));
    }
    return node;
}

}  // namespace backing
