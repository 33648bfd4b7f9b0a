// workflow: the repository's own GitHub workflow against the world, by `dodam workflow run` in a
// process of its own, for it makes closed spaces and takes signals. Its steps are closed in, so it
// needs no --allow-run. Source: harness.md §3.2.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/process.h"
#include "base/result.h"
#include "base/text.h"
#include "scenarios/runner/context.h"
#include "scenarios/runner/names.h"
#include "scenarios/runner/steps/steps.h"

namespace scenarios {
namespace {

using base::Node;

constexpr auto kLook = std::chrono::milliseconds(50);
constexpr auto kGrace = std::chrono::seconds(20);  // after Ctrl-C: the posts run
constexpr size_t kMostOutput = 16 << 20;
constexpr size_t kShownLines = 20;  // of the step that failed

// What a child writes, read when it has ended.
class Written {
  public:
    Written() : descriptor_(::memfd_create("workflow", MFD_CLOEXEC)) {}
    ~Written() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    Written(const Written&) = delete;
    Written& operator=(const Written&) = delete;
    int descriptor() const { return descriptor_; }
    std::string text() const {
        std::string out;
        char part[65536];
        while (out.size() < kMostOutput) {
            const ssize_t got =
                ::pread(descriptor_, part, sizeof part, static_cast<off_t>(out.size()));
            if (got <= 0) break;
            out.append(part, static_cast<size_t>(got));
        }
        return out;
    }

