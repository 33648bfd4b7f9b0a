// dodam deploy report: what became of a deploy: whether it arrived, what failed and why, who
// answered meanwhile, where the time went. The gate prints the same.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "base/clock.h"
#include "base/date.h"
#include "base/encoding.h"
#include "commands/client.h"
#include "commands/commands.h"

namespace commands {
namespace {

using base::Node;

constexpr auto kLook = std::chrono::milliseconds(200);

int report(const Arguments& arguments) {
    auto at_most = base::parse_duration(arguments.get("timeout"));
    if (!at_most)
        return fail(kWrongInput, fmt::format("\"{}\" is no duration; one is such as 90s or 10m",
                                             arguments.get("timeout")));
    auto client = Client::find(arguments);
    if (!client) return client.error();
    std::string query = "/deployments?";
    if (!arguments.positional.empty())
        query += "service=" + base::percent_encode(arguments.positional[0]) + "&";
    if (arguments.has("deployment"))
        query += "deployment=" + base::percent_encode(arguments.get("deployment"));
    auto answer = client->get(query);
    base::SystemClock clock;
    const base::Time until = clock.now() + *at_most;
    bool waits = arguments.has("wait");
    while (answer && waits && !deploys_are_over((*answer)["services"]) && clock.now() < until) {
        (void)clock.wait_until(clock.now() + kLook);
        answer = client->get(query);
    }
    if (!answer) return fail(answer.error());
    const Node& services = (*answer)["services"];
    if (services.size() == 0) return fail(kNothingRan, "this stack has no service");
    bool all_arrived = true;
    Node reports = Node::object();
    for (const auto& [name, service] : services.members()) {
        const Node& one = service["report"];
        if (!one.is_object())
            return fail(kWrongInput,
                        fmt::format("{} has no deployment {}", name, arguments.get("deployment")));
        reports.set(name, one);
        all_arrived = all_arrived && one["arrived"].as_bool();
        if (!arguments.has("json")) print_report(one, stdout);
    }
    if (arguments.has("json")) fmt::print("{}\n", base::to_json(reports, 2));
    if (waits && !deploys_are_over(services))
        return fail(kOutOfTime, fmt::format("still under way after {}", arguments.get("timeout")));
    return all_arrived ? kOk : kFailed;
}

constexpr Flag kReportFlags[] = {{"-f,--file", "FILE", "the stack file whose instance is meant"},
                                 kStateFlag,
                                 kJsonFlag,
                                 {"--deployment", "ID", "an earlier one, by its id ecs-svc/…"},
                                 {"--wait", "", "until the rollout, or the rollback, is over"},
                                 {"--timeout", "DURATION", "of --wait", "10m"}};

}  // namespace

bool deploys_are_over(const Node& services) {
    for (const auto& [name, service] : services.members()) {
        const Node& report = service["report"];
        const Node& back = report["rolled_back_to"];
        if (report.find("unplaced")) continue;  // nothing will happen
        if (report["state"].as_string() == "IN_PROGRESS" ||
            (back.is_object() && back["state"].as_string() == "IN_PROGRESS"))
            return false;
    }
    return true;
}

void print_report(const Node& report, std::FILE* out) {
    for (const Node& line : report["lines"].items())
        fmt::print(out, "{}\n", line.as_string());
}

const Command kDeployReport{
    "deploy report",
    "Tell what became of a deploy: did it arrive, what failed and why, who answered meanwhile",
    "[SERVICE]",
    kReportFlags,
    "  dodam deploy report                   the last deploy of each service\n"
    "  dodam deploy report backend --wait    as soon as it is over; exit 1 if it did not arrive\n"
    "  dodam deploy report backend --json\n",
    report};

}  // namespace commands
