// See verdict.h.
#include "commands/gate/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "commands/client.h"
#include "scenarios/checks/explanation.h"
#include "scenarios/runner/report.h"
#include "state/instance.h"

namespace commands {

namespace {

using base::Node;

constexpr size_t kLinesShown = 60;  // of a stage's output
constexpr size_t kLinesShownBriefly = 12;

// As somebody types it to have the same judged again.
std::string again(const Gate& gate) {
    std::string text = "dodam gate";
    if (gate.arguments.has("file")) text += " -f " + gate.arguments.get("file");
    return text +
           (judges_commit(gate) ? " --commit " + gate.commit.substr(0, 12) : " --tree working");
}

}  // namespace

Node record_of(const Gate& gate) {
    return base::parse_json(state::read_file(gate.world + "/record.json").value_or("{}"))
        .value_or(Node::object());
}

int go(const Gate& gate) {
    fmt::print("{}GO     {} holds ({:.1f} s)\n", gate.profile.brief ? "" : "\n",
               gate.commit.substr(0, 12), gate.seconds());
    std::fflush(stdout);
    return kOk;
}

int no_go(const Gate& gate, int code, const checks::Verdict& verdict) {
    fmt::print("NO GO  {} (exit {}, {:.1f} s)\n{}", gate.commit.substr(0, 12), code, gate.seconds(),
               verdict.to_string());
    if (gate.arguments.has("keep-world"))
        fmt::print("look   dodam status --state {}/state\n", gate.world);
    if (gate.profile.brief) {
        fmt::print("look   {}\nagain  {}\nanyway git push --no-verify\n",
                   gate.run.empty() ? again(gate) + " -v" : "dodam show " + gate.run, again(gate));
    }
    std::fflush(stdout);
    return code;
}

std::optional<int> cut_short(const Gate& gate, int code) {
    if (gate.interrupted) {
        fmt::print("STOPPED {} during {}; nothing of it is left\n", gate.commit.substr(0, 12),
                   gate.told_stage);
        std::fflush(stdout);
        return scenarios::kInterrupted;
    }
    if (code == kOk || (code != kOutOfTime && !(gate.is_late() && code == kNotDone)))
        return std::nullopt;
    std::string not_run;
    for (const Node& each : record_of(gate)["not_run"].items())
        not_run += (not_run.empty() ? "" : ", ") + each["id"].as_string();
    fmt::print(
        "LATE   {}: the budget ended during {} (exit {}, {:.1f} s)\n"
        "not checked: {}\n"
        "next   {} judges all of it; --budget gives more time\n",
        gate.commit.substr(0, 12), gate.told_stage, static_cast<int>(kOutOfTime), gate.seconds(),
        not_run.empty() ? "every scenario" : not_run, again(gate));
    std::fflush(stdout);
    return kOutOfTime;
}

void show_output(const Gate& gate, std::string_view title) {
    if (gate.output.empty() || gate.arguments.has("verbose")) return;
    std::string text = gate.output;
    const size_t most = gate.profile.brief ? kLinesShownBriefly : kLinesShown;
    bool from_its_begin = false;
    if (gate.profile.brief && !gate.run.empty())
        for (const Node& scenario : record_of(gate)["scenarios"].items())
            if (!from_its_begin && scenario["outcome"].as_string() == "failed") {
                text = scenario["story"].as_string();
                from_its_begin = true;
            }
    auto lines = checks::lines_of(text);
    const size_t left = lines.size() > most ? lines.size() - most : 0;
    if (left && from_its_begin) lines.resize(most);
    if (left && !from_its_begin)
        lines.erase(lines.begin(), lines.begin() + static_cast<ptrdiff_t>(left));
    fmt::print(
        "\n{}{}\n", title,
        left ? fmt::format(" (its {} {} lines)", from_its_begin ? "first" : "last", most) : "");
    for (std::string_view line : lines)
        fmt::print("  {}\n", line);
    std::fflush(stdout);
}

}  // namespace commands
