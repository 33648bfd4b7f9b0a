// aws, logs, invalidate, kill.
#include <fmt/format.h>

#include "base/date.h"
#include "base/encoding.h"
#include "base/result.h"
#include "scenarios/runner/aws_client.h"
#include "scenarios/runner/context.h"
#include "scenarios/runner/steps/steps.h"

namespace scenarios {
namespace {

using base::Node;

constexpr auto kPoll = base::milliseconds(50);
constexpr std::string_view kTaskPrefix = "task:";
constexpr int kMaxLogLines = 10000;

StepError of(const AwsError& error, std::string_view operation) {
    if (error.status == 0 && error.code.empty())
        return {fmt::format("{}: {}", operation, error.message), "", StepError::Cause::Stack};
    return {fmt::format("{} answers {}: {}", operation, error.code, error.message), ""};
}

std::expected<Answer, StepError> aws(Context& context, const Node& step) {
    const std::string& operation = step["aws"].as_string();
    auto result = call_aws(context, operation, step["input"]);
    Answer answer;
    if (!result) {
        if (!context.asks("error") || result.error().status == 0)
            return std::unexpected(of(result.error(), operation));
        answer.set("error", result.error().code);
        answer.set("message", result.error().message);
        answer.set("status", result.error().status);
        return answer;
    }
    answer.set("status", 200);
    answer.json = std::move(*result);
    return answer;
}

std::expected<Answer, StepError> logs(Context& context, const Node& step) {
    const std::string since = step.find("since") ? step["since"].as_string() : "scenario";
    if (since != "scenario" && since != "step" && since != "start")
        return std::unexpected(
            StepError{fmt::format("\"since\" is scenario, step or start, not \"{}\"", since), ""});
    const int64_t from = since == "start"  ? 0
                         : since == "step" ? context.step_started_ms
                                           : context.scenario_started_ms;
    // The text is looked for here: it may be a secret, and has no business in a URL.
    Node found = TRY(context.control.get(fmt::format("/logs?group={}&since_ms={}&limit={}",
                                                     base::percent_encode(step["logs"].as_string()),
                                                     from, kMaxLogLines)));
    const std::string& grep = step["grep"].as_string();
    int64_t count = 0;
    Answer answer;
    Node lines = Node::array();
    for (const Node& event : found["events"].items()) {
        if (event["message"].as_string().find(grep) == std::string::npos) continue;
        ++count;
        answer.set("line", event["message"]);
        lines.push_back(event["message"]);
    }
    answer.set("count", count);
    answer.json = std::move(lines);
    return answer;
}

std::expected<Answer, StepError> invalidate(Context& context, const Node& step) {
    const std::string& name = step["invalidate"].as_string();
    const Node& known = context.world.stack["distributions"][name]["id"];
    const std::string id = known.is_string() ? known.as_string() : name;
    Node batch = Node::object(), paths = Node::object(), input = Node::object();
    paths.set("Items", step["paths"]);
    batch.set("Paths", std::move(paths));
    batch.set("CallerReference",
              fmt::format("run-{}", context.clock.real_now().time_since_epoch().count()));
    input.set("DistributionId", id);
    input.set("InvalidationBatch", std::move(batch));
    auto created = call_aws(context, "cloudfront.CreateInvalidation", input);
    if (!created) return std::unexpected(of(created.error(), "cloudfront.CreateInvalidation"));

    Node query = Node::object();
    query.set("DistributionId", id);
    query.set("Id", (*created)["Invalidation"]["Id"]);
    while (true) {
        auto state = call_aws(context, "cloudfront.GetInvalidation", query);
        if (!state) return std::unexpected(of(state.error(), "cloudfront.GetInvalidation"));
        const std::string& status = (*state)["Invalidation"]["Status"].as_string();
        if (status == "Completed") return Answer();
        if (context.clock.real_now() + kPoll >= context.deadline)
            return std::unexpected(StepError{
                fmt::format("the invalidation {} is still {}", query["Id"].as_string(), status),
                ""});
        context.clock.wait_until(context.clock.now() + kPoll);
    }
}

// "task:backend[0]": the oldest running task of the service; "task:backend": all of them.
std::expected<Answer, StepError> kill(Context& context, const Node& step) {
    const std::string& name = step["kill"].as_string();
    if (!name.starts_with(kTaskPrefix))
        return std::unexpected(
            StepError{fmt::format("\"{}\" is no task", name), "write \"task:SERVICE[0]\""});
    Node how = Node::object();
    how.set("kill", step.find("signal") ? step["signal"] : Node("KILL"));
    Node killed = TRY(context.control.post(
        "/faults", Node::object({{"target", "target:" + name.substr(kTaskPrefix.size())},
                                 {"fault", std::move(how)}})));
    Answer answer;
    answer.set("count", static_cast<int64_t>(killed["killed"].size()));
    answer.json = killed["killed"];
    return answer;
}

constexpr Key kAwsKeys[] = {
    {"input", Shape::Object, "The operation's input, as the AWS CLI's --cli-input-json takes it."}};
constexpr std::string_view kAwsExpects[] = {"$", "error", "message", "status"};
constexpr Key kLogKeys[] = {{"since", Shape::Text, "scenario (default), step or start."},
                            {"grep", Shape::Text, "Only lines that contain it."}};
constexpr std::string_view kLogExpects[] = {"$", "count", "line"};
constexpr Key kInvalidateKeys[] = {{"paths", Shape::Paths, "Paths, \"*\" at the end allowed."}};

constexpr Key kKillKeys[] = {{"signal", Shape::Signal, "KILL (default) or TERM."}};
constexpr std::string_view kKillExpects[] = {"$", "count"};

constexpr Verb kVerbs[] = {
    {{"aws", Shape::Operation, "Any API of the emulator: \"ecs.DescribeServices\"."},
     kAwsKeys,
     kAwsExpects,
     true,
     aws},
    {{"logs", Shape::Loggable, "What the tasks of a service wrote."},
     kLogKeys,
     kLogExpects,
     true,
     logs},
    {{"invalidate", Shape::Distribution, "A CloudFront invalidation, until it is completed."},
     kInvalidateKeys,
     {},
     true,
     invalidate},
    {{"kill", Shape::TaskName, "A signal to a running task of a service: \"task:backend[0]\"."},
     kKillKeys,
     kKillExpects,
     false,
     kill},
};

}  // namespace

const std::span<const Verb> aws_verbs = kVerbs;

}  // namespace scenarios
