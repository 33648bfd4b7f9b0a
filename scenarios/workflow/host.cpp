#include "scenarios/workflow/host.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/result.h"
#include "base/text.h"

namespace workflow {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kLook{100};
// GitHub's runner gives 7.5 s and 2.5 s; nobody waits for it here.
constexpr milliseconds kAfterInterrupt{1500}, kAfterTerminate{1000};
constexpr size_t kMaxLineBytes = 64 * 1024;
constexpr milliseconds kForever = std::chrono::hours(24);

class Child final : public Running {
  public:
    explicit Child(std::unique_ptr<base::Process> process) : process_(std::move(process)) {}
    std::optional<int> wait(milliseconds at_most) override { return process_->wait(at_most); }
    void signal(int number) override {
        if (!process_->wait(milliseconds(0))) ::kill(-process_->pid(), number);
    }

  private:
    std::unique_ptr<base::Process> process_;
};

// Lines of one output, the last without its end too.
class Lines {
  public:
    explicit Lines(const std::function<void(std::string_view)>& line) : line_(line) {}
    void feed(std::string_view bytes) {
        rest_ += bytes;
        size_t begin = 0;
        for (size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1)
            tell(std::string_view(rest_).substr(begin, end - begin));
        rest_.erase(0, begin);
        if (rest_.size() > kMaxLineBytes) finish();
    }
    void finish() {
        if (!rest_.empty()) tell(rest_);
        rest_.clear();
    }

  private:
    void tell(std::string_view line) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        line_(line);
    }
    const std::function<void(std::string_view)>& line_;
    std::string rest_;
};

}  // namespace

std::expected<std::unique_ptr<Running>, std::string> OpenHost::start(const Launch& launch) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
        return std::unexpected(std::string("no pipe: ") + strerror(errno));
    base::ProcessOptions options;
    options.command = launch.command;
    options.directory = launch.directory;
    options.environment = launch.environment;
    options.standard_output = options.standard_error = ends[1];
    options.new_session = true;
    auto process = spawner_.spawn(std::move(options));
    ::close(ends[1]);
    if (!process) {
        ::close(ends[0]);
        return std::unexpected(process.error());
    }
    groups_.push_back((*process)->pid());
    auto running = std::make_unique<Child>(std::move(*process));
    running->outputs = {ends[0]};
    return running;
}

OpenHost::~OpenHost() {
    for (pid_t group : groups_)
        ::kill(-group, SIGKILL);
}

std::expected<Ended, std::string> run_to_end(Host& host, const Launch& launch, milliseconds at_most,
                                             const std::atomic<bool>* stop,
                                             const std::function<void(std::string_view)>& line) {
    auto running = TRY(host.start(launch));
    Ended ended;
    const auto begun = Steady::now();
    const auto limit = begun + std::min(at_most, kForever);
    int signals_sent = 0;
    auto next_signal = Steady::time_point::max();
    std::vector<pollfd> waits;
    std::vector<Lines> lines;
    for (int output : running->outputs) {
        waits.push_back({output, POLLIN, 0});
        lines.emplace_back(line);
    }
    std::optional<int> code;
    auto open = [&] {
        return std::any_of(waits.begin(), waits.end(), [](const pollfd& w) { return w.fd >= 0; });
    };
    // The outputs may stay open after the program's end: it left something running.
    while (open() && !code) {
        const auto now = Steady::now();
        const bool over = now >= limit, asked = stop && *stop;
        if ((over || asked) && signals_sent == 0) {
            ended.timed_out = over && !asked;
            ended.interrupted = asked;
            next_signal = now;
        }
        if (now >= next_signal) {
            running->signal(signals_sent == 0 ? SIGINT : signals_sent == 1 ? SIGTERM : SIGKILL);
            next_signal = now + (signals_sent == 0 ? kAfterInterrupt : kAfterTerminate);
            ++signals_sent;
        }
        const int ready = ::poll(waits.data(), waits.size(), static_cast<int>(kLook.count()));
        if (ready == 0) code = running->wait(milliseconds(0));
        for (size_t i = 0; ready > 0 && i < waits.size(); ++i) {
            if (waits[i].fd < 0 || !waits[i].revents) continue;
            char bytes[16 * 1024];
            const ssize_t got = ::read(waits[i].fd, bytes, sizeof bytes);
            if (got > 0) {
                lines[i].feed({bytes, static_cast<size_t>(got)});
            } else {
                lines[i].finish();
                ::close(waits[i].fd);
                waits[i].fd = -1;
            }
        }
    }
    for (size_t i = 0; i < waits.size(); ++i) {
        lines[i].finish();
        if (waits[i].fd >= 0) ::close(waits[i].fd);
    }
    while (!code) {
        code = running->wait(kLook);
        const bool over = Steady::now() >= limit, asked = stop && *stop;
        if (code || !(over || asked)) continue;
        ended.timed_out = ended.timed_out || !asked;
        ended.interrupted = ended.interrupted || asked;
        running->signal(SIGKILL);
    }
    ended.exit_code = *code;
    return ended;
}

}  // namespace workflow
