// The log's writer and the one choke point where secrets are replaced. Masking is by value, with
// the forms in which a value travels: base64 (at any offset inside a longer text) and
// percent-encoded.
#include "base/log.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/date.h"
#include "base/encoding.h"
#include "base/text.h"

namespace base {

namespace {

// The exception to "no mutable globals": a log that must be handed through every call is a log
// nobody writes.
struct LogState {
    std::atomic<LogLevel> level{LogLevel::Info};
    std::mutex mutex;
    std::vector<std::string> secrets;  // longest first: a secret inside another must not split it
};

LogState& state() {
    static LogState instance;
    return instance;
}

std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::Debug: return "debug";
        case LogLevel::Info: return "info";
        case LogLevel::Warning: return "warning";
        case LogLevel::Error: return "error";
    }
    return "?";
}

// The part of a base64 text that is `secret`'s alone when `before` bytes precede it in the group.
std::string base64_core(std::string_view secret, size_t before) {
    std::string encoded = to_base64(std::string(before, '\0') + std::string(secret));
    size_t skip = before == 0 ? 0 : before + 1;
    size_t whole_bits = (before + secret.size()) * 8;
    size_t keep = whole_bits / 6;
    return encoded.substr(skip, keep > skip ? keep - skip : 0);
}

std::string one_line(std::string_view message) {
    std::string out;
    out.reserve(message.size());
    for (char c : message) {
        if (c == '\n')
            out += "\\n";
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            out += ' ';
        else
            out += c;
    }
    return out;
}

}  // namespace

void set_log_level(LogLevel level) {
    state().level = level;
}

void log(LogLevel level, std::string_view part, std::string_view message) {
    if (level < state().level.load(std::memory_order_relaxed)) return;
    std::string line = iso_date_millis(SystemClock().real_now());
    line += ' ';
    line += name_of(level);
    line += ' ';
    line += part;
    line += ": ";
    line += one_line(masked(message));
    line += '\n';
    // One write per line: lines of threads and of children never mix. A closed stderr is not our
    // problem.
    [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

void mask(std::string_view secret) {
    if (secret.size() < kMaskedMinimum) return;
    std::vector<std::string> forms = {std::string(secret), percent_encode(secret)};
    for (size_t before = 0; before < 3; ++before)
        forms.push_back(base64_core(secret, before));
    LogState& log = state();
    std::lock_guard lock(log.mutex);
    for (std::string& form : forms) {
        if (form.size() < kMaskedMinimum) continue;
        if (std::find(log.secrets.begin(), log.secrets.end(), form) == log.secrets.end())
            log.secrets.push_back(std::move(form));
    }
    std::stable_sort(
        log.secrets.begin(), log.secrets.end(),
        [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

std::string masked(std::string_view text) {
    LogState& log = state();
    std::lock_guard lock(log.mutex);
    std::string out(text);
    for (const std::string& secret : log.secrets)
        if (out.find(secret) != std::string::npos) out = replace_all(out, secret, "***");
    return out;
}

}  // namespace base
