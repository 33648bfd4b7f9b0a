// dodam fault: breaks a part of the stack on purpose, by hand.
#include <fmt/format.h>

#include <cstdio>

#include "base/fault_kinds.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"

namespace commands {
namespace {

using base::Node;

void print(const Node& answer) {
    if (answer["faults"].items().empty()) fmt::print("nothing is broken on purpose\n");
    for (const Node& fault : answer["faults"].items())
        fmt::print("{:>3}  {}  until {}\n", fault["id"].as_int(), fault["shown"].as_string(),
                   fault["ends"].as_string());
}

void print_choices() {
    for (const auto& target : base::fault_targets()) {
        std::string kinds;
        for (const auto kind : target.kinds)
            kinds += (kinds.empty() ? "" : ", ") + std::string(base::row_of(kind).name);
        fmt::print("{:<14} {:<44} {}\n",
                   std::string(target.name) + (target.name.ends_with(':') ? "NAME" : ""), kinds,
                   target.help);
    }
    fmt::print("\n");
    for (const auto& kind : base::fault_kinds())
        fmt::print("{:<14} {}\n", kind.name, kind.help);
}

// What "set" asks of the emulator; an error is one sentence.
std::expected<Node, std::string> to_set(const std::vector<std::string>& words,
                                        const std::string& lease) {
    if (words.size() < 2) return std::unexpected("which part, and how? `dodam fault kinds` lists");
    auto fault = base::parse_fault(words[1], {words.begin() + 2, words.end()});
    if (!fault) return std::unexpected(fault.error());
    return Node::object(
        {{"target", fault->target}, {"fault", base::fault_node(*fault)}, {"lease", lease}});
}

int fault(const Arguments& arguments) {
    const auto& words = arguments.positional;
    const std::string what = words.empty() ? "list" : words[0];
    if (what == "kinds") {
        print_choices();
        return kOk;
    }
    std::expected<Node, std::string> input = Node();
    if (what == "set")
        input = to_set(words, arguments.get("for"));
    else if (what == "clear")
        input = Node::object({{"clear", words.size() > 1 && base::parse_signed(words[1])
                                            ? Node(*base::parse_signed(words[1]))
                                            : Node("all")}});
    else if (what != "list")
        return fail(kWrongInput, fmt::format("\"{}\" is none of list, kinds, set and clear", what));
    if (!input) return fail(kWrongInput, input.error());
    auto client = Client::find(arguments);
    if (!client) return client.error();
    auto answer = what == "list" ? client->get("/faults") : client->post("/faults", *input);
    if (!answer) return fail(answer.error());
    if (arguments.has("json"))
        fmt::print("{}\n", base::to_json(*answer, 2));
    else if (answer->find("killed"))
        for (const Node& task : (*answer)["killed"].items())
            fmt::print("killed {}\n", task.as_string());
    else if (what == "set")
        fmt::print("{}  until {}; `dodam fault clear {}` ends it\n", (*answer)["shown"].as_string(),
                   (*answer)["ends"].as_string(), (*answer)["id"].as_int());
    else
        print(*answer);
    return kOk;
}

constexpr Flag kFlags[] = {{"-f,--file", "FILE", "the stack file whose instance is meant"},
                           kStateFlag,
                           kJsonFlag,
                           {"--for", "DURATION", "how long, in real time", "5m"}};

}  // namespace

const Command kFault{"fault",
                     "Break a part of the stack on purpose, for a while",
                     "[list|kinds|clear|set] [PART or ID] [KIND] [VALUE] [JITTER]",
                     kFlags,
                     "  dodam fault kinds                          what can be broken, and how\n"
                     "  dodam fault set db latency 700ms 50ms\n"
                     "  dodam fault set origin:alb error 503 --for 30s\n"
                     "  dodam fault set target:backend[0] kill\n"
                     "  dodam fault clear                          all of them\n",
                     fault};

}  // namespace commands
