// Child processes over Boost.Process, forked by one thread. What happens between fork and exec is
// in ChildSetup: system calls only, since the other threads' locks are frozen there. Ends are
// awaited on pidfds: Boost's own timed waits fork another process.
#include "base/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/env.hpp>
#include <boost/process/environment.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>

#include "base/result.h"
#include "base/text.h"
#include "base/thread.h"

namespace base {

namespace {

namespace bp = boost::process;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr rlim_t kChildOpenFiles = 1024;
constexpr size_t kMostOutputBytes = 16 << 20;

// Owns a descriptor.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() { close(); }
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    int get() const { return number_; }
    bool is_open() const { return number_ >= 0; }
    void close() {
        if (number_ >= 0) ::close(std::exchange(number_, -1));
    }

  private:
    int number_ = -1;
};

int poll_milliseconds(SteadyTime until) {
    auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1 << 30));
}

SteadyTime after(std::chrono::milliseconds wait) {
    // A year stands for "for ever" without overflow.
    return std::chrono::steady_clock::now() +
           std::min<std::chrono::milliseconds>(wait, std::chrono::hours(24 * 365));
}

// Runs in the child between fork and exec. Everything it needs was prepared before the fork.
struct ChildSetup : bp::extend::handler {
    const ProcessOptions& options;
    std::vector<std::pair<int, int>> wiring;  // ours → the child's, 0 to 2 included
    std::vector<int> spare;                   // room for copies above every number in use
    int first_free = 3;
    int null_device;
    pid_t parent = getpid();

    ChildSetup(const ProcessOptions& options, int null_device)
        : options(options), null_device(null_device) {
        int standard[] = {options.standard_input, options.standard_output, options.standard_error};
        for (int i = 0; i < 3; ++i)
            wiring.emplace_back(standard[i] < 0 ? null_device : standard[i], i);
        wiring.insert(wiring.end(), options.descriptors.begin(), options.descriptors.end());
        for (auto [ours, childs] : wiring)
            first_free = std::max({first_free, ours + 1, childs + 1});
        spare.resize(wiring.size());
    }

    template <class Executor>
    void on_exec_setup(Executor& executor) {
        // First copies out of the way, then each to its number: a number may be source and target.
        for (size_t i = 0; i < wiring.size(); ++i)
            spare[i] = fcntl(wiring[i].first, F_DUPFD_CLOEXEC, first_free);
        // All others close at exec, Boost's error pipe among them: it is still needed if exec
        // fails.
        syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
        for (size_t i = 0; i < wiring.size(); ++i)
            if (spare[i] < 0 || dup2(spare[i], wiring[i].second) < 0) fail(executor, "dup2");

        struct sigaction default_action{};
        default_action.sa_handler = SIG_DFL;
        for (int number = 1; number < NSIG; ++number)
            sigaction(number, &default_action, nullptr);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);

        rlimit files{};
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = std::min(kChildOpenFiles, files.rlim_max);
        setrlimit(RLIMIT_NOFILE, &files);

        if (options.new_session) setsid();
        if (!options.directory.empty() && chdir(options.directory.c_str()) != 0)
            fail(executor, "chdir");
        if (options.die_with_parent) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent) _exit(1);  // it ended before the line above
        }
        if (!options.argv0.empty())
            const_cast<char*&>(executor.cmd_line[0]) = const_cast<char*>(options.argv0.c_str());
    }

    template <class Executor>
    void fail(Executor& executor, const char* what) {
        executor.set_error(std::error_code(errno, std::system_category()), what);
        _exit(127);
    }
};

// Children whose Process went away before they ended; the spawner collects them.
struct Orphans {
    std::mutex mutex;
    std::vector<pid_t> pids;

    void reap() {
        std::lock_guard lock(mutex);
        std::erase_if(pids, [](pid_t pid) { return waitpid(pid, nullptr, WNOHANG) != 0; });
    }
};

