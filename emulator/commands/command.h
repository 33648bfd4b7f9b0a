// Commands: a row each in the table of main.cpp. A command declares its flags as data; command_line
// parses them (CLI11 stays in that file) and prints help and errors from the same rows.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace commands {

// A flag with a value has a value name; without one it is a switch.
struct Flag {
    std::string_view name;        // "--state" or "-f,--file"
    std::string_view value_name;  // "DIR", "" = switch
    std::string_view help;
    std::string_view fallback = {};
};

class Arguments {
  public:
    std::vector<std::string> positional;
    std::vector<std::string> rest;              // after --
    std::map<std::string, std::string> values;  // by long name without dashes; switches hold "1"

    bool has(const std::string& name) const { return values.contains(name); }
    std::string get(const std::string& name) const {
        auto found = values.find(name);
        return found == values.end() ? std::string() : found->second;
    }
};

struct Command {
    std::string_view name;        // "up", "image build"
    std::string_view summary;     // one line, no full stop
    std::string_view positional;  // "[SCENARIO…]", "" = none allowed
    std::span<const Flag> flags;
    std::string_view examples;  // lines shown under help
    int (*run)(const Arguments&);
};

// Exit codes by cause.
enum Exit : int {
    kOk = 0,
    kFailed = 1,      // a scenario failed
    kWrongInput = 2,  // a file or the command line is wrong; nothing ran
    kNotStarted = 3,  // the stack could not start, or a part died by itself
    kNothingRan = 4,
    kOutstanding = 6,  // a rerun passed, but not all that failed then was in it
    kOutOfTime = 7,
    kBug = 70,
};

// The flag every command that speaks to a running instance has.
inline constexpr Flag kStateFlag{
    "--state", "DIR",
    "the instance (default: .dodam beside ./dodam.json, else the user's default)"};
inline constexpr Flag kJsonFlag{"--json", "", "for machines"};

int run_command_line(std::span<const Command> commands, int argument_count, char** arguments);

}  // namespace commands
