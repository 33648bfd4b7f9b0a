#include "backing/served_redis.h"

#include <fmt/format.h>

#include "backing/redis_command.h"
#include "base/result.h"

namespace backing {

std::expected<void, state::Problem> ServedRedis::start(const CacheSpec& spec) {
    auto problem = [&](const std::string& text) { return std::unexpected(state::Problem{text}); };
    auto late = served_.wait_for([&]() -> std::optional<std::string> {
        if (auto reached = served_.connect(); !reached) return reached.error().text;
        auto answer = redis_command(served_.door, {"PING"});
        return answer ? std::nullopt : std::optional(answer.error());
    });
    if (late) return problem(fmt::format("Redis {} cannot be used: {}", served_.place, *late));

    const bool is_cluster = redis_command(served_.door, {"CLUSTER", "INFO"}).has_value();
    if (is_cluster != spec.cluster_mode)
        return problem(fmt::format(
            "dodam.json declares \"clusterMode\": {}, but the Redis {} has cluster mode {}; change "
            "one of them{}",
            spec.cluster_mode, served_.place, is_cluster ? "on" : "off",
            served_.owner == Owner::Us ? " (DODAM_REDIS_CLUSTER=yes or no for docker-compose.yml)"
                                       : ""));
    if (served_.owner == Owner::Us) {
        if (auto done = set_up(spec); !done)
            return problem(
                fmt::format("the Redis {} cannot be set up: {}", served_.place, done.error()));
    }
    if (auto done = admit(spec); !done) return problem(done.error());
    if (!spec.cluster_mode) return {};
    late = served_.wait_for([&]() -> std::optional<std::string> {
        auto info = redis_command(served_.door, {"CLUSTER", "INFO"});
        if (!info) return info.error();
        if (info->find("cluster_state:ok") == std::string::npos) return "the cluster is not ok yet";
        return std::nullopt;
    });
    if (late) return problem(fmt::format("the Redis {} is not ready: {}", served_.place, *late));
    auto announced = redis_announced(served_.door);
    if (!announced) return problem(announced.error());
    const auto colon = announced->rfind(':');
    if (const std::string host = announced->substr(0, colon), port = announced->substr(colon + 1);
        (!host.empty() && host != spec.host) || port != std::to_string(spec.port))
        return problem(
            fmt::format("the Redis {} tells cluster clients to connect to {}, but tasks know the "
                        "cache as {}:{}; set "
                        "cluster-announce-hostname and cluster-announce-port there, or \"host\" "
                        "and \"port\" in dodam.json",
                        served_.place, *announced, spec.host, spec.port));
    return {};
}

std::expected<void, std::string> ServedRedis::set_up(const CacheSpec& spec) {
    if (spec.cluster_mode) {
        const std::string port = std::to_string(spec.port);
        for (const auto& [name, value] :
             {std::pair<std::string, std::string>{"cluster-announce-hostname", spec.host},
              {"cluster-preferred-endpoint-type", "hostname"},
              {"cluster-announce-port", port},
              {"cluster-announce-tls-port", port},
              {"cluster-require-full-coverage", "no"}})
            TRY(redis_command(served_.door, {"CONFIG", "SET", name, value}));
        if (!redis_announced(served_.door))
            TRY(redis_command(served_.door, {"CLUSTER", "ADDSLOTSRANGE", "0", "16383"}));
    }
    if (spec.default_user)
        TRY(redis_command(served_.door, {"ACL", "SETUSER", "default", "reset", "on", "nopass", "~*",
                                         "&*", "+@all"}));
    else
        TRY(redis_command(served_.door, {"ACL", "SETUSER", "default", "reset", "off"}));
    return {};
}

std::expected<void, std::string> ServedRedis::admit(const CacheSpec& spec) {
    if (spec.user.empty()) return {};
    if (served_.owner == Owner::Them) {
        // NOPERM says that the login was good.
        auto answer = redis_command({served_.door.socket, spec.user, spec.password}, {"PING"});
        if (answer || answer.error().find("NOPERM") != std::string::npos) return {};
    }
    std::vector<std::string> words = {"ACL", "SETUSER", spec.user, "reset"};
    for (const auto& rule : redis_user_rules(spec))
        words.push_back(rule);
    auto made = redis_command(served_.door, words);
    if (!made)
        return std::unexpected(
            fmt::format("the Redis {} knows no user {} with dodam.json's password, and may not "
                        "make it: {}; make it there "
                        "(the password is in .dodam/secrets.env, or set it by DODAM_SECRET_…), or "
                        "give a user who may",
                        served_.place, spec.user, made.error()));
    return {};
}

std::expected<void, std::string> ServedRedis::save(const std::string& file) {
    return redis_save(served_.door, file);
}

std::expected<void, std::string> ServedRedis::load(const std::string& file) {
    TRY(reset());
    return redis_load(served_.door, file);
}

std::expected<void, std::string> ServedRedis::reset() {
    if (served_.owner == Owner::Them) return std::unexpected(kept_as_it_is(served_));
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"FLUSHALL"}, {"SCRIPT", "FLUSH"}, {"FUNCTION", "FLUSH"}})
        TRY(redis_command(served_.door, words));
    return {};
}

}  // namespace backing
