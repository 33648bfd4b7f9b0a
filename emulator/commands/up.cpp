// dodam up: starts the emulator, applies the stack file, and stays until it is told to stop.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/clock.h"
#include "base/date.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/commands.h"
#include "emulator.h"

namespace commands {
namespace {

constexpr auto kDetachWait =
    std::chrono::minutes(5);  // the first start of a database is the longest part

constexpr timespec kIdleLook{1, 0};

std::expected<uint16_t, std::string> port(const Arguments& arguments, const std::string& flag) {
    auto number = base::parse_unsigned(arguments.get(flag));
    if (!number || *number > 65535)
        return std::unexpected(fmt::format("--{} takes a port number, 0 for any free one", flag));
    return static_cast<uint16_t>(*number);
}

std::expected<EmulatorOptions, std::string> read_options(const Arguments& arguments) {
    EmulatorOptions options;
    // A command line is seen by every user of the machine; a password may come by the environment.
    auto given = [&](const std::string& flag, const char* variable) {
        if (arguments.has(flag) || arguments.get("backing") != "given") return arguments.get(flag);
        const char* value = std::getenv(variable);
        return std::string(value ? value : "");
    };
    options.stack_file = arguments.get("file");
    if (options.stack_file.empty() && std::filesystem::exists("dodam.json"))
        options.stack_file = "dodam.json";
    if (!options.stack_file.empty())
        options.stack_file = std::filesystem::absolute(options.stack_file).string();
    options.state_directory =
        state::StateDirectory::choose(arguments.get("state"), options.stack_file);
    options.runtime = arguments.get("runtime");
    options.backing = arguments.get("backing");
    options.database_url = given("database-url", "DODAM_DATABASE_URL");
    options.cache_url = given("cache-url", "DODAM_CACHE_URL");
    options.durable = arguments.has("durable");
    options.bind = arguments.get("bind");
    for (auto [flag, known] : {std::pair{"runtime", std::string_view("auto docker process")},
                               {"backing", "auto compose given"}}) {
        bool found = false;
        for (auto word : base::split(known, ' '))
            found = found || word == arguments.get(flag);
        if (!found)
            return std::unexpected(
                fmt::format("--{} takes one of: {}", flag, base::replace_all(known, " ", ", ")));
    }
    if (arguments.has("speed")) {
        auto speed = base::parse_double(arguments.get("speed"));
        if (!speed || *speed < 1)
            return std::unexpected(std::string("--speed takes a number of at least 1"));
        options.speed = *speed;
    }
    for (auto [flag, target] : {std::pair{"aws-port", &options.aws_port},
                                {"http-port", &options.http_port},
                                {"https-port", &options.https_port}}) {
        auto number = port(arguments, flag);
        if (!number) return std::unexpected(number.error());
        *target = *number;
    }
    return options;
}

void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// Until a signal comes (true), or nothing was asked for so long; 0 waits for signals only.
bool wait_for_end(const Emulator& emulator, const sigset_t& signals, base::microseconds idle) {
    base::SystemClock clock;
    base::Time busy = clock.now();
    for (uint64_t seen = 0;;) {
        if (::sigtimedwait(&signals, nullptr, &kIdleLook) > 0) return true;
        if (const uint64_t now = emulator.requests_seen(); std::exchange(seen, now) != now)
            busy = clock.now();
        if (idle.count() > 0 && clock.now() - busy > idle) return false;
    }
}

int run_here(const EmulatorOptions& options, base::microseconds idle) {
    // Signals are taken by this thread alone; every thread started from here on inherits the mask.
    sigset_t signals;
    sigemptyset(&signals);
    for (int signal : {SIGINT, SIGTERM, SIGHUP})
        sigaddset(&signals, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();

    EmulatorOptions interruptible = options;
    interruptible.interrupted = [] {
        sigset_t pending;
        sigpending(&pending);
        return sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
               sigismember(&pending, SIGHUP);
    };
    auto emulator = Emulator::start(interruptible, [](const std::string& line) {
        fmt::print("{}\n", line);
        std::fflush(stdout);
    });
    if (!emulator) {
        fmt::print(stderr, "dodam: {}\n", emulator.error().text);
        return emulator.error().exit_code;
    }
    const pid_t pid = ::getpid();
    (*emulator)->on_stop_request([pid] { ::kill(pid, SIGTERM); });
    fmt::print("ready       dodam status shows everything, Ctrl-C stops it\n");
    std::fflush(stdout);
    base::give_back_start_pages();

    if (!wait_for_end(**emulator, signals, idle))
        fmt::print("nobody asked for {}\n", base::show_duration(idle));
    fmt::print("stopping\n");
    std::fflush(stdout);
    // A second Ctrl-C ends it at once; children die with the process.
    ::signal(SIGINT, SIG_DFL);
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    ::pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
    emulator->reset();
    return kOk;
}

std::string tail(const std::string& file, size_t begin) {
    auto text = state::read_file(file).value_or("");
    return text.size() > begin ? text.substr(begin) : std::string();
}

// Starts ourselves again in the background; returns when it answers with the stack applied.
int run_detached(const EmulatorOptions& options, const Arguments& arguments) {
    std::error_code error;
    std::filesystem::create_directories(options.state_directory, error);
    if (error)
        return fail(kNotStarted,
                    fmt::format("cannot make {}: {}", options.state_directory, error.message()));
    if (auto running = state::StateDirectory::running(options.state_directory))
        return fail(kNotStarted,
                    fmt::format("an emulator is already running for {} (pid {}, {})",
                                options.state_directory, running->pid, running->aws_endpoint));
    const std::string log = options.state_directory + "/emulator.log";
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out < 0) return fail(kNotStarted, fmt::format("cannot write {}", log));
    const size_t begin = static_cast<size_t>(::lseek(out, 0, SEEK_END));

    base::ProcessOptions child;
    child.command = {"/proc/self/exe", "up"};
    for (const auto& [name, value] : arguments.values) {
        if (name == "detach") continue;
        child.command.push_back("--" + name);
        if (value != "1" || name == "speed") child.command.push_back(value);
    }
    child.standard_output = child.standard_error = out;
    child.die_with_parent = false;
    child.new_session = true;
    child.command[0] = std::filesystem::read_symlink("/proc/self/exe").string();
    base::Spawner spawner;
    auto process = spawner.spawn(std::move(child));
    ::close(out);
    if (!process) return fail(kNotStarted, process.error());

    base::SystemClock clock;
    const base::Time end = clock.now() + kDetachWait;
    size_t shown = begin;
    auto show_news = [&] {
        std::string news = tail(log, shown);
        auto last_line = news.rfind('\n');
        if (last_line == std::string::npos) return;
        news.resize(last_line + 1);
        shown += news.size();
        fmt::print("{}", news);
        std::fflush(stdout);
    };
    while (clock.now() < end) {
        if (auto code = (*process)->wait(std::chrono::milliseconds(5))) {
            show_news();
            return *code == 0 ? kNotStarted : *code;
        }
        show_news();
        if (tail(log, begin).find("\nready ") != std::string::npos) return kOk;
    }
    return fail(kNotStarted, fmt::format("the emulator is not ready after {} min; see {}",
                                         kDetachWait.count(), log));
}

int up(const Arguments& arguments) {
    auto options = read_options(arguments);
    if (!options) return fail(kWrongInput, options.error());
    base::microseconds idle{0};
    if (arguments.has("until-idle")) {
        const auto parsed = base::parse_duration(arguments.get("until-idle"));
        if (!parsed || parsed->count() <= 0)
            return fail(kWrongInput, "--until-idle takes a duration such as 15m");
        idle = *parsed;
    }
    return arguments.has("detach") ? run_detached(*options, arguments) : run_here(*options, idle);
}

constexpr Flag kFlags[] = {
    {"-f,--file", "FILE",
     "the stack file (default: ./dodam.json if there is one, else an empty stack)"},
    {"--state", "DIR", "where the state is kept (default: .dodam beside the stack file)"},
    {"--runtime", "auto|docker|process",
     "what runs tasks: a Docker engine where one answers (auto), else our own sandbox", "auto"},
    {"--backing", "auto|compose|given",
     "MariaDB and Redis: child processes, Docker Compose services, or servers you have", "auto"},
    {"--database-url", "URL",
     "given: mysql://user:password@host:port/schema (or DODAM_DATABASE_URL)"},
    {"--cache-url", "URL", "given: redis[s]://user:password@host:port (or DODAM_CACHE_URL)"},
    {"--speed", "N", "control loops run N times faster; TTLs do not"},
    {"--aws-port", "N", "AWS APIs, S3, registry, console; 0 = any free port", "4566"},
    {"--http-port", "N", "viewers", "8080"},
    {"--https-port", "N", "viewers in TLS", "8443"},
    {"--bind", "IP", "the address to listen on; leave it alone unless this runs in a container",
     "127.0.0.1"},
    {"--durable", "", "survive a power failure too"},
    {"--until-idle", "DURATION", "stop by itself once nothing was asked for so long"},
    {"--detach", "", "return once it is ready, and stay in the background"},
};

}  // namespace

const Command kUp{
    "up",
    "Start the emulator with the stack of dodam.json",
    "",
    kFlags,
    "  dodam up                        ./dodam.json, or an empty stack\n"
    "  dodam up -f app/dodam.json --detach\n"
    "  dodam up --state /tmp/x --aws-port 0 --http-port 0 --https-port 0 --speed 20\n",
    up};

}  // namespace commands
