#include "backing/redis_command.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <sys/time.h>

#include <algorithm>
#include <memory>

#include "backing/cache.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/result.h"
#include "base/text.h"
#include "state/instance.h"

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

std::expected<Context, std::string> log_in(const Door& door) {
    Context context(redisConnectUnixWithTimeout(door.socket.c_str(), kWait));
    if (!context || context->err)
        return std::unexpected(std::string("Redis does not answer: ") +
                               (context ? context->errstr : "no memory"));
    redisSetTimeout(context.get(), kWait);
    if (!door.user.empty())
        (void)TRY(send(context.get(), {"AUTH", door.user, door.password}));
    else if (!door.password.empty())
        (void)TRY(send(context.get(), {"AUTH", door.password}));
    return context;
}

std::expected<Reply, std::string> ask(const Door& door, const std::vector<std::string>& words) {
    const Context context = TRY(log_in(door));
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

// A line per key: key, lifetime in ms (0 = none), dump; in hex.
std::expected<void, std::string> redis_save(const Door& door, const std::string& file) {
    const Context context = TRY(log_in(door));
    std::string out, cursor = "0";
    do {
        const Reply page = TRY(send(context.get(), {"SCAN", cursor, "COUNT", "1000"}));
        if (page->type != REDIS_REPLY_ARRAY || page->elements != 2)
            return std::unexpected(std::string("Redis: SCAN answered something else"));
        cursor = text_of(page->element[0]);
        for (size_t i = 0; i < page->element[1]->elements; ++i) {
            const std::string key = text_of(page->element[1]->element[i]);
            const Reply life = TRY(send(context.get(), {"PTTL", key}));
            const Reply dump = TRY(send(context.get(), {"DUMP", key}));
            if (dump->type != REDIS_REPLY_STRING) continue;  // it expired meanwhile
            out += fmt::format("{} {} {}\n", base::to_hex(key), std::max<int64_t>(0, life->integer),
                               base::to_hex(text_of(dump.get())));
        }
    } while (cursor != "0");
    return state::write_file(file, out, 0600);
}

std::expected<void, std::string> redis_load(const Door& door, const std::string& file) {
    const std::string text = TRY(state::read_file(file));
    const Context context = TRY(log_in(door));
    for (std::string_view line : base::split(text, '\n')) {
        const auto words = base::split(line, ' ');
        if (words.size() != 3) continue;
        const auto key = base::from_hex(words[0]), dump = base::from_hex(words[2]);
        if (!key || !dump) return std::unexpected(file + " is damaged");
        (void)TRY(send(context.get(), {"RESTORE", *key, std::string(words[1]), *dump, "REPLACE"}));
    }
    return {};
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
