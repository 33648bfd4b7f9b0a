// Built-in actions: what a deploy's workflow uses from the marketplace, without the network.
// Inputs, outputs, checks and error texts as the real ones have them (ecs-deploy as 2.6.3: a
// rollback is no success).
#pragma once
#include <atomic>
#include <chrono>
#include <expected>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/runner/context.h"
#include "scenarios/workflow/files.h"
#include "scenarios/workflow/host.h"

namespace workflow {

struct Setup;

// One use of an action: what it was given, and what it leaves behind.
struct ActionCall {
    const Setup& setup;
    std::map<std::string, std::string> inputs;       // by lower-case name, fallbacks filled in
    std::map<std::string, std::string> environment;  // the step's
    std::map<std::string, std::string> state;        // of the main part, for the post part
    std::string workspace, temporary;
    std::chrono::steady_clock::time_point until;  // the step's and the job's timeout-minutes
    const std::atomic<bool>* stop = nullptr;      // the job is cancelled
    bool may_ask_identity = false;                // permissions: id-token: write
    std::function<void(std::string_view)> say;
    // A program beside the steps' own.
    std::function<std::expected<Ended, std::string>(std::vector<std::string> command,
                                                    std::map<std::string, std::string> environment)>
        run;

    Assignments outputs, exported, saved;
    std::vector<std::string> paths, masks;
    std::string detail;  // one line for the person who watches

    const std::string& input(const std::string& name) const {
        static const std::string none;
        const auto found = inputs.find(name);
        return found == inputs.end() ? none : found->second;
    }
    std::string variable(const std::string& name) const {
        const auto found = environment.find(name);
        return found == environment.end() ? std::string() : found->second;
    }
};

using ActionFunction = std::expected<void, std::string> (*)(ActionCall&);

struct BuiltInInput {
    std::string_view name, fallback;
    bool required = false;
};

struct BuiltInAction {
    std::string_view name;  // "actions/checkout"
    std::string_view as;    // the version it behaves like
    std::span<const BuiltInInput> inputs;
    std::span<const std::string_view> outputs;  // "docker_username_*": any that begin so
    ActionFunction main;
    ActionFunction post = nullptr;
};

std::span<const BuiltInAction> built_in_actions();
const BuiltInAction* built_in_action(std::string_view name);

// The tables of its files.
extern const std::span<const BuiltInAction> aws_actions, source_actions, ecs_actions;

// An AWS call with the credentials of the step's environment; the error reads as an SDK's: its text
// alone.
std::expected<base::Node, std::string> call_aws(ActionCall& call, std::string_view operation,
                                                const base::Node& input);
bool is_true(const std::string& text);  // as @actions/core getBooleanInput: true, True, TRUE
std::vector<std::string> lines_of(std::string_view text);  // trimmed, without empty ones

}  // namespace workflow
