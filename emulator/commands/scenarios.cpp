// What the scenario commands share.
#include "commands/scenarios.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "base/text.h"
#include "commands/client.h"
#include "scenarios/runner/runner.h"
#include "scenarios/runner/source.h"
#include "stack/attributes.h"
#include "stack/stack_file.h"
#include "state/instance.h"

namespace commands {

using base::Node;

std::string stack_file_of(const Arguments& arguments) {
    if (arguments.has("file")) return arguments.get("file");
    return std::filesystem::exists("dodam.json") ? "dodam.json" : "";
}

std::optional<KnownStack> know_stack(const std::string& stack_file,
                                     const std::string& secrets_file) {
    if (stack_file.empty()) return std::nullopt;
    state::Secrets values(secrets_file);
    const stack::SecretValue secret =
        [&](const std::string& name) -> std::expected<std::string, std::string> {
        // Checking needs no values, and must not make any.
        if (secrets_file.empty()) return std::string("not-known-here");
        return values.value(name);
    };
    auto stack = stack::read_stack(stack_file, secret);
    if (!stack) {
        const std::string text = state::read_file(stack_file).value_or("");
        for (const auto& problem : stack.error())
            fmt::print(stderr, "{}", stack::show(stack_file, text, problem));
        return std::nullopt;
    }
    KnownStack known;
    known.account = stack->account;
    known.region = stack->region;
    known.secrets = values.known();
    base::Ids ids(stack->account, stack->region);
    for (const auto& [kind, things] : stack->root.members()) {
        if (!things.is_object()) continue;
        // "database" and "cache" are things themselves, the others are maps of things.
        const bool single = kind == "database" || kind == "cache";
        Node section = Node::object();
        if (single) {
            for (const auto& [attribute, value] : stack::attributes_of(ids, kind, kind, things))
                section.set(attribute, value);
            if (section.members().empty()) continue;
        } else {
            for (const auto& [name, thing] : things.members()) {
                const auto attributes = stack::attributes_of(ids, kind, name, thing);
                if (attributes.empty()) continue;
                Node entry = Node::object();
                for (const auto& [attribute, value] : attributes)
                    entry.set(attribute, value);
                section.set(name, std::move(entry));
            }
            if (section.members().empty() && !things.members().empty()) continue;
        }
        known.attributes.set(kind, std::move(section));
    }
    return known;
}

std::optional<std::vector<std::string>> scenario_files(const Arguments& arguments,
                                                       const std::string& stack_file) {
    namespace fs = std::filesystem;
    std::string home = "scenarios";
    if (!fs::exists(home) && !stack_file.empty())
        home = (fs::path(stack_file).parent_path() / "scenarios").string();
    if (arguments.positional.empty())
        return scenarios::find_scenario_files(fs::exists(home) ? std::vector<std::string>{home}
                                                               : std::vector<std::string>{});
    std::vector<std::string> files;
    for (const std::string& word : arguments.positional) {
        std::vector<std::string> found;
        if (fs::exists(word)) {
            found = scenarios::find_scenario_files({word});
        } else if (fs::exists(home)) {
            // The beginning of an id.
            for (const std::string& file : scenarios::find_scenario_files({home}))
                if (fs::path(file).filename().string().starts_with(word)) found.push_back(file);
        }
        if (found.empty()) {
            (void)fail(kWrongInput, fmt::format("\"{}\" is neither a file or directory with "
                                                "scenarios, nor the beginning of an id below {}",
                                                word, home));
            return std::nullopt;
        }
        files.insert(files.end(), found.begin(), found.end());
    }
    return files;
}

std::optional<std::vector<scenarios::Scenario>> load_scenarios(
    const std::vector<std::string>& files, const scenarios::Surroundings& surroundings) {
    std::vector<scenarios::Scenario> all;
    size_t problems = 0, bad_files = 0;
    for (const std::string& file : files) {
        scenarios::Loaded loaded = scenarios::load_scenario(file, surroundings);
        for (const auto& problem : loaded.problems)
            fmt::print(stderr, "{}\n", scenarios::show(loaded.scenario.source, problem));
        problems += loaded.problems.size();
        bad_files += loaded.problems.empty() ? 0 : 1;
        all.push_back(std::move(loaded.scenario));
    }
    if (problems == 0) return all;
    fmt::print(stderr, "dodam: {} problem{} in {} file{}; nothing was run\n", problems,
               problems == 1 ? "" : "s", bad_files, bad_files == 1 ? "" : "s");
    return std::nullopt;
}

std::optional<std::vector<scenarios::Scenario>> select_scenarios(
    std::vector<scenarios::Scenario> all, const std::string& expression) {
    std::vector<scenarios::Scenario> chosen;
    for (auto& scenario : all) {
        auto fits = scenarios::matches_tags(expression, scenario.tags);
        if (!fits) {
            (void)fail(kWrongInput, fits.error());
            return std::nullopt;
        }
        if (*fits) chosen.push_back(std::move(scenario));
    }
    return chosen;
}

}  // namespace commands
