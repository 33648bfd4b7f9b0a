// The command line: CLI11 fed from the command table.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <list>

#include "base/text.h"
#include "commands/command.h"
#include "commands/version.h"

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

// How many words a command takes: "[PART…]" any number, "[ACTION] [URL]" two, "CONTEXT" one.
size_t most_words(std::string_view positional) {
    if (positional.find("…") != std::string_view::npos) return SIZE_MAX;
    return std::max<size_t>(1, static_cast<size_t>(std::ranges::count(positional, '[')));
}

constexpr size_t kHelpColumn = 28;  // where the sentences begin

// Help from the same rows that parsing uses.
std::string help_of(const Command& command) {
    std::string text = fmt::format("{}\n\n  dodam {}{}{}{}\n\n", command.summary, command.name,
                                   command.positional.empty() ? "" : " ", command.positional,
                                   command.flags.empty() ? "" : " [FLAGS]");
    for (const Flag& flag : command.flags) {
        std::string left = fmt::format("  {}{}{}", base::replace_all(flag.name, ",", ", "),
                                       flag.value_name.empty() ? "" : " ", flag.value_name);
        left += left.size() < kHelpColumn ? std::string(kHelpColumn - left.size(), ' ')
                                          : "\n" + std::string(kHelpColumn, ' ');
        text +=
            fmt::format("{}{}{}\n", left, flag.help,
                        flag.fallback.empty() ? "" : fmt::format(" (default {})", flag.fallback));
    }
    if (!command.flags.empty()) text += '\n';
    return text + fmt::format("Examples\n{}", command.examples);
}

void bind(Bound& bound) {
    const Command& command = *bound.command;
    for (const Flag& flag : command.flags) {
        if (flag.value_name.empty()) {
            auto& slot = bound.switches.emplace_back(long_name(flag.name), false);
            bound.app->add_flag(std::string(flag.name), slot.second, std::string(flag.help));
        } else {
            auto& slot =
                bound.values.emplace_back(long_name(flag.name), std::string(flag.fallback));
            auto* option =
                bound.app->add_option(std::string(flag.name), slot.second, std::string(flag.help));
            option->type_name(std::string(flag.value_name));
            option->multi_option_policy(CLI::MultiOptionPolicy::Join);  // with line ends between
        }
    }
    if (!command.positional.empty())
        bound.app->add_option("arguments", bound.arguments.positional, "");
    bound.app->formatter_fn(
        [&command](const CLI::App*, std::string, CLI::AppFormatMode) { return help_of(command); });
}

}  // namespace

int run_command_line(std::span<const Command> commands, int argument_count, char** arguments) {
    CLI::App app{"dodam: the local stand-in for AWS web production, and the gate before the push",
                 "dodam"};
    app.set_version_flag("--version", fmt::format("dodam {}", kVersion));
    app.require_subcommand(1);
    app.failure_message(CLI::FailureMessage::simple);
    app.footer("\ndodam COMMAND --help shows what a command takes, with examples.");

    // Everything after `--` is kept for the command (`dodam exec … -- sh`).
    std::vector<std::string> words, rest;
    bool after_dashes = false;
    for (int i = 1; i < argument_count; ++i) {
        std::string word = arguments[i];
        if (!after_dashes && word == "--")
            after_dashes = true;
        else
            (after_dashes ? rest : words).push_back(std::move(word));
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
        bound.app = parent->add_subcommand(std::string(second.empty() ? first : second),
                                           std::string(command.summary));
        // Only the command that was asked for is bound: start-up time.
        if (!words.empty() && words[0] == first) bind(bound);
    }
    for (auto& [name, group] : groups) {
        std::string summary;
        for (auto* part : group->get_subcommands({}))
            summary += (summary.empty() ? "" : ", ") + part->get_name();
        group->description(name + " " + summary);
    }

    if (words.empty()) {
        fmt::print(stderr, "{}", app.help());
        return kWrongInput;
    }
    if (!words[0].starts_with('-')) {
        std::vector<std::string> names;
        bool known = false;
        for (const Command& command : commands) {
            names.emplace_back(base::cut(command.name, ' ').first);
            known = known || names.back() == words[0];
        }
        if (!known) {
            std::string near = base::closest(words[0], names);
            fmt::print(stderr, "dodam: there is no command \"{}\"{}\n  dodam --help lists them\n",
                       words[0], near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near));
            return kWrongInput;
        }
    }
    if (auto group = groups.find(words[0]);
        group != groups.end() && (words.size() == 1 || !words[1].starts_with('-'))) {
        std::vector<std::string> names;
        for (auto* part : group->second->get_subcommands({}))
            names.push_back(part->get_name());
        if (words.size() == 1 || std::ranges::find(names, words[1]) == names.end()) {
            fmt::print(
                stderr,
                "dodam: \"dodam {}\" goes on with {}\n  dodam {} {} --help shows what it takes\n",
                words[0], base::join(names, " or "), words[0], names.front());
            return kWrongInput;
        }
    }

    try {
        std::reverse(words.begin(), words.end());
        app.parse(words);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        // The command as it was written: one word, or two of a group.
        std::string named;
        for (const Bound& bound : all)
            if (bound.app->parsed()) named = std::string(bound.command->name) + " ";
        fmt::print(stderr, "dodam: {}\n  dodam {}--help shows what it takes\n", error.what(),
                   named);
        return kWrongInput;
    }
    for (Bound& bound : all) {
        if (!bound.app->parsed()) continue;
        if (const size_t most = most_words(bound.command->positional);
            bound.arguments.positional.size() > most) {
            fmt::print(
                stderr,
                "dodam: \"{}\" is one word too many\n  dodam {} --help shows what it takes\n",
                bound.arguments.positional[most], bound.command->name);
            return kWrongInput;
        }
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
