// dodam down: stops the running instance and waits until it is gone.
#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "base/clock.h"
#include "commands/client.h"
#include "commands/commands.h"

namespace commands {
namespace {

constexpr auto kStopWait = std::chrono::seconds(40);  // a task's stopTimeout may be 30 s

// The process itself: its database and tasks end before it does. One that only waits for its parent
// to take note of its end is gone.
bool is_alive(int pid) {
    const auto stat = state::read_file(fmt::format("/proc/{}/stat", pid));
    if (!stat) return false;
    const auto name_end = stat->rfind(") ");
    return name_end != std::string::npos && stat->compare(name_end + 2, 1, "Z") != 0;
}

// The worlds that `dodam run` keeps warm beside the instance.
int stop_worlds(const std::string& directory) {
    int code = kOk;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(directory + "/worlds", none)) {
        if (!entry.is_directory(none)) continue;
        const std::string world = entry.path().string();
        if (auto info = state::StateDirectory::running(world)) {
            const int stopped = stop_instance(Client(*info, world));
            code = code == kOk ? stopped : code;
        }
    }
    return code;
}

int down(const Arguments& arguments) {
    const std::string directory = state_directory(arguments);
    const int worlds = stop_worlds(directory);
    auto running = state::StateDirectory::running(directory);
    if (!running) {
        fmt::print("nothing is running for {}\n", directory);
        return worlds;
    }
    const int stopped = stop_instance(Client(*running, directory));
    if (stopped != kOk) return stopped;
    fmt::print("stopped; its state is kept in {}\n", directory);
    return worlds;
}

constexpr Flag kFlags[] = {{"-f,--file", "FILE", "the stack file whose instance is meant"},
                           kStateFlag};

}  // namespace

int stop_instance(const Client& client) {
    if (auto stopped = client.post("/stop", base::Node::object()); !stopped)
        return fail(stopped.error());

    base::SystemClock clock;
    const base::Time end = clock.now() + kStopWait;
    while (state::StateDirectory::running(client.directory()) || is_alive(client.info().pid)) {
        if (clock.now() >= end)
            return fail(
                kNotStarted,
                fmt::format(
                    "the emulator (pid {}) is still stopping after {} s; see {}/emulator.log",
                    client.info().pid, kStopWait.count(), client.directory()));
        clock.wait_until(clock.now() + base::milliseconds(20));
    }
    return kOk;
}

const Command kDown{"down",
                    "Stop the emulator; its state is kept",
                    "",
                    kFlags,
                    "  dodam down\n  dodam down --state /tmp/stack\n",
                    down};

}  // namespace commands