class ChildProcess final : public Process {
  public:
    ChildProcess(pid_t pid, std::shared_ptr<Orphans> orphans)
        : pid_(pid),
          handle_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))),
          orphans_(std::move(orphans)) {}

    ~ChildProcess() override {
        if (try_reap()) return;
        std::lock_guard lock(orphans_->mutex);
        orphans_->pids.push_back(pid_);
    }

    pid_t pid() const override { return pid_; }
    int handle() const { return handle_.get(); }

    std::optional<int> wait(std::chrono::milliseconds at_most) override {
        SteadyTime until = after(at_most);
        while (true) {
            if (auto code = try_reap()) return code;
            int left = poll_milliseconds(until);
            if (left == 0) return std::nullopt;
            pollfd ready{handle_.get(), POLLIN, 0};
            poll(&ready, 1, left);
        }
    }

    void signal(int number) override {
        std::lock_guard lock(mutex_);
        if (!code_) kill(pid_, number);  // not reaped yet, so the number is still its own
    }

  private:
    std::optional<int> try_reap() {
        std::lock_guard lock(mutex_);
        if (code_) return code_;
        int status = 0;
        if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return code_;
    }

    pid_t pid_;
    Descriptor handle_;  // becomes readable when the child ends
    std::shared_ptr<Orphans> orphans_;
    std::mutex mutex_;
    std::optional<int> code_;
};

// An error says why it cannot run.
std::expected<std::string, std::string> find_executable(const std::string& name) {
    if (name.empty()) return std::unexpected("no command to start");
    if (std::string file = find_program(name); !file.empty()) return file;
    return std::unexpected(
        "cannot start " + name + ": " +
        (name.find('/') == std::string::npos ? "not found in PATH" : std::strerror(errno)));
}

}  // namespace

std::string find_program(const std::string& name, std::string_view path) {
    if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0 ? name : "";
    for (std::string_view directory : split(path, ':')) {
        if (directory.empty()) continue;
        std::string file = std::string(directory) + "/" + name;
        struct stat facts{};
        if (stat(file.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) &&
            access(file.c_str(), X_OK) == 0)
            return file;
    }
    return "";
}

std::string find_program(const std::string& name) {
    const char* path = std::getenv("PATH");
    return find_program(name, path ? path : "/usr/bin:/bin");
}

struct Spawner::Inside {
    struct Request {
        ProcessOptions options;
        std::expected<std::unique_ptr<ChildProcess>, std::string> result;
        bool done = false;
    };

    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Request*> queue;
    bool stopping = false;
    std::shared_ptr<Orphans> orphans = std::make_shared<Orphans>();
    Descriptor null_device{open("/dev/null", O_RDWR | O_CLOEXEC)};
    Thread thread;

    std::expected<std::unique_ptr<ChildProcess>, std::string> spawn(ProcessOptions options) {
        Request request{std::move(options), std::unexpected(std::string()), false};
        std::unique_lock lock(mutex);
        queue.push_back(&request);
        changed.notify_all();
        changed.wait(lock, [&] { return request.done; });
        return std::move(request.result);
    }

    void loop() {
        std::unique_lock lock(mutex);
        while (true) {
            changed.wait(lock, [&] { return stopping || !queue.empty(); });
            if (queue.empty()) return;
            Request* request = queue.front();
            queue.pop_front();
            lock.unlock();
            orphans->reap();
            auto result = start(request->options);
            lock.lock();
            request->result = std::move(result);
            request->done = true;
            changed.notify_all();
        }
    }

    std::expected<std::unique_ptr<ChildProcess>, std::string> start(const ProcessOptions& options) {
        if (options.command.empty()) return std::unexpected("no command to start");
        std::string path = TRY(find_executable(options.command[0]));
        if (!options.directory.empty() && access(options.directory.c_str(), X_OK) != 0)
            return std::unexpected("cannot start " + path + " in " + options.directory + ": " +
                                   std::strerror(errno));
        std::vector<std::string> arguments(options.command.begin() + 1, options.command.end());
        std::error_code failure;
        bp::child child;
        ChildSetup setup(options, null_device.get());
        if (options.environment) {
            bp::environment environment;
            for (const auto& [name, value] : *options.environment)
                environment.set(name, value);  // operator[] reads past the ends of shorter ones
            child = bp::child(bp::exe = path, bp::args = arguments, bp::env = environment, setup,
                              failure);
        } else {
            child = bp::child(bp::exe = path, bp::args = arguments, setup, failure);
        }
        if (failure) return std::unexpected("cannot start " + path + ": " + failure.message());
        pid_t pid = child.id();
        child.detach();
        return std::make_unique<ChildProcess>(pid, orphans);
    }
};

