// Small commands that are one call to the control API each: logs, clock, reset, schema.
#include <fmt/format.h>

#include <cstdio>

#include "base/date.h"
#include "base/encoding.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "scenarios/runner/format.h"
#include "stack/stack_file.h"

namespace commands {
namespace {

using base::Node;

int show(const Arguments& arguments, const std::expected<Node, Refusal>& answer,
         void (*print)(const Node&)) {
    if (!answer) return fail(answer.error());
    if (arguments.has("json"))
        fmt::print("{}\n", base::to_json(*answer, 2));
    else
        print(*answer);
    return kOk;
}

int logs(const Arguments& arguments) {
    auto count = count_of(arguments, "number", 200);
    if (!count) return count.error();
    auto client = Client::find(arguments);
    if (!client) return client.error();
    const std::string group = arguments.positional.empty() ? "" : arguments.positional[0];
    std::string query = fmt::format("/logs?limit={}", *count);
    if (!group.empty()) query += "&group=" + base::percent_encode(group);
    if (arguments.has("grep")) query += "&grep=" + base::percent_encode(arguments.get("grep"));
    auto answer = client->get(query);
    if (answer && !group.empty() && !(*answer)["known"].as_bool()) {
        std::string groups;
        for (const Node& one : (*answer)["groups"].items())
            groups += (groups.empty() ? "" : ", ") + one.as_string();
        return fail(
            kWrongInput,
            groups.empty()
                ? fmt::format("there is no log group, service or task \"{}\": no task has "
                              "written anything yet",
                              group)
                : fmt::format("there is no log group, service or task \"{}\"; the groups: {}",
                              group, groups));
    }
    return show(arguments, answer, [](const Node& found) {
        for (const Node& event : found["events"].items())
            fmt::print("{}  {}  {}\n", event["time"].as_string(), event["stream"].as_string(),
                       event["message"].as_string());
    });
}

void print_clock(const Node& clock) {
    const auto now = base::parse_iso_date(clock["now"].as_string()),
               real = base::parse_iso_date(clock["real"].as_string());
    std::string notes;
    if (now && real && *now - *real >= base::seconds(1))
        notes += fmt::format("  {} ahead of real time", base::show_duration(*now - *real));
    if (clock["speed"].as_double() > 1)
        notes += fmt::format("  control loops run {} times faster", clock["speed"].as_double());
    fmt::print("{}{}\n", clock["now"].as_string(), notes);
}

int clock(const Arguments& arguments) {
    std::string by = arguments.positional.empty() ? "" : arguments.positional[0];
    if (!by.empty() &&
        !base::parse_duration(by.starts_with('+') ? std::string_view(by).substr(1) : by))
        return fail(
            kWrongInput,
            fmt::format(
                "\"{}\" is no duration; the clock goes forward by one such as +30s, +10m or +1d",
                by));
    auto client = Client::find(arguments);
    if (!client) return client.error();
    if (by.empty()) return show(arguments, client->get("/clock"), print_clock);
    return show(arguments, client->post("/clock", Node::object({{"advance", by}})), print_clock);
}

int reset(const Arguments& arguments) {
    auto client = Client::find(arguments);
    if (!client) return client.error();
    Node parts = Node::array();
    for (const auto& part : arguments.positional)
        parts.push_back(part);
    return show(arguments, client->post("/reset", Node::object({{"parts", parts}})),
                [](const Node& answer) {
                    for (const Node& part : answer["reset"].items())
                        fmt::print("{} is as new\n", part.as_string());
                });
}

int schema(const Arguments& arguments) {
    const std::string what = arguments.positional.empty() ? "stack" : arguments.positional[0];
    if (what != "stack" && what != "scenario")
        return fail(kWrongInput,
                    fmt::format("\"{}\" has no schema; stack and scenario have", what));
    fmt::print("{}\n",
               base::to_json(what == "stack" ? stack::schema() : scenarios::scenario_schema(), 2));
    return kOk;
}

constexpr Flag kFile{"-f,--file", "FILE", "the stack file whose instance is meant"};
constexpr Flag kLogFlags[] = {kFile,
                              kStateFlag,
                              kJsonFlag,
                              {"--grep", "TEXT", "only lines that contain it"},
                              {"-n,--number", "N", "at most so many lines", "200"}};
constexpr Flag kPlainFlags[] = {kFile, kStateFlag, kJsonFlag};

}  // namespace

const Command kLogs{
    "logs",
    "Show what the tasks wrote",
    "[GROUP|SERVICE|TASK]",
    kLogFlags,
    "  dodam logs                       the last 200 lines of all groups\n"
    "  dodam logs backend --grep error  a log group or a service, by its name in AWS or in "
    "dodam.json\n"
    "  dodam logs 1f3a9c02              a task, running or stopped, by the beginning of its id\n",
    logs};
const Command kClock{"clock",
                     "Show the stack's time, or move it forward",
                     "[+DURATION]",
                     kPlainFlags,
                     "  dodam clock\n  dodam clock +1d     TTLs, expiries and schedules see it; "
                     "running tasks do not\n",
                     clock};
const Command kReset{
    "reset",
    "Make the edge's cache, database, redis and faults as new; buckets and deployments stay",
    "[PART…]",
    kPlainFlags,
    "  dodam reset                  all of them\n  dodam reset edge database    these two\n",
    reset};
const Command kSchema{
    "schema",
    "Print the JSON Schema of dodam.json, or of scenarios",
    "[stack|scenario]",
    {},
    "  dodam schema > dodam.schema.json\n  dodam schema scenario > scenario.schema.json\n",
    schema};

}  // namespace commands
