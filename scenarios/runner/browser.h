// What "browser" steps need of this machine, and the commands that they know.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace scenarios {

struct BrowserParts {
    std::string chromium, node, playwright;  // paths
    std::string missing;                     // one sentence; "" = everything is there
};
// `directory`: where the scenario is; node_modules is looked for from there upwards.
BrowserParts find_browser(const std::string& directory);

struct BrowserCommand {
    enum class Takes : uint8_t { Nothing, Target, Selector, SelectorAndValue, File };
    std::string_view name;
    Takes takes;
    std::string_view help;
};
std::span<const BrowserCommand> browser_commands();
// Why a command cannot be carried out, "" when it can.
std::string browser_command_problem(std::string_view text);

}  // namespace scenarios
