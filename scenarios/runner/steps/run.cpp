// run: a command of this machine. Only where it was allowed: a scenario is data, and a file from
// somebody else must not become a program by being checked.
#include <fmt/format.h>

#include <map>

#include "base/process.h"
#include "base/text.h"
#include "scenarios/runner/context.h"
#include "scenarios/runner/names.h"
#include "scenarios/runner/steps/steps.h"

extern char** environ;

namespace scenarios {
namespace {

using base::Node;

constexpr size_t kShownBytes = 400;  // of a failed command's words

// Where the stack answers, in the words that tools know; then the step's own.
std::map<std::string, std::string> environment(const World& world, const Node& own) {
    std::map<std::string, std::string> all;
    for (char** entry = environ; *entry; ++entry) {
        auto [name, value] = base::cut(*entry, '=');
        all.insert_or_assign(std::string(name), std::string(value));
    }
    all["AWS_ENDPOINT_URL"] = world.aws_endpoint;
    all["AWS_ACCESS_KEY_ID"] = world.access_key;
    all["AWS_SECRET_ACCESS_KEY"] = world.secret_key;
    all["AWS_REGION"] = all["AWS_DEFAULT_REGION"] = world.region;
    all["DODAM_VIEWER"] = world.viewer_endpoint;
    all["DODAM_VIEWER_TLS"] = world.viewer_tls_endpoint;
    all["DODAM_CA"] = world.ca_file;
    for (const auto& [name, value] : own.members())
        all.insert_or_assign(name, as_text(value));
    return all;
}

std::expected<Answer, StepError> run(Context& context, const Node& step) {
    if (!context.commands_allowed)
        return std::unexpected(StepError{"commands of this machine are not run here",
                                         "`dodam run --allow-run` lets scenarios run them"});
    base::ProcessOptions options;
    options.command = {"/bin/sh", "-c", step["run"].as_string()};
    options.directory =
        step.find("cwd") ? context.path(step["cwd"].as_string()) : context.directory;
    options.environment = environment(context.world, step["env"]);
    const auto at_most = std::chrono::duration_cast<std::chrono::milliseconds>(context.left());
    auto done = base::run(context.spawner(), std::move(options), at_most);
    if (!done) return std::unexpected(StepError{done.error(), ""});
    if (done->timed_out)
        return std::unexpected(
            StepError{fmt::format("the command did not end within {} ms", at_most.count()),
                      "give the step a \"timeout\""});
    if (done->exit_code != 0 && !context.asks("exit")) {
        const std::string& words = done->error.empty() ? done->output : done->error;
        return std::unexpected(
            StepError{fmt::format("the command ended with {}", done->exit_code),
                      std::string(base::trim(std::string_view(words).substr(
                          words.size() - std::min(words.size(), kShownBytes))))});
    }
    Answer answer;
    answer.set("exit", done->exit_code);
    answer.set("stdout", done->output);
    answer.set("stderr", done->error);
    answer.body = std::move(done->output);
    return answer;
}

constexpr Key kKeys[] = {
    {"cwd", Shape::Directory, "Where it runs; the scenario's own directory."},
    {"env", Shape::Object, "Variables beside ours: AWS_ENDPOINT_URL, DODAM_VIEWER and so on."},
};
constexpr std::string_view kExpects[] = {"exit", "stdout", "stderr", "$", "regex "};

constexpr Verb kVerbs[] = {
    {{"run", Shape::Text, "A command of this machine, where `--allow-run` was given."},
     kKeys,
     kExpects,
     false,
     run},
};

}  // namespace

const std::span<const Verb> run_verbs = kVerbs;

}  // namespace scenarios
