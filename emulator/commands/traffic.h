// What import and record share: traffic, as read, to a scenario file.
#pragma once
#include <string>
#include <vector>

#include "commands/command.h"
#include "scenarios/traffic/exchange.h"
#include "scenarios/traffic/scenario_of.h"

namespace commands {

// A HAR file, curl lines or an access log; an error is told, and is the exit code.
std::expected<std::vector<traffic::Exchange>, int> read_traffic_file(const std::string& file,
                                                                     const std::string& target);
// The command line's --diff: the second recording, or none.
std::expected<std::vector<traffic::Exchange>, int> second_recording(const Arguments& arguments);

// kOk when `file` ("" = printed) is not there yet.
int check_new(const std::string& file);
// Makes the scenario, writes it with the bodies beside it, and says what there is to do about it.
int write_scenario(const std::string& file, std::vector<traffic::Exchange> visit,
                   std::vector<traffic::Exchange> again, traffic::Wishes wishes);

inline constexpr Flag kNameFlag{"--name", "SENTENCE", "what a user can rely on",
                                "What this traffic shows"};
inline constexpr Flag kDiffFlag{
    "--diff", "FILE.har",
    "a recording of the same visit: what differs varies, and nothing is guessed"};

}  // namespace commands
