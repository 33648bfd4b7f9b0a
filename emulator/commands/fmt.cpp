// dodam fmt: lays scenario files out, and says which changed.
#include <fmt/format.h>

#include <cstdio>

#include "commands/client.h"
#include "commands/commands.h"
#include "commands/scenarios.h"
#include "scenarios/runner/layout.h"
#include "scenarios/runner/source.h"
#include "state/instance.h"

namespace commands {
namespace {

int format(const Arguments& arguments) {
    auto files = scenario_files(arguments, stack_file_of(arguments));
    if (!files) return kWrongInput;
    if (files->empty())
        return fail(kNothingRan,
                    "there are no scenarios; they are *.scenario.json and *.scenario.yaml below "
                    "./scenarios");
    const bool only_look = arguments.has("check");
    size_t changed = 0, wrong = 0;
    for (const std::string& file : *files) {
        const auto text = state::read_file(file);
        if (!text) return fail(kWrongInput, fmt::format("cannot read {}", file));
        std::string laid_out;
        if (file.ends_with(".json")) {
            auto json = scenarios::layout_json(*text);
            if (!json) {
                fmt::print(stderr, "{}\n",
                           scenarios::show({file, *text},
                                           {json.error().position, 1, json.error().message}));
                ++wrong;
                continue;
            }
            laid_out = std::move(*json);
        } else {
            laid_out = scenarios::layout_yaml(*text);
        }
        if (laid_out == *text) continue;
        ++changed;
        fmt::print("{}\n", file);
        if (only_look) continue;
        if (auto written = state::write_file(file, laid_out); !written)
            return fail(kWrongInput, fmt::format("cannot write {}: {}", file, written.error()));
    }
    fmt::print("{} of {} file{} {}\n", changed, files->size(), files->size() == 1 ? "" : "s",
               only_look ? "would change" : "changed");
    if (wrong > 0) return kWrongInput;
    return only_look && changed > 0 ? static_cast<int>(kFailed) : kOk;
}

constexpr Flag kFlags[] = {{"-f,--file", "FILE", "the stack file (default: ./dodam.json)"},
                           {"--check", "", "change nothing; exit with 1 when a file would change"}};

}  // namespace

const Command kFmt{
    "fmt",
    "Lay scenario files out: indentation, spaces, commas; comments and line breaks stay",
    "[FILE or DIRECTORY or ID…]",
    kFlags,
    "  dodam fmt\n  dodam fmt --check scenarios\n",
    format};

}  // namespace commands
