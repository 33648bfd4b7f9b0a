// dodam down: stops the running instance and waits until it is gone.
#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <cstdio>

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

int down(const Arguments& arguments) {
    auto running = state::StateDirectory::running(state_directory(arguments));
    if (!running) {
        fmt::print("nothing is running for {}\n", state_directory(arguments));
        return kOk;
    }
    auto client = Client::find(arguments);
    if (!client) return client.error();
    if (auto stopped = client->post("/stop", base::Node::object()); !stopped)
        return fail(stopped.error());

    base::SystemClock clock;
    const base::Time end = clock.now() + kStopWait;
    while (state::StateDirectory::running(client->directory()) || is_alive(client->info().pid)) {
        if (clock.now() >= end)
            return fail(
                kNotStarted,
                fmt::format(
                    "the emulator (pid {}) is still stopping after {} s; see {}/emulator.log",
                    client->info().pid, kStopWait.count(), client->directory()));
        clock.wait_until(clock.now() + base::milliseconds(20));
    }
    fmt::print("stopped; its state is kept in {}\n", client->directory());
    return kOk;
}

constexpr Flag kFlags[] = {{"-f,--file", "FILE", "the stack file whose instance is meant"},
                           kStateFlag};

}  // namespace

const Command kDown{"down",
                    "Stop the emulator; its state is kept",
                    "",
                    kFlags,
                    "  dodam down\n  dodam down --state /tmp/stack\n",
                    down};

}  // namespace commands
