#include "backing/redis_command.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <sys/time.h>

#include <memory>

#include "backing/cache.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/text.h"

namespace backing {
namespace {

constexpr timeval kWait{5, 0};

struct ReplyDeleter {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
struct ContextDeleter {
    void operator()(redisContext* context) const { redisFree(context); }
};
using Reply = std::unique_ptr<redisReply, ReplyDeleter>;
using Context = std::unique_ptr<redisContext, ContextDeleter>;

std::string text_of(const redisReply* reply) {
    return reply && reply->str ? std::string(reply->str, reply->len) : std::string();
}

std::expected<Reply, std::string> send(redisContext* context,
                                       const std::vector<std::string>& words) {
    std::vector<const char*> pointers;
    std::vector<size_t> sizes;
    for (const auto& word : words) {
        pointers.push_back(word.data());
        sizes.push_back(word.size());
    }
    Reply reply(static_cast<redisReply*>(
        redisCommandArgv(context, static_cast<int>(words.size()), pointers.data(), sizes.data())));
    if (!reply) return std::unexpected(std::string("Redis does not answer: ") + context->errstr);
    if (reply->type == REDIS_REPLY_ERROR) return std::unexpected("Redis: " + text_of(reply.get()));
    return reply;
}

std::expected<Reply, std::string> ask(const Door& door, const std::vector<std::string>& words) {
    Context context(redisConnectUnixWithTimeout(door.socket.c_str(), kWait));
    if (!context || context->err)
        return std::unexpected(std::string("Redis does not answer: ") +
                               (context ? context->errstr : "no memory"));
    redisSetTimeout(context.get(), kWait);
    if (!door.user.empty())
        (void)TRY(send(context.get(), {"AUTH", door.user, door.password}));
    else if (!door.password.empty())
        (void)TRY(send(context.get(), {"AUTH", door.password}));
    return send(context.get(), words);
}

}  // namespace

std::expected<std::string, std::string> redis_command(const Door& door,
                                                      const std::vector<std::string>& words) {
    return text_of(TRY(ask(door, words)).get());
}

std::expected<std::string, std::string> redis_announced(const Door& door) {
    // CLUSTER SLOTS: [[first, last, [host, port, id, …], replicas…], …]
    const Reply reply = TRY(ask(door, {"CLUSTER", "SLOTS"}));
    auto child = [](const redisReply* node, size_t index) -> const redisReply* {
        return node && node->type == REDIS_REPLY_ARRAY && index < node->elements
                   ? node->element[index]
                   : nullptr;
    };
    const redisReply* node = child(child(reply.get(), 0), 2);
    const redisReply* port = child(node, 1);
    if (!port) return std::unexpected(std::string("the cluster serves no slots yet"));
    const std::string host = text_of(child(node, 0));
    return fmt::format("{}:{}", host == "?" ? "" : host, port->integer);
}

std::vector<std::string> redis_user_rules(const CacheSpec& spec) {
    std::string access = spec.access_string.empty() ? "on ~* &* +@all" : spec.access_string;
    if (access.find('&') == std::string::npos) access += " &*";
    std::vector<std::string> rules;
    for (auto rule : base::split(access, ' '))
        if (!rule.empty()) rules.emplace_back(rule);
    rules.push_back("#" + base::sha256_hex(spec.password));
    return rules;
}

}  // namespace backing
