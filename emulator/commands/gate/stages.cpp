// See stages.h.
#include "commands/gate/stages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"
#include "commands/client.h"
#include "containers/built_images.h"
#include "containers/docker_engine.h"
#include "scenarios/runner/report.h"
#include "state/instance.h"

namespace commands {

namespace {

namespace fs = std::filesystem;

constexpr auto kDownWait = std::chrono::minutes(5);
constexpr auto kHeartbeat = std::chrono::seconds(60);  // of a stage, where no terminal shows it
constexpr auto kUndo = std::chrono::seconds(15);       // of a stage that was interrupted

// A stage undoes what it did when it is asked to stop.
std::optional<int> stopped(base::Process& process) {
    process.signal(SIGINT);
    return process.wait(kUndo);
}

}  // namespace

Gate::~Gate() {
    if (world.empty()) return;
    (void)quiet({self, "down", "--state", world + "/state"}, kDownWait);
    if (!registry.empty()) {  // no task runs them any more
        containers::DockerEngine engine;
        containers::remove_names_of(engine, registry);
    }
    std::error_code ignored;
    if (!arguments.has("keep-world")) fs::remove_all(world, ignored);
}

void Gate::say(std::string_view step, std::string_view text) const {
    if (profile.brief && step != "select") return;
    fmt::print("{:>6.1f}s  {:<9} {}\n", seconds(), step, text);
    std::fflush(stdout);
}

std::expected<base::Finished, std::string> Gate::quiet(std::vector<std::string> command,
                                                       std::chrono::milliseconds at_most,
                                                       std::string directory) {
    base::ProcessOptions options;
    options.command = std::move(command);
    options.directory = std::move(directory);
    return base::run(spawner, std::move(options), at_most);
}

int Gate::logged(const std::string& stage, std::vector<std::string> command,
                 std::chrono::milliseconds at_most, const std::string& directory,
                 std::map<std::string, std::string> additions) {
    const bool verbose = arguments.has("verbose");
    const std::string log = world + "/" + stage + ".log";
    output.clear();
    const int file = ::open(log.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC | O_APPEND, 0600);
    if (file < 0) return fail(kNotStarted, fmt::format("cannot write {}", log));
    base::ProcessOptions options;
    options.command = std::move(command);
    options.directory = directory;
    options.standard_output = verbose ? 1 : file;
    options.standard_error = verbose ? 2 : file;
    std::map<std::string, std::string> environment;
    for (char** entry = environ; *entry; ++entry) {
        auto [name, value] = base::cut(*entry, '=');
        environment.emplace(name, value);
    }
    for (auto& [name, value] : additions)
        environment[name] = value;
    options.environment = std::move(environment);
    options.new_session = true;  // Ctrl-C reaches us, and we undo
    auto process = spawner.spawn(std::move(options));
    ::close(file);
    if (!process) return fail(kBug, process.error());
    const base::Time until = clock.now() + at_most;
    told_stage = stage;
    base::Time told = clock.now();
    std::optional<int> code;
    while (!code && clock.now() < until && !interrupted) {
        code = (*process)->wait(kLookAgain);
        if (!code && !verbose) told = tell_progress(stage, log, told);
    }
    if (isatty(1) && !verbose) fmt::print("\r\x1b[2K");
    output = state::read_file(log).value_or("");
    if (code) return *code;
    // A stack that starts is let come up: then it can be ended.
    code = stage == "up" ? (*process)->wait(kUndo) : stopped(**process);
    if (!code) (*process)->signal(SIGKILL);
    if (interrupted) return scenarios::kInterrupted;
    output += fmt::format("\nerror: not done after {} s\n",
                          std::chrono::duration_cast<std::chrono::seconds>(at_most).count());
    return kNotDone;
}

std::chrono::milliseconds Gate::within_budget(std::chrono::milliseconds at_most) const {
    if (!deadline) return at_most;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - clock.now());
    return std::clamp(left, std::chrono::milliseconds(0), at_most);
}

// Where a long stage stands: a live line on a terminal, a line now and then elsewhere.
base::Time Gate::tell_progress(const std::string& stage, const std::string& log,
                               base::Time told) const {
    const bool live = isatty(1);
    if (!live && clock.now() - told < kHeartbeat) return told;
    const std::string text = state::read_file(log).value_or("");
    std::string at;
    for (std::string_view line : base::split(text, '\n'))
        if (line.starts_with("==> ") || line.starts_with("PASS") || line.starts_with("FAIL"))
            at = line.starts_with("==> ") ? line.substr(4) : line;
    if (live) {
        fmt::print("\r\x1b[2K{:>6.1f}s  {:<9} {:.60}", seconds(), stage, at.empty() ? "…" : at);
        std::fflush(stdout);
    } else {
        say(stage, at.empty() ? "goes on" : "at: " + at);
    }
    return clock.now();
}

bool judges_commit(const Gate& gate) {
    return gate.commit != "working tree";
}

}  // namespace commands
