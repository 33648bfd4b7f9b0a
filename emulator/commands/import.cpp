// dodam import: traffic to a scenario. A HAR file of a browser, curl command lines, or lines of an
// access log.
#include <fmt/format.h>

#include "commands/client.h"
#include "commands/commands.h"
#include "commands/scenarios.h"
#include "commands/traffic.h"

namespace commands {
namespace {

int import_traffic(const Arguments& arguments) {
    if (arguments.positional.empty())
        return fail(kWrongInput,
                    "what? a HAR file, a file of curl lines, an access log, or "
                    "'curl …' itself");
    const std::string& source = arguments.positional[0];
    std::vector<traffic::Exchange> visit;
    if (source.starts_with("curl ")) {
        auto one = traffic::of_curl(source);
        if (!one) return fail(kWrongInput, one.error());
        visit.push_back(std::move(*one));
    } else {
        auto all = read_traffic_file(source, arguments.get("target"));
        if (!all) return all.error();
        visit = std::move(*all);
    }
    auto again = second_recording(arguments);
    if (!again) return again.error();
    const std::string file = arguments.get("out");
    if (const int code = check_new(file); code != kOk) return code;
    traffic::Wishes wishes{arguments.get("name"), "", "", base::Node::object()};
    if (const std::string stack_file = stack_file_of(arguments); !stack_file.empty())
        if (auto known = know_stack(stack_file, "")) wishes.stack = std::move(known->attributes);
    return write_scenario(file, std::move(visit), std::move(*again), std::move(wishes));
}

constexpr Flag kFlags[] = {
    {"-f,--file", "FILE", "the stack file, for its names (default: ./dodam.json)"},
    {"--out", "FILE", "write it there (default: print it)"},
    kNameFlag,
    kDiffFlag,
    {"--target", "NAME", "what the paths of an access log are asked of", "front"}};

}  // namespace

const Command kImport{"import",
                      "Make a scenario from traffic",
                      "[FILE or CURL]",
                      kFlags,
                      "  dodam import visit.har --out scenarios/visit.scenario.json\n"
                      "  dodam import visit.har --diff again.har   what varies is what differs\n"
                      "  dodam import 'curl https://d1.cloudfront.net/api -d a=1'\n"
                      "  dodam import access.log --target api\n",
                      import_traffic};

}  // namespace commands