Spawner::Spawner() : inside_(std::make_unique<Inside>()) {
    inside_->thread = Thread("spawner", [inside = inside_.get()] { inside->loop(); });
}

Spawner::~Spawner() {
    {
        std::lock_guard lock(inside_->mutex);
        inside_->stopping = true;
        inside_->changed.notify_all();
    }
    inside_->thread.join();
}

std::expected<std::unique_ptr<Process>, std::string> Spawner::spawn(ProcessOptions options) {
    return inside_->spawn(std::move(options));
}

namespace {

struct Pipe {
    Descriptor read, write;
};

std::expected<Pipe, std::string> make_pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return std::unexpected(std::string("cannot make a pipe: ") + std::strerror(errno));
    return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

void make_nonblocking(const Descriptor& end) {
    fcntl(end.get(), F_SETFL, O_NONBLOCK);
}

// Takes what is there; closes the end at its end.
void drain(Descriptor& from, std::string& into) {
    char buffer[16384];
    while (from.is_open()) {
        ssize_t got = read(from.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) return from.close();
        into.append(buffer, std::min(static_cast<size_t>(got), kMostOutputBytes - into.size()));
    }
}

// Writes to a child that may have closed its input must not raise SIGPIPE in us.
class NoBrokenPipeSignal {
  public:
    NoBrokenPipeSignal() {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~NoBrokenPipeSignal() {
        timespec now{};
        if (!sigismember(&before_, SIGPIPE))
            while (sigtimedwait(&pipe_, nullptr, &now) > 0)
                continue;
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

  private:
    sigset_t pipe_, before_;
};

void feed(Descriptor& to, std::string_view& input) {
    while (to.is_open() && !input.empty()) {
        ssize_t put = write(to.get(), input.data(), input.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && errno == EAGAIN) return;
        if (put < 0) return to.close();
        input.remove_prefix(static_cast<size_t>(put));
    }
    to.close();
}

}  // namespace

std::expected<Finished, std::string> run(Spawner& spawner, ProcessOptions options,
                                         std::chrono::milliseconds at_most,
                                         std::string_view input) {
    Pipe in, out = TRY(make_pipe()), error = TRY(make_pipe());
    options.standard_output = out.write.get();
    options.standard_error = error.write.get();
    if (!input.empty()) {
        in = TRY(make_pipe());
        options.standard_input = in.read.get();
        make_nonblocking(in.write);
    }
    make_nonblocking(out.read);
    make_nonblocking(error.read);
    auto process = TRY(spawner.inside_->spawn(std::move(options)));
    for (Pipe* pipe : {&out, &error})
        pipe->write.close();
    in.read.close();

    NoBrokenPipeSignal guard;
    SteadyTime until = after(at_most);
    Finished finished;
    bool ended = false;
    while (!ended) {
        pollfd ready[] = {{process->handle(), POLLIN, 0},
                          {out.read.get(), POLLIN, 0},
                          {error.read.get(), POLLIN, 0},
                          {in.write.get(), POLLOUT, 0}};  // -1 is skipped by poll
        int left = poll_milliseconds(until);
        if (left == 0) {
            finished.timed_out = true;
            process->signal(SIGKILL);
            process->wait(std::chrono::seconds(10));
        } else {
            poll(ready, std::size(ready), left);
        }
        // The child's end counts, not the pipes': a grandchild may hold them open for ever.
        ended = finished.timed_out || (ready[0].revents != 0);
        feed(in.write, input);
        drain(out.read, finished.output);
        drain(error.read, finished.error);
    }
    finished.exit_code = process->wait(std::chrono::seconds(10)).value_or(-1);
    return finished;
}

void raise_descriptor_limit() {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace base