  private:
    int descriptor_;
};

std::expected<std::vector<std::string>, StepError> command_of(const Context& context,
                                                              const Node& step,
                                                              const std::string& file) {
    std::vector<std::string> command = {context.program, "workflow",         "run", file, "--json",
                                        "--state",       context.world.state};
    auto flag = [&](const char* name, const std::string& value) {
        command.insert(command.end(), {name, value});
    };
    if (!context.world.stack_file.empty()) flag("-f", context.world.stack_file);
    const Node& inputs = step["inputs"];
    std::string event = step["event"].as_string();
    if (event.empty() && step.find("inputs")) event = "workflow_dispatch";
    if (!event.empty()) flag("--event", event);
    for (const char* key : {"ref", "commit", "tree"})
        if (step.find(key)) flag(fmt::format("--{}", key).c_str(), step[key].as_string());
    // Whoever says what happened means the workflow's "on"; else it runs whatever branch this is.
    if (!step.find("event") && !step.find("ref")) command.emplace_back("--always");
    for (const auto& [name, value] : inputs.members()) {
        const std::string text = as_text(value);
        if (text.find('\n') != std::string::npos)
            return std::unexpected(
                StepError{fmt::format("the input \"{}\" has more than one line", name), ""});
        flag("--input", name + "=" + text);
    }
    return command;
}

// The worst of a matrix' jobs stands for all of them.
int severity(std::string_view result) {
    constexpr std::string_view kMildestFirst[] = {"skipped", "success", "cancelled", "failure"};
    return static_cast<int>(std::ranges::find(kMildestFirst, result) - kMildestFirst);
}

std::string place_of(const Node& annotation) {
    std::string out = annotation["file"].as_string();
    for (const char* key : {"line", "column"})
        if (!out.empty() && annotation.find(key))
            out += fmt::format(":{}", annotation[key].as_int());
    return out;
}

// The step's place, what it says is wrong, and its last lines.
std::string tell(const Node& job, const Node& step, const std::string& file) {
    std::string place = fmt::format("{}:{}", file, step["line"].as_int()), errors;
    for (const Node& each : step["annotations"].items()) {
        if (each["level"].as_string() != "error") continue;
        if (errors.empty() && each.find("file")) place = place_of(each);
        errors += fmt::format("\n      error: {}", each["message"].as_string());
    }
    std::string out = fmt::format("{} › {} {}: {}", job["name"].as_string(),
                                  step["name"].as_string(), step["outcome"].as_string(), place);
    if (!step["detail"].as_string().empty()) out += " (" + step["detail"].as_string() + ")";
    const auto& lines = step["output"].items();
    for (size_t i = lines.size() - std::min(lines.size(), kShownLines); i < lines.size(); ++i)
        out += "\n      " + lines[i].as_string();
    return out + errors;
}

Answer answer_of(Node run) {
    Answer answer;
    std::map<std::string, std::string> results;
    for (const Node& job : run["jobs"].items()) {
        const std::string& result = job["result"].as_string();
        std::string& held = results[job["id"].as_string()];
        if (held.empty() || severity(result) > severity(held)) held = result;
        for (const Node& step : job["steps"].items()) {
            const std::string& conclusion = step["conclusion"].as_string();
            if (conclusion != "failure" && conclusion != "cancelled") continue;
            if (answer.get("failedStep")) continue;
            answer.set("failedStep", step["name"]);
            answer.account = tell(job, step, run["file"].as_string());
        }
        // Of a job that has no step to blame.
        if (result == "failure" && answer.account.empty())
            for (const Node& each : job["annotations"].items())
                answer.account += fmt::format("{}{}: {}", answer.account.empty() ? "" : "\n      ",
                                              place_of(each), each["message"].as_string());
    }
    for (const auto& [id, result] : results)
        answer.set("jobs." + id, result);
    answer.set("result", run["conclusion"]);
    answer.json = std::move(run);
    return answer;
}

std::expected<Answer, StepError> run_workflow(Context& context, const Node& step) {
    if (context.program.empty() || context.world.state.empty())
        return std::unexpected(StepError{"workflows run with `dodam run` alone", ""});
    const std::string& name = step["workflow"].as_string();
    const std::string file = find_upwards(context.directory, name);
    if (file.empty())
        return std::unexpected(StepError{fmt::format("there is no workflow {}", name),
                                         "looked for from the scenario's own directory upwards"});
    const Written output, errors;
    base::ProcessOptions options;
    options.command = TRY(command_of(context, step, file));
    options.directory = context.directory;
    options.standard_output = output.descriptor();
    options.standard_error = errors.descriptor();
    options.new_session = true;  // the terminal's Ctrl-C reaches it once, from here
    auto started = context.spawner().spawn(std::move(options));
    if (!started) return std::unexpected(StepError{started.error(), ""});
    base::Process& child = **started;

    std::optional<int> code;
    bool interrupted = false, late = false;
    while (!code && !interrupted && !late) {
        code = child.wait(kLook);
        interrupted = context.ended();
        late = context.clock.real_now() >= context.deadline;
    }
    if (!code) {  // it cancels its step, and tidies up
        child.signal(SIGINT);
        code = child.wait(kGrace);
        if (!code) {
            child.signal(SIGKILL);
            code = child.wait(kGrace);
        }
        context.cut_short = context.cut_short || interrupted;
    }
    auto run = base::parse_json(output.text());
    if (!run || !run->is_object()) {
        if (interrupted || late)
            return std::unexpected(
                StepError{interrupted ? "the workflow was interrupted"
                                      : "the workflow did not end in the step's time",
                          interrupted ? "" : "give the step a longer \"timeout\""});
        const std::string said = errors.text();
        const auto [first, rest] = base::cut(base::trim(said), '\n');
        return std::unexpected(
            StepError{first.empty() ? fmt::format("the workflow ended with {}", code.value_or(-1))
                                    : std::string(first),
                      base::replace_all(base::trim(rest), "\n", "\n      ")});
    }
    Answer answer = answer_of(std::move(*run));
    const std::string& result = answer.get("result")->as_string();
    if (late || interrupted)
        return std::unexpected(StepError{
            late ? "the workflow did not end in the step's time" : "the workflow was interrupted",
            late && answer.account.empty() ? "give the step a longer \"timeout\""
                                           : answer.account});
    const bool judged =
        context.asks("result") || context.asks("jobs.") || context.asks("failedStep");
    if (result != "success" && !judged)
        return std::unexpected(
            StepError{fmt::format("the workflow ended in {}", result), answer.account});
    return answer;
}

constexpr Key kKeys[] = {
    {"inputs", Shape::Object, "Its inputs; the event is workflow_dispatch then."},
    {"event", Shape::Text,
     "What happened: push, workflow_dispatch; unnamed, it runs whatever its \"on\" says."},
    {"ref", Shape::Text, "The branch or tag of the event; the one that is checked out."},
    {"commit", Shape::Text, "The commit that it checks out (HEAD)."},
    {"tree", Shape::Tree, "working: it checks out the files as they are."},
};
constexpr std::string_view kExpects[] = {"result", "jobs.", "failedStep", "$"};

constexpr Verb kVerbs[] = {
    {{"workflow", Shape::Workflow,
      "A GitHub workflow, run as it is; looked for from the scenario's directory upwards."},
     kKeys,
     kExpects,
     false,
     run_workflow},
};

}  // namespace

const std::span<const Verb> workflow_verbs = kVerbs;

}  // namespace scenarios
