// The command line: CLI11 fed from the command table.
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <list>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "commands/command.h"

namespace commands {
namespace {

struct Bound {
    CLI::App* app = nullptr;
    const Command* command = nullptr;
    Arguments arguments;
    std::list<std::pair<std::string, std::string>> values;  // long name → text, filled by CLI11
    std::list<std::pair<std::string, bool>> switches;
};

std::string long_name(std::string_view flag) {
    auto dashes = flag.rfind("--");
    return std::string(flag.substr(dashes == std::string_view::npos ? 0 : dashes + 2));
}

void bind(Bound& bound) {
    const Command& command = *bound.command;
    for (const Flag& flag : command.flags) {
        if (flag.value_name.empty()) {
            auto& slot = bound.switches.emplace_back(long_name(flag.name), false);
            bound.app->add_flag(std::string(flag.name), slot.second, std::string(flag.help));
        } else {
            auto& slot = bound.values.emplace_back(long_name(flag.name), std::string(flag.fallback));
            auto* option = bound.app->add_option(std::string(flag.name), slot.second, std::string(flag.help));
            option->type_name(std::string(flag.value_name));
            option->multi_option_policy(CLI::MultiOptionPolicy::Join);   // with line ends between
        }
    }
    if (!command.positional.empty())
        bound.app->add_option("arguments", bound.arguments.positional, "")->option_text(std::string(command.positional));
    if (!command.examples.empty()) bound.app->footer("\nExamples:\n" + std::string(command.examples));
}

}  // namespace

int run_command_line(std::span<const Command> commands, int argument_count, char** arguments) {
    CLI::App app{"dodam: the local stand-in for AWS web production, and the gate before the push", "dodam"};
    app.set_version_flag("--version", "dodam 0.1.0");
    app.require_subcommand(1);
    app.failure_message(CLI::FailureMessage::simple);

    // Everything after `--` is kept for the command (`dodam exec … -- sh`).
    std::vector<std::string> words, rest;
    bool after_dashes = false;
    for (int i = 1; i < argument_count; ++i) {
        std::string word = arguments[i];
        if (!after_dashes && word == "--") after_dashes = true;
        else (after_dashes ? rest : words).push_back(std::move(word));
    }

    std::list<Bound> all;
    std::map<std::string, CLI::App*> groups;
    for (const Command& command : commands) {
        auto [first, second] = base::cut(command.name, ' ');
        CLI::App* parent = &app;
        if (!second.empty()) {
            auto& group = groups[std::string(first)];
            if (!group) {
                group = app.add_subcommand(std::string(first), "");
                group->require_subcommand(1);
            }
            parent = group;
        }
        Bound& bound = all.emplace_back();
        bound.command = &command;
        bound.app = parent->add_subcommand(std::string(second.empty() ? first : second), std::string(command.summary));
        // Only the command that was asked for is bound: start-up time.
        if (!words.empty() && words[0] == first) bind(bound);
    }
    for (auto& [name, group] : groups) {
        std::string summary;
        for (auto* part : group->get_subcommands({})) summary += (summary.empty() ? "" : ", ") + part->get_name();
        group->description(name + " " + summary);
    }

    if (!words.empty() && words[0][0] != '-') {
        std::vector<std::string> names;
        bool known = false;
        for (const Command& command : commands) {
            names.emplace_back(base::cut(command.name, ' ').first);
            known = known || names.back() == words[0];
        }
        if (!known) {
            std::string near = base::closest(words[0], names);
            fmt::print(stderr, "dodam: there is no command \"{}\"{}\n  dodam --help lists them\n", words[0],
                       near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near));
            return kWrongInput;
        }
    }

    try {
        std::reverse(words.begin(), words.end());
        app.parse(words);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        fmt::print(stderr, "dodam: {}\n  dodam {}--help shows what it takes\n", error.what(),
                   argument_count > 1 && arguments[1][0] != '-' ? std::string(arguments[1]) + " " : "");
        return kWrongInput;
    }
    for (Bound& bound : all) {
        if (!bound.app->parsed()) continue;
        bound.arguments.rest = rest;
        for (auto& [name, value] : bound.values)
            if (!value.empty()) bound.arguments.values[name] = value;
        for (auto& [name, on] : bound.switches)
            if (on) bound.arguments.values[name] = "1";
        return bound.command->run(bound.arguments);
    }
    return kWrongInput;
}

}  // namespace commands
