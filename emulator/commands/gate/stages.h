// Gate: one judgement. Owns its throwaway world (a directory and the stack that runs in it) and
// runs the stages: programs whose output is kept, with a live line, a patience within the budget,
// and Ctrl-C. The world goes with it.
#pragma once
#include <atomic>
#include <chrono>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/process.h"
#include "commands/command.h"

namespace commands {

inline constexpr int kNotDone = 124;                        // a stage's code: its time is over
inline constexpr auto kAskWait = std::chrono::seconds(10);  // for an answer of the stack
inline constexpr auto kLookAgain = std::chrono::milliseconds(200);  // at what is not done yet

// For whom a commit is judged.
struct Profile {
    std::string_view name, budget;
    bool brief = false;  // the verdict in ten lines
    bool fresh = false;  // whatever is remembered
};

struct Gate {
    const Arguments& arguments;
    const Profile& profile;
    const std::atomic<bool>& interrupted;
    base::Spawner spawner;
    base::SystemClock clock;
    base::Time begun = clock.now();
    std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
    std::string stack_file, app;  // the stack file; the commit under test, checked out
    std::string world;            // everything of this run
    std::string commit = "working tree";
    std::string top;    // of the work tree; "" = git knows none
    std::string state;  // the state directory beside the stack file: recordings, verdicts
    std::string run;    // the recording of the scenarios
    std::optional<base::Time> deadline;
    std::vector<std::string> selected;  // scenario files; empty = all
    std::string registry;               // 127.0.0.1:PORT once an engine builds and pushes
    std::string output;                 // of the stage that ran last
    std::string deployer;  // the workflow or script that deploys, beside the stack file

    Gate(const Arguments& given, const Profile& for_whom, const std::atomic<bool>& stop)
        : arguments(given), profile(for_whom), interrupted(stop) {}
    ~Gate();  // the world and everything of it goes, but for --keep-world
    Gate(const Gate&) = delete;

    // A line of the run as it goes.
    void say(std::string_view step, std::string_view text) const;

    std::expected<base::Finished, std::string> quiet(std::vector<std::string> command,
                                                     std::chrono::milliseconds at_most,
                                                     std::string directory = {});

    // Its output goes to a file of the world and into `output`; with --verbose it is ours.
    int logged(const std::string& stage, std::vector<std::string> command,
               std::chrono::milliseconds at_most, const std::string& directory = {},
               std::map<std::string, std::string> additions = {});

    // Its name beside whatever is judged.
    std::string stack_name() const { return std::filesystem::path(stack_file).filename(); }
    bool is_late() const { return deadline && clock.now() >= *deadline; }
    // A stage's own patience, within the budget.
    std::chrono::milliseconds within_budget(std::chrono::milliseconds at_most) const;

    double seconds() const { return static_cast<double>((clock.now() - begun).count()) / 1e6; }
    std::string told_stage = "start";  // where a run was cut short

  private:
    base::Time tell_progress(const std::string& stage, const std::string& log,
                             base::Time told) const;
};

bool judges_commit(const Gate& gate);

}  // namespace commands
