// dodam list: which scenarios there are, and which of them a tag expression selects.
#include <fmt/format.h>

#include <cstdio>

#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "commands/scenarios.h"

namespace commands {
namespace {

using base::Node;

int list(const Arguments& arguments) {
    const std::string stack_file = stack_file_of(arguments);
    auto files = scenario_files(arguments, stack_file);
    if (!files) return kWrongInput;
    auto all = load_scenarios(*files, {});
    if (!all) return kWrongInput;
    auto chosen = select_scenarios(std::move(*all), arguments.get("tags"));
    if (!chosen) return kWrongInput;
    if (arguments.has("json")) {
        Node out = Node::array();
        for (const auto& scenario : *chosen) {
            Node tags = Node::array();
            for (const auto& tag : scenario.tags)
                tags.push_back(tag);
            out.push_back(Node::object({{"id", scenario.id},
                                        {"file", scenario.source.file},
                                        {"scenario", scenario.title},
                                        {"tags", tags},
                                        {"steps", static_cast<int64_t>(scenario.steps.size())}}));
        }
        fmt::print("{}\n", base::to_json(out, 2));
    } else {
        for (const auto& scenario : *chosen)
            fmt::print("{:<32} {}  [{}]\n", scenario.id, scenario.title,
                       base::join(scenario.tags, " "));
    }
    return chosen->empty() ? fail(kNothingRan, "no scenario is selected") : static_cast<int>(kOk);
}

constexpr Flag kFlags[] = {{"-f,--file", "FILE", "the stack file (default: ./dodam.json)"},
                           {"-t,--tags", "EXPR", "'smoke and not slow'"},
                           kJsonFlag};

}  // namespace

const Command kList{"list",
                    "List scenarios",
                    "[FILE or DIRECTORY or ID…]",
                    kFlags,
                    "  dodam list -t 'smoke and not slow'\n",
                    list};

}  // namespace commands
