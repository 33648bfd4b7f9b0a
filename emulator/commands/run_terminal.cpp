// RunTerminal: the live line and the heartbeat.
#include "commands/run_terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "base/date.h"
#include "scenarios/runner/source.h"

namespace commands {
namespace {

constexpr auto kHeartbeat = base::seconds(10);  // on a pipe, when nothing else was said
constexpr auto kRedraw = std::chrono::milliseconds(500);
constexpr auto kSlow = base::seconds(8);
constexpr size_t kUsualWidth = 80;

size_t width() {
    winsize size{};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col
                                                                            : kUsualWidth;
}

// Cut to the columns that a terminal has: a wrapped live line could not be wiped.
std::string fit(std::string text, size_t columns) {
    if (const size_t end = text.find('\n'); end != std::string::npos) text.resize(end);
    while (scenarios::display_width(text) > columns) {
        size_t end = text.size() - 1;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
            --end;
        text.resize(end);
    }
    return text;
}

}  // namespace

RunTerminal::RunTerminal(Kind kind, scenarios::ReportOptions options, size_t scenarios,
                         base::Clock& clock)
    : kind_(kind),
      options_(std::move(options)),
      scenarios_(scenarios),
      clock_(clock),
      spoken_(clock.real_now()),
      beats_("heartbeat", [this] { beat(); }) {}

RunTerminal::~RunTerminal() {
    {
        std::lock_guard lock(mutex_);
        done_ = true;
    }
    wake_.notify_all();
    beats_.join();
    wipe();
}

void RunTerminal::beat() {
    std::unique_lock lock(mutex_);
    while (!done_) {
        wake_.wait_for(lock, kRedraw);
        if (done_ || running_.empty()) continue;
        if (kind_ == Kind::Live) {
            draw();
        } else if (kind_ == Kind::Plain && clock_.real_now() - spoken_ >= kHeartbeat) {
            fmt::print("  …   {} of {} done; {}\n", ended_, scenarios_, running());
            std::fflush(stdout);
            spoken_ = clock_.real_now();
        }
    }
}

std::string RunTerminal::running() const {
    std::string out;
    for (const auto& [id, each] : running_) {
        const auto since = clock_.real_now() - each.since;
        out += fmt::format("{}{} {:.0f}s{}", out.empty() ? "" : ", ", id,
                           static_cast<double>(since.count()) / 1e6, since > kSlow ? " SLOW" : "");
    }
    return out;
}

void RunTerminal::wipe() {
    if (kind_ != Kind::Live) return;
    fmt::print("\r\x1b[2K");
    std::fflush(stdout);
}

void RunTerminal::draw() {
    if (kind_ != Kind::Live) return;
    const auto found = running_.find(last_);
    const std::string what = running_.size() == 1 && found != running_.end()
                                 ? fmt::format("{}  {}", running(), found->second.line)
                                 : running();
    fmt::print("\r\x1b[2K{}",
               fit(fmt::format("▸ {}/{}  {}", ended_, scenarios_, what), width() - 1));
    std::fflush(stdout);
}

void RunTerminal::begins(const scenarios::Scenario& scenario) {
    std::lock_guard lock(mutex_);
    running_[scenario.id] = {clock_.real_now(), ""};
    last_ = scenario.id;
    draw();
}

void RunTerminal::progress(const scenarios::Scenario& scenario, const std::string& line) {
    std::lock_guard lock(mutex_);
    const auto found = running_.find(scenario.id);
    if (found == running_.end()) return;
    found->second.line = line;
    last_ = scenario.id;
    draw();
}

void RunTerminal::ended(const scenarios::ScenarioResult& result, const scenarios::World& world) {
    std::lock_guard lock(mutex_);
    if (running_.erase(result.scenario->id) > 0) ++ended_;
    if (kind_ == Kind::Silent) return;
    wipe();
    fmt::print("{}", scenarios::show_result(result, world, options_));
    std::fflush(stdout);
    spoken_ = clock_.real_now();
    draw();
}

void RunTerminal::say(const std::string& text) {
    std::lock_guard lock(mutex_);
    if (kind_ == Kind::Silent) return;
    wipe();
    fmt::print("{}", text);
    std::fflush(stdout);
    spoken_ = clock_.real_now();
}

}  // namespace commands
