// sql and redis: one statement, one command, beside the app.
#include <fmt/format.h>

#include "base/result.h"
#include "base/text.h"
#include "scenarios/runner/clients.h"
#include "scenarios/runner/context.h"
#include "scenarios/runner/names.h"
#include "scenarios/runner/steps/steps.h"

namespace scenarios {
namespace {

using base::Node;

Endpoint endpoint_of(const Node& node) {
    return {node["socket"].as_string(),
            node["host"].as_string(),
            static_cast<int>(node["port"].as_int()),
            node["user"].as_string(),
            node["password"].as_string(),
            node["schema"].as_string()};
}

// Where the servers are and how to come in; asked again when a server was replaced.
std::expected<void, StepError> connect(Context& context) {
    if (context.clients) return {};
    Node credentials = TRY(context.control.post("/credentials", Node::object()));
    context.clients = std::make_unique<Clients>();
    if (credentials.find("sql"))
        context.clients->sql = std::make_unique<SqlClient>(endpoint_of(credentials["sql"]));
    if (credentials.find("redis"))
        context.clients->redis = std::make_unique<RedisClient>(endpoint_of(credentials["redis"]));
    return {};
}

std::expected<Answer, StepError> sql(Context& context, const Node& step) {
    TRY(connect(context));
    if (!context.clients->sql)
        return std::unexpected(
            StepError{"the stack has no database", "declare \"database\" in dodam.json"});
    auto result = context.clients->sql->run(step["sql"].as_string(), step["params"].items());
    if (!result && result.error().code == 0) {
        // A reset puts another server in its place.
        context.clients.reset();
        TRY(connect(context));
        result = context.clients->sql->run(step["sql"].as_string(), step["params"].items());
        if (!result && result.error().code == 0)
            return std::unexpected(StepError{result.error().message, "", StepError::Cause::Stack});
    }
    Answer answer;
    if (!result) {
        if (!context.asks("error"))
            return std::unexpected(StepError{
                fmt::format("MariaDB says: {} ({})", result.error().message, result.error().code),
                ""});
        answer.set("error", result.error().message);
        return answer;
    }
    answer.set("rows", static_cast<int64_t>(result->rows.items().size()));
    answer.set("affected", result->affected);
    answer.json = std::move(result->rows);
    return answer;
}

std::expected<Answer, StepError> redis(Context& context, const Node& step) {
    TRY(connect(context));
    if (!context.clients->redis)
        return std::unexpected(
            StepError{"the stack has no cache", "declare \"cache\" in dodam.json"});
    RedisClient& client = *context.clients->redis;
    std::vector<std::string> words;
    for (const Node& word : step["redis"].items())
        words.push_back(as_text(word));
    auto value = client.run(words);
    if (!value && value.error().connection) {
        context.clients.reset();
        TRY(connect(context));
        value = context.clients->redis->run(words);
    }
    Answer answer;
    if (!value) {
        if (value.error().connection)
            return std::unexpected(StepError{value.error().message, "", StepError::Cause::Stack});
        if (!context.asks("error"))
            return std::unexpected(StepError{"Redis says: " + value.error().message, ""});
        answer.set("error", value.error().message);
        return answer;
    }
    answer.set("value", *value);
    answer.json = std::move(*value);
    for (std::string_view word : {"ttl", "type"}) {
        if (!context.asks(word) || words.size() < 2) continue;
        if (auto more = context.clients->redis->run({base::upper(word), words[1]}))
            answer.set(word, std::move(*more));
    }
    return answer;
}

constexpr Key kSqlKeys[] = {{"params", Shape::List, "Values for the statement's \"?\"."}};
constexpr std::string_view kSqlExpects[] = {"$", "rows", "affected", "error"};
constexpr std::string_view kRedisExpects[] = {"$", "value", "ttl", "type", "error"};

constexpr Verb kVerbs[] = {
    {{"sql", Shape::Text, "One statement on MariaDB, beside the app."},
     kSqlKeys,
     kSqlExpects,
     true,
     sql},
    {{"redis", Shape::Words, "One command on Redis, beside the app."},
     {},
     kRedisExpects,
     true,
     redis},
};

}  // namespace

const std::span<const Verb> data_verbs = kVerbs;

}  // namespace scenarios
