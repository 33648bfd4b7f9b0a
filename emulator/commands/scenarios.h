// What the scenario commands share: which files are meant, what is known of the stack, and how
// problems are told.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "commands/command.h"
#include "scenarios/runner/scenario.h"

namespace commands {

// The stack as scenarios name it: attributes by the paths of dodam.json, and the values that must
// not be shown.
struct KnownStack {
    base::Node attributes = base::Node::object();
    std::string account, region = "us-east-1";
    std::map<std::string, std::string> secrets;
};
// `secrets_file`: of the running instance, "" when none runs. Nothing: there is no stack file, or
// it has problems (told).
std::optional<KnownStack> know_stack(const std::string& stack_file,
                                     const std::string& secrets_file);

// The files that the command line means: paths, directories, or beginnings of ids below
// ./scenarios; by default all there. An error is printed; the caller returns kWrongInput.
std::optional<std::vector<std::string>> scenario_files(const Arguments& arguments,
                                                       const std::string& stack_file);

// Reads and checks all; prints every problem. Nothing when there was one.
std::optional<std::vector<scenarios::Scenario>> load_scenarios(
    const std::vector<std::string>& files, const scenarios::Surroundings& surroundings);

// Those that the tag expression selects; nothing when it does not parse (told).
std::optional<std::vector<scenarios::Scenario>> select_scenarios(
    std::vector<scenarios::Scenario> all, const std::string& expression);

// -f, else ./dodam.json when it is there, else "".
std::string stack_file_of(const Arguments& arguments);

}  // namespace commands
