// dodam check: reads scenarios and says everything that is wrong with them; runs nothing.
#include <fmt/format.h>

#include <cstdio>

#include "commands/client.h"
#include "commands/commands.h"
#include "commands/scenarios.h"

namespace commands {
namespace {

int check(const Arguments& arguments) {
    const std::string stack_file = stack_file_of(arguments);
    auto files = scenario_files(arguments, stack_file);
    if (!files) return kWrongInput;
    if (files->empty())
        return fail(kNothingRan,
                    "there are no scenarios to check; they are *.scenario.json and *.scenario.yaml "
                    "below ./scenarios");
    const auto known = know_stack(stack_file, "");
    if (!stack_file.empty() && !known) return kWrongInput;
    const auto all = load_scenarios(*files, {known ? &known->attributes : nullptr, {}});
    if (!all) return kWrongInput;
    fmt::print("{} scenario{} without a problem{}\n", all->size(), all->size() == 1 ? "" : "s",
               known ? "" : " (no dodam.json here: names of the stack were not checked)");
    return kOk;
}

constexpr Flag kFlags[] = {
    {"-f,--file", "FILE", "the stack file whose names are meant (default: ./dodam.json)"}};

}  // namespace

const Command kCheck{"check",
                     "Say what is wrong with scenarios, and run nothing",
                     "[FILE or DIRECTORY or ID…]",
                     kFlags,
                     "  dodam check\n  dodam check scenarios/login.scenario.json\n",
                     check};

}  // namespace commands
