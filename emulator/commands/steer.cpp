// Small commands that are one call to the control API each: logs, clock, reset, schema.
#include <cstdio>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "scenarios/runner/format.h"
#include "stack/stack_file.h"

namespace commands {
namespace {

using base::Node;

int show(const Arguments& arguments, const std::expected<Node, std::string>& answer, void (*print)(const Node&)) {
    if (!answer) return fail(kNotStarted, answer.error());
    if (arguments.has("json")) fmt::print("{}\n", base::to_json(*answer, 2));
    else print(*answer);
    return kOk;
}

int logs(const Arguments& arguments) {
    auto client = Client::find(arguments);
    if (!client) return client.error();
    std::string query = "/logs?limit=" + (arguments.has("number") ? arguments.get("number") : "200");
    if (!arguments.positional.empty()) query += "&group=" + base::percent_encode(arguments.positional[0]);
    if (arguments.has("grep")) query += "&grep=" + base::percent_encode(arguments.get("grep"));
    return show(arguments, client->get(query), [](const Node& answer) {
        for (const Node& event : answer["events"].items())
            fmt::print("{}  {}  {}\n", event["time"].as_string(), event["stream"].as_string(), event["message"].as_string());
    });
}

int clock(const Arguments& arguments) {
    auto client = Client::find(arguments);
    if (!client) return client.error();
    if (arguments.positional.empty())
        return show(arguments, client->get("/clock"), [](const Node& a) { fmt::print("{}  speed {}\n", a["now"].as_string(), a["speed"].as_double()); });
    Node input = Node::object();
    input.set("advance", arguments.positional[0]);
    return show(arguments, client->post("/clock", input), [](const Node& a) { fmt::print("{}\n", a["now"].as_string()); });
}

int reset(const Arguments& arguments) {
    auto client = Client::find(arguments);
    if (!client) return client.error();
    Node parts = Node::array();
    for (const auto& part : arguments.positional) parts.push_back(part);
    Node input = Node::object();
    input.set("parts", std::move(parts));
    return show(arguments, client->post("/reset", input), [](const Node& a) {
        for (const Node& part : a["reset"].items()) fmt::print("{}\n", part.as_string());
    });
}

int schema(const Arguments& arguments) {
    const std::string what = arguments.positional.empty() ? "stack" : arguments.positional[0];
    if (what != "stack" && what != "scenario") return fail(kWrongInput, fmt::format("\"{}\" has no schema; stack and scenario have", what));
    fmt::print("{}\n", base::to_json(what == "stack" ? stack::schema() : scenarios::scenario_schema(), 2));
    return kOk;
}

constexpr Flag kFile{"-f,--file", "FILE", "the stack file whose instance is meant"};
constexpr Flag kLogFlags[] = {kFile, kStateFlag, kJsonFlag, {"--grep", "TEXT", "only lines that contain it"},
                              {"-n,--number", "N", "at most so many lines", "200"}};
constexpr Flag kPlainFlags[] = {kFile, kStateFlag, kJsonFlag};

}  // namespace

const Command kLogs{"logs", "Show what the tasks wrote", "[GROUP or SERVICE]", kLogFlags, "  dodam logs backend --grep error\n", logs};
const Command kClock{"clock", "Show the stack's time, or move it forward", "[+DURATION]", kPlainFlags, "  dodam clock +1d\n", clock};
const Command kReset{"reset", "Empty the edge cache, database, cache, buckets or traces (default: what tests dirty)", "[PART…]", kPlainFlags,
                     "  dodam reset\n  dodam reset edge database redis\n", reset};
const Command kSchema{"schema", "Print the JSON Schema of dodam.json, or of scenarios", "[stack|scenario]", {}, "  dodam schema > dodam.schema.json\n  dodam schema scenario > scenario.schema.json\n", schema};

}  // namespace commands
